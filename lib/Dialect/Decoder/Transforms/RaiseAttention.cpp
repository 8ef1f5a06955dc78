//===- RaiseAttention.cpp - scores, masks and caches ------ -*- C++ -*-===//
//
// Part of the awq-mlir project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "DecoderRaiser.h"
#include "awq/Dialect/Decoder/Transforms/Scores.h"

#include "mlir/Dialect/Tensor/IR/Tensor.h"

using namespace mlir;
using namespace awq;
using namespace awq::decoder;

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
  std::string why;
  std::optional<Scores> scores =
      matchScores(*logits, *reader, past(), Linear::variable(newTokens), why);
  if (!scores)
    return fail(logits->value.getLoc(), why);
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
