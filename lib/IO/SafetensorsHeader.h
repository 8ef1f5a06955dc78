//===- SafetensorsHeader.h - the header of a safetensors file ---*- C++ -*-===//
//
// Part of the awq-mlir project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef AWQ_LIB_IO_SAFETENSORSHEADER_H
#define AWQ_LIB_IO_SAFETENSORSHEADER_H

#include "awq/IO/DType.h"
#include "awq/Support/Error.h"

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace awq::io {

/// The limit of the reference implementation.
constexpr uint64_t maxHeaderBytes = 100'000'000;
constexpr uint64_t lengthBytes = 8;

/// One tensor as the header states it; offsets count from the end of the
/// header.
struct HeaderEntry {
  std::string name;
  DType dtype = DType::F32;
  std::vector<int64_t> shape;
  uint64_t begin = 0;
  uint64_t end = 0;
};

struct SafetensorsHeader {
  /// Sorted by offset.
  std::vector<HeaderEntry> entries;
  std::map<std::string, std::string> metadata;
};

/// Bytes of a tensor, or nothing when the product overflows 64 bits or the
/// bits do not fill whole bytes. A dimension of 0 makes 0 bytes only if the
/// product up to it fits, as in the reference implementation.
std::optional<uint64_t> tensorBytes(DType dtype,
                                    const std::vector<int64_t> &shape);

/// Parses the JSON text (codes AWQ1014 to AWQ1019); offsets are not yet
/// checked.
Result<SafetensorsHeader> parseHeader(std::string_view text,
                                      const std::string &path);

/// Sorts the entries and checks that they fill `dataBytes` without holes or
/// overlaps and have the sizes of their shapes (AWQ1019 to AWQ1022).
Status checkLayout(SafetensorsHeader &header, uint64_t dataBytes,
                   const std::string &path);

} // namespace awq::io

#endif // AWQ_LIB_IO_SAFETENSORSHEADER_H
