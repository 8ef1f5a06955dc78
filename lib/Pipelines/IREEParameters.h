//===- IREEParameters.h - parameters as IREE reads them ---------*- C++ -*-===//
//
// Part of the awq-mlir project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef AWQ_LIB_PIPELINES_IREEPARAMETERS_H
#define AWQ_LIB_PIPELINES_IREEPARAMETERS_H

#include "awq/Support/Error.h"
#include "mlir/IR/BuiltinOps.h"

#include <string>
#include <vector>

namespace awq {

/// Sees to it that each parameter of the module lies in a safetensors file, and
/// quantized weights that can be AutoAWQ's words are. New files, if any, are
/// called after `stem`. Returns all that are needed, in the order in which
/// IREE must get them. Errors: AWQ1522, those of openParameterFiles and of
/// SafetensorsWriter, AWQ1510.
Result<std::vector<std::string>> prepareIREEParameters(mlir::ModuleOp module,
                                                       const std::string &stem);

} // namespace awq

#endif // AWQ_LIB_PIPELINES_IREEPARAMETERS_H
