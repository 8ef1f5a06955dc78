//===- PadOps.cpp - elements around a tensor -------------- -*- C++ -*-===//
//
// Part of the awq-mlir project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "RuntimeAxes.h"

using namespace mlir;
using namespace awq;
using namespace awq::onnx;

namespace {
/// Elements before and behind each dimension; fewer than none are taken away.
struct Margins {
  std::vector<DimExpr> low, high;
};
} // namespace

static Margins readMargins(OpContext &op, int64_t rank) {
  Margins margins{std::vector<DimExpr>(rank), std::vector<DimExpr>(rank)};
  std::vector<DimExpr> pads, axes;
  if (op.has(1))
    pads = op.sizes(1);
  else
    for (int64_t number : op.getInts("pads"))
      pads.push_back(number);
  if (op.has(3))
    axes = op.sizes(3);
  else
    for (int64_t i = 0; i < rank; ++i)
      axes.push_back(i);
  if (op.ok() && pads.size() != 2 * axes.size())
    op.note(op.invalid("as many pads as twice the axes are needed"));
  if (!op.ok())
    return margins;
  if (op.isKnown(3)) {
    for (auto [i, given] : llvm::enumerate(axes)) {
      int64_t axis = op.axis(*given.constant(), rank);
      if (!op.ok())
        return margins;
      margins.low[axis] = pads[i];
      margins.high[axis] = pads[i + axes.size()];
    }
    return margins;
  }
  RuntimeAxes dimensions(op, axes, rank);
  SmallVector<Value> values;
  for (const DimExpr &number : pads)
    values.push_back(op.e.dims.materialize(number));
  Value zero = arith::ConstantIndexOp::create(op.e.b, 0);
  for (int64_t d = 0; d < rank; ++d) {
    auto find = [&](ArrayRef<Value> numbers) {
      return op.e.dims.opaque(dimensions.lookUp(d, numbers, zero),
                              /*isSize=*/false);
    };
    ArrayRef<Value> all(values);
    margins.low[d] = find(all.take_front(axes.size()));
    margins.high[d] = find(all.drop_front(axes.size()));
  }
  return margins;
}

/// Where an element outside of a dimension is copied from.
static Value reflect(ImplicitLocOpBuilder &b, StringRef mode, Value place,
                     Value size) {
  Value one = arith::ConstantIndexOp::create(b, 1);
  Value last = arith::SubIOp::create(b, size, one);
  auto wrap = [&](Value period) -> Value {
    period = arith::MaxSIOp::create(b, period, one);
    Value rest = arith::RemSIOp::create(b, place, period);
    rest = arith::AddIOp::create(b, rest, period);
    return arith::RemSIOp::create(b, rest, period);
  };
  if (mode == "wrap")
    return wrap(size);
  if (mode != "reflect")
    return place;
  // There and back again, the ends once each.
  Value period = arith::AddIOp::create(b, last, last);
  Value there = wrap(period);
  return arith::MinSIOp::create(b, there,
                                arith::SubIOp::create(b, period, there));
}

static Status pad(OpContext &op) {
  Tensor x = op.input(0);
  std::string mode = op.getString("mode", "constant");
  Tensor fill =
      op.has(2) ? op.inputs[2] : op.e.scalar(x.type, op.getFloat("value", 0.0));
  Margins margins = readMargins(op, x.rank());
  if (!op.ok())
    return op.status();
  if (mode != "constant" && mode != "edge" && mode != "reflect" &&
      mode != "wrap")
    return op.invalid("mode '" + mode + "'");
  if (fill.type != x.type || countElements(fill.shape) != 1)
    return op.invalid("a filler of another type, or not of one element");
  Shape shape;
  SmallVector<Value> shifts, sizes;
  for (auto [d, size] : llvm::enumerate(x.shape)) {
    DimExpr padded = size + margins.low[d] + margins.high[d];
    if (padded.constant() && *padded.constant() < 0)
      return op.invalid("a negative size after padding");
    shape.push_back(op.e.dims.max(padded, 0));
    shifts.push_back(op.e.dims.materialize(margins.low[d]));
    sizes.push_back(op.e.dims.materialize(size));
  }
  Value source = op.e.value(x);
  Value filler = op.e.value(op.e.reshape(fill, {}));
  // Elements outside are read from a place inside, or not at all.
  auto body = [&](ImplicitLocOpBuilder &b, ValueRange at) -> Value {
    Value zero = arith::ConstantIndexOp::create(b, 0);
    Value one = arith::ConstantIndexOp::create(b, 1);
    Value inside = arith::ConstantOp::create(b, b.getBoolAttr(true));
    SmallVector<Value> places;
    for (auto [place, shift, size] : llvm::zip(at, shifts, sizes)) {
      Value moved = arith::SubIOp::create(b, place, shift);
      Value isInside =
          arith::CmpIOp::create(b, arith::CmpIPredicate::ult, moved, size);
      inside = arith::AndIOp::create(b, inside, isInside);
      moved = reflect(b, mode, moved, size);
      Value last = arith::SubIOp::create(b, size, one);
      moved = arith::MinSIOp::create(b, moved, last);
      places.push_back(arith::MaxSIOp::create(b, moved, zero));
    }
    Value element = op.e.readElement(b, source, places);
    if (mode != "constant")
      return element;
    Value outside = op.e.readElement(b, filler, {});
    return arith::SelectOp::create(b, inside, element, outside);
  };
  return op.set(op.e.generate(x.type, std::move(shape), body));
}

ArrayRef<OpEntry> onnx::padOps() {
  static const OpEntry entries[] = {
      {"Pad", pad, 2},
  };
  return entries;
}
