//===- ExpertsToLinalg.cpp - tokens sorted by expert ------------*- C++ -*-===//
//
// Part of the awq-mlir project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The T k pairs of a token and its choice are sorted by expert (a counting
// sort). Each expert that got any gathers its rows of the hidden states, runs
// its region on them at once, and adds the weighted rows of its result to the
// output: expert after expert, so that the order of additions is fixed.
//
//===----------------------------------------------------------------------===//

#include "Patterns.h"

#include "awq/Conversion/Common/TensorBuilders.h"
#include "awq/Dialect/Decoder/IR/Decoder.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Bufferization/IR/Bufferization.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/ImplicitLocOpBuilder.h"
#include "mlir/IR/PatternMatch.h"

using namespace mlir;

namespace {

/// Where the pairs of each expert are.
struct SortedPairs {
  Value order; ///< index tensor [T k]: the pair t k + j at each place
  Value ends;  ///< index tensor [E + 1]: the place after each expert's last
};

/// Builds the lowering of one op.
class ExpertsBuilder {
public:
  ExpertsBuilder(ImplicitLocOpBuilder &b, awq::decoder::ExpertsOp op)
      : b(b), op(op), hidden(cast<RankedTensorType>(op.getHidden().getType())),
        chosen(cast<RankedTensorType>(op.getWeights().getType()).getDimSize(1)),
        width(cast<RankedTensorType>(op.getResult().getType()).getDimSize(1)),
        experts(op.getExperts().size()) {}

  SortedPairs sortPairs();
  /// The output [T, N] in f32, before any expert has added to it.
  Value startOutput();
  /// The rows of the hidden states of `count` pairs from place `start` on.
  Value gather(const SortedPairs &pairs, Value start, Value count);
  /// `output` with the weighted rows of `computed` added.
  Value scatter(const SortedPairs &pairs, Value start, Value count,
                Value computed, Value output);
  /// The output in the type of the result.
  Value finish(Value output);

  Value index(int64_t value) {
    return awq::constantIndex(b, b.getLoc(), value);
  }

private:
  /// Calls `body` for each pair with its expert, or `experts` if there is no
  /// such expert.
  SmallVector<Value>
  forPairs(ValueRange init,
           llvm::function_ref<SmallVector<Value>(Value pair, Value expert,
                                                 ValueRange state)>
               body);
  SmallVector<Value>
  loop(Value count, ValueRange init,
       llvm::function_ref<SmallVector<Value>(Value, ValueRange)> body);
  Value increment(Value value) {
    return arith::AddIOp::create(b, value, index(1));
  }
  Value numTokens() {
    return tensor::DimOp::create(b, op.getHidden(), int64_t(0));
  }

  ImplicitLocOpBuilder &b;
  awq::decoder::ExpertsOp op;
  RankedTensorType hidden;
  /// Experts of a token, channels of the result, experts in all.
  int64_t chosen, width, experts;
};

} // namespace

SmallVector<Value> ExpertsBuilder::loop(
    Value count, ValueRange init,
    llvm::function_ref<SmallVector<Value>(Value, ValueRange)> body) {
  auto loop = scf::ForOp::create(b, index(0), count, index(1), init);
  OpBuilder::InsertionGuard guard(b);
  b.setInsertionPointToStart(loop.getBody());
  scf::YieldOp::create(b,
                       body(loop.getInductionVar(), loop.getRegionIterArgs()));
  return llvm::to_vector(ValueRange(loop.getResults()));
}

SmallVector<Value> ExpertsBuilder::forPairs(
    ValueRange init,
    llvm::function_ref<SmallVector<Value>(Value, Value, ValueRange)> body) {
  Value pairs = arith::MulIOp::create(b, numTokens(), index(chosen));
  return loop(pairs, init,
              [&](Value pair, ValueRange state) -> SmallVector<Value> {
                Value token = arith::DivUIOp::create(b, pair, index(chosen));
                Value choice = arith::RemUIOp::create(b, pair, index(chosen));
                Value number = tensor::ExtractOp::create(
                    b, op.getIndices(), ValueRange{token, choice});
                // A negative number is a large one.
                Value expert = arith::MinUIOp::create(
                    b, arith::IndexCastOp::create(b, b.getIndexType(), number),
                    index(experts));
                return body(pair, expert, state);
              });
}

