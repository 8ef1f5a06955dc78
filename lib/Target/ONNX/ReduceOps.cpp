//===- ReduceOps.cpp - reductions ----------------------------- -*- C++ -*-===//
//
// Part of the awq-mlir project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Loops.h"
#include "RuntimeAxes.h"

#include "mlir/Dialect/Math/IR/Math.h"

using namespace mlir;
using namespace awq;
using namespace awq::onnx;

/// What is done to the elements before they are put together, or afterwards.
using Step = llvm::function_ref<Tensor(const Tensor &)>;

static Tensor same(const Tensor &tensor) { return tensor; }

/// Over axes that are known at run time only; they stay with size 1.
static Tensor reduceAtRunTime(OpContext &op, Reduction kind, const Tensor &x,
                              const RuntimeAxes &axes) {
  OnnxType sums = sumType(x.type);
  Value source = op.e.value(x), start = op.e.neutral(kind, sums);
  Shape shape;
  for (auto [d, size] : llvm::enumerate(x.shape))
    shape.push_back(axes.pick(d, 1, size));
  SmallVector<Interval> whole = placesOf(op.e, x.shape);
  auto body = [&](ImplicitLocOpBuilder &b, ValueRange at) -> Value {
    Value one = arith::ConstantIndexOp::create(b, 1);
    SmallVector<Interval> part;
    for (auto [d, interval] : llvm::enumerate(whole)) {
      // A dimension that is no axis has the result's place.
      Value next = arith::AddIOp::create(b, at[d], one);
      part.push_back(
          {arith::SelectOp::create(b, axes.isAxis(d), interval.begin, at[d]),
           arith::SelectOp::create(b, axes.isAxis(d), interval.end, next)});
    }
    return loopOver(b, part, start,
                    [&](ImplicitLocOpBuilder &n, ValueRange places, Value sum) {
                      Value term =
                          widen(n, op.e.readElement(n, source, places));
                      return op.e.combine(n, kind, sums, sum, term);
                    });
  };
  return op.e.cast(op.e.generate(sums, std::move(shape), body), x.type);
}

/// The sum, divided by the number of elements that it is of.
static Tensor meanAtRunTime(OpContext &op, const Tensor &x,
                            const RuntimeAxes &axes) {
  OnnxType sums = sumType(x.type);
  DimExpr count = 1;
  for (auto [d, size] : llvm::enumerate(x.shape))
    count = count * axes.pick(d, size, 1);
  Tensor total = reduceAtRunTime(op, Reduction::Sum, op.e.cast(x, sums), axes);
  Tensor number =
      op.e.cast(op.e.fromElements(OnnxType::I64, {}, {count}), sums);
  return op.e.cast(op.e.divide(total, number), x.type);
}

static Status reduceWith(OpContext &op, Reduction kind, bool isMean,
                         Step before = same, Step after = same) {
  Tensor x = op.input(0);
  bool keep = op.getInt("keepdims", 1) != 0;
  if (!isFloat(x.type) && !isInteger(x.type))
    return op.unsupported("input 0 is a tensor of " + io::name(x.type));
  if (!op.isKnown(1)) {
    std::vector<DimExpr> given = op.sizes(1);
    if (!op.ok())
      return op.status();
    RuntimeAxes axes(op, given, x.rank());
    x = before(x);
    Tensor result = after(isMean ? meanAtRunTime(op, x, axes)
                                 : reduceAtRunTime(op, kind, x, axes));
    return op.set(keep ? result
                       : op.e.reshape(result, axes.without(result.shape)));
  }
  std::vector<int64_t> axes =
      op.axes(1, x.rank()).value_or(std::vector<int64_t>());
  if (!op.ok())
    return op.status();
  if (axes.empty() && op.getInt("noop_with_empty_axes", 0) != 0)
    return op.set(after(before(x)));
  if (axes.empty())
    for (int64_t i = 0; i < x.rank(); ++i)
      axes.push_back(i);
  x = before(x);
  Tensor result =
      after(isMean ? op.e.mean(x, axes) : op.e.reduce(kind, x, axes));
  return op.set(keep ? result : op.e.squeeze(result, axes));
}

template <Reduction kind>
static Status reduction(OpContext &op) {
  return reduceWith(op, kind, /*isMean=*/false);
}

static Status reduceMean(OpContext &op) {
  return reduceWith(op, Reduction::Sum, /*isMean=*/true);
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
  return reduceWith(op, Reduction::Sum, /*isMean=*/false,
                    [&](const Tensor &x) { return square(op, x); });
}

static Status reduceL1(OpContext &op) {
  return reduceWith(op, Reduction::Sum, /*isMean=*/false,
                    [&](const Tensor &x) { return absolute(op, x); });
}

static Status reduceL2(OpContext &op) {
  OnnxType type = op.input(0).type;
  OnnxType wide = isFloat(type) ? type : OnnxType::F64;
  return reduceWith(
      op, Reduction::Sum, /*isMean=*/false,
      [&](const Tensor &x) { return square(op, op.e.cast(x, wide)); },
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

/// Which elements of the axis are added up for the one at `place`.
static Interval sumInterval(ImplicitLocOpBuilder &b, Value place,
                            const Interval &whole, bool exclusive,
                            bool reverse) {
  Value next =
      arith::AddIOp::create(b, place, arith::ConstantIndexOp::create(b, 1));
  if (reverse)
    return {exclusive ? next : place, whole.end};
  return {whole.begin, exclusive ? place : next};
}

static Status cumSum(OpContext &op) {
  Tensor x = op.input(0);
  std::vector<DimExpr> given = op.sizes(1);
  bool exclusive = op.getInt("exclusive", 0) != 0;
  bool reverse = op.getInt("reverse", 0) != 0;
  if (op.ok() && given.size() != 1)
    return op.invalid("axis has several elements");
  if (!op.ok())
    return op.status();
  if (!isFloat(x.type) && !isInteger(x.type))
    return op.unsupported("input 0 is a tensor of " + io::name(x.type));
  // The dimensions that may be the axis.
  auto known = given.front().constant();
  int64_t first = known ? op.axis(*known, x.rank()) : 0;
  int64_t last = known ? first + 1 : x.rank();
  if (!op.ok())
    return op.status();
  RuntimeAxes axes(op, given, x.rank());
  OnnxType sums = sumType(x.type);
  Value source = op.e.value(x), zero = op.e.neutral(Reduction::Sum, sums);
  SmallVector<Interval> whole = placesOf(op.e, x.shape);
  auto body = [&](ImplicitLocOpBuilder &b, ValueRange at) -> Value {
    SmallVector<Interval> part;
    for (int64_t d = first; d < last; ++d) {
      Interval along = sumInterval(b, at[d], whole[d], exclusive, reverse);
      Interval own = sumInterval(b, at[d], {at[d], Value()}, false, false);
      auto choose = [&](Value yes, Value no) -> Value {
        return known ? yes
                     : arith::SelectOp::create(b, axes.isAxis(d), yes, no)
                           .getResult();
      };
      part.push_back(
          {choose(along.begin, own.begin), choose(along.end, own.end)});
    }
    return loopOver(
        b, part, zero, [&](ImplicitLocOpBuilder &n, ValueRange i, Value sum) {
          SmallVector<Value> places(at);
          std::copy(i.begin(), i.end(), places.begin() + first);
          Value term = widen(n, op.e.readElement(n, source, places));
          return op.e.combine(n, Reduction::Sum, sums, sum, term);
        });
  };
  return op.set(op.e.cast(op.e.generate(sums, x.shape, body), x.type));
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
