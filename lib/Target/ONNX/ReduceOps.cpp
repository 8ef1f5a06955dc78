//===- ReduceOps.cpp - reductions ----------------------------- -*- C++ -*-===//
//
// Part of the awq-mlir project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "OpContext.h"

#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/SCF/IR/SCF.h"

using namespace mlir;
using namespace awq;
using namespace awq::onnx;

/// A reduction: what is done to the elements, how they are put together, and
/// what is done to the result.
static Status
reduceWith(OpContext &op, llvm::function_ref<Tensor(const Tensor &)> before,
           llvm::function_ref<Tensor(const Tensor &, ArrayRef<int64_t>)> kernel,
           llvm::function_ref<Tensor(const Tensor &)> after) {
  Tensor x = op.input(0);
  bool keep = op.getInt("keepdims", 1) != 0;
  auto given = op.axes(1, x.rank());
  if (!op.ok())
    return op.status();
  if (!isFloat(x.type) && !isInteger(x.type))
    return op.unsupported("input 0 is a tensor of " + io::name(x.type));
  std::vector<int64_t> axes = given.value_or(std::vector<int64_t>());
  if (axes.empty() && op.getInt("noop_with_empty_axes", 0) != 0)
    return op.set(after(before(x)));
  if (axes.empty())
    for (int64_t i = 0; i < x.rank(); ++i)
      axes.push_back(i);
  Tensor result = after(kernel(before(x), axes));
  return op.set(keep ? result : op.e.squeeze(result, axes));
}

static Tensor same(const Tensor &tensor) { return tensor; }

template <Reduction kind>
static Status reduction(OpContext &op) {
  return reduceWith(
      op, same,
      [&](const Tensor &x, ArrayRef<int64_t> axes) {
        return op.e.reduce(kind, x, axes);
      },
      same);
}

static Status reduceMean(OpContext &op) {
  return reduceWith(
      op, same,
      [&](const Tensor &x, ArrayRef<int64_t> axes) {
        return op.e.mean(x, axes);
      },
      same);
}

static Tensor square(OpContext &op, const Tensor &x) {
  return op.e.map({x}, x.type,
                  [](ImplicitLocOpBuilder &b, ValueRange in) -> Value {
                    if (isa<FloatType>(in[0].getType()))
                      return arith::MulFOp::create(b, in[0], in[0]);
                    return arith::MulIOp::create(b, in[0], in[0]);
                  });
}

static Tensor absolute(OpContext &op, const Tensor &x) {
  return op.e.map({x}, x.type,
                  [](ImplicitLocOpBuilder &b, ValueRange in) -> Value {
                    if (isa<FloatType>(in[0].getType()))
                      return math::AbsFOp::create(b, in[0]);
                    return math::AbsIOp::create(b, in[0]);
                  });
}

template <typename MathOp>
static Tensor apply(OpContext &op, const Tensor &x) {
  return op.e.map({x}, x.type,
                  [](ImplicitLocOpBuilder &b, ValueRange in) -> Value {
                    return MathOp::create(b, in[0]);
                  });
}

static Status reduceSumSquare(OpContext &op) {
  return reduceWith(
      op, [&](const Tensor &x) { return square(op, x); },
      [&](const Tensor &x, ArrayRef<int64_t> axes) {
        return op.e.reduce(Reduction::Sum, x, axes);
      },
      same);
}

static Status reduceL1(OpContext &op) {
  return reduceWith(
      op, [&](const Tensor &x) { return absolute(op, x); },
      [&](const Tensor &x, ArrayRef<int64_t> axes) {
        return op.e.reduce(Reduction::Sum, x, axes);
      },
      same);
}

static Status reduceL2(OpContext &op) {
  OnnxType type = op.input(0).type;
  OnnxType wide = isFloat(type) ? type : OnnxType::F64;
  return reduceWith(
      op, [&](const Tensor &x) { return square(op, op.e.cast(x, wide)); },
      [&](const Tensor &x, ArrayRef<int64_t> axes) {
        return op.e.reduce(Reduction::Sum, x, axes);
      },
      [&](const Tensor &x) {
        return op.e.cast(apply<math::SqrtOp>(op, x), type);
      });
}

/// Of an axis, or of all axes from it on before opset 13.
static Status softmaxLike(OpContext &op, bool isLog) {
  Tensor x = op.input(0);
  bool flattens = op.version < 13;
  int64_t axis = op.axis(op.getInt("axis", flattens ? 1 : -1), x.rank());
  if (!op.ok())
    return op.status();
  if (!isFloat(x.type))
    return op.invalid("input 0 is a tensor of " + io::name(x.type));
  Shape shape = x.shape;
  if (flattens) {
    ArrayRef<DimExpr> sizes(shape);
    x = op.e.reshape(x, {productOf(sizes.take_front(axis)),
                         productOf(sizes.drop_front(axis))});
    axis = 1;
  }
  Tensor result;
  if (isLog) {
    Tensor shifted = op.e.subtract(x, op.e.reduce(Reduction::Max, x, {axis}));
    Tensor sum =
        op.e.reduce(Reduction::Sum, apply<math::ExpOp>(op, shifted), {axis});
    result = op.e.subtract(shifted, apply<math::LogOp>(op, sum));
  } else {
    result = op.e.softmax(x, axis);
  }
  return op.set(op.e.reshape(result, std::move(shape)));
}

