//===- PortableExperts.cpp - experts on all tokens --------------*- C++ -*-===//
//
// Part of the awq-mlir project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Every expert runs on all tokens, and its rows are added where they are
// wanted: sizes depend on no data, and nothing branches. IREE 3.13 frees what
// a branch carries too early (iree-org/iree issue 24885), or an expert that got
// no token would better be skipped.
//
//===----------------------------------------------------------------------===//

#include "Patterns.h"

#include "awq/Conversion/Common/TensorBuilders.h"
#include "awq/Dialect/Decoder/IR/Decoder.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/ImplicitLocOpBuilder.h"
#include "mlir/IR/PatternMatch.h"

using namespace mlir;
using awq::decoder::ExpertsOp;

/// `sums` [T, N] with the rows of `computed` [T, N], an expert's result, times
/// the weights [T, k] of the choices of it. What is not chosen may be anything.
static Value addChosen(ImplicitLocOpBuilder &b, ExpertsOp op, int64_t number,
                       Value computed, Value sums) {
  AffineMap full = b.getMultiDimIdentityMap(3);
  AffineMap choice =
      AffineMap::getMultiDimMapWithTargets(3, {0, 2}, b.getContext());
  AffineMap row = full.getMajorSubMap(2);
  return awq::buildGeneric(
      b, b.getLoc(), {computed, op.getWeights(), op.getIndices()}, sums,
      {row, choice, choice, row}, 1,
      [&](OpBuilder &n, Location l, ValueRange in) -> Value {
        Value value = awq::castFloat(n, l, in[0], n.getF32Type());
        Value term = arith::MulFOp::create(n, l, value, in[1]);
        Value sum = arith::AddFOp::create(n, l, in[3], term);
        Value chosen = arith::CmpIOp::create(
            n, l, arith::CmpIPredicate::eq, in[2],
            arith::ConstantIntOp::create(n, l, number, 32));
        return arith::SelectOp::create(n, l, chosen, sum, in[3]);
      });
}

namespace {

struct LowerExpertsOnAllTokens : OpRewritePattern<ExpertsOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(ExpertsOp op,
                                PatternRewriter &rewriter) const override {
    ImplicitLocOpBuilder b(op.getLoc(), rewriter);
    auto type = cast<RankedTensorType>(op.getResult().getType());
    OpFoldResult tokens =
        tensor::getMixedSize(b, b.getLoc(), op.getHidden(), 0);
    Value sums =
        awq::zeros(b, b.getLoc(), {tokens, b.getIndexAttr(type.getDimSize(1))},
                   b.getF32Type());
    for (auto [number, expert] : llvm::enumerate(op.getExperts())) {
      Value rows = inlineExpert(b, rewriter, op, expert.front());
      sums = addChosen(b, op, number, rows, sums);
    }
    Value result = sums;
    if (Type element = type.getElementType(); !element.isF32()) {
      AffineMap full = b.getMultiDimIdentityMap(2);
      result = awq::buildGeneric(
          b, b.getLoc(), sums, awq::emptyLike(b, b.getLoc(), sums, element),
          {full, full}, 0, [&](OpBuilder &n, Location l, ValueRange in) {
            return awq::castFloat(n, l, in[0], element);
          });
    }
    rewriter.replaceOp(op, result);
    return success();
  }

private:
  /// The result of an expert for all tokens, computed before the op.
  static Value inlineExpert(ImplicitLocOpBuilder &b, PatternRewriter &rewriter,
                            ExpertsOp op, Block &expert) {
    // An expert takes any number of rows.
    Value hidden = op.getHidden();
    if (Type type = expert.getArgument(0).getType(); hidden.getType() != type)
      hidden = tensor::CastOp::create(b, type, hidden);
    auto yield = cast<awq::decoder::YieldOp>(expert.getTerminator());
    Value computed = yield.getValue();
    if (computed == expert.getArgument(0))
      computed = hidden;
    rewriter.eraseOp(yield);
    rewriter.inlineBlockBefore(&expert, op, hidden);
    return computed;
  }
};

} // namespace

void awq::populatePortableExpertsPatterns(RewritePatternSet &patterns) {
  patterns.add<LowerExpertsOnAllTokens>(patterns.getContext());
}
