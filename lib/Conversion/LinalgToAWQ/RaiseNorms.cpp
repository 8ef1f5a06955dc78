//===- RaiseNorms.cpp - norms out of linalg --------------------*- C++ -*-===//
//
// Part of the awq-mlir project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Patterns.h"

#include "Rows.h"
#include "awq/Dialect/Decoder/Transforms/Recognizers.h"
#include "mlir/Dialect/Arith/IR/Arith.h"

using namespace mlir;
using namespace awq;
using namespace awq::decoder;

namespace {

/// (x - mean) * rsqrt(mean of squares + epsilon) * weight + bias
struct RaiseNorm : RowsPattern {
  using RowsPattern::RowsPattern;

protected:
  LogicalResult raise(linalg::GenericOp op,
                      PatternRewriter &rewriter) const override {
    Scalar scalar = scalarOf(op.getResult(0));
    std::optional<NormMatch> norm =
        scalar.isLeaf() ? std::nullopt : matchNorm(scalar);
    if (!norm)
      return rewriter.notifyMatchFailure(op, "ends no norm");
    Value input = norm->input.tensor;
    if (!input || !hasRows(input) || !haveSameShape(input, op.getResult(0)))
      return rewriter.notifyMatchFailure(op, "norms part of an expression");
    Location loc = op.getLoc();
    auto type = cast<RankedTensorType>(op.getResult(0).getType());
    // In the wider of the two types, so that nothing is rounded early.
    Type element = type.getElementType();
    auto inputType = cast<RankedTensorType>(input.getType());
    if (inputType.getElementTypeBitWidth() > type.getElementTypeBitWidth())
      element = inputType.getElementType();
    Value rows =
        castElements(rewriter, loc, toRows(rewriter, loc, input), element);
    Value weight;
    if (norm->weight) {
      weight = toVector(rewriter, loc, norm->weight);
    } else {
      auto ones = RankedTensorType::get({type.getShape().back()},
                                        rewriter.getF32Type());
      weight = arith::ConstantOp::create(
          rewriter, loc,
          DenseElementsAttr::get(ones, rewriter.getF32FloatAttr(1.0)));
    }
    Value result;
    if (norm->isLayerNorm) {
      Value bias = norm->bias ? toVector(rewriter, loc, norm->bias) : Value();
      result =
          LayerNormOp::create(rewriter, loc, rows.getType(), rows, weight, bias,
                              rewriter.getF64FloatAttr(norm->epsilon));
    } else {
      result = RMSNormOp::create(rewriter, loc, rows.getType(), rows, weight,
                                 rewriter.getF64FloatAttr(norm->epsilon),
                                 rewriter.getF64FloatAttr(norm->offset));
    }
    result = castElements(rewriter, loc, result, type.getElementType());
    rewriter.replaceOp(op, fromRows(rewriter, loc, result, op));
    return success();
  }
};

} // namespace

void awq::populateRaiseNormPatterns(RewritePatternSet &patterns) {
  // Before what could be a part of it.
  patterns.add<RaiseNorm>(patterns.getContext(), /*benefit=*/4);
}
