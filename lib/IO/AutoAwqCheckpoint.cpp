//===- AutoAwqCheckpoint.cpp - rules of AutoAWQ checkpoints -----*- C++ -*-===//
//
// Part of the awq-mlir project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "awq/IO/AutoAwqCheckpoint.h"

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <set>
#include <sys/stat.h>

using namespace awq;
using namespace awq::io;
using nlohmann::json;

static Error malformed(const char *code, std::string message, std::string where,
                       std::string help) {
  return {ErrorKind::Malformed, code, std::move(message), std::move(where),
          std::move(help)};
}

static Error unsupported(const char *code, std::string message,
                         std::string where, std::string help) {
  return {ErrorKind::Unsupported, code, std::move(message), std::move(where),
          std::move(help)};
}

static std::string placeOf(const TensorView &tensor) {
  return tensor.file + ", tensor \"" + tensor.name + "\"";
}

static bool endsWith(const std::string &text, const std::string &end) {
  return text.size() > end.size() &&
         text.compare(text.size() - end.size(), end.size(), end) == 0;
}

/// "a.b.qweight" without ".qweight".
static std::string withoutEnd(const std::string &text, const std::string &end) {
  return text.substr(0, text.size() - end.size());
}

static std::string shapeText(const std::vector<int64_t> &shape) {
  std::string text = "[";
  for (size_t i = 0; i < shape.size(); ++i)
    text += (i ? ", " : "") + std::to_string(shape[i]);
  return text + "]";
}

//===----------------------------------------------------------------------===//
// Configuration
//===----------------------------------------------------------------------===//

Status io::addLegacyQuantization(json &config, const std::string &folder) {
  std::string path = folder + "/quant_config.json";
  struct stat info;
  if (!config.is_object() || config.contains("quantization_config") ||
      stat(path.c_str(), &info) != 0)
    return {};
  auto legacy = parseJsonFile(path);
  if (!legacy)
    return legacy.error();
  if (!legacy->is_object())
    return malformed("AWQ1220", "quant_config.json is not a JSON object", path,
                     "remove it, or take the one of the quantized model");
  // The old file names no method: it is AutoAWQ's by its name.
  if (!legacy->contains("quant_method"))
    (*legacy)["quant_method"] = "awq";
  config["quantization_config"] = std::move(*legacy);
  return {};
}

json io::makeQuantizationConfig(const AwqConfig &config) {
  json object = {{"quant_method", "awq"},
                 {"bits", config.bits},
                 {"group_size", config.groupSize ? config.groupSize : -1},
                 {"zero_point", true},
                 {"version", "gemm"},
                 {"modules_to_not_convert", nullptr}};
  if (!config.modulesToNotConvert.empty())
    object["modules_to_not_convert"] = config.modulesToNotConvert;
  return object;
}

Result<std::vector<std::string>>
io::modulesToNotConvert(const std::vector<std::string> &floatModules,
                        const std::vector<std::string> &quantizedModules) {
  std::vector<std::string> result;
  for (const std::string &module : floatModules) {
    if (module == "lm_head")
      continue;
    for (const std::string &quantized : quantizedModules)
      if (quantized.find(module) != std::string::npos)
        return unsupported(
            "AWQ1233",
            "the linear " + module +
                " stays in float, but readers would take its name for that of "
                "the quantized linear " +
                quantized,
            module, "quantize both or neither");
    result.push_back(module);
  }
  std::sort(result.begin(), result.end());
  return result;
}

Status io::refuseQuantized(const json &config, const std::string &file,
                           const Checkpoint &checkpoint) {
  const char *help = "quantization starts from the float model; take that one";
  for (const char *field : {"quantization_config", "compression_config"})
    if (config.is_object() && config.contains(field) &&
        !config[field].is_null())
      return unsupported("AWQ1234",
                         std::string("the model is quantized already: its "
                                     "config.json has a ") +
                             field,
                         file, help);
  for (const std::string &name : checkpoint.names())
    for (const char *end : {".qweight", ".weight_packed", ".weight_scale"})
      if (endsWith(name, end))
        return unsupported("AWQ1234", "the model is quantized already",
                           placeOf(*checkpoint.find(name)), help);
  return {};
}

//===----------------------------------------------------------------------===//
// Tensors
//===----------------------------------------------------------------------===//

/// The number of the layer in a dotted name: its first component of digits.
static std::optional<int64_t> layerOf(const std::string &name) {
  size_t begin = 0;
  while (begin < name.size()) {
    size_t end = std::min(name.find('.', begin), name.size());
    std::string part = name.substr(begin, end - begin);
    if (!part.empty() && part.size() < 10 &&
        part.find_first_not_of("0123456789") == std::string::npos)
      return std::strtoll(part.c_str(), nullptr, 10);
    begin = end + 1;
  }
  return std::nullopt;
}

