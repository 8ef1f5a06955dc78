//===- DecoderOps.cpp - ops of the decoder dialect
//----------------------------------------------===//
//
// Part of the awq-mlir project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "awq/Dialect/Decoder/IR/Decoder.h"

#include <algorithm>

using namespace mlir;
using namespace awq;
using namespace awq::decoder;

#define GET_OP_CLASSES
#include "awq/Dialect/Decoder/IR/DecoderOps.cpp.inc"

//===----------------------------------------------------------------------===//
// Shared checks
//===----------------------------------------------------------------------===//

static RankedTensorType typeOf(Value value) {
  return cast<RankedTensorType>(value.getType());
}

/// Checks that `parameter` is a vector as long as the last dimension of
/// `input`.
static LogicalResult verifyNormParameter(Operation *op, StringRef name,
                                         Value input, Value parameter) {
  RankedTensorType inputType = typeOf(input), type = typeOf(parameter);
  if (inputType.getRank() < 1 || type.getRank() != 1 ||
      type.getDimSize(0) != inputType.getShape().back())
    return op->emitOpError() << name
                             << " must be a vector as long as the last "
                                "dimension of "
                             << inputType << ", found " << type;
  return success();
}

/// The edit of a norm's parameter. A norm over heads shares its vector among
/// them, so that its channels cannot be scaled one by one.
static bool scalesEachChannel(Value input) {
  return typeOf(input).getRank() == 2;
}

//===----------------------------------------------------------------------===//
// EmbeddingOp
//===----------------------------------------------------------------------===//

LogicalResult EmbeddingOp::verify() {
  RankedTensorType ids = typeOf(getIds()), table = typeOf(getTable());
  RankedTensorType result = typeOf(getResult());
  if (ids.getRank() != 1 || table.getRank() != 2 || result.getRank() != 2 ||
      result.getDimSize(0) != ids.getDimSize(0) ||
      result.getDimSize(1) != table.getDimSize(1)) // C1
    return emitOpError("takes ids [T] and a table [V, H] to [T, H], found ")
           << ids << " and " << table << " to " << result;
  return success();
}

//===----------------------------------------------------------------------===//
// RMSNormOp, LayerNormOp
//===----------------------------------------------------------------------===//

LogicalResult RMSNormOp::verify() {
  return verifyNormParameter(*this, "weight", getInput(), getWeight()); // C1
}

ChannelUse RMSNormOp::getChannelUse(OpOperand &operand) {
  return ChannelUse::blocks("normalisation depends on all channels");
}

SmallVector<ChannelEdit> RMSNormOp::getChannelEdits(OpResult result) {
  if (!scalesEachChannel(getInput()))
    return {};
  return {{&getWeightMutable(), /*axis=*/0, getOffset().convertToDouble()}};
}

LogicalResult LayerNormOp::verify() {
  if (failed(verifyNormParameter(*this, "weight", getInput(), getWeight())))
    return failure();
  return getBias() ? verifyNormParameter(*this, "bias", getInput(), getBias())
                   : success();
}

ChannelUse LayerNormOp::getChannelUse(OpOperand &operand) {
  return ChannelUse::blocks("normalisation depends on all channels");
}

SmallVector<ChannelEdit> LayerNormOp::getChannelEdits(OpResult result) {
  if (!scalesEachChannel(getInput()))
    return {};
  SmallVector<ChannelEdit> edits = {{&getWeightMutable(), /*axis=*/0}};
  if (getBias())
    edits.push_back({&*getBiasMutable().begin(), /*axis=*/0});
  return edits;
}

//===----------------------------------------------------------------------===//
// RotaryTableOp, RotaryOp
//===----------------------------------------------------------------------===//

void RotaryTableOp::build(OpBuilder &builder, OperationState &state,
                          Value invFreq, Value position, Value count,
                          double scaling) {
  Type table = RankedTensorType::get(
      {ShapedType::kDynamic, typeOf(invFreq).getDimSize(0)},
      builder.getF32Type());
  build(builder, state, TypeRange{table, table}, invFreq, position, count,
        builder.getF64FloatAttr(scaling));
}

LogicalResult RotaryTableOp::verify() {
  RankedTensorType invFreq = typeOf(getInvFreq());
  for (Value table : getResults()) {
    RankedTensorType type = typeOf(table);
    if (invFreq.getRank() != 1 || type.getRank() != 2 ||
        type.getDimSize(1) != invFreq.getDimSize(0)) // C1
      return emitOpError("takes frequencies [R/2] to tables [count, R/2], "
                         "found ")
             << invFreq << " to " << type;
  }
  return success();
}

LogicalResult RotaryOp::verify() {
  RankedTensorType input = typeOf(getInput()), table = typeOf(getCosines());
  if (input.getRank() != 3 || table.getRank() != 2 ||
      input.getDimSize(0) != table.getDimSize(0) || input.isDynamicDim(2) ||
      table.isDynamicDim(1) ||
      2 * table.getDimSize(1) > input.getDimSize(2)) // C1
    return emitOpError("takes an input [T, heads, D] and tables [T, R/2] with "
                       "R <= D, found ")
           << input << " and " << table;
  return success();
}

ChannelUse RotaryOp::getChannelUse(OpOperand &operand) {
  return ChannelUse::blocks("rotary mixes pairs of channels");
}

//===----------------------------------------------------------------------===//
// AttentionOp
//===----------------------------------------------------------------------===//

