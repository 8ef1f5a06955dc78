//===- PortableAttention.cpp - attention as matrices ------------*- C++ -*-===//
//
// Part of the awq-mlir project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Attention in the ops that every compiler of linalg knows: a matrix of scores
// over the rows that the caches hold by now, a mask, a softmax, and a product
// with the values. Loops, vectors and prefetches are the other compiler's.
//
//===----------------------------------------------------------------------===//

#include "InsertRows.h"
#include "Patterns.h"

#include "awq/Conversion/Common/TensorBuilders.h"
#include "awq/Dialect/Decoder/IR/Decoder.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/ImplicitLocOpBuilder.h"
#include "mlir/IR/PatternMatch.h"

#include <limits>

using namespace mlir;
using awq::decoder::AttentionOp;

namespace {

/// Builds the lowering of one op. Query heads are two dimensions: the head of
/// the cache that they read, and the place among those that read it.
class MatrixAttention {
public:
  MatrixAttention(ImplicitLocOpBuilder &b, AttentionOp op)
      : b(b), op(op), type(cast<RankedTensorType>(op.getOut().getType())),
        cacheHeads(cast<RankedTensorType>(op.getKey().getType()).getDimSize(1)),
        sharers(type.getDimSize(1) / cacheHeads),
        tokens(tensor::getMixedSize(b, b.getLoc(), op.getQuery(), 0)) {}

  /// The output, [T, Hq, Dv], from the updated caches.
  Value build(Value keys, Value values);

private:
  Value visibleRows(Value cache);
  Value splitHeads(Value tensor);
  Value joinHeads(Value tensor);
  Value product(Value left, AffineMap leftMap, Value right, AffineMap rightMap,
                ArrayRef<OpFoldResult> sizes, AffineMap map);
  Value score(Value keys);
  Value finishScore(OpBuilder &nested, Location loc, Value dot, Value slope);
  Value reduce(
      Value scores, double start,
      llvm::function_ref<Value(OpBuilder &, Location, Value, Value)> combine);
  Value weigh(Value scores, Value maxima);
  Value divide(Value sums, Value totals);

  AffineMap map(unsigned loops, ArrayRef<unsigned> results) {
    return AffineMap::getMultiDimMapWithTargets(loops, results, b.getContext());
  }
  /// Sizes [Hkv, Hq / Hkv, T] of what each head and token has one of.
  SmallVector<OpFoldResult> taskSizes() {
    return {b.getIndexAttr(cacheHeads), b.getIndexAttr(sharers), tokens};
  }

  ImplicitLocOpBuilder &b;
  AttentionOp op;
  RankedTensorType type;
  int64_t cacheHeads, sharers;
  OpFoldResult tokens;
};

} // namespace

/// The rows 0 .. position + T - 1 of a cache. Those behind may hold anything.
Value MatrixAttention::visibleRows(Value cache) {
  Value count = getValueOrCreateConstantIndexOp(b, b.getLoc(), tokens);
  SmallVector<OpFoldResult> sizes = tensor::getMixedSizes(b, b.getLoc(), cache);
  sizes[0] = Value(arith::AddIOp::create(b, op.getPosition(), count));
  SmallVector<OpFoldResult> offsets(3, b.getIndexAttr(0)),
      strides(3, b.getIndexAttr(1));
  return tensor::ExtractSliceOp::create(b, cache, offsets, sizes, strides);
}

/// [T, Hq, D] as [T, Hkv, Hq / Hkv, D].
Value MatrixAttention::splitHeads(Value tensor) {
  auto type = cast<RankedTensorType>(tensor.getType());
  int64_t width = type.getDimSize(2);
  SmallVector<OpFoldResult> sizes{tokens, b.getIndexAttr(cacheHeads),
                                  b.getIndexAttr(sharers),
                                  b.getIndexAttr(width)};
  return tensor::ExpandShapeOp::create(
      b,
      RankedTensorType::get({type.getDimSize(0), cacheHeads, sharers, width},
                            type.getElementType()),
      tensor, ArrayRef<ReassociationIndices>{{0}, {1, 2}, {3}}, sizes);
}

Value MatrixAttention::joinHeads(Value tensor) {
  return tensor::CollapseShapeOp::create(
      b, tensor, ArrayRef<ReassociationIndices>{{0}, {1, 2}, {3}});
}

