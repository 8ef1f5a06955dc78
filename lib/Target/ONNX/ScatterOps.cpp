//===- ScatterOps.cpp - sorting, counting, writing by index -*- C++ -*-===//
//
// Part of the awq-mlir project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Loops.h"

#include "mlir/Dialect/Tensor/IR/Tensor.h"

using namespace mlir;
using namespace awq;
using namespace awq::onnx;

static SmallVector<Value> sizesOf(OpContext &op, ArrayRef<DimExpr> shape) {
  SmallVector<Value> sizes;
  for (const DimExpr &size : shape)
    sizes.push_back(op.e.dims.materialize(size));
  return sizes;
}

//===----------------------------------------------------------------------===//
// TopK and NonZero
//===----------------------------------------------------------------------===//

/// How many elements along `axis` come before each one: larger (or smaller)
/// ones, and of equals those in front.
static Tensor ranksAlong(OpContext &op, const Tensor &x, int64_t axis,
                         bool largest) {
  Value source = op.e.value(x);
  SmallVector<Interval> whole = placesOf(op.e, x.shape[axis]);
  bool floats = isFloat(x.type), noSign = isUnsigned(x.type);
  return op.e.generate(
      OnnxType::I64, x.shape,
      [&](ImplicitLocOpBuilder &b, ValueRange at) -> Value {
        Value own = op.e.readElement(b, source, at);
        Value zero = arith::ConstantOp::create(b, b.getI64IntegerAttr(0));
        return loopOver(
            b, whole, zero,
            [&](ImplicitLocOpBuilder &n, ValueRange i, Value count) {
              SmallVector<Value> places(at);
              places[axis] = i[0];
              Value other = op.e.readElement(n, source, places);
              Value left = largest ? other : own;
              Value right = largest ? own : other;
              Value better, same;
              if (floats) {
                better = arith::CmpFOp::create(n, arith::CmpFPredicate::OGT,
                                               left, right);
                same = arith::CmpFOp::create(n, arith::CmpFPredicate::OEQ, left,
                                             right);
              } else {
                better =
                    arith::CmpIOp::create(n,
                                          noSign ? arith::CmpIPredicate::ugt
                                                 : arith::CmpIPredicate::sgt,
                                          left, right);
                same = arith::CmpIOp::create(n, arith::CmpIPredicate::eq, left,
                                             right);
              }
              Value inFront = arith::CmpIOp::create(
                  n, arith::CmpIPredicate::ult, i[0], at[axis]);
              Value before = arith::OrIOp::create(
                  n, better, arith::AndIOp::create(n, same, inFront));
              Value step = arith::ExtUIOp::create(n, n.getI64Type(), before);
              return arith::AddIOp::create(n, count, step).getResult();
            });
      });
}

