//===- ModulePacking.cpp - 4-bit weights for the CPU's kernels -*- C++ -*-===//
//
// Part of the awq-mlir project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "ModulePacking.h"

#include "awq/Dialect/AWQ/IR/AWQ.h"
#include "awq/Dialect/AWQ/Transforms/ParameterStore.h"
#include "awq/Dialect/AWQ/Transforms/Passes.h"
#include "awq/Pipelines/Compiler.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Pass/PassManager.h"
#include "llvm/Support/FileSystem.h"

using namespace mlir;
using namespace awq;

ScratchFile::~ScratchFile() {
  if (!name.empty())
    llvm::sys::fs::remove(name);
}

Result<std::string> ScratchFile::path() {
  llvm::SmallString<128> created;
  if (name.empty()) {
    if (std::error_code error = llvm::sys::fs::createTemporaryFile(
            "awq-parameters", "safetensors", created))
      return Error{ErrorKind::Resources, "AWQ1513",
                   "no temporary file can be made: " + error.message(), "",
                   "set TMPDIR to a folder with room for the packed weights"};
    name = created.str().str();
  }
  return name;
}

bool awq::isQuantized(ModuleOp module) {
  return module.walk([](QuantizedLinearOp) { return WalkResult::interrupt(); })
      .wasInterrupted();
}

Status awq::packForCPU(ModuleOp module, const std::string &file) {
  return runPasses(module, "pack", [&](OpPassManager &manager) {
    manager.addNestedPass<func::FuncOp>(createRemoveObserversPass());
    manager.addNestedPass<func::FuncOp>(createFuseLinearsPass());
    PackWeightsPassOptions options;
    options.layout = "cpu";
    options.sideFile = file;
    manager.addPass(createPackWeightsPass(options));
  });
}

Status awq::packForCPU(ModuleOp module, ScratchFile &file) {
  if (!isQuantized(module) && !hasParameterExpressions(module))
    return {};
  Result<std::string> path = file.path();
  return path ? packForCPU(module, *path) : Status(path.error());
}
