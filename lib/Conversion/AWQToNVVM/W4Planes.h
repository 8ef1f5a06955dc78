//===- W4Planes.h - records by integer matrix products ----------*- C++ -*-===//
//
// Part of the awq-mlir project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef AWQ_LIB_CONVERSION_AWQTONVVM_W4PLANES_H
#define AWQ_LIB_CONVERSION_AWQTONVVM_W4PLANES_H

#include "W4Record.h"

namespace awq {

/// Mode Planes: an activation is four signed bytes, the most significant first,
/// each in a column of its own, and codes are multiplied as bytes by
/// mma.m16n8k32. Sum 4 (a T + m) + 2h + j of a lane is row 16a + 8h + g, plane
/// (2t + j) % 4 of token 2m + t / 2.
class PlaneMath : public RecordMath {
public:
  PlaneMath(DeviceBuilder &b, const W4KernelSpec &spec, LanePlace place);

  RecordBases basesAt(mlir::Value records, mlir::Value activations) override;
  void accumulate(const RecordBases &bases, int64_t recordBytes,
                  int64_t activationBytes) override;
  void setRowZeros(mlir::Value address) override;
  llvm::SmallVector<TokenSum> tokenSums() override;

private:
  /// Of 16 rows: the zero points of rows g, and the bytes in which those of
  /// rows g + 8 are the upper nibbles.
  struct AtomBytes {
    mlir::Value zero, byte;
  };

  AtomBytes atomBytes(mlir::Value bytes, int64_t atom);
  llvm::SmallVector<AtomBytes> loadZeroBytes(mlir::Value address);
  void startSums(mlir::Value zerosAt, mlir::Value sumsAt,
                 llvm::MutableArrayRef<mlir::Value> groupSums);
  void addQuad(mlir::Value wordsAt, llvm::ArrayRef<mlir::Value> tokens,
               int64_t half, llvm::MutableArrayRef<mlir::Value> groupSums);
  void finishGroup(mlir::Value scalesAt, llvm::ArrayRef<mlir::Value> groupSums);

  int64_t sumIndex(int64_t atom, int64_t tile) const {
    return 4 * (atom * spec.tile.tokenTiles + tile);
  }
};

} // namespace awq

#endif // AWQ_LIB_CONVERSION_AWQTONVVM_W4PLANES_H
