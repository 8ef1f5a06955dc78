//===- RaiseLinears.cpp - products with parameters -------------*- C++ -*-===//
//
// Part of the awq-mlir project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "LinearProduct.h"
#include "Patterns.h"

#include "Rows.h"
#include "awq/Dialect/AWQ/IR/AWQ.h"
#include "awq/Dialect/AWQ/Transforms/ParameterStore.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Linalg/IR/LinalgInterfaces.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"

using namespace mlir;
using namespace awq;
using namespace awq::decoder;

//===----------------------------------------------------------------------===//
// Products
//===----------------------------------------------------------------------===//

/// The operand of a product, and the loop or number that each of its dimensions
/// is read at.
namespace {
struct Reading {
  Value tensor;
  SmallVector<AffineExpr> places;
};
} // namespace

/// Reads through an op that adds or drops sizes of 1: `before` and `after` are
/// its operand and result.
static bool readThroughReshape(Reading &reading, Value before, Value after) {
  auto from = cast<RankedTensorType>(before.getType()),
       to = cast<RankedTensorType>(after.getType());
  MLIRContext *context = before.getContext();
  SmallVector<AffineExpr> places;
  int64_t j = 0, rank = to.getRank();
  for (int64_t size : from.getShape()) {
    if (size == 1) {
      places.push_back(getAffineConstantExpr(0, context));
      continue;
    }
    while (j < rank && to.getDimSize(j) == 1)
      ++j;
    if (j == rank || to.getDimSize(j) != size || ShapedType::isDynamic(size))
      return false;
    places.push_back(reading.places[j++]);
  }
  while (j < rank && to.getDimSize(j) == 1)
    ++j;
  if (j != rank)
    return false;
  reading = {before, places};
  return true;
}

/// Reads what is repeated along a batch, not turned, and not stored.
static bool readThrough(Reading &reading) {
  Operation *op = reading.tensor.getDefiningOp();
  if (isa_and_nonnull<tensor::ExpandShapeOp, tensor::CollapseShapeOp>(op))
    return readThroughReshape(reading, op->getOperand(0), reading.tensor);
  auto generic = dyn_cast_or_null<linalg::GenericOp>(op);
  if (!generic || !isElementwise(generic))
    return false;
  Value yielded = generic.getBody()->getTerminator()->getOperand(0);
  while (
      isa_and_nonnull<arith::ExtFOp, arith::TruncFOp>(yielded.getDefiningOp()))
    yielded = yielded.getDefiningOp()->getOperand(0);
  if (generic.getNumDpsInputs() == 0) {
    // x[size == 1 ? 0 : i], as dynamic sizes are broadcast.
    Value read = readInPlace(yielded);
    auto type =
        read ? dyn_cast<RankedTensorType>(read.getType()) : RankedTensorType();
    if (!type || type.getRank() != int64_t(reading.places.size()))
      return false;
    for (auto [place, size] : llvm::zip(reading.places, type.getShape()))
      if (size == 1)
        place = getAffineConstantExpr(0, type.getContext());
    reading.tensor = read;
    return true;
  }
  if (generic.getNumDpsInputs() != 1 ||
      yielded != generic.getBody()->getArgument(0))
    return false;
  OpOperand *input = generic.getDpsInputOperand(0);
  SmallVector<AffineExpr> places;
  for (AffineExpr expr : generic.getMatchingIndexingMap(input).getResults()) {
    auto loop = dyn_cast<AffineDimExpr>(expr);
    if (!loop && !isa<AffineConstantExpr>(expr))
      return false;
    places.push_back(loop ? reading.places[loop.getPosition()] : expr);
  }
  reading = {input->get(), places};
  return true;
}

/// A parameter that a product reads, before it is broadcast; null if it reads
/// none.
static Reading readWeight(Value tensor, AffineMap map) {
  Reading reading{tensor, llvm::to_vector(map.getResults())};
  while (true) {
    Value bare = stripTensor(reading.tensor);
    if (bare == reading.tensor && isParameter(bare)) {
      // Sizes of 1 that were put in front.
      if (cast<RankedTensorType>(bare.getType()).getRank() <= 2 ||
          !readThrough(reading))
        return reading;
      continue;
    }
    if (bare != reading.tensor) {
      reading.tensor = bare;
      continue;
    }
    if (!readThrough(reading))
      return {};
  }
}

