//===- QuantScheme.cpp - how weights become integers ------------*- C++ -*-===//
//
// Part of the awq-mlir project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "awq/Dialect/AWQ/Utils/QuantScheme.h"

#include "awq/Dialect/AWQ/Utils/Half.h"

using namespace awq;

std::string_view awq::name(ScaleType type) {
  switch (type) {
  case ScaleType::F16:
    return "f16";
  case ScaleType::BF16:
    return "bf16";
  case ScaleType::F32:
    break;
  }
  return "f32";
}

std::optional<ScaleType> awq::parseScaleType(std::string_view text) {
  for (ScaleType type : {ScaleType::F16, ScaleType::BF16, ScaleType::F32})
    if (name(type) == text)
      return type;
  return std::nullopt;
}

float awq::roundToScaleType(float value, ScaleType type) {
  switch (type) {
  case ScaleType::F16:
    return roundToHalf(value);
  case ScaleType::BF16:
    return roundToBfloat(value);
  case ScaleType::F32:
    break;
  }
  return value;
}

static Error schemeError(const char *code, std::string message,
                         std::string_view tensor, std::string help) {
  return {ErrorKind::Unsupported, code, std::move(message), std::string(tensor),
          std::move(help)};
}

Status QuantScheme::validate() const {
  if (bits < 2 || bits > 8)
    return schemeError("AWQ1201",
                       "codes of " + std::to_string(bits) +
                           " bits are not supported",
                       "", "choose 2 to 8 bits");
  if (group < 0)
    return schemeError(
        "AWQ1202", "the group size " + std::to_string(group) + " is negative",
        "", "choose a positive group size, or 0 for whole rows");
  return {};
}

int64_t awq::suggestedGroup(int64_t k) {
  int64_t group = 128;
  while (k % group != 0)
    group /= 2;
  return group;
}

Status QuantScheme::validate(int64_t n, int64_t k,
                             std::string_view tensor) const {
  if (Status status = validate(); !status) {
    Error error = status.error();
    error.where = std::string(tensor);
    return error;
  }
  if (n <= 0 || k <= 0)
    return schemeError("AWQ1203",
                       "a weight of shape [" + std::to_string(n) + ", " +
                           std::to_string(k) + "] cannot be quantized",
                       tensor, "both dimensions must be positive");
  if (group != 0 && k % group != 0)
    return schemeError("AWQ1204",
                       "groups of " + std::to_string(group) +
                           " do not divide rows of " + std::to_string(k) +
                           " input channels",
                       tensor,
                       "choose a group size that divides " + std::to_string(k) +
                           ", such as " + std::to_string(suggestedGroup(k)));
  return {};
}