static Status topK(OpContext &op) {
  Tensor x = op.input(0);
  int64_t axis = op.axis(op.getInt("axis", -1), x.rank());
  bool largest = op.getInt("largest", 1) != 0;
  DimExpr count;
  if (op.version >= 10) {
    std::vector<DimExpr> given = op.sizes(1);
    if (op.ok() && given.size() != 1)
      return op.invalid("k has " + Twine(given.size()) + " elements");
    if (op.ok())
      count = given.front();
  } else {
    count = op.getInt("k", 0);
  }
  if (!op.ok())
    return op.status();
  if (!isFloat(x.type) && !isInteger(x.type))
    return op.invalid("an input of " + io::name(x.type));
  if (op.e.dims.isLess(x.shape[axis], count) == true)
    return op.invalid("k is larger than the dimension");
  Tensor ranks = ranksAlong(op, x, axis, largest);
  Value table = op.e.value(ranks);
  SmallVector<Interval> whole = placesOf(op.e, x.shape[axis]);
  Shape shape = x.shape;
  shape[axis] = count;
  Tensor indices = op.e.generate(
      OnnxType::I64, shape,
      [&](ImplicitLocOpBuilder &b, ValueRange at) -> Value {
        Value zero = arith::ConstantOp::create(b, b.getI64IntegerAttr(0));
        Value wanted = arith::IndexCastOp::create(b, b.getI64Type(), at[axis]);
        return loopOver(
            b, whole, zero,
            [&](ImplicitLocOpBuilder &n, ValueRange i, Value found) {
              SmallVector<Value> places(at);
              places[axis] = i[0];
              Value rank = op.e.readElement(n, table, places);
              Value isIt = arith::CmpIOp::create(n, arith::CmpIPredicate::eq,
                                                 rank, wanted);
              Value place = arith::IndexCastOp::create(n, n.getI64Type(), i[0]);
              return arith::SelectOp::create(n, isIt, place, found).getResult();
            });
      });
  Value source = op.e.value(x), chosen = op.e.value(indices);
  Tensor values =
      op.e.generate(x.type, std::move(shape),
                    [&](ImplicitLocOpBuilder &b, ValueRange at) -> Value {
                      SmallVector<Value> places(at);
                      places[axis] = arith::IndexCastOp::create(
                          b, b.getIndexType(), op.e.readElement(b, chosen, at));
                      return op.e.readElement(b, source, places);
                    });
  op.put(values, 0);
  op.put(indices, 1);
  return op.status();
}

static Status nonZero(OpContext &op) {
  Tensor x = op.input(0);
  if (!op.ok())
    return op.status();
  if (!isFloat(x.type) && !isInteger(x.type))
    return op.invalid("an input of " + io::name(x.type));
  Tensor flags = op.e.cast(op.e.cast(x, OnnxType::Bool), OnnxType::I64);
  Value table = op.e.value(flags);
  SmallVector<Interval> whole = placesOf(op.e, x.shape);
  ImplicitLocOpBuilder &b = op.e.b;
  Value zero = arith::ConstantOp::create(b, b.getI64IntegerAttr(0));
  Value total = loopOver(
      b, whole, zero, [&](ImplicitLocOpBuilder &n, ValueRange at, Value sum) {
        return arith::AddIOp::create(n, sum, op.e.readElement(n, table, at))
            .getResult();
      });
  DimExpr count = op.e.dims.opaque(
      arith::IndexCastOp::create(b, b.getIndexType(), total), true);
  // Every place is written behind those that were found, and the column moves
  // on if it counts; what does not lies in one column more.
  Value first = arith::ConstantIndexOp::create(b, 0);
  SmallVector<Value> inits = {
      op.e.empty(OnnxType::I64, {x.rank(), count + DimExpr(1)}), first};
  SmallVector<Value> found = loopOver(
      b, whole, inits,
      [&](ImplicitLocOpBuilder &n, ValueRange at,
          ValueRange carried) -> SmallVector<Value> {
        Value results = carried[0], column = carried[1];
        for (auto [d, place] : llvm::enumerate(at)) {
          Value row = arith::ConstantIndexOp::create(n, d);
          Value number = arith::IndexCastOp::create(n, n.getI64Type(), place);
          results = tensor::InsertOp::create(n, number, results,
                                             ValueRange{row, column});
        }
        Value step = arith::IndexCastOp::create(n, n.getIndexType(),
                                                op.e.readElement(n, table, at));
        return {results, arith::AddIOp::create(n, column, step)};
      });
  Value places = found.front();
  return op.set(op.e.generate(OnnxType::I64, {x.rank(), count},
                              [&](ImplicitLocOpBuilder &inner, ValueRange at) {
                                return op.e.readElement(inner, places, at);
                              }));
}

//===----------------------------------------------------------------------===//
// Scatter
//===----------------------------------------------------------------------===//

