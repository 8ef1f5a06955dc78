//===- Architecture.cpp - how a model type is put together ----------------===//
//
// Part of the awq-mlir project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "awq/Target/HuggingFace/Architecture.h"

#include "awq/IO/JsonFields.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/ADT/StringRef.h"

using namespace awq;
using io::JsonFields;
using nlohmann::json;

static constexpr llvm::StringLiteral layerMark = "{layer}";

namespace {
struct EmbeddedFile {
  const char *name;
  const char *contents;
};

/// One word of an architecture file and what it stands for.
template <typename T>
struct Choice {
  const char *word;
  T value;
};
} // namespace

static const EmbeddedFile embeddedFiles[] = {
#include "Architectures.inc"
};

std::string Architecture::layerName(int64_t layer,
                                    const std::string &module) const {
  std::string name = layerModule;
  name.replace(name.find(layerMark.str()), layerMark.size(),
               std::to_string(layer));
  return module.empty() ? name : name + "." + module;
}

std::vector<std::vector<std::string>> Architecture::fusedSets() const {
  auto leaf = [](const LinearModule &linear) {
    return linear.module.substr(linear.module.rfind('.') + 1);
  };
  std::vector<std::vector<std::string>> sets = {
      {leaf(query), leaf(key), leaf(value)}};
  if (mlp == Mlp::Glu)
    sets.push_back({leaf(gate), leaf(up)});
  return sets;
}

bool Architecture::ignores(const std::string &tensor) const {
  return llvm::any_of(ignoredTensors, [&](llvm::StringRef pattern) {
    auto [head, tail] = pattern.split(layerMark);
    llvm::StringRef name = tensor;
    if (!pattern.contains(layerMark))
      return name == pattern;
    return name.consume_front(head) && name.consume_back(tail) &&
           !name.empty() && llvm::all_of(name, llvm::isDigit);
  });
}

//===----------------------------------------------------------------------===//
// Parsing
//===----------------------------------------------------------------------===//

/// Refuses fields that are not in `known`: a misspelt one would otherwise
/// silently give another model.
static void refuseUnknown(JsonFields &fields, const json &object,
                          llvm::ArrayRef<llvm::StringRef> known) {
  for (const auto &item : object.items())
    if (!llvm::is_contained(known, item.key()))
      fields.fail(ErrorKind::Malformed, "AWQ1130", item.key(),
                  "an architecture file has no field \"" + item.key() +
                      "\" here",
                  "known fields here are " + llvm::join(known, ", "));
}

template <typename T, size_t N>
static T choose(JsonFields &fields, llvm::StringRef field,
                const Choice<T> (&choices)[N]) {
  std::string word = fields.string(field.str());
  std::string known;
  for (const Choice<T> &choice : choices) {
    if (word == choice.word)
      return choice.value;
    known += (known.empty() ? "" : ", ") + std::string(choice.word);
  }
  fields.fail(ErrorKind::Malformed, "AWQ1130", field.str(),
              "\"" + word + "\" is not known here", "known are " + known);
  return choices[0].value;
}

/// The object in `field`, which must be there.
static const json &requireObject(JsonFields &fields, const char *field) {
  static const json none = json::object();
  if (const json *found = fields.object(field))
    return *found;
  fields.fail(ErrorKind::Malformed, "AWQ1102", field,
              "the object \"" + std::string(field) + "\" is missing",
              "compare with the architecture files of this project");
  return none;
}

static LinearModule readLinear(JsonFields &parent, const char *field) {
  const json &object = requireObject(parent, field);
  JsonFields fields(object, parent.file(), std::string(field) + ".");
  refuseUnknown(fields, object, {"module", "bias"});
  LinearModule linear;
  linear.module = fields.string("module");
  if (const json *bias = fields.find("bias")) {
    if (bias->is_string())
      linear.bias = bias->get<std::string>();
    else
      linear.bias = fields.boolean("bias");
  }
  parent.adopt(fields);
  return linear;
}

