//===- ExpertOps.cpp - mixtures of experts --------------------------------===//
//
// Part of the awq-mlir project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "awq/Dialect/Decoder/IR/Decoder.h"

#include "mlir/Analysis/SliceAnalysis.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/IRMapping.h"
#include "mlir/IR/ImplicitLocOpBuilder.h"

using namespace mlir;
using namespace awq;
using namespace awq::decoder;

static RankedTensorType typeOf(Value value) {
  return cast<RankedTensorType>(value.getType());
}

//===----------------------------------------------------------------------===//
// RouterOp
//===----------------------------------------------------------------------===//

LogicalResult RouterOp::verify() {
  RankedTensorType logits = typeOf(getLogits());
  if (logits.getRank() != 2 || logits.isDynamicDim(1)) // C1
    return emitOpError("takes logits [T, E] with static E, found ") << logits;
  int64_t experts = logits.getDimSize(1), chosen = getTopK();
  if (getBias() && typeOf(getBias()).getShape() != ArrayRef(experts)) // C1
    return emitOpError("bias must be [")
           << experts << "], found " << typeOf(getBias());
  for (Value result : getResults()) // C2
    if (typeOf(result).getShape() !=
        ArrayRef<int64_t>({logits.getDimSize(0), chosen}))
      return emitOpError("weights and indices must be [T, top_k], found ")
             << typeOf(result);
  if (chosen < 1 || chosen > experts) // C3
    return emitOpError("top_k must be 1 to ") << experts << ", not " << chosen;
  int64_t groups = getGroups(), kept = getKeptGroups();
  if (groups < 1 || experts % groups != 0) // C4
    return emitOpError("the ")
           << groups << " groups must divide the " << experts << " experts";
  int64_t size = experts / groups;
  if (kept < 1 || kept > groups || kept * size < chosen) // C4
    return emitOpError("kept_groups must be 1 to ")
           << groups << " and hold top_k experts, found " << kept
           << " groups of " << size;
  if (groups > 1 && getGroupScore() == GroupScore::SumOfTopTwo &&
      size < 2) // C5
    return emitOpError("sum_of_top_two needs groups of two experts or more");
  return success();
}

ChannelUse RouterOp::getChannelUse(OpOperand &operand) {
  return ChannelUse::blocks("the choice of experts depends on the logits");
}

//===----------------------------------------------------------------------===//
// ExpertsOp, YieldOp
//===----------------------------------------------------------------------===//

LogicalResult ExpertsOp::verify() {
  RankedTensorType hidden = typeOf(getHidden());
  RankedTensorType weights = typeOf(getWeights());
  RankedTensorType indices = typeOf(getIndices());
  if (hidden.getRank() != 2 || hidden.isDynamicDim(1)) // C1
    return emitOpError("takes hidden states [T, H] with static H, found ")
           << hidden;
  if (weights.getRank() != 2 || weights.isDynamicDim(1) ||
      weights.getShape() != indices.getShape() ||
      weights.getDimSize(0) != hidden.getDimSize(0)) // C1
    return emitOpError("takes weights and indices [T, k] with static k for "
                       "hidden states [T, H], found ")
           << weights << " and " << indices << " for " << hidden;
  if (getExperts().empty()) // C2
    return emitOpError("has no expert");
  RankedTensorType result = typeOf(getResult());
  if (result.getRank() != 2 || result.isDynamicDim(1) ||
      result.getDimSize(0) != hidden.getDimSize(0) ||
      result.getElementType() != hidden.getElementType()) // C3
    return emitOpError("takes hidden states [T, H] to [T, N] with static N, "
                       "found ")
           << hidden << " and " << result;
  RankedTensorType tokens =
      hidden.clone({ShapedType::kDynamic, hidden.getDimSize(1)});
  for (auto [index, region] : llvm::enumerate(getExperts()))
    if (region.getNumArguments() != 1 ||
        region.getArgument(0).getType() != tokens) // C2
      return emitOpError("expert ")
             << index << " must take one argument of type " << tokens;
  return success();
}

LogicalResult ExpertsOp::verifyRegions() {
  for (auto [index, region] : llvm::enumerate(getExperts())) {
    auto yield = dyn_cast<YieldOp>(region.front().getTerminator());
    RankedTensorType result = typeOf(getResult());
    Type wanted = result.clone({ShapedType::kDynamic, result.getDimSize(1)});
    if (!yield || yield.getValue().getType() != wanted) // C3
      return emitOpError("expert ")
             << index << " must yield one value of type " << wanted;
  }
  return success();
}

ChannelUse ExpertsOp::getChannelUse(OpOperand &operand) {
  if (operand.getOperandNumber() != getHiddenMutable().getOperandNumber())
    return ChannelUse::blocks("routing weights multiply whole tokens");
  // Each expert sees rows of the hidden states; all have to compensate.
  SmallVector<Value> tokens;
  for (Region &expert : getExperts())
    tokens.push_back(expert.getArgument(0));
  return ChannelUse::commutes(tokens);
}

Value ExpertsOp::observeInside(OpBuilder &builder, Value inner,
                               bool allTokens) {
  OpBuilder::InsertionGuard guard(builder);
  builder.setInsertionPoint(*this);
  ImplicitLocOpBuilder b(inner.getLoc(), builder);
  auto splat = [&](RankedTensorType type, TypedAttr value) -> Value {
    Value element = arith::ConstantOp::create(b, value);
    if (type.hasStaticShape())
      return tensor::SplatOp::create(b, element, type);
    Value tokens = tensor::DimOp::create(b, getHidden(), int64_t(0));
    return tensor::SplatOp::create(b, type, element, tokens);
  };
  // The region becomes the only expert, number 0; of all tokens, or of those
  // whose numbers are its own: others then lie outside.
  Region *region = inner.getParentRegion();
  int32_t number = region->getRegionNumber();
  RankedTensorType chosen = typeOf(getWeights());
  if (allTokens)
    chosen = chosen.clone({chosen.getDimSize(0), 1});
  RankedTensorType numbered = chosen.clone(b.getI32Type());
  Value weights = splat(chosen, b.getF32FloatAttr(1.0f));
  Value numbers = getIndices();
  if (allTokens)
    numbers = splat(numbered, b.getI32IntegerAttr(0));
  else if (number != 0)
    numbers = arith::SubIOp::create(
        b, numbers, splat(numbered, b.getI32IntegerAttr(number)));
  auto type = cast<RankedTensorType>(inner.getType());
  auto result =
      type.clone({typeOf(getHidden()).getDimSize(0), type.getDimSize(1)});
  auto op = ExpertsOp::create(b, result, getHidden(), weights, numbers,
                              /*expertsCount=*/1u);
  Block *body = b.createBlock(&op.getExperts().front(), {},
                              {region->getArgument(0).getType()}, {b.getLoc()});
  llvm::SetVector<Operation *> needed;
  BackwardSliceOptions options;
  options.inclusive = true;
  options.filter = [&](Operation *other) {
    return region->isAncestor(other->getParentRegion());
  };
  (void)getBackwardSlice(inner, &needed, options);
  IRMapping map;
  map.map(region->getArgument(0), body->getArgument(0));
  for (Operation &inside : region->front())
    if (needed.contains(&inside))
      b.clone(inside, map);
  YieldOp::create(b, map.lookup(inner));
  return op.getResult();
}

ChannelUse YieldOp::getChannelUse(OpOperand &operand) {
  return ChannelUse::blocks("the results of the other experts are not scaled");
}
