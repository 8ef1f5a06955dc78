//===- Patterns.h - rewrites by family --------------------------*- C++ -*-===//
//
// Part of the awq-mlir project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef AWQ_LIB_CONVERSION_LINALGTOAWQ_PATTERNS_H
#define AWQ_LIB_CONVERSION_LINALGTOAWQ_PATTERNS_H

namespace mlir {
class RewritePatternSet;
} // namespace mlir

namespace awq {

void populateRaiseActivationPatterns(mlir::RewritePatternSet &patterns);
void populateRaiseLinearPatterns(mlir::RewritePatternSet &patterns);
void populateRaiseNormPatterns(mlir::RewritePatternSet &patterns);

} // namespace awq

#endif // AWQ_LIB_CONVERSION_LINALGTOAWQ_PATTERNS_H