LogicalResult AttentionOp::verify() {
  RankedTensorType q = typeOf(getQuery()), k = typeOf(getKey());
  RankedTensorType v = typeOf(getValue()), out = typeOf(getOut());
  RankedTensorType kCache = typeOf(getKeyCache());
  RankedTensorType vCache = typeOf(getValueCache());
  for (RankedTensorType type : {q, k, v, out, kCache, vCache})
    if (type.getRank() != 3 || type.isDynamicDim(1) || type.isDynamicDim(2) ||
        type.getDimSize(1) == 0 || type.getDimSize(2) == 0) // C1
      return emitOpError("takes tensors [tokens, heads, size] with static "
                         "heads and size, neither of them 0, found ")
             << type;
  if (q.getDimSize(0) != k.getDimSize(0) || q.getDimSize(0) != v.getDimSize(0))
    return emitOpError("query, key and value must have as many tokens");
  if (q.getDimSize(2) != k.getDimSize(2) ||
      k.getDimSize(1) != v.getDimSize(1)) // C1
    return emitOpError("query and key must agree in size, key and value in "
                       "heads, found ")
           << q << ", " << k << " and " << v;
  if (q.getDimSize(1) % k.getDimSize(1) != 0) // C2
    return emitOpError("the ")
           << k.getDimSize(1) << " key heads must divide the "
           << q.getDimSize(1) << " query heads";
  if (kCache.getShape().drop_front() != k.getShape().drop_front() ||
      vCache.getShape().drop_front() != v.getShape().drop_front() ||
      kCache.getDimSize(0) != vCache.getDimSize(0)) // C3
    return emitOpError("caches must be [S, heads, size] of key and value, "
                       "found ")
           << kCache << " and " << vCache;
  if (out.getDimSize(0) != q.getDimSize(0) ||
      out.getDimSize(1) != q.getDimSize(1) ||
      out.getDimSize(2) != v.getDimSize(2)) // C4
    return emitOpError("out must be [T, query heads, value size], found ")
           << out;
  if (static_cast<int64_t>(getWindow()) < 0 || getSoftcap().isNegative()) // C5
    return emitOpError("window and softcap must not be negative");
  if (getSlopes() &&
      typeOf(getSlopes()).getShape() != ArrayRef(q.getDimSize(1))) // C6
    return emitOpError("slopes must be [query heads], found ")
           << typeOf(getSlopes());
  return success();
}

ChannelUse AttentionOp::getChannelUse(OpOperand &operand) {
  if (operand.getOperandNumber() != getValueMutable().getOperandNumber())
    return ChannelUse::blocks("scores depend on the product of query and key");
  // The softmax weighs tokens, not channels. Each value head feeds the query
  // heads of its group; the cache holds scaled values from the first token on.
  int64_t queryHeads = typeOf(getQuery()).getDimSize(1);
  int64_t valueHeads = typeOf(getValue()).getDimSize(1);
  int64_t size = typeOf(getValue()).getDimSize(2);
  SmallVector<int64_t> map(queryHeads * size);
  for (int64_t h = 0; h < queryHeads; ++h)
    for (int64_t d = 0; d < size; ++d)
      map[h * size + d] = h / (queryHeads / valueHeads) * size + d;
  return ChannelUse::commutes(getOut(), map);
}

//===----------------------------------------------------------------------===//
// ActivationOp, GLUOp
//===----------------------------------------------------------------------===//

unsigned awq::decoder::getNumParameters(ActivationKind kind) {
  return kind == ActivationKind::PRelu   ? 1
         : kind == ActivationKind::XIelu ? 4
                                         : 0;
}

/// Checks the learned parameters of an activation function.
static LogicalResult verifyParameters(Operation *op, ActivationKind kind,
                                      ValueRange parameters) {
  unsigned number = getNumParameters(kind);
  if (parameters.size() != number) // C1
    return op->emitOpError("activation ")
           << stringifyActivationKind(kind) << " has " << number
           << " parameters, found " << parameters.size();
  for (Value parameter : parameters) {
    RankedTensorType type = typeOf(parameter);
    if (!type.hasStaticShape() || type.getNumElements() != 1) // C2
      return op->emitOpError("a parameter must have one element, found ")
             << type;
  }
  return success();
}

/// Whether f is positively homogeneous of degree one: f(x s) = f(x) s, s > 0.
static bool isHomogeneous(ActivationKind kind) {
  return kind == ActivationKind::Identity || kind == ActivationKind::Relu ||
         kind == ActivationKind::LeakyRelu || kind == ActivationKind::PRelu;
}

static ChannelUse blockParameter() {
  return ChannelUse::blocks("a parameter of an activation is not a channel");
}

LogicalResult ActivationOp::verify() {
  return verifyParameters(*this, getKind(), getParameters());
}

ChannelUse ActivationOp::getChannelUse(OpOperand &operand) {
  if (operand.getOperandNumber() != getInputMutable().getOperandNumber())
    return blockParameter();
  if (isHomogeneous(getKind()))
    return ChannelUse::commutes(getResult());
  return ChannelUse::blocks(("activation " +
                             stringifyActivationKind(getKind()) +
                             " does not commute with scaling")
                                .str());
}

LogicalResult GLUOp::verify() {
  return verifyParameters(*this, getKind(), getParameters());
}

ChannelUse GLUOp::getChannelUse(OpOperand &operand) {
  if (operand.getOperandNumber() > getUpMutable().getOperandNumber())
    return blockParameter();
  if (operand.get() != getUp() || getGate() == getUp()) {
    if (isHomogeneous(getKind()) && getGate() != getUp())
      return ChannelUse::commutes(getResult());
    return ChannelUse::blocks("the gate's activation " +
                              stringifyActivationKind(getKind()).str() +
                              " does not commute with scaling");
  }
  return ChannelUse::commutes(getResult());
}
