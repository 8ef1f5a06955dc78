//===- Utf8.h - checks of UTF-8 text ----------------------------*- C++ -*-===//
//
// Part of the awq-mlir project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef AWQ_LIB_IO_UTF8_H
#define AWQ_LIB_IO_UTF8_H

#include <string>
#include <string_view>

namespace awq::io {

/// Index of the first byte that is not part of valid UTF-8 (RFC 3629: shortest
/// form, no surrogates, at most U+10FFFF), or npos.
size_t findInvalidUtf8(std::string_view text);

/// Text fit for an error message: control characters and broken UTF-8 are
/// escaped, and what exceeds 120 bytes is cut.
std::string printable(std::string_view text);

} // namespace awq::io

#endif // AWQ_LIB_IO_UTF8_H
