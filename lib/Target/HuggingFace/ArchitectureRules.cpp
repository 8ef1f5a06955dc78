//===- ArchitectureRules.cpp - what a config.json makes of it -------------===//
//
// Part of the awq-mlir project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "awq/Target/HuggingFace/ArchitectureRules.h"

#include "awq/IO/JsonFields.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/StringExtras.h"

#include <cmath>

using namespace awq;
using io::JsonFields;
using nlohmann::json;

/// No size in a config.json is larger; products of two fit in 64 bits.
static constexpr int64_t maxSize = int64_t(1) << 31;

/// As for the sizes that every model has: no tensor has more than 2^63 bytes.
static constexpr int64_t largest = int64_t(1) << 22;

static JsonFields fieldsOf(const io::HfConfig &config) {
  return JsonFields(config.fields, config.file, "", &config.defaults);
}

//===----------------------------------------------------------------------===//
// Values
//===----------------------------------------------------------------------===//

/// The value of the first alternative that has all of its fields.
static std::optional<int64_t> read(const Size &size, JsonFields &fields) {
  for (const std::vector<std::string> &terms : size.alternatives) {
    std::optional<int64_t> product = 1;
    for (const std::string &term : terms) {
      int64_t fixed;
      std::optional<int64_t> factor;
      if (llvm::to_integer(term, fixed))
        factor = fixed;
      else
        factor = fields.optionalInteger(term, 0, maxSize);
      if (!factor) {
        product.reset();
        break;
      }
      if (__builtin_mul_overflow(*product, *factor, &*product)) {
        fields.fail(ErrorKind::Malformed, "AWQ1104", term,
                    "the product " + llvm::join(terms, " * ") +
                        " does not fit in 64 bits",
                    "correct the numbers; the file may be damaged");
        return std::nullopt;
      }
    }
    if (product)
      return product;
  }
  return std::nullopt;
}

Result<bool> awq::evaluate(const Flag &flag, const io::HfConfig &config) {
  if (const bool *fixed = std::get_if<bool>(&flag))
    return *fixed;
  JsonFields fields = fieldsOf(config);
  bool value = fields.boolean(std::get<std::string>(flag));
  if (!fields)
    return fields.status().error();
  return value;
}

Result<std::optional<int64_t>> awq::evaluate(const Size &size,
                                             const io::HfConfig &config) {
  JsonFields fields = fieldsOf(config);
  std::optional<int64_t> value = read(size, fields);
  if (!fields)
    return fields.status().error();
  return value;
}

Result<int64_t> awq::require(const Size &size, const io::HfConfig &config,
                             const std::string &what) {
  Result<std::optional<int64_t>> value = evaluate(size, config);
  if (!value)
    return value.error();
  std::string spelled;
  for (const std::vector<std::string> &terms : size.alternatives)
    spelled += (spelled.empty() ? "" : " or ") + llvm::join(terms, " * ");
  if (*value && (**value < 1 || **value > largest))
    return Error{ErrorKind::Malformed, "AWQ1104",
                 what + " (" + spelled + ") is " + std::to_string(**value) +
                     ", outside 1 to " + std::to_string(largest),
                 config.file,
                 "correct the number; the file may be damaged or of another "
                 "model"};
  if (*value)
    return **value;
  return Error{ErrorKind::Malformed, "AWQ1102",
               what + " (" + spelled + ") is missing", config.file,
               "add the field; the configuration that the model was published "
               "with has it"};
}

Result<std::optional<double>> awq::optionalNumber(const std::string &field,
                                                  const io::HfConfig &config,
                                                  double low) {
  if (field.empty())
    return std::optional<double>();
  JsonFields fields = fieldsOf(config);
  std::optional<double> value = fields.optionalNumber(field, low, 1e9);
  if (!fields)
    return fields.status().error();
  return value;
}

//===----------------------------------------------------------------------===//
// The configuration as a whole
//===----------------------------------------------------------------------===//

