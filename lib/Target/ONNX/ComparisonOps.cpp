//===- ComparisonOps.cpp - comparisons, logic and choices ----- -*- C++ -*-===//
//
// Part of the awq-mlir project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "BinaryOps.h"

using namespace mlir;
using namespace awq;
using namespace awq::onnx;

static Status compare(OpContext &op, arith::CmpFPredicate floats,
                      arith::CmpIPredicate signedInts,
                      arith::CmpIPredicate unsignedInts, ElementFold fold) {
  if (Status status = checkBinary(op); !status)
    return status;
  Tensor &a = op.inputs[0], &b = op.inputs[1];
  if (auto folded = foldBinary(op, a, b, OnnxType::Bool, fold))
    return op.set(*folded);
  bool noSign = isUnsigned(a.type);
  return op.set(
      op.e.map({a, b}, OnnxType::Bool,
               [&](ImplicitLocOpBuilder &nested, ValueRange in) -> Value {
                 if (isa<FloatType>(in[0].getType()))
                   return arith::CmpFOp::create(nested, floats, in[0], in[1]);
                 return arith::CmpIOp::create(
                     nested, noSign ? unsignedInts : signedInts, in[0], in[1]);
               }));
}

static std::optional<DimExpr> asElement(std::optional<bool> known) {
  if (!known)
    return std::nullopt;
  return DimExpr(*known);
}

static std::optional<DimExpr> inverse(std::optional<bool> known) {
  if (!known)
    return std::nullopt;
  return DimExpr(!*known);
}

static Status equal(OpContext &op) {
  return compare(op, arith::CmpFPredicate::OEQ, arith::CmpIPredicate::eq,
                 arith::CmpIPredicate::eq,
                 [](DimContext &dims, const DimExpr &a, const DimExpr &b) {
                   return asElement(dims.isEqual(a, b));
                 });
}

static Status less(OpContext &op) {
  return compare(op, arith::CmpFPredicate::OLT, arith::CmpIPredicate::slt,
                 arith::CmpIPredicate::ult,
                 [](DimContext &dims, const DimExpr &a, const DimExpr &b) {
                   return asElement(dims.isLess(a, b));
                 });
}

static Status lessOrEqual(OpContext &op) {
  return compare(op, arith::CmpFPredicate::OLE, arith::CmpIPredicate::sle,
                 arith::CmpIPredicate::ule,
                 [](DimContext &dims, const DimExpr &a, const DimExpr &b) {
                   return inverse(dims.isLess(b, a));
                 });
}

static Status greater(OpContext &op) {
  return compare(op, arith::CmpFPredicate::OGT, arith::CmpIPredicate::sgt,
                 arith::CmpIPredicate::ugt,
                 [](DimContext &dims, const DimExpr &a, const DimExpr &b) {
                   return asElement(dims.isLess(b, a));
                 });
}

static Status greaterOrEqual(OpContext &op) {
  return compare(op, arith::CmpFPredicate::OGE, arith::CmpIPredicate::sge,
                 arith::CmpIPredicate::uge,
                 [](DimContext &dims, const DimExpr &a, const DimExpr &b) {
                   return inverse(dims.isLess(a, b));
                 });
}

template <typename Op>
static Status logical(OpContext &op, ElementFold fold) {
  if (Status status = checkBinary(op); !status)
    return status;
  Tensor &a = op.inputs[0], &b = op.inputs[1];
  if (a.type != OnnxType::Bool)
    return op.invalid("inputs of " + io::name(a.type));
  if (auto folded = foldBinary(op, a, b, a.type, fold))
    return op.set(*folded);
  return op.set(op.e.map(
      {a, b}, a.type, [](ImplicitLocOpBuilder &nested, ValueRange in) -> Value {
        return Op::create(nested, in[0], in[1]);
      }));
}

static Status logicalAnd(OpContext &op) {
  return logical<arith::AndIOp>(
      op, [](DimContext &, const DimExpr &a, const DimExpr &b) {
        return std::optional(a * b);
      });
}

static Status logicalOr(OpContext &op) {
  return logical<arith::OrIOp>(
      op, [](DimContext &, const DimExpr &a, const DimExpr &b) {
        return std::optional(a + b - a * b);
      });
}

static Status logicalXor(OpContext &op) {
  return logical<arith::XOrIOp>(op, nullptr);
}

