//===- LaneTrees.h - sums and maxima across lanes ---------------*- C++ -*-===//
//
// Part of the awq-mlir project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Trees of shuffles, for code that would otherwise reduce one vector after the
// other: a reduction alone is a chain of dependent steps, and its scalar result
// has to be put back into a lane.
//
//===----------------------------------------------------------------------===//

#ifndef AWQ_CONVERSION_COMMON_LANETREES_H
#define AWQ_CONVERSION_COMMON_LANETREES_H

#include "mlir/IR/Builders.h"

namespace awq {

/// The sums of the lanes of `vectorLanes` vectors of that many lanes each, all
/// at once: lane i of the result is the sum of the i-th vector that was added.
/// Half of the lanes of two vectors are added to the other half, which leaves
/// one vector for both, and so on: 15 additions of vectors for 16 sums. At no
/// time are more than 5 vectors live.
class LaneSums {
public:
  LaneSums(mlir::OpBuilder &builder, mlir::Location loc)
      : builder(builder), loc(loc) {}

  void add(mlir::Value vector);

  /// After as many calls of add() as there are lanes.
  mlir::Value get() const;

private:
  /// A subtree that waits for its neighbour of the same height.
  struct Subtree {
    mlir::Value vector;
    unsigned height;
  };

  mlir::Value merge(mlir::Value first, mlir::Value second, unsigned height);

  mlir::OpBuilder &builder;
  mlir::Location loc;
  llvm::SmallVector<Subtree> subtrees;
};

/// a > b ? a : b, one instruction where arith.maximumf takes several: if either
/// is NaN, the result is b.
mlir::Value greaterOf(mlir::OpBuilder &builder, mlir::Location loc,
                      mlir::Value a, mlir::Value b);

/// The greatest lane of a vector whose number of lanes is a power of two. If a
/// lane is NaN, any lane.
mlir::Value greatestLane(mlir::OpBuilder &builder, mlir::Location loc,
                         mlir::Value vector);

} // namespace awq

#endif // AWQ_CONVERSION_COMMON_LANETREES_H
