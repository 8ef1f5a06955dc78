//===- RaiseAttention.cpp - attention out of linalg ------------*- C++ -*-===//
//
// Part of the awq-mlir project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Patterns.h"

#include "HeadTensors.h"
#include "Rows.h"
#include "awq/Dialect/Decoder/Transforms/Recognizers.h"
#include "awq/Dialect/Decoder/Transforms/Scores.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/Matchers.h"

using namespace mlir;
using namespace awq;
using namespace awq::decoder;

//===----------------------------------------------------------------------===//
// Arguments
//===----------------------------------------------------------------------===//

/// Whether an argument says which tokens there are: it is a flag, or asked
/// whether it is zero.
static bool isMask(BlockArgument argument) {
  auto type = dyn_cast<RankedTensorType>(argument.getType());
  if (!type || !type.getElementType().isInteger())
    return false;
  if (type.getElementType().isInteger(1))
    return true;
  for (OpOperand &use : argument.getUses()) {
    auto generic = dyn_cast<linalg::GenericOp>(use.getOwner());
    if (!generic)
      continue;
    for (Operation *user : generic.getMatchingBlockArgument(&use).getUsers()) {
      auto test = dyn_cast<arith::CmpIOp>(user);
      if (test && matchPattern(test.getRhs(), m_Zero()) &&
          (test.getPredicate() == arith::CmpIPredicate::ne ||
           test.getPredicate() == arith::CmpIPredicate::eq))
        return true;
    }
  }
  return false;
}

namespace {
/// What the arguments of a function mean: sizes that are not known are
/// variables, each its own, and masks are ones if there is no padding.
struct FunctionReader {
  explicit FunctionReader(bool unpadded)
      : reader(formulas,
               {[this, unpadded](BlockArgument argument, ArrayRef<ElementRef>) {
                  return unpadded && isMask(argument) ? formulas.integer(1)
                                                      : formulas.unknown();
                },
                [this](BlockArgument argument, int64_t dim)
                    -> std::optional<Linear> { return sizeOf(argument, dim); },
                [](Value, ArrayRef<int64_t>) { return std::nullopt; },
                [](Value, ArrayRef<ElementRef>) { return ElementRef(); }}) {}

  Linear sizeOf(BlockArgument argument, int64_t dim) {
    auto [it, isNew] = sizes.try_emplace({argument, dim}, 0);
    if (isNew)
      it->second = formulas.addVariable(Linear(int64_t(1) << 40));
    return Linear::variable(it->second);
  }

  Formulas formulas;
  llvm::DenseMap<std::pair<Value, int64_t>, Variable> sizes;
  ElementReader reader;
};
} // namespace

//===----------------------------------------------------------------------===//
// Matching
//===----------------------------------------------------------------------===//

/// The axes of an operand or result, from those of the loops.
static std::optional<Axes> axesOf(AffineMap map, ArrayRef<Axis> loops) {
  Axes axes;
  for (AffineExpr expr : map.getResults()) {
    auto loop = dyn_cast<AffineDimExpr>(expr);
    if (!loop)
      return std::nullopt;
    axes.push_back(loops[loop.getPosition()]);
  }
  return axes;
}

/// Names the loops that `map` reads by `axes`, from the last one.
static bool nameLoops(AffineMap map, ArrayRef<Axis> axes,
                      MutableArrayRef<Axis> loops) {
  ArrayRef<AffineExpr> results = map.getResults();
  if (results.size() < 3 || results.size() > axes.size())
    return false;
  for (auto [expr, axis] : llvm::zip(results, axes.take_back(results.size()))) {
    auto loop = dyn_cast<AffineDimExpr>(expr);
    if (!loop)
      return false;
    loops[loop.getPosition()] = axis;
  }
  return true;
}

static const Axis scoreAxes[] = {Axis::Batch, Axis::Head, Axis::Token,
                                 Axis::Key};

namespace {
struct AttentionMatch {
  Scores scores;
  HeadTensor queries, keys, values;
  Axes resultAxes;
};
} // namespace

/// Whether `apart` [B, H, T, K] is `together` [B * H, T, K].
static bool isWithBatch(Value apart, Value together, ElementReader &reader) {
  auto before = cast<RankedTensorType>(apart.getType()),
       after = cast<RankedTensorType>(together.getType());
  if (before.getRank() != 4 || after.getRank() != 3 || before.isDynamicDim(0) ||
      before.isDynamicDim(1) ||
      before.getDimSize(0) * before.getDimSize(1) != after.getDimSize(0))
    return false;
  for (int64_t i : {1, 2}) {
    auto left = reader.sizeOf(apart, i + 1), right = reader.sizeOf(together, i);
    if (!left || !right || !(*left == *right))
      return false;
  }
  return true;
}

