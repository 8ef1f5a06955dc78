//===- Ptxas.h - the assembler of PTX ------------------*- C++ -*
//-------------------------------------------------===//
//
// Part of the awq-mlir project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef AWQ_LIB_PIPELINES_PTXAS_H
#define AWQ_LIB_PIPELINES_PTXAS_H

#include "awq/Pipelines/NVVMPipeline.h"
#include "llvm/ADT/StringRef.h"

#include <optional>

namespace awq {

/// The path of ptxas: CUDA_HOME/bin, then PATH. Empty if there is none.
std::optional<std::string> findPtxas();

/// Reads what `ptxas -v` says of each kernel.
std::vector<KernelReport> parsePtxasLog(llvm::StringRef log);

/// Assembles `ptx` for `chip` into `cubin`. Errors: AWQ1532 (it does
/// not take them), AWQ1533 (no temporary file).
Result<std::vector<KernelReport>> assemble(const std::string &ptxas,
                                           llvm::StringRef chip,
                                           const std::string &ptx,
                                           const std::string &cubin);

} // namespace awq

#endif // AWQ_LIB_PIPELINES_PTXAS_H
