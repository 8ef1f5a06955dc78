//===- ShapeOps.cpp - operators that move elements ------ -*- C++ -*-===//
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

static Status shapeOp(OpContext &op) {
  Tensor &x = op.input(0);
  int64_t rank = x.rank();
  auto clamp = [&](int64_t place) {
    return std::max<int64_t>(0, std::min(place < 0 ? place + rank : place, rank));
  };
  int64_t first = clamp(op.getInt("start", 0)),
          last = clamp(op.getInt("end", rank));
  std::vector<DimExpr> sizes;
  for (int64_t i = first; i < last; ++i)
    sizes.push_back(x.shape[i]);
  Shape shape = {DimExpr(sizes.size())};
  return op.set(op.e.fromElements(OnnxType::I64, shape, std::move(sizes)));
}

static Status sizeOp(OpContext &op) {
  return op.set(op.e.fromElements(OnnxType::I64, {},
                                  {productOf(op.input(0).shape)}));
}

static Status reshape(OpContext &op) {
  Tensor &x = op.input(0);
  std::vector<DimExpr> sizes;
  if (op.version < 5)
    for (int64_t size : op.getInts("shape"))
      sizes.push_back(size);
  else
    sizes = op.sizes(1);
  bool allowZero = op.getInt("allowzero", 0) != 0;
  if (!op.ok())
    return op.status();
  DimExpr known = 1;
  int64_t unknown = -1;
  for (auto [i, size] : llvm::enumerate(sizes)) {
    if (size.is(0) && !allowZero) {
      if (int64_t(i) >= x.rank())
        return op.invalid("size 0 for a dimension that the input lacks");
      size = x.shape[i];
    }
    if (size.is(-1)) {
      if (unknown >= 0)
        return op.invalid("two sizes of -1");
      unknown = i;
      continue;
    }
    if (size.constant() && *size.constant() < 0)
      return op.invalid("a size of " + Twine(*size.constant()));
    known = known * size;
  }
  DimExpr total = productOf(x.shape);
  if (unknown >= 0) {
    sizes[unknown] = known.is(0) ? DimExpr(0)
                                 : op.e.dims.floorDiv(total, known);
    known = known * sizes[unknown];
  }
  if (known.constant() && total.constant() && known != total)
    return op.invalid("from " + Twine(*total.constant()) + " elements to " +
                      Twine(*known.constant()));
  return op.set(op.e.reshape(x, Shape(sizes.begin(), sizes.end())));
}

static Status flatten(OpContext &op) {
  Tensor &x = op.input(0);
  int64_t axis = op.getInt("axis", 1);
  if (axis < -x.rank() || axis > x.rank())
    return op.invalid("axis " + Twine(axis) + " of a tensor of rank " +
                      Twine(x.rank()));
  if (axis < 0)
    axis += x.rank();
  ArrayRef<DimExpr> shape(x.shape);
  return op.set(op.e.reshape(x, {productOf(shape.take_front(axis)),
                                 productOf(shape.drop_front(axis))}));
}

static Status transpose(OpContext &op) {
  Tensor &x = op.input(0);
  std::vector<int64_t> order = op.getInts("perm");
  if (!op.hasAttribute("perm"))
    for (int64_t i = x.rank() - 1; i >= 0; --i)
      order.push_back(i);
  std::vector<bool> seen(x.rank(), false);
  if (int64_t(order.size()) != x.rank())
    return op.invalid("a permutation of " + Twine(order.size()) +
                      " dimensions for a tensor of rank " + Twine(x.rank()));
  for (int64_t axis : order) {
    if (axis < 0 || axis >= x.rank() || seen[axis])
      return op.invalid("'perm' is no permutation");
    seen[axis] = true;
  }
  return op.set(op.e.transpose(x, order));
}

static Status expand(OpContext &op) {
  std::vector<DimExpr> sizes = op.sizes(1);
  Tensor &x = op.input(0);
  if (!op.ok())
    return op.status();
  std::optional<Shape> shape =
      op.e.broadcast({x.shape, Shape(sizes.begin(), sizes.end())});
  if (!shape)
    return op.invalid("a shape that the input cannot be broadcast to");
  // Sizes that only the given shape has say more than a maximum of both.
  for (auto [i, size] : llvm::enumerate(sizes)) {
    size_t place = shape->size() - sizes.size() + i;
    size_t lead = shape->size() - x.shape.size();
    if (place < lead || x.shape[place - lead].is(1))
      (*shape)[place] = size;
  }
  return op.set(op.e.expand(x, *shape));
}

static Status unsqueeze(OpContext &op) {
  Tensor &x = op.input(0);
  std::vector<int64_t> given =
      op.has(1) ? op.constants(1) : op.getInts("axes");
  int64_t rank = x.rank() + given.size();
  if (rank > 16)
    return op.unsupported("a tensor of rank " + Twine(rank));
  std::vector<bool> isNew(rank, false);
  for (int64_t &axis : given) {
    axis = op.axis(axis, rank);
    if (op.ok() && isNew[axis])
      return op.invalid("axis " + Twine(axis) + " is listed twice");
    if (op.ok())
      isNew[axis] = true;
  }
  if (!op.ok())
    return op.status();
  return op.set(op.e.unsqueeze(x, given));
}

