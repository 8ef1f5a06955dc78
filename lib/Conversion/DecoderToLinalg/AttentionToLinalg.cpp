//===- AttentionToLinalg.cpp - attention to loops on tensors ----*- C++ -*-===//
//
// Part of the awq-mlir project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

//
// One task per head and query token, with everything that it keeps in
// registers: the query, the running maximum and sum of the softmax, and the
// output. The keys and values of 16 cache rows at a time pass by.
//
//===----------------------------------------------------------------------===//

#include "Patterns.h"

#include "awq/Conversion/Common/TensorBuilders.h"
#include "awq/Dialect/Decoder/IR/Decoder.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "mlir/IR/ImplicitLocOpBuilder.h"
#include "mlir/IR/PatternMatch.h"

#include <limits>

using namespace mlir;
using awq::LaneChunk;

/// Cache rows that one step of the inner loop takes.
static constexpr int64_t rowsPerStep = 16;

namespace {

/// Builds the body of one task: query token `token`, head `head`.
class TaskBuilder {
public:
  TaskBuilder(ImplicitLocOpBuilder &b, awq::decoder::AttentionOp op, Value keys,
              Value values, Value head, Value token);

  /// The task's row of the output, [Dv], written into `destination`.
  Value build(Value destination);

private:
  /// `vector` of the row [Dv] or [D] of `source` that starts at `indices`.
  Value load(Value source, Value row, Value head, LaneChunk chunk) {
    auto element = cast<RankedTensorType>(source.getType()).getElementType();
    Value column = awq::constantIndex(b, b.getLoc(), chunk.offset);
    bool inBounds = true;
    Value vector = vector::TransferReadOp::create(
        b, chunk.type.clone(element), source, ValueRange{row, head, column},
        std::nullopt, ArrayRef<bool>(inBounds));
    return awq::castFloat(b, b.getLoc(), vector, b.getF32Type());
  }

  Value index(int64_t value) {
    return awq::constantIndex(b, b.getLoc(), value);
  }
  Value broadcast(Value scalar, VectorType type) {
    return vector::BroadcastOp::create(b, type, scalar);
  }

  /// The cache rows `start` .. start + rowsPerStep - 1; those past the last
  /// visible one are that one, and scoreStep gives them no weight.
  SmallVector<Value> rowsOf(Value start);
  Value dot(Value row);
  Value distances(Value start);
  Value scoreStep(Value start, ArrayRef<Value> rows);
  SmallVector<Value> step(Value start, ValueRange state);

  ImplicitLocOpBuilder &b;
  awq::decoder::AttentionOp op;
  Value keys, values, head, token, cacheHead;
  /// Position of the token, and the first row that it sees.
  Value last, first, end;
  SmallVector<LaneChunk> keyChunks, valueChunks;
  SmallVector<Value> query;
  VectorType scoreType;
  /// The head's slope, in each lane; null without slopes.
  Value slope;
};

} // namespace

TaskBuilder::TaskBuilder(ImplicitLocOpBuilder &b, awq::decoder::AttentionOp op,
                         Value keys, Value values, Value head, Value token)
    : b(b), op(op), keys(keys), values(values), head(head), token(token) {
  auto queryType = cast<RankedTensorType>(op.getQuery().getType());
  auto valueType = cast<RankedTensorType>(op.getValue().getType());
  int64_t ratio = queryType.getDimSize(1) / valueType.getDimSize(1);
  cacheHead = arith::DivUIOp::create(b, head, index(ratio));
  keyChunks = awq::splitIntoLanes(queryType.getDimSize(2), b.getF32Type());
  valueChunks = awq::splitIntoLanes(valueType.getDimSize(2), b.getF32Type());
  scoreType = VectorType::get({rowsPerStep}, b.getF32Type());

  last = arith::AddIOp::create(b, op.getPosition(), token);
  end = arith::AddIOp::create(b, last, index(1));
  first = index(0);
  if (op.getWindow() > 0)
    first = arith::MaxSIOp::create(
        b, first, arith::SubIOp::create(b, end, index(op.getWindow())));

  if (op.getSlopes())
    slope = broadcast(
        tensor::ExtractOp::create(b, op.getSlopes(), ValueRange(head)),
        scoreType);

  // Scaling the query once scales all its scores.
  double scale = op.getScale().convertToDouble();
  for (LaneChunk chunk : keyChunks)
    query.push_back(arith::MulFOp::create(
        b, load(op.getQuery(), token, head, chunk),
        awq::constantF32(b, b.getLoc(), scale, chunk.type)));
}

SmallVector<Value> TaskBuilder::rowsOf(Value start) {
  SmallVector<Value> rows;
  for (int64_t i = 0; i < rowsPerStep; ++i)
    rows.push_back(arith::MinSIOp::create(
        b, arith::AddIOp::create(b, start, index(i)), last));
  return rows;
}

