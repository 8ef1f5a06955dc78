//===- HfConfig.cpp - config.json of a Hugging Face model -----------------===//
//
// Part of the awq-mlir project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "awq/IO/HfConfig.h"

#include "awq/IO/JsonFields.h"

#include <algorithm>
#include <cctype>

using namespace awq;
using namespace awq::io;
using nlohmann::json;

// Bounds that every decoder known today keeps by a wide margin. They make all
// later products of two sizes fit in 64 bits.
static constexpr int64_t maxHidden = int64_t(1) << 20;
static constexpr int64_t maxIntermediate = int64_t(1) << 22;
static constexpr int64_t maxVocabulary = int64_t(1) << 24;
static constexpr int64_t maxLayers = 4096;
static constexpr int64_t maxHeads = 4096;
static constexpr int64_t maxHeadDim = 8192;
static constexpr int64_t maxContext = int64_t(1) << 27;

Result<json> io::readHfConfigFile(const std::string &path) {
  Result<json> root = parseJsonFile(path);
  if (!root)
    return root;
  if (!root->is_object())
    return Error{ErrorKind::Malformed, "AWQ1101",
                 "config.json must hold one JSON object", path,
                 "fetch the model's config.json again"};
  JsonFields fields(*root, path);
  fields.string("model_type");
  if (!fields)
    return fields.status().error();
  return root;
}

//===----------------------------------------------------------------------===//
// Parts of the configuration
//===----------------------------------------------------------------------===//

static void readSizes(JsonFields &fields, HfConfig &config) {
  config.vocabSize = fields.integer("vocab_size", 1, maxVocabulary);
  config.hiddenSize = fields.integer("hidden_size", 1, maxHidden);
  config.intermediateSize =
      fields.integer("intermediate_size", 1, maxIntermediate);
  config.layers = fields.integer("num_hidden_layers", 1, maxLayers);
  config.heads = fields.integer("num_attention_heads", 1, maxHeads);
  config.kvHeads = fields.optionalInteger("num_key_value_heads", 1, maxHeads)
                       .value_or(config.heads);
  config.maxPosition = fields.integer("max_position_embeddings", 1, maxContext);
  std::optional<int64_t> headDim =
      fields.optionalInteger("head_dim", 1, maxHeadDim);
  if (!fields)
    return;
  if (config.heads % config.kvHeads != 0)
    fields.fail(ErrorKind::Malformed, "AWQ1105", "num_key_value_heads",
                "num_key_value_heads " + std::to_string(config.kvHeads) +
                    " does not divide num_attention_heads " +
                    std::to_string(config.heads),
                "every key-value head must serve the same number of query "
                "heads; correct one of the two");
  if (!headDim && config.hiddenSize % config.heads != 0)
    fields.fail(ErrorKind::Malformed, "AWQ1105", "num_attention_heads",
                "num_attention_heads " + std::to_string(config.heads) +
                    " does not divide hidden_size " +
                    std::to_string(config.hiddenSize) +
                    ", and head_dim is not given",
                "correct one of the two, or give head_dim");
  config.headDim = headDim.value_or(config.hiddenSize / config.heads);
}

static void readDType(JsonFields &fields, HfConfig &config) {
  const char *key = fields.find("dtype") ? "dtype" : "torch_dtype";
  std::string spelling = fields.optionalString(key).value_or("float32");
  if (spelling.rfind("torch.", 0) == 0)
    spelling = spelling.substr(6);
  if (spelling == "float32" || spelling == "float" || spelling == "auto")
    config.dtype = DType::F32;
  else if (spelling == "float16" || spelling == "half")
    config.dtype = DType::F16;
  else if (spelling == "bfloat16")
    config.dtype = DType::BF16;
  else
    fields.fail(ErrorKind::Unsupported, "AWQ1109", key,
                "unknown type of weights \"" + spelling + "\"",
                "supported are float32, float16 and bfloat16");
}

static void readTokens(JsonFields &fields, HfConfig &config) {
  // Some files use -1 for "none", and some ids lie above vocab_size because
  // the tokenizer was extended; such ids are never produced.
  constexpr int64_t high = int64_t(1) << 31;
  config.bosTokens = fields.integers("bos_token_id", -1, high);
  config.eosTokens = fields.integers("eos_token_id", -1, high);
  for (std::vector<int64_t> *ids : {&config.bosTokens, &config.eosTokens})
    ids->erase(std::remove(ids->begin(), ids->end(), -1), ids->end());
}

//===----------------------------------------------------------------------===//
// Rotary embedding
//===----------------------------------------------------------------------===//

