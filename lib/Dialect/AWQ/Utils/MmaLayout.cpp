//===- MmaLayout.cpp - the layout of tensor-core fragments ----------------===//
//
// Part of the awq-mlir project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "MmaLayout.h"

#include "awq/Dialect/AWQ/Utils/Half.h"

#include <algorithm>

using namespace awq;

static int64_t blocksOf16(int64_t n) { return (n + 15) / 16; }

namespace {

/// Where a code lies: the word, and the nibble in it.
struct Place {
  int64_t word;
  int nibble;
};

} // namespace

/// The place of row `row`, channel `channel` in a matrix of `k` channels, by
/// the A fragment of mma.m16n8k16: lane 4g + t holds rows g and g + 8, and of
/// each 16 channels 2t, 2t + 1, 2t + 8 and 2t + 9 (PTX ISA, "Matrix Fragments
/// for mma.m16n8k16").
static Place placeOf(int64_t row, int64_t channel, int64_t k) {
  int64_t block = row / 16 * (k / 64) + channel / 64;
  int64_t step = channel % 64 / 16, inStep = channel % 16;
  int64_t lane = row % 8 * 4 + inStep % 8 / 2;
  int upperRow = row % 16 / 8, upperChannels = inStep / 8, odd = inStep % 2;
  return {(block * 32 + lane) * 4 + step,
          upperRow + 2 * upperChannels + 4 * odd};
}

static PackedArray codesShape(int64_t n, int64_t k) {
  return {PackedType::I32, {blocksOf16(n), k / 64, 32, 4}};
}

static void packCodes(const uint8_t *codes, int64_t n, int64_t k,
                      void *packed) {
  auto *words = static_cast<uint32_t *>(packed);
  std::fill_n(words, codesShape(n, k).elements(), 0u);
  for (int64_t row = 0; row < n; ++row)
    for (int64_t channel = 0; channel < k; ++channel) {
      Place place = placeOf(row, channel, k);
      words[place.word] |= static_cast<uint32_t>(codes[row * k + channel])
                           << (4 * place.nibble);
    }
}

static void unpackCodes(const void *packed, int64_t n, int64_t k,
                        uint8_t *codes) {
  auto *words = static_cast<const uint32_t *>(packed);
  for (int64_t row = 0; row < n; ++row)
    for (int64_t channel = 0; channel < k; ++channel) {
      Place place = placeOf(row, channel, k);
      codes[row * k + channel] = (words[place.word] >> (4 * place.nibble)) & 15;
    }
}

static PackedArray groupsShape(int64_t n, int64_t groups) {
  return {PackedType::F16, {blocksOf16(n), groups, 16}};
}

template <typename T>
static void packGroups(const T *values, int64_t n, int64_t groups,
                       void *packed) {
  auto *halves = static_cast<uint16_t *>(packed);
  for (int64_t block = 0; block < blocksOf16(n); ++block)
    for (int64_t g = 0; g < groups; ++g)
      for (int64_t row = 16 * block; row < 16 * block + 16; ++row)
        *halves++ = row < n ? floatToHalf(values[row * groups + g]) : 0;
}

template <typename T>
static void unpackGroups(const void *packed, int64_t n, int64_t groups,
                         T *values) {
  auto *halves = static_cast<const uint16_t *>(packed);
  for (int64_t row = 0; row < n; ++row)
    for (int64_t g = 0; g < groups; ++g)
      values[row * groups + g] = static_cast<T>(
          halfToFloat(halves[(row / 16 * groups + g) * 16 + row % 16]));
}

Layout awq::makeMmaLayout() {
  return {"mma_n16k64",
          2,
          4,
          1,
          64,
          16,
          codesShape,
          groupsShape,
          groupsShape,
          packCodes,
          unpackCodes,
          packGroups<uint8_t>,
          unpackGroups<uint8_t>,
          packGroups<float>,
          unpackGroups<float>};
}