static Status checkType(const TensorView &tensor, std::vector<DType> allowed,
                        size_t rank) {
  if (std::find(allowed.begin(), allowed.end(), tensor.dtype) == allowed.end())
    return malformed("AWQ1222",
                     "the element type is " + std::string(name(tensor.dtype)) +
                         " instead of " + std::string(name(allowed[0])),
                     placeOf(tensor), "save the checkpoint again with AutoAWQ");
  if (tensor.shape.size() != rank || tensor.elementCount() == 0)
    return malformed("AWQ1222",
                     "the shape is " + shapeText(tensor.shape) +
                         " instead of " + std::to_string(rank) +
                         " positive dimensions",
                     placeOf(tensor), "save the checkpoint again with AutoAWQ");
  return {};
}

static Status checkShape(const TensorView &tensor, std::vector<int64_t> wanted,
                         const AwqLinear &linear, const AwqConfig &config) {
  if (tensor.shape == wanted)
    return {};
  return malformed(
      "AWQ1223",
      "the shape is " + shapeText(tensor.shape) + " instead of " +
          shapeText(wanted) + ", as qweight " +
          shapeText(linear.qweight.shape) + " and groups of " +
          std::to_string(config.groupSize ? config.groupSize : linear.k) +
          " demand",
      placeOf(tensor),
      "group_size in config.json is wrong, or the tensors are of different "
      "models");
}

/// Scales must be positive and finite; judged by their bits.
static Status checkScaleValues(const AwqLinear &linear) {
  const TensorView &scales = linear.scales;
  uint16_t infinity = scales.dtype == DType::F16 ? 0x7c00 : 0x7f80;
  for (int64_t i = 0, count = scales.elementCount(); i < count; ++i) {
    uint16_t bits;
    std::memcpy(&bits, scales.data + 2 * i, sizeof bits);
    if (bits > 0 && bits < infinity)
      continue;
    const char *what = (bits & 0x7fff) == 0          ? "zero"
                       : (bits & 0x7fff) == infinity ? "infinite"
                       : (bits & 0x7fff) > infinity  ? "not a number"
                                                     : "negative";
    return malformed("AWQ1224",
                     "the scale of row " + std::to_string(i % linear.n) +
                         ", group " + std::to_string(i / linear.n) + " is " +
                         what,
                     placeOf(scales),
                     "quantization failed when this checkpoint was made; "
                     "quantize the float model again");
  }
  return {};
}

static Status checkLinear(AwqLinear &linear, const AwqConfig &config) {
  if (Status s = checkType(linear.qweight, {DType::I32}, 2); !s)
    return s;
  if (Status s = checkType(linear.qzeros, {DType::I32}, 2); !s)
    return s;
  if (Status s = checkType(linear.scales, {DType::F16, DType::BF16}, 2); !s)
    return s;
  linear.k = linear.qweight.shape[0];
  linear.n = linear.qweight.shape[1] * 8;
  int64_t group = config.groupSize ? config.groupSize : linear.k;
  if (group > linear.k || linear.k % group != 0)
    return malformed("AWQ1223",
                     "groups of " + std::to_string(group) +
                         " do not divide the " + std::to_string(linear.k) +
                         " input channels",
                     placeOf(linear.qweight),
                     "group_size in config.json does not belong to this "
                     "checkpoint");
  linear.groups = linear.k / group;
  if (Status s =
          checkShape(linear.scales, {linear.groups, linear.n}, linear, config);
      !s)
    return s;
  if (Status s = checkShape(linear.qzeros, {linear.groups, linear.n / 8},
                            linear, config);
      !s)
    return s;
  if (linear.bias) {
    const TensorView &bias = *linear.bias;
    bool isFloat = bias.dtype == DType::F16 || bias.dtype == DType::BF16 ||
                   bias.dtype == DType::F32;
    if (!isFloat || bias.shape != std::vector<int64_t>{linear.n})
      return malformed("AWQ1230",
                       "the bias is " + std::string(name(bias.dtype)) + " " +
                           shapeText(bias.shape) + " instead of F16 [" +
                           std::to_string(linear.n) + "]",
                       placeOf(bias), "save the checkpoint again");
  }
  return checkScaleValues(linear);
}

namespace {

/// Collects the quantized linears of a checkpoint by the ends of its names.
class Collector {
public:
  Collector(const Checkpoint &checkpoint, const AwqConfig &config,
            const AwqCheckpointRules &rules)
      : checkpoint(checkpoint), config(config), rules(rules) {}

  Status collect(std::vector<AwqLinear> &linears);

private:
  Status visit(const std::string &name, std::vector<AwqLinear> &linears);
  Status makeLinear(const std::string &module, AwqLinear &linear);
  Status checkExcluded(const std::string &module) const;
  Status checkFusedSets(const std::vector<AwqLinear> &linears) const;
  std::string placeOfName(const std::string &name) const {
    return placeOf(*checkpoint.find(name));
  }

