//===- MergeLayers.cpp - one function for layers that are alike -*- C++ -*-===//
//
// Part of the awq-mlir project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "awq/Dialect/AWQ/Transforms/Passes.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/Func/Transforms/Passes.h"
#include "mlir/IR/BuiltinOps.h"
#include "mlir/Pass/PassManager.h"

namespace awq {
#define GEN_PASS_DEF_MERGELAYERSPASS
#include "awq/Dialect/AWQ/Transforms/Passes.h.inc"
} // namespace awq

using namespace mlir;

/// Attributes that say which layer something belongs to, and nothing about
/// what is computed.
static const llvm::StringRef layerAttributes[] = {"awq.layer", "awq.name"};

static void stripLayerAttributes(func::FuncOp function) {
  for (llvm::StringRef name : layerAttributes) {
    function.walk([&](Operation *op) { op->removeDiscardableAttr(name); });
    for (unsigned i = 0; i < function.getNumArguments(); ++i)
      function.removeArgAttr(i, name);
    for (unsigned i = 0; i < function.getNumResults(); ++i)
      function.removeResultAttr(i,
                                StringAttr::get(function.getContext(), name));
  }
}

namespace {
struct MergeLayersPass : awq::impl::MergeLayersPassBase<MergeLayersPass> {
  void runOnOperation() override {
    for (auto function : getOperation().getOps<func::FuncOp>())
      if (function.isPrivate())
        stripLayerAttributes(function);
    OpPassManager passes(ModuleOp::getOperationName());
    passes.addPass(func::createDuplicateFunctionEliminationPass());
    if (failed(runPipeline(passes, getOperation())))
      signalPassFailure();
  }
};
} // namespace
