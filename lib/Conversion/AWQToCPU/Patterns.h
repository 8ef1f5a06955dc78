//===- Patterns.h - pieces of the CPU lowering ------------------*- C++ -*-===//
//
// Part of the awq-mlir project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef AWQ_LIB_CONVERSION_AWQTOCPU_PATTERNS_H
#define AWQ_LIB_CONVERSION_AWQTOCPU_PATTERNS_H

#include "mlir/IR/BuiltinTypes.h"
#include "mlir/IR/ImplicitLocOpBuilder.h"
#include "mlir/IR/PatternMatch.h"

namespace awq {

void populateFloatLinearToCPUPatterns(mlir::RewritePatternSet &patterns);
void populateQuantizedLinearToCPUPatterns(mlir::RewritePatternSet &patterns);

/// Checks what both kinds of layers need: activations [M, K] of f32, a result
/// [M, N] of f32, and static N and K.
mlir::LogicalResult matchActivations(mlir::Operation *op, mlir::Value input,
                                     mlir::Type result,
                                     mlir::PatternRewriter &rewriter);

/// `tensor` as a buffer that is only read.
mlir::Value readBuffer(mlir::ImplicitLocOpBuilder &b, mlir::Value tensor);

/// A new buffer for a result [M, N], with M from `input` [M, K].
mlir::Value allocateResult(mlir::ImplicitLocOpBuilder &b, mlir::Value input,
                           mlir::RankedTensorType type);

/// The finished buffer as a tensor.
mlir::Value asTensor(mlir::ImplicitLocOpBuilder &b, mlir::Value buffer,
                     mlir::RankedTensorType type);

/// Consecutive elements of `buffer` from `indices` on.
mlir::Value loadVector(mlir::ImplicitLocOpBuilder &b, mlir::VectorType type,
                       mlir::Value buffer, mlir::ValueRange indices);

/// index + offset
mlir::Value addIndex(mlir::ImplicitLocOpBuilder &b, mlir::Value index,
                     int64_t offset);

} // namespace awq

#endif // AWQ_LIB_CONVERSION_AWQTOCPU_PATTERNS_H
