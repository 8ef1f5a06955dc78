//===- Layouts.cpp - bit layouts of packed quantized weights ----*- C++ -*-===//
//
// Part of the awq-mlir project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "awq/Dialect/AWQ/Utils/Layouts.h"

#include "awq/Dialect/AWQ/Utils/Half.h"
#include "awq/Dialect/AWQ/Utils/RecordLayout.h"

#include <cstring>

using namespace awq;

int64_t PackedArray::elements() const {
  int64_t count = 1;
  for (int64_t dim : shape)
    count *= dim;
  return count;
}

//===----------------------------------------------------------------------===//
// autoawq_gemm
//===----------------------------------------------------------------------===//

/// The row within eight that nibble i of a word holds.
static constexpr int autoAwqOrder[8] = {0, 2, 4, 6, 1, 3, 5, 7};

/// Packs values [n, columns] into words [columns, n/8]; codes and zeros alike.
static void packAutoAwq(const uint8_t *values, int64_t n, int64_t columns,
                        void *packed) {
  auto *words = static_cast<uint32_t *>(packed);
  int64_t width = n / 8;
  for (int64_t c = 0; c < width; ++c) {
    const uint8_t *rows = values + 8 * c * columns;
    for (int64_t k = 0; k < columns; ++k) {
      uint32_t word = 0;
      for (int i = 0; i < 8; ++i)
        word |= (rows[autoAwqOrder[i] * columns + k] & 15u) << (4 * i);
      words[k * width + c] = word;
    }
  }
}

static void unpackAutoAwq(const void *packed, int64_t n, int64_t columns,
                          uint8_t *values) {
  auto *words = static_cast<const uint32_t *>(packed);
  int64_t width = n / 8;
  for (int64_t c = 0; c < width; ++c) {
    uint8_t *rows = values + 8 * c * columns;
    for (int64_t k = 0; k < columns; ++k)
      for (int i = 0; i < 8; ++i)
        rows[autoAwqOrder[i] * columns + k] =
            (words[k * width + c] >> (4 * i)) & 15u;
  }
}

static void packAutoAwqScales(const float *scales, int64_t n, int64_t groups,
                              void *packed) {
  auto *halves = static_cast<uint16_t *>(packed);
  for (int64_t g = 0; g < groups; ++g)
    for (int64_t r = 0; r < n; ++r)
      halves[g * n + r] = floatToHalf(scales[r * groups + g]);
}

static void unpackAutoAwqScales(const void *packed, int64_t n, int64_t groups,
                                float *scales) {
  auto *halves = static_cast<const uint16_t *>(packed);
  for (int64_t g = 0; g < groups; ++g)
    for (int64_t r = 0; r < n; ++r)
      scales[r * groups + g] = halfToFloat(halves[g * n + r]);
}

static PackedArray autoAwqWords(int64_t n, int64_t columns) {
  return {PackedType::I32, {columns, n / 8}};
}

static PackedArray autoAwqScales(int64_t n, int64_t groups) {
  return {PackedType::F16, {groups, n}};
}

//===----------------------------------------------------------------------===//
// cpu_n16 and cpu_n16b8
//===----------------------------------------------------------------------===//

static int64_t divideUp(int64_t value, int64_t by) {
  return (value + by - 1) / by;
}

/// `bits` is the width of a slot, 4 or 8.
template <int bits>
static PackedArray cpuCodesShape(int64_t n, int64_t k) {
  return {PackedType::I32, {divideUp(n, 16), divideUp(k, 32 / bits), 16}};
}

template <int bits>
static void packCpuCodes(const uint8_t *codes, int64_t n, int64_t k,
                         void *packed) {
  constexpr int64_t perWord = 32 / bits;
  auto *words = static_cast<uint32_t *>(packed);
  int64_t steps = divideUp(k, perWord);
  for (int64_t block = 0; block < divideUp(n, 16); ++block)
    for (int64_t step = 0; step < steps; ++step)
      for (int64_t r = 0; r < 16; ++r) {
        uint32_t word = 0;
        int64_t row = 16 * block + r;
        for (int64_t i = 0; i < perWord && row < n; ++i)
          if (int64_t channel = perWord * step + i; channel < k)
            word |= static_cast<uint32_t>(codes[row * k + channel])
                    << (bits * i);
        *words++ = word;
      }
}

template <int bits>
static void unpackCpuCodes(const void *packed, int64_t n, int64_t k,
                           uint8_t *codes) {
  constexpr int64_t perWord = 32 / bits;
  constexpr uint32_t mask = (1u << bits) - 1;
  auto *words = static_cast<const uint32_t *>(packed);
  int64_t steps = divideUp(k, perWord);
  for (int64_t row = 0; row < n; ++row)
    for (int64_t channel = 0; channel < k; ++channel) {
      uint32_t word =
          words[(row / 16 * steps + channel / perWord) * 16 + row % 16];
      codes[row * k + channel] = (word >> (channel % perWord * bits)) & mask;
    }
}

/// Packs values [n, groups] as f32 [n/16, groups, 16].
template <typename T>
static void packCpuGroups(const T *values, int64_t n, int64_t groups,
                          void *packed) {
  auto *floats = static_cast<float *>(packed);
  for (int64_t block = 0; block < divideUp(n, 16); ++block)
    for (int64_t g = 0; g < groups; ++g)
      for (int64_t row = 16 * block; row < 16 * block + 16; ++row)
        *floats++ =
            row < n ? static_cast<float>(values[row * groups + g]) : 0.0f;
}

