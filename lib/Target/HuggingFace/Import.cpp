//===- Import.cpp - Hugging Face models to MLIR ---------------------------===//
//
// Part of the awq-mlir project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "awq/Target/HuggingFace/Import.h"

#include "ModelBuilder.h"
#include "ParameterTable.h"
#include "awq/Dialect/AWQ/IR/AWQ.h"
#include "awq/Dialect/Decoder/IR/Decoder.h"
#include "awq/IO/AutoAwqCheckpoint.h"
#include "awq/IO/HfConfig.h"
#include "awq/IO/Safetensors.h"
#include "awq/Target/HuggingFace/ArchitectureRules.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/MLProgram/IR/MLProgram.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/Verifier.h"

#include <filesystem>

using namespace mlir;
using namespace awq;
namespace fs = std::filesystem;

void awq::registerHuggingFaceDialects(DialectRegistry &registry) {
  registry.insert<AWQDialect, decoder::DecoderDialect, arith::ArithDialect,
                  func::FuncDialect, linalg::LinalgDialect,
                  ml_program::MLProgramDialect, tensor::TensorDialect>();
}

//===----------------------------------------------------------------------===//
// Attributes of the module
//===----------------------------------------------------------------------===//

static DictionaryAttr describeModel(Builder builder, StringRef name,
                                    const io::HfConfig &config,
                                    const AttentionSizes &sizes) {
  NamedAttrList attributes;
  auto add = [&](StringRef key, int64_t value) {
    attributes.append(key, builder.getI64IntegerAttr(value));
  };
  attributes.append("name", builder.getStringAttr(name));
  attributes.append("architecture", builder.getStringAttr(config.modelType));
  add("vocab_size", config.vocabSize);
  add("hidden_size", config.hiddenSize);
  add("intermediate_size", config.intermediateSize);
  add("layers", config.layers);
  add("heads", config.heads);
  add("kv_heads", sizes.kvHeads);
  add("head_dim", sizes.key);
  add("value_head_dim", sizes.value);
  add("max_position", config.maxPosition);
  attributes.append("tied_embeddings",
                    builder.getBoolAttr(config.tieWordEmbeddings));
  attributes.append("bos_tokens",
                    builder.getDenseI64ArrayAttr(config.bosTokens));
  attributes.append("eos_tokens",
                    builder.getDenseI64ArrayAttr(config.eosTokens));
  attributes.append("quantized",
                    builder.getBoolAttr(config.quantization.has_value()));
  if (config.quantization) {
    add("bits", config.quantization->bits);
    add("group_size", config.quantization->groupSize);
  }
  return attributes.getDictionary(builder.getContext());
}

//===----------------------------------------------------------------------===//
// The checkpoint as a whole
//===----------------------------------------------------------------------===//

/// The index in a tensor's name if it belongs to a layer.
static std::optional<int64_t> layerOf(const Architecture &architecture,
                                      StringRef tensor) {
  auto [head, tail] = StringRef(architecture.layerModule).split("{layer}");
  int64_t layer;
  if (!tensor.consume_front(head) || tensor.consumeInteger(10, layer) ||
      !tensor.starts_with((tail + ".").str()))
    return std::nullopt;
  return layer;
}

/// A head that is stored although it is tied must not say anything else than
/// the embedding.
static void checkTiedHead(const Architecture &architecture,
                          const io::HfConfig &config,
                          ParameterTable &parameters) {
  std::string head = architecture.head.module + ".weight";
  std::string embedding = architecture.embedding + ".weight";
  if (!config.tieWordEmbeddings || !parameters.has(head) ||
      parameters.sameBytes(head, embedding))
    return;
  parameters.fail({ErrorKind::Malformed, "AWQ1125",
                   "config.json ties the head to the embedding, but \"" + head +
                       "\" and \"" + embedding + "\" differ",
                   config.file + ", field \"tie_word_embeddings\"",
                   "set tie_word_embeddings to false to use the stored head, "
                   "or remove \"" +
                       head + "\" from the checkpoint"});
}

/// The rules of AWQ checkpoints that go beyond the shapes of single tensors.
static Status checkQuantized(const Architecture &architecture,
                             const io::HfConfig &config,
                             const io::Checkpoint &checkpoint) {
  if (!config.quantization)
    return {};
  io::AwqCheckpointRules rules;
  rules.layers = config.layers;
  rules.fusedSets = architecture.fusedSets();
  auto linears =
      io::checkAwqCheckpoint(checkpoint, *config.quantization, rules);
  return linears ? Status() : Status(linears.error());
}