/// Weights [B, H, T, K] before the batch was joined to the heads.
static Value withBatch(Value tensor, ElementReader &reader) {
  tensor = stripTensor(tensor);
  Operation *op = tensor.getDefiningOp();
  if (isa_and_nonnull<tensor::CollapseShapeOp, tensor::ReshapeOp>(op) &&
      isWithBatch(op->getOperand(0), tensor, reader))
    return stripTensor(op->getOperand(0));
  return tensor;
}

/// Scores [B, H, T, K] as [B * H, T, K], if they are that split.
static Value withoutBatch(Value tensor, ElementReader &reader) {
  tensor = stripTensor(tensor);
  Operation *op = tensor.getDefiningOp();
  if (isa_and_nonnull<tensor::ExpandShapeOp, tensor::ReshapeOp>(op) &&
      isWithBatch(tensor, op->getOperand(0), reader))
    return stripTensor(op->getOperand(0));
  return tensor;
}

/// The attention that ends in a product of weights and values. If it is one
/// that decoder.attention cannot express, `why` says why.
static std::optional<AttentionMatch>
matchAttention(linalg::LinalgOp op, bool unpadded, std::string &why) {
  auto refuse = [&](const Twine &text) -> std::optional<AttentionMatch> {
    why = text.str();
    return std::nullopt;
  };
  if (op->getNumResults() != 1 || !op.hasPureTensorSemantics())
    return std::nullopt;
  std::optional<ContractionMatch> mixed = matchContraction(op->getResult(0));
  if (!mixed || mixed->op != op)
    return std::nullopt;
  FunctionReader function(unpadded);
  std::optional<Scalar> logits =
      matchSoftmax(scalarOf(withBatch(mixed->left, function.reader)));
  if (!logits) {
    std::swap(mixed->left, mixed->right);
    std::swap(mixed->leftMap, mixed->rightMap);
    logits = matchSoftmax(scalarOf(withBatch(mixed->left, function.reader)));
  }
  if (!logits || !logits->tensor ||
      cast<RankedTensorType>(logits->tensor.getType()).getRank() != 4)
    return std::nullopt;
  if (cast<RankedTensorType>(logits->tensor.getType()).getDimSize(0) != 1)
    return refuse("is of more than one sequence");
  AttentionMatch match;
  SmallVector<Axis> loops(op.getNumLoops(), Axis::Channel);
  if (!nameLoops(mixed->leftMap, scoreAxes, loops))
    return refuse("has weights in another order than batch, head, query, key");
  auto valueAxes = axesOf(mixed->rightMap, loops),
       resultAxes = axesOf(mixed->resultMap, loops);
  if (!valueAxes || !resultAxes)
    return refuse("repeats its values");
  match.resultAxes = *resultAxes;

  auto tokens = function.reader.sizeOf(logits->tensor, 2),
       keys = function.reader.sizeOf(logits->tensor, 3);
  if (!tokens || !keys || !(*tokens == *keys))
    return refuse("has other keys than those of its own tokens");
  std::optional<Scores> scores =
      matchScores(*logits, function.reader, Linear(0), *tokens, why);
  if (!scores)
    return std::nullopt;
  if (!scores->isCausal)
    return refuse("sees tokens that come later");
  match.scores = *scores;

  std::optional<ContractionMatch> product =
      matchContraction(withoutBatch(scores->tensor, function.reader));
  if (!product)
    return refuse("has scores that are no product of queries and keys");
  SmallVector<Axis> scoreLoops(product->op.getNumLoops(), Axis::Channel);
  if (!nameLoops(product->resultMap, scoreAxes, scoreLoops))
    return refuse("has scores in another order than batch, head, query, key");
  auto left = axesOf(product->leftMap, scoreLoops),
       right = axesOf(product->rightMap, scoreLoops);
  if (!left || !right)
    return refuse("repeats its keys");
  if (!llvm::is_contained(*left, Axis::Token)) {
    std::swap(product->left, product->right);
    std::swap(left, right);
  }
  match.queries = {product->left, *left};
  match.keys = {product->right, *right};
  match.values = {mixed->right, *valueAxes};
  // Each key is one of the tokens.
  for (HeadTensor *part : {&match.queries, &match.keys, &match.values}) {
    llvm::replace(part->axes, Axis::Key, Axis::Token);
    lookThrough(*part);
    if (!isOneSequence(*part))
      return refuse("has heads that are not understood");
    auto size = function.reader.sizeOf(part->tensor, part->dimOf(Axis::Token));
    if (!size || !(*size == *tokens))
      return refuse("has other keys than those of its own tokens");
  }
  if (match.values.factor != 1.0)
    return refuse("multiplies its values");
  return match;
}