template <typename T>
static void unpackCpuGroups(const void *packed, int64_t n, int64_t groups,
                            T *values) {
  auto *floats = static_cast<const float *>(packed);
  for (int64_t row = 0; row < n; ++row)
    for (int64_t g = 0; g < groups; ++g)
      values[row * groups + g] =
          static_cast<T>(floats[(row / 16 * groups + g) * 16 + row % 16]);
}

static PackedArray cpuGroupsShape(int64_t n, int64_t groups) {
  return {PackedType::F32, {divideUp(n, 16), groups, 16}};
}

//===----------------------------------------------------------------------===//
// mma_n32k128
//===----------------------------------------------------------------------===//

static PackedArray recordsShape(const QuantScheme &scheme, int64_t n,
                                int64_t k) {
  return {PackedType::I32, {RecordGeometry(scheme, n, k).totalBytes() / 4}};
}

//===----------------------------------------------------------------------===//
// The table
//===----------------------------------------------------------------------===//

const std::vector<Layout> &awq::layouts() {
  static const std::vector<Layout> table = {
      {"autoawq_gemm", 2, 4, 8, 1, 1, autoAwqWords, autoAwqWords, autoAwqScales,
       packAutoAwq, unpackAutoAwq, packAutoAwq, unpackAutoAwq,
       packAutoAwqScales, unpackAutoAwqScales},
      {"cpu_n16", 2, 4, 1, 1, 8, cpuCodesShape<4>, cpuGroupsShape,
       cpuGroupsShape, packCpuCodes<4>, unpackCpuCodes<4>,
       packCpuGroups<uint8_t>, unpackCpuGroups<uint8_t>, packCpuGroups<float>,
       unpackCpuGroups<float>},
      {"cpu_n16b8", 5, 8, 1, 1, 4, cpuCodesShape<8>, cpuGroupsShape,
       cpuGroupsShape, packCpuCodes<8>, unpackCpuCodes<8>,
       packCpuGroups<uint8_t>, unpackCpuGroups<uint8_t>, packCpuGroups<float>,
       unpackCpuGroups<float>},
      {"mma_n32k128", 2, 4, 1, 1, 1, nullptr, nullptr, nullptr, nullptr,
       nullptr, nullptr, nullptr, nullptr, nullptr, recordsShape, packRecords,
       unpackRecords},
  };
  return table;
}

const Layout *awq::findLayout(std::string_view name) {
  for (const Layout &layout : layouts())
    if (layout.name == name)
      return &layout;
  return nullptr;
}

const Layout &awq::cpuLayout(int bits) {
  return *findLayout(bits <= 4 ? "cpu_n16" : "cpu_n16b8");
}

static Error layoutError(const char *code, const Layout &layout,
                         const std::string &message, std::string_view tensor,
                         std::string help) {
  return {ErrorKind::Unsupported, code,
          "layout " + std::string(layout.name) + ": " + message,
          std::string(tensor), std::move(help)};
}

/// "N = 12 is not a multiple of 8"
static std::string notMultiple(const char *what, int64_t value, int64_t of) {
  return std::string(what) + " = " + std::to_string(value) +
         " is not a multiple of " + std::to_string(of);
}

Status awq::validateLayout(const Layout &layout, const QuantScheme &scheme,
                           int64_t n, int64_t k, std::string_view tensor) {
  if (Status status = scheme.validate(n, k, tensor); !status)
    return status;
  if (scheme.bits < layout.minBits || scheme.bits > layout.maxBits)
    return layoutError("AWQ1210", layout,
                       "codes of " + std::to_string(scheme.bits) +
                           " bits do not fit; it holds " +
                           std::to_string(layout.minBits) + " to " +
                           std::to_string(layout.maxBits) + " bits",
                       tensor, "choose another width or another layout");
  if (n % layout.rowMultiple != 0)
    return layoutError(
        "AWQ1211", layout, notMultiple("N", n, layout.rowMultiple), tensor,
        "leave this linear unquantized or choose another layout");
  if (k % layout.channelMultiple != 0)
    return layoutError(
        "AWQ1211", layout, notMultiple("K", k, layout.channelMultiple), tensor,
        "leave this linear unquantized or choose another layout");
  int64_t size = scheme.groupSize(k);
  if (layout.isRecords() && !RecordGeometry::hasRecords(scheme, k))
    return layoutError("AWQ1212", layout,
                       "groups of " + std::to_string(size) +
                           " do not fit records of 128 channels",
                       tensor, "choose groups of 32, 64, 128 or of whole rows");
  if (scheme.groups(k) > 1 && size % layout.groupMultiple != 0)
    return layoutError(
        "AWQ1212", layout,
        notMultiple("the group size", size, layout.groupMultiple), tensor,
        "choose a group size that is, since a word must not "
        "cross the border of two groups");
  return {};
}

Status awq::checkScales(const Layout &layout, const float *scales, int64_t n,
                        int64_t groups, std::string_view tensor) {
  bool halves = layout.isRecords() ||
                layout.scalesShape(n, groups).type == PackedType::F16;
  if (!halves)
    return {};
  for (int64_t i = 0; i < n * groups; ++i)
    if (roundToHalf(scales[i]) != scales[i])
      return layoutError("AWQ1213", layout,
                         "the scale " + std::to_string(scales[i]) + " of row " +
                             std::to_string(i / groups) + ", group " +
                             std::to_string(i % groups) +
                             " is not an f16 number",
                         tensor, "quantize with f16 scales for this layout");
  return {};
}