  const Checkpoint &checkpoint;
  const AwqConfig &config;
  const AwqCheckpointRules &rules;
};

} // namespace

Status Collector::makeLinear(const std::string &module, AwqLinear &linear) {
  linear.module = module;
  for (auto [end, view] : {std::pair(".qweight", &linear.qweight),
                           std::pair(".qzeros", &linear.qzeros),
                           std::pair(".scales", &linear.scales)}) {
    auto found = checkpoint.find(module + end);
    if (!found)
      return malformed(
          "AWQ1221", "the quantized linear " + module + " has no " + (end + 1),
          placeOfName(module + ".qweight"),
          "zero_point must be true and the checkpoint complete; "
          "save it again with AutoAWQ");
    *view = *found;
  }
  linear.bias = checkpoint.find(module + ".bias");
  if (checkpoint.find(module + ".weight"))
    return malformed("AWQ1227",
                     "the linear " + module +
                         " has both codes and a float weight",
                     placeOfName(module + ".weight"),
                     "remove one of the two; nothing says which is meant");
  return {};
}

Status Collector::checkExcluded(const std::string &module) const {
  for (const std::string &part : config.modulesToNotConvert)
    if (module.find(part) != std::string::npos)
      return malformed("AWQ1228",
                       "modules_to_not_convert says \"" + part +
                           "\", which is part of the name of the quantized "
                           "linear " +
                           module,
                       placeOfName(module + ".qweight"),
                       "readers match substrings: write full names into "
                       "config.json");
  return {};
}

Status Collector::visit(const std::string &name,
                        std::vector<AwqLinear> &linears) {
  if (auto layer = layerOf(name);
      rules.layers > 0 && layer && *layer >= rules.layers)
    return malformed("AWQ1231",
                     "the tensor belongs to layer " + std::to_string(*layer) +
                         " of a model of " + std::to_string(rules.layers) +
                         " layers",
                     placeOfName(name),
                     "num_hidden_layers in config.json is wrong, or the "
                     "tensors are of another model");
  if (endsWith(name, ".g_idx"))
    return unsupported("AWQ1225",
                       "g_idx marks a GPTQ checkpoint with reordered channels",
                       placeOfName(name), "give an AWQ checkpoint");
  if (endsWith(name, ".act.scales"))
    return unsupported("AWQ1226", "scaled activations are not supported",
                       placeOfName(name),
                       "quantize the float model with this tool");
  for (const char *end : {".qzeros", ".scales"})
    if (endsWith(name, end) &&
        !checkpoint.find(withoutEnd(name, end) + ".qweight"))
      return malformed(
          "AWQ1221",
          "the quantized linear " + withoutEnd(name, end) + " has no qweight",
          placeOfName(name), "the checkpoint is incomplete; fetch it again");
  if (!endsWith(name, ".qweight"))
    return {};
  AwqLinear linear;
  std::string module = withoutEnd(name, ".qweight");
  if (Status status = makeLinear(module, linear); !status)
    return status;
  if (Status status = checkExcluded(module); !status)
    return status;
  if (Status status = checkLinear(linear, config); !status)
    return status;
  linears.push_back(std::move(linear));
  return {};
}

Status Collector::checkFusedSets(const std::vector<AwqLinear> &linears) const {
  std::set<std::string> quantized;
  for (const AwqLinear &linear : linears)
    quantized.insert(linear.module);
  for (const AwqLinear &linear : linears)
    for (const std::vector<std::string> &set : rules.fusedSets)
      for (const std::string &member : set) {
        if (!endsWith(linear.module, "." + member))
          continue;
        std::string parent = withoutEnd(linear.module, member);
        for (const std::string &other : set)
          if (!quantized.count(parent + other) &&
              checkpoint.find(parent + other + ".weight"))
            return malformed(
                "AWQ1229",
                "the linear " + linear.module + " is quantized, but " + parent +
                    other + ", which readers load together with it, is not",
                placeOfName(parent + other + ".weight"),
                "quantize all of them or none");
      }
  return {};
}

Status Collector::collect(std::vector<AwqLinear> &linears) {
  for (const std::string &name : checkpoint.names())
    if (Status status = visit(name, linears); !status)
      return status;
  if (linears.empty())
    return malformed("AWQ1232",
                     "config.json says that the model is quantized, but no "
                     "tensor's name ends in .qweight",
                     checkpoint.files().empty() ? std::string()
                                                : checkpoint.files().front(),
                     "remove quantization_config if the model is float");
  return checkFusedSets(linears);
}

Result<std::vector<AwqLinear>>
io::checkAwqCheckpoint(const Checkpoint &checkpoint, const AwqConfig &config,
                       const AwqCheckpointRules &rules) {
  std::vector<AwqLinear> linears;
  if (Status status = Collector(checkpoint, config, rules).collect(linears);
      !status)
    return status.error();
  return linears;
}
