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
// numbers as tensors of one element, and joins tensors by a choice in the body
// of an op. After these rewrites both read the same.
//
//===----------------------------------------------------------------------===//

#include "awq/Conversion/LinalgToAWQ/Passes.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Linalg/Transforms/Transforms.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/Dialect/Utils/ReshapeOpsUtils.h"
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

/// generic(i < n ? a[.., i, ..] : b[.., i - n, ..]) -> tensor.concat(a, b)
struct NameConcat : OpRewritePattern<linalg::GenericOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(linalg::GenericOp op,
                                PatternRewriter &rewriter) const override {
    if (!op.hasPureTensorSemantics() || op.getNumResults() != 1 ||
        op.getNumReductionLoops() != 0 ||
        !op.getMatchingIndexingMap(op.getDpsInitOperand(0)).isIdentity())
      return rewriter.notifyMatchFailure(op, "does not write in place");
    auto branches =
        op.getBody()->getTerminator()->getOperand(0).getDefiningOp<scf::IfOp>();
    auto test = branches
                    ? branches.getCondition().getDefiningOp<arith::CmpIOp>()
                    : arith::CmpIOp();
    auto loop = test ? test.getLhs().getDefiningOp<linalg::IndexOp>()
                     : linalg::IndexOp();
    APInt size;
    if (!loop || test.getPredicate() != arith::CmpIPredicate::ult ||
        !matchPattern(test.getRhs(), m_ConstantInt(&size)) ||
        branches.getNumResults() != 1 || !branches.elseBlock())
      return rewriter.notifyMatchFailure(op, "does not choose by its place");
    int64_t dim = loop.getDim();
    Value first = readWhole(branches.thenYield().getOperand(0), dim, 0),
          second = readWhole(branches.elseYield().getOperand(0), dim,
                             size.getSExtValue());
    auto type = cast<RankedTensorType>(op.getResult(0).getType());
    if (!first || !second ||
        cast<RankedTensorType>(first.getType()).getDimSize(dim) != size)
      return rewriter.notifyMatchFailure(op, "does not read two tensors");
    auto joined = tensor::ConcatOp::inferResultType(
        dim, {cast<RankedTensorType>(first.getType()),
              cast<RankedTensorType>(second.getType())});
    if (joined != type)
      return rewriter.notifyMatchFailure(op, "does not read all of them");
    rewriter.replaceOpWithNewOp<tensor::ConcatOp>(op, type, dim,
                                                  ValueRange{first, second});
    return success();
  }

private:
  /// The tensor that is read at the place of the loops, `offset` less along
  /// `dim`.
  static Value readWhole(Value scalar, int64_t dim, int64_t offset) {
    auto extract = scalar.getDefiningOp<tensor::ExtractOp>();
    if (!extract)
      return {};
    for (auto [i, index] : llvm::enumerate(extract.getIndices())) {
      Value place = index;
      APInt less;
      if (int64_t(i) == dim && offset != 0) {
        auto difference = place.getDefiningOp<arith::SubIOp>();
        if (!difference ||
            !matchPattern(difference.getRhs(), m_ConstantInt(&less)) ||
            less != offset)
          return {};
        place = difference.getLhs();
      }
      bool isOnly = extract.getTensor().getType().getDimSize(i) == 1 &&
                    matchPattern(place, m_Zero());
      auto loop = place.getDefiningOp<linalg::IndexOp>();
      if (!isOnly && (!loop || loop.getDim() != i))
        return {};
    }
    return extract.getTensor();
  }
};

/// tensor.reshape -> tensor.expand_shape or tensor.collapse_shape, if the one
/// size that is not known must be the same on both sides
struct NameReshape : OpRewritePattern<tensor::ReshapeOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(tensor::ReshapeOp op,
                                PatternRewriter &rewriter) const override {
    Value source = op.getSource();
    auto before = dyn_cast<RankedTensorType>(source.getType()),
         after = dyn_cast<RankedTensorType>(op.getType());
    if (!before || !after || before.getNumDynamicDims() != 1 ||
        after.getNumDynamicDims() != 1 || knownSize(before) != knownSize(after))
      return rewriter.notifyMatchFailure(op, "has sizes that are not known");
    auto groups = getReassociationIndicesForReshape(before, after);
    bool collapses = before.getRank() > after.getRank();
    if (!groups || before.getRank() == after.getRank() ||
        tensor::CollapseShapeOp::inferCollapsedType(collapses ? before : after,
                                                    *groups) !=
            (collapses ? after : before))
      return rewriter.notifyMatchFailure(op, "does not split or join");
    if (collapses) {
      rewriter.replaceOpWithNewOp<tensor::CollapseShapeOp>(op, after, source,
                                                           *groups);
      return success();
    }
    // The size as the op computes it: it may be that of another tensor.
    Location loc = op.getLoc();
    SmallVector<OpFoldResult> sizes;
    for (auto [i, size] : llvm::enumerate(after.getShape())) {
      if (!ShapedType::isDynamic(size)) {
        sizes.push_back(rewriter.getIndexAttr(size));
        continue;
      }
      Value place = arith::ConstantIndexOp::create(rewriter, loc, i);
      Value number = rewriter.createOrFold<tensor::ExtractOp>(
          loc, op.getShape(), ValueRange{place});
      if (!number.getType().isIndex())
        number = rewriter.createOrFold<arith::IndexCastOp>(
            loc, rewriter.getIndexType(), number);
      sizes.push_back(number);
    }
    rewriter.replaceOpWithNewOp<tensor::ExpandShapeOp>(op, after, source,
                                                       *groups, sizes);
    return success();
  }

private:
  static int64_t knownSize(RankedTensorType type) {
    int64_t product = 1;
    for (int64_t size : type.getShape())
      product *= ShapedType::isDynamic(size) ? 1 : size;
    return product;
  }
};

} // namespace

void awq::populateNormalizeLinalgPatterns(RewritePatternSet &patterns) {
  linalg::populateElementwiseOpsFusionPatterns(
      patterns, [](OpOperand *operand) {
        return isBroadcast(operand->get().getDefiningOp());
      });
  patterns.add<FoldUniformGeneric, NameConcat, NameReshape, NameTranspose>(
      patterns.getContext());
}
