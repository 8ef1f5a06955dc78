//===- Bundle.h - writes compiled models -----------------------*- C++ -*-===//
//
// Part of the awq-mlir project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef AWQ_PIPELINES_BUNDLE_H
#define AWQ_PIPELINES_BUNDLE_H

#include "awq/Pipelines/Compiler.h"
#include "awq/Support/Error.h"

#include <string>

namespace awq {

/// Compiles an imported model and writes the bundle `output`: manifest.json,
/// model.so, and the tokenizer and licence files of the folder `source` (if it
/// is one). Parameters of a float model stay in their files, which the manifest
/// names with size and hash; a quantized model's are written to the bundle in
/// the layout of the kernels, so that it stands alone. `module` is used up. The
/// bundle appears complete or not at all; `force` replaces an existing one.
/// Errors: AWQ1514 (the module is not a model with @forward and @head), AWQ1515
/// (a file cannot be copied), and those of compiling and writing.
Status writeBundle(mlir::ModuleOp module, const std::string &source,
                   const std::string &output, bool force,
                   const CPUCompileOptions &options);

/// Whether writeBundle could begin: for callers who do long work before it.
Status checkBundle(mlir::ModuleOp module, const std::string &source,
                   const std::string &output, bool force);

} // namespace awq

#endif // AWQ_PIPELINES_BUNDLE_H
