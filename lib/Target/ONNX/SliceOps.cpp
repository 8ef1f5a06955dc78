//===- SliceOps.cpp - parts of tensors --------------------- -- -*- C++ -*-===//
//
// Part of the awq-mlir project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "RuntimeAxes.h"

#include <limits>

using namespace mlir;
using namespace awq;
using namespace awq::onnx;

/// Where a slice's bound lies in 0 .. size, for a positive step.
static DimExpr clampBound(OpContext &op, const DimExpr &bound,
                          const DimExpr &size) {
  DimContext &dims = op.e.dims;
  constexpr int64_t far = std::numeric_limits<int32_t>::max();
  if (auto number = bound.constant()) {
    if (*number >= far)
      return size;
    if (*number < -far)
      return 0;
    if (*number < 0)
      return dims.max(size + bound, 0);
    return dims.min(bound, size);
  }
  if (dims.isNonNegative(bound))
    return dims.min(bound, size);
  if (dims.isNonNegative(DimExpr(-1) - bound))
    return dims.max(size + bound, 0);
  // Its sign is known at run time only.
  ImplicitLocOpBuilder &b = op.e.b;
  Value zero = arith::ConstantIndexOp::create(b, 0);
  Value value = dims.materialize(bound), whole = dims.materialize(size);
  Value isNegative =
      arith::CmpIOp::create(b, arith::CmpIPredicate::slt, value, zero);
  Value fromEnd = arith::AddIOp::create(b, value, whole);
  Value place = arith::SelectOp::create(b, isNegative, fromEnd, value);
  place = arith::MaxSIOp::create(b, place, zero);
  return dims.opaque(arith::MinSIOp::create(b, place, whole), true);
}

/// Elements first, first - step, ... down to after `last`.
static Tensor sliceBackwards(OpContext &op, const Tensor &x, int64_t axis,
                             int64_t first, int64_t last, int64_t step) {
  int64_t size = *x.shape[axis].constant();
  auto place = [&](int64_t bound) {
    int64_t moved = bound < 0 ? bound + size : bound;
    return std::min(std::max<int64_t>(moved, -1), size - 1);
  };
  int64_t begin = first < -size ? -1 : place(first);
  int64_t end = last < -size ? -1 : place(last);
  int64_t count = begin > end ? (begin - end - step - 1) / -step : 0;
  Shape shape = x.shape;
  shape[axis] = count;
  Value source = op.e.value(x);
  return op.e.generate(x.type, std::move(shape),
                       [&](ImplicitLocOpBuilder &b, ValueRange at) -> Value {
                         SmallVector<Value> places(at);
                         Value down = arith::MulIOp::create(
                             b, places[axis],
                             arith::ConstantIndexOp::create(b, step));
                         places[axis] = arith::AddIOp::create(
                             b, down, arith::ConstantIndexOp::create(b, begin));
                         return op.e.readElement(b, source, places);
                       });
}

namespace {
/// Slice's inputs, or its attributes before opset 10; as many of each.
struct SliceBounds {
  std::vector<DimExpr> starts, ends, axes, steps;
};

/// Where a slice of one dimension begins, and how far its elements lie apart.
struct Stride {
  Value first, step;
  DimExpr count;
};
} // namespace

static SliceBounds readBounds(OpContext &op) {
  SliceBounds bounds;
  auto convert = [](const std::vector<int64_t> &numbers) {
    return std::vector<DimExpr>(numbers.begin(), numbers.end());
  };
  if (op.version < 10) {
    bounds.starts = convert(op.getInts("starts"));
    bounds.ends = convert(op.getInts("ends"));
    bounds.axes = convert(op.getInts("axes"));
  } else {
    bounds.starts = op.sizes(1);
    bounds.ends = op.sizes(2);
    if (op.has(3))
      bounds.axes = op.sizes(3);
    if (op.has(4))
      bounds.steps = op.sizes(4);
  }
  size_t count = bounds.starts.size();
  if (bounds.axes.empty())
    for (size_t i = 0; i < count; ++i)
      bounds.axes.push_back(i);
  if (bounds.steps.empty())
    bounds.steps.assign(count, 1);
  if (op.ok() && (bounds.ends.size() != count || bounds.axes.size() != count ||
                  bounds.steps.size() != count))
    op.note(op.invalid("starts, ends, axes and steps of different lengths"));
  return bounds;
}

