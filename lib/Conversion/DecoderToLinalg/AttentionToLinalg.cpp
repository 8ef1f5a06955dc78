//===- AttentionToLinalg.cpp - attention to loops on tensors ----*- C++ -*-===//
//
// Part of the awq-mlir project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "AttentionTask.h"
#include "InsertRows.h"
#include "Patterns.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "mlir/IR/PatternMatch.h"

using namespace mlir;
using awq::LaneChunk;
using awq::attention::TaskBuilder;
using awq::attention::writeVector;

/// The most heads of a task: each has sums in registers of its own.
static constexpr int64_t mostHeadsPerTask = 4;

/// One token alone has few tasks, one per group of heads; its rows are divided
/// among several until there are about as many as here.
static constexpr int64_t tasksOfOneToken = 12;
static constexpr int64_t mostParts = 8;

/// One head of the output, [1, Dv], from its partial results,
/// [parts, heads, Dv + 2]: the parts' sums, brought to the same maximum. A part
/// without rows has minus infinity for its maximum, and so no weight.
static Value joinParts(ImplicitLocOpBuilder &b, Value partial, Value head,
                       Value destination) {
  Location loc = b.getLoc();
  auto type = cast<RankedTensorType>(partial.getType());
  int64_t parts = type.getDimSize(0), width = type.getDimSize(2) - 2;
  auto index = [&](int64_t i) { return awq::constantIndex(b, loc, i); };
  auto read = [&](int64_t part, int64_t column) -> Value {
    return tensor::ExtractOp::create(
        b, partial, ValueRange{index(part), head, index(column)});
  };
  SmallVector<Value> maxima;
  for (int64_t part = 0; part < parts; ++part)
    maxima.push_back(read(part, width));
  Value maximum = maxima.front();
  for (Value other : llvm::drop_begin(maxima))
    maximum = arith::MaximumFOp::create(b, maximum, other);
  SmallVector<Value> factors;
  Value sum = awq::constantF32(b, loc, 0.0);
  for (int64_t part = 0; part < parts; ++part) {
    factors.push_back(math::ExpOp::create(
        b, arith::SubFOp::create(b, maxima[part], maximum)));
    sum = awq::multiplyAdd(b, loc, factors.back(), read(part, width + 1), sum);
  }
  Value inverse = arith::DivFOp::create(b, awq::constantF32(b, loc, 1.0), sum);
  for (LaneChunk chunk : awq::splitIntoLanes(width, b.getF32Type())) {
    Value out = awq::constantF32(b, loc, 0.0, chunk.type);
    for (int64_t part = 0; part < parts; ++part) {
      bool inBounds = true;
      Value lanes = vector::TransferReadOp::create(
          b, chunk.type, partial,
          ValueRange{index(part), head, index(chunk.offset)}, std::nullopt,
          ArrayRef<bool>(inBounds));
      Value factor = vector::BroadcastOp::create(b, chunk.type, factors[part]);
      out = awq::multiplyAdd(b, loc, factor, lanes, out);
    }
    out = arith::MulFOp::create(
        b, out, vector::BroadcastOp::create(b, chunk.type, inverse));
    destination =
        writeVector(b, out, destination, {index(0), index(chunk.offset)});
  }
  return destination;
}

namespace {

struct LowerAttention : OpRewritePattern<awq::decoder::AttentionOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(awq::decoder::AttentionOp op,
                                PatternRewriter &rewriter) const override {
    auto queryType = cast<RankedTensorType>(op.getQuery().getType());
    auto valueType = cast<RankedTensorType>(op.getValue().getType());
    ImplicitLocOpBuilder b(op.getLoc(), rewriter);
    Value keys =
        awq::insertRows(b, op.getKey(), op.getKeyCache(), op.getPosition());
    Value values =
        awq::insertRows(b, op.getValue(), op.getValueCache(), op.getPosition());

    int64_t heads = queryType.getDimSize(1);
    int64_t ratio = heads / valueType.getDimSize(1);
    int64_t headsPerTask = std::min(ratio, mostHeadsPerTask);
    while (ratio % headsPerTask != 0)
      --headsPerTask;
    int64_t tasks = heads / headsPerTask;
    int64_t parts = std::min(tasksOfOneToken / tasks, mostParts);
    auto outType = cast<RankedTensorType>(op.getOut().getType());
    Value out = queryType.getDimSize(0) == 1 && parts > 1
                    ? buildOneToken(b, op, keys, values, headsPerTask, parts)
                    : buildTokens(b, op, keys, values, headsPerTask);
    if (out.getType() != outType)
      out = tensor::CastOp::create(b, outType, out);
    rewriter.replaceOp(op, {out, keys, values});
    return success();
  }

private:
  /// `task` times the heads of a task.
  static Value firstHead(ImplicitLocOpBuilder &b, Value task,
                         int64_t headsPerTask) {
    if (headsPerTask == 1)
      return task;
    return arith::MulIOp::create(
        b, task, awq::constantIndex(b, b.getLoc(), headsPerTask));
  }