/// Tensors that nothing reads: of layers that config.json does not have (an
/// error), or unknown (a warning).
static void checkUnused(const Architecture &architecture,
                        const io::HfConfig &config, ParameterTable &parameters,
                        Location loc) {
  SmallVector<std::string> unknown;
  Result<std::optional<int64_t>> ignored =
      evaluate(architecture.ignoredLayers, config);
  if (!ignored)
    return parameters.fail(ignored.error());
  int64_t behind = config.layers + ignored->value_or(0);
  for (const std::string &name : parameters.unused()) {
    std::optional<int64_t> layer = layerOf(architecture, name);
    if (layer && *layer >= config.layers && *layer < behind)
      continue;
    if (layer && *layer >= config.layers)
      return parameters.fail(
          {ErrorKind::Malformed, "AWQ1123",
           "the checkpoint has layer " + std::to_string(*layer) +
               " (tensor \"" + name + "\"), but config.json has only " +
               std::to_string(config.layers) + " layers",
           config.file + ", field \"num_hidden_layers\"",
           "config.json and the weights must belong to the same model"});
    bool tiedHead = config.tieWordEmbeddings &&
                    name == architecture.head.module + ".weight";
    if (!tiedHead && !architecture.ignores(name))
      unknown.push_back(name);
  }
  if (unknown.empty())
    return;
  size_t shown = std::min<size_t>(unknown.size(), 5);
  emitWarning(loc) << unknown.size()
                   << " tensors of the checkpoint are not used: "
                   << llvm::join(ArrayRef(unknown).take_front(shown), ", ")
                   << (shown < unknown.size() ? ", ..." : "");
}

//===----------------------------------------------------------------------===//
// Import
//===----------------------------------------------------------------------===//

static Result<io::HfConfig> readConfig(const std::string &path,
                                       const HuggingFaceImportOptions &options,
                                       std::optional<Architecture> &result) {
  Result<nlohmann::json> root = io::readHfConfigFile(path);
  if (!root)
    return root.error();
  std::string folder = fs::absolute(path).parent_path().string();
  if (Status status = io::addLegacyQuantization(*root, folder); !status)
    return status.error();
  Result<Architecture> architecture =
      findArchitecture(*root, path, options.architectureFile);
  if (!architecture)
    return architecture.error();
  result = std::move(*architecture);
  if (Status status = applyNames(*result, *root, path); !status)
    return status.error();
  Result<io::HfConfig> config =
      io::parseHfConfig(std::move(*root), result->defaults, path);
  if (config)
    if (Status status = checkRequired(*result, *config); !status)
      return status.error();
  return config;
}

static OwningOpRef<ModuleOp> createModule(MLIRContext *context,
                                          const fs::path &folder,
                                          const io::HfConfig &config,
                                          const AttentionSizes &sizes,
                                          const io::Checkpoint *checkpoint) {
  Builder builder(context);
  Location loc = FileLineColLoc::get(context, config.file, 0, 0);
  std::string name = folder.filename().string();
  OwningOpRef<ModuleOp> module = ModuleOp::create(loc, name);
  (*module)->setAttr("awq.model", describeModel(builder, name, config, sizes));
  if (checkpoint) {
    SmallVector<Attribute> files;
    for (const std::string &file : checkpoint->files())
      files.push_back(builder.getStringAttr(fs::absolute(file).string()));
    (*module)->setAttr("awq.parameter_files", builder.getArrayAttr(files));
  }
  return module;
}

Result<OwningOpRef<ModuleOp>>
awq::importHuggingFace(MLIRContext *context, const std::string &path,
                       const HuggingFaceImportOptions &options) {
  DialectRegistry registry;
  registerHuggingFaceDialects(registry);
  context->appendDialectRegistry(registry);
  context->loadAllAvailableDialects();

  std::error_code ignored;
  fs::path file = path;
  if (fs::is_directory(file, ignored))
    file /= "config.json";
  fs::path folder =
      fs::absolute(file, ignored).lexically_normal().parent_path();

  std::optional<Architecture> architecture;
  Result<io::HfConfig> config =
      readConfig(file.string(), options, architecture);
  if (!config)
    return config.error();
  Result<AttentionSizes> sizes = attentionSizes(*architecture, *config);
  if (!sizes)
    return sizes.error();
  Location loc = FileLineColLoc::get(context, config->file, 0, 0);
  for (const std::string &warning : config->warnings)
    emitWarning(loc) << warning;

  std::optional<io::Checkpoint> checkpoint;
  if (!options.splat) {
    Result<io::Checkpoint> opened = io::Checkpoint::open(folder.string());
    if (!opened)
      return opened.error();
    checkpoint.emplace(std::move(*opened));
    if (Status status = checkQuantized(*architecture, *config, *checkpoint);
        !status)
      return status.error();
  }
  const io::Checkpoint *weights = checkpoint ? &*checkpoint : nullptr;
  OwningOpRef<ModuleOp> module =
      createModule(context, folder, *config, *sizes, weights);
  ParameterTable parameters(*module, *config, weights);
  ModelBuilder(*module, *architecture, *config, *sizes, parameters).build();
  if (weights && parameters) {
    checkTiedHead(*architecture, *config, parameters);
    checkUnused(*architecture, *config, parameters, loc);
  }
  if (Status status = parameters.status(); !status)
    return status.error();
  if (failed(verify(*module)))
    return Error{ErrorKind::Internal, "AWQ1131",
                 "the imported module does not verify", config->file,
                 "please report this with the config.json"};
  return module;
}