//===----------------------------------------------------------------------===//
// Rewrite
//===----------------------------------------------------------------------===//

/// What follows if only the order of a tensor's axes is changed: up to the
/// order [B, T, H, D], if it comes to that.
static Value inTokenOrder(Value result, Axes &axes) {
  Value last = result;
  Axes order = axes;
  Axes wanted = {Axis::Batch, Axis::Token, Axis::Head, Axis::Channel};
  while (order != wanted) {
    if (!last.hasOneUse())
      return result;
    Operation *user = *last.user_begin();
    auto before = cast<RankedTensorType>(last.getType());
    if (auto transpose = dyn_cast<linalg::TransposeOp>(user);
        transpose && transpose.getInput() == last) {
      Axes after;
      for (int64_t place : transpose.getPermutation())
        after.push_back(order[place]);
      order = after;
      last = transpose->getResult(0);
      continue;
    }
    auto expand = dyn_cast<tensor::ExpandShapeOp>(user);
    if (!expand || llvm::is_contained(order, Axis::Batch) ||
        expand.getResultType().getRank() != before.getRank() + 1 ||
        expand.getResultType().getDimSize(0) != 1 ||
        expand.getResultType().getShape().drop_front() != before.getShape())
      return result;
    order.insert(order.begin(), Axis::Batch);
    last = expand.getResult();
  }
  axes = order;
  return last;
}

namespace {

/// softmax(mask(scale q k^T)) v -> decoder.attention, whose caches hold the
/// sequence alone
struct RaiseAttention : OpInterfaceRewritePattern<linalg::LinalgOp> {
  RaiseAttention(MLIRContext *context, bool unpadded)
      : OpInterfaceRewritePattern(context, /*benefit=*/7), unpadded(unpadded) {}

  LogicalResult matchAndRewrite(linalg::LinalgOp op,
                                PatternRewriter &rewriter) const override {
    std::string why;
    std::optional<AttentionMatch> match = matchAttention(op, unpadded, why);
    if (!match)
      return rewriter.notifyMatchFailure(op, why);
    Location loc = op.getLoc();
    Axes axes = match->resultAxes;
    Value result = inTokenOrder(op->getResult(0), axes);
    auto type = cast<RankedTensorType>(result.getType());
    rewriter.setInsertionPointAfterValue(result);
    auto tokensOf = [&](const HeadTensor &part) {
      return castElements(rewriter, loc, toTokens(rewriter, loc, part),
                          type.getElementType());
    };
    Value query = tokensOf(match->queries), key = tokensOf(match->keys),
          value = tokensOf(match->values);
    auto queryType = cast<RankedTensorType>(query.getType()),
         valueType = cast<RankedTensorType>(value.getType());
    auto cacheOf = [&](Value part) -> Value {
      return tensor::EmptyOp::create(rewriter, loc,
                                     tensor::getMixedSizes(rewriter, loc, part),
                                     type.getElementType());
    };
    Value keyCache = cacheOf(key), valueCache = cacheOf(value);
    Value position = arith::ConstantIndexOp::create(rewriter, loc, 0);
    auto out =
        RankedTensorType::get({queryType.getDimSize(0), queryType.getDimSize(1),
                               valueType.getDimSize(2)},
                              type.getElementType());
    const Scores &scores = match->scores;
    auto attention = AttentionOp::create(
        rewriter, loc, out, keyCache.getType(), valueCache.getType(), query,
        key, value, keyCache, valueCache, position, Value(),
        rewriter.getF64FloatAttr(scores.factor * match->queries.factor *
                                 match->keys.factor),
        rewriter.getI64IntegerAttr(scores.window),
        rewriter.getF64FloatAttr(scores.softcap));
    rewriter.replaceAllUsesWith(
        result, fromTokens(rewriter, loc, attention.getOut(), axes, type));
    return success();
  }

  bool unpadded;
};

} // namespace

std::string awq::explainAttention(Operation *op, bool unpadded) {
  std::string why;
  if (auto linalgOp = dyn_cast<linalg::LinalgOp>(op))
    (void)matchAttention(linalgOp, unpadded, why);
  return why;
}

void awq::populateRaiseAttentionPatterns(RewritePatternSet &patterns,
                                         bool unpadded) {
  patterns.add<RaiseAttention>(patterns.getContext(), unpadded);
}
