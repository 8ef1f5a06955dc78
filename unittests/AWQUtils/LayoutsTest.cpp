//===- LayoutsTest.cpp - bit layouts of packed weights ----------*- C++ -*-===//
//
// Part of the awq-mlir project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "awq/Dialect/AWQ/Utils/Layouts.h"
#include "awq/Dialect/AWQ/Utils/Half.h"

#include <cstring>
#include <gtest/gtest.h>
#include <random>

using namespace awq;

static std::vector<uint8_t> randomCodes(int64_t count, int bits,
                                        uint32_t seed) {
  std::mt19937 engine(seed);
  std::vector<uint8_t> codes(count);
  for (uint8_t &code : codes)
    code = static_cast<uint8_t>(engine() & ((1u << bits) - 1));
  return codes;
}

static std::vector<uint32_t> packWords(const Layout &layout,
                                       const std::vector<uint8_t> &codes,
                                       int64_t n, int64_t k) {
  // Filled with ones: packing must write every byte.
  std::vector<uint32_t> words(layout.codesShape(n, k).elements(), 0xffffffffu);
  layout.packCodes(codes.data(), n, k, words.data());
  return words;
}

TEST(Layouts, TableIsSortedAndFound) {
  for (size_t i = 0; i < layouts().size(); ++i) {
    EXPECT_EQ(findLayout(layouts()[i].name), &layouts()[i]);
    if (i) {
      EXPECT_LT(layouts()[i - 1].name, layouts()[i].name);
    }
  }
  EXPECT_EQ(findLayout("gemv"), nullptr);
  EXPECT_EQ(cpuLayout(4).name, "cpu_n16");
  EXPECT_EQ(cpuLayout(5).name, "cpu_n16b8");
}

/// Each place of a word and each value, against the definition in awq.md 3.1:
/// nibble i of word (k, c) is row 8c + P[i].
TEST(Layouts, AutoAwqNibbleOrder) {
  const Layout &layout = *findLayout("autoawq_gemm");
  const int order[8] = {0, 2, 4, 6, 1, 3, 5, 7};
  int64_t n = 16, k = 3;
  for (int64_t row = 0; row < n; ++row)
    for (int64_t channel = 0; channel < k; ++channel)
      for (uint8_t value = 0; value < 16; ++value) {
        std::vector<uint8_t> codes(n * k, 0);
        codes[row * k + channel] = value;
        std::vector<uint32_t> words = packWords(layout, codes, n, k);
        std::vector<uint32_t> expected(k * n / 8, 0);
        for (int i = 0; i < 8; ++i)
          if (order[i] == row % 8)
            expected[channel * (n / 8) + row / 8] = uint32_t(value) << (4 * i);
        ASSERT_EQ(words, expected) << row << " " << channel;
      }
  EXPECT_EQ(packWords(layout, {0, 1, 2, 3, 4, 5, 6, 7}, 8, 1),
            std::vector<uint32_t>{0x75316420u});
  EXPECT_EQ(layout.codesShape(n, k).shape, (std::vector<int64_t>{3, 2}));
  EXPECT_EQ(layout.zerosShape(n, 5).shape, (std::vector<int64_t>{5, 2}));
  EXPECT_EQ(layout.scalesShape(n, 5).shape, (std::vector<int64_t>{5, 16}));
}

TEST(Layouts, CpuWordsHoldChannelsLowFirst) {
  int64_t n = 18, k = 16;
  std::vector<uint8_t> codes = randomCodes(n * k, 4, 1);
  std::vector<uint32_t> words = packWords(*findLayout("cpu_n16"), codes, n, k);
  ASSERT_EQ(words.size(), 2u * 2 * 16);
  for (int64_t row = 0; row < 32; ++row)
    for (int64_t channel = 0; channel < k; ++channel) {
      uint32_t word = words[(row / 16 * (k / 8) + channel / 8) * 16 + row % 16];
      ASSERT_EQ((word >> (4 * (channel % 8))) & 15u,
                row < n ? codes[row * k + channel] : 0u);
    }
  codes = randomCodes(n * k, 8, 2);
  words = packWords(*findLayout("cpu_n16b8"), codes, n, k);
  ASSERT_EQ(words.size(), 2u * 4 * 16);
  for (int64_t row = 0; row < 32; ++row)
    for (int64_t channel = 0; channel < k; ++channel) {
      uint32_t word = words[(row / 16 * (k / 4) + channel / 4) * 16 + row % 16];
      ASSERT_EQ((word >> (8 * (channel % 4))) & 255u,
                row < n ? codes[row * k + channel] : 0u);
    }
}

TEST(Layouts, PackAndUnpackAreInverse) {
  for (const Layout &layout : layouts())
    for (int bits = layout.minBits;
         !layout.isRecords() && bits <= layout.maxBits; ++bits)
      for (int64_t n : {8, 16, 24, 192})
        for (int64_t k : {8, 12, 64, 576}) {
          if (k % layout.channelMultiple != 0)
            continue;
          std::vector<uint8_t> codes =
              randomCodes(n * k, bits, static_cast<uint32_t>(n * k + bits));
          std::vector<uint32_t> words = packWords(layout, codes, n, k);
          std::vector<uint8_t> back(n * k, 0xee);
          layout.unpackCodes(words.data(), n, k, back.data());
          ASSERT_EQ(back, codes) << layout.name << " " << n << " " << k;
          // And words that came from a file come back as the same words.
          EXPECT_EQ(packWords(layout, back, n, k), words);
        }
}

