//===- Json.h - strict JSON files -------------------------------*- C++ -*-===//
//
// Part of the awq-mlir project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Built without exceptions: nlohmann's get<T>(), at() and operator[] end the
// program when the type or the key is not there. Test with is_...() and
// contains() first.
//
//===----------------------------------------------------------------------===//

#ifndef AWQ_IO_JSON_H
#define AWQ_IO_JSON_H

#include "awq/Support/Error.h"

#include <nlohmann/json.hpp>

#include <cstdint>
#include <string>
#include <string_view>

namespace awq::io {

/// What a JSON document may be at most.
struct JsonLimits {
  uint64_t maxBytes = uint64_t(64) << 20;
  /// Arrays and objects inside each other.
  int maxDepth = 32;
};

/// Parses a whole JSON document; `where` (usually the path) goes into errors.
/// Refused: bad syntax (AWQ1050), more bytes (AWQ1051) or deeper nesting
/// (AWQ1052) than the limits, a key twice in one object (AWQ1053), a byte
/// order mark (AWQ1054), NaN, Infinity or a number beyond double (AWQ1055),
/// text that is not UTF-8 or holds NUL (AWQ1056).
Result<nlohmann::json> parseJson(std::string_view text, std::string_view where,
                                 const JsonLimits &limits = {});

/// parseJson over a file, with the errors of MappedFile::open.
Result<nlohmann::json> parseJsonFile(const std::string &path,
                                     const JsonLimits &limits = {});

} // namespace awq::io

#endif // AWQ_IO_JSON_H
