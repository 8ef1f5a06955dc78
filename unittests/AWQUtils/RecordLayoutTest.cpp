//===- RecordLayoutTest.cpp - weights as a stream of records --------------===//
//
// Part of the awq-mlir project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "awq/Dialect/AWQ/Utils/RecordLayout.h"

#include "awq/Dialect/AWQ/Utils/Half.h"

#include <cstring>
#include <gtest/gtest.h>
#include <random>

using namespace awq;

namespace {

/// A weight of random codes, scales and zero points.
struct Weight {
  QuantScheme scheme;
  int64_t n, k;
  std::vector<uint8_t> codes, zeros;
  std::vector<float> scales;

  Weight(QuantScheme scheme, int64_t n, int64_t k, uint32_t seed)
      : scheme(scheme), n(n), k(k) {
    std::mt19937 engine(seed);
    int64_t groups = scheme.groups(k);
    for (int64_t i = 0; i < n * k; ++i)
      codes.push_back(engine() & scheme.maxCode());
    for (int64_t i = 0; i < n * groups; ++i) {
      zeros.push_back(engine() & scheme.maxCode());
      scales.push_back(halfToFloat(static_cast<uint16_t>(engine() & 0x3fff)));
    }
  }

  std::vector<uint8_t> pack() const {
    // Filled with ones: packing must write every byte.
    std::vector<uint8_t> packed(RecordGeometry(scheme, n, k).totalBytes(), 255);
    packRecords(scheme, n, k, codes.data(), scales.data(), zeros.data(),
                packed.data());
    return packed;
  }
};

} // namespace

static QuantScheme schemeOf(int64_t group, bool symmetric) {
  return {4, group, symmetric, ScaleType::F16};
}

TEST(RecordLayout, SizesByHand) {
  // 32 x 128 codes of half a byte, 32 scales of 2 bytes and 32 zero points of
  // half a byte for each group.
  struct {
    int64_t group;
    bool symmetric;
    int64_t record, row;
  } cases[] = {
      {128, false, 2128, 0}, {64, false, 2208, 0}, {32, false, 2368, 0},
      {128, true, 2112, 0},  {64, true, 2176, 0},  {32, true, 2304, 0},
      {256, false, 2128, 0}, {0, false, 2048, 80}, {0, true, 2048, 64}};
  for (auto &c : cases) {
    RecordGeometry records(schemeOf(c.group, c.symmetric), 72, 512);
    EXPECT_EQ(records.recordBytes(), c.record);
    // 72 rows are three rows of records, 512 channels four in each.
    EXPECT_EQ(records.totalBytes(), 3 * (4 * c.record + c.row));
  }
  // Tails are padded: 576 channels are 5 records, 192 rows 6.
  EXPECT_EQ(RecordGeometry(schemeOf(64, false), 192, 576).totalBytes(),
            6 * 5 * 2208);
}

TEST(RecordLayout, GroupsThatFit) {
  EXPECT_TRUE(RecordGeometry::hasRecords(schemeOf(32, false), 96));
  EXPECT_TRUE(RecordGeometry::hasRecords(schemeOf(384, false), 768));
  EXPECT_TRUE(RecordGeometry::hasRecords(schemeOf(0, false), 17));
  EXPECT_TRUE(RecordGeometry::hasRecords(schemeOf(48, false), 48));
  EXPECT_FALSE(RecordGeometry::hasRecords(schemeOf(16, false), 64));
  EXPECT_FALSE(RecordGeometry::hasRecords(schemeOf(96, false), 192));
}

/// Tiles of four records lie side by side for each 128 channels; the last tile
/// of 200 rows has three.
TEST(RecordLayout, RecordsAreInTheOrderOfTheStream) {
  RecordGeometry records(schemeOf(128, true), 200, 384);
  int64_t size = records.recordBytes();
  EXPECT_EQ(records.recordOffset(1, 0), size);
  EXPECT_EQ(records.recordOffset(0, 1), 4 * size);
  EXPECT_EQ(records.recordOffset(3, 2), 11 * size);
  EXPECT_EQ(records.recordOffset(4, 0), 12 * size);
  EXPECT_EQ(records.recordOffset(6, 0), 14 * size);
  EXPECT_EQ(records.recordOffset(4, 1), 15 * size);
}

