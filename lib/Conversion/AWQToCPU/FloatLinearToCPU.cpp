//===- FloatLinearToCPU.cpp - float linear layers on the CPU ----*- C++ -*-===//
//
// Part of the awq-mlir project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Patterns.h"

#include "awq/Conversion/Common/TensorBuilders.h"
#include "awq/Dialect/AWQ/IR/AWQ.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "mlir/IR/BuiltinOps.h"

using namespace mlir;
using awq::LaneChunk;

/// Rows of the weight that one task of a one-token layer reads, and how many it
/// reads side by side: enough sums in flight to hide the latency of an add.
static constexpr int64_t rowsPerTask = 32;
static constexpr int64_t rowsAtOnce = 4;

/// How many rows ahead the one-token loop asks for: rows are short streams side
/// by side, which no hardware prefetcher follows from one set to the next.
static constexpr int64_t rowsAhead = 4 * rowsAtOnce;

/// The tile of the result that one call of the BLAS computes.
static constexpr int64_t tileTokens = 256;
static constexpr int64_t tileRows = 96;

static constexpr llvm::StringLiteral leafName = "awq_rt_sgemm_nt";

namespace {

/// The buffers of one layer. `bias` may be null.
struct LayerBuffers {
  Value input, weight, bias, result;
  int64_t n, k;
};

} // namespace

//===----------------------------------------------------------------------===//
// One token
//===----------------------------------------------------------------------===//

/// y[0, row + i] = dot(x, w[row + i]) + bias[row + i] for i in 0 .. count - 1.
static void buildDots(ImplicitLocOpBuilder &b, const LayerBuffers &layer,
                      Value row, int64_t count) {
  Location loc = b.getLoc();
  Type f32 = b.getF32Type();
  Type element = cast<MemRefType>(layer.weight.getType()).getElementType();
  Value zero = awq::constantIndex(b, loc, 0);
  SmallVector<Value> rows;
  for (int64_t i = 0; i < count; ++i)
    rows.push_back(awq::addIndex(b, row, i));

  auto accumulate = [&](Value column, VectorType type, ValueRange sums) {
    Value x = awq::loadVector(b, type, layer.input, {zero, column});
    SmallVector<Value> next;
    for (auto [r, sum] : llvm::zip(rows, sums)) {
      memref::PrefetchOp::create(
          b, layer.weight, ValueRange{awq::addIndex(b, r, rowsAhead), column},
          /*isWrite=*/false, /*localityHint=*/2, /*isDataCache=*/true);
      Value w =
          awq::loadVector(b, type.clone(element), layer.weight, {r, column});
      next.push_back(
          awq::multiplyAdd(b, loc, awq::castFloat(b, loc, w, f32), x, sum));
    }
    return next;
  };

  auto lanes = VectorType::get({awq::vectorLanes}, f32);
  int64_t whole = layer.k - layer.k % awq::vectorLanes;
  SmallVector<Value> init(count, awq::constantF32(b, loc, 0.0, lanes));
  auto loop =
      scf::ForOp::create(b, zero, awq::constantIndex(b, loc, whole),
                         awq::constantIndex(b, loc, awq::vectorLanes), init);
  {
    OpBuilder::InsertionGuard guard(b);
    b.setInsertionPointToStart(loop.getBody());
    scf::YieldOp::create(
        b, accumulate(loop.getInductionVar(), lanes, loop.getRegionIterArgs()));
  }
  SmallVector<Value> rest;
  if (whole < layer.k) {
    auto type = VectorType::get({layer.k - whole}, f32);
    SmallVector<Value> restInit(count, awq::constantF32(b, loc, 0.0, type));
    rest = accumulate(awq::constantIndex(b, loc, whole), type, restInit);
  }
  for (int64_t i = 0; i < count; ++i) {
    Value y = awq::sumLanes(b, loc, loop.getResult(i));
    if (!rest.empty())
      y = arith::AddFOp::create(b, y, awq::sumLanes(b, loc, rest[i]));
    if (layer.bias)
      y = arith::AddFOp::create(
          b, y,
          awq::castFloat(b, loc, memref::LoadOp::create(b, layer.bias, rows[i]),
                         f32));
    memref::StoreOp::create(b, y, layer.result, ValueRange{zero, rows[i]});
  }
}

