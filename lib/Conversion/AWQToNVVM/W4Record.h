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

#include <memory>

namespace awq {

/// The place of a lane: lane = 4g + t.
struct LanePlace {
  mlir::Value lane, g, t;
};

/// What a lane needs of a group for its two rows of 16: the zero points in the
/// form its mode takes them, as A fragment or as pairs to add, and in mode
/// Scaled the scales, as pairs of equal f16.
struct AtomConstants {
  mlir::Value lower, upper;
  mlir::Value lowerScale = nullptr, upperScale = nullptr;
};

/// The same for the 32 rows of a record.
struct GroupConstants {
  AtomConstants atoms[2];
};

/// Where a lane finds its parts of a record and of the activations it meets.
struct RecordBases {
  mlir::Value codes, scales, zeros, fragments, sums;
};

/// What a lane has for one row and one token of a record.
struct TokenSum {
  /// Row 8 * rowEighth + g of the record's 32.
  int64_t rowEighth;
  /// The token, counted from the first of the kernel's: one that depends on the
  /// lane, and a number.
  mlir::Value laneToken;
  int64_t furtherTokens;
  /// The result but for the token's factor and, with groups of whole rows, the
  /// row's scale.
  mlir::Value sum;
  /// Whether this lane is to store it; null if every lane is.
  mlir::Value isStored;
};

/// Adds the products of records to a warp's sums. Rows 0..15 of a record are
/// its atom 0, rows 16..31 its atom 1. Sum 4 (a T + m) + 2h + j of a lane, T
/// tiles of tokens, is row 16a + 8h + g, token 8m + 2t + j.
class RecordMath {
public:
  RecordMath(DeviceBuilder &b, const W4KernelSpec &spec, LanePlace place);
  virtual ~RecordMath() = default;

  /// The bases for records and activations that start at these addresses in
  /// shared memory.
  virtual RecordBases basesAt(mlir::Value records, mlir::Value activations);

  /// Adds the record `recordBytes` after the base of records, with the
  /// activations `activationBytes` after theirs.
  virtual void accumulate(const RecordBases &bases, int64_t recordBytes,
                          int64_t activationBytes);

  /// Reads the zero points of whole-row groups for the records to come, from
  /// the 16 bytes at `address` in global memory.
  virtual void setRowZeros(mlir::Value address);

  llvm::ArrayRef<Variable> sums() const { return sumVariables; }

  /// The A fragments of quad `quad` of the first record: of step 0 atom 0, step
  /// 0 atom 1, step 1 atom 0 and step 1 atom 1.
  llvm::SmallVector<llvm::SmallVector<mlir::Value>>
  fragmentsOfQuad(const RecordBases &bases, int64_t quad);

  /// What the sums amount to, by tokens and then by rows. All lanes of a warp
  /// have to call it together.
  virtual llvm::SmallVector<TokenSum> tokenSums();

protected:
  /// Atoms of 16 rows in a record, and quads of 32 channels.
  static constexpr int64_t atoms = 2, quads = 4, quadBytes = 512;
  /// Weights of a quad.
  int64_t weightQuadBytes() const { return spec.weightBytes() / quads; }

  DeviceBuilder &b;
  const W4KernelSpec &spec;
  LanePlace place;
  llvm::SmallVector<Variable> sumVariables;
  /// Zero points of groups of whole rows, two for each atom.
  llvm::SmallVector<Variable> rowZeros;

  /// The A fragment in a word: registers for row g, row g + 8, and the same 8
  /// channels further on.
  llvm::SmallVector<mlir::Value> fragmentOf(mlir::Value word,
                                            const AtomConstants &constants);
  /// Those of the 32 channels whose weights the lane has from `weightsAt` on,
  /// as fragmentsOfQuad.
  llvm::SmallVector<llvm::SmallVector<mlir::Value>>
  loadFragments(mlir::Value weightsAt, const GroupConstants &constants);
  /// The constants of group `group` of the record `recordBytes` after the base.
  GroupConstants loadConstants(const RecordBases &bases, int64_t recordBytes,
                               int64_t group);
  /// sums += s * groupSums, with the scale of each row.
  void scaleGroup(const RecordBases &bases, int64_t recordBytes, int64_t group,
                  llvm::ArrayRef<mlir::Value> groupSums);
  /// Whether one set of sums serves all groups.
  bool sumsRunOn() const {
    return spec.groups == 0 || spec.mode == CodeMode::Scaled ||
           spec.isDequantized();
  }

  /// From two bytes in a register: zero points of rows g and g + 8 in the
  /// first atom, of rows g + 16 and g + 24 in the second.
  GroupConstants makeZeros(mlir::Value bytes);
  GroupConstants symmetricZeros();

private:
  mlir::Value loadScales(const RecordBases &bases, int64_t recordBytes,
                         int64_t group);
  mlir::Value mma(llvm::ArrayRef<mlir::Value> a, llvm::ArrayRef<mlir::Value> b,
                  llvm::ArrayRef<mlir::Value> c, int64_t k);
  mlir::Value biased(mlir::Value word, int32_t mask);
  void addZeroPoints(const GroupConstants &zeros, mlir::Value address,
                     llvm::MutableArrayRef<mlir::Value> groupSums);
  void addCodes(mlir::Value wordsAt, mlir::Value fragmentsAt,
                const GroupConstants &constants,
                llvm::MutableArrayRef<mlir::Value> groupSums);
};

/// The arithmetic of the kernel's mode.
std::unique_ptr<RecordMath>
makeRecordMath(DeviceBuilder &b, const W4KernelSpec &spec, LanePlace place);

} // namespace awq

#endif // AWQ_LIB_CONVERSION_AWQTONVVM_W4RECORD_H
