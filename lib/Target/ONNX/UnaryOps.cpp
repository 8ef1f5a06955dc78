//===- UnaryOps.cpp - functions of one tensor ----------------- -*- C++ -*-===//
//
// Part of the awq-mlir project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "OpContext.h"

#include "mlir/Dialect/Math/IR/Math.h"

using namespace mlir;
using namespace awq;
using namespace awq::onnx;

/// Numbers only: floats, and integers where the op allows them.
static Status mapUnary(OpContext &op, Emitter::Body body,
                       bool allowIntegers = false) {
  Tensor &x = op.input(0);
  if (!op.ok())
    return op.status();
  if (!isFloat(x.type) && !(allowIntegers && isInteger(x.type)))
    return op.invalid("input 0 is a tensor of " + io::name(x.type));
  return op.set(op.e.map({x}, x.type, body));
}

template <typename Op>
static Status mathUnary(OpContext &op) {
  return mapUnary(op, [](ImplicitLocOpBuilder &b, ValueRange in) -> Value {
    return Op::create(b, in[0]);
  });
}

static Status neg(OpContext &op) {
  Tensor &x = op.input(0);
  if (x.elements && x.type == OnnxType::I64) {
    std::vector<DimExpr> negated;
    for (const DimExpr &element : *x.elements)
      negated.push_back(DimExpr(0) - element);
    return op.set(op.e.fromElements(x.type, x.shape, std::move(negated)));
  }
  return mapUnary(
      op,
      [](ImplicitLocOpBuilder &b, ValueRange in) -> Value {
        if (isa<FloatType>(in[0].getType()))
          return arith::NegFOp::create(b, in[0]);
        return arith::SubIOp::create(b, constantElement(b, in[0].getType(), 0),
                                     in[0]);
      },
      true);
}

static Status absolute(OpContext &op) {
  bool isUnsignedInput = isUnsigned(op.input(0).type);
  return mapUnary(
      op,
      [&](ImplicitLocOpBuilder &b, ValueRange in) -> Value {
        if (isa<FloatType>(in[0].getType()))
          return math::AbsFOp::create(b, in[0]);
        if (isUnsignedInput)
          return in[0];
        return math::AbsIOp::create(b, in[0]);
      },
      true);
}

static Status reciprocal(OpContext &op) {
  return mapUnary(op, [](ImplicitLocOpBuilder &b, ValueRange in) -> Value {
    return arith::DivFOp::create(b, constantElement(b, in[0].getType(), 1.0),
                                 in[0]);
  });
}

static Value sigmoidOf(ImplicitLocOpBuilder &b, Value x) {
  Value one = constantElement(b, x.getType(), 1.0);
  Value power = math::ExpOp::create(b, arith::NegFOp::create(b, x));
  return arith::DivFOp::create(b, one, arith::AddFOp::create(b, one, power));
}

static Status sigmoid(OpContext &op) {
  return mapUnary(op, [](ImplicitLocOpBuilder &b, ValueRange in) {
    return sigmoidOf(b, in[0]);
  });
}

/// x * sigmoid(alpha * x).
static Tensor swishOf(OpContext &op, const Tensor &x) {
  double alpha = op.getFloat("alpha", 1.0);
  return op.e.map(
      {x}, x.type, [&](ImplicitLocOpBuilder &b, ValueRange in) -> Value {
        Value scaled = in[0];
        if (alpha != 1.0)
          scaled = arith::MulFOp::create(
              b, scaled, constantElement(b, scaled.getType(), alpha));
        return arith::MulFOp::create(b, in[0], sigmoidOf(b, scaled));
      });
}

static Status swish(OpContext &op) {
  Tensor &x = op.input(0);
  if (op.ok() && !isFloat(x.type))
    return op.invalid("input 0 is a tensor of " + io::name(x.type));
  return op.set(swishOf(op, x));
}

static Status swiGLU(OpContext &op) {
  Tensor gate = op.input(0), up = op.input(1);
  if (op.ok() && (!isFloat(gate.type) || up.type != gate.type))
    return op.invalid("inputs of " + io::name(gate.type) + " and " +
                      io::name(up.type));
  if (op.ok() && !op.e.broadcast({gate.shape, up.shape}))
    return op.invalid("inputs of different shapes");
  if (!op.ok())
    return op.status();
  return op.set(op.e.multiply(swishOf(op, gate), up));
}

static Value geluOf(ImplicitLocOpBuilder &b, Value x) {
  Type type = x.getType();
  Value scaled = arith::MulFOp::create(
      b, x, constantElement(b, type, 0.70710678118654752440));
  Value sum = arith::AddFOp::create(b, math::ErfOp::create(b, scaled),
                                    constantElement(b, type, 1.0));
  Value half = arith::MulFOp::create(b, x, constantElement(b, type, 0.5));
  return arith::MulFOp::create(b, half, sum);
}

