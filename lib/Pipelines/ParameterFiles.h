//===- ParameterFiles.h - the tensors that entry points read ---*- C++ -*-===//
//
// Part of the awq-mlir project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef AWQ_LIB_PIPELINES_PARAMETERFILES_H
#define AWQ_LIB_PIPELINES_PARAMETERFILES_H

#include "awq/IO/Safetensors.h"
#include "awq/Pipelines/Compiler.h"
#include "llvm/ADT/ArrayRef.h"

#include <optional>
#include <vector>

namespace awq {

/// The element type of a buffer in files; nothing if files have none such.
std::optional<io::DType> toDType(llvm::StringRef type);

/// The files that a module's `awq.parameter_files` lists, opened.
class ParameterFiles {
public:
  /// Errors: those of Checkpoint::open.
  static Result<ParameterFiles> open(mlir::ModuleOp module);

  /// The tensor for an entry's argument; a later file overrides an earlier
  /// one. AWQ1522 if there is none or it does not fit.
  Result<io::TensorView> find(const EntryArgument &argument) const;

private:
  std::vector<io::Checkpoint> files;
};

/// Writes tensors, wherever they lie, to one new safetensors file. Errors:
/// those of SafetensorsWriter.
Status copyTensors(llvm::ArrayRef<io::TensorView> views,
                   const std::string &path);

} // namespace awq

#endif // AWQ_LIB_PIPELINES_PARAMETERFILES_H
