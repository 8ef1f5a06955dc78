//===- RotaryToLinalg.cpp - rotary embeddings to linalg ---------*- C++ -*-===//
//
// Part of the awq-mlir project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Patterns.h"

#include "awq/Conversion/Common/TensorBuilders.h"
#include "awq/Dialect/Decoder/IR/Decoder.h"
#include "mlir/Dialect/Affine/IR/AffineOps.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/PatternMatch.h"

using namespace mlir;

namespace {

/// cos[t, i] = cos((position + t) * invFreq[i]) * scaling; sin likewise.
struct LowerRotaryTable : OpRewritePattern<awq::decoder::RotaryTableOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(awq::decoder::RotaryTableOp op,
                                PatternRewriter &rewriter) const override {
    Value cosines = buildTable(
        op, rewriter, [](OpBuilder &b, Location l, ValueRange in) -> Value {
          return math::CosOp::create(b, l, in[0]);
        });
    Value sines = buildTable(
        op, rewriter, [](OpBuilder &b, Location l, ValueRange in) -> Value {
          return math::SinOp::create(b, l, in[0]);
        });
    rewriter.replaceOp(op, {cosines, sines});
    return success();
  }

private:
  static Value buildTable(awq::decoder::RotaryTableOp op,
                          PatternRewriter &rewriter, awq::ScalarBody function) {
    Location loc = op.getLoc();
    auto type = cast<RankedTensorType>(op.getCosines().getType());
    SmallVector<Value> dynamic;
    if (type.isDynamicDim(0))
      dynamic.push_back(op.getCount());
    Value empty = tensor::EmptyOp::create(rewriter, loc, type, dynamic);
    AffineMap full = rewriter.getMultiDimIdentityMap(2);
    double scaling = op.getScaling().convertToDouble();
    return awq::buildGeneric(
        rewriter, loc, op.getInvFreq(), empty, {full.getMinorSubMap(1), full},
        0, [&](OpBuilder &b, Location l, ValueRange in) -> Value {
          Value token = linalg::IndexOp::create(b, l, 0);
          Value row = arith::AddIOp::create(b, l, op.getPosition(), token);
          Value integer = arith::IndexCastOp::create(b, l, b.getI64Type(), row);
          Value position =
              arith::SIToFPOp::create(b, l, b.getF32Type(), integer);
          Value angle = arith::MulFOp::create(b, l, position, in[0]);
          Value y = function(b, l, angle);
          if (scaling != 1.0)
            y = arith::MulFOp::create(b, l, y, awq::constantF32(b, l, scaling));
          return y;
        });
  }
};

/// Pairs (a, b) of channels become (a cos - b sin, b cos + a sin): one
/// linalg.generic per half of the pairs, each written into its channels of the
/// result; channels past the pairs are copied.
struct LowerRotary : OpRewritePattern<awq::decoder::RotaryOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(awq::decoder::RotaryOp op,
                                PatternRewriter &rewriter) const override {
    Location loc = op.getLoc();
    auto type = cast<RankedTensorType>(op.getType());
    int64_t half =
        cast<RankedTensorType>(op.getCosines().getType()).getShape().back();
    int64_t size = type.getShape().back();
    int64_t step = op.getInterleaved() ? 2 : 1;
    int64_t second = op.getInterleaved() ? 1 : half;
    if (ShapedType::isDynamic(half) || ShapedType::isDynamic(size))
      return rewriter.notifyMatchFailure(op, "needs static channels");

    Value a = slice(rewriter, loc, op.getInput(), 0, half, step);
    Value b = slice(rewriter, loc, op.getInput(), second, half, step);
    Value result =
        awq::emptyLike(rewriter, loc, op.getInput(), type.getElementType());
    result = insert(rewriter, loc, rotate(op, rewriter, a, b, /*sign=*/-1.0),
                    result, 0, half, step);
    result = insert(rewriter, loc, rotate(op, rewriter, b, a, /*sign=*/1.0),
                    result, second, half, step);
    if (size > 2 * half) {
      int64_t rest = size - 2 * half;
      Value passed = slice(rewriter, loc, op.getInput(), 2 * half, rest, 1);
      result = insert(rewriter, loc, passed, result, 2 * half, rest, 1);
    }
    rewriter.replaceOp(op, result);
    return success();
  }

private:
  /// Offsets, sizes and strides of `count` channels of a [T, heads, D] tensor.
  struct Channels {
    SmallVector<OpFoldResult> offsets, sizes, strides;

    Channels(OpBuilder &b, Location loc, Value tensor, int64_t first,
             int64_t count, int64_t step)
        : offsets(3, b.getIndexAttr(0)),
          sizes(mlir::tensor::getMixedSizes(b, loc, tensor)),
          strides(3, b.getIndexAttr(1)) {
      offsets[2] = b.getIndexAttr(first);
      sizes[2] = b.getIndexAttr(count);
      strides[2] = b.getIndexAttr(step);
    }
  };

  static Value slice(OpBuilder &b, Location loc, Value input, int64_t first,
                     int64_t count, int64_t step) {
    Channels c(b, loc, input, first, count, step);
    return tensor::ExtractSliceOp::create(b, loc, input, c.offsets, c.sizes,
                                          c.strides);
  }

  static Value insert(OpBuilder &b, Location loc, Value part, Value whole,
                      int64_t first, int64_t count, int64_t step) {
    Channels c(b, loc, whole, first, count, step);
    return tensor::InsertSliceOp::create(b, loc, part, whole, c.offsets,
                                         c.sizes, c.strides);
  }

  /// own * cos + sign * other * sin
  static Value rotate(awq::decoder::RotaryOp op, PatternRewriter &rewriter,
                      Value own, Value other, double sign) {
    Location loc = op.getLoc();
    auto type = cast<RankedTensorType>(op.getType());
    AffineMap full = rewriter.getMultiDimIdentityMap(3);
    AffineMap table = AffineMap::get(
        3, 0, {rewriter.getAffineDimExpr(0), rewriter.getAffineDimExpr(2)},
        rewriter.getContext());
    return awq::buildGeneric(
        rewriter, loc, {own, other, op.getCosines(), op.getSines()},
        awq::emptyLike(rewriter, loc, own, type.getElementType()),
        {full, full, table, table, full}, 0,
        [&](OpBuilder &b, Location l, ValueRange in) {
          Type f32 = b.getF32Type();
          Value straight = arith::MulFOp::create(
              b, l, awq::castFloat(b, l, in[0], f32), in[2]);
          Value crossed = arith::MulFOp::create(
              b, l, awq::castFloat(b, l, in[1], f32), in[3]);
          Value y;
          if (sign < 0)
            y = arith::SubFOp::create(b, l, straight, crossed);
          else
            y = arith::AddFOp::create(b, l, straight, crossed);
          return awq::castFloat(b, l, y, type.getElementType());
        });
  }
};

} // namespace

void awq::populateRotaryToLinalgPatterns(RewritePatternSet &patterns) {
  patterns.add<LowerRotary, LowerRotaryTable>(patterns.getContext());
}
