//===- FuseIntoLinears.cpp - what surrounds a linear, into it -------------===//
//
// Part of the awq-mlir project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Each pattern takes one op into a linear, fused already or not, so that what
// is taken does not depend on an order of patterns. An op after the linear is
// replaced where it is: its other operands need not exist before.
//
//===----------------------------------------------------------------------===//

#include "awq/Dialect/AWQ/IR/AWQ.h"
#include "awq/Dialect/AWQ/Transforms/Fusion.h"
#include "awq/Dialect/AWQ/Transforms/Passes.h"
#include "awq/Dialect/Decoder/IR/Decoder.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/Transforms/GreedyPatternRewriteDriver.h"

namespace awq {
#define GEN_PASS_DEF_FUSEINTOLINEARSPASS
#include "awq/Dialect/AWQ/Transforms/Passes.h.inc"
} // namespace awq

using namespace mlir;
using namespace awq;

/// Rows that a pair lies apart in records: rotations need as many and their
/// multiples.
static constexpr int64_t pairRows = 8;

//===----------------------------------------------------------------------===//
// Linears, fused or not
//===----------------------------------------------------------------------===//

namespace {

/// All operands and attributes of a fused linear, to make one of.
struct LinearParts {
  Value input, codes, scales, zeros, bias, norm, cosines, sines, residual;
  SchemeAttr scheme;
  FloatAttr epsilon, offset;
  RotaryAttr turn;
  GateFunctionAttr gate;
  SmallVector<NamedAttribute> others;

  /// Those of `op`, a quantized or a fused linear.
  explicit LinearParts(QuantizedWeightOpInterface op);
  FusedLinearOp create(OpBuilder &builder, Location loc, Type result) const;
};

} // namespace

LinearParts::LinearParts(QuantizedWeightOpInterface op)
    : input(op.getInput()), codes(op.getCodes()), scales(op.getScales()),
      zeros(op.getZeros()), bias(op.getBias()), scheme(op.getScheme()),
      others(op->getDiscardableAttrs()) {
  auto fused = dyn_cast<FusedLinearOp>(op.getOperation());
  if (!fused)
    return;
  norm = fused.getNorm();
  cosines = fused.getCosines();
  sines = fused.getSines();
  residual = fused.getResidual();
  epsilon = fused.getNormEpsilonAttr();
  offset = fused.getNormOffsetAttr();
  turn = fused.getTurnAttr();
  gate = fused.getGateAttr();
}

FusedLinearOp LinearParts::create(OpBuilder &builder, Location loc,
                                  Type result) const {
  FloatAttr noOffset = builder.getF64FloatAttr(0.0);
  auto op = FusedLinearOp::create(
      builder, loc, result, input, codes, scales, zeros, bias, norm, cosines,
      sines, residual, scheme, epsilon, offset ? offset : noOffset, turn, gate);
  op->setDiscardableAttrs(others);
  return op;
}

/// The linear that makes `value`, if it is one that can take something in: of
/// two dimensions, and not packed for another kind of kernel.
static QuantizedWeightOpInterface getLinear(Value value) {
  auto op = value.getDefiningOp<QuantizedWeightOpInterface>();
  if (!op || cast<RankedTensorType>(value.getType()).getRank() != 2)
    return nullptr;
  // Rows of records are in their order already.
  LayoutAttr layout = op.getLayout();
  if (layout && layout.getKind() == LayoutKind::MmaN32K128)
    return nullptr;
  return op;
}

namespace {

/// A range of the rows of a linear, [first, first + count).
struct RowRange {
  QuantizedWeightOpInterface linear;
  int64_t first = 0, count = 0;
};

} // namespace

/// The rows of a linear that `value` has for all tokens: all of its result, or
/// a slice.
static std::optional<RowRange> getRows(Value value) {
  if (QuantizedWeightOpInterface linear = getLinear(value))
    return RowRange{linear, 0, linear.getOutputChannels()};
  auto slice = value.getDefiningOp<tensor::ExtractSliceOp>();
  if (!slice)
    return std::nullopt;
  QuantizedWeightOpInterface linear = getLinear(slice.getSource());
  if (!linear || slice.getType().getRank() != 2 ||
      !isZeroInteger(slice.getMixedOffsets()[0]) ||
      !llvm::all_of(slice.getMixedStrides(), isOneInteger) ||
      slice.isDynamicOffset(1) || slice.isDynamicSize(1))
    return std::nullopt;
  return RowRange{linear, slice.getStaticOffset(1), slice.getStaticSize(1)};
}

/// Whether `value` has as many tokens as the linear's input: slices are of all
/// of them if they are as long as the result.
static bool hasAllTokens(Value value, QuantizedWeightOpInterface linear) {
  auto slice = value.getDefiningOp<tensor::ExtractSliceOp>();
  if (!slice)
    return true;
  auto type = cast<RankedTensorType>(linear->getResult(0).getType());
  OpFoldResult size = slice.getMixedSizes()[0];
  if (std::optional<int64_t> known = getConstantIntValue(size))
    return *known == type.getDimSize(0);
  auto dim = cast<Value>(size).getDefiningOp<tensor::DimOp>();
  return dim && dim.getConstantIndex() == 0 &&
         (dim.getSource() == linear->getResult(0) ||
          dim.getSource() == linear.getInput());
}

