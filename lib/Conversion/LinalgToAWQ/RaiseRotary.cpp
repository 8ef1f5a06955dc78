//===- RaiseRotary.cpp - rotary embedding out of linalg --------*- C++ -*-===//
//
// Part of the awq-mlir project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "awq/Conversion/LinalgToAWQ/Passes.h"

#include "HeadTensors.h"
#include "Rows.h"
#include "awq/Dialect/Decoder/Transforms/Recognizers.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"

using namespace mlir;
using namespace awq;
using namespace awq::decoder;

/// A table [T, D] of cosines or sines, and the dimensions of the heads that it
/// is read along.
namespace {
struct Table {
  Value tensor;
  int64_t tokenDim = -1, tableTokenDim = -1;
};
} // namespace

/// The table that a factor is read from.
static std::optional<Table> tableOf(Scalar scalar, int64_t channels) {
  auto argument = dyn_cast_if_present<BlockArgument>(scalar.use);
  if (!argument || !scalar.isUserAligned ||
      argument.getOwner() != scalar.user.getBody() ||
      int64_t(argument.getArgNumber()) >= scalar.user.getNumDpsInputs())
    return std::nullopt;
  OpOperand *operand = scalar.user.getDpsInputOperand(argument.getArgNumber());
  auto type = cast<RankedTensorType>(operand->get().getType());
  AffineMap map = scalar.user.getMatchingIndexingMap(operand);
  int64_t last = scalar.user.getNumLoops() - 1;
  Table table{operand->get()};
  for (auto [i, expr] : llvm::enumerate(map.getResults())) {
    auto loop = dyn_cast<AffineDimExpr>(expr);
    if (type.getDimSize(i) == 1)
      continue;
    if (!loop)
      return std::nullopt;
    if (int64_t(loop.getPosition()) == last) {
      if (int64_t(i) + 1 != type.getRank() || type.getDimSize(i) != channels)
        return std::nullopt;
      continue;
    }
    if (table.tokenDim >= 0)
      return std::nullopt;
    table.tokenDim = loop.getPosition();
    table.tableTokenDim = i;
  }
  if (table.tokenDim < 0 || type.getDimSize(type.getRank() - 1) != channels)
    return std::nullopt;
  return table;
}

/// Whether a table is the same in both halves of its channels: a function of
/// concat(f, f).
static bool hasEqualHalves(Value tensor) {
  while (true) {
    tensor = stripTensor(tensor);
    Operation *op = tensor.getDefiningOp();
    if (isa_and_nonnull<tensor::ExpandShapeOp, tensor::CollapseShapeOp>(op)) {
      auto before = cast<RankedTensorType>(op->getOperand(0).getType()),
           after = cast<RankedTensorType>(tensor.getType());
      if (before.getRank() == 0 || after.getRank() == 0 ||
          before.getShape().back() != after.getShape().back())
        return false;
      tensor = op->getOperand(0);
      continue;
    }
    if (auto concat = dyn_cast_or_null<tensor::ConcatOp>(op))
      return concat.getInputs().size() == 2 &&
             int64_t(concat.getDim()) + 1 == concat.getType().getRank() &&
             concat.getInputs()[0] == concat.getInputs()[1];
    Scalar scalar = scalarOf(tensor);
    if (scalar.isLeaf())
      return false;
    Product product = productOf(scalar);
    if (product.factors.size() != 1 || !product.divisors.empty())
      return false;
    scalar = product.factors[0];
    if (scalar.as<math::CosOp>() || scalar.as<math::SinOp>())
      scalar = scalar.operand(0);
    if (!scalar.tensor || !scalar.isAligned || scalar.tensor == tensor)
      return false;
    tensor = scalar.tensor;
  }
}

