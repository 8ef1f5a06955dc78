//===- QuantizedLinearToCPU.cpp - quantized layers on the CPU ---*- C++ -*-===//
//
// Part of the awq-mlir project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

//
// The arithmetic, per token and row:
//
//   y = sum_groups s (acc - z sum_k x[k]) + b,   acc = sum_k q[k] x[k]
//
// Sixteen rows stand side by side in the lanes of a vector. Code j of a word is
// masked where it is, which leaves q 2^(bj) with b bits to a slot; it meets
// x[k] 2^(-bj). Both are exact, so no shift is needed but for the last code,
// whose mask would reach the sign.
//
//===----------------------------------------------------------------------===//

#include "Patterns.h"

#include "awq/Conversion/Common/TensorBuilders.h"
#include "awq/Dialect/AWQ/IR/AWQ.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"

#include <cmath>

using namespace mlir;

/// Rows in a block of the layouts, and blocks in one task.
static constexpr int64_t blockRows = 16;
static constexpr int64_t blocksPerTask = 2;

/// Tokens that share the unpacking of a code, and tokens whose activations one
/// task prepares.
static constexpr int64_t tokensAtOnce = 4;
static constexpr int64_t tokensPerTask = 16;

/// How many words of 16 rows ahead the one-token loop asks for, into the second
/// cache: the first cannot wait for as many lines as hide the memory's latency.
/// Hardware prefetchers stop at the end of each page.
static constexpr int64_t wordsAhead = 128;

namespace {

/// Writes the code of one layer.
class LayerBuilder {
public:
  LayerBuilder(ImplicitLocOpBuilder &b, awq::QuantizedLinearOp op);

  /// Fills the result.
  void build();

  Value result;

private:
  Value index(int64_t value) {
    return awq::constantIndex(b, b.getLoc(), value);
  }
  int64_t wordsPerGroup() const { return groupSize / codesPerWord; }
  void buildFor(Value lower, Value upper, int64_t step,
                llvm::function_ref<void(Value)> body);
  void buildParallel(Value upper, int64_t step,
                     llvm::function_ref<void(Value)> body);

  void prepareActivations();
  void prepareToken(Value token);
  void buildTask(Value firstBlock);
  void buildTokens(Value firstBlock, Value lower, Value upper, int64_t count);
  void buildBlock(Value block, Value token, int64_t count);
  SmallVector<Value> buildGroup(Value block, Value group, Value token,
                                int64_t count);
  void addWord(Value block, Value word, Value token,
               SmallVectorImpl<Value> &sums, int64_t chains);
  Value unpack(Value words, int64_t code);
  void store(Value block, Value token, Value sum);

  ImplicitLocOpBuilder &b;
  Value input, codes, scales, zeros, bias;
  /// The activations times 2^(-bj), [M, K], and their sums per group, [M, G].
  Value scaled, sums, tokens;
  int64_t n, k, groups, groupSize, slotBits, codesPerWord, blocks;
  double impliedZero;
  bool oneToken;
  VectorType floats, integers;
};

} // namespace

LayerBuilder::LayerBuilder(ImplicitLocOpBuilder &b, awq::QuantizedLinearOp op)
    : b(b) {
  auto type = cast<RankedTensorType>(op.getType());
  input = awq::readBuffer(b, op.getInput());
  codes = awq::readBuffer(b, op.getCodes());
  scales = awq::readBuffer(b, op.getScales());
  if (op.getZeros())
    zeros = awq::readBuffer(b, op.getZeros());
  if (op.getBias())
    bias = awq::readBuffer(b, op.getBias());
  result = awq::allocateResult(b, op.getInput(), type);

  n = op.getOutputChannels();
  k = op.getInputChannels();
  groups = op.getScheme().getNumGroups(k);
  groupSize = op.getScheme().getGroupSize(k);
  bool nibbles = op.getLayout().getKind() == awq::LayoutKind::CpuN16;
  slotBits = nibbles ? 4 : 8;
  codesPerWord = 32 / slotBits;
  blocks = (n + blockRows - 1) / blockRows;
  impliedZero = std::ldexp(1.0, op.getScheme().getBits() - 1);
  oneToken = type.getDimSize(0) == 1;
  floats = VectorType::get({blockRows}, b.getF32Type());
  integers = VectorType::get({blockRows}, b.getI32Type());
}

