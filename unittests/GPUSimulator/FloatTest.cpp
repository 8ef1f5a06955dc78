//===- FloatTest.cpp - floating point of 16, 32 and 64 bits ---------------===//
//
// Part of the awq-mlir project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Elementwise.h"

#include <cmath>
#include <limits>

using namespace awq::gpusim::test;

namespace {

/// Halves of every kind: normal, subnormal, zero, infinite.
std::vector<uint16_t> halves(size_t count, unsigned seed) {
  std::mt19937 random(seed);
  std::vector<uint16_t> values;
  for (size_t i = 0; i < count; ++i) {
    uint16_t bits = static_cast<uint16_t>(random());
    // Exponents near each other, so that sums cancel and round.
    if (random() % 2)
      bits = static_cast<uint16_t>((bits & 0x83ff) | (12 + random() % 8) << 10);
    if ((bits & 0x7c00) == 0x7c00)
      bits &= 0xfc00;
    values.push_back(bits);
  }
  return values;
}

bool sameHalf(uint16_t x, uint16_t y) {
  return x == y || (std::isnan(halfValue(x)) && std::isnan(halfValue(y)));
}

/// long double holds f16 products and sums exactly: 64 bits of precision cover
/// 2^-48 to 2^15 only as far as the terms of one sum are not further apart
/// than that, which holds for halves (2^-48 * 2^64 > 2^15).
TEST(Floats, HalfArithmeticIsRoundedOnce) {
  constexpr size_t count = 100000;
  auto x = halves(count, 1), y = halves(count, 2), z = halves(count, 3);
  auto run = [&](const std::string &body, const std::string &declare = "") {
    return elementwise<uint16_t>("half", "half", body, x, y, z, declare);
  };
  auto sum = run("  %r = fadd half %x, %y");
  auto product = run("  %r = fmul half %x, %y");
  auto quotient = run("  %r = fdiv half %x, %y");
  auto fused = run("  %r = call half @llvm.fma.f16(half %x, half %y, half %z)",
                   "declare half @llvm.fma.f16(half, half, half)");
  size_t twiceRounded = 0;
  for (size_t i = 0; i < count; ++i) {
    double a = halfValue(x[i]), b = halfValue(y[i]), c = halfValue(z[i]);
    ASSERT_TRUE(sameHalf(sum[i], nearestHalf(a + b))) << a << " + " << b;
    ASSERT_TRUE(sameHalf(product[i], nearestHalf(a * b))) << a << " * " << b;
    if (b != 0) {
      ASSERT_TRUE(sameHalf(quotient[i], nearestHalf(a / b))) << a << " / " << b;
    }
    long double exact = (long double)a * b + c;
    // To double with a sticky last bit, then to half.
    double odd = (double)exact;
    if ((long double)odd != exact && std::isfinite(odd)) {
      double away = std::nextafter(odd, exact > odd ? INFINITY : -INFINITY);
      uint64_t bits;
      std::memcpy(&bits, &odd, 8);
      odd = bits & 1 ? odd : away;
    }
    ASSERT_TRUE(sameHalf(fused[i], nearestHalf(odd)))
        << a << " * " << b << " + " << c;
    twiceRounded += !sameHalf(
        nearestHalf(std::fma((float)a, (float)b, (float)c)), nearestHalf(odd));
  }
  // The test reaches the cases that rounding through float gets wrong.
  EXPECT_GT(twiceRounded, 0u);
}

TEST(Floats, PackedHalvesTakeTheSameWay) {
  auto x = halves(2000, 4), y = halves(2000, 5);
  std::vector<uint32_t> a, b;
  for (size_t i = 0; i < 2000; i += 2) {
    a.push_back(x[i] | uint32_t(x[i + 1]) << 16);
    b.push_back(y[i] | uint32_t(y[i + 1]) << 16);
  }
  auto result = elementwise<uint32_t>(
      "<2 x half>", "<2 x half>",
      "  %s = fsub <2 x half> %x, %y\n  %n = fneg <2 x half> %s\n"
      "  %r = fmul <2 x half> %n, <half 2.0, half 4.0>",
      a, b, a);
  for (size_t i = 0; i < 2000; ++i) {
    double s = halfValue(nearestHalf(halfValue(x[i]) - halfValue(y[i])));
    uint16_t got = static_cast<uint16_t>(result[i / 2] >> 16 * (i % 2));
    EXPECT_TRUE(sameHalf(got, nearestHalf(-s * (i % 2 ? 4 : 2))));
  }
}

double bfloatValue(uint16_t bits) {
  uint32_t wide = uint32_t(bits) << 16;
  float value;
  std::memcpy(&value, &wide, 4);
  return value;
}

TEST(Floats, BfloatFmaIsRoundedOnce) {
  std::mt19937 random(9);
  std::vector<uint16_t> x, y, z;
  for (int i = 0; i < 20000; ++i)
    for (auto *list : {&x, &y, &z})
      list->push_back(static_cast<uint16_t>((random() & 0x807f) |
                                            (110 + random() % 34) << 7));
  auto fused = elementwise<uint16_t>(
      "bfloat", "bfloat",
      "  %r = call bfloat @llvm.fma.bf16(bfloat %x, bfloat %y, bfloat %z)", x,
      y, z, "declare bfloat @llvm.fma.bf16(bfloat, bfloat, bfloat)");
  for (size_t i = 0; i < x.size(); ++i) {
    long double exact =
        (long double)bfloatValue(x[i]) * bfloatValue(y[i]) + bfloatValue(z[i]);
    // Nearest among the neighbours of the result: none may be closer.
    long double error = std::fabs(bfloatValue(fused[i]) - exact);
    for (int step : {-1, 1}) {
      long double other = std::fabs(
          bfloatValue(static_cast<uint16_t>(fused[i] + step)) - exact);
      ASSERT_LE(error, other) << i;
      if (error == other) {
        EXPECT_EQ(fused[i] & 1, 0) << i;
      }
    }
  }
}

TEST(Floats, Conversions) {
  std::mt19937 random(11);
  std::vector<float> x;
  for (int i = 0; i < 20000; ++i) {
    uint32_t bits = random() % 4
                        ? (random() & 0x807fffff) | (95 + random() % 60) << 23
                        : random() & 0xff7fffff;
    float value;
    std::memcpy(&value, &bits, 4);
    x.push_back(value);
  }
  auto half = elementwise<uint16_t>("float", "half",
                                    "  %r = fptrunc float %x to half", x, x, x);
  auto integer = elementwise<int32_t>("float", "i32",
                                      "  %r = fptosi float %x to i32", x, x, x);
  auto back = elementwise<float>("float", "float",
                                 "  %w = bitcast float %x to i32\n"
                                 "  %r = uitofp i32 %w to float",
                                 x, x, x);
  for (size_t i = 0; i < x.size(); ++i) {
    EXPECT_TRUE(sameHalf(half[i], nearestHalf(x[i]))) << x[i];
    if (std::fabs(x[i]) < 2e9f) {
      EXPECT_EQ(integer[i], int32_t(x[i]));
    }
    uint32_t bits;
    std::memcpy(&bits, &x[i], 4);
    EXPECT_EQ(back[i], float(bits));
  }
}

TEST(Floats, ComparisonsWithNaN) {
  std::vector<float> x = {1, 2, NAN, 1, NAN, -0.0f},
                     y = {2, 1, 1, 1, NAN, 0.0f};
  struct Case {
    const char *name;
    bool unordered;
    bool (*holds)(float, float);
  };
  for (const Case &test :
       {Case{"olt", false, [](float a, float b) { return a < b; }},
        Case{"oge", false, [](float a, float b) { return a >= b; }},
        Case{"ult", true, [](float a, float b) { return a < b; }},
        Case{"une", true, [](float a, float b) { return a != b; }},
        Case{"oeq", false, [](float a, float b) { return a == b; }},
        Case{"ueq", true, [](float a, float b) { return a == b; }}}) {
    auto result =
        elementwise<uint8_t>("float", "i8",
                             std::string("  %c = fcmp ") + test.name +
                                 " float %x, %y\n  %r = zext i1 %c to i8",
                             x, y, x);
    for (size_t i = 0; i < x.size(); ++i) {
      bool nan = std::isnan(x[i]) || std::isnan(y[i]);
      EXPECT_EQ(result[i], nan ? test.unordered : test.holds(x[i], y[i]))
          << test.name << " " << x[i] << " " << y[i];
    }
  }
}

} // namespace
