//===- LinearParts.h - shared by the lowerings of linears -------*- C++ -*-===//
//
// Part of the awq-mlir project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef AWQ_LIB_CONVERSION_AWQTOLINALG_LINEARPARTS_H
#define AWQ_LIB_CONVERSION_AWQTOLINALG_LINEARPARTS_H

#include "mlir/IR/AffineMap.h"
#include "mlir/IR/Builders.h"
#include "mlir/IR/BuiltinTypes.h"

namespace awq {

/// The loops of a linear layer with an input of `rank` dimensions: its leading
/// ones, then n, then k.
struct LinearMaps {
  LinearMaps(mlir::OpBuilder &b, unsigned rank);

  mlir::AffineMap input, weight, result;
};

/// A zero tensor of f32 for the sums of a layer with this input and result.
mlir::Value zeroSums(mlir::OpBuilder &b, mlir::Location loc, mlir::Value input,
                     mlir::RankedTensorType result);

/// `sums` with the bias, if there is one, rounded to the result's type.
mlir::Value finishLinear(mlir::OpBuilder &b, mlir::Location loc,
                         mlir::Value sums, mlir::Value bias,
                         mlir::RankedTensorType type);

} // namespace awq

#endif // AWQ_LIB_CONVERSION_AWQTOLINALG_LINEARPARTS_H