void LayerBuilder::buildFor(Value lower, Value upper, int64_t step,
                            llvm::function_ref<void(Value)> body) {
  auto loop = scf::ForOp::create(b, lower, upper, index(step));
  OpBuilder::InsertionGuard guard(b);
  b.setInsertionPointToStart(loop.getBody());
  body(loop.getInductionVar());
}

void LayerBuilder::buildParallel(Value upper, int64_t step,
                                 llvm::function_ref<void(Value)> body) {
  auto loop = scf::ParallelOp::create(b, index(0), upper, index(step));
  OpBuilder::InsertionGuard guard(b);
  b.setInsertionPointToStart(loop.getBody());
  body(loop.getInductionVars()[0]);
}

//===----------------------------------------------------------------------===//
// Activations
//===----------------------------------------------------------------------===//

void LayerBuilder::prepareActivations() {
  int64_t rows = oneToken ? 1 : ShapedType::kDynamic;
  tokens = oneToken ? index(1) : memref::DimOp::create(b, input, 0).getResult();
  SmallVector<Value> dynamic;
  if (!oneToken)
    dynamic.push_back(tokens);
  scaled =
      memref::AllocOp::create(b, MemRefType::get({rows, k}, b.getF32Type()),
                              dynamic, b.getI64IntegerAttr(64));
  sums = memref::AllocOp::create(
      b, MemRefType::get({rows, groups}, b.getF32Type()), dynamic,
      b.getI64IntegerAttr(64));
  if (oneToken) {
    prepareToken(index(0));
    return;
  }
  buildParallel(tokens, tokensPerTask, [&](Value first) {
    Value last = arith::MinSIOp::create(
        b, awq::addIndex(b, first, tokensPerTask), tokens);
    buildFor(first, last, 1, [&](Value token) { prepareToken(token); });
  });
}

/// scaled[token, kw + j] = x[token, kw + j] * 2^(-bj), sums[token, g] = sum of
/// x over group g.
void LayerBuilder::prepareToken(Value token) {
  auto word = VectorType::get({codesPerWord}, b.getF32Type());
  SmallVector<float> factors;
  for (int64_t j = 0; j < codesPerWord; ++j)
    factors.push_back(j + 1 == codesPerWord
                          ? 1.0f
                          : std::ldexp(1.0f, static_cast<int>(-slotBits * j)));
  Value factor = arith::ConstantOp::create(
      b, DenseElementsAttr::get(word, ArrayRef<float>(factors)));
  buildFor(index(0), index(groups), 1, [&](Value group) {
    Value first = arith::MulIOp::create(b, group, index(groupSize));
    Value last = awq::addIndex(b, first, groupSize);
    auto loop = scf::ForOp::create(
        b, first, last, index(codesPerWord),
        ValueRange(awq::constantF32(b, b.getLoc(), 0.0, word)));
    {
      OpBuilder::InsertionGuard guard(b);
      b.setInsertionPointToStart(loop.getBody());
      SmallVector<Value> indices{token, loop.getInductionVar()};
      Value x = awq::loadVector(b, word, input, indices);
      vector::StoreOp::create(b, arith::MulFOp::create(b, x, factor), scaled,
                              indices);
      Value sum = arith::AddFOp::create(b, loop.getRegionIterArgs()[0], x);
      scf::YieldOp::create(b, sum);
    }
    Value sum = awq::sumLanes(b, b.getLoc(), loop.getResult(0));
    memref::StoreOp::create(b, sum, sums, ValueRange{token, group});
  });
}

//===----------------------------------------------------------------------===//
// Rows
//===----------------------------------------------------------------------===//

/// Code `code` of each word, as a float times 2^(slotBits * code), or as it is
/// for the last one.
Value LayerBuilder::unpack(Value words, int64_t code) {
  Value part;
  if (code + 1 == codesPerWord) {
    Value shift = arith::ConstantOp::create(
        b,
        DenseElementsAttr::get(integers, b.getI32IntegerAttr(slotBits * code)));
    part = arith::ShRUIOp::create(b, words, shift);
  } else {
    int64_t mask = ((int64_t(1) << slotBits) - 1) << (slotBits * code);
    Value masks = arith::ConstantOp::create(
        b, DenseElementsAttr::get(integers, b.getI32IntegerAttr(mask)));
    part = arith::AndIOp::create(b, words, masks);
  }
  return arith::SIToFPOp::create(b, floats, part);
}