/// The sums of left * right over the last of five loops, in f32.
Value MatrixAttention::product(Value left, AffineMap leftMap, Value right,
                               AffineMap rightMap, ArrayRef<OpFoldResult> sizes,
                               AffineMap map) {
  return awq::buildGeneric(
      b, b.getLoc(), {left, right},
      awq::zeros(b, b.getLoc(), sizes, b.getF32Type()),
      {leftMap, rightMap, map}, 1,
      [](OpBuilder &nested, Location loc, ValueRange in) -> Value {
        Value x = awq::castFloat(nested, loc, in[0], nested.getF32Type());
        Value y = awq::castFloat(nested, loc, in[1], nested.getF32Type());
        auto flags = awq::reassociate(nested);
        Value term = arith::MulFOp::create(nested, loc, x, y, flags);
        return arith::AddFOp::create(nested, loc, in[2], term, flags);
      });
}

/// What becomes of dot(query, key) in the loops (h, r, t, j): scaled, capped,
/// with the bias of the distance, minus infinity where the row is not seen.
Value MatrixAttention::finishScore(OpBuilder &nested, Location loc, Value dot,
                                   Value slope) {
  double scale = op.getScale().convertToDouble();
  Value score = arith::MulFOp::create(nested, loc, dot,
                                      awq::constantF32(nested, loc, scale));
  if (double cap = op.getSoftcap().convertToDouble(); cap > 0.0) {
    Value caps = awq::constantF32(nested, loc, cap);
    Value ratio = arith::DivFOp::create(nested, loc, score, caps);
    score = arith::MulFOp::create(nested, loc, caps,
                                  math::TanhOp::create(nested, loc, ratio));
  }
  Value row = linalg::IndexOp::create(nested, loc, 3);
  Value own = arith::AddIOp::create(nested, loc, op.getPosition(),
                                    linalg::IndexOp::create(nested, loc, 2));
  if (slope) {
    Value distance = arith::IndexCastOp::create(
        nested, loc, nested.getI32Type(),
        arith::SubIOp::create(nested, loc, row, own));
    distance =
        arith::SIToFPOp::create(nested, loc, nested.getF32Type(), distance);
    score = arith::AddFOp::create(
        nested, loc, score,
        arith::MulFOp::create(nested, loc, slope, distance));
  }
  Value isSeen =
      arith::CmpIOp::create(nested, loc, arith::CmpIPredicate::sle, row, own);
  if (op.getWindow() > 0) {
    Value end = arith::AddIOp::create(
        nested, loc, row, awq::constantIndex(nested, loc, op.getWindow()));
    Value isNear =
        arith::CmpIOp::create(nested, loc, arith::CmpIPredicate::sgt, end, own);
    isSeen = arith::AndIOp::create(nested, loc, isSeen, isNear);
  }
  Value hidden =
      awq::constantF32(nested, loc, -std::numeric_limits<double>::infinity());
  return arith::SelectOp::create(nested, loc, isSeen, score, hidden);
}

/// Scores [Hkv, Hq / Hkv, T, rows].
Value MatrixAttention::score(Value keys) {
  SmallVector<OpFoldResult> sizes = taskSizes();
  sizes.push_back(tensor::getMixedSize(b, b.getLoc(), keys, 0));
  Value dots = product(splitHeads(op.getQuery()), map(5, {2, 0, 1, 4}), keys,
                       map(5, {3, 0, 4}), sizes, map(5, {0, 1, 2, 3}));
  SmallVector<Value> inputs{dots};
  SmallVector<AffineMap> maps{b.getMultiDimIdentityMap(4)};
  if (Value slopes = op.getSlopes()) {
    inputs.push_back(tensor::ExpandShapeOp::create(
        b, RankedTensorType::get({cacheHeads, sharers}, b.getF32Type()), slopes,
        ArrayRef<ReassociationIndices>{{0, 1}}));
    maps.push_back(map(4, {0, 1}));
  }
  maps.push_back(b.getMultiDimIdentityMap(4));
  return awq::buildGeneric(
      b, b.getLoc(), inputs,
      awq::emptyLike(b, b.getLoc(), dots, b.getF32Type()), maps, 0,
      [&](OpBuilder &nested, Location loc, ValueRange in) {
        return finishScore(nested, loc, in[0],
                           op.getSlopes() ? in[1] : Value());
      });
}

