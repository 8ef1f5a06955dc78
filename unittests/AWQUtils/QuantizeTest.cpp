//===- QuantizeTest.cpp - the arithmetic of quantized weights ---*- C++ -*-===//
//
// Part of the awq-mlir project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "awq/Dialect/AWQ/Utils/Quantize.h"
#include "awq/Dialect/AWQ/Utils/Half.h"

#include <cmath>
#include <gtest/gtest.h>
#include <limits>
#include <random>

using namespace awq;

static std::vector<float> randomWeights(int64_t count, uint32_t seed,
                                        float scale = 0.05f) {
  std::mt19937 engine(seed);
  std::normal_distribution<float> normal(0.0f, scale);
  std::vector<float> values(count);
  for (float &value : values)
    value = normal(engine);
  return values;
}

static QuantScheme scheme(int bits, int64_t group, bool symmetric = false,
                          ScaleType scale = ScaleType::F16) {
  return {bits, group, symmetric, scale};
}

//===----------------------------------------------------------------------===//
// Exact numbers
//===----------------------------------------------------------------------===//

TEST(Quantize, AsymmetricByHand) {
  // Range [-0.5, 1.0]: s = 0.1 rounded to f16, z = rint(5.0012) = 5.
  std::vector<float> w = {-0.5f, -0.24f, 0.0f,  0.06f,
                          0.26f, 0.54f,  0.96f, 1.0f};
  auto q = quantize(w.data(), 1, 8, scheme(4, 8));
  ASSERT_TRUE(q);
  EXPECT_EQ(q->scales, std::vector<float>{0.0999755859375f});
  EXPECT_EQ(q->zeros, std::vector<uint8_t>{5});
  EXPECT_EQ(q->codes, (std::vector<uint8_t>{0, 3, 5, 6, 8, 10, 15, 15}));
  std::vector<float> back = dequantize(*q);
  EXPECT_EQ(back[0], -5 * 0.0999755859375f);
  EXPECT_EQ(back[2], 0.0f);
}

TEST(Quantize, SymmetricUsesTheWholeRange) {
  // max/7 = 0.1, -min/8 = 0.125: the negative side decides.
  std::vector<float> w = {-1.0f, 0.7f, 0.0f, 0.0625f};
  auto q = quantize(w.data(), 1, 4, scheme(4, 4, true, ScaleType::F32));
  ASSERT_TRUE(q);
  EXPECT_EQ(q->scales, std::vector<float>{0.125f});
  EXPECT_EQ(q->zeros, std::vector<uint8_t>{8});
  // 5.6 -> 6; the tie 0.5 goes to the even level 0.
  EXPECT_EQ(q->codes, (std::vector<uint8_t>{0, 14, 8, 8}));
}

TEST(Quantize, TiesGoToEvenLevels) {
  std::vector<float> w = {0.0f, 0.5f, 1.5f, 2.5f, 3.5f, 15.0f};
  auto q = quantize(w.data(), 1, 6, scheme(4, 0));
  ASSERT_TRUE(q);
  EXPECT_EQ(q->scales, std::vector<float>{1.0f});
  EXPECT_EQ(q->codes, (std::vector<uint8_t>{0, 0, 2, 2, 4, 15}));
}

TEST(Quantize, ZeroGroupIsExact) {
  std::vector<float> w(8, 0.0f);
  for (bool symmetric : {false, true}) {
    auto q = quantize(w.data(), 1, 8, scheme(4, 8, symmetric));
    ASSERT_TRUE(q);
    EXPECT_EQ(q->scales[0], 0x1p-14f);
    EXPECT_EQ(q->zeros[0], symmetric ? 8 : 0);
    EXPECT_EQ(dequantize(*q), w);
  }
}

TEST(Quantize, ConstantGroupsKeepTheirValue) {
  for (float value : {0.75f, -0.75f, 1e-3f, -3e4f}) {
    std::vector<float> w(16, value);
    auto q = quantize(w.data(), 1, 16, scheme(4, 16, false, ScaleType::F32));
    ASSERT_TRUE(q);
    for (float back : dequantize(*q))
      EXPECT_NEAR(back, value, std::fabs(value) * 1e-6f);
  }
}

TEST(Quantize, GroupBesideZeroDoesNotSaturate) {
  std::vector<float> w = {1.0f, 1.1f, 1.2f, 1.3f};
  auto q = quantize(w.data(), 1, 4, scheme(4, 4));
  ASSERT_TRUE(q);
  EXPECT_EQ(q->zeros[0], 0);
  std::vector<float> back = dequantize(*q);
  for (int i = 0; i < 4; ++i)
    EXPECT_LE(std::fabs(back[i] - w[i]), q->scales[0] * 0.51f);
}

TEST(Quantize, TinyWeightsGetTheSmallestScale) {
  std::vector<float> w = {1e-9f, -1e-9f};
  auto q = quantize(w.data(), 1, 2, scheme(4, 2));
  ASSERT_TRUE(q);
  EXPECT_EQ(q->scales[0], 0x1p-24f);
  EXPECT_EQ(dequantize(*q), (std::vector<float>{0.0f, 0.0f}));
}

