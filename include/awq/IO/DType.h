//===- DType.h - element types of safetensors files -------------*- C++ -*-===//
//
// Part of the awq-mlir project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef AWQ_IO_DTYPE_H
#define AWQ_IO_DTYPE_H

#include <cstdint>
#include <optional>
#include <string_view>

namespace awq::io {

/// The element types of the safetensors format (version 0.8 of its reference
/// implementation). F4, F6_* elements are packed without padding: a tensor's
/// total must be a whole number of bytes.
enum class DType : uint8_t {
  BOOL,
  F4,
  F6_E2M3,
  F6_E3M2,
  U8,
  I8,
  F8_E5M2,
  F8_E4M3,
  F8_E8M0,
  F8_E4M3FNUZ,
  F8_E5M2FNUZ,
  U16,
  I16,
  F16,
  BF16,
  U32,
  I32,
  F32,
  C64,
  U64,
  I64,
  F64
};

/// Bits that one element takes in a file (a BOOL takes 8).
int64_t bitWidth(DType dtype);

/// The spelling in a safetensors header, e.g. "BF16".
std::string_view name(DType dtype);

/// The type of that spelling (upper case, as in the format), or nothing.
std::optional<DType> parseDType(std::string_view spelling);

} // namespace awq::io

#endif // AWQ_IO_DTYPE_H
