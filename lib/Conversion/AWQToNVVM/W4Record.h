//===- W4Record.h - the arithmetic of one record ----------------*- C++ -*-===//
//
// Part of the awq-mlir project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef AWQ_LIB_CONVERSION_AWQTONVVM_W4RECORD_H
#define AWQ_LIB_CONVERSION_AWQTONVVM_W4RECORD_H

#include "DeviceBuilder.h"
#include "W4Kernel.h"

namespace awq {

/// The place of a lane: lane = 4g + t.
struct LanePlace {
  mlir::Value lane, g, t;
};

/// The two zero points that a lane needs for 16 rows, in the form its mode
/// takes them: as A fragment, or as pairs to add.
struct AtomZeros {
  mlir::Value lower, upper;
};

/// Zero points of the 32 rows of a record.
struct RecordZeros {
  AtomZeros atoms[2];
};

/// Where a lane finds its parts of a record and of the activations it meets.
struct RecordBases {
  mlir::Value codes, scales, zeros, fragments, sums;
};

/// Adds the products of records to a warp's sums. Rows 0..15 of a record are
/// its atom 0, rows 16..31 its atom 1. Sum 4 (a T + m) + 2h + j of a lane, T
/// tiles of tokens, is row 16a + 8h + g, token 8m + 2t + j.
class RecordMath {
public:
  RecordMath(DeviceBuilder &b, const W4KernelSpec &spec, LanePlace place);

  /// The bases for records and activations that start at these addresses in
  /// shared memory.
  RecordBases basesAt(mlir::Value records, mlir::Value activations);

  /// Adds the record `recordBytes` after the base of records, with the
  /// activations `activationBytes` after theirs.
  void accumulate(const RecordBases &bases, int64_t recordBytes,
                  int64_t activationBytes);

  /// Reads the zero points of whole-row groups for the records to come, from
  /// the 16 bytes at `address` in global memory.
  void setRowZeros(mlir::Value address);

  llvm::ArrayRef<Variable> sums() const { return sumVariables; }
  /// What the sums of row half `h` must be multiplied by.
  float sumFactor(int64_t h) const;

private:
  mlir::Value mma(llvm::ArrayRef<mlir::Value> a, llvm::ArrayRef<mlir::Value> b,
                  llvm::ArrayRef<mlir::Value> c, int64_t k);
  llvm::SmallVector<mlir::Value> fragmentOf(mlir::Value word,
                                            const AtomZeros &zeros);
  mlir::Value biased(mlir::Value word, int32_t mask);
  RecordZeros makeZeros(mlir::Value bytes);
  RecordZeros symmetricZeros();
  RecordZeros loadZeros(mlir::Value address);
  void addZeroPoints(const RecordZeros &zeros, mlir::Value address,
                     llvm::MutableArrayRef<mlir::Value> groupSums);
  void addCodes(mlir::Value wordsAt, mlir::Value fragmentsAt,
                const RecordZeros &zeros,
                llvm::MutableArrayRef<mlir::Value> groupSums);
  void scaleGroup(mlir::Value rowScales, llvm::ArrayRef<mlir::Value> groupSums);

  DeviceBuilder &b;
  const W4KernelSpec &spec;
  LanePlace place;
  llvm::SmallVector<Variable> sumVariables;
  llvm::SmallVector<Variable> rowZeros;
};

} // namespace awq

#endif // AWQ_LIB_CONVERSION_AWQTONVVM_W4RECORD_H
