//===- LinearToLinalg.cpp - float linear layers to linalg -------*- C++ -*-===//
//
// Part of the awq-mlir project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "LinearParts.h"
#include "Patterns.h"

#include "awq/Conversion/Common/TensorBuilders.h"
#include "awq/Dialect/AWQ/IR/AWQ.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/IR/PatternMatch.h"

using namespace mlir;

namespace {

/// y[.., n] = sum_k x[.., k] * w[n, k] + b[n]
struct LowerLinear : OpRewritePattern<awq::LinearOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(awq::LinearOp op,
                                PatternRewriter &rewriter) const override {
    Location loc = op.getLoc();
    auto type = cast<RankedTensorType>(op.getType());
    awq::LinearMaps maps(rewriter, type.getRank());
    Value sums = awq::buildGeneric(
        rewriter, loc, {op.getInput(), op.getWeight()},
        awq::zeroSums(rewriter, loc, op.getInput(), type),
        {maps.input, maps.weight, maps.result}, 1,
        [](OpBuilder &b, Location l, ValueRange in) -> Value {
          auto flags = awq::reassociate(b);
          Value x = awq::castFloat(b, l, in[0], b.getF32Type());
          Value w = awq::castFloat(b, l, in[1], b.getF32Type());
          Value product = arith::MulFOp::create(b, l, x, w, flags);
          return arith::AddFOp::create(b, l, in[2], product, flags);
        });
    rewriter.replaceOp(
        op, awq::finishLinear(rewriter, loc, sums, op.getBias(), type));
    return success();
  }
};

} // namespace

void awq::populateLinearToLinalgPatterns(RewritePatternSet &patterns) {
  patterns.add<LowerLinear>(patterns.getContext());
}
