//===- CPUPipeline.h - from models to code for CPUs ------------*- C++ -*-===//
//
// Part of the awq-mlir project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef AWQ_PIPELINES_CPUPIPELINE_H
#define AWQ_PIPELINES_CPUPIPELINE_H

#include "mlir/Pass/PassOptions.h"
#include "llvm/ADT/ArrayRef.h"

namespace mlir {
class OpPassManager;
} // namespace mlir

namespace awq {

struct CPUPipelineOptions
    : public mlir::PassPipelineOptions<CPUPipelineOptions> {
  Option<bool> step{
      *this, "step",
      llvm::cl::desc("Also compile 'forward' and 'head' for one token, as "
                     "'step' and 'head_step'"),
      llvm::cl::init(true)};
  Option<std::string> to{
      *this, "to",
      llvm::cl::desc("Stop after a phase: functions, linalg, bufferized, "
                     "parallel or llvm"),
      llvm::cl::init("llvm")};
};

/// A part of a pipeline with a name to stop at.
struct CPUPhase {
  llvm::StringRef name;
  void (*build)(mlir::OpPassManager &manager,
                const CPUPipelineOptions &options);
};

/// The phases of the CPU pipeline, in their order:
///   functions    parameters are arguments, equal layers one function, results
///                have destinations, prompt and step are functions of their own
///   linalg       no awq and decoder ops: linalg, scf, vector on tensors
///   bufferized   memrefs; caches updated in place, buffers freed
///   parallel     loops; parallel ones in the omp dialect
///   llvm         the LLVM dialect with entry points
llvm::ArrayRef<CPUPhase> getCPUPhases();

/// Appends all phases up to `options.to`.
void buildCPUPipeline(mlir::OpPassManager &manager,
                      const CPUPipelineOptions &options);

/// Registers "awq-cpu-pipeline".
void registerCPUPipeline();

} // namespace awq

#endif // AWQ_PIPELINES_CPUPIPELINE_H