static Status squeeze(OpContext &op) {
  Tensor &x = op.input(0);
  auto given = op.axes(1, x.rank());
  std::vector<int64_t> axes;
  if (given) {
    axes = *given;
  } else {
    for (auto [i, size] : llvm::enumerate(x.shape)) {
      if (!size.constant())
        return op.unsupported("all dimensions of size 1, with dynamic sizes");
      if (size.is(1))
        axes.push_back(i);
    }
  }
  for (int64_t axis : axes)
    if (op.ok() && x.shape[axis].constant() && !x.shape[axis].is(1))
      return op.invalid("dimension " + Twine(axis) + " has size " +
                        Twine(*x.shape[axis].constant()));
  if (!op.ok())
    return op.status();
  return op.set(op.e.squeeze(x, axes));
}

static Status concat(OpContext &op) {
  for (size_t i = 0; i < op.inputs.size(); ++i)
    op.input(i);
  if (op.inputs.empty())
    op.input(0);
  int64_t axis = op.axis(op.getInt("axis", 1), op.inputs.front().rank());
  if (!op.ok())
    return op.status();
  for (const Tensor &input : op.inputs) {
    if (input.type != op.inputs.front().type ||
        input.rank() != op.inputs.front().rank())
      return op.invalid("inputs of different types or ranks");
    for (int64_t i = 0; i < input.rank(); ++i)
      if (i != axis &&
          op.e.dims.isEqual(input.shape[i], op.inputs.front().shape[i]) == false)
        return op.invalid("inputs of different sizes in dimension " + Twine(i));
  }
  if (!op.e.elementType(op.inputs.front().type))
    return op.unsupported("inputs of " + io::name(op.inputs.front().type));
  return op.set(op.e.concat(op.inputs, axis));
}

static Status splitOp(OpContext &op) {
  Tensor x = op.input(0);
  int64_t axis = op.axis(op.getInt("axis", 0), x.rank());
  if (!op.ok())
    return op.status();
  std::vector<DimExpr> parts;
  if (op.has(1))
    parts = op.sizes(1);
  else if (op.hasAttribute("split"))
    for (int64_t size : op.getInts("split"))
      parts.push_back(size);
  else {
    // Equal parts, the last one smaller.
    int64_t count = op.getInt("num_outputs", op.outputs.size());
    auto size = x.shape[axis].constant();
    if (!size || count <= 0)
      return op.unsupported("equal parts of a dynamic size");
    int64_t part = (*size + count - 1) / count, rest = *size;
    for (int64_t i = 0; i < count; ++i, rest -= part)
      parts.push_back(std::max<int64_t>(0, std::min(part, rest)));
  }
  if (!op.ok())
    return op.status();
  if (parts.size() != op.outputs.size())
    return op.invalid(Twine(parts.size()) + " parts and " +
                      Twine(op.outputs.size()) + " outputs");
  DimExpr first = 0;
  for (const DimExpr &size : parts) {
    if (size.constant() && *size.constant() < 0)
      return op.invalid("a part of negative size");
    first = first + size;
  }
  if (op.e.dims.isEqual(first, x.shape[axis]) == false)
    return op.invalid("the parts do not add up to the input's size");
  first = 0;
  for (auto [i, size] : llvm::enumerate(parts)) {
    if (op.wants(i))
      if (Status status = op.set(op.e.slice(x, axis, first, size), i); !status)
        return status;
    first = first + size;
  }
  return op.status();
}

static Status tile(OpContext &op) {
  Tensor x = op.input(0);
  std::vector<DimExpr> repeats = op.sizes(1);
  if (op.ok() && int64_t(repeats.size()) != x.rank())
    return op.invalid(Twine(repeats.size()) + " repeats for a tensor of rank " +
                      Twine(x.rank()));
  if (!op.ok())
    return op.status();
  // [r0, n0, r1, n1, ...], of which the r are broadcast.
  Shape ones, expanded, result;
  for (auto [size, count] : llvm::zip(x.shape, repeats)) {
    ones.append({DimExpr(1), size});
    expanded.append({count, size});
    result.push_back(count * size);
  }
  return op.set(op.e.reshape(op.e.expand(op.e.reshape(x, ones), expanded),
                             std::move(result)));
}

//===----------------------------------------------------------------------===//
// Slice
//===----------------------------------------------------------------------===//

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
  Value isNegative = arith::CmpIOp::create(b, arith::CmpIPredicate::slt, value,
                                           zero);
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
  return op.e.generate(
      x.type, std::move(shape),
      [&](ImplicitLocOpBuilder &b, ValueRange at) -> Value {
        SmallVector<Value> places(at);
        Value down = arith::MulIOp::create(
            b, places[axis], arith::ConstantIndexOp::create(b, step));
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
  if (op.ok() && (starts.size() != ends.size() || starts.size() != axes.size() ||
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
  Tensor fill = op.has(2) ? op.inputs[2] : op.e.scalar(x.type, op.getFloat("value", 0.0));
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
      Value isLow = arith::CmpIOp::create(b, arith::CmpIPredicate::sge, place,
                                          zero);
      Value isHigh = arith::CmpIOp::create(b, arith::CmpIPredicate::sle, place,
                                           last);
      inside = arith::AndIOp::create(
          b, inside, arith::AndIOp::create(b, isLow, isHigh));
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

ArrayRef<OpEntry> onnx::shapeOps() {
  static const OpEntry entries[] = {
      {"Concat", concat, 4},       {"Expand", expand, 8},
      {"Flatten", flatten},        {"Pad", pad, 2},
      {"Reshape", reshape},        {"Shape", shapeOp},
      {"Size", sizeOp},            {"Slice", slice},
      {"Split", splitOp, 2},       {"Squeeze", squeeze},
      {"Tile", tile, 6},           {"Transpose", transpose},
      {"Unsqueeze", unsqueeze},
  };
  return entries;
}
