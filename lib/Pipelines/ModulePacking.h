//===- ModulePacking.h - 4-bit weights for the CPU's kernels ---*- C++ -*-===//
//
// Part of the awq-mlir project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef AWQ_LIB_PIPELINES_MODULEPACKING_H
#define AWQ_LIB_PIPELINES_MODULEPACKING_H

#include "awq/Support/Error.h"

#include "mlir/IR/BuiltinOps.h"

#include <string>

namespace awq {

/// A temporary file's name; the file is removed with the object.
class ScratchFile {
public:
  ScratchFile() = default;
  ScratchFile(const ScratchFile &) = delete;
  ScratchFile &operator=(const ScratchFile &) = delete;
  ~ScratchFile();

  /// The name, chosen at the first call. AWQ1513 if no file can be made.
  Result<std::string> path();

private:
  std::string name;
};

/// Whether the module has quantized layers.
bool isQuantized(mlir::ModuleOp module);

/// Computes parameter expressions and packs quantized weights for the CPU's
/// kernels; new parameters go to `file`, which is listed in the module. Does
/// nothing to a float module without parameter expressions. Errors: AWQ1510.
Status packForCPU(mlir::ModuleOp module, const std::string &file);
Status packForCPU(mlir::ModuleOp module, ScratchFile &file);

} // namespace awq

#endif // AWQ_LIB_PIPELINES_MODULEPACKING_H
