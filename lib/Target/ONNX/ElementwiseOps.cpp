//===- ElementwiseOps.cpp - unary and binary operators -- -*- C++ -*-===//
//
// Part of the awq-mlir project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "OpContext.h"

#include "mlir/Dialect/Math/IR/Math.h"

#include <limits>

using namespace mlir;
using namespace awq;
using namespace awq::onnx;

//===----------------------------------------------------------------------===//
// Unary
//===----------------------------------------------------------------------===//

static Value constant(ImplicitLocOpBuilder &b, Type type, double number) {
  if (isa<FloatType>(type))
    return arith::ConstantOp::create(b, b.getFloatAttr(type, number));
  return arith::ConstantOp::create(b, b.getIntegerAttr(type, int64_t(number)));
}

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
        return arith::SubIOp::create(b, constant(b, in[0].getType(), 0), in[0]);
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
    return arith::DivFOp::create(b, constant(b, in[0].getType(), 1.0), in[0]);
  });
}

static Value sigmoidOf(ImplicitLocOpBuilder &b, Value x) {
  Value one = constant(b, x.getType(), 1.0);
  Value power = math::ExpOp::create(b, arith::NegFOp::create(b, x));
  return arith::DivFOp::create(b, one, arith::AddFOp::create(b, one, power));
}

static Status sigmoid(OpContext &op) {
  return mapUnary(op, [](ImplicitLocOpBuilder &b, ValueRange in) {
    return sigmoidOf(b, in[0]);
  });
}

static Status swish(OpContext &op) {
  double alpha = op.getFloat("alpha", 1.0);
  return mapUnary(op, [&](ImplicitLocOpBuilder &b, ValueRange in) -> Value {
    Value scaled = in[0];
    if (alpha != 1.0)
      scaled = arith::MulFOp::create(b, scaled,
                                     constant(b, scaled.getType(), alpha));
    return arith::MulFOp::create(b, in[0], sigmoidOf(b, scaled));
  });
}

static Value geluOf(ImplicitLocOpBuilder &b, Value x) {
  Type type = x.getType();
  Value scaled =
      arith::MulFOp::create(b, x, constant(b, type, 0.70710678118654752440));
  Value sum = arith::AddFOp::create(b, math::ErfOp::create(b, scaled),
                                    constant(b, type, 1.0));
  Value half = arith::MulFOp::create(b, x, constant(b, type, 0.5));
  return arith::MulFOp::create(b, half, sum);
}

