//===- DType.cpp - element types of safetensors files ---------------------===//
//
// Part of the awq-mlir project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "awq/IO/DType.h"

using namespace awq;
using namespace awq::io;

namespace {
struct Row {
  DType dtype;
  std::string_view name;
  int64_t bits;
};
} // namespace

static constexpr Row rows[] = {
    {DType::BOOL, "BOOL", 8},
    {DType::F4, "F4", 4},
    {DType::F6_E2M3, "F6_E2M3", 6},
    {DType::F6_E3M2, "F6_E3M2", 6},
    {DType::U8, "U8", 8},
    {DType::I8, "I8", 8},
    {DType::F8_E5M2, "F8_E5M2", 8},
    {DType::F8_E4M3, "F8_E4M3", 8},
    {DType::F8_E8M0, "F8_E8M0", 8},
    {DType::F8_E4M3FNUZ, "F8_E4M3FNUZ", 8},
    {DType::F8_E5M2FNUZ, "F8_E5M2FNUZ", 8},
    {DType::U16, "U16", 16},
    {DType::I16, "I16", 16},
    {DType::F16, "F16", 16},
    {DType::BF16, "BF16", 16},
    {DType::U32, "U32", 32},
    {DType::I32, "I32", 32},
    {DType::F32, "F32", 32},
    {DType::C64, "C64", 64},
    {DType::U64, "U64", 64},
    {DType::I64, "I64", 64},
    {DType::F64, "F64", 64},
};

/// The table is indexed by the enumerator.
static constexpr bool isInOrder() {
  size_t index = 0;
  for (const Row &row : rows)
    if (static_cast<size_t>(row.dtype) != index++)
      return false;
  return index == static_cast<size_t>(DType::F64) + 1;
}
static_assert(isInOrder(), "rows must follow the enumeration");

int64_t io::bitWidth(DType dtype) {
  return rows[static_cast<size_t>(dtype)].bits;
}

std::string_view io::name(DType dtype) {
  return rows[static_cast<size_t>(dtype)].name;
}

std::optional<DType> io::parseDType(std::string_view spelling) {
  for (const Row &row : rows)
    if (row.name == spelling)
      return row.dtype;
  return std::nullopt;
}
