//===- Progress.cpp - events of long commands ------------------*- C++ -*-===//
//
// Part of the awq-mlir project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "awq/Pipelines/Progress.h"

#include <cstdio>

using namespace awq;

/// "event: key value, key value"; what is nested is left to programs.
static std::string plainLine(const nlohmann::ordered_json &event) {
  std::string line, separator = ": ";
  for (const auto &[key, value] : event.items()) {
    if (key == "event") {
      line = value.get<std::string>() + line;
      continue;
    }
    if (value.is_structured())
      continue;
    line += separator + key + " " +
            (value.is_string() ? value.get<std::string>() : value.dump());
    separator = ", ";
  }
  return line;
}

void Progress::event(const nlohmann::ordered_json &event) const {
  if (mode == Mode::None)
    return;
  std::FILE *stream = mode == Mode::JsonLines ? stdout : stderr;
  std::string line = mode == Mode::JsonLines ? event.dump() : plainLine(event);
  std::fprintf(stream, "%s\n", line.c_str());
  std::fflush(stream);
}