TEST(Layouts, AnyAutoAwqWordSurvives) {
  const Layout &layout = *findLayout("autoawq_gemm");
  std::mt19937 engine(7);
  std::vector<uint32_t> words(64 * 4);
  for (uint32_t &word : words)
    word = static_cast<uint32_t>(engine());
  std::vector<uint8_t> codes(32 * 64);
  layout.unpackCodes(words.data(), 32, 64, codes.data());
  EXPECT_EQ(packWords(layout, codes, 32, 64), words);
}

TEST(Layouts, ZerosAndScalesAreInverse) {
  for (const Layout &layout : layouts())
    for (int64_t n : {8, 16, 40}) {
      if (layout.isRecords())
        continue;
      int64_t groups = 9;
      std::vector<uint8_t> zeros = randomCodes(n * groups, layout.maxBits, 3);
      std::vector<float> scales;
      for (int64_t i = 0; i < n * groups; ++i)
        scales.push_back(halfToFloat(static_cast<uint16_t>(0x1000 + 7 * i)));
      std::vector<char> packed(layout.zerosShape(n, groups).bytes(), 0x55);
      layout.packZeros(zeros.data(), n, groups, packed.data());
      std::vector<uint8_t> zerosBack(zeros.size());
      layout.unpackZeros(packed.data(), n, groups, zerosBack.data());
      EXPECT_EQ(zerosBack, zeros) << layout.name;
      packed.assign(layout.scalesShape(n, groups).bytes(), 0x55);
      layout.packScales(scales.data(), n, groups, packed.data());
      std::vector<float> scalesBack(scales.size());
      layout.unpackScales(packed.data(), n, groups, scalesBack.data());
      EXPECT_EQ(scalesBack, scales) << layout.name;
      EXPECT_TRUE(checkScales(layout, scales.data(), n, groups));
    }
}

TEST(Layouts, CpuScalesAreBlockedAndPadded) {
  const Layout &layout = *findLayout("cpu_n16");
  std::vector<float> scales(17 * 2);
  for (size_t i = 0; i < scales.size(); ++i)
    scales[i] = static_cast<float>(i + 1);
  std::vector<float> packed(layout.scalesShape(17, 2).elements(), -1.0f);
  layout.packScales(scales.data(), 17, 2, packed.data());
  ASSERT_EQ(packed.size(), 2u * 2 * 16);
  EXPECT_EQ(packed[0], 1.0f);   // block 0, group 0, row 0
  EXPECT_EQ(packed[15], 31.0f); // row 15
  EXPECT_EQ(packed[16], 2.0f);  // group 1, row 0
  EXPECT_EQ(packed[32], 33.0f); // block 1: row 16
  EXPECT_EQ(packed[33], 0.0f);  // padding
  EXPECT_EQ(packed[48], 34.0f);
}

static void expectCode(const Status &status, const char *code,
                       const char *text) {
  ASSERT_FALSE(status);
  EXPECT_EQ(status.error().code, code);
  EXPECT_NE(status.error().str().find(text), std::string::npos)
      << status.error().str();
}

TEST(LayoutErrors, NameTheConstraint) {
  const Layout &gemm = *findLayout("autoawq_gemm"),
               &cpu = *findLayout("cpu_n16");
  QuantScheme four{4, 64, false, ScaleType::F16};
  QuantScheme eight{8, 64, false, ScaleType::F16};
  QuantScheme odd{4, 12, false, ScaleType::F16};
  EXPECT_TRUE(validateLayout(gemm, four, 8, 64));
  EXPECT_TRUE(validateLayout(cpu, four, 7, 64));
  expectCode(validateLayout(gemm, eight, 8, 64, "w"), "AWQ1210", "8 bits");
  expectCode(validateLayout(gemm, four, 12, 64, "w"), "AWQ1211", "N = 12");
  expectCode(validateLayout(gemm, four, 8, 65, "w"), "AWQ1204", "65");
  expectCode(validateLayout(cpu, odd, 8, 24, "w"), "AWQ1212",
             "group size = 12");
  QuantScheme ninetySix{4, 96, false, ScaleType::F16};
  expectCode(validateLayout(*findLayout("mma_n32k128"), ninetySix, 8, 192, "w"),
             "AWQ1212", "groups of 96");
  EXPECT_TRUE(validateLayout(*findLayout("mma_n32k128"), ninetySix, 8, 96));
}

TEST(LayoutErrors, ScalesThatTheLayoutWouldRound) {
  float scales[2] = {0.5f, 0.1f};
  expectCode(checkScales(*findLayout("autoawq_gemm"), scales, 1, 2, "w"),
             "AWQ1213", "group 1");
  EXPECT_TRUE(checkScales(*findLayout("cpu_n16"), scales, 1, 2, "w"));
}
