//===- Passes.h - awq to CPU kernels ----------------------------*- C++ -*-===//
//
// Part of the awq-mlir project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef AWQ_CONVERSION_AWQTOCPU_PASSES_H
#define AWQ_CONVERSION_AWQTOCPU_PASSES_H

#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/IR/BuiltinOps.h"
#include "mlir/Pass/Pass.h"

namespace mlir {
class RewritePatternSet;
} // namespace mlir

namespace awq {

#define GEN_PASS_DECL
#define GEN_PASS_REGISTRATION
#include "awq/Conversion/AWQToCPU/Passes.h.inc"

/// Adds the rewrites of linear layers, float and quantized, to parallel loops
/// on buffers. Those of float layers call awq_rt_sgemm_nt and declare it in the
/// module around them.
void populateAWQToCPUPatterns(mlir::RewritePatternSet &patterns);

/// Adds the rewrite that marks an omp.wsloop at the end of a region as nowait.
void populateDropLoopBarriersPatterns(mlir::RewritePatternSet &patterns);

/// Adds the rewrites of f32 math.exp and math.tanh to polynomials.
void populateExpandMathPatterns(mlir::RewritePatternSet &patterns);

/// Adds the rewrite that inlines a memref.alloca_scope without an alloca.
void populateInlineAllocaScopesPatterns(mlir::RewritePatternSet &patterns);

/// Adds the rewrite that tiles structured ops on buffers over their rows.
void populateParallelizeRowsPatterns(mlir::RewritePatternSet &patterns);

} // namespace awq

#endif // AWQ_CONVERSION_AWQTOCPU_PASSES_H
