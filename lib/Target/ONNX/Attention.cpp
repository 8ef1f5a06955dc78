//===- Attention.cpp - attention, whatever op it is in ---- -*- C++ -*-===//
//
// Part of the awq-mlir project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Attention.h"

#include "OpContext.h"
#include "mlir/Dialect/Math/IR/Math.h"

#include <limits>

using namespace mlir;
using namespace awq;
using namespace awq::onnx;

Tensor onnx::splitHeads(Emitter &e, const Tensor &x, int64_t heads) {
  DimExpr size = e.dims.floorDiv(x.shape[2], heads);
  Tensor split = e.reshape(x, {x.shape[0], x.shape[1], heads, size});
  return e.transpose(split, {0, 2, 1, 3});
}

Tensor onnx::joinHeads(Emitter &e, const Tensor &x) {
  Tensor turned = e.transpose(x, {0, 2, 1, 3});
  return e.reshape(turned, {turned.shape[0], turned.shape[1],
                            turned.shape[2] * turned.shape[3]});
}

/// Each head `count` times, one after the other.
static Tensor repeatHeads(Emitter &e, const Tensor &x, int64_t count) {
  if (count == 1)
    return x;
  Tensor apart = e.unsqueeze(x, {2});
  Shape shape = apart.shape;
  shape[2] = count;
  Tensor repeated = e.expand(apart, std::move(shape));
  return e.reshape(repeated, {x.shape[0], x.shape[1] * DimExpr(count),
                              x.shape[2], x.shape[3]});
}

/// Whether two tensors of rank 4 may have the same sizes in these dimensions.
static bool mayAgree(Emitter &e, const Tensor &a, const Tensor &b,
                     ArrayRef<int64_t> dimensions) {
  return llvm::all_of(dimensions, [&](int64_t i) {
    return e.dims.isEqual(a.shape[i], b.shape[i]) != false;
  });
}

std::optional<std::string> Attention::prepend(Emitter &e, const Tensor &pastKey,
                                              const Tensor &pastValue) {
  for (auto [past, part] : {std::pair{&pastKey, &key}, {&pastValue, &value}}) {
    if (past->rank() != 4 || past->type != part->type ||
        !mayAgree(e, *past, *part, {0, 1, 3}))
      return "past keys or values that do not fit the new ones";
    *part = e.concat({*past, *part}, 2);
  }
  return std::nullopt;
}

std::optional<std::string> Attention::mismatch(Emitter &e) const {
  if (query.rank() != 4 || key.rank() != 4 || value.rank() != 4)
    return "query, key and value that are not split into heads";
  if (!mayAgree(e, query, key, {0, 3}) || !mayAgree(e, key, value, {0, 1, 2}))
    return "query, key and value of sizes that do not fit";
  auto heads = query.shape[1].constant(), shared = key.shape[1].constant();
  if (heads && shared && (*shared == 0 || *heads % *shared != 0))
    return "numbers of heads that do not divide each other";
  Shape scores = {query.shape[0], query.shape[1], query.shape[2], key.shape[2]};
  for (const Tensor *mask : {&seen, &bias})
    if (*mask) {
      auto shape = e.broadcast({scores, mask->shape});
      if (!shape || shape->size() != 4)
        return "a mask that cannot be broadcast to the scores";
    }
  return std::nullopt;
}