/// Whether only `readers` and queries of sizes read the result of `linear`.
static bool isReadOnlyBy(QuantizedWeightOpInterface linear,
                         ArrayRef<Operation *> readers) {
  return llvm::all_of(linear->getUsers(), [&](Operation *user) {
    return isa<tensor::DimOp>(user) || llvm::is_contained(readers, user);
  });
}

/// Queries of the tokens of `linear` ask its input instead, so that the linear
/// may move or change its columns.
static void redirectSizes(PatternRewriter &rewriter,
                          QuantizedWeightOpInterface linear) {
  for (Operation *user :
       llvm::make_early_inc_range(linear->getResult(0).getUsers()))
    if (auto dim = dyn_cast<tensor::DimOp>(user))
      if (dim.getConstantIndex() == 0)
        rewriter.modifyOpInPlace(
            dim, [&] { dim.getSourceMutable().set(linear.getInput()); });
}

//===----------------------------------------------------------------------===//
// Before the linear
//===----------------------------------------------------------------------===//

namespace {

struct FuseNorm : OpRewritePattern<decoder::RMSNormOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(decoder::RMSNormOp norm,
                                PatternRewriter &rewriter) const override {
    SmallVector<QuantizedWeightOpInterface> linears;
    for (OpOperand &use : norm.getResult().getUses()) {
      auto linear = dyn_cast<QuantizedWeightOpInterface>(use.getOwner());
      if (isa<tensor::DimOp>(use.getOwner()))
        continue;
      if (!linear || !getLinear(linear->getResult(0)) ||
          use.get() != linear.getInput() || &use != &linear->getOpOperand(0) ||
          LinearParts(linear).norm)
        return rewriter.notifyMatchFailure(norm, "is read by another op");
      linears.push_back(linear);
    }
    if (linears.empty())
      return rewriter.notifyMatchFailure(norm, "no linear reads it");
    for (Operation *user :
         llvm::make_early_inc_range(norm.getResult().getUsers()))
      if (isa<tensor::DimOp>(user))
        rewriter.modifyOpInPlace(user,
                                 [&] { user->setOperand(0, norm.getInput()); });
    for (QuantizedWeightOpInterface linear : linears) {
      LinearParts parts(linear);
      parts.input = norm.getInput();
      parts.norm = norm.getWeight();
      parts.epsilon = norm.getEpsilonAttr();
      parts.offset = norm.getOffsetAttr();
      rewriter.setInsertionPoint(linear);
      rewriter.replaceOp(linear, parts.create(rewriter, linear->getLoc(),
                                              linear->getResult(0).getType()));
    }
    rewriter.eraseOp(norm);
    return success();
  }
};

//===----------------------------------------------------------------------===//
// After the linear
//===----------------------------------------------------------------------===//

struct FuseGate : OpRewritePattern<decoder::GLUOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(decoder::GLUOp glu,
                                PatternRewriter &rewriter) const override {
    std::optional<GateFunction> function =
        symbolizeGateFunction(decoder::stringifyActivationKind(glu.getKind()));
    if (!function)
      return rewriter.notifyMatchFailure(glu, "kernels have no such function");
    std::optional<RowRange> gate = getRows(glu.getGate());
    std::optional<RowRange> up = getRows(glu.getUp());
    if (!gate || !up || gate->linear != up->linear)
      return rewriter.notifyMatchFailure(glu, "is not of one linear");
    QuantizedWeightOpInterface linear = gate->linear;
    int64_t half = linear.getOutputChannels() / 2;
    if (gate->first != 0 || up->first != half || gate->count != half ||
        up->count != half || half % pairRows != 0 ||
        linear.getOutputChannels() != 2 * half)
      return rewriter.notifyMatchFailure(glu, "is not of halves of the rows");
    LinearParts parts(linear);
    if (parts.gate || parts.turn || parts.residual ||
        !hasAllTokens(glu.getGate(), linear) ||
        !hasAllTokens(glu.getUp(), linear) ||
        !isReadOnlyBy(linear, {glu.getGate().getDefiningOp(),
                               glu.getUp().getDefiningOp()}) ||
        !glu.getGate().hasOneUse() || !glu.getUp().hasOneUse())
      return rewriter.notifyMatchFailure(glu,
                                         "its operands have other readers");
    redirectSizes(rewriter, linear);
    parts.gate = GateFunctionAttr::get(getContext(), *function);
    rewriter.replaceOp(glu,
                       parts.create(rewriter, linear->getLoc(), glu.getType()));
    return success();
  }
};

