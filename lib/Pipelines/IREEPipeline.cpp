//===- IREEPipeline.cpp - from models to IREE's input -----------*- C++ -*-===//
//
// Part of the awq-mlir project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "awq/Pipelines/IREEPipeline.h"

#include "ParameterFiles.h"

#include "awq/Conversion/AWQToLinalg/Passes.h"
#include "awq/Conversion/DecoderToLinalg/Passes.h"
#include "awq/Conversion/ParametersToIREE/Passes.h"
#include "awq/Dialect/AWQ/Transforms/ParameterFileList.h"
#include "awq/Dialect/AWQ/Transforms/ParameterStore.h"
#include "awq/Dialect/AWQ/Transforms/Passes.h"
#include "awq/Pipelines/Compiler.h"
#include "mlir/Dialect/MLProgram/IR/MLProgram.h"
#include "mlir/Pass/PassManager.h"
#include "mlir/Pass/PassRegistry.h"
#include "mlir/Transforms/Passes.h"

#include <set>

using namespace mlir;
using namespace awq;

void awq::buildIREEPipeline(OpPassManager &manager,
                            const IREEPipelineOptions &options) {
  // Weights stay as the checkpoint packs them: packing for our own kernels
  // would need another file.
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

/// The file that holds a parameter.
static Result<std::string> findFile(const ParameterFiles &files,
                                    ml_program::GlobalOp global) {
  auto type = cast<ShapedType>(global.getType());
  EntryArgument argument;
  argument.name = global.getSymName().str();
  llvm::raw_string_ostream(argument.type) << type.getElementType();
  argument.shape = type.getShape().vec();
  Result<io::TensorView> view = files.find(argument);
  if (!view)
    return view.error();
  if (!StringRef(view->file).ends_with(".safetensors"))
    return Error{ErrorKind::Unsupported, "AWQ1552",
                 "IREE cannot read the parameter '" + argument.name +
                     "' from a file of this format",
                 view->file,
                 "write the model as a checkpoint first: awq-compile "
                 "--quantize=rtn -o FOLDER"};
  return view->file;
}

/// The files that hold the module's parameters, each once. Of two that have the
/// same one IREE takes the first and a module the last: the order is reversed.
static Result<std::vector<std::string>> findFiles(ModuleOp module) {
  Result<ParameterFiles> parameters = ParameterFiles::open(module);
  if (!parameters)
    return parameters.error();
  Result<std::vector<io::Checkpoint>> files = openParameterFiles(module);
  if (!files)
    return files.error();
  std::vector<std::set<std::string>> found(files->size());
  for (auto global : module.getOps<ml_program::GlobalOp>()) {
    if (!isa_and_nonnull<ml_program::ExternAttr>(global.getValueAttr()))
      continue;
    Result<std::string> file = findFile(*parameters, global);
    if (!file)
      return file.error();
    size_t place = files->size() - 1;
    while (!(*files)[place].find(global.getSymName().str()))
      --place;
    found[place].insert(*file);
  }
  std::vector<std::string> ordered;
  for (const auto &paths : llvm::reverse(found))
    ordered.insert(ordered.end(), paths.begin(), paths.end());
  return ordered;
}

/// Computes parameters that are made of others into `sideFile`.
static Status materialize(ModuleOp module, const std::string &sideFile) {
  if (!hasParameterExpressions(module))
    return {};
  MaterializeParametersPassOptions options;
  options.sideFile = sideFile;
  return runPasses(module, "parameters", [&](OpPassManager &manager) {
    manager.addPass(createMaterializeParametersPass(options));
    manager.addPass(createSymbolDCEPass());
  });
}

Result<std::vector<std::string>>
awq::lowerForIREE(ModuleOp module, const std::string &sideFile) {
  if (Status status = materialize(module, sideFile); !status)
    return status.error();
  Result<std::vector<std::string>> files = findFiles(module);
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
