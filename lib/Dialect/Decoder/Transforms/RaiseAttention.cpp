//===- RaiseAttention.cpp - scores, masks and caches ------ -*- C++ -*-===//
//
// Part of the awq-mlir project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "DecoderRaiser.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"

using namespace mlir;
using namespace awq;
using namespace awq::decoder;

//===----------------------------------------------------------------------===//
// Masks
//===----------------------------------------------------------------------===//

/// What hides a key, added to its score; exporters write -inf, the lowest float
/// of a type, or -10000.
static constexpr double hidden = -9999.0;

/// Where an addend lets a key be seen: where it is zero and not very low.
ElementRef DecoderRaiser::seenBy(const ElementRef &added) {
  if (added->kind == Element::Number) {
    if (added->number == 0.0)
      return formulas.truth(true);
    return added->number <= hidden ? formulas.truth(false) : formulas.unknown();
  }
  if (added->kind == Element::Select)
    return formulas.select(added->parts[0], seenBy(added->parts[1]),
                           seenBy(added->parts[2]));
  if (added->kind == Element::Call && added->name == "add")
    return formulas.logicalAnd(seenBy(added->parts[0]),
                               seenBy(added->parts[1]));
  return formulas.unknown();
}

/// The conditions of nested conjunctions.
static bool collectConditions(const ElementRef &seen,
                              SmallVectorImpl<Linear> &conditions) {
  switch (seen->kind) {
  case Element::Truth:
    return seen->number != 0.0;
  case Element::AtLeastZero:
    conditions.push_back(seen->linear);
    return true;
  case Element::And:
    return collectConditions(seen->parts[0], conditions) &&
           collectConditions(seen->parts[1], conditions);
  default:
    return false;
  }
}

/// Some exporters write the mask of a first prompt and leave it out for a
/// single token: new <= 1 or (mask without past). In both cases it is the mask
/// of the tokens that there are.
static ElementRef withoutSingleToken(const ElementRef &seen) {
  if (seen->kind != Element::Or)
    return seen;
  Linear single = Linear(1) - Linear::variable(newTokens);
  for (int i : {0, 1})
    if (seen->parts[i]->kind == Element::AtLeastZero &&
        seen->parts[i]->linear == single)
      return seen->parts[1 - i];
  return seen;
}

/// Query q and key k are the two variables made last.
bool DecoderRaiser::readMask(ElementRef seen, Scores &scores) {
  SmallVector<Linear> conditions;
  ElementRef ofPrompt = withoutSingleToken(seen);
  Linear before = ofPrompt == seen ? past() : Linear(0);
  if (!collectConditions(ofPrompt, conditions))
    return false;
  for (const Linear &condition : conditions) {
    // q + past - k >= 0, or k - q - past + window - 1 >= 0.
    SmallVector<std::pair<Variable, int64_t>> others;
    Linear rest = condition;
    rest.constant = 0;
    int64_t sign = 0;
    for (auto [variable, factor] : condition.factors) {
      if (variable <= newTokens)
        continue;
      others.push_back({variable, factor});
    }
    if (others.size() != 2 || others[0].second + others[1].second != 0)
      return false;
    // The query's variable is older than the key's.
    sign = others[0].second;
    Linear expected = Linear::variable(others[0].first) -
                      Linear::variable(others[1].first) + before;
    if (sign == 1 && rest == expected && condition.constant == 0) {
      scores.isCausal = true;
    } else if (sign == -1 && rest == expected * -1 && condition.constant >= 0) {
      int64_t window = condition.constant + 1;
      scores.window =
          scores.window == 0 ? window : std::min(scores.window, window);
    } else {
      return false;
    }
  }
  return true;
}

//===----------------------------------------------------------------------===//
// Scores
//===----------------------------------------------------------------------===//

