//===- FusedLinear.cpp - linears with what comes before and after ---------===//
//
// Part of the awq-mlir project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "awq/Dialect/AWQ/IR/AWQ.h"

#include "mlir/IR/Builders.h"

#include <numeric>

using namespace mlir;
using namespace awq;

/// Half of the 16 rows in which pairs lie together.
static constexpr int64_t pairRows = 8;

LogicalResult RotaryAttr::verify(llvm::function_ref<InFlightDiagnostic()> emit,
                                 int64_t heads, int64_t headSize) {
  if (heads <= 0)
    return emit() << "heads must be positive, found " << heads;
  if (headSize <= 0 || headSize % (2 * pairRows) != 0)
    return emit() << "head_size must be a positive multiple of " << 2 * pairRows
                  << ", found " << headSize;
  return success();
}

LayoutAttr FusedLinearOp::getLayout() {
  return awq::getLayout(getCodes().getType());
}

int64_t FusedLinearOp::getInputChannels() {
  return cast<RankedTensorType>(getInput().getType()).getShape().back();
}

int64_t FusedLinearOp::getOutputChannels() {
  int64_t columns =
      cast<RankedTensorType>(getResult().getType()).getShape().back();
  return getGate() ? 2 * columns : columns;
}

/// Puts the pairs i, i + `half` of the rows from `first` on, i < `half`, 8 rows
/// apart.
static void pairUp(MutableArrayRef<int64_t> rows, int64_t first, int64_t half) {
  for (int64_t i = 0; i < half; ++i) {
    int64_t place = first + i / pairRows * 2 * pairRows + i % pairRows;
    rows[place] = first + i;
    rows[place + pairRows] = first + i + half;
  }
}

SmallVector<int64_t> FusedLinearOp::getRowOrder() {
  if (!getGate() && !getTurn())
    return {};
  SmallVector<int64_t> rows(getOutputChannels());
  std::iota(rows.begin(), rows.end(), 0);
  if (getGate()) {
    pairUp(rows, 0, static_cast<int64_t>(rows.size()) / 2);
    return rows;
  }
  RotaryAttr turn = *getTurn();
  int64_t half = cast<RankedTensorType>(getCosines().getType()).getDimSize(1);
  for (int64_t head = 0; head < turn.getHeads(); ++head)
    pairUp(rows, head * turn.getHeadSize(), half);
  return rows;
}

static bool isVector(Value value, int64_t size) {
  return cast<RankedTensorType>(value.getType()).getShape() ==
         ArrayRef<int64_t>{size};
}

/// Checks the operands of rotary embedding (C4).
static LogicalResult verifyTurn(FusedLinearOp op, int64_t tokens, int64_t n) {
  std::optional<RotaryAttr> turn = op.getTurn();
  if (static_cast<bool>(turn) != static_cast<bool>(op.getCosines()))
    return op.emitOpError("needs both or neither of 'rotary' and 'turn'");
  if (!turn)
    return success();
  auto type = cast<RankedTensorType>(op.getCosines().getType());
  if (type != op.getSines().getType() || type.getRank() != 2 ||
      type.getDimSize(0) != tokens || type.isDynamicDim(1))
    return op.emitOpError("cosines and sines must be [T, R/2], found ")
           << type << " and " << op.getSines().getType();
  int64_t half = type.getDimSize(1);
  if (half == 0 || half % pairRows != 0 || 2 * half > turn->getHeadSize())
    return op.emitOpError("cannot turn ")
           << 2 * half << " channels of heads of " << turn->getHeadSize()
           << "; it must be a multiple of " << 2 * pairRows
           << " and no more than a head";
  if (turn->getRows() > n)
    return op.emitOpError("turns ")
           << turn->getRows() << " rows, but has " << n;
  return success();
}

LogicalResult FusedLinearOp::verify() {
  auto input = cast<RankedTensorType>(getInput().getType());
  auto result = cast<RankedTensorType>(getResult().getType());
  if (input.getRank() != 2 || result.getRank() != 2 || input.isDynamicDim(1) ||
      result.isDynamicDim(1) ||
      input.getDimSize(0) != result.getDimSize(0)) // C2
    return emitOpError("input and result must be [T, K] and [T, N], found ")
           << input << " and " << result;
  int64_t n = getOutputChannels(), k = getInputChannels();
  if (failed(verifyQuantizedWeight(*this, n, k))) // C1
    return failure();
  if (getBias() && !isVector(getBias(), n))
    return emitOpError("bias must be a vector of ")
           << n << " elements, found " << getBias().getType();
  if (static_cast<bool>(getNorm()) != getNormEpsilon().has_value()) // C3
    return emitOpError("needs both or neither of 'norm' and 'norm_epsilon'");
  if (getNorm() && !isVector(getNorm(), k))
    return emitOpError("norm must be a vector of ")
           << k << " elements, found " << getNorm().getType();
  if (failed(verifyTurn(*this, input.getDimSize(0), n)))
    return failure();
  if (getGate() && getTurn()) // C5
    return emitOpError("cannot both turn and gate rows");
  if (getGate() && n % (2 * pairRows) != 0)
    return emitOpError("needs a multiple of ")
           << 2 * pairRows << " rows for a gate, found " << n;
  if (getResidual() &&
      cast<RankedTensorType>(getResidual().getType()).getShape() !=
          result.getShape()) // C6
    return emitOpError("residual must have the shape of the result, found ")
           << getResidual().getType() << " and " << result;
  return success();
}