  /// A forall over groups of `heads` heads and a second bound that fills a
  /// tensor of `shape` = [second bound, all heads, width]: `build` makes the
  /// slice [heads, width] from the first head, the second variable and the
  /// slice as destination.
  static Value
  buildTasks(ImplicitLocOpBuilder &b, ArrayRef<OpFoldResult> bounds,
             ArrayRef<OpFoldResult> shape, Type element, int64_t heads,
             llvm::function_ref<Value(Value, Value, Value)> build) {
    Value empty = tensor::EmptyOp::create(b, shape, element);
    auto forall =
        scf::ForallOp::create(b, bounds, ValueRange(empty), std::nullopt);
    OpBuilder::InsertionGuard guard(b);
    b.setInsertionPointToStart(forall.getBody());
    Value shared = forall.getRegionIterArgs()[0];
    Value head = firstHead(b, forall.getInductionVar(0), heads);
    Value first = forall.getInductionVar(1);
    OpFoldResult zero = b.getIndexAttr(0), one = b.getIndexAttr(1);
    SmallVector<OpFoldResult> offsets{first, head, zero};
    SmallVector<OpFoldResult> sizes{one, b.getIndexAttr(heads), shape[2]};
    SmallVector<OpFoldResult> strides{one, one, one};
    auto type = RankedTensorType::get(
        {heads, cast<RankedTensorType>(shared.getType()).getDimSize(2)},
        element);
    Value rows = tensor::ExtractSliceOp::create(b, type, shared, offsets, sizes,
                                                strides);
    rows = build(head, first, rows);
    b.setInsertionPointToStart(forall.getTerminator().getBody());
    tensor::ParallelInsertSliceOp::create(b, rows, shared, offsets, sizes,
                                          strides);
    return forall.getResult(0);
  }

  /// A task for each few heads and token. Heads are the outer dimension, so
  /// that a static share of the tasks holds long and short contexts alike.
  static Value buildTokens(ImplicitLocOpBuilder &b,
                           awq::decoder::AttentionOp op, Value keys,
                           Value values, int64_t headsPerTask) {
    auto type = cast<RankedTensorType>(op.getOut().getType());
    int64_t heads = type.getDimSize(1);
    OpFoldResult tokens = tensor::getMixedSize(b, b.getLoc(), op.getQuery(), 0);
    return buildTasks(
        b, {b.getIndexAttr(heads / headsPerTask), tokens},
        {tokens, b.getIndexAttr(heads), b.getIndexAttr(type.getDimSize(2))},
        type.getElementType(), headsPerTask,
        [&](Value head, Value token, Value rows) {
          return TaskBuilder(b, op, keys, values, head, headsPerTask, token)
              .build(rows);
        });
  }

  /// A task for each few heads and part of the rows, and their results joined.
  static Value buildOneToken(ImplicitLocOpBuilder &b,
                             awq::decoder::AttentionOp op, Value keys,
                             Value values, int64_t headsPerTask,
                             int64_t parts) {
    Location loc = b.getLoc();
    auto type = cast<RankedTensorType>(op.getOut().getType());
    int64_t heads = type.getDimSize(1);
    Value zero = awq::constantIndex(b, loc, 0);
    Value partial = buildTasks(
        b, {b.getIndexAttr(heads / headsPerTask), b.getIndexAttr(parts)},
        {b.getIndexAttr(parts), b.getIndexAttr(heads),
         b.getIndexAttr(type.getDimSize(2) + 2)},
        b.getF32Type(), headsPerTask, [&](Value head, Value part, Value rows) {
          TaskBuilder builder(b, op, keys, values, head, headsPerTask, zero);
          builder.takePart(part, parts);
          return builder.buildPartial(rows);
        });
    return buildTasks(b, {b.getIndexAttr(heads), b.getIndexAttr(1)},
                      {b.getIndexAttr(1), b.getIndexAttr(heads),
                       b.getIndexAttr(type.getDimSize(2))},
                      type.getElementType(), /*heads=*/1,
                      [&](Value head, Value, Value rows) {
                        return joinParts(b, partial, head, rows);
                      });
  }
};

} // namespace

void awq::populateAttentionToLinalgPatterns(RewritePatternSet &patterns) {
  patterns.add<LowerAttention>(patterns.getContext());
}
