//===- CodeGen.h - LLVM dialect to machine code ----------------*- C++ -*-===//
//
// Part of the awq-mlir project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef AWQ_EXECUTIONENGINE_JIT_CODEGEN_H
#define AWQ_EXECUTIONENGINE_JIT_CODEGEN_H

#include "awq/Support/Error.h"

#include <memory>
#include <string>
#include <vector>

namespace llvm {
class MemoryBuffer;
} // namespace llvm

namespace mlir {
class DialectRegistry;
class ModuleOp;
} // namespace mlir

namespace awq::jit {

/// The processor to make code for. Empty strings mean the machine that the
/// compiler runs on.
struct TargetOptions {
  std::string triple;
  /// A name that llc -mcpu takes, e.g. "znver3".
  std::string cpu;
  /// Comma-separated features in LLVM's spelling, e.g. "+avx2,+fma". Used as
  /// they are if `cpu` or `triple` is given; else the machine's own come first.
  std::string features;
  /// 0 to 3.
  unsigned optLevel = 3;
};

/// What TargetOptions mean on this machine.
struct ResolvedTarget {
  std::string triple;
  std::string cpu;
  /// "+avx2,-avx512f,...".
  std::string features;
  /// The names with "+", sorted, of those that change which instructions may
  /// run: what a bundle's manifest lists.
  std::vector<std::string> enabled;
};

/// Fills in the machine's own values. Errors: AWQ1501 (no code generator for
/// the triple), AWQ1502 (unknown processor name).
Result<ResolvedTarget> resolveTarget(const TargetOptions &options);

/// Registers the translations to LLVM IR (builtin, LLVM, OpenMP) that
/// emitObject needs; call it on the registry of the context.
void registerTranslations(mlir::DialectRegistry &registry);

/// Seconds that the parts of emitObject took.
struct CodeGenTimes {
  double translate = 0, optimize = 0, codegen = 0;
};

/// Compiles a module in the LLVM dialect (with OpenMP) to an object file in
/// memory: translation, LLVM's pipeline of `optLevel` with loop and SLP
/// vectorisers for the target, code generation (position independent).
/// Errors: those of resolveTarget, AWQ1503 (the module cannot be translated).
Result<std::unique_ptr<llvm::MemoryBuffer>>
emitObject(mlir::ModuleOp module, const TargetOptions &options,
           CodeGenTimes *times = nullptr);

/// Links an object file to a shared library with the system's linker (cc, or
/// ld.lld, or ld). The library depends on this process's libAWQRuntime.so and
/// libomp by their sonames. Errors: AWQ1504 (no linker), AWQ1505 (the linker
/// failed).
Status linkSharedLibrary(const std::string &object, const std::string &library);

} // namespace awq::jit

#endif // AWQ_EXECUTIONENGINE_JIT_CODEGEN_H
