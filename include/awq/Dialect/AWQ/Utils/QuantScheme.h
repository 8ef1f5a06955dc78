//===- QuantScheme.h - how weights become integers --------------*- C++ -*-===//
//
// Part of the awq-mlir project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef AWQ_DIALECT_AWQ_UTILS_QUANTSCHEME_H
#define AWQ_DIALECT_AWQ_UTILS_QUANTSCHEME_H

#include "awq/Support/Error.h"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace awq {

/// The type in which the scales of groups are stored.
enum class ScaleType { F16, BF16, F32 };

/// "f16", "bf16" or "f32".
std::string_view name(ScaleType type);

/// The type spelled `text`, or nothing.
std::optional<ScaleType> parseScaleType(std::string_view text);

/// `value` rounded to `type` (nearest, ties to even).
float roundToScaleType(float value, ScaleType type);

/// A uniform quantization of the rows of a weight matrix [N, K]: each row is
/// cut into groups of `group` neighbouring input channels that share one scale
/// and one zero point;  w = (q - z) * s  with unsigned q in [0, 2^bits - 1].
struct QuantScheme {
  /// Width of a code, 2 to 8.
  int bits = 4;
  /// Input channels per group; 0 means the whole row.
  int64_t group = 64;
  /// The zero point is 2^(bits-1) everywhere and is not stored.
  bool symmetric = false;
  /// The stored type of scales.
  ScaleType scale = ScaleType::F16;

  /// The largest code.
  int maxCode() const { return (1 << bits) - 1; }
  /// The zero point of a symmetric scheme.
  int symmetricZero() const { return 1 << (bits - 1); }
  /// The size of a group in a row of `k` channels.
  int64_t groupSize(int64_t k) const { return group == 0 ? k : group; }
  /// The number of groups in a row of `k` channels; `k` must be divisible.
  int64_t groups(int64_t k) const { return k == 0 ? 0 : k / groupSize(k); }

  /// Checks the scheme by itself. Errors: AWQ1201 (bits), AWQ1202 (group).
  Status validate() const;
  /// Checks the scheme for the weight [n, k] called `tensor`. Errors: those of
  /// validate(), AWQ1203 (an empty matrix), AWQ1204 (the group does not divide
  /// k).
  Status validate(int64_t n, int64_t k, std::string_view tensor = "") const;

  bool operator==(const QuantScheme &other) const {
    return bits == other.bits && group == other.group &&
           symmetric == other.symmetric && scale == other.scale;
  }
  bool operator!=(const QuantScheme &other) const { return !(*this == other); }
};

/// The largest power of two up to 128 that divides `k`, to be suggested.
int64_t suggestedGroup(int64_t k);

} // namespace awq

#endif // AWQ_DIALECT_AWQ_UTILS_QUANTSCHEME_H