static void readNorm(JsonFields &parent, Architecture &result) {
  const json &object = requireObject(parent, "norm");
  JsonFields fields(object, parent.file(), "norm.");
  refuseUnknown(fields, object, {"kind", "epsilon", "offset", "bias"});
  static const Choice<Architecture::Norm> kinds[] = {
      {"rms", Architecture::Norm::Rms}, {"layer", Architecture::Norm::Layer}};
  result.norm = choose(fields, "kind", kinds);
  result.normEpsilon = fields.string("epsilon");
  result.normOffset = fields.optionalNumber("offset", -16, 16).value_or(0.0);
  result.normBias = fields.optionalBoolean("bias").value_or(false);
  bool rms = result.norm == Architecture::Norm::Rms;
  if (fields && (rms ? result.normBias : result.normOffset != 0.0))
    fields.fail(ErrorKind::Malformed, "AWQ1130", rms ? "bias" : "offset",
                rms ? "an rms norm has no bias" : "a layer norm has no offset",
                "remove the field");
  parent.adopt(fields);
}

static void readAttention(JsonFields &parent, Architecture &result) {
  const json &object = requireObject(parent, "attention");
  JsonFields fields(object, parent.file(), "layer.attention.");
  refuseUnknown(fields, object,
                {"query", "key", "value", "output", "query_norm", "key_norm",
                 "rotary", "window"});
  result.query = readLinear(fields, "query");
  result.key = readLinear(fields, "key");
  result.value = readLinear(fields, "value");
  result.output = readLinear(fields, "output");
  result.queryNorm = fields.optionalString("query_norm").value_or("");
  result.keyNorm = fields.optionalString("key_norm").value_or("");
  static const Choice<bool> rotary[] = {{"half", false}, {"interleaved", true}};
  result.rotaryInterleaved = choose(fields, "rotary", rotary);
  static const Choice<Architecture::Window> windows[] = {
      {"none", Architecture::Window::None},
      {"every_layer", Architecture::Window::EveryLayer},
      {"from_layer", Architecture::Window::FromLayer}};
  if (fields.find("window"))
    result.window = choose(fields, "window", windows);
  parent.adopt(fields);
}

static void readMlp(JsonFields &parent, Architecture &result) {
  const json &object = requireObject(parent, "mlp");
  JsonFields fields(object, parent.file(), "layer.mlp.");
  static const Choice<Architecture::Mlp> kinds[] = {
      {"glu", Architecture::Mlp::Glu}, {"plain", Architecture::Mlp::Plain}};
  result.mlp = choose(fields, "kind", kinds);
  result.activation = fields.string("activation");
  if (result.mlp == Architecture::Mlp::Glu) {
    refuseUnknown(
        fields, object,
        {"kind", "activation", "activation_module", "gate", "up", "down"});
    result.gate = readLinear(fields, "gate");
  } else {
    refuseUnknown(fields, object,
                  {"kind", "activation", "activation_module", "up", "down"});
  }
  result.activationModule =
      fields.optionalString("activation_module").value_or("");
  result.up = readLinear(fields, "up");
  result.down = readLinear(fields, "down");
  parent.adopt(fields);
}

static void readLayer(JsonFields &parent, Architecture &result) {
  const json &object = requireObject(parent, "layer");
  JsonFields fields(object, parent.file(), "layer.");
  refuseUnknown(fields, object,
                {"module", "attention_norm", "mlp_norm", "attention", "mlp"});
  result.layerModule = fields.string("module");
  result.attentionNorm = fields.string("attention_norm");
  result.mlpNorm = fields.string("mlp_norm");
  if (fields && !llvm::StringRef(result.layerModule).contains(layerMark))
    fields.fail(ErrorKind::Malformed, "AWQ1130", "module",
                "the name of a layer's module must contain {layer}",
                "e.g. \"model.layers.{layer}\"");
  readAttention(fields, result);
  readMlp(fields, result);
  parent.adopt(fields);
}