struct FuseResidual : OpRewritePattern<arith::AddFOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(arith::AddFOp add,
                                PatternRewriter &rewriter) const override {
    for (unsigned side : {0, 1}) {
      Value result = add->getOperand(side), other = add->getOperand(1 - side);
      if (!isa<RankedTensorType>(add.getType()))
        continue;
      QuantizedWeightOpInterface linear = getLinear(result);
      if (!linear || other == result || !isReadOnlyBy(linear, {add}))
        continue;
      LinearParts parts(linear);
      if (parts.residual)
        continue;
      redirectSizes(rewriter, linear);
      parts.residual = other;
      rewriter.replaceOp(
          add, parts.create(rewriter, linear->getLoc(), add.getType()));
      return success();
    }
    return rewriter.notifyMatchFailure(add, "adds no linear of its own");
  }
};

/// Takes one rotary op after the other: the heads of each follow those that are
/// turned already.
struct FuseRotary : OpRewritePattern<decoder::RotaryOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(decoder::RotaryOp rotary,
                                PatternRewriter &rewriter) const override {
    auto heads = rotary.getInput().getDefiningOp<tensor::ExpandShapeOp>();
    if (!heads || heads.getSrcType().getRank() != 2 || rotary.getInterleaved())
      return rewriter.notifyMatchFailure(rotary, "has no heads of rows");
    std::optional<RowRange> rows = getRows(heads.getSrc());
    if (!rows || !hasAllTokens(heads.getSrc(), rows->linear))
      return rewriter.notifyMatchFailure(rotary, "turns no rows of a linear");
    QuantizedWeightOpInterface linear = rows->linear;
    LinearParts parts(linear);
    if (parts.gate || parts.residual)
      return rewriter.notifyMatchFailure(rotary, "turns no rows of a linear");
    auto type = cast<RankedTensorType>(rotary.getType());
    int64_t count = type.getDimSize(1), size = type.getDimSize(2);
    auto table = cast<RankedTensorType>(rotary.getCosines().getType());
    if (size % (2 * pairRows) != 0 || table.isDynamicDim(1) ||
        table.getDimSize(1) % pairRows != 0 || table.getDimSize(1) == 0)
      return rewriter.notifyMatchFailure(rotary, "pairs do not fill records");
    RotaryAttr turn = parts.turn;
    int64_t before = turn ? turn.getRows() : 0;
    if (rows->first != before ||
        (turn &&
         (turn.getHeadSize() != size || parts.cosines != rotary.getCosines() ||
          parts.sines != rotary.getSines())))
      return rewriter.notifyMatchFailure(rotary, "is not of the next rows");
    auto result = cast<RankedTensorType>(linear->getResult(0).getType());
    if (table.getDimSize(0) != result.getDimSize(0))
      return rewriter.notifyMatchFailure(rotary, "table of another length");
    // The rows that turn have no other reader, and the table is known in time.
    if (!rotary.getInput().hasOneUse() || !heads.getSrc().hasOneUse() ||
        overlaps(linear, heads.getSrc(), *rows) ||
        !isKnownBefore(rotary.getCosines(), linear) ||
        !isKnownBefore(rotary.getSines(), linear))
      return rewriter.notifyMatchFailure(rotary, "its rows have other readers");
    parts.cosines = rotary.getCosines();
    parts.sines = rotary.getSines();
    parts.turn = RotaryAttr::get(getContext(),
                                 (turn ? turn.getHeads() : 0) + count, size);
    rewriter.setInsertionPoint(linear);
    rewriter.replaceOp(linear, parts.create(rewriter, linear->getLoc(),
                                            linear->getResult(0).getType()));
    rewriter.replaceOp(rotary, rotary.getInput());
    return success();
  }

private:
  /// Whether something but `own` reads rows of `range`.
  static bool overlaps(QuantizedWeightOpInterface linear, Value own,
                       const RowRange &range) {
    return llvm::any_of(linear->getUsers(), [&](Operation *user) {
      if (isa<tensor::DimOp>(user) || user == own.getDefiningOp())
        return false;
      if (own == linear->getResult(0))
        return !isa<tensor::ExpandShapeOp>(user);
      if (!isa<tensor::ExtractSliceOp>(user))
        return true;
      std::optional<RowRange> other = getRows(user->getResult(0));
      return !other || (other->first < range.first + range.count &&
                        range.first < other->first + other->count);
    });
  }

  static bool isKnownBefore(Value value, Operation *op) {
    Operation *definition = value.getDefiningOp();
    return !definition || definition->getBlock() != op->getBlock() ||
           definition->isBeforeInBlock(op);
  }
};

struct FuseIntoLinears
    : public awq::impl::FuseIntoLinearsPassBase<FuseIntoLinears> {
  using FuseIntoLinearsPassBase::FuseIntoLinearsPassBase;

  void runOnOperation() override {
    RewritePatternSet patterns(&getContext());
    populateFuseIntoLinearsPatterns(patterns);
    if (failed(applyPatternsGreedily(getOperation(), std::move(patterns))))
      signalPassFailure();
  }
};

} // namespace

void awq::populateFuseIntoLinearsPatterns(RewritePatternSet &patterns) {
  patterns.add<FuseNorm, FuseGate, FuseResidual, FuseRotary>(
      patterns.getContext());
}