std::optional<DecoderRaiser::Scores>
DecoderRaiser::readScores(const Scalar &scalar, const Axes &axes) {
  Location loc = scalar.value.getLoc();
  auto refuse = [&](const Twine &text) -> std::optional<Scores> {
    fail(loc, text);
    return std::nullopt;
  };
  Linear news = Linear::variable(newTokens);
  Variable query = formulas.addVariable(news);
  Variable key = formulas.addVariable(past() + news);
  SmallVector<ElementRef> places = {formulas.integer(0), formulas.integer(0),
                                    formulas.integer(Linear::variable(query)),
                                    formulas.integer(Linear::variable(key))};
  if (axes.size() != 4)
    return refuse("has scores of unknown rank");
  Scores scores;
  ElementRef seen = formulas.truth(true);
  std::optional<Scalar> product;
  SmallVector<Scalar> worklist = {scalar};
  while (!worklist.empty()) {
    Scalar term = worklist.pop_back_val();
    ElementRef value = readUse(term, places);
    if (!value->isUnknown()) {
      seen = formulas.logicalAnd(seen, seenBy(value));
      continue;
    }
    if (term.as<arith::SelectOp>() && term.isAligned) {
      // Where(mask, scores, -inf).
      std::optional<double> no = constantOf(term.operand(2));
      if (!no || *no > hidden)
        return refuse("chooses scores in an unknown way");
      Value condition = term.value.getDefiningOp()->getOperand(0);
      seen = formulas.logicalAnd(
          seen, reader->readScalar(condition, term.owner, places));
      worklist.push_back(term.operand(1));
      continue;
    }
    if (term.as<arith::AddFOp>()) {
      worklist.append({term.operand(0), term.operand(1)});
      continue;
    }
    if (product)
      return refuse("adds something to the scores that is no mask");
    product = term;
  }
  if (!product)
    return refuse("has no scores");
  if (!readMask(seen, scores))
    return refuse("has a mask that is neither causal nor a window: a key is "
                  "seen where " +
                  describe(seen));
  Product parts = productOf(*product);
  if (parts.factors.size() != 1 || !parts.divisors.empty())
    return refuse("has scores that are no multiple of a product");
  if (parts.factors[0].as<math::TanhOp>()) {
    scores.softcap = parts.number;
    Product inner = productOf(parts.factors[0].operand(0));
    if (inner.factors.size() != 1 || !inner.divisors.empty())
      return refuse("has scores that are no multiple of a product");
    scores.factor = inner.number * scores.softcap;
    parts = inner;
  } else {
    scores.factor = parts.number;
  }
  if (!parts.factors[0].isLeaf())
    return refuse("has scores that are no product of queries and keys");
  scores.tensor = parts.factors[0].value;
  return scores;
}

//===----------------------------------------------------------------------===//
// Attention
//===----------------------------------------------------------------------===//

/// The axes of an operand, from those of the loops.
static Axes axesOf(AffineMap map, ArrayRef<Axis> loops) {
  Axes axes;
  for (AffineExpr expr : map.getResults()) {
    auto dim = dyn_cast<AffineDimExpr>(expr);
    // A batch of 1 that is broadcast.
    axes.push_back(dim ? loops[dim.getPosition()] : Axis::Batch);
  }
  return axes;
}

static Operation *reshapeOf(Value tensor) {
  Operation *op = tensor.getDefiningOp();
  return isa_and_nonnull<tensor::ExpandShapeOp, tensor::CollapseShapeOp,
                         tensor::ReshapeOp>(op)
             ? op
             : nullptr;
}

static int64_t rankOf(Value tensor) {
  return cast<RankedTensorType>(tensor.getType()).getRank();
}

/// [B * H, ...] of a tensor [B, H, ...] that was split so.
static bool dropBatch(Value &tensor, Axes &axes) {
  Operation *op = reshapeOf(tensor);
  if (!op || axes.size() < 2 || axes[0] != Axis::Batch ||
      axes[1] != Axis::Head || rankOf(op->getOperand(0)) + 1 != rankOf(tensor))
    return false;
  tensor = stripTensor(op->getOperand(0));
  axes.erase(axes.begin());
  return true;
}

/// [B, H, ...] of a tensor [B * H, ...] that was joined so.
static bool addBatch(Value &tensor, Axes &axes) {
  tensor = stripTensor(tensor);
  Operation *op = reshapeOf(tensor);
  if (!op || axes.empty() || axes[0] != Axis::Head ||
      rankOf(op->getOperand(0)) != rankOf(tensor) + 1)
    return false;
  tensor = stripTensor(op->getOperand(0));
  axes.insert(axes.begin(), Axis::Batch);
  return true;
}

