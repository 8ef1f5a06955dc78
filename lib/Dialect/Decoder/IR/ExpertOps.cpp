//===- ExpertOps.cpp - mixtures of experts --------------------------------===//
//
// Part of the awq-mlir project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "awq/Dialect/Decoder/IR/Decoder.h"

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
    if (!yield ||
        yield.getValue().getType() != region.getArgument(0).getType()) // C3
      return emitOpError("expert ")
             << index << " must yield one value of the type of its argument, "
             << region.getArgument(0).getType();
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

ChannelUse YieldOp::getChannelUse(OpOperand &operand) {
  return ChannelUse::blocks("the results of the other experts are not scaled");
}
