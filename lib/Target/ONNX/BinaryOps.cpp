//===- BinaryOps.cpp - arithmetic of two tensors -------------- -*- C++ -*-===//
//
// Part of the awq-mlir project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "BinaryOps.h"

#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/IR/Matchers.h"

using namespace mlir;
using namespace awq;
using namespace awq::onnx;

std::optional<Tensor> onnx::foldBinary(OpContext &op, const Tensor &a,
                                       const Tensor &b, OnnxType type,
                                       ElementFold fold) {
  if (!a.elements || !b.elements || !fold)
    return std::nullopt;
  // Narrow types wrap around, which sizes never do.
  if (a.type != OnnxType::I64 && a.type != OnnxType::I32 &&
      a.type != OnnxType::Bool)
    return std::nullopt;
  std::optional<Shape> shape = op.e.broadcast({a.shape, b.shape});
  std::optional<int64_t> count = shape ? countElements(*shape) : std::nullopt;
  if (!count || *count > 256)
    return std::nullopt;
  auto expanded = [&](const Tensor &tensor) -> std::optional<Tensor> {
    if (int64_t(tensor.elements->size()) == *count ||
        tensor.elements->size() == 1)
      return tensor;
    return std::nullopt;
  };
  if (!expanded(a) || !expanded(b))
    return std::nullopt;
  std::vector<DimExpr> results;
  for (int64_t i = 0; i < *count; ++i) {
    auto pick = [&](const Tensor &tensor) -> const DimExpr & {
      return (*tensor.elements)[tensor.elements->size() == 1 ? 0 : i];
    };
    std::optional<DimExpr> result = fold(op.e.dims, pick(a), pick(b));
    if (!result)
      return std::nullopt;
    auto number = result->constant();
    if (number && a.type == OnnxType::I32 && *number != int32_t(*number))
      return std::nullopt;
    results.push_back(*result);
  }
  return op.e.fromElements(type, *shape, std::move(results));
}

Status onnx::checkBinary(OpContext &op) {
  Tensor &a = op.input(0), &b = op.input(1);
  if (!op.ok())
    return op.status();
  if (a.type != b.type)
    return op.invalid("inputs of " + io::name(a.type) + " and " +
                      io::name(b.type));
  if (!op.e.elementType(a.type))
    return op.unsupported("inputs of " + io::name(a.type));
  if (!op.e.broadcast({a.shape, b.shape}))
    return op.invalid("inputs whose shapes cannot be broadcast");
  return {};
}

template <typename FloatOp, typename SignedOp, typename UnsignedOp>
static Status arithmetic(OpContext &op, ElementFold fold) {
  if (Status status = checkBinary(op); !status)
    return status;
  Tensor &a = op.inputs[0], &b = op.inputs[1];
  if (a.type == OnnxType::Bool)
    return op.invalid("inputs of BOOL");
  if (auto folded = foldBinary(op, a, b, a.type, fold))
    return op.set(*folded);
  bool noSign = isUnsigned(a.type);
  return op.set(
      op.e.map({a, b}, a.type,
               [&](ImplicitLocOpBuilder &nested, ValueRange in) -> Value {
                 if (isa<FloatType>(in[0].getType()))
                   return FloatOp::create(nested, in[0], in[1]);
                 if (noSign)
                   return UnsignedOp::create(nested, in[0], in[1]);
                 return SignedOp::create(nested, in[0], in[1]);
               }));
}

static Status add(OpContext &op) {
  return arithmetic<arith::AddFOp, arith::AddIOp, arith::AddIOp>(
      op, [](DimContext &, const DimExpr &a, const DimExpr &b) {
        return std::optional(a + b);
      });
}

static Status sub(OpContext &op) {
  return arithmetic<arith::SubFOp, arith::SubIOp, arith::SubIOp>(
      op, [](DimContext &, const DimExpr &a, const DimExpr &b) {
        return std::optional(a - b);
      });
}

