//===- NormToLinalg.cpp - embedding and norms to linalg ---------*- C++ -*-===//
//
// Part of the awq-mlir project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Patterns.h"

#include "awq/Conversion/Common/TensorBuilders.h"
#include "awq/Dialect/Decoder/IR/Decoder.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/PatternMatch.h"

using namespace mlir;

/// The maps of a row-wise op on `rank` dimensions: all of them, all but the
/// last, and the last alone.
struct RowMaps {
  AffineMap full, row, channel;

  RowMaps(OpBuilder &b, unsigned rank)
      : full(b.getMultiDimIdentityMap(rank)),
        row(full.getMajorSubMap(rank - 1)), channel(full.getMinorSubMap(1)) {}
};

/// Sums `term` of each element of a row of `input` in f32, in any order.
/// `rows` are further inputs, one value a row.
static Value sumRows(OpBuilder &b, Location loc, Value input, ValueRange rows,
                     awq::ScalarBody term) {
  auto type = cast<RankedTensorType>(input.getType());
  RowMaps maps(b, type.getRank());
  SmallVector<OpFoldResult> sizes = tensor::getMixedSizes(b, loc, input);
  sizes.pop_back();
  Value init = awq::zeros(b, loc, sizes, b.getF32Type());
  SmallVector<Value> inputs{input};
  SmallVector<AffineMap> allMaps{maps.full};
  for (Value row : rows) {
    inputs.push_back(row);
    allMaps.push_back(maps.row);
  }
  allMaps.push_back(maps.row);
  return awq::buildGeneric(
      b, loc, inputs, init, allMaps, 1,
      [&](OpBuilder &nested, Location l, ValueRange arguments) -> Value {
        SmallVector<Value> wide(arguments.drop_back());
        wide[0] = awq::castFloat(nested, l, wide[0], nested.getF32Type());
        return arith::AddFOp::create(nested, l, arguments.back(),
                                     term(nested, l, wide),
                                     awq::reassociate(nested));
      });
}

/// x^2, marked so that it contracts with the sum into a fused multiply-add.
static Value square(OpBuilder &b, Location loc, Value x) {
  return arith::MulFOp::create(b, loc, x, x, awq::reassociate(b));
}

/// 1 / sqrt(sum / count + epsilon), where 1 / sqrt is rounded twice rather
/// than approximated.
static Value inverseRoot(OpBuilder &b, Location loc, Value sum, int64_t count,
                         double epsilon) {
  Value mean =
      arith::DivFOp::create(b, loc, sum, awq::constantF32(b, loc, count));
  Value shifted =
      arith::AddFOp::create(b, loc, mean, awq::constantF32(b, loc, epsilon));
  return arith::DivFOp::create(b, loc, awq::constantF32(b, loc, 1.0),
                               math::SqrtOp::create(b, loc, shifted));
}

/// Elementwise over the rows, the inner body with `scalars` computed per row
/// outside of the inner loop (an op of its own, so that its cost is per row).
static Value mapRows(OpBuilder &b, Location loc, Value rows,
                     awq::ScalarBody body) {
  auto type = cast<RankedTensorType>(rows.getType());
  AffineMap map = b.getMultiDimIdentityMap(type.getRank());
  Value empty = awq::emptyLike(b, loc, rows, b.getF32Type());
  return awq::buildGeneric(b, loc, rows, empty, {map, map}, 0, body);
}

namespace {

/// y[t, :] = table[ids[t], :] * scale
struct LowerEmbedding : OpRewritePattern<awq::decoder::EmbeddingOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(awq::decoder::EmbeddingOp op,
                                PatternRewriter &rewriter) const override {
    Location loc = op.getLoc();
    auto table = cast<RankedTensorType>(op.getTable().getType());
    auto result = cast<RankedTensorType>(op.getType());
    OpFoldResult tokens = tensor::getMixedSize(rewriter, loc, op.getIds(), 0);
    OpFoldResult width = tensor::getMixedSize(rewriter, loc, op.getTable(), 1);
    Value empty = tensor::EmptyOp::create(rewriter, loc,
                                          ArrayRef<OpFoldResult>{tokens, width},
                                          result.getElementType());
    if (empty.getType() != result)
      empty = tensor::CastOp::create(rewriter, loc, result, empty);
    AffineMap full = rewriter.getMultiDimIdentityMap(2);
    double scale = op.getScale().convertToDouble();
    Value gathered = awq::buildGeneric(
        rewriter, loc, op.getIds(), empty, {full.getMajorSubMap(1), full}, 0,
        [&](OpBuilder &b, Location l, ValueRange in) -> Value {
          Value row = arith::IndexCastOp::create(b, l, b.getIndexType(), in[0]);
          Value column = linalg::IndexOp::create(b, l, 1);
          Value element = tensor::ExtractOp::create(b, l, op.getTable(),
                                                    ValueRange{row, column});
          if (scale != 1.0) {
            Value wide = awq::castFloat(b, l, element, b.getF32Type());
            element = arith::MulFOp::create(b, l, wide,
                                            awq::constantF32(b, l, scale));
          } else if (table.getElementType() == result.getElementType()) {
            return element;
          }
          return awq::castFloat(b, l, element, result.getElementType());
        });
    rewriter.replaceOp(op, gathered);
    return success();
  }
};

