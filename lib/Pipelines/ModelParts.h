//===- ModelParts.h - a model cut at its layers -*- C++ -*-===//
//
// Part of the awq-mlir project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Calibration runs a model in parts: what comes before the layers, each layer,
// the head. A part is a module of its own with one function; its parameters
// become arguments, so that layers that are alike are compiled once and can be
// run with any weights.
//
//===----------------------------------------------------------------------===//

#ifndef AWQ_LIB_PIPELINES_MODELPARTS_H
#define AWQ_LIB_PIPELINES_MODELPARTS_H

#include "DiagnosticCollector.h"
#include "awq/Dialect/AWQ/Transforms/ParameterStore.h"
#include "awq/Dialect/AWQ/Transforms/ScalingGroups.h"
#include "awq/ExecutionEngine/JIT/Engine.h"
#include "awq/Pipelines/Compiler.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"

#include <map>
#include <memory>
#include <string>
#include <vector>

namespace awq {

/// A module with a clone of `function` and the globals that it loads; lists
/// the same parameter files.
mlir::OwningOpRef<mlir::ModuleOp> extractFunction(mlir::func::FuncOp function);

/// The only function with a body in a module made by extractFunction.
mlir::func::FuncOp getFunction(mlir::ModuleOp part);

/// The operands that are parameters, of the ops that are none, in program
/// order. Quantizing a clone of a function keeps the order.
llvm::SmallVector<mlir::OpOperand *>
getParameterReads(mlir::func::FuncOp function);

/// How one layer is fed: where each argument of the call comes from.
struct LayerInput {
  enum class Kind {
    Hidden,   ///< the first result of the layer before
    Prologue, ///< result `index` of the prologue
    Scratch   ///< a cache or a position: starts empty, at 0
  };
  Kind kind = Kind::Scratch;
  unsigned index = 0;
};

/// A model cut at its layers.
struct ModelParts {
  std::vector<mlir::func::FuncOp> layers;
  /// inputs[i] feeds layer i.
  std::vector<std::vector<LayerInput>> inputs;
  /// From tokens (and position) to what the layers read.
  mlir::OwningOpRef<mlir::ModuleOp> prologue;
  /// From the last hidden state to logits; null if there is no @head.
  mlir::func::FuncOp head;

  /// Error AWQ1320 if the graph cannot be cut.
  static Result<ModelParts> cut(mlir::ModuleOp module);
};

/// A compiled part: one function whose parameters are arguments.
class CompiledPart {
public:
  /// Buffers for one call; every dynamic size is `tokens`.
  struct Call {
    int64_t tokens = 0;
    /// One per argument that is no parameter; null for scratch (caches,
    /// positions), which start as zeros.
    std::vector<const void *> inputs;
    /// One per parameter read.
    std::vector<const void *> parameters;
    /// One per result (caches are none), then one per observed site.
    std::vector<void *> results;
  };

  /// `widen`: parameters are passed as f32, whatever their type in the files.
  /// Sites are what insertObservers observes with `observed`; none if it is
  /// null. With `allTokens`, sites in experts observe what these make of all
  /// tokens. Engines are shared between equal functions through `cache`.
  using Cache = std::map<std::string, std::shared_ptr<CompiledModule>>;
  static Result<CompiledPart> create(mlir::func::FuncOp function, bool widen,
                                     const TargetFilter *observed, Cache &cache,
                                     bool allTokens = false);

  void run(const Call &call);
  /// Frees the buffers that run() keeps for scratch arguments.
  void releaseScratch();

  const std::vector<std::string> &sites() const { return siteNames; }
  /// Whether a site gets only some of the tokens: those sent to its expert.
  bool isRouted(size_t site) const { return routed[site]; }
  /// Channels of result i (see Call::results).
  int64_t resultChannels(size_t result) const;
  size_t resultCount() const { return destinations.size(); }

private:
  std::shared_ptr<CompiledModule> compiled;
  jit::EntryFunction function = nullptr;
  const EntrySignature *signature = nullptr;
  size_t inputCount = 0;
  std::vector<std::string> siteNames;
  std::vector<bool> routed;
  /// Arguments that are destinations.
  std::vector<size_t> destinations;
  /// Reused from call to call: one buffer per scratch argument.
  std::vector<std::vector<char>> scratch;
};

} // namespace awq

#endif // AWQ_LIB_PIPELINES_MODELPARTS_H
