//===- RecordLayout.cpp - weights as a stream of records ------------------===//
//
// Part of the awq-mlir project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "awq/Dialect/AWQ/Utils/RecordLayout.h"

#include "awq/Dialect/AWQ/Utils/Half.h"

#include <algorithm>
#include <cstring>

using namespace awq;

RecordGeometry::RecordGeometry(const QuantScheme &scheme, int64_t n, int64_t k)
    : n(n), k(k), symmetric(scheme.symmetric), groupSize(scheme.groupSize(k)) {
  groups = scheme.groups(k) == 1   ? 0
           : groupSize >= channels ? 1
                                   : channels / groupSize;
}

bool RecordGeometry::hasRecords(const QuantScheme &scheme, int64_t k) {
  int64_t size = scheme.groupSize(k);
  return scheme.groups(k) == 1 || size == 32 || size == 64 ||
         size % channels == 0;
}

int64_t RecordGeometry::totalBytes() const {
  int64_t rowConstants = groups == 0 ? constantBytes() : 0;
  return recordRows() * (recordsInK() * recordBytes() + rowConstants);
}

int64_t RecordGeometry::recordOffset(int64_t row, int64_t column) const {
  int64_t tile = row / recordsPerTile;
  int64_t first = tile * recordsPerTile;
  int64_t inTile = std::min(recordsPerTile, recordRows() - first);
  return (first * recordsInK() + column * inTile + row - first) * recordBytes();
}

/// The start of the constants that hold those of `column`, and which of them.
int64_t RecordGeometry::constantsOffset(int64_t row, int64_t column,
                                        int64_t &inRecord) const {
  inRecord = 0;
  if (groups == 0)
    return recordRows() * recordsInK() * recordBytes() + row * constantBytes();
  inRecord = column % groups;
  return recordOffset(row, column / groups) + codeBytes;
}

int64_t RecordGeometry::scalesOffset(int64_t row, int64_t column) const {
  int64_t inRecord;
  int64_t start = constantsOffset(row, column, inRecord);
  return start + inRecord * rows * 2;
}

int64_t RecordGeometry::zerosOffset(int64_t row, int64_t column) const {
  int64_t inRecord;
  int64_t start = constantsOffset(row, column, inRecord);
  return start + std::max<int64_t>(groups, 1) * rows * 2 + inRecord * rows / 2;
}

namespace {

/// Where a code lies: the byte, and the shift in it.
struct CodePlace {
  int64_t byte;
  int shift;
};

} // namespace

/// A quad of 512 bytes covers 32 channels. Lane 4g + t has 16 bytes of it: for
/// each half of the channels a word of rows 0..15, then one of rows 16..31.
/// Nibble r + 4h of a word is row g + 8 (r % 2), channel 8 (r / 2) + 2t + h of
/// the 16, which is the A fragment of mma.m16n8k16 (PTX ISA, "Matrix Fragments
/// for mma.m16n8k16"). Row and channel count from the record's first.
static CodePlace placeOf(int64_t row, int64_t channel) {
  int64_t quad = channel / 32, step = channel % 32 / 16, inStep = channel % 16;
  int64_t lane = row % 8 * 4 + inStep % 8 / 2;
  int64_t word = 2 * step + row / 16;
  int64_t nibble = row % 16 / 8 + 2 * (inStep / 8) + 4 * (inStep % 2);
  return {quad * 512 + lane * 16 + word * 4 + nibble / 2,
          static_cast<int>(nibble % 2 * 4)};
}

/// Calls `visit` with the index of each code and its place in the whole.
template <typename Visit>
static void forEachCode(const RecordGeometry &records, Visit visit) {
  for (int64_t row = 0; row < records.n; ++row)
    for (int64_t first = 0; first < records.k; first += records.channels) {
      int64_t record =
          records.recordOffset(row / records.rows, first / records.channels);
      int64_t count = std::min(records.channels, records.k - first);
      for (int64_t i = 0; i < count; ++i) {
        CodePlace place = placeOf(row % records.rows, i);
        visit(row * records.k + first + i,
              CodePlace{record + place.byte, place.shift});
      }
    }
}

/// Columns of constants; a group of several records has one in each of them.
static int64_t constantColumns(const RecordGeometry &records) {
  return records.groups == 0 ? 1 : records.recordsInK() * records.groups;
}

/// The group whose constants column `column` holds, or -1 for padding.
static int64_t groupOfColumn(const QuantScheme &scheme,
                             const RecordGeometry &records, int64_t column) {
  if (records.groups == 0)
    return 0;
  int64_t channel = column * (records.channels / records.groups);
  return channel < records.k ? channel / scheme.groupSize(records.k) : -1;
}

void awq::packRecords(const QuantScheme &scheme, int64_t n, int64_t k,
                      const uint8_t *codes, const float *scales,
                      const uint8_t *zeros, void *packed) {
  RecordGeometry records(scheme, n, k);
  auto *bytes = static_cast<uint8_t *>(packed);
  std::fill_n(bytes, records.totalBytes(), uint8_t(0));
  forEachCode(records, [&](int64_t code, CodePlace place) {
    bytes[place.byte] |= codes[code] << place.shift;
  });
  int64_t groups = scheme.groups(k);
  for (int64_t row = 0; row < n; ++row)
    for (int64_t column = 0; column < constantColumns(records); ++column) {
      int64_t group = groupOfColumn(scheme, records, column);
      if (group < 0)
        continue;
      int64_t recordRow = row / records.rows, inRows = row % records.rows;
      uint16_t half = floatToHalf(scales[row * groups + group]);
      std::memcpy(bytes + records.scalesOffset(recordRow, column) +
                      inRows % 8 * 8 + inRows / 8 * 2,
                  &half, sizeof half);
      if (!scheme.symmetric)
        bytes[records.zerosOffset(recordRow, column) + inRows % 8 * 2 +
              inRows / 16] |= zeros[row * groups + group]
                              << (inRows % 16 / 8 * 4);
    }
}

void awq::unpackRecords(const QuantScheme &scheme, int64_t n, int64_t k,
                        const void *packed, uint8_t *codes, float *scales,
                        uint8_t *zeros) {
  RecordGeometry records(scheme, n, k);
  auto *bytes = static_cast<const uint8_t *>(packed);
  forEachCode(records, [&](int64_t code, CodePlace place) {
    codes[code] = (bytes[place.byte] >> place.shift) & 15;
  });
  int64_t groups = scheme.groups(k);
  for (int64_t row = 0; row < n; ++row)
    for (int64_t column = 0; column < constantColumns(records); ++column) {
      int64_t group = groupOfColumn(scheme, records, column);
      if (group < 0)
        continue;
      int64_t recordRow = row / records.rows, inRows = row % records.rows;
      uint16_t half;
      std::memcpy(&half,
                  bytes + records.scalesOffset(recordRow, column) +
                      inRows % 8 * 8 + inRows / 8 * 2,
                  sizeof half);
      scales[row * groups + group] = halfToFloat(half);
      if (!scheme.symmetric)
        zeros[row * groups + group] =
            (bytes[records.zerosOffset(recordRow, column) + inRows % 8 * 2 +
                   inRows / 16] >>
             (inRows % 16 / 8 * 4)) &
            15;
    }
}