/// Each lane's registers as the PTX ISA lays out the A fragment of
/// mma.m16n8k16: register r of lane 4g + t holds row g + 8 (r % 2), columns
/// 2t + 8 (r / 2) and the next. A lane's 16 bytes of a quad are words for
/// channels 0..15 of atoms 0 and 1, then for channels 16..31.
TEST(RecordLayout, CodesAreMmaFragments) {
  Weight weight(schemeOf(64, false), 40, 192, 3);
  std::vector<uint8_t> packed = weight.pack();
  RecordGeometry records(weight.scheme, weight.n, weight.k);
  for (int64_t row = 0; row < 2; ++row)
    for (int64_t column = 0; column < 2; ++column)
      for (int64_t quad = 0; quad < 4; ++quad)
        for (int64_t lane = 0; lane < 32; ++lane)
          for (int64_t i = 0; i < 4; ++i) {
            uint32_t word;
            std::memcpy(&word,
                        &packed[records.recordOffset(row, column) + quad * 512 +
                                lane * 16 + i * 4],
                        4);
            for (int r = 0; r < 4; ++r)
              for (int h = 0; h < 2; ++h) {
                int64_t n = 32 * row + 16 * (i % 2) + lane / 4 + 8 * (r % 2);
                int64_t k = 128 * column + 32 * quad + 16 * (i / 2) +
                            8 * (r / 2) + 2 * (lane % 4) + h;
                bool inside = n < weight.n && k < weight.k;
                ASSERT_EQ(word >> (4 * (r + 4 * h)) & 15,
                          inside ? weight.codes[n * weight.k + k] : 0u);
              }
          }
}

/// Scales of rows g, g+8, g+16, g+24 side by side; zero points of g and g+8 in
/// one byte, of g+16 and g+24 in the next.
TEST(RecordLayout, ConstantsFollowTheCodes) {
  Weight weight(schemeOf(64, false), 32, 128, 4);
  std::vector<uint8_t> packed = weight.pack();
  for (int64_t group = 0; group < 2; ++group)
    for (int64_t g = 0; g < 8; ++g)
      for (int64_t i = 0; i < 4; ++i) {
        int64_t row = g + 8 * i;
        uint16_t scale;
        std::memcpy(&scale, &packed[2048 + group * 64 + g * 8 + i * 2], 2);
        EXPECT_EQ(halfToFloat(scale), weight.scales[row * 2 + group]);
        uint8_t zeros = packed[2048 + 128 + group * 16 + g * 2 + i / 2];
        EXPECT_EQ(zeros >> (i % 2 * 4) & 15, weight.zeros[row * 2 + group]);
      }
}

TEST(RecordLayout, PackAndUnpackAreInverse) {
  std::mt19937 engine(5);
  for (int64_t group : {32, 64, 128, 256, 0})
    for (bool symmetric : {false, true})
      for (int trial = 0; trial < 15; ++trial) {
        int64_t n = 1 + engine() % 300;
        int64_t k = group == 0 ? 1 + engine() % 700
                               : group * (1 + engine() % (1024 / group));
        Weight weight(schemeOf(group, symmetric), n, k, engine());
        std::vector<uint8_t> packed = weight.pack();
        std::vector<uint8_t> codes(weight.codes.size(), 0xee);
        std::vector<uint8_t> zeros(weight.zeros.size(), 0xee);
        std::vector<float> scales(weight.scales.size(), -1.0f);
        unpackRecords(weight.scheme, n, k, packed.data(), codes.data(),
                      scales.data(), zeros.data());
        ASSERT_EQ(codes, weight.codes) << n << "x" << k << " g" << group;
        ASSERT_EQ(scales, weight.scales);
        if (!symmetric) {
          ASSERT_EQ(zeros, weight.zeros);
        }
        // And records that came from a file come back as the same records.
        std::vector<uint8_t> again(packed.size(), 255);
        packRecords(weight.scheme, n, k, codes.data(), scales.data(),
                    zeros.data(), again.data());
        ASSERT_EQ(again, packed);
      }
}