/// A loop from `lower` to `upper` whose body `body` builds.
static void buildFor(ImplicitLocOpBuilder &b, Value lower, Value upper,
                     int64_t step, llvm::function_ref<void(Value)> body) {
  auto loop = scf::ForOp::create(b, lower, upper,
                                 awq::constantIndex(b, b.getLoc(), step));
  OpBuilder::InsertionGuard guard(b);
  b.setInsertionPointToStart(loop.getBody());
  body(loop.getInductionVar());
}

static void buildOneToken(ImplicitLocOpBuilder &b, const LayerBuffers &layer) {
  Location loc = b.getLoc();
  Value zero = awq::constantIndex(b, loc, 0);
  int64_t whole = layer.n - layer.n % rowsAtOnce;
  Value end = awq::constantIndex(b, loc, whole);
  auto tasks = scf::ParallelOp::create(b, zero, end,
                                       awq::constantIndex(b, loc, rowsPerTask));
  {
    OpBuilder::InsertionGuard guard(b);
    b.setInsertionPointToStart(tasks.getBody());
    Value first = tasks.getInductionVars()[0];
    Value last = awq::addIndex(b, first, rowsPerTask);
    if (whole % rowsPerTask != 0)
      last = arith::MinSIOp::create(b, last, end);
    buildFor(b, first, last, rowsAtOnce,
             [&](Value row) { buildDots(b, layer, row, rowsAtOnce); });
  }
  if (whole < layer.n)
    buildDots(b, layer, end, layer.n - whole);
}

//===----------------------------------------------------------------------===//
// Many tokens
//===----------------------------------------------------------------------===//

/// Declares the BLAS leaf in the module around `op`, once.
static func::FuncOp declareLeaf(Operation *op, PatternRewriter &rewriter) {
  auto module = op->getParentOfType<ModuleOp>();
  if (auto known = module.lookupSymbol<func::FuncOp>(leafName))
    return known;
  Type size = rewriter.getI64Type();
  Type pointer = LLVM::LLVMPointerType::get(rewriter.getContext());
  OpBuilder::InsertionGuard guard(rewriter);
  rewriter.setInsertionPointToStart(module.getBody());
  auto leaf = func::FuncOp::create(
      rewriter, module.getLoc(), leafName,
      rewriter.getFunctionType(
          {size, size, size, pointer, size, pointer, size, pointer, size}, {}));
  leaf.setPrivate();
  return leaf;
}

/// The address of buffer[row, column], of a row-major rank-2 buffer of f32 with
/// rows of `width`.
static Value addressOf(ImplicitLocOpBuilder &b, Value buffer, Value row,
                       Value column, int64_t width) {
  Type i64 = b.getI64Type();
  Value base = memref::ExtractAlignedPointerAsIndexOp::create(b, buffer);
  Value element = arith::AddIOp::create(
      b,
      arith::MulIOp::create(b, row, awq::constantIndex(b, b.getLoc(), width)),
      column);
  Value offset = arith::MulIOp::create(
      b, element, awq::constantIndex(b, b.getLoc(), sizeof(float)));
  Value address = arith::IndexCastOp::create(
      b, i64, arith::AddIOp::create(b, base, offset));
  return LLVM::IntToPtrOp::create(b, LLVM::LLVMPointerType::get(b.getContext()),
                                  address);
}

/// `count` rows of a weight of 16-bit floats from `first` on, as f32. The copy
/// is freed by buffer deallocation, like all that this lowering allocates.
static Value widenRows(ImplicitLocOpBuilder &b, const LayerBuffers &layer,
                       Value first, Value count) {
  Location loc = b.getLoc();
  Value copy = memref::AllocOp::create(
      b, MemRefType::get({tileRows, layer.k}, b.getF32Type()));
  Value zero = awq::constantIndex(b, loc, 0);
  buildFor(b, zero, count, 1, [&](Value row) {
    Value source = arith::AddIOp::create(b, first, row);
    buildFor(b, zero, awq::constantIndex(b, loc, layer.k), 1, [&](Value k) {
      Value w = memref::LoadOp::create(b, layer.weight, ValueRange{source, k});
      memref::StoreOp::create(b, awq::castFloat(b, loc, w, b.getF32Type()),
                              copy, ValueRange{row, k});
    });
  });
  return copy;
}

