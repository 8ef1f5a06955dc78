//===- Passes.h - passes over the decoder dialect --------------*- C++ -*-===//
//
// Part of the awq-mlir project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef AWQ_DIALECT_DECODER_TRANSFORMS_PASSES_H
#define AWQ_DIALECT_DECODER_TRANSFORMS_PASSES_H

#include "mlir/Pass/Pass.h"

namespace awq {

#define GEN_PASS_DECL
#include "awq/Dialect/Decoder/Transforms/Passes.h.inc"

#define GEN_PASS_REGISTRATION
#include "awq/Dialect/Decoder/Transforms/Passes.h.inc"

} // namespace awq

#endif // AWQ_DIALECT_DECODER_TRANSFORMS_PASSES_H
