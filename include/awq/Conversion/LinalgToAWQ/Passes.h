//===- Passes.h - linalg to awq and decoder ---------------------*- C++ -*-===//
//
// Part of the awq-mlir project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef AWQ_CONVERSION_LINALGTOAWQ_PASSES_H
#define AWQ_CONVERSION_LINALGTOAWQ_PASSES_H

#include "mlir/Pass/Pass.h"

namespace mlir {
class RewritePatternSet;
} // namespace mlir

namespace awq {

#define GEN_PASS_DECL
#define GEN_PASS_REGISTRATION
#include "awq/Conversion/LinalgToAWQ/Passes.h.inc"

/// Adds the rewrites that write linalg in the one way that the others know:
/// broadcasts as indexing maps of what reads them, numbers as constants of
/// bodies, transposes as linalg.transpose.
void populateNormalizeLinalgPatterns(mlir::RewritePatternSet &patterns);

/// Adds the rewrites of linalg ops to awq.linear and decoder ops. An op is
/// matched by what it ends (x * rsqrt(mean(x^2) + e) * w at the last product),
/// so they are to be applied from the last op of a function to the first, and
/// after the rewrites of rotary embeddings. `unpadded` is the pass's option.
void populateLinalgToAWQPatterns(mlir::RewritePatternSet &patterns,
                                 bool unpadded = false);
/// Adds the rewrite of rotary embeddings to decoder.rotary.
void populateRaiseRotaryPatterns(mlir::RewritePatternSet &patterns);

} // namespace awq

#endif // AWQ_CONVERSION_LINALGTOAWQ_PASSES_H