/// What becomes of an element that is there when an update arrives.
static Value combine(ImplicitLocOpBuilder &b, StringRef reduction, Value held,
                     Value update, bool noSign) {
  bool floats = isa<FloatType>(held.getType());
  if (reduction == "add")
    return floats ? arith::AddFOp::create(b, held, update).getResult()
                  : arith::AddIOp::create(b, held, update).getResult();
  if (reduction == "mul")
    return floats ? arith::MulFOp::create(b, held, update).getResult()
                  : arith::MulIOp::create(b, held, update).getResult();
  if (reduction == "max")
    return floats   ? arith::MaximumFOp::create(b, held, update).getResult()
           : noSign ? arith::MaxUIOp::create(b, held, update).getResult()
                    : arith::MaxSIOp::create(b, held, update).getResult();
  if (reduction == "min")
    return floats   ? arith::MinimumFOp::create(b, held, update).getResult()
           : noSign ? arith::MinUIOp::create(b, held, update).getResult()
                    : arith::MinSIOp::create(b, held, update).getResult();
  return update;
}

static Status checkScatter(OpContext &op, std::string &reduction) {
  Tensor &x = op.input(0), &indices = op.input(1), &updates = op.input(2);
  reduction = op.getString("reduction", "none");
  if (!op.ok())
    return op.status();
  if (indices.type != OnnxType::I64 && indices.type != OnnxType::I32)
    return op.invalid("indices of " + io::name(indices.type));
  if (x.type != updates.type || !op.e.elementType(x.type))
    return op.invalid("data of " + io::name(x.type) + " and updates of " +
                      io::name(updates.type));
  for (StringRef known : {"none", "add", "mul", "max", "min"})
    if (reduction == known)
      return {};
  return op.invalid("a reduction '" + reduction + "'");
}

static Status scatterElements(OpContext &op) {
  std::string reduction;
  if (Status status = checkScatter(op, reduction); !status)
    return status;
  Tensor x = op.inputs[0], indices = op.inputs[1], updates = op.inputs[2];
  int64_t axis = op.axis(op.getInt("axis", 0), x.rank());
  if (op.ok() && (indices.rank() != x.rank() || updates.rank() != x.rank()))
    return op.invalid("data, indices and updates of different ranks");
  if (!op.ok())
    return op.status();
  Value table = op.e.value(indices), source = op.e.value(updates);
  Value bound = op.e.dims.materialize(x.shape[axis]);
  Shape looped = indices.shape;
  looped[axis] = x.shape[axis];
  PlaceGuard ofData(op, looped, x.shape);
  PlaceGuard ofUpdates(op, indices.shape, updates.shape);
  bool noSign = isUnsigned(x.type);
  Value result = loopOver(
      op.e.b, placesOf(op.e, indices.shape), op.e.value(x),
      [&](ImplicitLocOpBuilder &b, ValueRange at, Value data) -> Value {
        SmallVector<Value> target = ofData.apply(b, at);
        target[axis] = placeOf(b, op.e.readElement(b, table, at), bound);
        Value update = op.e.readElement(b, source, ofUpdates.apply(b, at));
        if (reduction != "none")
          update = combine(b, reduction, op.e.readElement(b, data, target),
                           update, noSign);
        return tensor::InsertOp::create(b, update, data, target);
      });
  return op.set(op.e.wrap(result, x.type, x.shape));
}

