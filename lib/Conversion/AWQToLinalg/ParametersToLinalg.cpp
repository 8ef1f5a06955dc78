//===- ParametersToLinalg.cpp - scaling, clipping and dequantizing *- C++
//-*-===//
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
#include "mlir/IR/PatternMatch.h"

using namespace mlir;

/// The map (n, k) -> (n, k floordiv size) of a [N, K] tensor's groups.
static AffineMap groupMap(OpBuilder &b, int64_t size) {
  return AffineMap::get(
      2, 0, {b.getAffineDimExpr(0), b.getAffineDimExpr(1).floorDiv(size)},
      b.getContext());
}

namespace {

/// y = x * s, or (x + offset) / s - offset, along one axis.
struct LowerScaleChannels : OpRewritePattern<awq::ScaleChannelsOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(awq::ScaleChannelsOp op,
                                PatternRewriter &rewriter) const override {
    auto type = cast<RankedTensorType>(op.getType());
    AffineMap full = rewriter.getMultiDimIdentityMap(type.getRank());
    AffineMap axis = full.getSubMap({static_cast<unsigned>(op.getAxis())});
    double offset = op.getOffset().convertToDouble();
    Value empty = awq::emptyLike(rewriter, op.getLoc(), op.getInput(),
                                 type.getElementType());
    rewriter.replaceOp(
        op, awq::buildGeneric(
                rewriter, op.getLoc(), {op.getInput(), op.getScale()}, empty,
                {full, axis, full}, 0,
                [&](OpBuilder &b, Location l, ValueRange in) {
                  Value x = awq::castFloat(b, l, in[0], b.getF32Type());
                  Value y =
                      op.getInverse()
                          ? divide(b, l, x, in[1], offset,
                                   type.getElementType())
                          : arith::MulFOp::create(b, l, x, in[1]).getResult();
                  return awq::castFloat(b, l, y, type.getElementType());
                }));
    return success();
  }

private:
  static Value divide(OpBuilder &b, Location loc, Value x, Value s,
                      double offset, Type element) {
    if (offset == 0.0)
      return arith::DivFOp::create(b, loc, x, s);
    auto round = [&](Value value) {
      value = awq::castFloat(b, loc, value, element);
      return awq::castFloat(b, loc, value, b.getF32Type());
    };
    Value shift = awq::constantF32(b, loc, offset);
    Value shifted = round(arith::AddFOp::create(b, loc, x, shift));
    Value quotient = round(arith::DivFOp::create(b, loc, shifted, s));
    return arith::SubFOp::create(b, loc, quotient, shift);
  }
};

/// y = min(max(w, lo), hi), lo and hi of the group.
struct LowerClipGroups : OpRewritePattern<awq::ClipGroupsOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(awq::ClipGroupsOp op,
                                PatternRewriter &rewriter) const override {
    auto type = cast<RankedTensorType>(op.getType());
    int64_t groups = cast<RankedTensorType>(op.getLo().getType()).getDimSize(1);
    AffineMap full = rewriter.getMultiDimIdentityMap(2);
    AffineMap group = groupMap(rewriter, type.getDimSize(1) / groups);
    Value empty = awq::emptyLike(rewriter, op.getLoc(), op.getWeight(),
                                 type.getElementType());
    rewriter.replaceOp(
        op, awq::buildGeneric(
                rewriter, op.getLoc(), {op.getWeight(), op.getLo(), op.getHi()},
                empty, {full, group, group, full}, 0,
                [&](OpBuilder &b, Location l, ValueRange in) {
                  Value w = awq::castFloat(b, l, in[0], b.getF32Type());
                  Value raised = arith::MaximumFOp::create(b, l, w, in[1]);
                  return awq::castFloat(
                      b, l, arith::MinimumFOp::create(b, l, raised, in[2]),
                      type.getElementType());
                }));
    return success();
  }
};

/// w = (q - z) * s
struct LowerDequantize : OpRewritePattern<awq::DequantizeOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(awq::DequantizeOp op,
                                PatternRewriter &rewriter) const override {
    auto type = cast<RankedTensorType>(op.getType());
    AffineMap full = rewriter.getMultiDimIdentityMap(2);
    AffineMap group =
        groupMap(rewriter, op.getScheme().getGroupSize(type.getDimSize(1)));
    Value empty = awq::emptyLike(rewriter, op.getLoc(), op.getCodes(),
                                 type.getElementType());
    rewriter.replaceOp(
        op, awq::buildGeneric(
                rewriter, op.getLoc(),
                {op.getCodes(), op.getScales(), op.getZeros()}, empty,
                {full, group, group, full}, 0,
                [&](OpBuilder &b, Location l, ValueRange in) {
                  Value level = arith::SubFOp::create(
                      b, l, toFloat(b, l, in[0]), toFloat(b, l, in[2]));
                  Value scale = awq::castFloat(b, l, in[1], b.getF32Type());
                  return awq::castFloat(
                      b, l, arith::MulFOp::create(b, l, level, scale),
                      type.getElementType());
                }));
    return success();
  }

private:
  static Value toFloat(OpBuilder &b, Location loc, Value byte) {
    return arith::UIToFPOp::create(b, loc, b.getF32Type(), byte);
  }
};

/// An observer is its operand.
struct LowerObserve : OpRewritePattern<awq::ObserveOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(awq::ObserveOp op,
                                PatternRewriter &rewriter) const override {
    rewriter.replaceOp(op, op.getInput());
    return success();
  }
};

} // namespace

void awq::populateParametersToLinalgPatterns(RewritePatternSet &patterns) {
  patterns
      .add<LowerClipGroups, LowerDequantize, LowerObserve, LowerScaleChannels>(
          patterns.getContext());
}
