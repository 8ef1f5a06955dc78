//===- Runner.cpp - runs modules on named tensors --------------*- C++ -*-===//
//
// Part of the awq-mlir project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "awq/Pipelines/Runner.h"

#include "ModulePacking.h"
#include "NamedCall.h"
#include "awq/Dialect/Decoder/IR/Decoder.h"
#include "awq/ExecutionEngine/Runtime/Session.h"
#include "awq/IO/SafetensorsWriter.h"
#include "mlir/IR/MLIRContext.h"
#include "llvm/Support/FileSystem.h"

#include <limits>

using namespace awq;
using namespace awq::runtime;

/// The name of the entry from tokens to logits, which modules need not have.
static constexpr llvm::StringLiteral wholeModel = "logits";

//===----------------------------------------------------------------------===//
// Files of tensors
//===----------------------------------------------------------------------===//

Result<TensorMap> awq::readTensors(const std::string &path) {
  Result<io::SafetensorsFile> file = io::SafetensorsFile::open(path);
  if (!file)
    return file.error();
  TensorMap tensors;
  for (const io::TensorView &view : file->tensors())
    tensors[view.name] =
        Tensor{view.dtype, view.shape, {view.data, view.data + view.bytes}};
  return tensors;
}

Status awq::writeTensors(const std::string &path, const TensorMap &tensors) {
  std::vector<io::TensorSpec> specs;
  for (const auto &[name, tensor] : tensors)
    specs.push_back({name, tensor.dtype, tensor.shape});
  Result<io::SafetensorsWriter> writer =
      io::SafetensorsWriter::create(path, specs);
  if (!writer)
    return writer.error();
  for (const auto &[name, tensor] : tensors)
    if (Status status =
            writer->write(name, tensor.bytes.data(), tensor.bytes.size());
        !status)
      return status;
  return writer->commit();
}

//===----------------------------------------------------------------------===//
// Modules
//===----------------------------------------------------------------------===//

/// Runs an entry point of a compiled module.
static Result<TensorMap>
runEntry(const CompiledModule &compiled, const std::string &name,
         const ParameterFiles &parameters, const TensorMap &inputs,
         const RunOptions &options, int64_t vocabulary) {
  const EntrySignature *entry = compiled.find(name);
  if (!entry) {
    std::string known;
    for (const EntrySignature &other : compiled.entries)
      known += (known.empty() ? "" : ", ") + other.name;
    return Error{ErrorKind::Usage, "AWQ1520",
                 name.empty() ? "there are several entry points"
                              : "there is no entry point '" + name + "'",
                 "", "choose one with --entry: " + known};
  }
  Result<jit::EntryFunction> function = compiled.engine->lookup(name);
  if (!function)
    return function.error();
  return NamedCall(*entry, parameters, options, vocabulary)
      .run(*function, inputs);
}

/// Tokens to logits: forward, then head.
static Result<TensorMap> runModel(const CompiledModule &compiled,
                                  const ParameterFiles &parameters,
                                  const TensorMap &inputs,
                                  const RunOptions &options,
                                  int64_t vocabulary) {
  Result<TensorMap> states =
      runEntry(compiled, "forward", parameters, inputs, options, vocabulary);
  if (!states)
    return states.error();
  TensorMap hidden;
  hidden["hidden"] = std::move((*states)["hidden"]);
  return runEntry(compiled, "head", parameters, hidden, options, vocabulary);
}

/// The rows of the smallest table that tokens index.
static int64_t getVocabulary(mlir::ModuleOp module) {
  int64_t rows = std::numeric_limits<int32_t>::max();
  module.walk([&](decoder::EmbeddingOp op) {
    auto table = mlir::cast<mlir::RankedTensorType>(op.getTable().getType());
    if (!table.isDynamicDim(0))
      rows = std::min(rows, table.getDimSize(0));
  });
  return rows;
}

static Result<TensorMap> runModule(const std::string &path,
                                   const TensorMap &inputs,
                                   const RunOptions &options) {
  mlir::DialectRegistry registry;
  registerCompilerDialects(registry);
  mlir::MLIRContext context(registry, mlir::MLIRContext::Threading::DISABLED);
  Result<mlir::OwningOpRef<mlir::ModuleOp>> module = loadModule(&context, path);
  if (!module)
    return module.error();
  // Lowering leaves no embedding to read it from.
  int64_t vocabulary = getVocabulary(**module);
  ScratchFile packed;
  if (Status status = packForCPU(**module, packed); !status)
    return status.error();
  Result<ParameterFiles> parameters = ParameterFiles::open(**module);
  if (!parameters)
    return parameters.error();
  CPUCompileOptions compile;
  compile.step = llvm::StringRef(options.entry).contains("step");
  Result<CompiledModule> compiled = compileForCPU(**module, compile);
  if (!compiled)
    return compiled.error();
  bool whole = options.entry.empty() || options.entry == wholeModel;
  if (whole && !compiled->find(wholeModel.str()) && compiled->find("forward") &&
      compiled->find("head"))
    return runModel(*compiled, *parameters, inputs, options, vocabulary);
  std::string entry = options.entry;
  if (entry.empty())
    entry = compiled->entries.size() == 1 ? compiled->entries.front().name
            : compiled->find("main")      ? "main"
                                          : "";
  return runEntry(*compiled, entry, *parameters, inputs, options, vocabulary);
}

//===----------------------------------------------------------------------===//
// Bundles
//===----------------------------------------------------------------------===//

static Result<TensorMap> runBundle(const std::string &path,
                                   const TensorMap &inputs,
                                   const RunOptions &options) {
  Result<std::shared_ptr<const Model>> model = Model::load(path);
  if (!model)
    return model.error();
  if (!options.entry.empty() && options.entry != wholeModel)
    return (*model)->run(options.entry, inputs, options.threads);
  auto tokens = inputs.find("tokens");
  if (inputs.size() != 1 || tokens == inputs.end() ||
      tokens->second.dtype != io::DType::I32 ||
      tokens->second.shape.size() != 1)
    return Error{ErrorKind::Usage, "AWQ1521",
                 "a bundle takes one tensor, 'tokens', I32 [T]", path,
                 "name another entry point with --entry"};
  int64_t count = tokens->second.shape.front();
  Result<std::unique_ptr<Session>> session =
      Session::create(*model, std::max(options.maxSeq, count), options.threads);
  if (!session)
    return session.error();
  int64_t vocabulary = (*model)->manifest().model.vocabSize;
  Tensor logits{io::DType::F32,
                {count, vocabulary},
                std::vector<uint8_t>(count * vocabulary * sizeof(float))};
  Status status = (*session)->forward(
      reinterpret_cast<const int32_t *>(tokens->second.bytes.data()), count,
      reinterpret_cast<float *>(logits.bytes.data()), /*allRows=*/true);
  if (!status)
    return status.error();
  TensorMap outputs;
  outputs["logits"] = std::move(logits);
  return outputs;
}

Result<TensorMap> awq::runFile(const std::string &path, const TensorMap &inputs,
                               const RunOptions &options) {
  if (llvm::sys::fs::exists(path + "/manifest.json"))
    return runBundle(path, inputs, options);
  return runModule(path, inputs, options);
}
