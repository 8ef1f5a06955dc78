//===- RecognizeLinears.cpp - products with parameters ---- -*- C++ -*-===//
//
// Part of the awq-mlir project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "awq/Dialect/Decoder/Transforms/Recognizers.h"

#include "awq/Dialect/AWQ/Transforms/ParameterStore.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"

using namespace mlir;
using namespace awq;
using namespace awq::decoder;

/// `value` without casts between floats.
static Value stripCasts(Value value) {
  while (isa_and_nonnull<arith::ExtFOp, arith::TruncFOp>(value.getDefiningOp()))
    value = value.getDefiningOp()->getOperand(0);
  return value;
}

/// Whether the body adds the product of its two inputs to its output.
static bool isMultiplyAdd(linalg::LinalgOp op) {
  Block &body = op->getRegion(0).front();
  auto sum = body.getTerminator()->getOperand(0).getDefiningOp<arith::AddFOp>();
  if (!sum)
    return false;
  for (unsigned i : {0u, 1u}) {
    auto product = sum->getOperand(1 - i).getDefiningOp<arith::MulFOp>();
    if (stripCasts(sum->getOperand(i)) != body.getArgument(2) || !product)
      continue;
    Value left = stripCasts(product.getLhs()),
          right = stripCasts(product.getRhs());
    return (left == body.getArgument(0) && right == body.getArgument(1)) ||
           (left == body.getArgument(1) && right == body.getArgument(0));
  }
  return false;
}

std::optional<ContractionMatch> awq::decoder::matchContraction(Value tensor) {
  auto op = stripTensor(tensor).getDefiningOp<linalg::LinalgOp>();
  if (!op || op.getNumDpsInputs() != 2 || op.getNumReductionLoops() != 1 ||
      op->getNumResults() != 1 || !isMultiplyAdd(op))
    return std::nullopt;
  // The sum starts from zero.
  auto fill = stripTensor(op.getDpsInitOperand(0)->get())
                  .getDefiningOp<linalg::FillOp>();
  FloatAttr start;
  if (!fill || !matchPattern(fill.getInputs().front(), m_Constant(&start)) ||
      !start.getValue().isZero())
    return std::nullopt;
  OpOperand *left = op.getDpsInputOperand(0), *right = op.getDpsInputOperand(1);
  return ContractionMatch{op,
                          left->get(),
                          right->get(),
                          op.getMatchingIndexingMap(left),
                          op.getMatchingIndexingMap(right),
                          op.getMatchingIndexingMap(op.getDpsInitOperand(0))};
}

/// A parameter without casts to the type of its product, also under a
/// transpose.
static Value weightOf(Value tensor) {
  Value bare = stripTensor(tensor);
  return isParameter(bare) ? bare : tensor;
}

std::optional<LinearMatch> awq::decoder::matchLinear(Value tensor) {
  std::optional<ContractionMatch> match = matchContraction(tensor);
  if (!match)
    return std::nullopt;
  match->left = weightOf(match->left);
  match->right = weightOf(match->right);
  if (isParameter(match->left) && !isParameter(match->right)) {
    std::swap(match->left, match->right);
    std::swap(match->leftMap, match->rightMap);
  }
  auto weight = dyn_cast<RankedTensorType>(match->right.getType());
  if (!isParameter(match->right) || isParameter(match->left) ||
      weight.getRank() != 2 || !match->resultMap.isProjectedPermutation() ||
      match->leftMap.getNumResults() != match->resultMap.getNumResults())
    return std::nullopt;
  // All but the last dimension of input and result are the same loops.
  ArrayRef<AffineExpr> x = match->leftMap.getResults(),
                       y = match->resultMap.getResults();
  AffineExpr k = x.back(), n = y.back();
  if (k == n || x.drop_back() != y.drop_back())
    return std::nullopt;
  ArrayRef<AffineExpr> w = match->rightMap.getResults();
  bool isTransposed = w[0] == k && w[1] == n;
  if (!isTransposed && (w[0] != n || w[1] != k))
    return std::nullopt;
  return LinearMatch{match->left, match->right, isTransposed, match->op};
}
