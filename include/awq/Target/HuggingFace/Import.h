//===- Import.h - Hugging Face models to MLIR -------------------*- C++ -*-===//
//
// Part of the awq-mlir project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef AWQ_TARGET_HUGGINGFACE_IMPORT_H
#define AWQ_TARGET_HUGGINGFACE_IMPORT_H

#include "awq/Support/Error.h"

#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/OwningOpRef.h"

#include <string>

namespace mlir {
class DialectRegistry;
} // namespace mlir

namespace awq {

struct HuggingFaceImportOptions {
  /// An architecture file to use in place of the built-in one for the model
  /// type; see lib/Target/HuggingFace/architectures/README.md.
  std::string architectureFile;
  /// Read config.json only: every parameter becomes a splat of its type, so
  /// that a graph without data goes through the compiler.
  bool splat = false;
};

/// Imports the model of a config.json, or of the folder that holds one, with
/// the safetensors files beside it. The module's functions are "layers.N",
/// "forward" and "head"; weights stay in their files, as extern globals named
/// like the tensors, and the files are listed in `awq.parameter_files`. Float
/// and AutoAWQ ("gemm") checkpoints are read.
///
/// What was ignored is reported as MLIR warnings. Errors: those of reading
/// config.json (HfConfig.h), the architecture file (Architecture.h) and the
/// checkpoint (Safetensors.h); AWQ1108 (activation not supported), AWQ1120 to
/// AWQ1125 (the tensors do not fit config.json), those of checkAwqCheckpoint.
Result<mlir::OwningOpRef<mlir::ModuleOp>>
importHuggingFace(mlir::MLIRContext *context, const std::string &path,
                  const HuggingFaceImportOptions &options = {});

/// The dialects that importHuggingFace creates.
void registerHuggingFaceDialects(mlir::DialectRegistry &registry);

/// Registers "import-hf" with translation tools. `options` is read when the
/// translation runs; the exit code that its error asks for is stored in
/// `exitCode` if that is not null. Both must outlive the tool's main function.
void registerHuggingFaceImport(const HuggingFaceImportOptions &options,
                               int *exitCode = nullptr);

} // namespace awq

#endif // AWQ_TARGET_HUGGINGFACE_IMPORT_H