/// Adds the products of one word of each of 16 rows to `sums`, which holds
/// `chains` independent sums per token.
void LayerBuilder::addWord(Value block, Value word, Value token,
                           SmallVectorImpl<Value> &sums, int64_t chains) {
  Value words = awq::loadVector(b, integers, codes, {block, word, index(0)});
  if (oneToken)
    memref::PrefetchOp::create(
        b, codes,
        ValueRange{block, awq::addIndex(b, word, wordsAhead), index(0)},
        /*isWrite=*/false, /*localityHint=*/2, /*isDataCache=*/true);
  Value column = arith::MulIOp::create(b, word, index(codesPerWord));
  int64_t count = sums.size() / chains;
  for (int64_t code = 0; code < codesPerWord; ++code) {
    Value q = unpack(words, code);
    Value at = awq::addIndex(b, column, code);
    for (int64_t t = 0; t < count; ++t) {
      Value x = memref::LoadOp::create(
          b, scaled, ValueRange{awq::addIndex(b, token, t), at});
      Value &sum = sums[t * chains + code % chains];
      sum = awq::multiplyAdd(b, b.getLoc(), q,
                             vector::BroadcastOp::create(b, floats, x), sum);
    }
  }
}

/// s (acc - z sum_k x[k]) of one group, for each of `count` tokens.
SmallVector<Value> LayerBuilder::buildGroup(Value block, Value group,
                                            Value token, int64_t count) {
  // A lone token needs several sums in flight to hide the latency of an add.
  int64_t chains = count == 1 ? 4 : 1;
  Value first = arith::MulIOp::create(b, group, index(wordsPerGroup()));
  Value last = awq::addIndex(b, first, wordsPerGroup());
  SmallVector<Value> init(count * chains,
                          awq::constantF32(b, b.getLoc(), 0.0, floats));
  auto loop = scf::ForOp::create(b, first, last, index(1), init);
  {
    OpBuilder::InsertionGuard guard(b);
    b.setInsertionPointToStart(loop.getBody());
    SmallVector<Value> sums(loop.getRegionIterArgs());
    addWord(block, loop.getInductionVar(), token, sums, chains);
    scf::YieldOp::create(b, sums);
  }

  auto loadRows = [&](Value buffer) {
    return awq::loadVector(b, floats, buffer, {block, group, index(0)});
  };
  Value scale = loadRows(scales);
  Value zero = zeros ? loadRows(zeros)
                     : awq::constantF32(b, b.getLoc(), impliedZero, floats);
  SmallVector<Value> parts;
  for (int64_t t = 0; t < count; ++t) {
    Value acc = loop.getResult(t * chains);
    for (int64_t c = 1; c < chains; ++c)
      acc = arith::AddFOp::create(b, acc, loop.getResult(t * chains + c));
    Value sum = memref::LoadOp::create(
        b, sums, ValueRange{awq::addIndex(b, token, t), group});
    Value correction = arith::MulFOp::create(
        b, zero, vector::BroadcastOp::create(b, floats, sum));
    parts.push_back(arith::MulFOp::create(
        b, scale, arith::SubFOp::create(b, acc, correction)));
  }
  return parts;
}

/// Stores the rows of `block` that exist, plus bias.
void LayerBuilder::store(Value block, Value token, Value sum) {
  Value row = arith::MulIOp::create(b, block, index(blockRows));
  auto storeRows = [&](int64_t rows) {
    Value y = sum;
    auto type = VectorType::get({rows}, b.getF32Type());
    if (rows != blockRows)
      y = vector::ExtractStridedSliceOp::create(b, y, ArrayRef<int64_t>{0},
                                                ArrayRef<int64_t>{rows},
                                                ArrayRef<int64_t>{1});
    if (bias) {
      Type element = cast<MemRefType>(bias.getType()).getElementType();
      Value shift = awq::loadVector(b, type.clone(element), bias, row);
      y = arith::AddFOp::create(
          b, y, awq::castFloat(b, b.getLoc(), shift, b.getF32Type()));
    }
    vector::StoreOp::create(b, y, result, ValueRange{token, row});
  };
  if (n % blockRows == 0) {
    storeRows(blockRows);
    return;
  }
  Value isLast = arith::CmpIOp::create(b, arith::CmpIPredicate::eq, block,
                                       index(blocks - 1));
  auto branch = scf::IfOp::create(b, isLast, /*withElseRegion=*/true);
  OpBuilder::InsertionGuard guard(b);
  b.setInsertionPointToStart(branch.thenBlock());
  storeRows(n % blockRows);
  b.setInsertionPointToStart(branch.elseBlock());
  storeRows(blockRows);
}