static Status mul(OpContext &op) {
  return arithmetic<arith::MulFOp, arith::MulIOp, arith::MulIOp>(
      op, [](DimContext &, const DimExpr &a, const DimExpr &b) {
        return std::optional(a * b);
      });
}

/// The divisor of integers, or 1 where a machine would stop: at 0, and at -1
/// for the least number, whose quotient wraps around to itself.
static Value safeDivisor(ImplicitLocOpBuilder &b, Value x, Value y,
                         bool noSign) {
  Type type = y.getType();
  APInt number;
  if (matchPattern(y, m_ConstantInt(&number)) && !number.isZero() &&
      !number.isAllOnes())
    return y;
  auto equals = [&](Value value, APInt other) -> Value {
    return arith::CmpIOp::create(
        b, arith::CmpIPredicate::eq, value,
        arith::ConstantOp::create(b, IntegerAttr::get(type, other)));
  };
  unsigned bits = type.getIntOrFloatBitWidth();
  Value isBad = equals(y, APInt::getZero(bits));
  if (!noSign) {
    Value wraps =
        arith::AndIOp::create(b, equals(y, APInt::getAllOnes(bits)),
                              equals(x, APInt::getSignedMinValue(bits)));
    isBad = arith::OrIOp::create(b, isBad, wraps);
  }
  return arith::SelectOp::create(b, isBad, constantElement(b, type, 1), y);
}

static Status div(OpContext &op) {
  if (Status status = checkBinary(op); !status)
    return status;
  Tensor &a = op.inputs[0], &b = op.inputs[1];
  if (a.type == OnnxType::Bool)
    return op.invalid("inputs of BOOL");
  auto fold = [](DimContext &dims, const DimExpr &x,
                 const DimExpr &y) -> std::optional<DimExpr> {
    if (y.is(0))
      return std::nullopt;
    return dims.truncDiv(x, y);
  };
  if (auto folded = foldBinary(op, a, b, a.type, fold))
    return op.set(*folded);
  bool noSign = isUnsigned(a.type);
  return op.set(
      op.e.map({a, b}, a.type,
               [&](ImplicitLocOpBuilder &nested, ValueRange in) -> Value {
                 if (isa<FloatType>(in[0].getType()))
                   return arith::DivFOp::create(nested, in[0], in[1]);
                 Value divisor = safeDivisor(nested, in[0], in[1], noSign);
                 if (noSign)
                   return arith::DivUIOp::create(nested, in[0], divisor);
                 return arith::DivSIOp::create(nested, in[0], divisor);
               }));
}

/// Max, Min and Sum of any number of inputs.
template <typename FloatOp, typename SignedOp, typename UnsignedOp>
static Status foldInputs(OpContext &op, ElementFold fold) {
  Tensor result = op.input(0);
  for (size_t i = 1; i < op.inputs.size() && op.ok(); ++i) {
    op.inputs[0] = result;
    op.inputs[1] = op.input(i);
    Status status = arithmetic<FloatOp, SignedOp, UnsignedOp>(op, fold);
    if (!status)
      return status;
    result = op.outputs[0];
  }
  return op.set(result);
}

static Status sumOf(OpContext &op) {
  return foldInputs<arith::AddFOp, arith::AddIOp, arith::AddIOp>(op, nullptr);
}

static Status maximum(OpContext &op) {
  return foldInputs<arith::MaximumFOp, arith::MaxSIOp, arith::MaxUIOp>(
      op, [](DimContext &dims, const DimExpr &a, const DimExpr &b) {
        return std::optional(dims.max(a, b));
      });
}

static Status minimum(OpContext &op) {
  return foldInputs<arith::MinimumFOp, arith::MinSIOp, arith::MinUIOp>(
      op, [](DimContext &dims, const DimExpr &a, const DimExpr &b) {
        return std::optional(dims.min(a, b));
      });
}

