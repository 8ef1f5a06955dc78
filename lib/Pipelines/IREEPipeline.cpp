//===- IREEPipeline.cpp - from models to IREE's input -----------*- C++ -*-===//
//
// Part of the awq-mlir project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "awq/Pipelines/IREEPipeline.h"

#include "IREEParameters.h"

#include "awq/Conversion/AWQToLinalg/Passes.h"
#include "awq/Conversion/DecoderToLinalg/Passes.h"
#include "awq/Conversion/ParametersToIREE/Passes.h"
#include "awq/Pipelines/Compiler.h"
#include "mlir/Pass/PassManager.h"
#include "mlir/Pass/PassRegistry.h"
#include "mlir/Transforms/Passes.h"

using namespace mlir;
using namespace awq;

void awq::buildIREEPipeline(OpPassManager &manager,
                            const IREEPipelineOptions &options) {
  // Weights stay as they are: AutoAWQ's words or codes.
  manager.addPass(createConvertAWQToLinalgPass());
  ConvertDecoderToLinalgPassOptions decoder;
  decoder.portable = true;
  manager.addPass(createConvertDecoderToLinalgPass(decoder));
  manager.addPass(createCanonicalizerPass());
  manager.addPass(createCSEPass());
  ConvertParametersToIREEPassOptions parameters;
  parameters.scope = options.scope;
  manager.addPass(createConvertParametersToIREEPass(parameters));
}

Result<std::vector<std::string>> awq::lowerForIREE(ModuleOp module,
                                                   const std::string &stem) {
  Result<std::vector<std::string>> files = prepareIREEParameters(module, stem);
  if (!files)
    return files;
  // IREE's parameters are attributes of a dialect that is unknown here.
  MLIRContext &context = *module.getContext();
  bool allowed = context.allowsUnregisteredDialects();
  context.allowUnregisteredDialects();
  Status status = runPasses(module, "iree", [](OpPassManager &manager) {
    buildIREEPipeline(manager, {});
  });
  context.allowUnregisteredDialects(allowed);
  if (!status)
    return status.error();
  return files;
}

void awq::registerIREEPipeline() {
  PassPipelineRegistration<IREEPipelineOptions>(
      "awq-iree-pipeline",
      "From a model, float or quantized, to linalg that iree-compile takes, "
      "with packed weights as parameters",
      buildIREEPipeline);
}
