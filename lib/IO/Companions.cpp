//===- Companions.cpp - files that go along with weights ------------------===//
//
// Part of the awq-mlir project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "awq/IO/Companions.h"

#include <algorithm>
#include <filesystem>
#include <iterator>
#include <vector>

using namespace awq;
namespace fs = std::filesystem;

static bool isCompanion(const std::string &name) {
  static const char *const exact[] = {
      "added_tokens.json",  "chat_template.jinja",
      "chat_template.json", "generation_config.json",
      "merges.txt",         "special_tokens_map.json",
      "spiece.model",       "tokenizer.json",
      "tokenizer.model",    "tokenizer_config.json",
      "vocab.json",         "vocab.txt"};
  static const char *const prefixes[] = {"COPYING", "LICENCE", "LICENSE",
                                         "NOTICE"};
  auto startsWith = [&](const char *prefix) {
    return name.rfind(prefix, 0) == 0;
  };
  return std::find(std::begin(exact), std::end(exact), name) !=
             std::end(exact) ||
         std::any_of(std::begin(prefixes), std::end(prefixes), startsWith);
}

Status io::copyCompanions(const std::string &source,
                          const std::string &destination) {
  std::error_code error;
  std::vector<std::string> names;
  for (fs::directory_iterator it(source, error), end; !error && it != end;
       it.increment(error)) {
    std::string name = it->path().filename().string();
    std::error_code ignored;
    if (isCompanion(name) && it->is_regular_file(ignored))
      names.push_back(name);
  }
  for (const std::string &name : names) {
    if (error)
      break;
    fs::copy_file(fs::path(source) / name, fs::path(destination) / name, error);
  }
  if (!error)
    return {};
  return Error{ErrorKind::Resources, "AWQ1040",
               "cannot copy the tokenizer and licence files: " +
                   error.message(),
               source + " to " + destination,
               "make the files readable and room on the disk"};
}
