//===- Patterns.h - rewrites by family --------------------------*- C++ -*-===//
//
// Part of the awq-mlir project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef AWQ_LIB_CONVERSION_LINALGTOAWQ_PATTERNS_H
#define AWQ_LIB_CONVERSION_LINALGTOAWQ_PATTERNS_H

#include <string>

namespace mlir {
class Operation;
class RewritePatternSet;
} // namespace mlir

namespace awq {

void populateRaiseActivationPatterns(mlir::RewritePatternSet &patterns);
/// Masks that a function takes hide nothing if it is called `unpadded`.
void populateRaiseAttentionPatterns(mlir::RewritePatternSet &patterns,
                                    bool unpadded);
void populateRaiseLinearPatterns(mlir::RewritePatternSet &patterns);
void populateRaiseNormPatterns(mlir::RewritePatternSet &patterns);

/// Why an op that ends an attention is none that can be raised; empty if it
/// ends none.
std::string explainAttention(mlir::Operation *op, bool unpadded);

} // namespace awq

#endif // AWQ_LIB_CONVERSION_LINALGTOAWQ_PATTERNS_H
