//===- ShapeOps.cpp - operators that move elements ------ -*- C++ -*-===//
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

static Status shapeOp(OpContext &op) {
  Tensor &x = op.input(0);
  int64_t rank = x.rank();
  auto clamp = [&](int64_t place) {
    return std::max<int64_t>(0,
                             std::min(place < 0 ? place + rank : place, rank));
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
  return op.set(
      op.e.fromElements(OnnxType::I64, {}, {productOf(op.input(0).shape)}));
}

/// The shape that sizes mean which are known at run time only: 0 is the input's
/// size, -1 what is left. If they do not fit, all sizes are 0 so that nothing
/// is read.
static Shape shapeAtRunTime(OpContext &op, const Tensor &x,
                            ArrayRef<DimExpr> sizes, bool allowZero) {
  ImplicitLocOpBuilder &b = op.e.b;
  auto index = [&](int64_t number) -> Value {
    return arith::ConstantIndexOp::create(b, number);
  };
  auto equals = [&](Value left, Value right) -> Value {
    return arith::CmpIOp::create(b, arith::CmpIPredicate::eq, left, right);
  };
  Value total = op.e.dims.materialize(productOf(x.shape)), product = index(1);
  SmallVector<Value> given;
  for (auto [i, size] : llvm::enumerate(sizes)) {
    Value number = op.e.dims.materialize(size);
    if (!allowZero && int64_t(i) < x.rank())
      number =
          arith::SelectOp::create(b, equals(number, index(0)),
                                  op.e.dims.materialize(x.shape[i]), number);
    given.push_back(number);
    Value factor =
        arith::SelectOp::create(b, equals(number, index(-1)), index(1), number);
    product = arith::MulIOp::create(b, product, factor);
  }
  Value rest = arith::DivSIOp::create(
      b, total, arith::MaxSIOp::create(b, product, index(1)));
  Value count = index(1);
  for (Value &number : given) {
    number =
        arith::SelectOp::create(b, equals(number, index(-1)), rest, number);
    count = arith::MulIOp::create(b, count, number);
  }
  Value fits = equals(count, total);
  Shape shape;
  for (Value number : given) {
    Value isSize =
        arith::CmpIOp::create(b, arith::CmpIPredicate::sge, number, index(0));
    Value size = arith::SelectOp::create(
        b, arith::AndIOp::create(b, fits, isSize), number, index(0));
    shape.push_back(op.e.dims.opaque(size, /*isSize=*/true));
  }
  return shape;
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
  if (llvm::any_of(sizes, [&](const DimExpr &size) {
        return op.e.dims.hasElements(size);
      }))
    return op.set(op.e.reshape(x, shapeAtRunTime(op, x, sizes, allowZero)));
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
    sizes[unknown] =
        known.is(0) ? DimExpr(0) : op.e.dims.floorDiv(total, known);
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
  if (!op.isKnown(1)) {
    std::vector<DimExpr> axes = op.sizes(1);
    if (!op.ok())
      return op.status();
    RuntimeAxes places(op, axes, x.rank() + axes.size());
    return op.set(op.e.reshape(x, places.with(x.shape)));
  }
  std::vector<int64_t> given = op.has(1) ? op.constants(1) : op.getInts("axes");
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
  if (!op.isKnown(1)) {
    std::vector<DimExpr> axes = op.sizes(1);
    if (!op.ok())
      return op.status();
    if (int64_t(axes.size()) > x.rank())
      return op.invalid(Twine(axes.size()) + " axes of a tensor of rank " +
                        Twine(x.rank()));
    RuntimeAxes places(op, axes, x.rank());
    return op.set(op.e.reshape(x, places.without(x.shape)));
  }
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
      if (i != axis && op.e.dims.isEqual(input.shape[i],
                                         op.inputs.front().shape[i]) == false)
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

ArrayRef<OpEntry> onnx::shapeOps() {
  static const OpEntry entries[] = {
      {"Concat", concat, 4},
      {"Expand", expand, 8},
      {"Flatten", flatten},
      {"Reshape", reshape},
      {"Shape", shapeOp},
      {"Size", sizeOp},
      {"Split", splitOp, 2, kNewestOpset, "",
       "equal parts of a known size only"},
      {"Squeeze", squeeze, 1, kNewestOpset, "", "without axes: sizes known"},
      {"Tile", tile, 6},
      {"Transpose", transpose},
      {"Unsqueeze", unsqueeze, 1, kNewestOpset, "",
       "results of at most 16 dimensions"},
  };
  return entries;
}
