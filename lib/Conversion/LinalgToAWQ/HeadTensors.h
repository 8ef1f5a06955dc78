//===- HeadTensors.h - tensors of heads, in any order -------*- C++ -*-===//
//
// Part of the awq-mlir project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef AWQ_LIB_CONVERSION_LINALGTOAWQ_HEADTENSORS_H
#define AWQ_LIB_CONVERSION_LINALGTOAWQ_HEADTENSORS_H

#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/IR/PatternMatch.h"

namespace awq {

enum class Axis { Batch, Head, Token, Key, Channel };
using Axes = llvm::SmallVector<Axis, 4>;

/// A tensor of heads and what its dimensions are; `factor` times it is what was
/// asked for.
struct HeadTensor {
  mlir::Value tensor;
  Axes axes;
  double factor = 1.0;

  mlir::RankedTensorType type() const {
    return mlir::cast<mlir::RankedTensorType>(tensor.getType());
  }
  /// The dimension that is an axis; -1 if none is.
  int64_t dimOf(Axis axis) const;
};

/// Goes to what the tensor was before transposes, batches of 1 that came or
/// went, heads that were repeated, and multiplication by numbers.
void lookThrough(HeadTensor &heads);

/// The tensor as [T, H, D]; null if it has a batch of more than 1, or sizes of
/// heads that are not known.
mlir::Value toTokens(mlir::OpBuilder &b, mlir::Location loc,
                     const HeadTensor &heads);

/// Whether toTokens would give a tensor.
bool isOneSequence(const HeadTensor &heads);

/// A tensor [T, H, D] in another order of axes, with the sizes of `type` that
/// are known.
mlir::Value fromTokens(mlir::OpBuilder &b, mlir::Location loc,
                       mlir::Value tokens, const Axes &axes,
                       mlir::RankedTensorType type);

} // namespace awq

#endif // AWQ_LIB_CONVERSION_LINALGTOAWQ_HEADTENSORS_H