/// One block of rows for `count` tokens from `token` on.
void LayerBuilder::buildBlock(Value block, Value token, int64_t count) {
  SmallVector<Value> init(count, awq::constantF32(b, b.getLoc(), 0.0, floats));
  auto loop = scf::ForOp::create(b, index(0), index(groups), index(1), init);
  {
    OpBuilder::InsertionGuard guard(b);
    b.setInsertionPointToStart(loop.getBody());
    SmallVector<Value> next =
        buildGroup(block, loop.getInductionVar(), token, count);
    for (auto [part, sum] : llvm::zip(next, loop.getRegionIterArgs()))
      part = arith::AddFOp::create(b, sum, part);
    scf::YieldOp::create(b, next);
  }
  for (int64_t t = 0; t < count; ++t)
    store(block, awq::addIndex(b, token, t), loop.getResult(t));
}

/// The tokens from `lower` to `upper`, `count` at a time, for each block of the
/// task that begins with `firstBlock`.
void LayerBuilder::buildTokens(Value firstBlock, Value lower, Value upper,
                               int64_t count) {
  Value lastBlock = awq::addIndex(b, firstBlock, blocksPerTask);
  if (blocks % blocksPerTask != 0)
    lastBlock = arith::MinSIOp::create(b, lastBlock, index(blocks));
  buildFor(lower, upper, count, [&](Value token) {
    buildFor(firstBlock, lastBlock, 1,
             [&](Value block) { buildBlock(block, token, count); });
  });
}

void LayerBuilder::buildTask(Value firstBlock) {
  if (oneToken) {
    buildTokens(firstBlock, index(0), index(1), 1);
    return;
  }
  Value rest = arith::RemUIOp::create(b, tokens, index(tokensAtOnce));
  Value whole = arith::SubIOp::create(b, tokens, rest);
  buildTokens(firstBlock, index(0), whole, tokensAtOnce);
  buildTokens(firstBlock, whole, tokens, 1);
}

void LayerBuilder::build() {
  prepareActivations();
  buildParallel(index(blocks), blocksPerTask,
                [&](Value firstBlock) { buildTask(firstBlock); });
}

namespace {

struct LowerQuantizedLinear : OpRewritePattern<awq::QuantizedLinearOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(awq::QuantizedLinearOp op,
                                PatternRewriter &rewriter) const override {
    if (failed(
            awq::matchActivations(op, op.getInput(), op.getType(), rewriter)))
      return failure();
    awq::LayoutAttr layout = op.getLayout();
    if (!layout || (layout.getKind() != awq::LayoutKind::CpuN16 &&
                    layout.getKind() != awq::LayoutKind::CpuN16B8))
      return rewriter.notifyMatchFailure(
          op, "needs codes in the layout cpu_n16 or cpu_n16b8");
    auto isF32 = [](Value value) {
      return !value || getElementTypeOrSelf(value.getType()).isF32();
    };
    if (!isF32(op.getScales()) || !isF32(op.getZeros()))
      return rewriter.notifyMatchFailure(op, "needs f32 scales and zeros");
    int64_t codesPerWord = layout.getKind() == awq::LayoutKind::CpuN16 ? 8 : 4;
    if (op.getScheme().getGroupSize(op.getInputChannels()) % codesPerWord != 0)
      return rewriter.notifyMatchFailure(op, "a group ends within a word");

    ImplicitLocOpBuilder b(op.getLoc(), rewriter);
    LayerBuilder layer(b, op);
    layer.build();
    rewriter.replaceOp(op, awq::asTensor(b, layer.result,
                                         cast<RankedTensorType>(op.getType())));
    return success();
  }
};

} // namespace

void awq::populateQuantizedLinearToCPUPatterns(RewritePatternSet &patterns) {
  patterns.add<LowerQuantizedLinear>(patterns.getContext());
}
