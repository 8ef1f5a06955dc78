//===- Compiler.h - runs pipelines and reports errors ----------*- C++ -*-===//
//
// Part of the awq-mlir project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef AWQ_PIPELINES_COMPILER_H
#define AWQ_PIPELINES_COMPILER_H

#include "awq/ExecutionEngine/JIT/Engine.h"
#include "awq/Support/Error.h"

#include "mlir/IR/AffineMap.h"
#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/OwningOpRef.h"
#include "llvm/ADT/STLFunctionalExtras.h"

#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace mlir {
class OpPassManager;
} // namespace mlir

namespace awq {

/// One argument of an entry point.
struct EntryArgument {
  /// tokens, position, k_cache, v_cache, parameter, hidden, hidden_out,
  /// logits_out, input, output or returned.
  std::string role;
  /// `awq.name` if given, else the parameter's, else after the role
  /// ("tokens", "k_cache.0", "hidden", "logits"), else "arg<i>" and
  /// "result<i>".
  std::string name;
  /// Of a cache; -1 otherwise.
  int64_t layer = -1;
  /// MLIR's spelling: "f32", "i32", "index", ...
  std::string type;
  /// -1 where a size is not fixed; empty for scalars.
  std::vector<int64_t> shape;
  bool isScalar = false;
  /// For each -1 in the shape of a destination, in order: the argument and its
  /// dimension that the size equals; -1 and -1 if that is not known.
  std::vector<std::pair<int64_t, int64_t>> sizes;
  /// Of a cache: the writes to it (see awq-infer-argument-roles), if they are
  /// known.
  struct Write {
    int64_t rowsArgument = -1, rows = 0;
    int64_t positionArgument = -1, position = 0;
  };
  std::optional<std::vector<Write>> writes;
  /// Of an input: its sizes as expressions in symbols that the inputs of the
  /// entry point share (`awq.shape`); null if nothing is known of them.
  mlir::AffineMap symbolicShape;

  /// Whether it is a tensor that the entry point fills.
  bool isDestination() const {
    return role == "output" || role == "hidden_out" || role == "logits_out";
  }
  /// Whether the entry point makes the tensor: it writes a descriptor of a
  /// buffer that the caller frees.
  bool isReturned() const { return role == "returned"; }
  bool isCache() const { return role == "k_cache" || role == "v_cache"; }
};

/// An entry point and the order of its arguments.
struct EntrySignature {
  std::string name;
  std::vector<EntryArgument> arguments;
  /// Sets of sizes over the symbols of the arguments' `symbolicShape`: those of
  /// a set must be equal (`awq.equal_sizes`), or equal or 1
  /// (`awq.broadcast_sizes`).
  std::vector<mlir::AffineMap> equalSizes, broadcastSizes;
};

struct CPUCompileOptions {
  /// Also make `step` and `head_step` of `forward` and `head`.
  bool step = true;
  jit::TargetOptions target;
  /// Called after each phase with its name and seconds.
  llvm::function_ref<void(llvm::StringRef, double)> onPhase = nullptr;
};

/// A model in this process.
struct CompiledModule {
  std::vector<EntrySignature> entries;
  std::unique_ptr<jit::Engine> engine;

  /// The entry of that name, or null.
  const EntrySignature *find(llvm::StringRef name) const;
};

/// Runs passes on `module`. The first error that a pass reports becomes the
/// Result's: as it was if it came from a file or from arithmetic
/// (awq::emitError), else with code AWQ1510 and the diagnostic as its text.
/// Warnings and remarks go on to the context's handler.
Status runPasses(mlir::ModuleOp module, llvm::StringRef phase,
                 llvm::function_ref<void(mlir::OpPassManager &)> build);

/// Lowers `module` to the LLVM dialect, through all phases of the CPU
/// pipeline, and reads the signatures of its entry points on the way. Errors:
/// AWQ1510.
Result<std::vector<EntrySignature>>
lowerForCPU(mlir::ModuleOp module, const CPUCompileOptions &options);

/// lowerForCPU, then machine code in this process. `module` is used up.
Result<CompiledModule> compileForCPU(mlir::ModuleOp module,
                                     const CPUCompileOptions &options = {});

/// Registers every dialect, extension and translation that compiling needs.
void registerCompilerDialects(mlir::DialectRegistry &registry);

/// Reads a module from a .mlir or .mlirbc file, or imports a Hugging Face
/// folder (or its config.json) or an ONNX model. Errors: AWQ1511 (not parsed),
/// AWQ1512 (no such input), and those of importHuggingFace and importONNX.
Result<mlir::OwningOpRef<mlir::ModuleOp>> loadModule(mlir::MLIRContext *context,
                                                     const std::string &path);

/// Reads a module from text or bytecode in memory. `name` stands for it in
/// locations. Errors: AWQ1511.
Result<mlir::OwningOpRef<mlir::ModuleOp>>
parseModule(mlir::MLIRContext *context, llvm::StringRef bytes,
            const std::string &name);

} // namespace awq

#endif // AWQ_PIPELINES_COMPILER_H