//===----------------------------------------------------------------------===//
// Properties
//===----------------------------------------------------------------------===//

/// The definition in the header, one operation at a time, without any trick.
static void referenceGroup(const float *w, int64_t count, const QuantScheme &s,
                           float &scale, int &zero, std::vector<int> &codes) {
  float min = 0.0f, max = 0.0f;
  for (int64_t i = 0; i < count; ++i) {
    min = std::min(min, w[i]);
    max = std::max(max, w[i]);
  }
  int half = 1 << (s.bits - 1), top = (1 << s.bits) - 1;
  scale = s.symmetric ? std::max(max / static_cast<float>(half - 1),
                                 -min / static_cast<float>(half))
                      : (max - min) / static_cast<float>(top);
  scale = roundToScaleType(scale, s.scale);
  zero = s.symmetric
             ? half
             : std::clamp(static_cast<int>(-std::rint(min / scale)), 0, top);
  codes.clear();
  for (int64_t i = 0; i < count; ++i)
    codes.push_back(
        std::clamp(static_cast<int>(std::rint(w[i] / scale)) + zero, 0, top));
}

TEST(Quantize, EqualsTheDefinitionForAllSchemes) {
  std::vector<float> w = randomWeights(6 * 96, 1);
  for (int bits = 2; bits <= 8; ++bits)
    for (bool symmetric : {false, true})
      for (ScaleType type : {ScaleType::F16, ScaleType::BF16, ScaleType::F32})
        for (int64_t group : {0, 32, 48, 3}) {
          QuantScheme s = scheme(bits, group, symmetric, type);
          auto q = quantize(w.data(), 6, 96, s);
          ASSERT_TRUE(q);
          int64_t size = s.groupSize(96);
          for (int64_t i = 0; i < 6 * s.groups(96); ++i) {
            float scale;
            int zero;
            std::vector<int> codes;
            referenceGroup(&w[i * size], size, s, scale, zero, codes);
            ASSERT_EQ(q->scales[i], scale);
            ASSERT_EQ(q->zeros[i], zero);
            for (int64_t j = 0; j < size; ++j)
              ASSERT_EQ(q->codes[i * size + j], codes[j]) << bits << " " << i;
          }
        }
}

TEST(Quantize, ErrorIsAtMostHalfAStep) {
  std::vector<float> w = randomWeights(64 * 128, 2);
  auto q = quantize(w.data(), 64, 128, scheme(4, 64));
  ASSERT_TRUE(q);
  std::vector<float> back = dequantize(*q);
  for (size_t i = 0; i < w.size(); ++i) {
    // f16 scales and integer zero points shift the ends by up to half a step.
    ASSERT_LE(std::fabs(back[i] - w[i]), q->scales[i / 64] * 1.01f);
  }
}

TEST(Quantize, QuantizedWeightsStayThemselves) {
  std::vector<float> w = randomWeights(16 * 128, 3);
  for (bool symmetric : {false, true}) {
    auto first = quantize(w.data(), 16, 128, scheme(4, 32, symmetric));
    ASSERT_TRUE(first);
    for (int64_t i = 0; i < 16 * 4; ++i) {
      const float *group = w.data() + i * 32;
      GroupParameters parameters{first->scales[i], first->zeros[i]};
      std::vector<float> once(32), twice(32);
      fakeQuantizeGroup(group, 32, parameters, first->scheme, once.data());
      fakeQuantizeGroup(once.data(), 32, parameters, first->scheme,
                        twice.data());
      ASSERT_EQ(once, twice);
      for (int j = 0; j < 32; ++j)
        ASSERT_EQ(once[j], dequantize(*first)[i * 32 + j]);
    }
  }
}

TEST(Quantize, ClippingEqualsClampingFirst) {
  std::vector<float> w = randomWeights(32 * 64, 4), clamped = w;
  std::vector<float> lo, hi;
  std::mt19937 engine(5);
  std::uniform_real_distribution<float> factor(0.3f, 1.0f);
  for (int64_t i = 0; i < 32 * 4; ++i) {
    float min, max;
    groupRange(&w[i * 16], 16, min, max);
    lo.push_back(min * factor(engine));
    hi.push_back(max * factor(engine));
    if (lo.back() > hi.back())
      std::swap(lo.back(), hi.back());
    for (int j = 0; j < 16; ++j)
      clamped[i * 16 + j] = std::clamp(clamped[i * 16 + j], lo[i], hi[i]);
  }
  for (bool symmetric : {false, true}) {
    QuantScheme s = scheme(4, 16, symmetric);
    auto clipped = quantize(w.data(), 32, 64, s, {lo.data(), hi.data()});
    auto expected = quantize(clamped.data(), 32, 64, s);
    ASSERT_TRUE(clipped);
    ASSERT_TRUE(expected);
    EXPECT_EQ(clipped->codes, expected->codes);
    EXPECT_EQ(clipped->scales, expected->scales);
    EXPECT_EQ(clipped->zeros, expected->zeros);
  }
}

