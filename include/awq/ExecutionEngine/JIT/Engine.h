//===- Engine.h - compiled functions in this process -----------*- C++ -*-===//
//
// Part of the awq-mlir project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Runs modules that the CPU pipeline (awq/Pipelines/CPUPipeline.h) has lowered
// to the LLVM dialect.
//
//===----------------------------------------------------------------------===//

#ifndef AWQ_EXECUTIONENGINE_JIT_ENGINE_H
#define AWQ_EXECUTIONENGINE_JIT_ENGINE_H

#include "awq/ExecutionEngine/JIT/CodeGen.h"
#include "awq/Support/Error.h"

#include <cstdint>
#include <memory>
#include <string_view>

namespace awq::jit {

/// An entry point: element i of the array points to a memref descriptor
/// {T *allocated, *aligned; int64 offset, sizes[rank], strides[rank]} (see
/// awq::runtime::MemRefDescriptor) or to a scalar (index = int64_t). Results
/// are destination arguments, after the others.
using EntryFunction = void (*)(void **arguments);

/// Machine code of one module. The functions live as long as the engine.
class Engine {
public:
  /// Compiles `module`, which is in the LLVM dialect and not needed
  /// afterwards. Errors: those of emitObject, AWQ1506 (cannot be loaded).
  static Result<std::unique_ptr<Engine>>
  create(mlir::ModuleOp module, const TargetOptions &options = {},
         CodeGenTimes *times = nullptr);

  ~Engine();
  Engine(const Engine &) = delete;
  Engine &operator=(const Engine &) = delete;

  /// The entry point of the public function `name`, i.e. the symbol
  /// awq_entry_<name>. AWQ1507 if the module has none.
  Result<EntryFunction> lookup(std::string_view name) const;

private:
  struct Implementation;
  explicit Engine(std::unique_ptr<Implementation> implementation);
  std::unique_ptr<Implementation> impl;
};

/// Sets how many threads the entry points use that the calling thread calls
/// from now on; 0: one per processor that the process may use. Results do not
/// depend on it.
void setThreads(int count);

} // namespace awq::jit

#endif // AWQ_EXECUTIONENGINE_JIT_ENGINE_H