static Status softmax(OpContext &op) { return softmaxLike(op, false); }
static Status logSoftmax(OpContext &op) { return softmaxLike(op, true); }

static Status argExtremum(OpContext &op, bool isMax) {
  Tensor x = op.input(0);
  int64_t axis = op.axis(op.getInt("axis", 0), x.rank());
  bool keep = op.getInt("keepdims", 1) != 0;
  bool lastWins = op.getInt("select_last_index", 0) != 0;
  if (!op.ok())
    return op.status();
  // The best value, then the first (or last) place where it stands.
  Tensor best = op.e.reduce(isMax ? Reduction::Max : Reduction::Min, x, {axis});
  Shape line(x.rank(), DimExpr(1));
  line[axis] = x.shape[axis];
  Tensor places = op.e.generate(
      OnnxType::I64, line, [&](ImplicitLocOpBuilder &b, ValueRange at) {
        return arith::IndexCastOp::create(b, b.getI64Type(), at[axis]);
      });
  Tensor none = op.e.scalar(OnnxType::I64, lastWins ? -1 : 4e18);
  Tensor candidates =
      op.e.map({x, best, places, none}, OnnxType::I64,
               [](ImplicitLocOpBuilder &b, ValueRange in) -> Value {
                 Value isBest =
                     isa<FloatType>(in[0].getType())
                         ? arith::CmpFOp::create(b, arith::CmpFPredicate::OEQ,
                                                 in[0], in[1])
                               .getResult()
                         : arith::CmpIOp::create(b, arith::CmpIPredicate::eq,
                                                 in[0], in[1])
                               .getResult();
                 return arith::SelectOp::create(b, isBest, in[2], in[3]);
               });
  Tensor result = op.e.reduce(lastWins ? Reduction::Max : Reduction::Min,
                              candidates, {axis});
  return op.set(keep ? result : op.e.squeeze(result, {axis}));
}

static Status argMax(OpContext &op) { return argExtremum(op, true); }
static Status argMin(OpContext &op) { return argExtremum(op, false); }

static Status cumSum(OpContext &op) {
  Tensor x = op.input(0);
  std::vector<int64_t> given = op.constants(1);
  bool exclusive = op.getInt("exclusive", 0) != 0;
  bool reverse = op.getInt("reverse", 0) != 0;
  if (op.ok() && given.size() != 1)
    return op.invalid("axis has several elements");
  if (!op.ok())
    return op.status();
  int64_t axis = op.axis(given.front(), x.rank());
  if (!op.ok())
    return op.status();
  Value source = op.e.value(x), size = op.e.dims.materialize(x.shape[axis]);
  Type element = op.e.elementType(x.type);
  auto body = [&](ImplicitLocOpBuilder &b, ValueRange at) -> Value {
    Value one = arith::ConstantIndexOp::create(b, 1);
    Value place = at[axis];
    Value begin = arith::ConstantIndexOp::create(b, 0), end = size;
    if (reverse)
      begin = exclusive ? arith::AddIOp::create(b, place, one) : place;
    else
      end =
          exclusive ? place : arith::AddIOp::create(b, place, one).getResult();
    Type wide = isa<FloatType>(element) && element.getIntOrFloatBitWidth() < 32
                    ? b.getF32Type()
                    : element;
    Value zero = isa<FloatType>(wide)
                     ? arith::ConstantOp::create(b, b.getFloatAttr(wide, 0.0))
                           .getResult()
                     : arith::ConstantOp::create(b, b.getIntegerAttr(wide, 0))
                           .getResult();
    auto loop = scf::ForOp::create(
        b, begin, end, one, ValueRange(zero),
        [&](OpBuilder &inner, Location loc, Value i, ValueRange sums) {
          ImplicitLocOpBuilder nested(loc, inner);
          SmallVector<Value> places(at);
          places[axis] = i;
          Value term = widen(nested, op.e.readElement(nested, source, places));
          Value sum =
              isa<FloatType>(wide)
                  ? arith::AddFOp::create(nested, sums[0], term).getResult()
                  : arith::AddIOp::create(nested, sums[0], term).getResult();
          scf::YieldOp::create(nested, sum);
        });
    Value sum = loop.getResult(0);
    if (wide != element)
      sum = arith::TruncFOp::create(b, element, sum);
    return sum;
  };
  return op.set(op.e.generate(x.type, x.shape, body));
}

ArrayRef<OpEntry> onnx::reduceOps() {
  static const OpEntry entries[] = {
      {"ArgMax", argMax},
      {"ArgMin", argMin},
      {"CumSum", cumSum, 11},
      {"LogSoftmax", logSoftmax},
      {"ReduceL1", reduceL1},
      {"ReduceL2", reduceL2},
      {"ReduceMax", reduction<Reduction::Max>},
      {"ReduceMean", reduceMean},
      {"ReduceMin", reduction<Reduction::Min>},
      {"ReduceProd", reduction<Reduction::Product>},
      {"ReduceSum", reduction<Reduction::Sum>},
      {"ReduceSumSquare", reduceSumSquare},
      {"Softmax", softmax},
  };
  return entries;
}
