//===- RaiseActivations.cpp - activations and gated units ------*- C++ -*-===//
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

/// The tensor that a part of an expression over `result` is an element of, in
/// place; null if there is none.
static Value tensorInPlace(const Scalar &scalar, Value result) {
  if (!scalar.tensor || !scalar.isAligned || !hasRows(scalar.tensor) ||
      !haveSameShape(scalar.tensor, result))
    return {};
  return scalar.tensor;
}

/// Rows in the type of the result.
static Value rowsLike(OpBuilder &b, Location loc, Value tensor, Value result) {
  return castElements(b, loc, toRows(b, loc, tensor),
                      getElementTypeOrSelf(result.getType()));
}

namespace {

/// f(x) -> decoder.activation
struct RaiseActivation : RowsPattern {
  using RowsPattern::RowsPattern;

protected:
  LogicalResult raise(linalg::GenericOp op,
                      PatternRewriter &rewriter) const override {
    Value result = op.getResult(0);
    Scalar scalar = scalarOf(result);
    std::optional<ActivationMatch> match =
        scalar.isLeaf() ? std::nullopt : matchActivation(scalar);
    Value input = match ? tensorInPlace(match->input, result) : Value();
    if (!input)
      return rewriter.notifyMatchFailure(op, "is no activation of a tensor");
    Location loc = op.getLoc();
    Value rows = rowsLike(rewriter, loc, input, result);
    Value value = ActivationOp::create(
        rewriter, loc, rows.getType(), rows, ValueRange(),
        ActivationKindAttr::get(getContext(), match->kind));
    rewriter.replaceOp(op, fromRows(rewriter, loc, value, op));
    return success();
  }
};

/// f(gate) * up -> decoder.glu
struct RaiseGLU : RowsPattern {
  using RowsPattern::RowsPattern;

protected:
  LogicalResult raise(linalg::GenericOp op,
                      PatternRewriter &rewriter) const override {
    Value result = op.getResult(0);
    Scalar scalar = scalarOf(result);
    if (!scalar.as<arith::MulFOp>())
      return rewriter.notifyMatchFailure(op, "is no product");
    for (unsigned i : {0u, 1u}) {
      std::optional<ActivationMatch> match = matchActivation(scalar.operand(i));
      Scalar other = scalar.operand(1 - i);
      if (!match || constantOf(other))
        continue;
      Value gate = tensorInPlace(match->input, result),
            up = tensorInPlace(other, result);
      if (!gate || !up)
        continue;
      Location loc = op.getLoc();
      Value gateRows = rowsLike(rewriter, loc, gate, result),
            upRows = rowsLike(rewriter, loc, up, result);
      Value value = GLUOp::create(
          rewriter, loc, gateRows.getType(), gateRows, upRows, ValueRange(),
          ActivationKindAttr::get(getContext(), match->kind));
      rewriter.replaceOp(op, fromRows(rewriter, loc, value, op));
      return success();
    }
    return rewriter.notifyMatchFailure(op, "multiplies no activation");
  }
};

} // namespace

void awq::populateRaiseActivationPatterns(RewritePatternSet &patterns) {
  // x * sigmoid(x) is an activation and no gated unit.
  patterns.add<RaiseActivation>(patterns.getContext(), /*benefit=*/3);
  patterns.add<RaiseGLU>(patterns.getContext(), /*benefit=*/2);
}
