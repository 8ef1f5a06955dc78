//===- InputSizes.h - whether inputs fit together ---------------*- C++ -*-===//
//
// Part of the awq-mlir project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef AWQ_LIB_PIPELINES_INPUTSIZES_H
#define AWQ_LIB_PIPELINES_INPUTSIZES_H

#include "awq/Pipelines/Compiler.h"

namespace awq {

/// The shapes of an entry point's arguments; nothing for those that are not
/// given.
using ArgumentShapes = std::vector<std::optional<std::vector<int64_t>>>;

/// Compares the sizes of inputs with what the entry point tells of them, which
/// compiled code relies on. Errors: AWQ1521.
Status checkInputSizes(const EntrySignature &entry,
                       const ArgumentShapes &shapes);

} // namespace awq

#endif // AWQ_LIB_PIPELINES_INPUTSIZES_H
