//===- UnaryOps.cpp - functions of one tensor ----------------- -*- C++ -*-===//
//
// Part of the awq-mlir project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "UnaryOps.h"

#include "mlir/Dialect/Math/IR/Math.h"

#include <limits>

using namespace mlir;
using namespace awq;
using namespace awq::onnx;

Status onnx::mapUnary(OpContext &op, Emitter::Body body, bool allowIntegers) {
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

static Status isInf(OpContext &op) {
  Tensor &x = op.input(0);
  bool negative = op.getInt("detect_negative", 1) != 0;
  bool positive = op.getInt("detect_positive", 1) != 0;
  if (op.ok() && !isFloat(x.type))
    return op.invalid("input 0 is a tensor of " + io::name(x.type));
  return op.set(op.e.map(
      {x}, OnnxType::Bool,
      [&](ImplicitLocOpBuilder &b, ValueRange in) -> Value {
        Type type = in[0].getType();
        double infinity = std::numeric_limits<double>::infinity();
        Value result = arith::ConstantOp::create(b, b.getBoolAttr(false));
        auto find = [&](double number) {
          Value isIt =
              arith::CmpFOp::create(b, arith::CmpFPredicate::OEQ, in[0],
                                    constantElement(b, type, number));
          result = arith::OrIOp::create(b, result, isIt);
        };
        if (negative)
          find(-infinity);
        if (positive)
          find(infinity);
        return result;
      }));
}

static Status sign(OpContext &op) {
  bool noSign = isUnsigned(op.input(0).type);
  return mapUnary(
      op,
      [&](ImplicitLocOpBuilder &b, ValueRange in) -> Value {
        Type type = in[0].getType();
        auto number = [&](double value) {
          return constantElement(b, type, value);
        };
        Value isMore, isLess;
        if (isa<FloatType>(type)) {
          isMore = arith::CmpFOp::create(b, arith::CmpFPredicate::OGT, in[0],
                                         number(0));
          isLess = arith::CmpFOp::create(b, arith::CmpFPredicate::OLT, in[0],
                                         number(0));
        } else {
          isMore = arith::CmpIOp::create(
              b, noSign ? arith::CmpIPredicate::ugt : arith::CmpIPredicate::sgt,
              in[0], number(0));
          isLess = arith::CmpIOp::create(
              b, noSign ? arith::CmpIPredicate::ult : arith::CmpIPredicate::slt,
              in[0], number(0));
        }
        // 0 and no number at all stay what they are.
        Value rest = arith::SelectOp::create(b, isLess, number(-1), in[0]);
        return arith::SelectOp::create(b, isMore, number(1), rest);
      },
      true);
}

static Status bitwiseNot(OpContext &op) {
  Tensor &x = op.input(0);
  if (op.ok() && (!isInteger(x.type) || x.type == OnnxType::Bool))
    return op.invalid("input 0 is a tensor of " + io::name(x.type));
  return mapUnary(
      op,
      [](ImplicitLocOpBuilder &b, ValueRange in) -> Value {
        Value ones = constantElement(b, in[0].getType(), -1);
        return arith::XOrIOp::create(b, in[0], ones);
      },
      true);
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
      {"Acos", mathUnary<math::AcosOp>, 7},
      {"Acosh", mathUnary<math::AcoshOp>, 9},
      {"Asin", mathUnary<math::AsinOp>, 7},
      {"Asinh", mathUnary<math::AsinhOp>, 9},
      {"Atan", mathUnary<math::AtanOp>, 7},
      {"Atanh", mathUnary<math::AtanhOp>, 9},
      {"BitwiseNot", bitwiseNot, 18},
      {"Cast", cast, 6},
      {"CastLike", cast, 15},
      {"Ceil", mathUnary<math::CeilOp>, 6},
      {"Cos", mathUnary<math::CosOp>, 7},
      {"Cosh", mathUnary<math::CoshOp>, 9},
      {"Erf", mathUnary<math::ErfOp>, 9},
      {"Exp", mathUnary<math::ExpOp>, 6},
      {"Floor", mathUnary<math::FloorOp>, 6},
      {"Identity", identity},
      {"IsInf", isInf, 10},
      {"IsNaN", isNaN, 9},
      {"Log", mathUnary<math::LogOp>, 6},
      {"Neg", neg, 6},
      {"Not", logicalNot},
      {"Reciprocal", reciprocal, 6},
      {"Round", mathUnary<math::RoundEvenOp>, 11},
      {"Sign", sign, 9},
      {"Sin", mathUnary<math::SinOp>, 7},
      {"Sinh", mathUnary<math::SinhOp>, 9},
      {"Sqrt", mathUnary<math::SqrtOp>, 6},
      {"Tan", mathUnary<math::TanOp>, 7},
      {"Tanh", mathUnary<math::TanhOp>, 6},
  };
  return entries;
}
