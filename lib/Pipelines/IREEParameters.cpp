//===- IREEParameters.cpp - parameters as IREE reads them -------*- C++ -*-===//
//
// Part of the awq-mlir project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "IREEParameters.h"

#include "ParameterFiles.h"

#include "awq/Dialect/AWQ/IR/AWQ.h"
#include "awq/Dialect/AWQ/Transforms/ParameterFileList.h"
#include "awq/Dialect/AWQ/Transforms/ParameterStore.h"
#include "awq/Dialect/AWQ/Transforms/Passes.h"
#include "awq/Dialect/AWQ/Utils/Layouts.h"
#include "awq/Pipelines/Compiler.h"
#include "mlir/Dialect/MLProgram/IR/MLProgram.h"
#include "mlir/Pass/PassManager.h"
#include "mlir/Transforms/Passes.h"

#include <set>

using namespace mlir;
using namespace awq;

/// Whether all quantized weights fit AutoAWQ's words and some are something
/// else: codes of a byte each, or packed for kernels.
static bool needsPacking(ModuleOp module) {
  const Layout &words = *findLayout("autoawq_gemm");
  bool needed = false;
  WalkResult result = module.walk([&](QuantizedWeightOpInterface op) {
    LayoutAttr present = op.getLayout();
    if (present && present.getKind() == LayoutKind::AutoAWQGemm)
      return WalkResult::advance();
    needed = true;
    SchemeAttr scheme = op.getScheme();
    bool fits = scheme.getScale().isF16() &&
                validateLayout(words, toQuantScheme(scheme),
                               op.getOutputChannels(), op.getInputChannels());
    return fits ? WalkResult::advance() : WalkResult::interrupt();
  });
  return needed && !result.wasInterrupted();
}

/// Packs codes and computes parameters that are made of others into `sideFile`,
/// as needed.
static Status prepareParameters(ModuleOp module, const std::string &sideFile) {
  bool packs = needsPacking(module);
  if (!packs && !hasParameterExpressions(module))
    return {};
  return runPasses(module, "parameters", [&](OpPassManager &manager) {
    if (packs) {
      PackWeightsPassOptions options;
      options.layout = "autoawq_gemm";
      options.sideFile = sideFile;
      manager.addPass(createPackWeightsPass(options));
    } else {
      MaterializeParametersPassOptions options;
      options.sideFile = sideFile;
      manager.addPass(createMaterializeParametersPass(options));
    }
    manager.addPass(createSymbolDCEPass());
  });
}

/// The tensor of an extern global.
static Result<io::TensorView> findTensor(const ParameterFiles &files,
                                         ml_program::GlobalOp global) {
  auto type = cast<ShapedType>(global.getType());
  EntryArgument argument;
  argument.name = global.getSymName().str();
  llvm::raw_string_ostream(argument.type) << type.getElementType();
  argument.shape = type.getShape().vec();
  return files.find(argument);
}

/// The files that hold the module's parameters, each once; `copies` is written
/// and comes first if some are in files of other formats. Of two files that
/// have the same parameter IREE takes the first, and a module the last: the
/// order is reversed.
static Result<std::vector<std::string>> findFiles(ModuleOp module,
                                                  const std::string &copies) {
  Result<ParameterFiles> parameters = ParameterFiles::open(module);
  if (!parameters)
    return parameters.error();
  Result<std::vector<io::Checkpoint>> files = openParameterFiles(module);
  if (!files)
    return files.error();
  std::vector<std::set<std::string>> found(files->size());
  std::vector<io::TensorView> others;
  for (auto global : module.getOps<ml_program::GlobalOp>()) {
    if (!isa_and_nonnull<ml_program::ExternAttr>(global.getValueAttr()))
      continue;
    Result<io::TensorView> view = findTensor(*parameters, global);
    if (!view)
      return view.error();
    if (!StringRef(view->file).ends_with(".safetensors")) {
      others.push_back(*view);
      continue;
    }
    size_t place = files->size() - 1;
    while (!(*files)[place].find(view->name))
      --place;
    found[place].insert(view->file);
  }
  std::vector<std::string> ordered;
  if (!others.empty()) {
    if (Status status = copyTensors(others, copies); !status)
      return status.error();
    ordered.push_back(copies);
  }
  for (const auto &paths : llvm::reverse(found))
    ordered.insert(ordered.end(), paths.begin(), paths.end());
  return ordered;
}

Result<std::vector<std::string>>
awq::prepareIREEParameters(ModuleOp module, const std::string &stem) {
  if (Status status =
          prepareParameters(module, stem + ".parameters.safetensors");
      !status)
    return status.error();
  return findFiles(module, stem + ".copies.safetensors");
}