Status awq::applyNames(const Architecture &architecture, json &config,
                       const std::string &configFile) {
  json renamed = json::object();
  {
    JsonFields fields(config, configFile, "", &architecture.defaults);
    for (const auto &[name, size] : architecture.names) {
      if (std::optional<int64_t> value = read(size, fields))
        renamed[name] = *value;
      else if (fields && !fields.find(name) &&
               !size.alternatives.front().empty())
        // The error for a field that is missing names the field of the file.
        fields.integer(size.alternatives.front().back(), 0, maxSize);
    }
    if (!fields)
      return fields.status();
  }
  config.update(renamed);
  return {};
}

/// The value of a field, or its default where it is null or absent.
static json valueOf(const std::string &field, const json &config,
                    const json &defaults) {
  json found = config.value(field, json());
  return found.is_null() ? defaults.value(field, json()) : found;
}

bool awq::holds(const json &conditions, const json &config,
                const json &defaults) {
  for (const auto &item : conditions.items())
    if (valueOf(item.key(), config, defaults) != item.value())
      return false;
  return true;
}

Status awq::checkRequired(const Architecture &architecture,
                          const io::HfConfig &config) {
  auto value = [&](const std::string &field) {
    return valueOf(field, config.fields, config.defaults);
  };
  for (const auto &item : architecture.require.items()) {
    json wanted = item.value();
    if (wanted.is_object())
      wanted = value(wanted.value("field", ""));
    json found = value(item.key());
    if (found != wanted)
      return Error{ErrorKind::Unsupported, "AWQ1112",
                   "models of type \"" + config.modelType + "\" with \"" +
                       item.key() + "\": " + found.dump() +
                       " are not supported",
                   config.file + ", field \"" + item.key() + "\"",
                   "only " + wanted.dump() + " is"};
  }
  return {};
}

//===----------------------------------------------------------------------===//
// Attention
//===----------------------------------------------------------------------===//

/// The channels of a head that turn, of a head of `whole` channels.
static Result<int64_t> rotaryChannels(const Architecture &architecture,
                                      const io::HfConfig &config,
                                      int64_t whole) {
  const AttentionStyle &style = architecture.attention;
  JsonFields fields = fieldsOf(config);
  int64_t channels = whole;
  if (style.rotaryPart == "partial_rotary_factor")
    channels = static_cast<int64_t>(whole * config.rope.partialFactor);
  else if (!style.rotaryPart.empty())
    channels =
        fields.optionalInteger(style.rotaryPart, 2, whole).value_or(whole);
  else if (config.rope.partialFactor != 1.0)
    fields.fail(ErrorKind::Unsupported, "AWQ1112", "partial_rotary_factor",
                "rotary embedding of a part of each head is not supported for "
                "this model type",
                "remove the field if the model does not use it");
  if (config.localRope && !style.localRotary)
    fields.fail(ErrorKind::Unsupported, "AWQ1112", "rope_parameters",
                "rotary parameters that differ between layers are not "
                "supported for this model type",
                "give one set of rotary parameters");
  if (fields && (channels < 2 || channels % 2 != 0))
    fields.fail(ErrorKind::Malformed, "AWQ1105",
                style.rotaryPart.empty() ? "head_dim" : style.rotaryPart,
                "the number of channels that turn in each head, " +
                    std::to_string(channels) + " of " + std::to_string(whole) +
                    (channels % 2 != 0 ? ", is odd" : ", is zero") +
                    ", but rotary embeddings turn pairs of channels",
                "correct it, or head_dim, or hidden_size and "
                "num_attention_heads");
  if (!fields)
    return fields.status().error();
  return channels;
}