/// result[token, row] += bias[row] over one tile.
static void addBias(ImplicitLocOpBuilder &b, const LayerBuffers &layer,
                    Value token, Value tokens, Value row, Value rows) {
  Location loc = b.getLoc();
  Value zero = awq::constantIndex(b, loc, 0);
  buildFor(b, zero, tokens, 1, [&](Value i) {
    Value t = arith::AddIOp::create(b, token, i);
    buildFor(b, zero, rows, 1, [&](Value j) {
      Value r = arith::AddIOp::create(b, row, j);
      Value bias = awq::castFloat(
          b, loc, memref::LoadOp::create(b, layer.bias, r), b.getF32Type());
      Value y = memref::LoadOp::create(b, layer.result, ValueRange{t, r});
      memref::StoreOp::create(b, arith::AddFOp::create(b, y, bias),
                              layer.result, ValueRange{t, r});
    });
  });
}

/// One tile: tokens `token` .. and rows `row` .. of the weight.
static void buildTile(ImplicitLocOpBuilder &b, const LayerBuffers &layer,
                      func::FuncOp leaf, Value allTokens, Value token,
                      Value row) {
  Location loc = b.getLoc();
  auto extent = [&](Value first, Value end, int64_t tile) -> Value {
    return arith::MinSIOp::create(b, arith::SubIOp::create(b, end, first),
                                  awq::constantIndex(b, loc, tile));
  };
  Value tokens = extent(token, allTokens, tileTokens);
  Value rows = extent(row, awq::constantIndex(b, loc, layer.n), tileRows);
  Value zero = awq::constantIndex(b, loc, 0);

  Value weight = layer.weight, weightRow = row;
  bool narrow = !cast<MemRefType>(weight.getType()).getElementType().isF32();
  if (narrow) {
    weight = widenRows(b, layer, row, rows);
    weightRow = zero;
  }
  auto size = [&](Value index) -> Value {
    return arith::IndexCastOp::create(b, b.getI64Type(), index);
  };
  Value k = arith::ConstantIntOp::create(b, layer.k, 64);
  Value n = arith::ConstantIntOp::create(b, layer.n, 64);
  func::CallOp::create(
      b, leaf,
      ValueRange{size(tokens), size(rows), k,
                 addressOf(b, layer.input, token, zero, layer.k), k,
                 addressOf(b, weight, weightRow, zero, layer.k), k,
                 addressOf(b, layer.result, token, row, layer.n), n});
  if (layer.bias)
    addBias(b, layer, token, tokens, row, rows);
}

static void buildManyTokens(ImplicitLocOpBuilder &b, const LayerBuffers &layer,
                            func::FuncOp leaf) {
  Location loc = b.getLoc();
  Value zero = awq::constantIndex(b, loc, 0);
  Value tokens = memref::DimOp::create(b, layer.input, 0);
  auto tiles = scf::ParallelOp::create(
      b, ValueRange{zero, zero},
      ValueRange{awq::constantIndex(b, loc, layer.n), tokens},
      ValueRange{awq::constantIndex(b, loc, tileRows),
                 awq::constantIndex(b, loc, tileTokens)});
  OpBuilder::InsertionGuard guard(b);
  b.setInsertionPointToStart(tiles.getBody());
  buildTile(b, layer, leaf, tokens, tiles.getInductionVars()[1],
            tiles.getInductionVars()[0]);
}

namespace {

/// y = x W^T + b
struct LowerLinear : OpRewritePattern<awq::LinearOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(awq::LinearOp op,
                                PatternRewriter &rewriter) const override {
    if (failed(
            awq::matchActivations(op, op.getInput(), op.getType(), rewriter)))
      return failure();
    ImplicitLocOpBuilder b(op.getLoc(), rewriter);
    auto type = cast<RankedTensorType>(op.getType());
    auto weight = cast<RankedTensorType>(op.getWeight().getType());
    LayerBuffers layer{awq::readBuffer(b, op.getInput()),
                       awq::readBuffer(b, op.getWeight()),
                       op.getBias() ? awq::readBuffer(b, op.getBias())
                                    : Value(),
                       awq::allocateResult(b, op.getInput(), type),
                       weight.getDimSize(0),
                       weight.getDimSize(1)};
    if (type.getDimSize(0) == 1)
      buildOneToken(b, layer);
    else
      buildManyTokens(b, layer, declareLeaf(op, rewriter));
    rewriter.replaceOp(op, awq::asTensor(b, layer.result, type));
    return success();
  }
};

} // namespace

void awq::populateFloatLinearToCPUPatterns(RewritePatternSet &patterns) {
  patterns.add<LowerLinear>(patterns.getContext());
}
