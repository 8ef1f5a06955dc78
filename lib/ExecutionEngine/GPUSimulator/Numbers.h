//===- Numbers.h - 16-bit and 8-bit floats -------------------- -*- C++ -*-===//
//
// Part of the awq-mlir project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef AWQ_LIB_EXECUTIONENGINE_GPUSIMULATOR_NUMBERS_H
#define AWQ_LIB_EXECUTIONENGINE_GPUSIMULATOR_NUMBERS_H

#include <cmath>
#include <cstdint>
#include <cstring>

#ifdef __F16C__
#include <immintrin.h>
#endif

namespace awq::gpusim {

template <typename To, typename From>
inline To bitCast(const From &value) {
  static_assert(sizeof(To) == sizeof(From), "a cast keeps the size");
  To result;
  std::memcpy(&result, &value, sizeof(To));
  return result;
}

inline float halfToFloat(uint16_t half) {
#ifdef __F16C__
  return _cvtsh_ss(half);
#else
  uint32_t sign = uint32_t(half & 0x8000) << 16, exponent = half >> 10 & 31,
           fraction = half & 1023;
  if (exponent == 0) {
    float value = std::ldexp(float(fraction), -24);
    return sign ? -value : value;
  }
  if (exponent == 31)
    return bitCast<float>(sign | 0x7f800000 | fraction << 13);
  return bitCast<float>(sign | (exponent + 112) << 23 | fraction << 13);
#endif
}

/// Rounds to nearest even.
inline uint16_t floatToHalf(float value) {
#ifdef __F16C__
  return static_cast<uint16_t>(_cvtss_sh(value, 0));
#else
  uint32_t bits = bitCast<uint32_t>(value);
  uint16_t sign = bits >> 16 & 0x8000;
  uint32_t magnitude = bits & 0x7fffffff;
  if (magnitude > 0x7f800000)
    return sign | 0x7e00;
  if (magnitude >= 0x477ff000)
    return sign | 0x7c00;
  if (magnitude < 0x38800000) {
    // The sum's last place is that of a subnormal half.
    float shifted = bitCast<float>(magnitude) + 0.5f;
    return sign |
           static_cast<uint16_t>(bitCast<uint32_t>(shifted) - 0x3f000000);
  }
  uint32_t odd = magnitude >> 13 & 1;
  return sign |
         static_cast<uint16_t>((magnitude + 0xfff + odd - 0x38000000) >> 13);
#endif
}

inline float bfloatToFloat(uint16_t value) {
  return bitCast<float>(uint32_t(value) << 16);
}

/// Rounds to nearest even.
inline uint16_t floatToBfloat(float value) {
  uint32_t bits = bitCast<uint32_t>(value);
  if ((bits & 0x7fffffff) > 0x7f800000)
    return static_cast<uint16_t>(bits >> 16 | 0x40);
  return static_cast<uint16_t>((bits + 0x7fff + (bits >> 16 & 1)) >> 16);
}

/// Rounds to odd: rounding the result again, to fewer bits, is then exact.
inline float doubleToFloatOdd(double value) {
  float nearest = static_cast<float>(value);
  if (static_cast<double>(nearest) == value || value != value)
    return nearest;
  uint32_t bits = bitCast<uint32_t>(nearest);
  if (std::fabs(static_cast<double>(nearest)) > std::fabs(value))
    --bits;
  return bitCast<float>(bits | 1);
}

/// a * b + c rounded to odd, where a * b is exact in Float: the sum's rounding
/// error is known exactly (Knuth's TwoSum) and decides the last bit.
template <typename Float, typename Bits>
inline Float multiplyAddOdd(Float a, Float b, Float c) {
  Float product = a * b;
  Float sum = product + c;
  Float shadow = sum - product;
  Float error = (product - (sum - shadow)) + (c - shadow);
  Bits bits = bitCast<Bits>(sum);
  bool inexact = error > 0 || error < 0;
  Bits step = (error > 0) == (sum > 0) ? Bits(1) : ~Bits(0);
  bits += inexact && (bits & 1) == 0 ? step : Bits(0);
  return bitCast<Float>(bits);
}

/// The OCP 8-bit floats; e5m2 is the upper half of an fp16.
inline float e5m2ToFloat(uint8_t value) {
  return halfToFloat(static_cast<uint16_t>(value << 8));
}

inline float e4m3ToFloat(uint8_t value) {
  unsigned exponent = value >> 3 & 15, fraction = value & 7;
  float magnitude;
  if (exponent == 15 && fraction == 7)
    magnitude = std::nanf("");
  else if (exponent == 0)
    magnitude = std::ldexp(float(fraction), -9);
  else
    magnitude = std::ldexp(float(8 + fraction), int(exponent) - 10);
  return value & 0x80 ? -magnitude : magnitude;
}

} // namespace awq::gpusim

#endif // AWQ_LIB_EXECUTIONENGINE_GPUSIMULATOR_NUMBERS_H
