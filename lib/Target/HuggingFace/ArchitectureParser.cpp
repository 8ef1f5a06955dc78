//===- ArchitectureParser.cpp - architecture files ------------------------===//
//
// Part of the awq-mlir project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "awq/IO/JsonFields.h"
#include "awq/Target/HuggingFace/Architecture.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/ADT/StringRef.h"

using namespace awq;
using io::JsonFields;
using nlohmann::json;

namespace {
/// One word of an architecture file and what it stands for.
template <typename T>
struct Choice {
  const char *word;
  T value;
};

/// The fields of one object of an architecture file. Those of a nested object
/// hand their failure to `parent` when they go.
class Section : public JsonFields {
public:
  Section(JsonFields &parent, const json &object, const std::string &prefix,
          llvm::ArrayRef<llvm::StringRef> known)
      : JsonFields(object, parent.file(), prefix), parent(parent) {
    refuseUnknown(*this, object, known);
  }
  ~Section() { parent.adopt(*this); }

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

private:
  JsonFields &parent;
};
} // namespace

//===----------------------------------------------------------------------===//
// Values
//===----------------------------------------------------------------------===//

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

/// As `choose`, for a field that may be left out.
template <typename T, size_t N>
static void chooseIfThere(JsonFields &fields, llvm::StringRef field,
                          const Choice<T> (&choices)[N], T &result) {
  if (fields.find(field.str()))
    result = choose(fields, field, choices);
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

static std::string optionalName(JsonFields &fields, const char *field) {
  return fields.optionalString(field).value_or("");
}

static json optionalObject(JsonFields &fields, const char *field) {
  const json *found = fields.object(field);
  return found ? *found : json::object();
}

static Flag readFlag(JsonFields &fields, const char *field) {
  const json *value = fields.find(field);
  if (value && value->is_string())
    return value->get<std::string>();
  return fields.optionalBoolean(field).value_or(false);
}

/// A number, a product such as "4 * hidden_size", or a list of alternatives.
static Size readSize(JsonFields &fields, const std::string &field) {
  Size size;
  const json *value = fields.find(field);
  if (!value)
    return size;
  for (const json &alternative :
       value->is_array() ? *value : json::array({*value})) {
    if (alternative.is_number_integer() && alternative >= 0) {
      size.alternatives.push_back({alternative.dump()});
    } else if (alternative.is_string()) {
      llvm::SmallVector<llvm::StringRef> terms;
      std::string text = alternative.get<std::string>();
      llvm::StringRef(text).split(terms, '*');
      size.alternatives.emplace_back();
      for (llvm::StringRef term : terms)
        size.alternatives.back().push_back(term.trim().str());
    } else {
      fields.fail(ErrorKind::Malformed, "AWQ1130", field,
                  "\"" + field + "\" is no size",
                  "give a number, a field of config.json, a product such as "
                  "\"4 * hidden_size\", or a list of these");
    }
  }
  return size;
}

static LinearModule readLinear(JsonFields &parent, const char *field) {
  const json &object = requireObject(parent, field);
  Section fields(parent, object, std::string(field) + ".", {"module", "bias"});
  LinearModule linear;
  linear.module = fields.string("module");
  linear.bias = readFlag(fields, "bias");
  return linear;
}

static LinearModule readLinearIfThere(JsonFields &parent, const char *field) {
  return parent.find(field) ? readLinear(parent, field) : LinearModule();
}

//===----------------------------------------------------------------------===//
// Parts of a layer
//===----------------------------------------------------------------------===//

static NormStyle readNorm(JsonFields &parent) {
  const json &object = requireObject(parent, "norm");
  Section fields(parent, object, "norm.",
                 {"kind", "epsilon", "offset", "bias"});
  static const Choice<NormStyle::Kind> kinds[] = {
      {"rms", NormStyle::Kind::Rms}, {"layer", NormStyle::Kind::Layer}};
  NormStyle norm;
  norm.kind = choose(fields, "kind", kinds);
  const json *epsilon = fields.find("epsilon");
  if (epsilon && epsilon->is_number())
    norm.epsilon = fields.number("epsilon", 0.0, 1.0);
  else
    norm.epsilon = fields.string("epsilon");
  norm.offset = fields.optionalNumber("offset", -16, 16).value_or(0.0);
  norm.bias = fields.optionalBoolean("bias").value_or(false);
  bool rms = norm.kind == NormStyle::Kind::Rms;
  if (fields && (rms ? norm.bias : norm.offset != 0.0))
    fields.fail(ErrorKind::Malformed, "AWQ1130", rms ? "bias" : "offset",
                rms ? "an rms norm has no bias" : "a layer norm has no offset",
                "remove the field");
  return norm;
}

/// The linears that query, key and value come from.
static void readProjections(JsonFields &fields, AttentionStyle &style) {
  static const Choice<AttentionStyle::FusedOrder> orders[] = {
      {"blocks", AttentionStyle::FusedOrder::Blocks},
      {"per_key_value_head", AttentionStyle::FusedOrder::PerKeyValueHead}};
  switch (style.kind) {
  case AttentionStyle::Kind::Separate:
    style.query = readLinear(fields, "query");
    style.key = readLinear(fields, "key");
    style.value = readLinear(fields, "value");
    return;
  case AttentionStyle::Kind::Fused:
    style.fused = readLinear(fields, "fused");
    style.order = choose(fields, "order", orders);
    return;
  case AttentionStyle::Kind::Latent:
    style.query = readLinear(fields, "query");
    style.queryDown = readLinear(fields, "query_down");
    style.queryLatentNorm = fields.string("query_latent_norm");
    style.queryUp = readLinear(fields, "query_up");
    style.keyValueDown = readLinear(fields, "key_value_down");
    style.keyValueLatentNorm = fields.string("key_value_latent_norm");
    style.keyValueUp = readLinear(fields, "key_value_up");
    style.latentEpsilon = fields.number("latent_epsilon", 0.0, 1.0);
    return;
  }
}

static AttentionStyle readAttention(JsonFields &parent) {
  using Window = AttentionStyle::Window;
  using Rotary = AttentionStyle::Rotary;
  const json &object = requireObject(parent, "attention");
  Section fields(parent, object, "layer.attention.",
                 {"kind",
                  "query",
                  "key",
                  "value",
                  "fused",
                  "order",
                  "query_down",
                  "query_latent_norm",
                  "query_up",
                  "key_value_down",
                  "key_value_up",
                  "key_value_latent_norm",
                  "latent_epsilon",
                  "output",
                  "query_norm",
                  "key_norm",
                  "norm_over",
                  "rotary",
                  "rotary_part",
                  "local_rotary",
                  "alibi",
                  "window",
                  "window_pattern",
                  "scale_from",
                  "softcap"});
  static const Choice<AttentionStyle::Kind> kinds[] = {
      {"separate", AttentionStyle::Kind::Separate},
      {"fused", AttentionStyle::Kind::Fused},
      {"latent", AttentionStyle::Kind::Latent}};
  static const Choice<AttentionStyle::NormOver> norms[] = {
      {"head", AttentionStyle::NormOver::Head},
      {"row", AttentionStyle::NormOver::Row}};
  static const Choice<Rotary> rotaries[] = {
      {"none", Rotary::None},
      {"half", Rotary::Half},
      {"interleaved", Rotary::Interleaved}};
  static const Choice<Window> windows[] = {{"none", Window::None},
                                           {"every_layer", Window::EveryLayer},
                                           {"if_used", Window::IfUsed},
                                           {"from_layer", Window::FromLayer},
                                           {"by_pattern", Window::ByPattern}};
  AttentionStyle style;
  chooseIfThere(fields, "kind", kinds, style.kind);
  readProjections(fields, style);
  style.output = readLinear(fields, "output");
  style.queryNorm = optionalName(fields, "query_norm");
  style.keyNorm = optionalName(fields, "key_norm");
  chooseIfThere(fields, "norm_over", norms, style.normOver);
  if (style.kind != AttentionStyle::Kind::Separate &&
      !(style.queryNorm.empty() && style.keyNorm.empty()))
    fields.fail(ErrorKind::Malformed, "AWQ1130", "query_norm",
                "query and key have norms only where they are linears of their "
                "own",
                "remove query_norm and key_norm");
  style.rotary = choose(fields, "rotary", rotaries);
  style.rotaryPart = optionalName(fields, "rotary_part");
  style.localRotary = fields.optionalBoolean("local_rotary").value_or(false);
  style.alibi = fields.optionalBoolean("alibi").value_or(false);
  chooseIfThere(fields, "window", windows, style.window);
  style.windowPattern = readSize(fields, "window_pattern");
  style.scaleFrom = optionalName(fields, "scale_from");
  style.softcap = optionalName(fields, "softcap");
  return style;
}

static MlpStyle readMlp(JsonFields &parent) {
  const json &object = requireObject(parent, "mlp");
  Section fields(parent, object, "layer.mlp.",
                 {"kind", "activation", "activation_module", "gate", "up",
                  "gate_up", "down"});
  static const Choice<MlpStyle::Kind> kinds[] = {
      {"glu", MlpStyle::Kind::Glu}, {"plain", MlpStyle::Kind::Plain}};
  MlpStyle style;
  style.kind = choose(fields, "kind", kinds);
  style.activation = fields.string("activation");
  style.activationModule = optionalName(fields, "activation_module");
  style.gateUp = readLinearIfThere(fields, "gate_up");
  bool glu = style.kind == MlpStyle::Kind::Glu;
  for (const char *field : {"gate", "gate_up"})
    if (!glu && fields.find(field))
      fields.fail(ErrorKind::Malformed, "AWQ1130", field,
                  "a plain MLP has no gate", "remove the field");
  if (style.gateUp.module.empty()) {
    if (glu)
      style.gate = readLinear(fields, "gate");
    style.up = readLinear(fields, "up");
  }
  style.down = readLinear(fields, "down");
  return style;
}

static ExpertsStyle readExperts(JsonFields &parent) {
  const json &object = requireObject(parent, "experts");
  Section fields(parent, object, "layer.experts.",
                 {"router",       "router_correction",
                  "scoring",      "normalize",
                  "scale",        "count",
                  "per_token",    "inner",
                  "groups",       "kept_groups",
                  "group_score",  "groups_when",
                  "gate",         "up",
                  "down",         "shared_gate",
                  "shared_up",    "shared_down",
                  "shared_inner", "from_layer",
                  "every",        "except_layers"});
  static const Choice<ExpertsStyle::Scoring> scorings[] = {
      {"softmax", ExpertsStyle::Scoring::Softmax},
      {"sigmoid", ExpertsStyle::Scoring::Sigmoid}};
  static const Choice<ExpertsStyle::GroupScore> groupScores[] = {
      {"max", ExpertsStyle::GroupScore::Max},
      {"sum_of_top_two", ExpertsStyle::GroupScore::SumOfTopTwo}};
  ExpertsStyle style;
  style.router = readLinear(fields, "router");
  style.routerCorrection = optionalName(fields, "router_correction");
  style.scoring = choose(fields, "scoring", scorings);
  style.normalize = readFlag(fields, "normalize");
  style.scale = optionalName(fields, "scale");
  style.count = readSize(fields, "count");
  style.perToken = readSize(fields, "per_token");
  style.inner = readSize(fields, "inner");
  style.groups = readSize(fields, "groups");
  style.keptGroups = readSize(fields, "kept_groups");
  chooseIfThere(fields, "group_score", groupScores, style.groupScore);
  style.groupsWhen = optionalObject(fields, "groups_when");
  style.gate = readLinear(fields, "gate");
  style.up = readLinear(fields, "up");
  style.down = readLinear(fields, "down");
  const std::pair<const char *, const LinearModule *> modules[] = {
      {"gate", &style.gate}, {"up", &style.up}, {"down", &style.down}};
  for (const auto &[field, linear] : modules)
    if (linear->module.find("{expert}") == std::string::npos)
      fields.fail(ErrorKind::Malformed, "AWQ1130", field,
                  "the name of an expert's module must contain {expert}",
                  "e.g. \"mlp.experts.{expert}.up_proj\"");
  style.sharedInner = readSize(fields, "shared_inner");
  if (!style.sharedInner.alternatives.empty()) {
    style.sharedGate = readLinear(fields, "shared_gate");
    style.sharedUp = readLinear(fields, "shared_up");
    style.sharedDown = readLinear(fields, "shared_down");
  }
  style.fromLayer = readSize(fields, "from_layer");
  style.every = readSize(fields, "every");
  style.exceptLayers = optionalName(fields, "except_layers");
  return style;
}

static void readLayer(JsonFields &parent, Architecture &result) {
  const json &object = requireObject(parent, "layer");
  Section fields(parent, object, "layer.",
                 {"module", "attention_norm", "mlp_norm",
                  "attention_output_norm", "mlp_output_norm", "parallel",
                  "attention", "mlp", "experts"});
  result.layerModule = fields.string("module");
  result.attentionNorm = optionalName(fields, "attention_norm");
  result.mlpNorm = optionalName(fields, "mlp_norm");
  result.attentionOutputNorm = optionalName(fields, "attention_output_norm");
  result.mlpOutputNorm = optionalName(fields, "mlp_output_norm");
  result.parallel = readFlag(fields, "parallel");
  if (fields && !llvm::StringRef(result.layerModule).contains("{layer}"))
    fields.fail(ErrorKind::Malformed, "AWQ1130", "module",
                "the name of a layer's module must contain {layer}",
                "e.g. \"model.layers.{layer}\"");
  result.attention = readAttention(fields);
  result.mlp = readMlp(fields);
  if (fields.find("experts"))
    result.experts = readExperts(fields);
}

//===----------------------------------------------------------------------===//
// The file
//===----------------------------------------------------------------------===//

static void readNames(JsonFields &parent, Architecture &result) {
  json object = optionalObject(parent, "names");
  JsonFields fields(object, parent.file(), "names.");
  for (const auto &item : object.items())
    result.names.push_back({item.key(), readSize(fields, item.key())});
  parent.adopt(fields);
}

static void readPositions(JsonFields &parent, Architecture &result) {
  if (!parent.find("positions"))
    return;
  const json &object = requireObject(parent, "positions");
  Section fields(parent, object, "positions.", {"module", "offset"});
  result.positions = fields.string("module");
  result.positionsOffset =
      fields.optionalInteger("offset", 0, 1 << 16).value_or(0);
}

Result<Architecture> awq::parseArchitecture(const json &root,
                                            const std::string &file) {
  if (!root.is_object())
    return Error{ErrorKind::Malformed, "AWQ1130",
                 "an architecture file must hold one JSON object", file,
                 "compare with the architecture files of this project"};
  JsonFields fields(root, file);
  Section::refuseUnknown(fields, root,
                         {"model_types", "when", "require", "names", "defaults",
                          "ignored_tensors", "ignored_layers", "embedding",
                          "scales_embedding", "positions", "final_norm", "head",
                          "logit_scale", "logit_softcap", "norm", "layer"});
  Architecture result;
  result.file = file;
  result.modelTypes = fields.strings("model_types");
  result.when = optionalObject(fields, "when");
  result.require = optionalObject(fields, "require");
  readNames(fields, result);
  result.defaults = optionalObject(fields, "defaults");
  result.ignoredTensors = fields.strings("ignored_tensors");
  result.ignoredLayers = readSize(fields, "ignored_layers");
  result.embedding = fields.string("embedding");
  result.scalesEmbedding =
      fields.optionalBoolean("scales_embedding").value_or(false);
  readPositions(fields, result);
  result.finalNorm = fields.string("final_norm");
  result.head = readLinear(fields, "head");
  result.logitScale = optionalName(fields, "logit_scale");
  result.logitSoftcap = optionalName(fields, "logit_softcap");
  result.norm = readNorm(fields);
  readLayer(fields, result);
  if (!fields)
    return fields.status().error();
  return result;
}
