//===- NormOps.cpp - norms -------------------------------- -*- C++ -*-===//
//
// Part of the awq-mlir project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "NormOps.h"
#include "OpContext.h"

#include "mlir/Dialect/Math/IR/Math.h"

using namespace mlir;
using namespace awq;
using namespace awq::onnx;

static OnnxType widest(OnnxType type) {
  return type == OnnxType::F64 ? type : OnnxType::F32;
}

static std::vector<int64_t> axesFrom(int64_t axis, int64_t rank) {
  std::vector<int64_t> axes;
  for (int64_t i = axis; i < rank; ++i)
    axes.push_back(i);
  return axes;
}

/// 1 / sqrt(variance + epsilon).
static Tensor inverseRoot(Emitter &e, const Tensor &variance, double epsilon) {
  return e.map(
      {variance}, variance.type,
      [&](ImplicitLocOpBuilder &b, ValueRange in) -> Value {
        Type type = in[0].getType();
        Value shift =
            arith::ConstantOp::create(b, b.getFloatAttr(type, epsilon));
        return math::RsqrtOp::create(b, arith::AddFOp::create(b, in[0], shift));
      });
}

Tensor onnx::normalizeRMS(Emitter &e, const Tensor &x, int64_t axis,
                          double epsilon) {
  OnnxType wide = widest(x.type);
  Tensor input = e.cast(x, wide);
  Tensor squares =
      e.map({input}, wide, [](ImplicitLocOpBuilder &b, ValueRange in) -> Value {
        return arith::MulFOp::create(b, in[0], in[0]);
      });
  Tensor mean = e.mean(squares, axesFrom(axis, x.rank()));
  return e.multiply(input, inverseRoot(e, mean, epsilon));
}

Normalized onnx::normalizeLayer(Emitter &e, const Tensor &x, int64_t axis,
                                double epsilon) {
  OnnxType wide = widest(x.type);
  Tensor input = e.cast(x, wide);
  std::vector<int64_t> axes = axesFrom(axis, x.rank());
  Tensor mean = e.mean(input, axes);
  Tensor centered = e.subtract(input, mean);
  Tensor squares = e.map({centered}, wide,
                         [](ImplicitLocOpBuilder &b, ValueRange in) -> Value {
                           return arith::MulFOp::create(b, in[0], in[0]);
                         });
  Tensor factor = inverseRoot(e, e.mean(squares, axes), epsilon);
  return {e.multiply(centered, factor), mean, factor};
}

/// Axis and epsilon, after checking that all inputs are floats.
static int64_t prepare(OpContext &op) {
  Tensor &x = op.input(0);
  int64_t axis = op.axis(op.getInt("axis", -1), x.rank());
  for (size_t i = 0; i < op.inputs.size(); ++i)
    if (op.has(i) && op.ok() && !isFloat(op.inputs[i].type))
      op.note(op.invalid("input " + Twine(i) + " is a tensor of " +
                         io::name(op.inputs[i].type)));
  if (op.ok() && op.has(1) && !op.e.broadcast({x.shape, op.inputs[1].shape}))
    op.note(op.invalid("a scale that cannot be broadcast to the input"));
  return axis;
}

static Status rmsNormalization(OpContext &op) {
  int64_t axis = prepare(op);
  double epsilon = op.getFloat("epsilon", 1e-5);
  Tensor scale = op.input(1);
  if (!op.ok())
    return op.status();
  Tensor x = op.inputs[0];
  Tensor normal = normalizeRMS(op.e, x, axis, epsilon);
  // The scale multiplies in its own type, which is the result's.
  Tensor result = op.e.multiply(normal, op.e.cast(scale, normal.type));
  return op.set(op.e.cast(result, scale.type));
}

static Status layerNormalization(OpContext &op) {
  int64_t axis = prepare(op);
  double epsilon = op.getFloat("epsilon", 1e-5);
  Tensor scale = op.input(1);
  if (!op.ok())
    return op.status();
  Normalized normal = normalizeLayer(op.e, op.inputs[0], axis, epsilon);
  Tensor result =
      op.e.multiply(normal.result, op.e.cast(scale, normal.result.type));
  if (op.has(2))
    result = op.e.add(result, op.e.cast(op.inputs[2], result.type));
  op.put(op.e.cast(result, op.inputs[0].type), 0);
  if (op.wants(1))
    op.put(normal.mean, 1);
  if (op.wants(2))
    op.put(normal.inverseDeviation, 2);
  return op.status();
}

ArrayRef<OpEntry> onnx::normOps() {
  static const OpEntry entries[] = {
      {"LayerNormalization", layerNormalization, 17},
      {"RMSNormalization", rmsNormalization, 23},
  };
  return entries;
}