/// dot(query, keys[row])
Value TaskBuilder::dot(Value row) {
  Value lanes, rest;
  for (auto [chunk, part] : llvm::zip(keyChunks, query)) {
    Value key = load(keys, row, cacheHead, chunk);
    if (chunk.type.getNumElements() != awq::vectorLanes)
      rest = arith::MulFOp::create(b, part, key);
    else if (lanes)
      lanes = awq::multiplyAdd(b, b.getLoc(), part, key, lanes);
    else
      lanes = arith::MulFOp::create(b, part, key, awq::reassociate(b));
  }
  Value sum = lanes ? awq::sumLanes(b, b.getLoc(), lanes) : Value();
  if (!rest)
    return sum;
  Value restSum = awq::sumLanes(b, b.getLoc(), rest);
  return sum ? arith::AddFOp::create(b, sum, restSum).getResult() : restSum;
}

/// j - p for the step's rows j, in f32.
Value TaskBuilder::distances(Value start) {
  Value first = arith::SIToFPOp::create(
      b, b.getF32Type(),
      arith::IndexCastOp::create(b, b.getI64Type(),
                                 arith::SubIOp::create(b, start, last)));
  SmallVector<float> steps(rowsPerStep);
  for (auto [i, step] : llvm::enumerate(steps))
    step = static_cast<float>(i);
  Value lanes = arith::ConstantOp::create(
      b, DenseElementsAttr::get(scoreType, ArrayRef<float>(steps)));
  return arith::AddFOp::create(b, broadcast(first, scoreType), lanes);
}

/// Scores of the step's rows, capped, with the bias of their distance; minus
/// infinity past the last row.
Value TaskBuilder::scoreStep(Value start, ArrayRef<Value> rows) {
  SmallVector<Value> dots;
  for (Value row : rows)
    dots.push_back(dot(row));
  Value scores = vector::FromElementsOp::create(b, scoreType, dots);
  double cap = op.getSoftcap().convertToDouble();
  if (cap > 0.0) {
    Value caps = awq::constantF32(b, b.getLoc(), cap, scoreType);
    Value tanh =
        math::TanhOp::create(b, arith::DivFOp::create(b, scores, caps));
    scores = arith::MulFOp::create(b, caps, tanh);
  }
  if (slope)
    scores = awq::multiplyAdd(b, b.getLoc(), slope, distances(start), scores);
  Value visible = arith::SubIOp::create(b, end, start);
  Value mask = vector::CreateMaskOp::create(b, scoreType.clone(b.getI1Type()),
                                            ValueRange(visible));
  Value hidden = awq::constantF32(
      b, b.getLoc(), -std::numeric_limits<double>::infinity(), scoreType);
  return arith::SelectOp::create(b, mask, scores, hidden);
}

/// One step of the softmax that is renormalised as the maximum grows. The state
/// is the maximum, the lane sums of the weights and the weighted sum of values.
SmallVector<Value> TaskBuilder::step(Value start, ValueRange state) {
  SmallVector<Value> rows = rowsOf(start);
  Value scores = scoreStep(start, rows);
  Value maximum = vector::ReductionOp::create(
      b, vector::CombiningKind::MAXIMUMF, scores, state[0]);
  Value correction =
      math::ExpOp::create(b, arith::SubFOp::create(b, state[0], maximum));
  Value weights = math::ExpOp::create(
      b, arith::SubFOp::create(b, scores, broadcast(maximum, scoreType)));

  SmallVector<Value> next{maximum};
  next.push_back(awq::multiplyAdd(b, b.getLoc(), state[1],
                                  broadcast(correction, scoreType), weights));
  for (auto [chunk, old] : llvm::zip(valueChunks, state.drop_front(2)))
    next.push_back(
        arith::MulFOp::create(b, old, broadcast(correction, chunk.type)));
  for (auto [i, row] : llvm::enumerate(rows)) {
    Value weight = vector::ExtractOp::create(b, weights, int64_t(i));
    for (auto [c, chunk] : llvm::enumerate(valueChunks))
      next[2 + c] =
          awq::multiplyAdd(b, b.getLoc(), broadcast(weight, chunk.type),
                           load(values, row, cacheHead, chunk), next[2 + c]);
  }
  return next;
}

Value TaskBuilder::build(Value destination) {
  Location loc = b.getLoc();
  SmallVector<Value> init{
      awq::constantF32(b, loc, -std::numeric_limits<double>::infinity()),
      awq::constantF32(b, loc, 0.0, scoreType)};
  for (LaneChunk chunk : valueChunks)
    init.push_back(awq::constantF32(b, loc, 0.0, chunk.type));
  auto loop = scf::ForOp::create(b, first, end, index(rowsPerStep), init);
  {
    OpBuilder::InsertionGuard guard(b);
    b.setInsertionPointToStart(loop.getBody());
    scf::YieldOp::create(
        b, step(loop.getInductionVar(), loop.getRegionIterArgs()));
  }
  Value sum = awq::sumLanes(b, loc, loop.getResult(1));
  Value inverse = arith::DivFOp::create(b, awq::constantF32(b, loc, 1.0), sum);
  Type element = cast<RankedTensorType>(destination.getType()).getElementType();
  bool inBounds = true;
  for (auto [chunk, part] :
       llvm::zip(valueChunks, loop.getResults().drop_front(2))) {
    Value out = arith::MulFOp::create(b, part, broadcast(inverse, chunk.type));
    destination = vector::TransferWriteOp::create(
                      b, awq::castFloat(b, loc, out, element), destination,
                      ValueRange{index(chunk.offset)}, ArrayRef<bool>(inBounds))
                      .getResult();
  }
  return destination;
}

