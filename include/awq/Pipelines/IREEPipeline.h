//===- IREEPipeline.h - from models to IREE's input -------------*- C++ -*-===//
//
// Part of the awq-mlir project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef AWQ_PIPELINES_IREEPIPELINE_H
#define AWQ_PIPELINES_IREEPIPELINE_H

#include "awq/Support/Error.h"
#include "mlir/IR/BuiltinOps.h"
#include "mlir/Pass/PassOptions.h"

#include <string>
#include <vector>

namespace mlir {
class OpPassManager;
} // namespace mlir

namespace awq {

struct IREEPipelineOptions
    : public mlir::PassPipelineOptions<IREEPipelineOptions> {
  Option<std::string> scope{
      *this, "scope", llvm::cl::desc("The scope of the parameters in IREE"),
      llvm::cl::init("model")};
};

/// Appends the passes that make of a model, float or quantized, what
/// iree-compile takes: linalg on tensors, weights in their packed form and
/// named as parameters in files.
void buildIREEPipeline(mlir::OpPassManager &manager,
                       const IREEPipelineOptions &options);

/// Runs the pipeline. Before, weights that are made of others are computed,
/// codes are packed as AutoAWQ does if all can be, and parameters in files of
/// other formats are copied: to new files whose paths begin with `stem`, as far
/// as there is any need. Returns the files that hold the parameters, all of
/// them safetensors, in the order that IREE must get them. Errors: AWQ1522 (a
/// parameter in no file, or another one than the module's), those of
/// openParameterFiles and of SafetensorsWriter, AWQ1510.
Result<std::vector<std::string>> lowerForIREE(mlir::ModuleOp module,
                                              const std::string &stem);

/// Registers "awq-iree-pipeline".
void registerIREEPipeline();

} // namespace awq

#endif // AWQ_PIPELINES_IREEPIPELINE_H
