//===- Architecture.cpp - how a model type is put together ----------------===//
//
// Part of the awq-mlir project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "awq/Target/HuggingFace/Architecture.h"

#include "awq/IO/Json.h"
#include "awq/Target/HuggingFace/ArchitectureRules.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/ADT/StringRef.h"

using namespace awq;
using nlohmann::json;

static constexpr llvm::StringLiteral layerMark = "{layer}";

namespace {
struct EmbeddedFile {
  const char *name;
  const char *contents;
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
  std::vector<std::vector<std::string>> sets;
  if (attention.kind == AttentionStyle::Kind::Separate)
    sets.push_back(
        {leaf(attention.query), leaf(attention.key), leaf(attention.value)});
  if (!mlp.gate.module.empty())
    sets.push_back({leaf(mlp.gate), leaf(mlp.up)});
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

/// The values of the fields that tell the variants of a model type apart.
static Error unknownVariant(const std::string &modelType, const json &config,
                            const std::string &configFile,
                            llvm::ArrayRef<Architecture> variants) {
  std::string known, found;
  for (const Architecture &variant : variants) {
    known += (known.empty() ? "" : "; ") + variant.when.dump();
    for (const auto &item : variant.when.items())
      if (found.find("\"" + item.key() + "\"") == found.npos)
        found += (found.empty() ? "" : ", ") + ("\"" + item.key() + "\": ") +
                 config.value(item.key(), json()).dump();
  }
  return Error{ErrorKind::Unsupported, "AWQ1112",
               "this variant of \"" + modelType +
                   "\" is not supported: " + found,
               configFile,
               "supported are " + known +
                   "; an architecture file of your own can describe another"};
}

Result<Architecture> awq::findArchitecture(const json &config,
                                           const std::string &configFile,
                                           const std::string &userFile) {
  if (!userFile.empty()) {
    Result<json> root = io::parseJsonFile(userFile);
    if (!root)
      return root.error();
    return parseArchitecture(*root, userFile);
  }
  std::string modelType = config.at("model_type").get<std::string>();
  std::vector<std::string> known;
  std::vector<Architecture> variants;
  for (const EmbeddedFile &file : embeddedFiles) {
    Result<Architecture> architecture = parseEmbedded(file);
    if (!architecture)
      return architecture;
    if (!llvm::is_contained(architecture->modelTypes, modelType)) {
      for (std::string &name : architecture->modelTypes)
        if (!llvm::is_contained(known, name))
          known.push_back(std::move(name));
      continue;
    }
    if (holds(architecture->when, config, architecture->defaults))
      return architecture;
    variants.push_back(std::move(*architecture));
  }
  if (!variants.empty())
    return unknownVariant(modelType, config, configFile, variants);
  return unknownType(modelType, configFile, known);
}
