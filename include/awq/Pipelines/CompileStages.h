//===- CompileStages.h - the steps of a compilation -------------*- C++ -*-===//
//
// Part of the awq-mlir project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// What awq-compile does in one go, step by step on a module that the caller
// holds: for the C interface, and for other programs on these libraries.
//
//===----------------------------------------------------------------------===//

#ifndef AWQ_PIPELINES_COMPILESTAGES_H
#define AWQ_PIPELINES_COMPILESTAGES_H

#include "awq/Pipelines/CompileDriver.h"
#include "awq/Pipelines/NVVMPipeline.h"
#include "awq/Pipelines/Quantize.h"
#include "awq/Support/Error.h"

#include "mlir/IR/BuiltinOps.h"

#include <memory>
#include <string>

namespace awq {

class ScratchFile;

/// Lowers a module phase by phase. Parameters that are packed on the way lie in
/// a temporary file that lives as long as this object.
class PhaseRunner {
public:
  PhaseRunner();
  PhaseRunner(PhaseRunner &&);
  ~PhaseRunner();

  /// "import, groups, pack, functions, ...", in their order.
  static std::string phases();

  /// Runs what is missing up to the phase `last`. After a failure the module is
  /// in between, and what was reached before still counts: for a caller who
  /// gave a copy. Errors: AWQ1516 (no such phase), AWQ1667 (the module is past
  /// it), AWQ1510.
  Status runTo(mlir::ModuleOp module, llvm::StringRef last);

  /// The last phase that ran, "import" at first.
  llvm::StringRef reached() const;

private:
  std::unique_ptr<ScratchFile> packed;
  size_t done = 0;
};

/// Whether the options go together. Errors: AWQ1601. `emit` is what the request
/// asks for: mlir, bundle, checkpoint or ptx.
Status checkRequest(const CompileRequest &request, std::string &emit);

/// The request's options of each part.
QuantizeOptions makeQuantizeOptions(const CompileRequest &request);
KernelFolderOptions makeKernelOptions(const CompileRequest &request);

/// The folder that an input's configuration and tokenizer lie in.
std::string sourceFolder(const std::string &input);

} // namespace awq

#endif // AWQ_PIPELINES_COMPILESTAGES_H