/// `source` [T, heads, D], cast to the cache's type, at rows position .. of
/// `cache`.
static Value insertRows(ImplicitLocOpBuilder &b, Value source, Value cache,
                        Value position) {
  Type element = cast<RankedTensorType>(cache.getType()).getElementType();
  if (cast<RankedTensorType>(source.getType()).getElementType() != element) {
    AffineMap map = b.getMultiDimIdentityMap(3);
    source = awq::buildGeneric(
        b, b.getLoc(), source, awq::emptyLike(b, b.getLoc(), source, element),
        {map, map}, 0, [&](OpBuilder &nested, Location loc, ValueRange in) {
          return awq::castFloat(nested, loc, in[0], element);
        });
  }
  SmallVector<OpFoldResult> offsets(3, b.getIndexAttr(0));
  offsets[0] = position;
  SmallVector<OpFoldResult> strides(3, b.getIndexAttr(1));
  return tensor::InsertSliceOp::create(
      b, source, cache, offsets, tensor::getMixedSizes(b, b.getLoc(), source),
      strides);
}

namespace {

struct LowerAttention : OpRewritePattern<awq::decoder::AttentionOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(awq::decoder::AttentionOp op,
                                PatternRewriter &rewriter) const override {
    auto queryType = cast<RankedTensorType>(op.getQuery().getType());
    auto valueType = cast<RankedTensorType>(op.getValue().getType());
    if (ShapedType::isDynamicShape(queryType.getShape().drop_front()) ||
        ShapedType::isDynamicShape(valueType.getShape().drop_front()))
      return rewriter.notifyMatchFailure(op, "needs static heads and sizes");

    ImplicitLocOpBuilder b(op.getLoc(), rewriter);
    Value keys = insertRows(b, op.getKey(), op.getKeyCache(), op.getPosition());
    Value values =
        insertRows(b, op.getValue(), op.getValueCache(), op.getPosition());

    OpFoldResult tokens = tensor::getMixedSize(b, b.getLoc(), op.getQuery(), 0);
    OpFoldResult heads = b.getIndexAttr(queryType.getDimSize(1));
    OpFoldResult width = b.getIndexAttr(valueType.getDimSize(2));
    auto outType = cast<RankedTensorType>(op.getOut().getType());
    Value empty =
        tensor::EmptyOp::create(b, ArrayRef<OpFoldResult>{tokens, heads, width},
                                outType.getElementType());
    // Heads are the outer dimension, so that a static share of the tasks holds
    // long and short contexts alike, and neighbours share a head of the cache.
    auto forall =
        scf::ForallOp::create(b, ArrayRef<OpFoldResult>{heads, tokens},
                              ValueRange(empty), std::nullopt);
    buildBody(b, op, forall, keys, values, width);
    Value out = forall.getResult(0);
    if (out.getType() != outType)
      out = tensor::CastOp::create(b, outType, out);
    rewriter.replaceOp(op, {out, keys, values});
    return success();
  }

private:
  static void buildBody(ImplicitLocOpBuilder &b, awq::decoder::AttentionOp op,
                        scf::ForallOp forall, Value keys, Value values,
                        OpFoldResult width) {
    OpBuilder::InsertionGuard guard(b);
    b.setInsertionPointToStart(forall.getBody());
    Value head = forall.getInductionVar(0), token = forall.getInductionVar(1);
    Value shared = forall.getRegionIterArgs()[0];
    OpFoldResult zero = b.getIndexAttr(0), one = b.getIndexAttr(1);
    SmallVector<OpFoldResult> offsets{token, head, zero};
    SmallVector<OpFoldResult> sizes{one, one, width};
    SmallVector<OpFoldResult> strides{one, one, one};
    auto sharedType = cast<RankedTensorType>(shared.getType());
    auto rowType = RankedTensorType::get({sharedType.getDimSize(2)},
                                         sharedType.getElementType());
    Value row = tensor::ExtractSliceOp::create(b, rowType, shared, offsets,
                                               sizes, strides);
    row = TaskBuilder(b, op, keys, values, head, token).build(row);
    b.setInsertionPointToStart(forall.getTerminator().getBody());
    tensor::ParallelInsertSliceOp::create(b, row, shared, offsets, sizes,
                                          strides);
  }
};

} // namespace

void awq::populateAttentionToLinalgPatterns(RewritePatternSet &patterns) {
  patterns.add<LowerAttention>(patterns.getContext());
}