/// Whether the loops of a product are those of a linear over rows: all but the
/// last dimension of `x` and `y` are the same.
static bool areRows(AffineMap x, AffineMap y) {
  return x.getNumResults() == y.getNumResults() && x.getNumResults() >= 2 &&
         x.getResults().drop_back() == y.getResults().drop_back() &&
         x.getResults().back() != y.getResults().back();
}

/// Why a product with a parameter is none of rows; empty if it is no such
/// product.
static StringRef reasonOfContraction(linalg::LinalgOp op) {
  if (!linalg::isaContractionOpInterface(op) ||
      llvm::none_of(op.getDpsInputOperands(), [&](OpOperand *input) {
        return readWeight(input->get(), op.getMatchingIndexingMap(input))
            .tensor;
      }))
    return "";
  return op.getNumReductionLoops() == 1 ? "does not begin at zero"
                                        : "adds up over several dimensions";
}

std::optional<LinearProduct> awq::matchLinearProduct(Value tensor,
                                                     StringRef *reason) {
  auto refuse = [&](StringRef text) -> std::optional<LinearProduct> {
    if (reason)
      *reason = text;
    return std::nullopt;
  };
  auto op = tensor.getDefiningOp<linalg::LinalgOp>();
  if (!op || !op.hasPureTensorSemantics())
    return refuse("");
  std::optional<ContractionMatch> match = matchContraction(tensor);
  if (!match || match->op != op)
    return refuse(reasonOfContraction(op));
  Reading left = readWeight(match->left, match->leftMap),
          right = readWeight(match->right, match->rightMap);
  if (!left.tensor && !right.tensor)
    return refuse("");
  if (left.tensor && right.tensor)
    return refuse("multiplies two parameters");
  if (left.tensor) {
    std::swap(left, right);
    std::swap(match->left, match->right);
    std::swap(match->leftMap, match->rightMap);
  }
  auto weight = cast<RankedTensorType>(right.tensor.getType());
  if (weight.getRank() != 2)
    return refuse("has a weight that is no matrix");
  if (!match->resultMap.isProjectedPermutation() ||
      !areRows(match->leftMap, match->resultMap))
    return refuse("gives channels that are not its last dimension");
  if (!hasRows(match->left) || !hasRows(tensor))
    return refuse("has activations of no type that a linear takes");
  AffineExpr k = match->leftMap.getResults().back(),
             n = match->resultMap.getResults().back();
  bool isTransposed = right.places[0] == k && right.places[1] == n;
  if (!isTransposed && (right.places[0] != n || right.places[1] != k))
    return refuse("has a weight for each of its batches");
  return LinearProduct{op, match->left, right.tensor, isTransposed};
}

//===----------------------------------------------------------------------===//
// Rewrites
//===----------------------------------------------------------------------===//

/// A product behind reshapes that keep its last dimension and that nothing else
/// reads; null if there is none.
static Value productBehind(Value tensor) {
  while (Operation *op = tensor.getDefiningOp()) {
    if (!tensor.hasOneUse())
      return {};
    if (!isa<tensor::ExpandShapeOp, tensor::CollapseShapeOp, tensor::ReshapeOp>(
            op))
      return tensor;
    auto before = cast<RankedTensorType>(op->getOperand(0).getType()),
         after = cast<RankedTensorType>(tensor.getType());
    if (before.getRank() == 0 || after.getRank() == 0 ||
        before.getShape().back() != after.getShape().back())
      return {};
    tensor = stripTensor(op->getOperand(0));
  }
  return {};
}

/// [K, N] -> [N, K]; two turns are none.
static Value turn(OpBuilder &b, Location loc, Value weight) {
  if (auto turned = weight.getDefiningOp<linalg::TransposeOp>())
    return turned.getInput();
  auto type = cast<RankedTensorType>(weight.getType());
  Value empty = tensor::EmptyOp::create(
      b, loc, ArrayRef<int64_t>{type.getDimSize(1), type.getDimSize(0)},
      type.getElementType());
  return linalg::TransposeOp::create(b, loc, weight, empty,
                                     ArrayRef<int64_t>{1, 0})
      ->getResult(0);
}

