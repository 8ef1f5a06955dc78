//===- Fusion.h - what surrounds a linear, into it --------------*- C++ -*-===//
//
// Part of the awq-mlir project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef AWQ_DIALECT_AWQ_TRANSFORMS_FUSION_H
#define AWQ_DIALECT_AWQ_TRANSFORMS_FUSION_H

#include "mlir/IR/PatternMatch.h"

namespace awq {

/// Patterns that make `awq.fused_linear`s of quantized linears and of the norm,
/// the gate, the rotary embedding and the addition beside them.
void populateFuseIntoLinearsPatterns(mlir::RewritePatternSet &patterns);

} // namespace awq

#endif // AWQ_DIALECT_AWQ_TRANSFORMS_FUSION_H