Result<Architecture> awq::parseArchitecture(const json &root,
                                            const std::string &file) {
  if (!root.is_object())
    return Error{ErrorKind::Malformed, "AWQ1130",
                 "an architecture file must hold one JSON object", file,
                 "compare with the architecture files of this project"};
  JsonFields fields(root, file);
  refuseUnknown(fields, root,
                {"model_types", "defaults", "ignored_tensors", "embedding",
                 "final_norm", "head", "norm", "layer"});
  Architecture result;
  result.file = file;
  result.modelTypes = fields.strings("model_types");
  const json *defaults = fields.object("defaults");
  result.defaults = defaults ? *defaults : json::object();
  result.ignoredTensors = fields.strings("ignored_tensors");
  result.embedding = fields.string("embedding");
  result.finalNorm = fields.string("final_norm");
  result.head = readLinear(fields, "head");
  readNorm(fields, result);
  readLayer(fields, result);
  if (!fields)
    return fields.status().error();
  return result;
}

//===----------------------------------------------------------------------===//
// Finding
//===----------------------------------------------------------------------===//

static Result<Architecture> parseEmbedded(const EmbeddedFile &file) {
  Result<json> root = io::parseJson(file.contents, file.name);
  if (!root)
    return root.error();
  return parseArchitecture(*root, file.name);
}

static Error unknownType(const std::string &modelType,
                         const std::string &configFile,
                         llvm::ArrayRef<std::string> known) {
  const std::string *nearest = nullptr;
  unsigned best = 0;
  for (const std::string &name : known) {
    unsigned distance = llvm::StringRef(name).edit_distance(modelType);
    if (!nearest || distance < best) {
      nearest = &name;
      best = distance;
    }
  }
  std::string help;
  if (nearest && best <= 3)
    help = "did you mean " + *nearest + "? ";
  help += "supported are " + llvm::join(known, ", ") +
          "; an architecture file of your own can describe another";
  return Error{ErrorKind::Unsupported, "AWQ1106",
               "models of type \"" + modelType + "\" are not supported",
               configFile + ", field \"model_type\"", help};
}

Result<Architecture> awq::findArchitecture(const std::string &modelType,
                                           const std::string &configFile,
                                           const std::string &userFile) {
  if (!userFile.empty()) {
    Result<json> root = io::parseJsonFile(userFile);
    if (!root)
      return root.error();
    return parseArchitecture(*root, userFile);
  }
  std::vector<std::string> known;
  for (const EmbeddedFile &file : embeddedFiles) {
    Result<Architecture> architecture = parseEmbedded(file);
    if (!architecture ||
        llvm::is_contained(architecture->modelTypes, modelType))
      return architecture;
    llvm::append_range(known, architecture->modelTypes);
  }
  return unknownType(modelType, configFile, known);
}

//===----------------------------------------------------------------------===//
// Rules that read config.json
//===----------------------------------------------------------------------===//

Result<int64_t> awq::layerWindow(const Architecture &architecture,
                                 const io::HfConfig &config, int64_t layer) {
  int64_t window = config.slidingWindow.value_or(0);
  if (architecture.window == Architecture::Window::None)
    return 0;
  if (architecture.window == Architecture::Window::EveryLayer)
    return window;
  JsonFields fields(config.fields, config.file, "", &config.defaults);
  // As in transformers, use_sliding_window also guards layer_types.
  bool used = fields.boolean("use_sliding_window");
  int64_t first = fields.integer("max_window_layers", 0, int64_t(1) << 31);
  if (!fields)
    return fields.status().error();
  bool sliding = config.layerTypes.empty()
                     ? layer >= first
                     : config.layerTypes[layer] == "sliding_attention";
  return used && sliding ? window : 0;
}

Result<bool> awq::hasBias(const LinearModule &linear,
                          const io::HfConfig &config) {
  if (const bool *fixed = std::get_if<bool>(&linear.bias))
    return *fixed;
  JsonFields fields(config.fields, config.file, "", &config.defaults);
  bool bias = fields.boolean(std::get<std::string>(linear.bias));
  if (!fields)
    return fields.status().error();
  return bias;
}