/// Activations before they were extended to the type that a product is added up
/// in: a linear does that by itself.
static Value withoutExtension(Value tensor) {
  auto op = tensor.getDefiningOp<linalg::GenericOp>();
  if (!op || !isElementwise(op) || op.getNumDpsInputs() != 1)
    return tensor;
  OpOperand *input = op.getDpsInputOperand(0);
  auto extension = op.getBody()
                       ->getTerminator()
                       ->getOperand(0)
                       .getDefiningOp<arith::ExtFOp>();
  if (!extension || extension.getIn() != op.getMatchingBlockArgument(input) ||
      !op.getMatchingIndexingMap(input).isIdentity() || !hasRows(input->get()))
    return tensor;
  return input->get();
}

/// Replaces `op` by a linear in the type of its result.
static void replaceByLinear(PatternRewriter &rewriter, linalg::LinalgOp op,
                            const LinearProduct &product, Value bias) {
  Location loc = product.op->getLoc();
  auto type = cast<RankedTensorType>(op->getResult(0).getType());
  Value weight = product.isTransposed ? turn(rewriter, loc, product.weight)
                                      : product.weight;
  Value rows = toRows(rewriter, loc, withoutExtension(product.input));
  auto result = RankedTensorType::get(
      {cast<RankedTensorType>(rows.getType()).getDimSize(0),
       type.getShape().back()},
      type.getElementType());
  auto linear =
      LinearOp::create(rewriter, loc, result, rows, weight,
                       bias ? toVector(rewriter, loc, bias) : Value());
  if (auto name = product.op->getAttrOfType<StringAttr>("awq.name"))
    linear->setAttr("awq.name", name);
  rewriter.replaceOp(op, fromRows(rewriter, loc, linear.getResult(), op));
}

namespace {

/// x W^T -> awq.linear
struct RaiseProduct : OpInterfaceRewritePattern<linalg::LinalgOp> {
  using OpInterfaceRewritePattern::OpInterfaceRewritePattern;

  LogicalResult matchAndRewrite(linalg::LinalgOp op,
                                PatternRewriter &rewriter) const override {
    if (op->getNumResults() != 1)
      return rewriter.notifyMatchFailure(op, "has no single result");
    StringRef reason;
    std::optional<LinearProduct> product =
        matchLinearProduct(op->getResult(0), &reason);
    if (!product)
      return rewriter.notifyMatchFailure(op, reason);
    replaceByLinear(rewriter, op, *product, Value());
    return success();
  }
};

/// x W^T + b, or x W^T in another type -> awq.linear
struct RaiseBiasedProduct : RowsPattern {
  using RowsPattern::RowsPattern;

protected:
  LogicalResult raise(linalg::GenericOp op,
                      PatternRewriter &rewriter) const override {
    auto type = cast<RankedTensorType>(op.getResult(0).getType());
    Scalar scalar = scalarOf(op.getResult(0));
    SmallVector<Scalar> terms = termsOf(scalar);
    if (terms.size() > 2 || (terms.size() == 1 && !scalar.isLeaf()))
      return rewriter.notifyMatchFailure(op, "is no product and a bias");
    for (size_t i = 0; i < terms.size(); ++i) {
      Value bias;
      if (terms.size() == 2) {
        bias = terms[1 - i].value;
        if (!terms[1 - i].isLeaf() ||
            !isVectorParameter(bias, type.getShape().back()))
          continue;
      }
      Value tensor =
          terms[i].isLeaf() ? productBehind(terms[i].value) : Value();
      std::optional<LinearProduct> product =
          tensor ? matchLinearProduct(tensor) : std::nullopt;
      // The product keeps its rows, and is not repeated.
      if (!product ||
          cast<RankedTensorType>(tensor.getType()).getShape().back() !=
              type.getShape().back() ||
          (cast<RankedTensorType>(terms[i].value.getType()).getShape() !=
           type.getShape()))
        continue;
      replaceByLinear(rewriter, op, *product, bias);
      return success();
    }
    return rewriter.notifyMatchFailure(op, "is no product and a bias");
  }
};

} // namespace

void awq::populateRaiseLinearPatterns(RewritePatternSet &patterns) {
  patterns.add<RaiseBiasedProduct>(patterns.getContext(), /*benefit=*/5);
  patterns.add<RaiseProduct>(patterns.getContext(), /*benefit=*/1);
}
