//===- ConstantOps.cpp - operators without tensors for input -*- C++ -*-===//
//
// Part of the awq-mlir project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Constants.h"
#include "OpContext.h"

#include "mlir/Dialect/Math/IR/Math.h"

using namespace mlir;
using namespace awq;
using namespace awq::onnx;

static Status constantOp(OpContext &op) {
  int values = 0;
  for (StringRef name :
       {"value", "value_float", "value_int", "value_floats", "value_ints",
        "value_string", "value_strings", "sparse_value"})
    values += op.hasAttribute(name);
  if (values != 1)
    return op.invalid("a constant with " + Twine(values) + " values");
  if (op.hasAttribute("value_float"))
    return op.set(op.e.scalar(OnnxType::F32, op.getFloat("value_float", 0.0)));
  if (op.hasAttribute("value_int"))
    return op.set(
        op.e.fromElements(OnnxType::I64, {}, {op.getInt("value_int", 0)}));
  if (op.hasAttribute("value_ints")) {
    std::vector<DimExpr> elements;
    for (int64_t number : op.getInts("value_ints"))
      elements.push_back(number);
    Shape shape = {DimExpr(elements.size())};
    return op.set(op.e.fromElements(OnnxType::I64, shape, std::move(elements)));
  }
  if (const io::OnnxAttribute *floats = op.node.find("value_floats")) {
    auto type = RankedTensorType::get({int64_t(floats->floats.size())},
                                      op.e.b.getF32Type());
    return op.set(op.e.fromConstant(
        OnnxType::F32,
        DenseElementsAttr::get(type, ArrayRef<float>(floats->floats))));
  }
  const io::OnnxAttribute *value = op.node.find("value");
  if (!value || value->tensors.empty())
    return op.unsupported("a constant that is a string or sparse");
  Result<Tensor> tensor = makeConstant(op.e, value->tensors.front());
  if (!tensor)
    return op.unsupported(tensor.error().message);
  return op.set(*tensor);
}

static Status constantOfShape(OpContext &op) {
  std::vector<DimExpr> sizes = op.sizes(0);
  Shape shape(sizes.begin(), sizes.end());
  Tensor element = op.e.scalar(OnnxType::F32, 0.0);
  if (const io::OnnxAttribute *value = op.node.find("value")) {
    if (value->tensors.empty() || value->tensors.front().elementCount() != 1)
      return op.invalid("'value' must be a tensor of one element");
    Result<Tensor> tensor = makeConstant(op.e, value->tensors.front());
    if (!tensor)
      return op.unsupported(tensor.error().message);
    element = *tensor;
  }
  if (!op.ok())
    return op.status();
  Tensor scalar = op.e.reshape(element, {});
  std::optional<int64_t> count = countElements(shape);
  if (count && *count <= 256)
    return op.set(op.e.expand(scalar, std::move(shape)));
  return op.set(op.e.full(element.type, std::move(shape), scalar));
}

/// max(ceil((limit - start) / step), 0), counted at run time if it has to be.
static DimExpr countSteps(OpContext &op) {
  auto first = Emitter::splat(op.inputs[0]),
       last = Emitter::splat(op.inputs[1]), by = Emitter::splat(op.inputs[2]);
  constexpr double most = int64_t(1) << 48;
  if (first && last && by) {
    double count = std::ceil((*last - *first) / *by);
    // The comparison is false for no number at all, too.
    return count > 0.0 ? int64_t(std::min(count, most)) : 0;
  }
  auto wide = [&](size_t index) {
    return op.e.cast(op.e.reshape(op.inputs[index], {}), OnnxType::F64);
  };
  Tensor count = op.e.map(
      {wide(0), wide(1), wide(2)}, OnnxType::I64,
      [&](ImplicitLocOpBuilder &b, ValueRange in) -> Value {
        Value zero = constantElement(b, b.getF64Type(), 0.0);
        Value span = arith::SubFOp::create(b, in[1], in[0]);
        Value steps =
            math::CeilOp::create(b, arith::DivFOp::create(b, span, in[2]));
        Value isSome =
            arith::CmpFOp::create(b, arith::CmpFPredicate::OGT, steps, zero);
        steps = arith::SelectOp::create(b, isSome, steps, zero);
        steps = arith::MinimumFOp::create(
            b, steps, constantElement(b, b.getF64Type(), most));
        return arith::FPToSIOp::create(b, b.getI64Type(), steps);
      });
  return op.e.dims.max(op.e.elements(count)->front(), 0);
}