static Status scatterND(OpContext &op) {
  std::string reduction;
  if (Status status = checkScatter(op, reduction); !status)
    return status;
  Tensor x = op.inputs[0], indices = op.inputs[1], updates = op.inputs[2];
  if (indices.rank() == 0)
    return op.invalid("indices of rank 0");
  auto depth = indices.shape.back().constant();
  if (!depth || *depth < 1 || *depth > x.rank())
    return op.unsupported("indices whose last size is not known");
  int64_t lead = indices.rank() - 1;
  if (updates.rank() != lead + x.rank() - *depth)
    return op.invalid("updates of rank " + Twine(updates.rank()));
  Value table = op.e.value(indices), source = op.e.value(updates);
  SmallVector<Value> bounds = sizesOf(op, x.shape);
  ArrayRef<DimExpr> looped(updates.shape);
  PlaceGuard ofIndices(op, looped.take_front(lead),
                       ArrayRef(indices.shape).drop_back());
  PlaceGuard ofData(op, looped.drop_front(lead),
                    ArrayRef(x.shape).drop_front(*depth));
  bool noSign = isUnsigned(x.type);
  Value result = loopOver(
      op.e.b, placesOf(op.e, updates.shape), op.e.value(x),
      [&](ImplicitLocOpBuilder &b, ValueRange at, Value data) -> Value {
        SmallVector<Value> target;
        for (int64_t i = 0; i < *depth; ++i) {
          SmallVector<Value> row = ofIndices.apply(b, at.take_front(lead));
          row.push_back(arith::ConstantIndexOp::create(b, i));
          target.push_back(
              placeOf(b, op.e.readElement(b, table, row), bounds[i]));
        }
        llvm::append_range(target, ofData.apply(b, at.drop_front(lead)));
        Value update = op.e.readElement(b, source, at);
        if (reduction != "none")
          update = combine(b, reduction, op.e.readElement(b, data, target),
                           update, noSign);
        return tensor::InsertOp::create(b, update, data, target);
      });
  return op.set(op.e.wrap(result, x.type, x.shape));
}

/// Writes new keys or values into a cache [B, ..., M, ...] from row
/// write_indices[b] on, around the end with mode "circular".
static Status tensorScatter(OpContext &op) {
  Tensor x = op.input(0), updates = op.input(1);
  int64_t axis = op.axis(op.getInt("axis", -2), x.rank());
  std::string mode = op.getString("mode", "linear");
  if (!op.ok())
    return op.status();
  if (x.type != updates.type || x.rank() != updates.rank() || axis == 0)
    return op.invalid("a cache and updates that do not fit");
  if (mode != "linear" && mode != "circular")
    return op.invalid("a mode '" + mode + "'");
  Value starts;
  if (op.has(2)) {
    if (op.inputs[2].rank() != 1 || !isInteger(op.inputs[2].type))
      return op.invalid("write_indices must be integers, one a sequence");
    starts = op.e.value(op.inputs[2]);
    if (op.e.dims.isEqual(op.inputs[2].shape[0], updates.shape[0]) == false)
      return op.invalid("write_indices must be one a sequence");
  }
  Value source = op.e.value(updates);
  Value bound = op.e.dims.materialize(x.shape[axis]);
  Shape looped = updates.shape;
  looped[axis] = x.shape[axis];
  PlaceGuard guard(op, looped, x.shape);
  Value result = loopOver(
      op.e.b, placesOf(op.e, updates.shape), op.e.value(x),
      [&](ImplicitLocOpBuilder &b, ValueRange at, Value data) -> Value {
        SmallVector<Value> target = guard.apply(b, at);
        if (starts) {
          Value start = arith::IndexCastOp::create(
              b, b.getIndexType(), op.e.readElement(b, starts, at[0]));
          start = arith::MaxSIOp::create(b, start,
                                         arith::ConstantIndexOp::create(b, 0));
          target[axis] = arith::AddIOp::create(b, target[axis], start);
        }
        if (mode == "circular") {
          target[axis] = arith::RemUIOp::create(b, target[axis], bound);
        } else {
          Value one = arith::ConstantIndexOp::create(b, 1);
          Value last = arith::SubIOp::create(b, bound, one);
          target[axis] = arith::MinSIOp::create(b, target[axis], last);
        }
        return tensor::InsertOp::create(b, op.e.readElement(b, source, at),
                                        data, target);
      });
  return op.set(op.e.wrap(result, x.type, x.shape));
}

ArrayRef<OpEntry> onnx::scatterOps() {
  static const OpEntry entries[] = {
      {"NonZero", nonZero, 9},
      {"Scatter", scatterElements, 9, 10},
      {"ScatterElements", scatterElements, 11},
      {"ScatterND", scatterND, 11, kNewestOpset, "",
       "last size of the indices known"},
      {"TensorScatter", tensorScatter, 24, kNewestOpset, "",
       "rows beyond the end are written to the last one"},
      {"TopK", topK},
  };
  return entries;
}
