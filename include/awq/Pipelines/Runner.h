//===- Runner.h - runs modules on named tensors ----------------*- C++ -*-===//
//
// Part of the awq-mlir project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef AWQ_PIPELINES_RUNNER_H
#define AWQ_PIPELINES_RUNNER_H

#include "awq/ExecutionEngine/Runtime/Model.h"
#include "awq/Support/Error.h"

#include <cstdint>
#include <string>

namespace awq {

struct RunOptions {
  /// The public function to run, or "logits" for the model as a whole; if
  /// empty, the model as a whole, or the only public function, or "main".
  std::string entry;
  /// 0: one per processor.
  int threads = 0;
  /// Rows of caches that are not given; 0: as many as are written.
  int64_t maxSeq = 0;
};

/// Runs a .mlir or .mlirbc file, a Hugging Face folder or a bundle on tensors
/// named like its arguments, and gives its results and updated caches by name.
/// A model as a whole takes "tokens" I32 [T] and gives "logits" F32 [T, V].
/// Errors: AWQ1520 (no entry point to choose), AWQ1521 (an argument is missing
/// or does not fit), AWQ1522 (a parameter is in no file or does not fit), and
/// those of loadModule, compileForCPU and runtime::Model.
Result<runtime::TensorMap> runFile(const std::string &path,
                                   const runtime::TensorMap &inputs,
                                   const RunOptions &options);

/// All tensors of a safetensors file. Errors: those of SafetensorsFile::open.
Result<runtime::TensorMap> readTensors(const std::string &path);

/// Writes them to a file, which appears complete or not at all. Errors: those
/// of SafetensorsWriter.
Status writeTensors(const std::string &path, const runtime::TensorMap &tensors);

} // namespace awq

#endif // AWQ_PIPELINES_RUNNER_H
