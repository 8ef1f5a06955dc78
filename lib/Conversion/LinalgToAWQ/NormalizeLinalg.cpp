//===- NormalizeLinalg.cpp - one spelling of linalg ------------*- C++ -*-===//
//
// Part of the awq-mlir project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// torch-mlir broadcasts by indexing maps; what comes from StableHLO broadcasts
// each operand by an op of its own, transposes by linalg.generic, and makes its
// numbers as tensors of one element. After these rewrites both read the same.
//
//===----------------------------------------------------------------------===//

#include "awq/Conversion/LinalgToAWQ/Passes.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Linalg/Transforms/Transforms.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/Matchers.h"

using namespace mlir;

/// The input that a generic yields, unchanged; -1 if it computes.
static int64_t copiedInput(linalg::GenericOp op) {
  if (op.getNumResults() != 1 || op.getNumReductionLoops() != 0 ||
      op.getNumDpsInputs() != 1)
    return -1;
  Value yielded = op.getBody()->getTerminator()->getOperand(0);
  return yielded == op.getBody()->getArgument(0) ? 0 : -1;
}

/// Whether an op only repeats its input along further dimensions.
static bool isBroadcast(Operation *producer) {
  auto op = dyn_cast_or_null<linalg::GenericOp>(producer);
  if (!op || copiedInput(op) < 0 ||
      !op.getMatchingIndexingMap(op.getDpsInitOperand(0)).isIdentity())
    return false;
  AffineMap map = op.getMatchingIndexingMap(op.getDpsInputOperand(0));
  return !map.isPermutation();
}

/// The number that a scalar is, rounded as `arith.truncf` does; null if it is
/// none.
static Attribute numberOf(Value value) {
  Attribute number;
  if (matchPattern(value, m_Constant(&number)))
    return number;
  FloatAttr wide;
  auto rounded = value.getDefiningOp<arith::TruncFOp>();
  if (!rounded || !matchPattern(rounded.getIn(), m_Constant(&wide)))
    return {};
  auto type = cast<FloatType>(value.getType());
  APFloat result = wide.getValue();
  bool isInexact;
  result.convert(type.getFloatSemantics(), APFloat::rmNearestTiesToEven,
                 &isInexact);
  return FloatAttr::get(type, result);
}

namespace {

/// generic(() -> number) -> the number, repeated
struct FoldUniformGeneric : OpRewritePattern<linalg::GenericOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(linalg::GenericOp op,
                                PatternRewriter &rewriter) const override {
    auto type = op.getNumResults() == 1
                    ? dyn_cast<RankedTensorType>(op.getResult(0).getType())
                    : RankedTensorType();
    if (!type || !type.hasStaticShape() || op.getNumReductionLoops() != 0)
      return rewriter.notifyMatchFailure(op, "needs one result of known size");
    Attribute number = numberOf(op.getBody()->getTerminator()->getOperand(0));
    if (!number)
      return rewriter.notifyMatchFailure(op, "computes its elements");
    rewriter.replaceOpWithNewOp<arith::ConstantOp>(
        op, DenseElementsAttr::get(type, number));
    return success();
  }
};

/// generic(x[permuted]) -> linalg.transpose(x)
struct NameTranspose : OpRewritePattern<linalg::GenericOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(linalg::GenericOp op,
                                PatternRewriter &rewriter) const override {
    if (!op.hasPureTensorSemantics() || copiedInput(op) < 0 ||
        !op.getMatchingIndexingMap(op.getDpsInitOperand(0)).isIdentity())
      return rewriter.notifyMatchFailure(op, "does not copy one input");
    AffineMap map = op.getMatchingIndexingMap(op.getDpsInputOperand(0));
    if (!map.isPermutation() || map.isIdentity() ||
        getElementTypeOrSelf(op.getDpsInputOperand(0)->get().getType()) !=
            getElementTypeOrSelf(op.getResult(0).getType()))
      return rewriter.notifyMatchFailure(op, "does not permute");
    // Dimension i of the result is the input's dimension that loop i reads.
    SmallVector<int64_t> permutation(map.getNumResults());
    for (auto [place, expr] : llvm::enumerate(map.getResults()))
      permutation[cast<AffineDimExpr>(expr).getPosition()] = place;
    rewriter.replaceOpWithNewOp<linalg::TransposeOp>(
        op, op.getDpsInputOperand(0)->get(), op.getDpsInitOperand(0)->get(),
        permutation);
    return success();
  }
};

} // namespace

void awq::populateNormalizeLinalgPatterns(RewritePatternSet &patterns) {
  linalg::populateElementwiseOpsFusionPatterns(
      patterns, [](OpOperand *operand) {
        return isBroadcast(operand->get().getDefiningOp());
      });
  patterns.add<FoldUniformGeneric, NameTranspose>(patterns.getContext());
}