static void readYarn(JsonFields &scaling, const HfConfig &config,
                     RopeConfig &rope) {
  rope.attentionFactor = scaling.optionalNumber("attention_factor", 0.0, 1e6);
  rope.mscale = scaling.optionalNumber("mscale", 0.0, 1e6);
  rope.mscaleAllDim = scaling.optionalNumber("mscale_all_dim", 0.0, 1e6);
  // transformers takes 0 for "not given" here.
  double fast = scaling.optionalNumber("beta_fast", 0.0, 1e6).value_or(0.0);
  double slow = scaling.optionalNumber("beta_slow", 0.0, 1e6).value_or(0.0);
  rope.betaFast = fast == 0.0 ? 32.0 : fast;
  rope.betaSlow = slow == 0.0 ? 1.0 : slow;
  rope.truncate = scaling.optionalBoolean("truncate").value_or(true);
  if (rope.betaFast < rope.betaSlow)
    scaling.fail(ErrorKind::Malformed, "AWQ1105", "beta_fast",
                 "beta_fast is smaller than beta_slow",
                 "exchange the two; usual values are 32 and 1");
}

static void readScaling(JsonFields &fields, JsonFields &scaling,
                        const HfConfig &config, RopeConfig &rope) {
  const char *key = scaling.find("rope_type") ? "rope_type" : "type";
  std::string type = scaling.optionalString(key).value_or("default");
  if (type == "default")
    return;
  if (type == "linear")
    rope.type = RopeType::Linear;
  else if (type == "llama3")
    rope.type = RopeType::Llama3;
  else if (type == "yarn")
    rope.type = RopeType::Yarn;
  else
    return scaling.fail(
        ErrorKind::Unsupported, "AWQ1107", key,
        "rotary scaling \"" + type + "\" is not supported",
        "supported are default, linear, llama3 and yarn; \"dynamic\" and "
        "\"longrope\" change with the length of the text");

  int64_t original = config.maxPosition;
  if (std::optional<int64_t> inner = scaling.optionalInteger(
          "original_max_position_embeddings", 1, maxContext))
    original = *inner;
  if (std::optional<int64_t> outer = fields.optionalInteger(
          "original_max_position_embeddings", 1, maxContext))
    original = *outer;
  rope.originalMaxPosition = original;

  bool nullFactor = rope.type == RopeType::Yarn && !scaling.find("factor");
  rope.factor = nullFactor ? static_cast<double>(config.maxPosition) / original
                           : scaling.number("factor", 1e-3, 1e6);
  if (rope.type == RopeType::Yarn)
    readYarn(scaling, config, rope);
  if (rope.type != RopeType::Llama3)
    return;
  rope.lowFreqFactor = scaling.number("low_freq_factor", 1e-6, 1e6);
  rope.highFreqFactor = scaling.number("high_freq_factor", 1e-6, 1e6);
  if (scaling && rope.highFreqFactor <= rope.lowFreqFactor)
    scaling.fail(ErrorKind::Malformed, "AWQ1105", "high_freq_factor",
                 "high_freq_factor must be larger than low_freq_factor",
                 "correct the two; usual values are 4 and 1");
}

// Yarn divides by the logarithm of theta.
static constexpr double minTheta = 1.001;
static constexpr double maxTheta = 1e15;

/// One object of rotary parameters; `rope` holds what goes without it.
static void readRopeObject(JsonFields &fields, const json &object,
                           const std::string &prefix, const HfConfig &config,
                           RopeConfig &rope) {
  JsonFields scaling(object, fields.file(), prefix);
  rope.theta = scaling.optionalNumber("rope_theta", minTheta, maxTheta)
                   .value_or(rope.theta);
  rope.partialFactor = scaling.optionalNumber("partial_rotary_factor", 0.0, 1.0)
                           .value_or(rope.partialFactor);
  readScaling(fields, scaling, config, rope);
  fields.adopt(scaling);
}

static void readRope(JsonFields &fields, HfConfig &config) {
  // transformers 5 moves everything into rope_parameters; where a file has
  // both objects, it takes rope_scaling.
  std::string key = "rope_scaling";
  const json *object = fields.object(key);
  if (!object || object->empty()) {
    key = "rope_parameters";
    object = fields.object(key);
  }
  RopeConfig &rope = config.rope;
  // GPT-NeoX's files call them otherwise.
  for (const char *name : {"rope_theta", "rotary_emb_base"})
    rope.theta =
        fields.optionalNumber(name, minTheta, maxTheta).value_or(rope.theta);
  for (const char *name : {"partial_rotary_factor", "rotary_pct"})
    rope.partialFactor =
        fields.optionalNumber(name, 0.0, 1.0).value_or(rope.partialFactor);
  RopeConfig local = rope;
  if (auto theta =
          fields.optionalNumber("rope_local_base_freq", minTheta, maxTheta)) {
    local.theta = *theta;
    config.localRope = local;
  }
  if (!object)
    return;
  if (!object->contains("full_attention") &&
      !object->contains("sliding_attention"))
    return readRopeObject(fields, *object, key + ".", config, rope);
  JsonFields kinds(*object, fields.file(), key + ".");
  config.localRope = local;
  if (const json *full = kinds.object("full_attention"))
    readRopeObject(fields, *full, key + ".full_attention.", config, rope);
  if (const json *sliding = kinds.object("sliding_attention"))
    readRopeObject(fields, *sliding, key + ".sliding_attention.", config,
                   *config.localRope);
  fields.adopt(kinds);
}

