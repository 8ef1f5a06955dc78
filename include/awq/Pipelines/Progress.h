//===- Progress.h - events of long commands --------------------*- C++ -*-===//
//
// Part of the awq-mlir project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef AWQ_PIPELINES_PROGRESS_H
#define AWQ_PIPELINES_PROGRESS_H

#include "nlohmann/json.hpp"

#include <string>

namespace awq {

/// Tells about the work as it goes on: as JSON lines on stdout for programs,
/// as plain lines on stderr for people, or not at all. An event is an object
/// with the name of the event in "event".
class Progress {
public:
  enum class Mode { None, Plain, JsonLines };
  explicit Progress(Mode mode = Mode::None) : mode(mode) {}

  void event(const nlohmann::ordered_json &event) const;

private:
  Mode mode;
};

} // namespace awq

#endif // AWQ_PIPELINES_PROGRESS_H
