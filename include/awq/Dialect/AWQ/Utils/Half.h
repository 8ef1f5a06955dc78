//===- Half.h - 16-bit floats to and from 32-bit floats ---------*- C++ -*-===//
//
// Part of the awq-mlir project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

// Conversions that are exact (widening) or rounded to nearest, ties to even
// (narrowing), with subnormals kept. They are branch-free, so that loops over
// arrays vectorise, and they do not depend on the processor's rounding or
// flush-to-zero settings beyond the default ones.
//
//===----------------------------------------------------------------------===//

#ifndef AWQ_DIALECT_AWQ_UTILS_HALF_H
#define AWQ_DIALECT_AWQ_UTILS_HALF_H

#include <cstdint>
#include <cstring>

namespace awq {

/// The bits of a float.
inline uint32_t floatBits(float value) {
  uint32_t bits;
  std::memcpy(&bits, &value, sizeof bits);
  return bits;
}

/// The float with the given bits.
inline float bitsToFloat(uint32_t bits) {
  float value;
  std::memcpy(&value, &bits, sizeof value);
  return value;
}

/// The value of an IEEE binary16 number; exact. NaNs keep their payload and
/// become quiet.
inline float halfToFloat(uint16_t half) {
  uint32_t magnitude = static_cast<uint32_t>(half & 0x7fffu) << 13;
  uint32_t sign = static_cast<uint32_t>(half & 0x8000u) << 16;
  uint32_t normal = magnitude + ((127u - 15u) << 23);
  uint32_t special = magnitude | 0x7f800000u;
  special |= (magnitude & 0x007fffffu) ? 0x00400000u : 0u;
  // A subnormal is mantissa * 2^-24: put the mantissa below an implicit one of
  // the same weight and subtract that one again.
  float subnormal =
      bitsToFloat(magnitude + (113u << 23)) - bitsToFloat(113u << 23);
  uint32_t bits = magnitude >= 0x0f800000u   ? special
                  : magnitude >= 0x00800000u ? normal
                                             : floatBits(subnormal);
  return bitsToFloat(bits | sign);
}

/// The nearest IEEE binary16 number, ties to even. Values of magnitude 65520
/// and above become infinity; NaNs keep the top of their payload and become
/// quiet.
inline uint16_t floatToHalf(float value) {
  uint32_t bits = floatBits(value);
  uint32_t sign = bits & 0x80000000u;
  uint32_t magnitude = bits ^ sign;
  // Subnormal results: adding 0.5 makes the float adder round at 2^-24.
  uint32_t subnormal =
      floatBits(bitsToFloat(magnitude) + 0.5f) - floatBits(0.5f);
  uint32_t odd = (magnitude >> 13) & 1u;
  uint32_t normal = (magnitude - (112u << 23) + 0xfffu + odd) >> 13;
  uint32_t nan = 0x7e00u | ((magnitude >> 13) & 0x03ffu);
  uint32_t half = magnitude > 0x7f800000u    ? nan
                  : magnitude >= 0x477ff000u ? 0x7c00u
                  : magnitude < 0x38800000u  ? subnormal
                                             : normal;
  return static_cast<uint16_t>(half | (sign >> 16));
}

/// The value of a bfloat16 number; exact.
inline float bfloatToFloat(uint16_t bfloat) {
  return bitsToFloat(static_cast<uint32_t>(bfloat) << 16);
}

/// The nearest bfloat16 number, ties to even; NaNs become quiet.
inline uint16_t floatToBfloat(float value) {
  uint32_t bits = floatBits(value);
  uint32_t rounded = (bits + 0x7fffu + ((bits >> 16) & 1u)) >> 16;
  uint32_t nan = (bits >> 16) | 0x0040u;
  return static_cast<uint16_t>((bits & 0x7fffffffu) > 0x7f800000u ? nan
                                                                  : rounded);
}

/// The value rounded to binary16 and back.
inline float roundToHalf(float value) {
  return halfToFloat(floatToHalf(value));
}

/// The value rounded to bfloat16 and back.
inline float roundToBfloat(float value) {
  return bfloatToFloat(floatToBfloat(value));
}

/// Converts arrays of `count` elements; source and destination do not overlap.
/// @{
void halfToFloat(const uint16_t *source, float *destination, int64_t count);
void floatToHalf(const float *source, uint16_t *destination, int64_t count);
void bfloatToFloat(const uint16_t *source, float *destination, int64_t count);
void floatToBfloat(const float *source, uint16_t *destination, int64_t count);
/// @}

} // namespace awq

#endif // AWQ_DIALECT_AWQ_UTILS_HALF_H
