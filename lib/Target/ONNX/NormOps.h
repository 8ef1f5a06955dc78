//===- NormOps.h - norms, as ops and inside of fused ones - -*- C++ -*-===//
//
// Part of the awq-mlir project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef AWQ_LIB_TARGET_ONNX_NORMOPS_H
#define AWQ_LIB_TARGET_ONNX_NORMOPS_H

#include "Emitter.h"

namespace awq::onnx {

/// x / sqrt(mean(x^2) + epsilon) over the dimensions from `axis` on, computed
/// in f32 for floats of 16 bits.
Tensor normalizeRMS(Emitter &e, const Tensor &x, int64_t axis, double epsilon);

/// What LayerNormalization computes before scale and bias.
struct Normalized {
  Tensor result, mean, inverseDeviation;
};
Normalized normalizeLayer(Emitter &e, const Tensor &x, int64_t axis,
                          double epsilon);

} // namespace awq::onnx

#endif // AWQ_LIB_TARGET_ONNX_NORMOPS_H