/// numpy's rules, for a step of any sign.
static Stride strideOf(OpContext &op, Value start, Value end, Value step,
                       Value size) {
  ImplicitLocOpBuilder &b = op.e.b;
  Value zero = arith::ConstantIndexOp::create(b, 0);
  Value one = arith::ConstantIndexOp::create(b, 1);
  auto less = [&](Value x, Value y) {
    return arith::CmpIOp::create(b, arith::CmpIPredicate::slt, x, y);
  };
  auto select = [&](Value condition, Value yes, Value no) -> Value {
    return arith::SelectOp::create(b, condition, yes, no);
  };
  Value isDown = less(step, zero);
  Value low = select(isDown, arith::ConstantIndexOp::create(b, -1), zero);
  Value high = arith::AddIOp::create(b, size, low);
  auto clamp = [&](Value bound) -> Value {
    Value fromEnd = arith::AddIOp::create(b, bound, size);
    bound = select(less(bound, zero), fromEnd, bound);
    bound = arith::MaxSIOp::create(b, bound, low);
    return arith::MinSIOp::create(b, bound, high);
  };
  Value first = clamp(start), last = clamp(end);
  Value span = select(isDown, arith::SubIOp::create(b, first, last),
                      arith::SubIOp::create(b, last, first));
  Value width = select(isDown, arith::SubIOp::create(b, zero, step), step);
  // A step of 0, which is not allowed, must not stop the machine.
  width = arith::MaxUIOp::create(b, width, one);
  Value count =
      arith::DivUIOp::create(b, arith::SubIOp::create(b, span, one), width);
  count = arith::AddIOp::create(b, count, one);
  count = select(less(zero, span), count, zero);
  return {first, step, op.e.dims.opaque(count, /*isSize=*/true)};
}

/// Axes or steps are known at run time only, or run backwards over a dimension
/// of dynamic size.
static Tensor sliceAtRunTime(OpContext &op, const Tensor &x,
                             const SliceBounds &bounds) {
  ImplicitLocOpBuilder &b = op.e.b;
  RuntimeAxes axes(op, bounds.axes, x.rank());
  auto values = [&](ArrayRef<DimExpr> numbers) {
    return llvm::map_to_vector(numbers, [&](const DimExpr &number) {
      return op.e.dims.materialize(number);
    });
  };
  SmallVector<Value> starts = values(bounds.starts), ends = values(bounds.ends),
                     steps = values(bounds.steps);
  Value zero = arith::ConstantIndexOp::create(b, 0);
  Value one = arith::ConstantIndexOp::create(b, 1);
  SmallVector<Stride> strides;
  Shape shape;
  for (auto [d, extent] : llvm::enumerate(x.shape)) {
    Value size = op.e.dims.materialize(extent);
    strides.push_back(strideOf(op, axes.lookUp(d, starts, zero),
                               axes.lookUp(d, ends, size),
                               axes.lookUp(d, steps, one), size));
    shape.push_back(strides.back().count);
  }
  Value source = op.e.value(x);
  return op.e.generate(
      x.type, std::move(shape),
      [&](ImplicitLocOpBuilder &nested, ValueRange at) -> Value {
        SmallVector<Value> places;
        for (auto [stride, place] : llvm::zip(strides, at))
          places.push_back(arith::AddIOp::create(
              nested, stride.first,
              arith::MulIOp::create(nested, place, stride.step)));
        return op.e.readElement(nested, source, places);
      });
}

/// Whether each dimension's slice is known well enough for one of its own.
static bool isSimple(const Tensor &x, const SliceBounds &bounds) {
  for (size_t i = 0; i < bounds.axes.size(); ++i) {
    auto axis = bounds.axes[i].constant(), step = bounds.steps[i].constant();
    if (!axis || !step)
      return false;
    int64_t place = *axis < 0 ? *axis + x.rank() : *axis;
    bool isBounded = bounds.starts[i].constant() && bounds.ends[i].constant() &&
                     place >= 0 && place < x.rank() &&
                     x.shape[place].constant();
    if (*step < 0 && !isBounded)
      return false;
  }
  return true;
}

static Status slice(OpContext &op) {
  Tensor x = op.input(0);
  SliceBounds bounds = readBounds(op);
  if (!op.ok())
    return op.status();
  if (!isSimple(x, bounds))
    return op.set(sliceAtRunTime(op, x, bounds));
  for (size_t i = 0; i < bounds.starts.size(); ++i) {
    int64_t axis = op.axis(*bounds.axes[i].constant(), x.rank());
    int64_t step = *bounds.steps[i].constant();
    if (!op.ok())
      break;
    if (step == 0)
      return op.invalid("a step of 0");
    if (step < 0) {
      x = sliceBackwards(op, x, axis, *bounds.starts[i].constant(),
                         *bounds.ends[i].constant(), step);
      continue;
    }
    DimExpr size = x.shape[axis];
    DimExpr first = clampBound(op, bounds.starts[i], size);
    DimExpr span = clampBound(op, bounds.ends[i], size) - first;
    DimExpr count = op.e.dims.max(span, 0);
    if (step != 1)
      count = op.e.dims.floorDiv(count + DimExpr(step - 1), step);
    x = op.e.slice(x, axis, first, count, step);
  }
  return op.set(x);
}

ArrayRef<OpEntry> onnx::sliceOps() {
  static const OpEntry entries[] = {
      {"Slice", slice},
  };
  return entries;
}
