//===- CPUPipeline.cpp - from models to code for CPUs ----------*- C++ -*-===//
//
// Part of the awq-mlir project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "awq/Pipelines/CPUPipeline.h"

#include "awq/Conversion/AWQToCPU/Passes.h"
#include "awq/Conversion/AWQToLinalg/Passes.h"
#include "awq/Conversion/DecoderToLinalg/Passes.h"
#include "awq/Conversion/EntryPointsToLLVM/Passes.h"
#include "awq/Dialect/AWQ/Transforms/Passes.h"
#include "mlir/Conversion/Passes.h"
#include "mlir/Dialect/Bufferization/Pipelines/Passes.h"
#include "mlir/Dialect/Bufferization/Transforms/Passes.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/Linalg/Passes.h"
#include "mlir/Dialect/MemRef/Transforms/Passes.h"
#include "mlir/Dialect/SCF/Transforms/Passes.h"
#include "mlir/IR/BuiltinOps.h"
#include "mlir/Pass/PassManager.h"
#include "mlir/Pass/PassRegistry.h"
#include "mlir/Transforms/Passes.h"

using namespace mlir;
using namespace awq;

static void addStep(OpPassManager &manager, std::string entry,
                    std::string name) {
  SpecializeTokensPassOptions options;
  options.entry = std::move(entry);
  options.name = std::move(name);
  options.tokens = 1;
  manager.addPass(createSpecializeTokensPass(options));
}

static void buildFunctions(OpPassManager &manager,
                           const CPUPipelineOptions &options) {
  // Extern globals do not bufferize, and layers differ only in the parameters
  // they name.
  manager.addPass(createParametersToArgumentsPass());
  manager.addPass(createInferArgumentRolesPass());
  manager.addPass(createMergeLayersPass());
  // The caches are known by their uses in decoder ops: before those go.
  if (options.step) {
    addStep(manager, "forward", "step");
    addStep(manager, "head", "head_step");
  }
  manager.addPass(createResultsToDestinationsPass());
  manager.addPass(createCanonicalizerPass());
  manager.addPass(createCSEPass());
}

static void buildLinalg(OpPassManager &manager, const CPUPipelineOptions &) {
  // Kernels where there are some, the portable lowering for the rest.
  manager.addPass(createConvertAWQToCPUPass());
  manager.addPass(createConvertAWQToLinalgPass());
  manager.addPass(createConvertDecoderToLinalgPass());
  manager.addPass(createConvertElementwiseToLinalgPass());
  manager.addPass(createLinalgElementwiseOpFusionPass());
  manager.addPass(createCanonicalizerPass());
  manager.addPass(createCSEPass());
}

static void buildBufferized(OpPassManager &manager,
                            const CPUPipelineOptions &) {
  // Results are computed in their destinations where they can be.
  manager.addPass(bufferization::createEmptyTensorEliminationPass());
  bufferization::OneShotBufferizePassOptions options;
  options.bufferizeFunctionBoundaries = true;
  options.functionBoundaryTypeConversion =
      bufferization::LayoutMapOption::IdentityLayoutMap;
  manager.addPass(bufferization::createOneShotBufferizePass(options));
  manager.addPass(createCanonicalizerPass());
  manager.addPass(createCSEPass());
  manager.addPass(bufferization::createDropEquivalentBufferResultsPass());
  manager.addPass(createDropReturnedArgumentsPass());
  // Buffers are freed at the end of the block that makes them, not earlier: a
  // tile's pointer, handed to a leaf function, is a use that no analysis sees.
  manager.addPass(bufferization::createOwnershipBasedBufferDeallocationPass());
  manager.addPass(createCanonicalizerPass());
  manager.addPass(bufferization::createBufferDeallocationSimplificationPass());
  manager.addPass(bufferization::createLowerDeallocationsPass());
  // A result that is a view of an argument has become a copy of it.
  manager.addPass(createConvertBufferizationToMemRefPass());
  manager.addPass(createCSEPass());
  manager.addPass(createCanonicalizerPass());
}

static void buildParallel(OpPassManager &manager, const CPUPipelineOptions &) {
  manager.addPass(createParallelizeRowsPass());
  manager.addPass(createForallToParallelLoopPass());
  manager.addPass(createConvertLinalgToLoopsPass());
  manager.addPass(createExpandMathPass());
  manager.addPass(createCanonicalizerPass());
  manager.addPass(createCSEPass());
  manager.addPass(createLoopInvariantCodeMotionPass());
  // One pool of threads: libomp's.
  manager.addPass(createConvertSCFToOpenMPPass());
  manager.addPass(createDropLoopBarriersPass());
  manager.addPass(createInlineAllocaScopesPass());
  // Removes the scopes of stack memory around loop bodies that have none:
  // control flow cannot be lowered inside.
  manager.addPass(createCanonicalizerPass());
}

static void buildLLVM(OpPassManager &manager, const CPUPipelineOptions &) {
  manager.addPass(createConvertVectorToSCFPass());
  manager.addPass(memref::createExpandStridedMetadataPass());
  manager.addPass(createLowerAffinePass());
  manager.addPass(createSCFToControlFlowPass());
  manager.addPass(createEmitEntryPointsPass());
  manager.addPass(createConvertVectorToLLVMPass());
  manager.addPass(createConvertMathToLLVMPass());
  manager.addPass(createConvertMathToLibmPass());
  manager.addPass(createArithToLLVMConversionPass());
  manager.addPass(createConvertIndexToLLVMPass());
  manager.addPass(createFinalizeMemRefToLLVMConversionPass());
  manager.addPass(createConvertFuncToLLVMPass());
  manager.addPass(createConvertControlFlowToLLVMPass());
  manager.addPass(createConvertOpenMPToLLVMPass());
  manager.addPass(createUBToLLVMConversionPass());
  manager.addPass(createReconcileUnrealizedCastsPass());
  manager.addPass(createCanonicalizerPass());
  manager.addPass(createCSEPass());
}

static const CPUPhase phases[] = {{"functions", buildFunctions},
                                  {"linalg", buildLinalg},
                                  {"bufferized", buildBufferized},
                                  {"parallel", buildParallel},
                                  {"llvm", buildLLVM}};

llvm::ArrayRef<CPUPhase> awq::getCPUPhases() { return phases; }

void awq::buildCPUPipeline(OpPassManager &manager,
                           const CPUPipelineOptions &options) {
  for (const CPUPhase &phase : phases) {
    phase.build(manager, options);
    if (phase.name == options.to)
      break;
  }
}

void awq::registerCPUPipeline() {
  PassPipelineRegistration<CPUPipelineOptions>(
      "awq-cpu-pipeline",
      "From a model, float or quantized and packed, to the LLVM dialect with "
      "one entry point per public function",
      buildCPUPipeline);
}
