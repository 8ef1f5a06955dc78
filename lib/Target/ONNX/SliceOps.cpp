//===- SliceOps.cpp - parts of tensors, and more around them -- -*- C++ -*-===//
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

static Status slice(OpContext &op) {
  Tensor x = op.input(0);
  std::vector<DimExpr> starts, ends, axes, steps;
  auto convert = [](const std::vector<int64_t> &numbers) {
    return std::vector<DimExpr>(numbers.begin(), numbers.end());
  };
  if (op.version < 10) {
    starts = convert(op.getInts("starts"));
    ends = convert(op.getInts("ends"));
    axes = convert(op.getInts("axes"));
  } else {
    starts = op.sizes(1);
    ends = op.sizes(2);
    if (op.has(3))
      axes = convert(op.constants(3));
    if (op.has(4))
      steps = convert(op.constants(4));
  }
  if (axes.empty())
    for (size_t i = 0; i < starts.size(); ++i)
      axes.push_back(i);
  if (steps.empty())
    steps.assign(starts.size(), 1);
  if (op.ok() &&
      (starts.size() != ends.size() || starts.size() != axes.size() ||
       starts.size() != steps.size()))
    return op.invalid("starts, ends, axes and steps of different lengths");
  for (size_t i = 0; op.ok() && i < starts.size(); ++i) {
    int64_t axis = op.axis(*axes[i].constant(), x.rank());
    int64_t step = *steps[i].constant();
    if (!op.ok())
      break;
    if (step == 0)
      return op.invalid("a step of 0");
    if (step < 0) {
      auto first = starts[i].constant(), last = ends[i].constant();
      if (!first || !last || !x.shape[axis].constant())
        return op.unsupported("a negative step over a dynamic size");
      x = sliceBackwards(op, x, axis, *first, *last, step);
      continue;
    }
    DimExpr size = x.shape[axis];
    DimExpr first = clampBound(op, starts[i], size);
    DimExpr span = clampBound(op, ends[i], size) - first;
    DimExpr count = op.e.dims.max(span, 0);
    if (step != 1)
      count = op.e.dims.floorDiv(count + DimExpr(step - 1), step);
    x = op.e.slice(x, axis, first, count, step);
  }
  return op.set(x);
}

static Status pad(OpContext &op) {
  Tensor x = op.input(0);
  std::string mode = op.getString("mode", "constant");
  std::vector<int64_t> pads = op.has(1) ? op.constants(1) : op.getInts("pads");
  Tensor fill =
      op.has(2) ? op.inputs[2] : op.e.scalar(x.type, op.getFloat("value", 0.0));
  std::vector<int64_t> axes;
  if (op.has(3))
    axes = op.constants(3);
  else
    for (int64_t i = 0; i < x.rank(); ++i)
      axes.push_back(i);
  if (!op.ok())
    return op.status();
  if (pads.size() != 2 * axes.size())
    return op.invalid("as many pads as twice the axes are needed");
  SmallVector<int64_t> low(x.rank(), 0);
  Shape shape = x.shape;
  for (auto [i, given] : llvm::enumerate(axes)) {
    int64_t axis = op.axis(given, x.rank());
    if (!op.ok())
      return op.status();
    low[axis] = pads[i];
    shape[axis] = shape[axis] + DimExpr(pads[i] + pads[i + axes.size()]);
    if (shape[axis].constant() && *shape[axis].constant() < 0)
      return op.invalid("a negative size after padding");
  }
  if (mode != "constant" && mode != "edge" && mode != "reflect" &&
      mode != "wrap")
    return op.invalid("mode '" + mode + "'");
  Value source = op.e.value(x);
  Value filler = op.e.value(op.e.reshape(fill, {}));
  SmallVector<Value> sizes;
  for (const DimExpr &size : x.shape)
    sizes.push_back(op.e.dims.materialize(size));
  // Elements outside are read from a place inside, or not at all.
  auto body = [&](ImplicitLocOpBuilder &b, ValueRange at) -> Value {
    Value zero = arith::ConstantIndexOp::create(b, 0);
    Value one = arith::ConstantIndexOp::create(b, 1);
    Value inside = arith::ConstantOp::create(b, b.getBoolAttr(true));
    SmallVector<Value> places;
    for (int64_t i = 0; i < x.rank(); ++i) {
      Value place = arith::SubIOp::create(
          b, at[i], arith::ConstantIndexOp::create(b, low[i]));
      Value last = arith::SubIOp::create(b, sizes[i], one);
      Value isLow =
          arith::CmpIOp::create(b, arith::CmpIPredicate::sge, place, zero);
      Value isHigh =
          arith::CmpIOp::create(b, arith::CmpIPredicate::sle, place, last);
      inside = arith::AndIOp::create(b, inside,
                                     arith::AndIOp::create(b, isLow, isHigh));
      if (mode == "wrap") {
        Value rest = arith::RemSIOp::create(b, place, sizes[i]);
        Value moved = arith::AddIOp::create(b, rest, sizes[i]);
        place = arith::RemSIOp::create(b, moved, sizes[i]);
      } else if (mode == "reflect") {
        place = math::AbsIOp::create(b, place);
        Value back = arith::SubIOp::create(b, last, place);
        place = arith::SubIOp::create(b, last, math::AbsIOp::create(b, back));
      }
      place = arith::MaxSIOp::create(b, place, zero);
      places.push_back(arith::MinSIOp::create(b, place, last));
    }
    Value element = op.e.readElement(b, source, places);
    if (mode != "constant")
      return element;
    Value outside = op.e.readElement(b, filler, {});
    return arith::SelectOp::create(b, inside, element, outside);
  };
  return op.set(op.e.generate(x.type, std::move(shape), body));
}

ArrayRef<OpEntry> onnx::sliceOps() {
  static const OpEntry entries[] = {
      {"Pad", pad, 2},
      {"Slice", slice},
  };
  return entries;
}