/// A remainder with the sign of the dividend as one with the divisor's.
static Value floorRest(ImplicitLocOpBuilder &b, Value rest, Value divisor) {
  Type type = rest.getType();
  Value zero = constantElement(b, type, 0.0);
  bool floats = isa<FloatType>(type);
  auto isNegative = [&](Value x) -> Value {
    if (floats)
      return arith::CmpFOp::create(b, arith::CmpFPredicate::OLT, x, zero);
    return arith::CmpIOp::create(b, arith::CmpIPredicate::slt, x, zero);
  };
  Value isSome =
      floats ? arith::CmpFOp::create(b, arith::CmpFPredicate::UNE, rest, zero)
                   .getResult()
             : arith::CmpIOp::create(b, arith::CmpIPredicate::ne, rest, zero)
                   .getResult();
  Value differs =
      arith::XOrIOp::create(b, isNegative(rest), isNegative(divisor));
  Value moved = floats ? arith::AddFOp::create(b, rest, divisor).getResult()
                       : arith::AddIOp::create(b, rest, divisor).getResult();
  // A zero has the divisor's sign, too.
  Value none =
      floats ? math::CopySignOp::create(b, zero, divisor).getResult() : zero;
  return arith::SelectOp::create(
      b, isSome, arith::SelectOp::create(b, differs, moved, rest), none);
}

static Status mod(OpContext &op) {
  if (Status status = checkBinary(op); !status)
    return status;
  bool isC = op.getInt("fmod", 0) != 0;
  Tensor &a = op.inputs[0], &b = op.inputs[1];
  if (a.type == OnnxType::Bool)
    return op.invalid("inputs of BOOL");
  if (isFloat(a.type) && !isC && op.version < 28)
    return op.invalid("floats without fmod");
  bool noSign = isUnsigned(a.type);
  return op.set(
      op.e.map({a, b}, a.type,
               [&](ImplicitLocOpBuilder &nested, ValueRange in) -> Value {
                 Value rest;
                 if (isa<FloatType>(in[0].getType())) {
                   rest = arith::RemFOp::create(nested, in[0], in[1]);
                 } else {
                   Value divisor = safeDivisor(nested, in[0], in[1], noSign);
                   if (noSign)
                     return arith::RemUIOp::create(nested, in[0], divisor);
                   rest = arith::RemSIOp::create(nested, in[0], divisor);
                 }
                 return isC ? rest : floorRest(nested, rest, in[1]);
               }));
}

static Status power(OpContext &op) {
  Tensor &x = op.input(0), &y = op.input(1);
  if (!op.ok())
    return op.status();
  if (!isFloat(x.type) && !isInteger(x.type))
    return op.invalid("input 0 is a tensor of " + io::name(x.type));
  if (!op.e.broadcast({x.shape, y.shape}))
    return op.invalid("inputs whose shapes cannot be broadcast");
  if (isFloat(x.type) && Emitter::splat(y) == 2.0)
    return op.set(op.e.map({x}, x.type,
                           [](ImplicitLocOpBuilder &b, ValueRange in) -> Value {
                             return arith::MulFOp::create(b, in[0], in[0]);
                           }));
  OnnxType wide = isFloat(x.type) && x.type != OnnxType::F64 ? OnnxType::F32
                                                             : OnnxType::F64;
  Tensor result = op.e.map({op.e.cast(x, wide), op.e.cast(y, wide)}, wide,
                           [](ImplicitLocOpBuilder &b, ValueRange in) -> Value {
                             return math::PowFOp::create(b, in[0], in[1]);
                           });
  return op.set(op.e.cast(result, x.type));
}

ArrayRef<OpEntry> onnx::binaryOps() {
  static const OpEntry entries[] = {
      {"Add", add, 7},
      {"Div", div, 7},
      {"Max", maximum, 8},
      {"Min", minimum, 8},
      {"Mod", mod, 10, kNewestOpset, "",
       "floats without `fmod` from opset 28 on"},
      {"Mul", mul, 7},
      {"Pow", power, 7},
      {"Sub", sub, 7},
      {"Sum", sumOf, 8},
  };
  return entries;
}