static Value geluTanhOf(ImplicitLocOpBuilder &b, Value x) {
  Type type = x.getType();
  Value cube = arith::MulFOp::create(b, arith::MulFOp::create(b, x, x), x);
  Value inner = arith::AddFOp::create(
      b, x, arith::MulFOp::create(b, cube, constantElement(b, type, 0.044715)));
  inner = arith::MulFOp::create(
      b, inner, constantElement(b, type, 0.79788456080286535588));
  Value sum = arith::AddFOp::create(b, math::TanhOp::create(b, inner),
                                    constantElement(b, type, 1.0));
  Value half = arith::MulFOp::create(b, x, constantElement(b, type, 0.5));
  return arith::MulFOp::create(b, half, sum);
}

static Status gelu(OpContext &op) {
  std::string kind = op.getString("approximate", "none");
  if (kind != "none" && kind != "tanh")
    return op.invalid("attribute 'approximate' is '" + kind + "'");
  return mapUnary(op, [&](ImplicitLocOpBuilder &b, ValueRange in) {
    return kind == "tanh" ? geluTanhOf(b, in[0]) : geluOf(b, in[0]);
  });
}

static Status relu(OpContext &op) {
  bool isUnsignedInput = isUnsigned(op.input(0).type);
  return mapUnary(
      op,
      [&](ImplicitLocOpBuilder &b, ValueRange in) -> Value {
        Value zero = constantElement(b, in[0].getType(), 0.0);
        if (isa<FloatType>(in[0].getType()))
          return arith::MaximumFOp::create(b, in[0], zero);
        if (isUnsignedInput)
          return in[0];
        return arith::MaxSIOp::create(b, in[0], zero);
      },
      true);
}

static Status isNaN(OpContext &op) {
  Tensor &x = op.input(0);
  if (op.ok() && !isFloat(x.type))
    return op.invalid("input 0 is a tensor of " + io::name(x.type));
  return op.set(op.e.map({x}, OnnxType::Bool,
                         [](ImplicitLocOpBuilder &b, ValueRange in) -> Value {
                           return arith::CmpFOp::create(
                               b, arith::CmpFPredicate::UNO, in[0], in[0]);
                         }));
}

static Status logicalNot(OpContext &op) {
  Tensor &x = op.input(0);
  if (op.ok() && x.type != OnnxType::Bool)
    return op.invalid("input 0 is a tensor of " + io::name(x.type));
  if (x.elements) {
    std::vector<DimExpr> inverted;
    for (const DimExpr &element : *x.elements)
      inverted.push_back(DimExpr(1) - element);
    return op.set(op.e.fromElements(x.type, x.shape, std::move(inverted)));
  }
  return op.set(op.e.map({x}, OnnxType::Bool,
                         [](ImplicitLocOpBuilder &b, ValueRange in) -> Value {
                           return arith::XOrIOp::create(
                               b, in[0], constantElement(b, b.getI1Type(), 1));
                         }));
}

static Status cast(OpContext &op) {
  auto type = static_cast<OnnxType>(op.getInt("to", 0));
  if (op.node.opType == "CastLike")
    type = op.input(1).type;
  Tensor &x = op.input(0);
  if (!op.ok())
    return op.status();
  if (!op.e.elementType(type) || !op.e.elementType(x.type))
    return op.unsupported("a cast from " + io::name(x.type) + " to " +
                          io::name(type));
  return op.set(op.e.cast(x, type));
}

static Status identity(OpContext &op) { return op.set(op.input(0)); }

ArrayRef<OpEntry> onnx::unaryOps() {
  static const OpEntry entries[] = {
      {"Abs", absolute, 6},
      {"Cast", cast, 6},
      {"CastLike", cast, 15},
      {"Ceil", mathUnary<math::CeilOp>, 6},
      {"Cos", mathUnary<math::CosOp>, 7},
      {"Erf", mathUnary<math::ErfOp>, 9},
      {"Exp", mathUnary<math::ExpOp>, 6},
      {"Floor", mathUnary<math::FloorOp>, 6},
      {"Gelu", gelu, 20},
      {"Identity", identity},
      {"IsNaN", isNaN, 9},
      {"Log", mathUnary<math::LogOp>, 6},
      {"Neg", neg, 6},
      {"Not", logicalNot},
      {"Reciprocal", reciprocal, 6},
      {"Relu", relu, 6},
      {"Round", mathUnary<math::RoundEvenOp>, 11},
      {"Sigmoid", sigmoid, 6},
      {"Sin", mathUnary<math::SinOp>, 7},
      {"Sqrt", mathUnary<math::SqrtOp>, 6},
      {"SwiGLU", swiGLU, 28},
      {"Swish", swish, 24},
      {"Tanh", mathUnary<math::TanhOp>, 6},
  };
  return entries;
}
