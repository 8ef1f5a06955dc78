//===- RaiseModule.h - plain modules become decoders ----- -*- C++ -*-===//
//
// Part of the awq-mlir project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef AWQ_LIB_PIPELINES_RAISEMODULE_H
#define AWQ_LIB_PIPELINES_RAISEMODULE_H

#include "awq/Support/Error.h"

#include "mlir/IR/BuiltinOps.h"

#include <string>

namespace awq {

/// Runs awq-raise-decoder on a module with a @main and no @forward, as imports
/// of ONNX models are, and describes the model in `awq.model`: sizes as found,
/// and the length of contexts and the ids of special tokens from a
/// config.json, generation_config.json or genai_config.json in the folder of
/// `source`, if there is one; the last one counts.
/// Does nothing to other modules. Errors: AWQ1144.
Status raiseModule(mlir::ModuleOp module, const std::string &source);

} // namespace awq

#endif // AWQ_LIB_PIPELINES_RAISEMODULE_H