template <typename Op>
static Status bitwise(OpContext &op) {
  if (Status status = checkBinary(op); !status)
    return status;
  Tensor &a = op.inputs[0], &b = op.inputs[1];
  if (!isInteger(a.type) || a.type == OnnxType::Bool)
    return op.invalid("inputs of " + io::name(a.type));
  return op.set(op.e.map(
      {a, b}, a.type, [](ImplicitLocOpBuilder &nested, ValueRange in) -> Value {
        return Op::create(nested, in[0], in[1]);
      }));
}

static Status where(OpContext &op) {
  Tensor &condition = op.input(0), &yes = op.input(1), &no = op.input(2);
  if (!op.ok())
    return op.status();
  if (condition.type != OnnxType::Bool || yes.type != no.type)
    return op.invalid("inputs of " + io::name(condition.type) + ", " +
                      io::name(yes.type) + " and " + io::name(no.type));
  if (!op.e.elementType(yes.type))
    return op.unsupported("inputs of " + io::name(yes.type));
  auto shape = op.e.broadcast({condition.shape, yes.shape, no.shape});
  if (!shape)
    return op.invalid("inputs whose shapes cannot be broadcast");
  // Exporters choose between sizes so.
  std::optional<int64_t> count = countElements(*shape);
  if (condition.elements && yes.elements && no.elements && count &&
      *count <= 256) {
    std::vector<DimExpr> chosen;
    for (int64_t i = 0; i < *count; ++i) {
      auto pick = [&](const Tensor &tensor) -> std::optional<DimExpr> {
        size_t size = tensor.elements->size();
        if (size != 1 && int64_t(size) != *count)
          return std::nullopt;
        return (*tensor.elements)[size == 1 ? 0 : i];
      };
      auto test = pick(condition), first = pick(yes), second = pick(no);
      if (!test || !first || !second || !test->constant())
        break;
      chosen.push_back(*test->constant() ? *first : *second);
    }
    if (int64_t(chosen.size()) == *count)
      return op.set(op.e.fromElements(yes.type, *shape, std::move(chosen)));
  }
  return op.set(op.e.select(condition, yes, no));
}

static Status clip(OpContext &op) {
  Tensor x = op.input(0);
  if (!op.ok())
    return op.status();
  if (!isFloat(x.type) && !isInteger(x.type))
    return op.invalid("input 0 is a tensor of " + io::name(x.type));
  auto bound = [&](size_t index, const char *name) -> Tensor {
    if (op.has(index))
      return op.inputs[index];
    if (op.hasAttribute(name))
      return op.e.scalar(x.type, op.getFloat(name, 0.0));
    return {};
  };
  Tensor low = bound(1, "min"), high = bound(2, "max");
  bool noSign = isUnsigned(x.type);
  auto apply = [&](Tensor value, Tensor limit, bool isLow) {
    return op.e.map(
        {value, limit}, x.type,
        [&](ImplicitLocOpBuilder &b, ValueRange in) -> Value {
          if (isa<FloatType>(in[0].getType())) {
            if (isLow)
              return arith::MaximumFOp::create(b, in[0], in[1]);
            return arith::MinimumFOp::create(b, in[0], in[1]);
          }
          if (isLow)
            return noSign ? arith::MaxUIOp::create(b, in[0], in[1]).getResult()
                          : arith::MaxSIOp::create(b, in[0], in[1]).getResult();
          return noSign ? arith::MinUIOp::create(b, in[0], in[1]).getResult()
                        : arith::MinSIOp::create(b, in[0], in[1]).getResult();
        });
  };
  for (const Tensor &limit : {low, high})
    if (limit &&
        (limit.type != x.type || !op.e.broadcast({x.shape, limit.shape})))
      return op.invalid("a limit of another type or shape than the input");
  if (low)
    x = apply(x, low, true);
  if (high)
    x = apply(x, high, false);
  return op.set(x);
}

ArrayRef<OpEntry> onnx::comparisonOps() {
  static const OpEntry entries[] = {
      {"And", logicalAnd, 7},
      {"BitwiseAnd", bitwise<arith::AndIOp>, 18},
      {"BitwiseOr", bitwise<arith::OrIOp>, 18},
      {"BitwiseXor", bitwise<arith::XOrIOp>, 18},
      {"Clip", clip, 6},
      {"Equal", equal, 7},
      {"Greater", greater, 7},
      {"GreaterOrEqual", greaterOrEqual, 12},
      {"Less", less, 7},
      {"LessOrEqual", lessOrEqual, 12},
      {"Or", logicalOr, 7},
      {"Where", where, 9},
      {"Xor", logicalXor, 7},
  };
  return entries;
}