/// The first half of a table's channels, as [T, D / 2] in f32.
static Value halfOf(OpBuilder &b, Location loc, const Table &table) {
  auto type = cast<RankedTensorType>(table.tensor.getType());
  int64_t rank = type.getRank(), half = type.getShape().back() / 2;
  SmallVector<OpFoldResult> sizes = tensor::getMixedSizes(b, loc, table.tensor);
  sizes.back() = b.getIndexAttr(half);
  SmallVector<OpFoldResult> zeros(rank, b.getIndexAttr(0)),
      ones(rank, b.getIndexAttr(1));
  auto result = RankedTensorType::get(
      {type.getDimSize(table.tableTokenDim), half}, type.getElementType());
  Value slice = tensor::ExtractSliceOp::create(b, loc, result, table.tensor,
                                               zeros, sizes, ones);
  return castElements(b, loc, slice, b.getF32Type());
}

namespace {

/// x * cos + concat(-x[half:], x[:half]) * sin -> decoder.rotary
struct RaiseRotary : RowsPattern {
  using RowsPattern::RowsPattern;

protected:
  LogicalResult raise(linalg::GenericOp op,
                      PatternRewriter &rewriter) const override {
    SmallVector<Scalar> terms = termsOf(scalarOf(op.getResult(0)));
    if (terms.size() != 2)
      return rewriter.notifyMatchFailure(op, "is no sum of two");
    for (int i : {0, 1})
      if (succeeded(rotate(op, terms[i], terms[1 - i], rewriter)))
        return success();
    return rewriter.notifyMatchFailure(op, "turns nothing");
  }

private:
  LogicalResult rotate(linalg::GenericOp op, const Scalar &straight,
                       const Scalar &crossed, PatternRewriter &rewriter) const {
    auto type = cast<RankedTensorType>(op.getResult(0).getType());
    int64_t channels = type.getShape().back(), rank = type.getRank();
    Product sines = productOf(crossed);
    if (sines.factors.size() != 2 || !sines.divisors.empty() ||
        sines.number != 1.0)
      return failure();
    for (int k : {0, 1}) {
      const Scalar &other = sines.factors[k];
      std::optional<RotaryPartner> partner =
          other.isLeaf() ? partnerOf(other.value) : std::nullopt;
      if (!partner || partner->interleaved ||
          !haveSameShape(partner->input, op.getResult(0)))
        continue;
      Scalar input = scalarOf(partner->input);
      Product cosines = productOf(straight, input);
      auto x = llvm::find(cosines.factors, input);
      if (x == cosines.factors.end() || cosines.factors.size() != 2 ||
          !cosines.divisors.empty() || cosines.number != 1.0)
        continue;
      auto cosine = tableOf(
          cosines.factors[x == cosines.factors.begin() ? 1 : 0], channels);
      auto sine = tableOf(sines.factors[1 - k], channels);
      if (!cosine || !sine || cosine->tokenDim != sine->tokenDim ||
          !hasEqualHalves(cosine->tensor) || !hasEqualHalves(sine->tensor))
        continue;
      // What is neither token nor channel is the batch of 1 or the heads.
      HeadTensor heads{partner->input, Axes(rank, Axis::Head)};
      heads.axes[cosine->tokenDim] = Axis::Token;
      heads.axes[rank - 1] = Axis::Channel;
      if (rank == 4 && type.getDimSize(0) == 1 && cosine->tokenDim != 0)
        heads.axes[0] = Axis::Batch;
      if (!isOneSequence(heads))
        continue;
      Location loc = op.getLoc();
      Axes axes = heads.axes;
      lookThrough(heads);
      if (heads.factor != 1.0 || !isOneSequence(heads))
        heads = {partner->input, axes};
      Value tokens = castElements(rewriter, loc, toTokens(rewriter, loc, heads),
                                  type.getElementType());
      Value cosineHalf = halfOf(rewriter, loc, *cosine),
            sineHalf = halfOf(rewriter, loc, *sine);
      Value turned =
          RotaryOp::create(rewriter, loc, tokens.getType(), tokens, cosineHalf,
                           sineHalf, /*interleaved=*/false);
      rewriter.replaceOp(op, fromTokens(rewriter, loc, turned, axes, type));
      return success();
    }
    return failure();
  }
};

} // namespace

void awq::populateRaiseRotaryPatterns(RewritePatternSet &patterns) {
  patterns.add<RaiseRotary>(patterns.getContext(), /*benefit=*/6);
}
