//===- IndexOps.cpp - operators that read by index --------- -*- C++ -*-===//
//
// Part of the awq-mlir project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "OpContext.h"

#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"

using namespace mlir;
using namespace awq;
using namespace awq::onnx;

Value onnx::placeOf(ImplicitLocOpBuilder &b, Value element, Value size) {
  Value place = arith::IndexCastOp::create(b, b.getIndexType(), element);
  Value zero = arith::ConstantIndexOp::create(b, 0);
  Value one = arith::ConstantIndexOp::create(b, 1);
  Value isNegative =
      arith::CmpIOp::create(b, arith::CmpIPredicate::slt, place, zero);
  Value fromEnd = arith::AddIOp::create(b, place, size);
  place = arith::SelectOp::create(b, isNegative, fromEnd, place);
  Value last = arith::SubIOp::create(b, size, one);
  return arith::MaxSIOp::create(b, arith::MinSIOp::create(b, place, last),
                                zero);
}

PlaceGuard::PlaceGuard(OpContext &op, ArrayRef<DimExpr> looped,
                       ArrayRef<DimExpr> sizes) {
  for (auto [loop, size] : llvm::zip_equal(looped, sizes)) {
    std::optional<bool> isSmaller = op.e.dims.isLess(size, loop);
    if (isSmaller == true)
      op.note(op.invalid("tensors whose sizes do not fit"));
    last.emplace_back();
    if (loop == size || isSmaller == false)
      continue;
    Value one = arith::ConstantIndexOp::create(op.e.b, 1);
    last.back() =
        arith::SubIOp::create(op.e.b, op.e.dims.materialize(size), one);
  }
}

SmallVector<Value> PlaceGuard::apply(ImplicitLocOpBuilder &b,
                                     ValueRange places) const {
  SmallVector<Value> inside;
  for (auto [place, bound] : llvm::zip_equal(places, last))
    inside.push_back(bound ? arith::MinSIOp::create(b, place, bound).getResult()
                           : place);
  return inside;
}

/// Indices must be i32 or i64.
static bool areIndices(const Tensor &tensor) {
  return tensor.type == OnnxType::I64 || tensor.type == OnnxType::I32;
}

static Status checkIndices(OpContext &op, size_t index) {
  Tensor &indices = op.input(index);
  if (op.ok() && !areIndices(indices))
    return op.invalid("indices of " + io::name(indices.type));
  if (op.ok() && !op.e.elementType(op.input(0).type))
    return op.unsupported("data of " + io::name(op.input(0).type));
  return op.status();
}

static Status gather(OpContext &op) {
  if (Status status = checkIndices(op, 1); !status)
    return status;
  Tensor x = op.inputs[0], indices = op.inputs[1];
  int64_t axis = op.axis(op.getInt("axis", 0), x.rank());
  if (!op.ok())
    return op.status();
  auto size = x.shape[axis].constant();
  if (indices.elements && size)
    for (const DimExpr &element : *indices.elements)
      if (auto place = element.constant();
          place && (*place < -*size || *place >= *size))
        return op.invalid("index " + Twine(*place) + " into a dimension of " +
                          Twine(*size));
  if (x.elements && indices.elements && x.rank() == 1) {
    std::vector<DimExpr> picked;
    for (const DimExpr &element : *indices.elements)
      if (auto place = element.constant())
        picked.push_back((*x.elements)[*place < 0 ? *place + *size : *place]);
    if (picked.size() == indices.elements->size())
      return op.set(
          op.e.fromElements(x.type, indices.shape, std::move(picked)));
  }
  Shape shape(x.shape.begin(), x.shape.begin() + axis);
  llvm::append_range(shape, indices.shape);
  shape.append(x.shape.begin() + axis + 1, x.shape.end());
  // A single known place is a slice.
  if (indices.elements && indices.elements->size() == 1)
    if (auto place = indices.elements->front().constant();
        place && (*place >= 0 || size)) {
      int64_t at = *place < 0 ? *place + *size : *place;
      return op.set(op.e.reshape(op.e.slice(x, axis, at, 1), std::move(shape)));
    }
  Value data = op.e.value(x), table = op.e.value(indices);
  Value bound = op.e.dims.materialize(x.shape[axis]);
  int64_t rank = indices.rank();
  return op.set(op.e.generate(
      x.type, std::move(shape),
      [&](ImplicitLocOpBuilder &b, ValueRange at) -> Value {
        SmallVector<Value> places(at.take_front(axis));
        Value element = op.e.readElement(b, table, at.slice(axis, rank));
        places.push_back(placeOf(b, element, bound));
        llvm::append_range(places, at.drop_front(axis + rank));
        return op.e.readElement(b, data, places);
      }));
}

