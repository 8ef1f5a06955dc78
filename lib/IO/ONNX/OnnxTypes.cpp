//===- OnnxTypes.cpp - element types and lookups of ONNX models -----------===//
//
// Part of the awq-mlir project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "awq/IO/Onnx.h"

#include <algorithm>
#include <iterator>

using namespace awq;
using namespace awq::io;

namespace {
struct TypeInfo {
  const char *name;
  int64_t bits;
};
} // namespace

/// By number.
static constexpr TypeInfo types[] = {
    {"UNDEFINED", 0},      {"FLOAT", 32},     {"UINT8", 8},
    {"INT8", 8},           {"UINT16", 16},    {"INT16", 16},
    {"INT32", 32},         {"INT64", 64},     {"STRING", 0},
    {"BOOL", 8},           {"FLOAT16", 16},   {"DOUBLE", 64},
    {"UINT32", 32},        {"UINT64", 64},    {"COMPLEX64", 64},
    {"COMPLEX128", 128},   {"BFLOAT16", 16},  {"FLOAT8E4M3FN", 8},
    {"FLOAT8E4M3FNUZ", 8}, {"FLOAT8E5M2", 8}, {"FLOAT8E5M2FNUZ", 8},
    {"UINT4", 4},          {"INT4", 4},       {"FLOAT4E2M1", 4},
    {"FLOAT8E8M0", 8},     {"UINT2", 2},      {"INT2", 2},
};

static const TypeInfo *find(OnnxType type) {
  auto number = static_cast<int64_t>(type);
  return number < 0 || number >= int64_t(std::size(types)) ? nullptr
                                                           : &types[number];
}

bool io::isKnown(OnnxType type) {
  return type != OnnxType::Undefined && find(type);
}

int64_t io::bitWidth(OnnxType type) {
  const TypeInfo *info = find(type);
  return info ? info->bits : 0;
}

std::string io::name(OnnxType type) {
  const TypeInfo *info = find(type);
  return info ? info->name
              : "type " + std::to_string(static_cast<int64_t>(type));
}

int64_t OnnxTensor::elementCount() const {
  // Checked when the tensor was read: cannot overflow, unless a zero follows.
  if (std::find(shape.begin(), shape.end(), 0) != shape.end())
    return 0;
  int64_t count = 1;
  for (int64_t size : shape)
    count *= size;
  return count;
}

const OnnxAttribute *OnnxNode::find(std::string_view attribute) const {
  auto found = attributes.find(attribute);
  return found == attributes.end() ? nullptr : &found->second;
}