static Status rangeOfFloats(OpContext &op) {
  OnnxType type = op.inputs[0].type;
  DimExpr count = countSteps(op);
  Tensor places = op.e.generate(
      OnnxType::I64, {count}, [](ImplicitLocOpBuilder &b, ValueRange at) {
        return arith::IndexCastOp::create(b, b.getI64Type(), at[0]);
      });
  // 16 bits would lose count.
  OnnxType wide = sumType(type);
  auto widened = [&](size_t index) {
    return op.e.cast(op.e.reshape(op.inputs[index], {}), wide);
  };
  Tensor scaled = op.e.multiply(op.e.cast(places, wide), widened(2));
  return op.set(op.e.cast(op.e.add(scaled, widened(0)), type));
}

static Status range(OpContext &op) {
  Tensor &start = op.input(0), &limit = op.input(1), &step = op.input(2);
  if (!op.ok())
    return op.status();
  if (start.type != limit.type || start.type != step.type)
    return op.invalid("inputs of different types");
  for (const Tensor &input : op.inputs)
    if (countElements(input.shape) != 1)
      return op.invalid("an input that is no scalar");
  if (isFloat(start.type))
    return rangeOfFloats(op);
  std::vector<DimExpr> first = op.sizes(0), last = op.sizes(1),
                       by = op.sizes(2);
  if (!op.ok())
    return op.status();
  if (by[0].is(0))
    return op.invalid("a step of 0");
  DimExpr span = last[0] - first[0];
  if (!by[0].is(1))
    // Rounded up.
    span = DimExpr(0) - op.e.dims.floorDiv(DimExpr(0) - span, by[0]);
  DimExpr count = op.e.dims.max(span, 0);
  if (count.constant() && *count.constant() <= 64) {
    std::vector<DimExpr> elements;
    for (int64_t i = 0; i < *count.constant(); ++i)
      elements.push_back(first[0] + by[0] * DimExpr(i));
    return op.set(op.e.fromElements(start.type, {count}, std::move(elements)));
  }
  Value begin = op.e.dims.materialize(first[0]);
  Value delta = op.e.dims.materialize(by[0]);
  Type element = op.e.elementType(start.type);
  bool isUnit = by[0].is(1), isZero = first[0].is(0);
  return op.set(
      op.e.generate(start.type, {count},
                    [&](ImplicitLocOpBuilder &b, ValueRange at) -> Value {
                      Value place = at[0];
                      if (!isUnit)
                        place = arith::MulIOp::create(b, place, delta);
                      if (!isZero)
                        place = arith::AddIOp::create(b, place, begin);
                      return arith::IndexCastOp::create(b, element, place);
                    }));
}

static Status eyeLike(OpContext &op) {
  Tensor &like = op.input(0);
  if (op.ok() && like.rank() != 2)
    return op.invalid("input 0 has rank " + Twine(like.rank()));
  auto type = static_cast<OnnxType>(op.getInt("dtype", int64_t(like.type)));
  int64_t diagonal = op.getInt("k", 0);
  if (!op.ok() || !op.e.elementType(type))
    return op.ok() ? op.unsupported("a result of " + io::name(type))
                   : op.status();
  Tensor isOne = op.e.generate(
      OnnxType::Bool, like.shape,
      [&](ImplicitLocOpBuilder &b, ValueRange at) -> Value {
        Value shifted = arith::AddIOp::create(
            b, at[0], arith::ConstantIndexOp::create(b, diagonal));
        return arith::CmpIOp::create(b, arith::CmpIPredicate::eq, shifted,
                                     at[1]);
      });
  return op.set(op.e.cast(isOne, type));
}

ArrayRef<OpEntry> onnx::constantOps() {
  static const OpEntry entries[] = {
      {"Constant", constantOp, 1, kNewestOpset, "",
       "no strings, no sparse tensors"},
      {"ConstantOfShape", constantOfShape, 9},
      {"EyeLike", eyeLike, 9},
      {"Range", range, 11},
  };
  return entries;
}