static Status gatherElements(OpContext &op) {
  if (Status status = checkIndices(op, 1); !status)
    return status;
  Tensor x = op.inputs[0], indices = op.inputs[1];
  int64_t axis = op.axis(op.getInt("axis", 0), x.rank());
  if (op.ok() && indices.rank() != x.rank())
    return op.invalid("indices of another rank than the data");
  if (!op.ok())
    return op.status();
  Value data = op.e.value(x), table = op.e.value(indices);
  Value bound = op.e.dims.materialize(x.shape[axis]);
  Shape looped = indices.shape;
  looped[axis] = x.shape[axis];
  PlaceGuard guard(op, looped, x.shape);
  return op.set(op.e.generate(
      x.type, indices.shape,
      [&](ImplicitLocOpBuilder &b, ValueRange at) -> Value {
        SmallVector<Value> places = guard.apply(b, at);
        places[axis] = placeOf(b, op.e.readElement(b, table, at), bound);
        return op.e.readElement(b, data, places);
      }));
}

static Status gatherND(OpContext &op) {
  if (Status status = checkIndices(op, 1); !status)
    return status;
  Tensor x = op.inputs[0], indices = op.inputs[1];
  int64_t batch = op.getInt("batch_dims", 0);
  if (!op.ok())
    return op.status();
  if (batch < 0 || batch >= std::min(x.rank(), indices.rank()))
    return op.invalid("batch_dims of " + Twine(batch));
  auto depth = indices.shape.back().constant();
  if (!depth)
    return op.unsupported("indices whose last size is dynamic");
  if (*depth < 1 || *depth > x.rank() - batch)
    return op.invalid(Twine(*depth) + " indices into a tensor of rank " +
                      Twine(x.rank()));
  int64_t lead = indices.rank() - 1;
  Shape shape(indices.shape.begin(), indices.shape.end() - 1);
  shape.append(x.shape.begin() + batch + *depth, x.shape.end());
  Value data = op.e.value(x), table = op.e.value(indices);
  SmallVector<Value> bounds;
  for (const DimExpr &size : x.shape)
    bounds.push_back(op.e.dims.materialize(size));
  PlaceGuard guard(op, ArrayRef(indices.shape).take_front(batch),
                   ArrayRef(x.shape).take_front(batch));
  return op.set(op.e.generate(
      x.type, std::move(shape),
      [&](ImplicitLocOpBuilder &b, ValueRange at) -> Value {
        SmallVector<Value> places = guard.apply(b, at.take_front(batch));
        for (int64_t i = 0; i < *depth; ++i) {
          SmallVector<Value> row(at.take_front(lead));
          row.push_back(arith::ConstantIndexOp::create(b, i));
          places.push_back(
              placeOf(b, op.e.readElement(b, table, row), bounds[batch + i]));
        }
        llvm::append_range(places, at.drop_front(lead));
        return op.e.readElement(b, data, places);
      }));
}

/// Elements of a OneHot that are computed here: those of a shape.
static constexpr size_t mostFolded = 64;