static Value geluTanhOf(ImplicitLocOpBuilder &b, Value x) {
  Type type = x.getType();
  Value cube = arith::MulFOp::create(b, arith::MulFOp::create(b, x, x), x);
  Value inner = arith::AddFOp::create(
      b, x, arith::MulFOp::create(b, cube, constant(b, type, 0.044715)));
  inner = arith::MulFOp::create(b, inner,
                                constant(b, type, 0.79788456080286535588));
  Value sum = arith::AddFOp::create(b, math::TanhOp::create(b, inner),
                                    constant(b, type, 1.0));
  Value half = arith::MulFOp::create(b, x, constant(b, type, 0.5));
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
        Value zero = constant(b, in[0].getType(), 0.0);
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
  return op.set(op.e.map(
      {x}, OnnxType::Bool, [](ImplicitLocOpBuilder &b, ValueRange in) -> Value {
        return arith::CmpFOp::create(b, arith::CmpFPredicate::UNO, in[0],
                                     in[0]);
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
  return op.set(op.e.map(
      {x}, OnnxType::Bool, [](ImplicitLocOpBuilder &b, ValueRange in) -> Value {
        return arith::XOrIOp::create(b, in[0], constant(b, b.getI1Type(), 1));
      }));
}

static Status cast(OpContext &op) {
  auto type = static_cast<OnnxType>(op.getInt("to", 0));
  if (op.node.opType == "CastLike")
    type = op.input(1).type;
  Tensor &x = op.input(0);
  if (!op.ok())
    return op.status();
  if (!op.e.elementType(type) || !op.e.elementType(x.type) ||
      io::bitWidth(type) < 8 || io::bitWidth(x.type) < 8)
    return op.unsupported("a cast from " + io::name(x.type) + " to " +
                          io::name(type));
  return op.set(op.e.cast(x, type));
}

static Status identity(OpContext &op) { return op.set(op.input(0)); }

//===----------------------------------------------------------------------===//
// Binary
//===----------------------------------------------------------------------===//

/// The result of an op on elements that are known, if it is known.
using ElementFold =
    std::optional<DimExpr> (*)(DimContext &, const DimExpr &, const DimExpr &);

/// Applies `fold` to the elements of two small tensors; nothing if some result
/// depends on what is known at run time only.
static std::optional<Tensor> foldBinary(OpContext &op, const Tensor &a,
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
    if (int64_t(tensor.elements->size()) == *count || tensor.elements->size() == 1)
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

/// Two inputs of one type that can be broadcast.
static Status checkBinary(OpContext &op) {
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
  return op.set(op.e.map(
      {a, b}, a.type, [&](ImplicitLocOpBuilder &nested, ValueRange in) -> Value {
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
      {a, b}, a.type, [&](ImplicitLocOpBuilder &nested, ValueRange in) -> Value {
        Type type = in[0].getType();
        if (isa<FloatType>(type))
          return arith::RemFOp::create(nested, in[0], in[1]);
        if (noSign)
          return arith::RemUIOp::create(nested, in[0], in[1]);
        Value rest = arith::RemSIOp::create(nested, in[0], in[1]);
        if (isC)
          return rest;
        // numpy's: the sign of the divisor.
        Value zero = constant(nested, type, 0);
        auto compare = [&](arith::CmpIPredicate predicate, Value x, Value y) {
          return arith::CmpIOp::create(nested, predicate, x, y);
        };
        Value isSome = compare(arith::CmpIPredicate::ne, rest, zero);
        Value differs =
            arith::XOrIOp::create(nested, compare(arith::CmpIPredicate::slt,
                                                  rest, zero),
                                  compare(arith::CmpIPredicate::slt, in[1],
                                          zero));
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
    return op.set(op.e.map(
        {x}, x.type, [](ImplicitLocOpBuilder &b, ValueRange in) -> Value {
          return arith::MulFOp::create(b, in[0], in[0]);
        }));
  OnnxType wide = isFloat(x.type) && x.type != OnnxType::F64 ? OnnxType::F32
                                                             : OnnxType::F64;
  Tensor result = op.e.map(
      {op.e.cast(x, wide), op.e.cast(y, wide)}, wide,
      [](ImplicitLocOpBuilder &b, ValueRange in) -> Value {
        return math::PowFOp::create(b, in[0], in[1]);
      });
  return op.set(op.e.cast(result, x.type));
}

//===----------------------------------------------------------------------===//
// Comparisons and logic
//===----------------------------------------------------------------------===//

static Status compare(OpContext &op, arith::CmpFPredicate floats,
                      arith::CmpIPredicate signedInts,
                      arith::CmpIPredicate unsignedInts, ElementFold fold) {
  if (Status status = checkBinary(op); !status)
    return status;
  Tensor &a = op.inputs[0], &b = op.inputs[1];
  if (auto folded = foldBinary(op, a, b, OnnxType::Bool, fold))
    return op.set(*folded);
  bool noSign = isUnsigned(a.type);
  return op.set(op.e.map(
      {a, b}, OnnxType::Bool,
      [&](ImplicitLocOpBuilder &nested, ValueRange in) -> Value {
        if (isa<FloatType>(in[0].getType()))
          return arith::CmpFOp::create(nested, floats, in[0], in[1]);
        return arith::CmpIOp::create(nested, noSign ? unsignedInts : signedInts,
                                     in[0], in[1]);
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
            return noSign
                       ? arith::MaxUIOp::create(b, in[0], in[1]).getResult()
                       : arith::MaxSIOp::create(b, in[0], in[1]).getResult();
          return noSign ? arith::MinUIOp::create(b, in[0], in[1]).getResult()
                        : arith::MinSIOp::create(b, in[0], in[1]).getResult();
        });
  };
  for (const Tensor &limit : {low, high})
    if (limit && (limit.type != x.type || !op.e.broadcast({x.shape, limit.shape})))
      return op.invalid("a limit of another type or shape than the input");
  if (low)
    x = apply(x, low, true);
  if (high)
    x = apply(x, high, false);
  return op.set(x);
}

ArrayRef<OpEntry> onnx::elementwiseOps() {
  static const OpEntry entries[] = {
      {"Abs", absolute, 6},
      {"Add", add, 7},
      {"And", logicalAnd, 7},
      {"Cast", cast, 6},
      {"CastLike", cast, 15},
      {"Ceil", mathUnary<math::CeilOp>, 6},
      {"Clip", clip, 6},
      {"Cos", mathUnary<math::CosOp>, 7},
      {"Div", div, 7},
      {"Equal", equal, 7},
      {"Erf", mathUnary<math::ErfOp>, 9},
      {"Exp", mathUnary<math::ExpOp>, 6},
      {"Floor", mathUnary<math::FloorOp>, 6},
      {"Gelu", gelu, 20},
      {"Greater", greater, 7},
      {"GreaterOrEqual", greaterOrEqual, 12},
      {"Identity", identity},
      {"IsNaN", isNaN, 9},
      {"Less", less, 7},
      {"LessOrEqual", lessOrEqual, 12},
      {"Log", mathUnary<math::LogOp>, 6},
      {"Max", maximum, 8},
      {"Min", minimum, 8},
      {"Mod", mod, 10},
      {"Mul", mul, 7},
      {"Neg", neg, 6},
      {"Not", logicalNot},
      {"Or", logicalOr, 7},
      {"Pow", power, 7},
      {"Reciprocal", reciprocal, 6},
      {"Relu", relu, 6},
      {"Round", mathUnary<math::RoundEvenOp>, 11},
      {"Sigmoid", sigmoid, 6},
      {"Sin", mathUnary<math::SinOp>, 7},
      {"Sqrt", mathUnary<math::SqrtOp>, 6},
      {"Sub", sub, 7},
      {"Swish", swish, 24},
      {"Tanh", mathUnary<math::TanhOp>, 6},
      {"Where", where, 9},
      {"Xor", logicalXor, 7},
  };
  return entries;
}
