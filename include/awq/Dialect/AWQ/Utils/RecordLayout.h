//===- RecordLayout.h - weights as a stream of records ----------*- C++ -*-===//
//
// Part of the awq-mlir project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

// The layout "mma_n32k128": one array that a GPU streams from front to back. A
// record holds 32 rows by 128 channels with all that is needed to restore them:
// codes as the A fragments of mma.m16n8k16, then scales, then zero points.
// docs/GPUKernels.md has a picture.

#ifndef AWQ_DIALECT_AWQ_UTILS_RECORDLAYOUT_H
#define AWQ_DIALECT_AWQ_UTILS_RECORDLAYOUT_H

#include "awq/Dialect/AWQ/Utils/QuantScheme.h"

namespace awq {

/// Sizes and places, in bytes, of the records of one weight [n, k].
struct RecordGeometry {
  /// What one record covers, and the records side by side in a tile.
  static constexpr int64_t rows = 32, channels = 128, recordsPerTile = 4;
  static constexpr int64_t tileRows = rows * recordsPerTile;
  static constexpr int64_t codeBytes = rows * channels / 2;

  int64_t n = 0, k = 0;
  /// Groups in the channels of a record: 1, 2 or 4; 0 if a group is the whole
  /// row, whose constants then follow the last record.
  int64_t groups = 1;
  bool symmetric = false;

  /// The geometry for a scheme that hasRecords.
  RecordGeometry(const QuantScheme &scheme, int64_t n, int64_t k);

  /// Whether groups of `scheme` and records of 128 channels fit: groups of 32,
  /// 64, a multiple of 128, or the whole row.
  static bool hasRecords(const QuantScheme &scheme, int64_t k);

  /// Records in a row of records, and rows of records; the last ones may be
  /// padded with zeros.
  int64_t recordsInK() const { return (k + channels - 1) / channels; }
  int64_t recordRows() const { return (n + rows - 1) / rows; }
  /// Scales and zero points of one group.
  int64_t constantBytes() const {
    return rows * 2 + (symmetric ? 0 : rows / 2);
  }
  int64_t recordBytes() const { return codeBytes + groups * constantBytes(); }
  int64_t totalBytes() const;

  /// Where the record of rows 32 `row`.. and channels 128 `column`.. starts.
  int64_t recordOffset(int64_t row, int64_t column) const;
  /// Where the scales of one group of 32 rows start; `column` counts the groups
  /// of the records along K. Four of 2 bytes for each g: rows g, g+8, g+16,
  /// g+24.
  int64_t scalesOffset(int64_t row, int64_t column) const;
  /// The same for zero points: two bytes for each g, of rows g and g+8, and of
  /// rows g+16 and g+24; the lower row in the low nibble.
  int64_t zerosOffset(int64_t row, int64_t column) const;

private:
  int64_t groupSize = 0;
  int64_t constantsOffset(int64_t row, int64_t column, int64_t &inRecord) const;
};

/// Writes codes [n, k], scales and zeros [n, groups] (zeros are not read if
/// the scheme is symmetric) as records; every byte of `packed` is written.
void packRecords(const QuantScheme &scheme, int64_t n, int64_t k,
                 const uint8_t *codes, const float *scales,
                 const uint8_t *zeros, void *packed);

/// The inverse; `zeros` is not written if the scheme is symmetric.
void unpackRecords(const QuantScheme &scheme, int64_t n, int64_t k,
                   const void *packed, uint8_t *codes, float *scales,
                   uint8_t *zeros);

} // namespace awq

#endif // AWQ_DIALECT_AWQ_UTILS_RECORDLAYOUT_H