SortedPairs ExpertsBuilder::sortPairs() {
  // One more bucket than experts takes the pairs of no expert, at the end.
  OpFoldResult buckets = b.getIndexAttr(experts + 1);
  Value counts = awq::zeros(b, b.getLoc(), buckets, b.getIndexType());
  counts =
      forPairs(
          counts,
          [&](Value, Value expert, ValueRange state) -> SmallVector<Value> {
            Value old = tensor::ExtractOp::create(b, state[0], expert);
            return {
                tensor::InsertOp::create(b, increment(old), state[0], expert)};
          })
          .front();
  // Counts become first places, and first places, as they are filled, ends.
  Value starts =
      loop(index(experts + 1), {counts, index(0)},
           [&](Value bucket, ValueRange state) -> SmallVector<Value> {
             Value count = tensor::ExtractOp::create(b, state[0], bucket);
             return {tensor::InsertOp::create(b, state[1], state[0], bucket),
                     arith::AddIOp::create(b, state[1], count)};
           })
          .front();
  Value pairs = arith::MulIOp::create(b, numTokens(), index(chosen));
  Value order = tensor::EmptyOp::create(b, ArrayRef<OpFoldResult>{pairs},
                                        b.getIndexType());
  SmallVector<Value> sorted = forPairs(
      {order, starts},
      [&](Value pair, Value expert, ValueRange state) -> SmallVector<Value> {
        Value place = tensor::ExtractOp::create(b, state[1], expert);
        return {
            tensor::InsertOp::create(b, pair, state[0], place),
            tensor::InsertOp::create(b, increment(place), state[1], expert)};
      });
  return {sorted[0], sorted[1]};
}

Value ExpertsBuilder::startOutput() {
  // A buffer of its own: the zeros of two such ops are equal, but merged into
  // one they could not be overwritten in place.
  SmallVector<Value> dynamic;
  if (hidden.isDynamicDim(0))
    dynamic.push_back(numTokens());
  Value buffer = bufferization::AllocTensorOp::create(
      b, RankedTensorType::get({hidden.getDimSize(0), width}, b.getF32Type()),
      dynamic);
  Value zero = awq::constantF32(b, b.getLoc(), 0.0);
  return linalg::FillOp::create(b, zero, buffer).getResult(0);
}

Value ExpertsBuilder::gather(const SortedPairs &pairs, Value start,
                             Value count) {
  int64_t width = hidden.getDimSize(1);
  Value empty = tensor::EmptyOp::create(
      b, ArrayRef<OpFoldResult>{count, b.getIndexAttr(width)},
      hidden.getElementType());
  AffineMap full = b.getMultiDimIdentityMap(2);
  return awq::buildGeneric(
      b, b.getLoc(), {}, empty, full, 0,
      [&](OpBuilder &n, Location l, ValueRange) -> Value {
        Value place = arith::AddIOp::create(n, l, start,
                                            linalg::IndexOp::create(n, l, 0));
        Value pair = tensor::ExtractOp::create(n, l, pairs.order, place);
        Value token = arith::DivUIOp::create(n, l, pair,
                                             awq::constantIndex(n, l, chosen));
        Value channel = linalg::IndexOp::create(n, l, 1);
        return tensor::ExtractOp::create(n, l, op.getHidden(),
                                         ValueRange{token, channel});
      });
}

