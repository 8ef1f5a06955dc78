//===- HalfTest.cpp - 16-bit floats -----------------------------*- C++ -*-===//
//
// Part of the awq-mlir project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "awq/Dialect/AWQ/Utils/Half.h"

#include <cmath>
#include <gtest/gtest.h>
#include <limits>
#include <vector>

using namespace awq;

/// The definition: the value of the bits of a binary16 number.
static double valueOfHalf(uint16_t bits) {
  int exponent = (bits >> 10) & 31, mantissa = bits & 1023;
  double magnitude = exponent == 0 ? std::ldexp(mantissa, -24)
                                   : std::ldexp(1024 + mantissa, exponent - 25);
  return bits & 0x8000 ? -magnitude : magnitude;
}

static bool isHalfFinite(uint16_t bits) { return (bits & 0x7c00) != 0x7c00; }

TEST(Half, WidensEveryFiniteNumberExactly) {
  for (uint32_t bits = 0; bits < 0x10000; ++bits) {
    if (!isHalfFinite(bits))
      continue;
    float value = halfToFloat(static_cast<uint16_t>(bits));
    ASSERT_EQ(value, valueOfHalf(bits)) << bits;
    ASSERT_EQ(std::signbit(value), (bits & 0x8000) != 0) << bits;
  }
}

TEST(Half, RoundTripsEveryNumber) {
  for (uint32_t bits = 0; bits < 0x10000; ++bits) {
    uint16_t back = floatToHalf(halfToFloat(static_cast<uint16_t>(bits)));
    bool nan = !isHalfFinite(bits) && (bits & 0x3ff);
    ASSERT_EQ(back, nan ? (bits | 0x200) : bits) << bits;
  }
}

/// Between neighbouring numbers: below the middle down, above it up, at the
/// middle to the even one. Covers subnormals and the step to normal numbers.
TEST(Half, RoundsToNearestEven) {
  for (uint16_t bits = 0; bits < 0x7bff; ++bits) {
    float a = halfToFloat(bits), b = halfToFloat(uint16_t(bits + 1));
    float middle = a + (b - a) / 2;
    uint16_t even = bits & 1 ? bits + 1 : bits;
    ASSERT_EQ(floatToHalf(middle), even) << bits;
    ASSERT_EQ(floatToHalf(std::nextafter(middle, 0.0f)), bits) << bits;
    ASSERT_EQ(floatToHalf(std::nextafter(middle, 1e9f)), bits + 1) << bits;
    ASSERT_EQ(floatToHalf(-middle), even | 0x8000) << bits;
  }
}

TEST(Half, OverflowsFromTheMiddleOfTheLastStep) {
  EXPECT_EQ(floatToHalf(65519.996f), 0x7bff);
  EXPECT_EQ(floatToHalf(65520.0f), 0x7c00);
  EXPECT_EQ(floatToHalf(-1e30f), 0xfc00);
  EXPECT_EQ(floatToHalf(std::numeric_limits<float>::infinity()), 0x7c00);
  EXPECT_EQ(floatToHalf(0x1p-25f), 0) << "half of the smallest ties to zero";
  EXPECT_EQ(floatToHalf(0x1.000002p-25f), 1);
  EXPECT_TRUE(std::isnan(
      halfToFloat(floatToHalf(std::numeric_limits<float>::quiet_NaN()))));
}

TEST(Bfloat, RoundsToNearestEven) {
  EXPECT_EQ(floatToBfloat(1.0f), 0x3f80);
  EXPECT_EQ(floatToBfloat(1.0f + 0x1p-8f), 0x3f80) << "tie to even";
  EXPECT_EQ(floatToBfloat(1.0f + 0x1p-7f + 0x1p-8f), 0x3f82) << "tie to even";
  EXPECT_EQ(floatToBfloat(1.0f + 0x1.02p-8f), 0x3f81);
  EXPECT_EQ(floatToBfloat(3.4e38f), 0x7f80) << "rounds up to infinity";
  EXPECT_TRUE(
      std::isnan(bfloatToFloat(floatToBfloat(bitsToFloat(0x7f800001)))));
  for (uint32_t bits = 0; bits < 0x10000; ++bits)
    if ((bits & 0x7f80) != 0x7f80) {
      ASSERT_EQ(floatToBfloat(bfloatToFloat(uint16_t(bits))), bits);
    }
}

TEST(Half, ArraysEqualElements) {
  std::vector<float> values;
  for (uint32_t i = 0; i < 5000; ++i)
    values.push_back(bitsToFloat(i * 858993u)); // all exponents and signs
  std::vector<uint16_t> halves(values.size()), bfloats(values.size());
  floatToHalf(values.data(), halves.data(), values.size());
  floatToBfloat(values.data(), bfloats.data(), values.size());
  std::vector<float> back(values.size());
  halfToFloat(halves.data(), back.data(), values.size());
  for (size_t i = 0; i < values.size(); ++i) {
    ASSERT_EQ(halves[i], floatToHalf(values[i])) << values[i];
    ASSERT_EQ(bfloats[i], floatToBfloat(values[i])) << values[i];
    ASSERT_EQ(floatBits(back[i]), floatBits(halfToFloat(halves[i])));
  }
  bfloatToFloat(bfloats.data(), back.data(), values.size());
  for (size_t i = 0; i < values.size(); ++i)
    ASSERT_EQ(floatBits(back[i]), floatBits(bfloatToFloat(bfloats[i])));
}