//===----------------------------------------------------------------------===//
// AutoAWQ's arithmetic (python/tests compares it with numpy's float16)
//===----------------------------------------------------------------------===//

TEST(QuantizeAutoAwq, DoesNotForceZeroIntoTheRange) {
  // s = h((1.3 - 1) / 15), z = clamp(-rint(50)) = 0: everything saturates, as
  // it does in AutoAWQ.
  std::vector<float> w = {1.0f, 1.1f, 1.2f, 1.3f};
  auto q = quantizeAutoAwq(w.data(), 1, 4, scheme(4, 4));
  ASSERT_TRUE(q);
  EXPECT_EQ(q->zeros[0], 0);
  EXPECT_EQ(q->codes, (std::vector<uint8_t>{15, 15, 15, 15}));
  EXPECT_EQ(q->scales[0],
            roundToHalf(roundToHalf(roundToHalf(1.3f) - 1.0f) / 15));
}

TEST(QuantizeAutoAwq, ZeroGroupHasASubnormalScale) {
  std::vector<float> w(4, 0.0f);
  auto q = quantizeAutoAwq(w.data(), 1, 4, scheme(4, 4));
  ASSERT_TRUE(q);
  EXPECT_EQ(q->scales[0], 11 * 0x1p-24f);
  EXPECT_EQ(dequantizeAutoAwq(*q), w);
}

//===----------------------------------------------------------------------===//
// Errors
//===----------------------------------------------------------------------===//

template <typename T>
static void expectError(const T &result, const char *code, const char *text) {
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().code, code);
  EXPECT_NE(result.error().str().find(text), std::string::npos)
      << result.error().str();
  EXPECT_FALSE(result.error().help.empty());
}

TEST(QuantizeErrors, SchemesThatDoNotFit) {
  expectError(scheme(1, 64).validate(), "AWQ1201", "1 bits");
  expectError(scheme(9, 64).validate(), "AWQ1201", "9 bits");
  expectError(scheme(4, -1).validate(), "AWQ1202", "-1");
  expectError(scheme(4, 64).validate(0, 64, "w"), "AWQ1203", "[0, 64]");
  expectError(scheme(4, 64).validate(8, 96, "layer.w"), "AWQ1204", "layer.w");
  expectError(scheme(4, 64).validate(8, 96, "w"), "AWQ1204", "such as 32");
  EXPECT_TRUE(scheme(4, 0).validate(8, 97));
}

TEST(QuantizeErrors, NonFiniteWeightsNameRowAndGroup) {
  for (float bad : {std::numeric_limits<float>::quiet_NaN(),
                    -std::numeric_limits<float>::infinity()}) {
    std::vector<float> w(4 * 64, 0.1f);
    w[2 * 64 + 40] = bad;
    auto q = quantize(w.data(), 4, 64, scheme(4, 32), {}, "w");
    expectError(q, "AWQ1205", "w, row 2, group 1");
    expectError(q, "AWQ1205", "channel 40");
    expectError(quantizeAutoAwq(w.data(), 4, 64, scheme(4, 32), "w"), "AWQ1205",
                "w, row 2, group 1");
  }
}

TEST(QuantizeErrors, ScalesThatOverflow) {
  std::vector<float> w(32, 0.0f);
  w[3] = 1.2e6f;
  expectError(quantize(w.data(), 1, 32, scheme(4, 32)), "AWQ1206", "f16");
  EXPECT_TRUE(quantize(w.data(), 1, 32, scheme(4, 32, false, ScaleType::BF16)));
  w[3] = 6e4f;
  w[4] = -6e4f;
  expectError(quantizeAutoAwq(w.data(), 1, 32, scheme(4, 32)), "AWQ1206",
              "row 0, group 0");
}

TEST(QuantizeErrors, BoundsThatAreNoRange) {
  std::vector<float> w(4, 0.5f);
  float lo = 1.0f, hi = 0.0f;
  expectError(quantize(w.data(), 1, 4, scheme(4, 4), {&lo, &hi}), "AWQ1207",
              "row 0, group 0");
  lo = std::numeric_limits<float>::quiet_NaN();
  expectError(quantize(w.data(), 1, 4, scheme(4, 4), {&lo, &hi}), "AWQ1207",
              "row 0, group 0");
}

TEST(QuantizeErrors, AutoAwqHasOneScheme) {
  std::vector<float> w(4, 0.5f);
  for (const QuantScheme &s :
       {scheme(3, 4), scheme(4, 4, true), scheme(4, 4, false, ScaleType::BF16)})
    expectError(quantizeAutoAwq(w.data(), 1, 4, s, "w"), "AWQ1208", "w");
}

TEST(QuantScheme, ScaleTypesHaveNames) {
  for (ScaleType type : {ScaleType::F16, ScaleType::BF16, ScaleType::F32})
    EXPECT_EQ(parseScaleType(name(type)), type);
  EXPECT_FALSE(parseScaleType("f8"));
}