Value ExpertsBuilder::scatter(const SortedPairs &pairs, Value start,
                              Value count, Value computed, Value output) {
  auto rowOf = [&](Value row) {
    return SmallVector<OpFoldResult>{row, b.getIndexAttr(0)};
  };
  SmallVector<OpFoldResult> sizes{b.getIndexAttr(1), b.getIndexAttr(width)};
  SmallVector<OpFoldResult> strides(2, b.getIndexAttr(1));
  auto slice = [&](Value tensor, Value row) -> Value {
    Type element = getElementTypeOrSelf(tensor);
    return tensor::ExtractSliceOp::create(
        b, RankedTensorType::get({width}, element), tensor, rowOf(row), sizes,
        strides);
  };
  auto addRow = [&](Value row, ValueRange state) -> SmallVector<Value> {
    Value pair = tensor::ExtractOp::create(
        b, pairs.order, ValueRange(arith::AddIOp::create(b, start, row)));
    Value token = arith::DivUIOp::create(b, pair, index(chosen));
    Value choice = arith::RemUIOp::create(b, pair, index(chosen));
    Value weight = tensor::ExtractOp::create(b, op.getWeights(),
                                             ValueRange{token, choice});
    AffineMap map = b.getMultiDimIdentityMap(1);
    Value sum = awq::buildGeneric(
        b, b.getLoc(), slice(computed, row), slice(state[0], token), {map, map},
        0, [&](OpBuilder &n, Location l, ValueRange in) -> Value {
          Value value = awq::castFloat(n, l, in[0], n.getF32Type());
          Value term = arith::MulFOp::create(n, l, value, weight);
          return arith::AddFOp::create(n, l, in[1], term);
        });
    return {tensor::InsertSliceOp::create(b, sum, state[0], rowOf(token), sizes,
                                          strides)};
  };
  return loop(count, output, addRow).front();
}

Value ExpertsBuilder::finish(Value output) {
  Type element = hidden.getElementType();
  if (element.isF32())
    return output;
  AffineMap full = b.getMultiDimIdentityMap(2);
  return awq::buildGeneric(
      b, b.getLoc(), output, awq::emptyLike(b, b.getLoc(), output, element),
      {full, full}, 0, [&](OpBuilder &n, Location l, ValueRange in) {
        return awq::castFloat(n, l, in[0], element);
      });
}

namespace {

struct LowerExperts : OpRewritePattern<awq::decoder::ExpertsOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(awq::decoder::ExpertsOp op,
                                PatternRewriter &rewriter) const override {
    ImplicitLocOpBuilder b(op.getLoc(), rewriter);
    ExpertsBuilder build(b, op);
    SortedPairs pairs = build.sortPairs();
    Value output = build.startOutput();
    Value start = build.index(0);
    for (auto [number, expert] : llvm::enumerate(op.getExperts())) {
      Value end = tensor::ExtractOp::create(b, pairs.ends,
                                            build.index(int64_t(number)));
      Value count = arith::SubIOp::create(b, end, start);
      Value any = arith::CmpIOp::create(b, arith::CmpIPredicate::ne, count,
                                        build.index(0));
      auto branch = scf::IfOp::create(b, TypeRange(output.getType()), any,
                                      /*withElseRegion=*/true);
      {
        OpBuilder::InsertionGuard guard(b);
        b.setInsertionPointToStart(branch.elseBlock());
        scf::YieldOp::create(b, output);
        b.setInsertionPointToStart(branch.thenBlock());
        Value tokens = build.gather(pairs, start, count);
        // The expert's ops come after the rows that they work on.
        auto yield =
            cast<awq::decoder::YieldOp>(expert.front().getTerminator());
        Value computed = yield.getValue();
        if (computed == expert.getArgument(0))
          computed = tokens;
        rewriter.eraseOp(yield);
        Operation *last = tokens.getDefiningOp();
        rewriter.inlineBlockBefore(&expert.front(), branch.thenBlock(),
                                   std::next(last->getIterator()), tokens);
        b.setInsertionPointToEnd(branch.thenBlock());
        scf::YieldOp::create(
            b, build.scatter(pairs, start, count, computed, output));
      }
      output = branch.getResult(0);
      start = end;
    }
    rewriter.replaceOp(op, build.finish(output));
    return success();
  }
};

} // namespace

void awq::populateExpertsToLinalgPatterns(RewritePatternSet &patterns) {
  patterns.add<LowerExperts>(patterns.getContext());
}