Result<AttentionSizes> awq::attentionSizes(const Architecture &architecture,
                                           const io::HfConfig &config) {
  const AttentionStyle &style = architecture.attention;
  AttentionSizes sizes;
  sizes.heads = config.heads;
  sizes.kvHeads = config.kvHeads;
  sizes.key = sizes.value = config.headDim;
  int64_t turning = config.headDim;
  if (style.kind == AttentionStyle::Kind::Latent) {
    constexpr int64_t most = 1 << 16;
    JsonFields fields = fieldsOf(config);
    sizes.queryRank =
        fields.optionalInteger("q_lora_rank", 1, most).value_or(0);
    sizes.keyValueRank = fields.integer("kv_lora_rank", 1, most);
    sizes.straight = fields.integer("qk_nope_head_dim", 1, most);
    turning = fields.integer("qk_rope_head_dim", 2, most);
    sizes.value = fields.integer("v_head_dim", 1, most);
    if (fields && config.heads != config.kvHeads)
      fields.fail(ErrorKind::Malformed, "AWQ1105", "num_key_value_heads",
                  "attention from latent vectors has as many key-value heads "
                  "as query heads",
                  "make it num_attention_heads, " +
                      std::to_string(config.heads));
    if (!fields)
      return fields.status().error();
    sizes.kvHeads = config.heads;
    sizes.key = sizes.straight + turning;
  }
  if (style.rotary == AttentionStyle::Rotary::None)
    return sizes;
  Result<int64_t> rotary = rotaryChannels(architecture, config, turning);
  if (!rotary)
    return rotary.error();
  sizes.rotary = *rotary;
  return sizes;
}

Result<double> awq::attentionScale(const Architecture &architecture,
                                   const io::HfConfig &config,
                                   const AttentionSizes &sizes) {
  double over = static_cast<double>(sizes.key);
  if (!architecture.attention.scaleFrom.empty()) {
    JsonFields fields = fieldsOf(config);
    over = fields.number(architecture.attention.scaleFrom, 1e-6, 1e9);
    if (!fields)
      return fields.status().error();
  }
  double scale = 1.0 / std::sqrt(over);
  // transformers: yarn_apply_mscale, only where key and value are latent.
  const io::RopeConfig &rope = config.rope;
  double all = rope.mscaleAllDim.value_or(0.0);
  if (architecture.attention.kind == AttentionStyle::Kind::Latent &&
      rope.type == io::RopeType::Yarn && all != 0.0 && rope.factor > 1.0) {
    double magnitude = 0.1 * all * std::log(rope.factor) + 1.0;
    scale *= magnitude * magnitude;
  }
  return scale;
}

Result<int64_t> awq::layerWindow(const Architecture &architecture,
                                 const io::HfConfig &config, int64_t layer) {
  using Window = AttentionStyle::Window;
  int64_t window = config.slidingWindow.value_or(0);
  bool listed = !config.layerTypes.empty();
  bool sliding = listed && config.layerTypes[layer] == "sliding_attention";
  JsonFields fields = fieldsOf(config);
  switch (architecture.attention.window) {
  case Window::None:
    return 0;
  case Window::EveryLayer:
    return window;
  case Window::IfUsed:
    sliding = fields.boolean("use_sliding_window");
    break;
  case Window::FromLayer: {
    // As in transformers, use_sliding_window also guards layer_types.
    bool used = fields.boolean("use_sliding_window");
    int64_t first = fields.integer("max_window_layers", 0, maxSize);
    sliding = used && (listed ? sliding : layer >= first);
    break;
  }
  case Window::ByPattern: {
    if (listed)
      break;
    Result<int64_t> pattern =
        require(architecture.attention.windowPattern, config,
                "the number of layers after which the windows repeat");
    if (!pattern)
      return pattern.error();
    sliding = *pattern > 0 && (layer + 1) % *pattern != 0;
    break;
  }
  }
  if (!fields)
    return fields.status().error();
  return sliding ? window : 0;
}

//===----------------------------------------------------------------------===//
// Experts
//===----------------------------------------------------------------------===//

Result<bool> awq::hasExperts(const Architecture &architecture,
                             const io::HfConfig &config, int64_t layer) {
  if (!architecture.experts)
    return false;
  const ExpertsStyle &style = *architecture.experts;
  Result<std::optional<int64_t>> from = evaluate(style.fromLayer, config);
  Result<std::optional<int64_t>> every = evaluate(style.every, config);
  if (!from || !every)
    return from ? every.error() : from.error();
  if (layer < from->value_or(0) ||
      (layer + 1) % std::max<int64_t>(1, every->value_or(1)) != 0)
    return false;
  if (style.exceptLayers.empty())
    return true;
  JsonFields fields = fieldsOf(config);
  std::vector<int64_t> excepted =
      fields.integers(style.exceptLayers, 0, maxSize);
  if (!fields)
    return fields.status().error();
  return !llvm::is_contained(excepted, layer);
}
