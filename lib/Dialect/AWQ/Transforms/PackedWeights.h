//===- PackedWeights.h - numbers of packed weights -------------*- C++ -*-===//
//
// Part of the awq-mlir project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef AWQ_LIB_DIALECT_AWQ_TRANSFORMS_PACKEDWEIGHTS_H
#define AWQ_LIB_DIALECT_AWQ_TRANSFORMS_PACKEDWEIGHTS_H

#include "awq/Dialect/AWQ/Transforms/ParameterStore.h"

namespace awq {

/// The operands of an op that reads a packed weight [n, k], as parameters of
/// `store`. Each function reads one of them only, and reports at `op` what
/// cannot be read.
struct PackedWeight {
  mlir::Operation *op;
  mlir::Value codes, scales, zeros;
  SchemeAttr scheme;
  int64_t n, k;

  /// One byte per code, [n, k].
  mlir::FailureOr<std::vector<uint8_t>> readCodes(ParameterStore &store) const;
  /// [n, groups].
  mlir::FailureOr<std::vector<float>> readScales(ParameterStore &store) const;
  /// [n, groups]; the scheme's zero point everywhere if it is symmetric.
  mlir::FailureOr<std::vector<uint8_t>> readZeros(ParameterStore &store) const;
};

/// The operands of a linear whose codes have a layout.
PackedWeight getPackedWeight(QuantizedWeightOpInterface op);
/// The operands of `op`.
PackedWeight getPackedWeight(UnpackOp op);

} // namespace awq

#endif // AWQ_LIB_DIALECT_AWQ_TRANSFORMS_PACKEDWEIGHTS_H
