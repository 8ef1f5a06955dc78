//===- BlockWeights.h - weights in blocks of codes --------- -*- C++ -*-===//
//
// Part of the awq-mlir project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef AWQ_LIB_TARGET_ONNX_BLOCKWEIGHTS_H
#define AWQ_LIB_TARGET_ONNX_BLOCKWEIGHTS_H

#include "OpContext.h"

namespace awq::onnx {

/// A weight [N, K] of codes whose scales and zero points belong to blocks of
/// `group` columns, as in awq.dequantize. All of them stand in the model.
struct BlockWeight {
  int64_t rows = 0, columns = 0, group = 0, bits = 4;
  /// [N, K], [N, K / group] and, if any differs from 2^(bits - 1), as many zero
  /// points.
  std::vector<char> codes, zeros;
  Tensor scales;

  /// The weight as an awq.dequantize to f32; nothing if no scheme has such
  /// groups.
  std::optional<Tensor> emit(Emitter &e) const;
};

/// Reads the codes of com.microsoft's MatMulNBits and GatherBlockQuantized:
/// `codes` is U8 [N, K / block x block * bits / 8], low bits first, `zeros`
/// (which may be missing) is packed likewise, row by row. Notes what does not
/// fit.
BlockWeight readBlocks(OpContext &op, int64_t rows, int64_t columns,
                       int64_t block, int64_t bits, const Tensor &codes,
                       const Tensor &scales, const Tensor &zeros);

/// `rows` x `columns` bytes the other way round; none if there are none.
std::vector<char> transposeBytes(const std::vector<char> &bytes, int64_t rows,
                                 int64_t columns);

} // namespace awq::onnx

#endif // AWQ_LIB_TARGET_ONNX_BLOCKWEIGHTS_H
