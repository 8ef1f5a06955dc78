//===- RaiseModule.cpp - plain modules become decoders --- -*- C++ -*-===//
//
// Part of the awq-mlir project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "RaiseModule.h"

#include "awq/Dialect/Decoder/IR/Decoder.h"
#include "awq/Dialect/Decoder/Transforms/Passes.h"
#include "awq/IO/Json.h"
#include "awq/Pipelines/Compiler.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Pass/PassManager.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/Path.h"

using namespace mlir;
using namespace awq;

namespace {
/// What no graph tells about a model.
struct ModelFacts {
  std::string architecture = "decoder";
  int64_t maxPosition = 0;
  std::vector<int64_t> bosTokens, eosTokens;
};
} // namespace

/// One id or a list of them, if there are any.
static void readTokens(const nlohmann::json &object, const char *key,
                       std::vector<int64_t> &tokens) {
  auto it = object.find(key);
  if (it == object.end() || it->is_null())
    return;
  tokens.clear();
  for (const nlohmann::json &token :
       it->is_array() ? *it : nlohmann::json::array({*it}))
    if (token.is_number_integer() && token >= 0)
      tokens.push_back(token.get<int64_t>());
}

static void readFacts(const std::string &path, ModelFacts &facts) {
  if (!llvm::sys::fs::exists(path))
    return;
  Result<nlohmann::json> parsed = io::parseJsonFile(path);
  if (!parsed || !parsed->is_object())
    return;
  // genai_config.json keeps them one level down.
  const nlohmann::json &root = *parsed;
  const nlohmann::json &model =
      root.contains("model") && root["model"].is_object() ? root["model"]
                                                          : root;
  for (const char *key : {"type", "model_type"})
    if (auto it = model.find(key); it != model.end() && it->is_string())
      facts.architecture = it->get<std::string>();
  for (const char *key : {"context_length", "max_position_embeddings"})
    if (auto it = model.find(key);
        it != model.end() && it->is_number_integer() && *it > 0)
      facts.maxPosition = it->get<int64_t>();
  readTokens(model, "bos_token_id", facts.bosTokens);
  readTokens(model, "eos_token_id", facts.eosTokens);
}

/// Positions that tables hold, for a model whose folder says nothing.
static constexpr int64_t unknownPositions = 1 << 17;

static void describe(ModuleOp module, const std::string &source) {
  ModelFacts facts;
  llvm::StringRef folder = llvm::sys::path::parent_path(source);
  for (llvm::StringRef name :
       {"config.json", "generation_config.json", "genai_config.json"}) {
    llvm::SmallString<128> path(folder);
    llvm::sys::path::append(path, name);
    readFacts(path.str().str(), facts);
  }
  Builder b(module.getContext());
  NamedAttrList attributes;
  auto add = [&](StringRef key, int64_t value) {
    attributes.append(key, b.getI64IntegerAttr(value));
  };
  attributes.append("name", b.getStringAttr(llvm::sys::path::stem(source)));
  attributes.append("architecture", b.getStringAttr(facts.architecture));
  auto head = module.lookupSymbol<func::FuncOp>("head");
  add("vocab_size",
      cast<RankedTensorType>(head.getResultTypes()[0]).getDimSize(1));
  add("hidden_size",
      cast<RankedTensorType>(head.getArgumentTypes()[0]).getDimSize(1));
  int64_t layers = 0;
  decoder::AttentionOp attention;
  module.walk([&](decoder::AttentionOp op) {
    ++layers;
    attention = op;
  });
  add("layers", layers);
  auto query = cast<RankedTensorType>(attention.getQuery().getType()),
       value = cast<RankedTensorType>(attention.getValue().getType());
  add("heads", query.getDimSize(1));
  add("kv_heads", value.getDimSize(1));
  add("head_dim", query.getDimSize(2));
  add("value_head_dim", value.getDimSize(2));
  add("max_position",
      facts.maxPosition > 0 ? facts.maxPosition : unknownPositions);
  attributes.append("bos_tokens", b.getDenseI64ArrayAttr(facts.bosTokens));
  attributes.append("eos_tokens", b.getDenseI64ArrayAttr(facts.eosTokens));
  module->setAttr("awq.model", attributes.getDictionary(b.getContext()));
}

Status awq::raiseModule(ModuleOp module, const std::string &source) {
  if (!module.lookupSymbol("main") || module.lookupSymbol("forward"))
    return {};
  Status status = runPasses(module, "raise", [](OpPassManager &manager) {
    RaiseDecoderPassOptions options;
    options.require = true;
    manager.addPass(createRaiseDecoderPass(options));
  });
  if (status)
    describe(module, source);
  return status;
}
