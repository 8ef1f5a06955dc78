//===- AttentionTask.cpp - attention of one token, a few heads --*- C++ -*-===//
//
// Part of the awq-mlir project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

//
// One task per query token and per few heads that share a head of the cache,
// with everything that it keeps in registers: the running maximum and sum of
// each head's softmax, and its output. The keys and values of 16 cache rows at
// a time pass by, and each is loaded once for all heads of the task: with a
// long context, the caches are what a step reads.
//
//===----------------------------------------------------------------------===//

#include "AttentionTask.h"

#include "awq/Conversion/Common/LaneTrees.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Bufferization/IR/Bufferization.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"

#include <limits>
#include <vector>

using namespace mlir;
using namespace awq;
using attention::HeadState;
using attention::TaskBuilder;

/// Cache rows that one step of the inner loop takes.
static constexpr int64_t rowsPerStep = awq::vectorLanes;

/// Chunks of the output that are summed up side by side: with four heads, as
/// many sums as half of the registers hold.
static constexpr size_t chunksAtOnce = 2;

/// `chunk` of the row [D] or [Dv] of `source` at [row, head], in f32.
Value TaskBuilder::load(Value source, Value row, Value head, LaneChunk chunk) {
  auto element = cast<RankedTensorType>(source.getType()).getElementType();
  bool inBounds = true;
  Value vector =
      vector::TransferReadOp::create(b, chunk.type.clone(element), source,
                                     ValueRange{row, head, index(chunk.offset)},
                                     std::nullopt, ArrayRef<bool>(inBounds));
  return awq::castFloat(b, b.getLoc(), vector, b.getF32Type());
}

Value TaskBuilder::index(int64_t value) {
  return awq::constantIndex(b, b.getLoc(), value);
}

Value TaskBuilder::broadcast(Value scalar, VectorType type) {
  return vector::BroadcastOp::create(b, type, scalar);
}

TaskBuilder::TaskBuilder(ImplicitLocOpBuilder &b, awq::decoder::AttentionOp op,
                         Value keys, Value values, Value firstHead,
                         int64_t heads, Value token)
    : b(b), op(op), keys(keys), values(values), token(token), heads(heads) {
  auto queryType = cast<RankedTensorType>(op.getQuery().getType());
  auto valueType = cast<RankedTensorType>(op.getValue().getType());
  int64_t ratio = queryType.getDimSize(1) / valueType.getDimSize(1);
  cacheHead = arith::DivUIOp::create(b, firstHead, index(ratio));
  keyChunks = awq::splitIntoLanes(queryType.getDimSize(2), b.getF32Type());
  valueChunks = awq::splitIntoLanes(valueType.getDimSize(2), b.getF32Type());
  scoreType = VectorType::get({rowsPerStep}, b.getF32Type());

  position = arith::AddIOp::create(b, op.getPosition(), token);
  last = position;
  end = arith::AddIOp::create(b, last, index(1));
  first = index(0);
  if (op.getWindow() > 0)
    first = arith::MaxSIOp::create(
        b, first, arith::SubIOp::create(b, end, index(op.getWindow())));
  for (int64_t head = 0; head < heads; ++head)
    readHead(arith::AddIOp::create(b, firstHead, index(head)));
}

void TaskBuilder::takePart(Value part, int64_t parts) {
  Value count = arith::SubIOp::create(b, end, first);
  Value size = arith::CeilDivUIOp::create(b, count, index(parts * rowsPerStep));
  size = arith::MulIOp::create(b, size, index(rowsPerStep));
  first = arith::AddIOp::create(b, first, arith::MulIOp::create(b, part, size));
  end = arith::MinSIOp::create(b, end, arith::AddIOp::create(b, first, size));
  last = arith::SubIOp::create(b, end, index(1));
}

void TaskBuilder::readHead(Value head) {
  if (op.getSlopes())
    slopes.push_back(broadcast(
        tensor::ExtractOp::create(b, op.getSlopes(), ValueRange(head)),
        scoreType));
  // Scaling the query once scales all its scores.
  double scale = op.getScale().convertToDouble();
  SmallVector<Value> &query = queries.emplace_back();
  for (LaneChunk chunk : keyChunks)
    query.push_back(arith::MulFOp::create(
        b, load(op.getQuery(), token, head, chunk),
        awq::constantF32(b, b.getLoc(), scale, chunk.type)));
}

/// The loop's values, head by head.
SmallVector<HeadState> TaskBuilder::unflatten(ValueRange values) const {
  SmallVector<HeadState> states;
  for (size_t width = 2 + valueChunks.size(); !values.empty();
       values = values.drop_front(width))
    states.push_back({values[0], values[1],
                      llvm::to_vector(values.slice(2, valueChunks.size()))});
  return states;
}

SmallVector<Value> TaskBuilder::rowsOf(Value start) {
  SmallVector<Value> rows;
  for (int64_t i = 0; i < rowsPerStep; ++i)
    rows.push_back(arith::MinSIOp::create(
        b, arith::AddIOp::create(b, start, index(i)), last));
  return rows;
}