Value DecoderRaiser::attention(Value tensor, Axes axes) {
  tensor = stripTensor(tensor);
  while (true) {
    if (dropBatch(tensor, axes))
      continue;
    if (Operation *op = reshapeOf(tensor);
        op && haveSameSizes(op->getOperand(0), tensor)) {
      tensor = stripTensor(op->getOperand(0));
      continue;
    }
    auto transpose = tensor.getDefiningOp<linalg::TransposeOp>();
    if (!transpose)
      break;
    Axes before(axes.size());
    for (auto [i, axis] : llvm::enumerate(transpose.getPermutation()))
      before[axis] = axes[i];
    axes = before;
    tensor = stripTensor(transpose.getInput());
  }
  Location loc = tensor.getLoc();
  std::optional<ContractionMatch> mixed = matchContraction(tensor);
  if (!mixed)
    return fail(loc, "joins heads that no attention gives");
  // Loops of the result, and the keys that are summed over.
  SmallVector<Axis> loops(mixed->op.getNumLoops(), Axis::Token);
  for (auto [expr, axis] : llvm::zip(mixed->resultMap.getResults(), axes))
    if (auto dim = dyn_cast<AffineDimExpr>(expr))
      loops[dim.getPosition()] = axis;
  Axes weightAxes;
  auto readWeights = [&]() {
    Value weights = stripTensor(mixed->left);
    weightAxes = axesOf(mixed->leftMap, loops);
    addBatch(weights, weightAxes);
    return matchSoftmax(scalarOf(weights));
  };
  std::optional<Scalar> logits = readWeights();
  if (!logits) {
    std::swap(mixed->left, mixed->right);
    std::swap(mixed->leftMap, mixed->rightMap);
    logits = readWeights();
  }
  if (!logits)
    return fail(loc, "mixes values by weights that are no softmax");
  Axes wanted = {Axis::Batch, Axis::Head, Axis::Token, Axis::Token};
  if (weightAxes != wanted)
    return fail(loc, "has weights in another order than batch, head, query, "
                     "key");
  std::optional<Scores> scores = readScores(*logits, weightAxes);
  if (!scores)
    return {};
  Value dots = stripTensor(scores->tensor);
  Axes dotAxes = weightAxes;
  dropBatch(dots, dotAxes);
  std::optional<ContractionMatch> product = matchContraction(dots);
  if (!product)
    return fail(loc, "has scores that are no product of queries and keys");
  if (!scores->isCausal)
    return fail(loc, "sees tokens that come later");
  SmallVector<Axis> scoreLoops(product->op.getNumLoops(), Axis::Channel);
  for (auto [expr, axis] : llvm::zip(product->resultMap.getResults(), dotAxes))
    if (auto dim = dyn_cast<AffineDimExpr>(expr))
      scoreLoops[dim.getPosition()] = axis;
  // Queries are the operand that has the loop of the result's last but one.
  auto queryLoop = dyn_cast<AffineDimExpr>(
      product->resultMap.getResults().drop_back().back());
  if (!queryLoop)
    return fail(loc, "has scores of one query");
  if (!product->leftMap.isFunctionOfDim(queryLoop.getPosition())) {
    std::swap(product->left, product->right);
    std::swap(product->leftMap, product->rightMap);
  }
  HeadState queries, keys, values;
  Value query =
      heads(product->left, axesOf(product->leftMap, scoreLoops), queries);
  Value key =
      query ? heads(product->right, axesOf(product->rightMap, scoreLoops), keys)
            : Value();
  Value value =
      key ? heads(mixed->right, axesOf(mixed->rightMap, loops), values)
          : Value();
  if (!value)
    return {};
  if (queries.cache || bool(keys.cache) != bool(values.cache) ||
      bool(keys.cache) != hasCaches)
    return fail(loc, "has a cache for some of its parts only");
  b.setLoc(loc);
  auto cacheType = [&](Value part) {
    auto type = cast<RankedTensorType>(part.getType());
    return RankedTensorType::get(type.getShape(), b.getF32Type());
  };
  unsigned index = target.getNumArguments();
  for (Value part : {key, value})
    (void)target.insertArgument(target.getNumArguments(), cacheType(part), {},
                                loc);
  auto queryType = cast<RankedTensorType>(query.getType()),
       valueType = cast<RankedTensorType>(value.getType());
  RankedTensorType out =
      activations({queryType.getDimSize(1), valueType.getDimSize(2)});
  auto op = AttentionOp::create(
      b, out, target.getArgument(index).getType(),
      target.getArgument(index + 1).getType(), query, key, value,
      target.getArgument(index), target.getArgument(index + 1), position,
      Value(), b.getF64FloatAttr(scores->factor * queries.factor * keys.factor),
      b.getI64IntegerAttr(scores->window), b.getF64FloatAttr(scores->softcap));
  newCaches.append({op.getNewKeyCache(), op.getNewValueCache()});
  Value joined = tensor::CollapseShapeOp::create(
      b, op.getOut(), ArrayRef<ReassociationIndices>{{0}, {1, 2}});
  return multiply(joined, values.factor);
}