static Status oneHot(OpContext &op) {
  Tensor &indices = op.input(0), &depth = op.input(1), &values = op.input(2);
  if (!op.ok())
    return op.status();
  if (values.rank() != 1)
    return op.invalid("values of rank " + Twine(values.rank()));
  std::optional<int64_t> known;
  if (auto number = Emitter::splat(depth))
    known = static_cast<int64_t>(*number);
  DimExpr size = known ? DimExpr(*known) : DimExpr();
  if (!known) {
    Tensor integer = op.e.cast(depth, OnnxType::I64);
    auto elements = op.e.elements(integer);
    if (!elements || elements->size() != 1)
      return op.invalid("a depth that is no scalar");
    size = op.e.dims.max(elements->front(), 0);
  }
  int64_t axis = op.axis(op.getInt("axis", -1), indices.rank() + 1);
  if (!op.ok())
    return op.status();
  Shape shape = indices.shape;
  shape.insert(shape.begin() + axis, size);
  // Exporters build the repeats of a Tile so.
  if (known && *known > 0 && axis == indices.rank() && indices.elements &&
      values.elements && values.elements->size() == 2) {
    std::vector<DimExpr> elements;
    bool isKnown = true;
    for (const DimExpr &index : *indices.elements) {
      std::optional<int64_t> place = index.constant();
      isKnown &= place.has_value();
      for (int64_t i = 0; i < *known && isKnown; ++i)
        elements.push_back(
            (*values.elements)[*place == i || *place + *known == i]);
    }
    if (isKnown && elements.size() <= mostFolded)
      return op.set(op.e.fromElements(values.type, shape, std::move(elements)));
  }
  // Indices may be floats; all are compared as integers.
  Tensor integers = op.e.cast(indices, OnnxType::I64);
  Value table = op.e.value(integers), choice = op.e.value(values);
  Value bound = op.e.dims.materialize(size);
  return op.set(op.e.generate(
      values.type, std::move(shape),
      [&](ImplicitLocOpBuilder &b, ValueRange at) -> Value {
        SmallVector<Value> places(at.take_front(axis));
        llvm::append_range(places, at.drop_front(axis + 1));
        Value element = op.e.readElement(b, table, places);
        Value place = arith::IndexCastOp::create(b, b.getIndexType(), element);
        Value zero = arith::ConstantIndexOp::create(b, 0);
        Value one = arith::ConstantIndexOp::create(b, 1);
        Value isNegative =
            arith::CmpIOp::create(b, arith::CmpIPredicate::slt, place, zero);
        Value fromEnd = arith::AddIOp::create(b, place, bound);
        place = arith::SelectOp::create(b, isNegative, fromEnd, place);
        Value isHot =
            arith::CmpIOp::create(b, arith::CmpIPredicate::eq, place, at[axis]);
        Value which = arith::SelectOp::create(b, isHot, one, zero);
        return op.e.readElement(b, choice, which);
      }));
}

static Status trilu(OpContext &op) {
  Tensor x = op.input(0);
  bool upper = op.getInt("upper", 1) != 0;
  DimExpr diagonal = 0;
  if (op.has(1)) {
    std::vector<DimExpr> given = op.sizes(1);
    if (!op.ok() || given.size() != 1)
      return op.ok() ? op.invalid("k has several elements") : op.status();
    diagonal = given.front();
  }
  if (!op.ok() || x.rank() < 2)
    return op.ok() ? op.invalid("input 0 has rank " + Twine(x.rank()))
                   : op.status();
  Value shift = op.e.dims.materialize(diagonal);
  Shape matrix(x.shape.end() - 2, x.shape.end());
  Tensor kept = op.e.generate(
      OnnxType::Bool, std::move(matrix),
      [&](ImplicitLocOpBuilder &b, ValueRange at) -> Value {
        Value row = arith::AddIOp::create(b, at[0], shift);
        return arith::CmpIOp::create(
            b, upper ? arith::CmpIPredicate::sge : arith::CmpIPredicate::sle,
            at[1], row);
      });
  return op.set(op.e.select(kept, x, op.e.scalar(x.type, 0)));
}

ArrayRef<OpEntry> onnx::indexOps() {
  static const OpEntry entries[] = {
      {"Gather", gather},
      {"GatherElements", gatherElements, 11},
      {"GatherND", gatherND, 11, kNewestOpset, "",
       "last size of the indices known"},
      {"OneHot", oneHot, 9},
      {"Trilu", trilu, 14},
  };
  return entries;
}
