//===- QuantizePipeline.cpp - quantization as a pipeline --------*- C++ -*-===//
//
// Part of the awq-mlir project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "awq/Pipelines/QuantizePipeline.h"

#include "awq/Dialect/AWQ/Transforms/Passes.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Pass/PassManager.h"
#include "mlir/Pass/PassRegistry.h"

using namespace mlir;
using namespace awq;

/// The options that all passes over weights share. Each needs a side file of
/// its own.
template <typename PassOptions>
static PassOptions makeOptions(const QuantizePipelineOptions &options,
                               StringRef kind) {
  PassOptions result;
  result.bits = options.bits;
  result.group = options.group;
  result.symmetric = options.symmetric;
  result.statistics = options.statistics;
  result.skip.assign(options.skip.begin(), options.skip.end());
  if (!options.sideFiles.empty())
    result.sideFile = (options.sideFiles + "." + kind + ".safetensors").str();
  return result;
}

void awq::buildQuantizePipeline(OpPassManager &manager,
                                const QuantizePipelineOptions &options) {
  bool observed = options.searchScales || options.searchClips ||
                  options.refit || options.refine;
  // The sites that statistics are of, where the module has none yet.
  if (observed) {
    InsertObserversPassOptions observers;
    observers.skip.assign(options.skip.begin(), options.skip.end());
    manager.addPass(createInsertObserversPass(observers));
  }

  // Channel scales, folded into what produces the channels.
  if (options.searchScales) {
    manager.addPass(createSearchScalesPass(
        makeOptions<SearchScalesPassOptions>(options, "scales")));
    manager.addNestedPass<func::FuncOp>(createApplyScalesPass());
  }

  // Ranges, then codes.
  if (options.searchClips)
    manager.addPass(createSearchClipsPass(
        makeOptions<SearchClipsPassOptions>(options, "clips")));
  auto quantize = makeOptions<QuantizeWeightsPassOptions>(options, "codes");
  quantize.refit = options.refit;
  quantize.refine = options.refine;
  manager.addPass(createQuantizeWeightsPass(quantize));

  // Calibration is over.
  manager.addNestedPass<func::FuncOp>(createRemoveObserversPass());
}

void awq::registerQuantizePipeline() {
  PassPipelineRegistration<QuantizePipelineOptions>(
      "awq-quantize-pipeline",
      "Quantizes the linears of a module with calibration statistics",
      buildQuantizePipeline);
}