Tensor Attention::emit(Emitter &e) {
  OnnxType type = query.type;
  OnnxType wide = type == OnnxType::F64 ? type : OnnxType::F32;
  auto queryHeads = query.shape[1].constant(),
       keyHeads = key.shape[1].constant();
  int64_t repeats =
      queryHeads && keyHeads && *keyHeads > 0 ? *queryHeads / *keyHeads : 1;
  Tensor keys = e.cast(repeatHeads(e, key, repeats), wide);
  Tensor values = e.cast(repeatHeads(e, value, repeats), wide);
  scores =
      e.contract({e.cast(query, wide), keys}, {"bhqd", "bhkd"}, "bhqk", wide);
  scores = e.multiply(scores, scale);
  capped = scores;
  if (softcap > 0.0)
    capped = e.map(
        {scores}, wide, [&](ImplicitLocOpBuilder &b, ValueRange in) -> Value {
          Value cap = arith::ConstantOp::create(
              b, b.getFloatAttr(in[0].getType(), softcap));
          Value bent =
              math::TanhOp::create(b, arith::DivFOp::create(b, in[0], cap));
          return arith::MulFOp::create(b, bent, cap);
        });
  masked = capped;
  double infinity = std::numeric_limits<double>::infinity();
  Tensor total;
  if (seen)
    total = e.select(seen, e.scalar(wide, 0.0), e.scalar(wide, -infinity));
  if (bias)
    total = total ? e.add(total, e.cast(bias, wide)) : e.cast(bias, wide);
  if (total)
    masked = e.add(capped, total);
  weights = e.softmax(masked, 3);
  if (total) {
    // A query that sees no key at all gets zeros.
    Tensor most = e.reduce(Reduction::Max, total, {total.rank() - 1});
    Tensor none = e.map({most}, OnnxType::Bool,
                        [&](ImplicitLocOpBuilder &b, ValueRange in) -> Value {
                          Value low = arith::ConstantOp::create(
                              b, b.getFloatAttr(in[0].getType(), -infinity));
                          return arith::CmpFOp::create(
                              b, arith::CmpFPredicate::OEQ, in[0], low);
                        });
    weights = e.select(none, e.scalar(wide, 0.0), weights);
  }
  Tensor result = e.contract({weights, values}, {"bhqk", "bhkd"}, "bhqd", wide);
  return e.cast(result, type);
}

//===----------------------------------------------------------------------===//
// Masks
//===----------------------------------------------------------------------===//

/// An element of an integer tensor as an index.
static Value asIndex(ImplicitLocOpBuilder &b, Value element) {
  return arith::IndexCastOp::create(b, b.getIndexType(), element);
}

/// BOOL [B or 1, 1, S, T] from a key's place and that of a query among the
/// keys.
static Tensor maskByPlace(
    Emitter &e, const DimExpr &queries, const DimExpr &keys,
    const Tensor &offset,
    llvm::function_ref<Value(ImplicitLocOpBuilder &, Value key, Value query)>
        body) {
  bool isScalar = offset.rank() == 0;
  bool isKnown = isScalar && offset.elements;
  Value known, table;
  if (isKnown)
    known = e.dims.materialize(offset.elements->front());
  else
    table = e.value(offset);
  Shape shape = {isScalar ? DimExpr(1) : offset.shape[0], 1, queries, keys};
  return e.generate(
      OnnxType::Bool, std::move(shape),
      [&](ImplicitLocOpBuilder &b, ValueRange at) -> Value {
        Value shift = known;
        if (!isKnown)
          shift = asIndex(
              b, e.readElement(b, table,
                               isScalar ? ValueRange() : ValueRange(at[0])));
        return body(b, at[3], arith::AddIOp::create(b, at[2], shift));
      });
}

Tensor onnx::causalMask(Emitter &e, const DimExpr &queries, const DimExpr &keys,
                        const Tensor &offset, int64_t window) {
  return maskByPlace(
      e, queries, keys, offset,
      [&](ImplicitLocOpBuilder &b, Value key, Value query) -> Value {
        Value isPast =
            arith::CmpIOp::create(b, arith::CmpIPredicate::sle, key, query);
        if (window <= 0)
          return isPast;
        Value first = arith::SubIOp::create(
            b, query, arith::ConstantIndexOp::create(b, window));
        Value isNear =
            arith::CmpIOp::create(b, arith::CmpIPredicate::sgt, key, first);
        return arith::AndIOp::create(b, isPast, isNear);
      });
}