/// `scores` combined over the rows.
Value MatrixAttention::reduce(
    Value scores, double start,
    llvm::function_ref<Value(OpBuilder &, Location, Value, Value)> combine) {
  Location loc = b.getLoc();
  Value empty = tensor::EmptyOp::create(b, taskSizes(), b.getF32Type());
  Value init = linalg::FillOp::create(b, awq::constantF32(b, loc, start), empty)
                   .getResult(0);
  return awq::buildGeneric(b, loc, scores, init,
                           {b.getMultiDimIdentityMap(4), map(4, {0, 1, 2})}, 1,
                           [&](OpBuilder &nested, Location l, ValueRange in) {
                             return combine(nested, l, in[0], in[1]);
                           });
}

/// exp(score - maximum).
Value MatrixAttention::weigh(Value scores, Value maxima) {
  AffineMap full = b.getMultiDimIdentityMap(4);
  return awq::buildGeneric(
      b, b.getLoc(), {scores, maxima},
      awq::emptyLike(b, b.getLoc(), scores, b.getF32Type()),
      {full, map(4, {0, 1, 2}), full}, 0,
      [](OpBuilder &nested, Location loc, ValueRange in) -> Value {
        return math::ExpOp::create(
            nested, loc, arith::SubFOp::create(nested, loc, in[0], in[1]));
      });
}

/// [T, Hkv, Hq / Hkv, Dv] by [Hkv, Hq / Hkv, T], in the type of the output.
Value MatrixAttention::divide(Value sums, Value totals) {
  AffineMap full = b.getMultiDimIdentityMap(4);
  Type element = type.getElementType();
  return awq::buildGeneric(
      b, b.getLoc(), {sums, totals},
      awq::emptyLike(b, b.getLoc(), sums, element),
      {full, map(4, {1, 2, 0}), full}, 0,
      [&](OpBuilder &nested, Location loc, ValueRange in) {
        Value quotient = arith::DivFOp::create(nested, loc, in[0], in[1]);
        return awq::castFloat(nested, loc, quotient, element);
      });
}

Value MatrixAttention::build(Value keys, Value values) {
  values = visibleRows(values);
  Value scores = score(visibleRows(keys));
  Value maxima =
      reduce(scores, -std::numeric_limits<double>::infinity(),
             [](OpBuilder &nested, Location loc, Value x, Value y) -> Value {
               return arith::MaximumFOp::create(nested, loc, x, y);
             });
  Value weights = weigh(scores, maxima);
  Value totals =
      reduce(weights, 0.0,
             [](OpBuilder &nested, Location loc, Value x, Value y) -> Value {
               return arith::AddFOp::create(nested, loc, x, y,
                                            awq::reassociate(nested));
             });
  SmallVector<OpFoldResult> sizes{tokens, b.getIndexAttr(cacheHeads),
                                  b.getIndexAttr(sharers),
                                  b.getIndexAttr(type.getDimSize(2))};
  // Loops: t, h, r, channel, row.
  Value sums = product(weights, map(5, {1, 2, 0, 4}), values, map(5, {4, 1, 3}),
                       sizes, map(5, {0, 1, 2, 3}));
  return joinHeads(divide(sums, totals));
}

namespace {

struct LowerAttentionToMatrices : OpRewritePattern<AttentionOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(AttentionOp op,
                                PatternRewriter &rewriter) const override {
    ImplicitLocOpBuilder b(op.getLoc(), rewriter);
    Value keys =
        awq::insertRows(b, op.getKey(), op.getKeyCache(), op.getPosition());
    Value values =
        awq::insertRows(b, op.getValue(), op.getValueCache(), op.getPosition());
    Value out = MatrixAttention(b, op).build(keys, values);
    if (out.getType() != op.getOut().getType())
      out = tensor::CastOp::create(b, op.getOut().getType(), out);
    rewriter.replaceOp(op, {out, keys, values});
    return success();
  }
};

} // namespace

void awq::populatePortableAttentionPatterns(RewritePatternSet &patterns) {
  patterns.add<LowerAttentionToMatrices>(patterns.getContext());
}