/// y = x * (1 / sqrt(mean(x^2) + epsilon)) * (offset + w)
struct LowerRMSNorm : OpRewritePattern<awq::decoder::RMSNormOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(awq::decoder::RMSNormOp op,
                                PatternRewriter &rewriter) const override {
    Location loc = op.getLoc();
    auto type = cast<RankedTensorType>(op.getType());
    RowMaps maps(rewriter, type.getRank());
    Value sums = sumRows(rewriter, loc, op.getInput(), {},
                         [](OpBuilder &b, Location l, ValueRange in) {
                           return square(b, l, in[0]);
                         });
    double epsilon = op.getEpsilon().convertToDouble();
    Value scales = mapRows(
        rewriter, loc, sums, [&](OpBuilder &b, Location l, ValueRange in) {
          return inverseRoot(b, l, in[0], type.getShape().back(), epsilon);
        });
    double offset = op.getOffset().convertToDouble();
    Value result = awq::buildGeneric(
        rewriter, loc, {op.getInput(), scales, op.getWeight()},
        awq::emptyLike(rewriter, loc, op.getInput(), type.getElementType()),
        {maps.full, maps.row, maps.channel, maps.full}, 0,
        [&](OpBuilder &b, Location l, ValueRange in) {
          Value x = awq::castFloat(b, l, in[0], b.getF32Type());
          Value weight = awq::castFloat(b, l, in[2], b.getF32Type());
          if (offset != 0.0)
            weight = arith::AddFOp::create(b, l, awq::constantF32(b, l, offset),
                                           weight);
          Value normed = arith::MulFOp::create(b, l, x, in[1]);
          Value y = arith::MulFOp::create(b, l, normed, weight);
          return awq::castFloat(b, l, y, type.getElementType());
        });
    rewriter.replaceOp(op, result);
    return success();
  }
};

/// y = (x - mean) * (1 / sqrt(mean((x - mean)^2) + epsilon)) * w + b
struct LowerLayerNorm : OpRewritePattern<awq::decoder::LayerNormOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(awq::decoder::LayerNormOp op,
                                PatternRewriter &rewriter) const override {
    Location loc = op.getLoc();
    auto type = cast<RankedTensorType>(op.getType());
    RowMaps maps(rewriter, type.getRank());
    int64_t width = type.getShape().back();
    Value sums =
        sumRows(rewriter, loc, op.getInput(), {},
                [](OpBuilder &, Location, ValueRange in) { return in[0]; });
    Value means =
        mapRows(rewriter, loc, sums,
                [&](OpBuilder &b, Location l, ValueRange in) -> Value {
                  return arith::DivFOp::create(b, l, in[0],
                                               awq::constantF32(b, l, width));
                });
    Value squares = sumRows(
        rewriter, loc, op.getInput(), means,
        [](OpBuilder &b, Location l, ValueRange in) {
          return square(b, l, arith::SubFOp::create(b, l, in[0], in[1]));
        });
    double epsilon = op.getEpsilon().convertToDouble();
    Value scales = mapRows(rewriter, loc, squares,
                           [&](OpBuilder &b, Location l, ValueRange in) {
                             return inverseRoot(b, l, in[0], width, epsilon);
                           });
    rewriter.replaceOp(op, normalise(op, means, scales, rewriter));
    return success();
  }

private:
  static Value normalise(awq::decoder::LayerNormOp op, Value means,
                         Value scales, PatternRewriter &rewriter) {
    Location loc = op.getLoc();
    auto type = cast<RankedTensorType>(op.getType());
    RowMaps maps(rewriter, type.getRank());
    SmallVector<Value> inputs{op.getInput(), means, scales, op.getWeight()};
    SmallVector<AffineMap> allMaps{maps.full, maps.row, maps.row, maps.channel};
    if (op.getBias()) {
      inputs.push_back(op.getBias());
      allMaps.push_back(maps.channel);
    }
    allMaps.push_back(maps.full);
    return awq::buildGeneric(
        rewriter, loc, inputs,
        awq::emptyLike(rewriter, loc, op.getInput(), type.getElementType()),
        allMaps, 0, [&](OpBuilder &b, Location l, ValueRange in) {
          Type f32 = b.getF32Type();
          Value centred = arith::SubFOp::create(
              b, l, awq::castFloat(b, l, in[0], f32), in[1]);
          Value normed = arith::MulFOp::create(b, l, centred, in[2]);
          Value y = arith::MulFOp::create(b, l, normed,
                                          awq::castFloat(b, l, in[3], f32));
          if (op.getBias())
            y = arith::AddFOp::create(b, l, y,
                                      awq::castFloat(b, l, in[4], f32));
          return awq::castFloat(b, l, y, type.getElementType());
        });
  }
};

} // namespace

void awq::populateNormToLinalgPatterns(RewritePatternSet &patterns) {
  patterns.add<LowerEmbedding, LowerLayerNorm, LowerRMSNorm>(
      patterns.getContext());
}