Tensor onnx::windowMask(Emitter &e, const DimExpr &queries, const DimExpr &keys,
                        const Tensor &offset, int64_t left, int64_t right) {
  return maskByPlace(
      e, queries, keys, offset,
      [&](ImplicitLocOpBuilder &b, Value key, Value query) -> Value {
        Value isNear = arith::ConstantOp::create(b, b.getBoolAttr(true));
        auto require = [&](arith::CmpIPredicate predicate, int64_t distance) {
          Value bound = arith::AddIOp::create(
              b, query, arith::ConstantIndexOp::create(b, distance));
          isNear = arith::AndIOp::create(
              b, isNear, arith::CmpIOp::create(b, predicate, key, bound));
        };
        if (left >= 0)
          require(arith::CmpIPredicate::sge, -left);
        if (right >= 0)
          require(arith::CmpIPredicate::sle, right);
        return isNear;
      });
}

Tensor onnx::lengthMask(Emitter &e, const DimExpr &keys,
                        const Tensor &lengths) {
  Value table = e.value(lengths);
  return e.generate(OnnxType::Bool, {lengths.shape[0], 1, 1, keys},
                    [&](ImplicitLocOpBuilder &b, ValueRange at) -> Value {
                      Value length = asIndex(b, e.readElement(b, table, at[0]));
                      return arith::CmpIOp::create(b, arith::CmpIPredicate::slt,
                                                   at[3], length);
                    });
}

Tensor onnx::intersect(Emitter &e, const Tensor &a, const Tensor &other) {
  if (!a || !other)
    return a ? a : other;
  return e.map({a, other}, OnnxType::Bool,
               [](ImplicitLocOpBuilder &b, ValueRange in) -> Value {
                 return arith::AndIOp::create(b, in[0], in[1]);
               });
}

//===----------------------------------------------------------------------===//
// Rotary embedding
//===----------------------------------------------------------------------===//

Tensor onnx::rotate(Emitter &e, const Tensor &x, const Tensor &cosines,
                    const Tensor &sines, bool interleaved, bool headsFirst) {
  int64_t axis = x.rank() - 1;
  DimExpr half = cosines.shape.back();
  DimExpr turned = half * DimExpr(2), size = x.shape[axis];
  Tensor front = e.slice(x, axis, 0, turned);
  auto spread = [&](const Tensor &table) {
    Tensor wide = e.unsqueeze(table, {headsFirst ? 1 : 2});
    if (!interleaved)
      return e.concat({wide, wide}, axis);
    // Each of them twice in a row.
    Tensor column = e.unsqueeze(wide, {axis + 1});
    Tensor pairs = e.concat({column, column}, axis + 1);
    Shape shape = wide.shape;
    shape[axis] = turned;
    return e.reshape(pairs, std::move(shape));
  };
  Tensor partner;
  if (interleaved) {
    Shape apart = front.shape;
    apart[axis] = half;
    apart.push_back(2);
    Tensor pairs = e.reshape(front, apart);
    Tensor even = e.slice(pairs, axis + 1, 0, 1);
    Tensor odd = e.slice(pairs, axis + 1, 1, 1);
    partner = e.reshape(e.concat({e.multiply(odd, -1.0), even}, axis + 1),
                        front.shape);
  } else {
    Tensor low = e.slice(front, axis, 0, half);
    Tensor high = e.slice(front, axis, half, half);
    partner = e.concat({e.multiply(high, -1.0), low}, axis);
  }
  Tensor result = e.add(e.multiply(front, spread(cosines)),
                        e.multiply(partner, spread(sines)));
  if (size == turned)
    return result;
  return e.concat({result, e.slice(x, axis, turned, size - turned)}, axis);
}

Tensor onnx::rowsAt(Emitter &e, const Tensor &table, const Tensor &positions) {
  Value rows = e.value(table), places = e.value(positions);
  Value bound = e.dims.materialize(table.shape[0]);
  Shape shape = positions.shape;
  shape.push_back(table.shape[1]);
  return e.generate(
      table.type, std::move(shape),
      [&](ImplicitLocOpBuilder &b, ValueRange at) -> Value {
        Value place =
            placeOf(b, e.readElement(b, places, at.drop_back()), bound);
        return e.readElement(b, rows, ValueRange{place, at.back()});
      });
}
