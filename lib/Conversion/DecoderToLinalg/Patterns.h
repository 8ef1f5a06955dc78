//===- Patterns.h - rewrites by family --------------------------*- C++ -*-===//
//
// Part of the awq-mlir project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef AWQ_LIB_CONVERSION_DECODERTOLINALG_PATTERNS_H
#define AWQ_LIB_CONVERSION_DECODERTOLINALG_PATTERNS_H

namespace mlir {
class RewritePatternSet;
} // namespace mlir

namespace awq {

void populateActivationToLinalgPatterns(mlir::RewritePatternSet &patterns);
void populateAttentionToLinalgPatterns(mlir::RewritePatternSet &patterns);
void populateExpertsToLinalgPatterns(mlir::RewritePatternSet &patterns);
void populateNormToLinalgPatterns(mlir::RewritePatternSet &patterns);
/// The same for other compilers, without loops, vectors and buffers.
void populatePortableAttentionPatterns(mlir::RewritePatternSet &patterns);
void populatePortableExpertsPatterns(mlir::RewritePatternSet &patterns);
void populatePortableRouterPatterns(mlir::RewritePatternSet &patterns);
void populateRotaryToLinalgPatterns(mlir::RewritePatternSet &patterns);
void populateRouterToLinalgPatterns(mlir::RewritePatternSet &patterns);

} // namespace awq

#endif // AWQ_LIB_CONVERSION_DECODERTOLINALG_PATTERNS_H
