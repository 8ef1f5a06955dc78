//===- Utf8.cpp - checks of UTF-8 text ------------------------------------===//
//
// Part of the awq-mlir project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Utf8.h"

#include <cstdint>

using namespace awq::io;

/// Length of the valid sequence at the start of `text`, or 0.
static size_t sequenceLength(std::string_view text) {
  auto at = [&](size_t i) { return static_cast<uint8_t>(text[i]); };
  uint8_t lead = at(0);
  if (lead < 0x80)
    return 1;
  size_t length = 0;
  uint8_t low = 0x80, high = 0xbf; // bounds of the second byte
  if (lead >= 0xc2 && lead <= 0xdf) {
    length = 2;
  } else if (lead >= 0xe0 && lead <= 0xef) {
    length = 3;
    if (lead == 0xe0)
      low = 0xa0; // shorter forms
    if (lead == 0xed)
      high = 0x9f; // surrogates
  } else if (lead >= 0xf0 && lead <= 0xf4) {
    length = 4;
    if (lead == 0xf0)
      low = 0x90;
    if (lead == 0xf4)
      high = 0x8f; // beyond U+10FFFF
  }
  if (length == 0 || text.size() < length || at(1) < low || at(1) > high)
    return 0;
  for (size_t i = 2; i < length; ++i)
    if (at(i) < 0x80 || at(i) > 0xbf)
      return 0;
  return length;
}

size_t awq::io::findInvalidUtf8(std::string_view text) {
  for (size_t position = 0; position < text.size();) {
    size_t length = sequenceLength(text.substr(position));
    if (length == 0)
      return position;
    position += length;
  }
  return std::string_view::npos;
}

std::string awq::io::printable(std::string_view text) {
  constexpr size_t limit = 120;
  static const char digits[] = "0123456789abcdef";
  std::string result = "\"";
  size_t position = 0;
  while (position < text.size() && position < limit) {
    size_t length = sequenceLength(text.substr(position));
    uint8_t byte = static_cast<uint8_t>(text[position]);
    if (length == 0 || byte < 0x20 || byte == 0x7f) {
      result += {'\\', 'x', digits[byte >> 4], digits[byte & 15]};
      ++position;
      continue;
    }
    result += text.substr(position, length);
    position += length;
  }
  return result + (position < text.size() ? "...\"" : "\"");
}