//===----------------------------------------------------------------------===//
// Attention windows and quantization
//===----------------------------------------------------------------------===//

static void readWindows(JsonFields &fields, HfConfig &config) {
  config.slidingWindow =
      fields.optionalInteger("sliding_window", 1, maxContext);
  config.layerTypes = fields.strings("layer_types");
  if (config.layerTypes.empty())
    return;
  if (static_cast<int64_t>(config.layerTypes.size()) != config.layers)
    fields.fail(ErrorKind::Malformed, "AWQ1105", "layer_types",
                "layer_types has " + std::to_string(config.layerTypes.size()) +
                    " entries for " + std::to_string(config.layers) + " layers",
                "give one entry per layer, or remove the field");
  for (const std::string &type : config.layerTypes)
    if (type != "full_attention" && type != "sliding_attention")
      fields.fail(ErrorKind::Unsupported, "AWQ1112", "layer_types",
                  "attention of type \"" + type + "\" is not supported",
                  "supported are full_attention and sliding_attention");
}

/// AutoAWQ wrote its old quant_config.json with other names; both are read.
static std::string firstPresent(const JsonFields &fields,
                                std::initializer_list<const char *> names) {
  for (const char *name : names)
    if (fields.find(name))
      return name;
  return *names.begin();
}

static Status readQuantization(const json &object, HfConfig &config) {
  JsonFields fields(object, config.file, "quantization_config.");
  std::string method = fields.string("quant_method");
  if (fields && method != "awq")
    fields.fail(ErrorKind::Unsupported, "AWQ1111", "quant_method",
                "quantization method \"" + method + "\" is not supported",
                "give an \"awq\" checkpoint or the unquantized model");
  std::string version = fields.optionalString("version").value_or("gemm");
  std::transform(version.begin(), version.end(), version.begin(),
                 [](unsigned char c) { return std::tolower(c); });
  if (version != "gemm")
    fields.fail(ErrorKind::Unsupported, "AWQ1111", "version",
                "AWQ layout \"" + version + "\" is not supported",
                "supported is \"gemm\"; convert the checkpoint");
  AwqConfig awq;
  awq.bits = fields.integer(firstPresent(fields, {"bits", "w_bit"}), 1, 16);
  if (fields && awq.bits != 4)
    fields.fail(ErrorKind::Unsupported, "AWQ1111", "bits",
                "AWQ checkpoints of " + std::to_string(awq.bits) +
                    " bits are not supported",
                "the gemm layout holds 4-bit codes only");
  std::string group = firstPresent(fields, {"group_size", "q_group_size"});
  awq.groupSize = fields.integer(group, -1, maxIntermediate);
  if (fields && awq.groupSize != -1 &&
      (awq.groupSize < 16 || awq.groupSize > 1024))
    fields.fail(ErrorKind::Malformed, "AWQ1104", group,
                "group size " + std::to_string(awq.groupSize) +
                    " is outside 16 to 1024",
                "usual values are 32, 64 and 128; -1 is the whole row");
  if (awq.groupSize == -1)
    awq.groupSize = 0;
  if (!fields.optionalBoolean("zero_point").value_or(true))
    fields.fail(ErrorKind::Unsupported, "AWQ1111", "zero_point",
                "AWQ checkpoints without zero points are not supported",
                "write symmetric codes with the zero point 8");
  awq.modulesToNotConvert = fields.strings("modules_to_not_convert");
  config.quantization = std::move(awq);
  return fields.status();
}

Result<HfConfig> io::parseHfConfig(json root, json defaults,
                                   const std::string &path) {
  HfConfig config;
  config.file = path;
  config.fields = std::move(root);
  config.defaults = std::move(defaults);
  JsonFields fields(config.fields, path, "", &config.defaults);
  config.modelType = fields.string("model_type");
  config.architectures = fields.strings("architectures");
  readSizes(fields, config);
  readDType(fields, config);
  readTokens(fields, config);
  config.tieWordEmbeddings =
      fields.optionalBoolean("tie_word_embeddings").value_or(false);
  readRope(fields, config);
  readWindows(fields, config);
  if (fields.find("auto_map"))
    config.warnings.push_back(
        "\"auto_map\" is ignored: code that comes with a model is never run");
  const json *quantization = fields.object("quantization_config");
  if (!fields)
    return fields.status().error();
  if (quantization)
    if (Status status = readQuantization(*quantization, config); !status)
      return status.error();
  return config;
}
