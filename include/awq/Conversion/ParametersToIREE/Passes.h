//===- Passes.h - modules for IREE ------------------------------*- C++ -*-===//
//
// Part of the awq-mlir project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef AWQ_CONVERSION_PARAMETERSTOIREE_PASSES_H
#define AWQ_CONVERSION_PARAMETERSTOIREE_PASSES_H

#include "mlir/Pass/Pass.h"

namespace awq {

#define GEN_PASS_DECL
#define GEN_PASS_REGISTRATION
#include "awq/Conversion/ParametersToIREE/Passes.h.inc"

} // namespace awq

#endif // AWQ_CONVERSION_PARAMETERSTOIREE_PASSES_H
