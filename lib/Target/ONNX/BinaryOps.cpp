//===- BinaryOps.cpp - arithmetic of two tensors -------------- -*- C++ -*-===//
//
// Part of the awq-mlir project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "BinaryOps.h"

#include "mlir/Dialect/Math/IR/Math.h"

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

static Status div(OpContext &op) {
  return arithmetic<arith::DivFOp, arith::DivSIOp, arith::DivUIOp>(
      op,
      [](DimContext &dims, const DimExpr &a,
         const DimExpr &b) -> std::optional<DimExpr> {
        if (b.is(0))
          return std::nullopt;
        return dims.truncDiv(a, b);
      });
}

/// Max and Min of any number of inputs.
template <typename FloatOp, typename SignedOp, typename UnsignedOp>
static Status extremum(OpContext &op, ElementFold fold) {
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

static Status maximum(OpContext &op) {
  return extremum<arith::MaximumFOp, arith::MaxSIOp, arith::MaxUIOp>(
      op, [](DimContext &dims, const DimExpr &a, const DimExpr &b) {
        return std::optional(dims.max(a, b));
      });
}

static Status minimum(OpContext &op) {
  return extremum<arith::MinimumFOp, arith::MinSIOp, arith::MinUIOp>(
      op, [](DimContext &dims, const DimExpr &a, const DimExpr &b) {
        return std::optional(dims.min(a, b));
      });
}

static Status mod(OpContext &op) {
  if (Status status = checkBinary(op); !status)
    return status;
  bool isC = op.getInt("fmod", 0) != 0;
  Tensor &a = op.inputs[0], &b = op.inputs[1];
  if (isFloat(a.type) && !isC)
    return op.invalid("floats without fmod");
  bool noSign = isUnsigned(a.type);
  return op.set(op.e.map(
      {a, b}, a.type,
      [&](ImplicitLocOpBuilder &nested, ValueRange in) -> Value {
        Type type = in[0].getType();
        if (isa<FloatType>(type))
          return arith::RemFOp::create(nested, in[0], in[1]);
        if (noSign)
          return arith::RemUIOp::create(nested, in[0], in[1]);
        Value rest = arith::RemSIOp::create(nested, in[0], in[1]);
        if (isC)
          return rest;
        // numpy's: the sign of the divisor.
        Value zero = constantElement(nested, type, 0);
        auto compare = [&](arith::CmpIPredicate predicate, Value x, Value y) {
          return arith::CmpIOp::create(nested, predicate, x, y);
        };
        Value isSome = compare(arith::CmpIPredicate::ne, rest, zero);
        Value differs = arith::XOrIOp::create(
            nested, compare(arith::CmpIPredicate::slt, rest, zero),
            compare(arith::CmpIPredicate::slt, in[1], zero));
        Value moved = arith::AddIOp::create(nested, rest, in[1]);
        return arith::SelectOp::create(
            nested, arith::AndIOp::create(nested, isSome, differs), moved,
            rest);
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
      {"Add", add, 7},     {"Div", div, 7},  {"Max", maximum, 8},
      {"Min", minimum, 8}, {"Mod", mod, 10}, {"Mul", mul, 7},
      {"Pow", power, 7},   {"Sub", sub, 7},
  };
  return entries;
}
