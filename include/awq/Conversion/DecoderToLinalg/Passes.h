//===- Passes.h - decoder to linalg -----------------------------*- C++ -*-===//
//
// Part of the awq-mlir project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef AWQ_CONVERSION_DECODERTOLINALG_PASSES_H
#define AWQ_CONVERSION_DECODERTOLINALG_PASSES_H

#include "mlir/Pass/Pass.h"

namespace mlir {
class RewritePatternSet;
} // namespace mlir

namespace awq {

#define GEN_PASS_DECL
#define GEN_PASS_REGISTRATION
#include "awq/Conversion/DecoderToLinalg/Passes.h.inc"

/// Adds the rewrites of all decoder ops to linalg, scf and vector on tensors;
/// if `portable`, to linalg alone.
void populateDecoderToLinalgPatterns(mlir::RewritePatternSet &patterns,
                                     bool portable = false);

} // namespace awq

#endif // AWQ_CONVERSION_DECODERTOLINALG_PASSES_H