/// Asks for the task's part of `rows` of a cache. Rows of one head lie apart by
/// those of the others, which hardware prefetchers do not follow.
void TaskBuilder::prefetch(Value cache, ValueRange rows,
                           ArrayRef<LaneChunk> chunks) {
  auto type = cast<RankedTensorType>(cache.getType());
  auto layout = StridedLayoutAttr::get(
      b.getContext(), ShapedType::kDynamic,
      SmallVector<int64_t>(type.getRank(), ShapedType::kDynamic));
  Value buffer = bufferization::ToBufferOp::create(
      b, MemRefType::get(type.getShape(), type.getElementType(), layout), cache,
      /*read_only=*/true);
  for (Value row : rows)
    for (LaneChunk chunk : chunks)
      memref::PrefetchOp::create(
          b, buffer, ValueRange{row, cacheHead, index(chunk.offset)},
          /*isWrite=*/false, /*localityHint=*/3, /*isDataCache=*/true);
}

/// The lanes whose sum is dot(query, keys[row]), for each head.
SmallVector<Value> TaskBuilder::products(Value row) {
  SmallVector<Value> lanes(heads);
  for (auto [c, chunk] : llvm::enumerate(keyChunks)) {
    Value key = load(keys, row, cacheHead, chunk);
    bool isWhole = chunk.type == scoreType;
    for (int64_t head = 0; head < heads; ++head) {
      Value part = queries[head][c];
      if (isWhole && lanes[head]) {
        lanes[head] = awq::multiplyAdd(b, b.getLoc(), part, key, lanes[head]);
        continue;
      }
      Value product = arith::MulFOp::create(b, part, key, awq::reassociate(b));
      if (!isWhole)
        product = vector::InsertStridedSliceOp::create(
            b, product, awq::constantF32(b, b.getLoc(), 0.0, scoreType),
            ArrayRef<int64_t>{0}, ArrayRef<int64_t>{1});
      lanes[head] = lanes[head] ? arith::AddFOp::create(b, lanes[head], product)
                                : product;
    }
  }
  return lanes;
}

/// dot(query, keys[row]) in the lane of each row, for each head.
SmallVector<Value> TaskBuilder::dots(ValueRange rows) {
  std::vector<awq::LaneSums> sums(heads, awq::LaneSums(b, b.getLoc()));
  for (Value row : rows)
    for (auto [sum, lanes] : llvm::zip(sums, products(row)))
      sum.add(lanes);
  return llvm::map_to_vector(
      sums, [](const awq::LaneSums &sum) { return sum.get(); });
}

/// j - p for the step's rows j, in f32.
Value TaskBuilder::distances(Value start) {
  Value first = arith::SIToFPOp::create(
      b, b.getF32Type(),
      arith::IndexCastOp::create(b, b.getI64Type(),
                                 arith::SubIOp::create(b, start, position)));
  SmallVector<float> steps(rowsPerStep);
  for (auto [i, step] : llvm::enumerate(steps))
    step = static_cast<float>(i);
  Value lanes = arith::ConstantOp::create(
      b, DenseElementsAttr::get(scoreType, ArrayRef<float>(steps)));
  return arith::AddFOp::create(b, broadcast(first, scoreType), lanes);
}

/// Scores of the step's rows, capped, with the bias of their distance; minus
/// infinity past the last row.
Value TaskBuilder::finishScores(Value scores, Value start, int64_t head) {
  double cap = op.getSoftcap().convertToDouble();
  if (cap > 0.0) {
    Value caps = awq::constantF32(b, b.getLoc(), cap, scoreType);
    Value tanh =
        math::TanhOp::create(b, arith::DivFOp::create(b, scores, caps));
    scores = arith::MulFOp::create(b, caps, tanh);
  }
  if (!slopes.empty())
    scores =
        awq::multiplyAdd(b, b.getLoc(), slopes[head], distances(start), scores);
  Value visible = arith::SubIOp::create(b, end, start);
  Value mask = vector::CreateMaskOp::create(b, scoreType.clone(b.getI1Type()),
                                            ValueRange(visible));
  Value hidden = awq::constantF32(
      b, b.getLoc(), -std::numeric_limits<double>::infinity(), scoreType);
  return arith::SelectOp::create(b, mask, scores, hidden);
}

/// The weights of the step's rows in a softmax that is renormalised as the
/// maximum grows; `correction` is the factor on all that was summed before.
Value TaskBuilder::weigh(HeadState &state, Value scores, Value &correction) {
  // A NaN among the scores need not become the maximum: its own weight is NaN.
  Value maximum = awq::greaterOf(b, b.getLoc(), state.maximum,
                                 awq::greatestLane(b, b.getLoc(), scores));
  correction =
      math::ExpOp::create(b, arith::SubFOp::create(b, state.maximum, maximum));
  Value weights = math::ExpOp::create(
      b, arith::SubFOp::create(b, scores, broadcast(maximum, scoreType)));
  state.maximum = maximum;
  state.sum = awq::multiplyAdd(b, b.getLoc(), state.sum,
                               broadcast(correction, scoreType), weights);
  return weights;
}

