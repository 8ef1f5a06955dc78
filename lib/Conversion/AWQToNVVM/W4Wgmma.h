//===- W4Wgmma.h - records by products of warpgroups ------------*- C++ -*-===//
//
// Part of the awq-mlir project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef AWQ_LIB_CONVERSION_AWQTONVVM_W4WGMMA_H
#define AWQ_LIB_CONVERSION_AWQTONVVM_W4WGMMA_H

#include "W4Record.h"

namespace awq {

/// The modes of RecordMath by wgmma: four warps, with a record each, multiply
/// their 64 rows of atom 0 and then those of atom 1 by all tokens, which stay
/// in shared memory. Sums are where mma.m16n8k16 has them. In the bases,
/// fragments and sums are matrix descriptors (i64).
class WarpgroupMath : public RecordMath {
public:
  using RecordMath::RecordMath;

  RecordBases basesAt(mlir::Value records, mlir::Value activations) override;
  void accumulate(const RecordBases &bases, int64_t recordBytes,
                  int64_t activationBytes) override;

private:
  int64_t sumsPerAtom() const { return 4 * spec.tile.tokenTiles; }
  void multiply(llvm::ArrayRef<mlir::Value> fragment, mlir::Value descriptor,
                llvm::MutableArrayRef<mlir::Value> atomSums, bool startsAnew);
  void addZeroPoints(const GroupConstants &constants, mlir::Value descriptor,
                     llvm::MutableArrayRef<mlir::Value> groupSums);
  void addQuad(mlir::Value wordsAt, mlir::Value descriptor,
               const GroupConstants &constants,
               llvm::MutableArrayRef<mlir::Value> groupSums, bool startsAnew);
  void awaitAll(llvm::MutableArrayRef<mlir::Value> groupSums);
};

} // namespace awq

#endif // AWQ_LIB_CONVERSION_AWQTONVVM_W4WGMMA_H
