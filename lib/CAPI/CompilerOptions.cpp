//===- CompilerOptions.cpp - options by name --------------------*- C++ -*-===//
//
// Part of the awq-mlir project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "CompilerOptions.h"

#include "nlohmann/json.hpp"
#include "llvm/ADT/StringExtras.h"

#include <variant>
#include <vector>

using namespace awq;
using namespace awq::capi;

namespace {

/// Where an option's value lies.
using Field = std::variant<std::string *, bool *, int *, unsigned *, int64_t *,
                           double *, std::vector<std::string> *>;

struct Option {
  const char *name;
  Field (*field)(Options &options);
  const char *help;
};

/// Reads a value from text. False if it is none of the field's type.
struct Reader {
  llvm::StringRef text;

  bool operator()(std::string *field) const {
    *field = text.str();
    return true;
  }
  bool operator()(bool *field) const {
    *field = text == "true";
    return text == "true" || text == "false";
  }
  template <typename Integer>
  bool operator()(Integer *field) const {
    return !text.getAsInteger(10, *field);
  }
  bool operator()(double *field) const { return !text.getAsDouble(*field); }
  bool operator()(std::vector<std::string> *field) const {
    llvm::SmallVector<llvm::StringRef> parts;
    text.split(parts, ',', /*MaxSplit=*/-1, /*KeepEmpty=*/false);
    field->assign(parts.begin(), parts.end());
    return true;
  }
};

/// Writes a value as text that Reader reads.
struct Writer {
  std::string operator()(const std::string *field) const { return *field; }
  std::string operator()(const bool *field) const {
    return *field ? "true" : "false";
  }
  template <typename Number>
  std::string operator()(const Number *field) const {
    return nlohmann::json(*field).dump();
  }
  std::string operator()(const std::vector<std::string> *field) const {
    return llvm::join(*field, ",");
  }
};

struct TypeName {
  const char *operator()(const std::string *) const { return "text"; }
  const char *operator()(const bool *) const { return "bool"; }
  template <typename Integer>
  const char *operator()(const Integer *) const {
    return "int";
  }
  const char *operator()(const double *) const { return "float"; }
  const char *operator()(const std::vector<std::string> *) const {
    return "list";
  }
};

} // namespace

// The option with the field `member` of the request.
#define OPTION(name, member, help)                                             \
  {name, [](Options &all) -> Field { return &all.request.member; }, help}

static const Option options[] = {
    OPTION("activations", activations,
           "type of a GPU's activations: f16 or bf16"),
    OPTION("autoawq", autoAwq, "AutoAWQ's arithmetic and search"),
    OPTION("batch-invariant", batchInvariant,
           "one GPU kernel for any number of tokens"),
    OPTION("bits", bits, "bits per weight"),
    OPTION("calibration", calibration,
           "safetensors file of tokens to calibrate on"),
    OPTION("chip", chip, "GPU to make kernels for"),
    OPTION("force", force, "replace an existing output"),
    OPTION("fuse", fuse, "join and fuse the linears of a GPU"),
    OPTION("group-size", groupSize, "input channels that share a scale"),
    OPTION("journal", journal, "folder that keeps finished layers"),
    OPTION("kernel-mode", kernelMode, "how GPU kernels make numbers of codes"),
    OPTION("mattr", cpu.features, "processor features to add or take away"),
    OPTION("mcpu", cpu.cpu, "processor to compile for"),
    OPTION("method", quantize, "how to quantize: awq or rtn"),
    OPTION("mtriple", cpu.triple, "target triple"),
    OPTION("plain-scales", plainScales,
           "also try channel scales that do not depend on the weights"),
    OPTION("refine-codes", refineCodes, "move codes where it helps"),
    OPTION("refit-scales", refitScales, "fit scales to their codes"),
    OPTION("restart", restart, "forget the layers in the journal"),
    OPTION("resume", resume, "go on behind the layers in the journal"),
    OPTION("scale-ratios", scaleRatios,
           "points of each grid of channel scales"),
    OPTION("search-clips", searchClips,
           "search narrower ranges for groups of weights"),
    OPTION("shrinkage", shrinkage,
           "how far correlations of channels are shrunk, 0 to 1"),
    OPTION("skip", skip, "linears with one of these in their names stay float"),
    OPTION("skip-tokens", skipTokens,
           "tokens at the start of each sample left out of statistics"),
    {"source", [](Options &all) -> Field { return &all.source; },
     "folder of configuration and tokenizer, for modules that come from none"},
    OPTION("statistics", statistics, "statistics file to write"),
    OPTION("statistics-gram", statisticsGram, "write Gram matrices, too"),
    OPTION("threads", threads, "threads; 0: one per processor"),
};

Options::Options() {
  request.progress = "none";
  request.quantize = "rtn";
}

Status awq::capi::setOption(Options &target, const std::string &name,
                            const std::string &value) {
  std::string names;
  for (const Option &option : options) {
    names += (names.empty() ? "" : ", ") + std::string(option.name);
    if (name != option.name)
      continue;
    Options changed = target;
    Field field = option.field(changed);
    if (!std::visit(Reader{value}, field))
      return Error{ErrorKind::Usage, "AWQ1669",
                   "the option '" + name + "' does not take the value '" +
                       value + "'",
                   "awqCompilerSetOption",
                   std::string("give a value of the type ") +
                       std::visit(TypeName(), field) + ": " + option.help};
    target = std::move(changed);
    return {};
  }
  return Error{ErrorKind::Usage, "AWQ1668", "there is no option '" + name + "'",
               "awqCompilerSetOption", "the options are " + names};
}

const std::string &awq::capi::describeOptions() {
  static const std::string text = [] {
    Options defaults;
    auto described = nlohmann::ordered_json::array();
    for (const Option &option : options) {
      Field field = option.field(defaults);
      described.push_back({{"name", option.name},
                           {"type", std::visit(TypeName(), field)},
                           {"default", std::visit(Writer(), field)},
                           {"help", option.help}});
    }
    return described.dump();
  }();
  return text;
}