/// One step of the softmax and of the weighted sums, for all heads.
void TaskBuilder::step(Value start, SmallVectorImpl<HeadState> &states) {
  SmallVector<Value> rows = rowsOf(start);
  // Each half of the next step's rows is asked for one step ahead.
  SmallVector<Value> nextRows =
      rowsOf(arith::AddIOp::create(b, start, index(rowsPerStep)));
  prefetch(keys, nextRows, keyChunks);
  SmallVector<Value> weights, corrections(heads);
  for (auto [head, scores] : llvm::enumerate(dots(rows)))
    weights.push_back(weigh(states[head], finishScores(scores, start, head),
                            corrections[head]));
  prefetch(values, nextRows, valueChunks);
  for (size_t c = 0; c < valueChunks.size(); c += chunksAtOnce)
    addValues(rows, c, weights, corrections, states);
}

/// Corrects chunks `firstChunk` .. of the output of each head, and adds the
/// weighted values of `rows`.
void TaskBuilder::addValues(ValueRange rows, size_t firstChunk,
                            ValueRange weights, ValueRange corrections,
                            MutableArrayRef<HeadState> states) {
  Location loc = b.getLoc();
  size_t end = std::min(firstChunk + chunksAtOnce, valueChunks.size());
  for (auto [state, correction] : llvm::zip(states, corrections))
    for (size_t c = firstChunk; c < end; ++c)
      state.out[c] = arith::MulFOp::create(
          b, state.out[c], broadcast(correction, valueChunks[c].type));
  for (auto [i, row] : llvm::enumerate(rows)) {
    SmallVector<Value> chunks;
    for (size_t c = firstChunk; c < end; ++c)
      chunks.push_back(load(values, row, cacheHead, valueChunks[c]));
    for (auto [state, headWeights] : llvm::zip(states, weights)) {
      Value weight = vector::ExtractOp::create(b, headWeights, int64_t(i));
      for (auto [c, value] : llvm::enumerate(chunks)) {
        Value &sum = state.out[firstChunk + c];
        sum = awq::multiplyAdd(
            b, loc, broadcast(weight, cast<VectorType>(value.getType())), value,
            sum);
      }
    }
  }
}

SmallVector<HeadState> TaskBuilder::loop() {
  Location loc = b.getLoc();
  HeadState none{
      awq::constantF32(b, loc, -std::numeric_limits<double>::infinity()),
      awq::constantF32(b, loc, 0.0, scoreType),
      {}};
  for (LaneChunk chunk : valueChunks)
    none.out.push_back(awq::constantF32(b, loc, 0.0, chunk.type));
  SmallVector<Value> init;
  for (int64_t head = 0; head < heads; ++head)
    none.appendTo(init);
  auto loop = scf::ForOp::create(b, first, end, index(rowsPerStep), init);
  OpBuilder::InsertionGuard guard(b);
  b.setInsertionPointToStart(loop.getBody());
  SmallVector<HeadState> states = unflatten(loop.getRegionIterArgs());
  step(loop.getInductionVar(), states);
  SmallVector<Value> next;
  for (const HeadState &state : states)
    state.appendTo(next);
  scf::YieldOp::create(b, next);
  return unflatten(loop.getResults());
}

/// `vector` at `indices` of `destination`, in its element type.
Value attention::writeVector(ImplicitLocOpBuilder &b, Value vector,
                             Value destination, ValueRange indices) {
  Type element = cast<RankedTensorType>(destination.getType()).getElementType();
  bool inBounds = true;
  return vector::TransferWriteOp::create(
             b, awq::castFloat(b, b.getLoc(), vector, element), destination,
             indices, ArrayRef<bool>(inBounds))
      .getResult();
}

Value TaskBuilder::build(Value destination) {
  Location loc = b.getLoc();
  for (auto [head, state] : llvm::enumerate(loop())) {
    Value sum = awq::sumLanes(b, loc, state.sum);
    Value inverse =
        arith::DivFOp::create(b, awq::constantF32(b, loc, 1.0), sum);
    for (auto [chunk, part] : llvm::zip(valueChunks, state.out))
      destination = writeVector(
          b, arith::MulFOp::create(b, part, broadcast(inverse, chunk.type)),
          destination, {index(head), index(chunk.offset)});
  }
  return destination;
}

Value TaskBuilder::buildPartial(Value destination) {
  int64_t width =
      cast<RankedTensorType>(destination.getType()).getDimSize(1) - 2;
  for (auto [head, state] : llvm::enumerate(loop())) {
    Value row = index(head);
    for (auto [chunk, part] : llvm::zip(valueChunks, state.out))
      destination =
          writeVector(b, part, destination, {row, index(chunk.offset)});
    destination = tensor::InsertOp::create(b, state.maximum, destination,
                                           ValueRange{row, index(width)});
    Value sum = awq::sumLanes(b, b.getLoc(), state.sum);
    destination = tensor::InsertOp::create(b, sum, destination,
                                           ValueRange{row, index(width + 1)});
  }
  return destination;
}
