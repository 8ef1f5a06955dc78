//===- RotaryFrequencies.h - frequencies of rotary embeddings ---*- C++ -*-===//
//
// Part of the awq-mlir project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef AWQ_LIB_TARGET_HUGGINGFACE_ROTARYFREQUENCIES_H
#define AWQ_LIB_TARGET_HUGGINGFACE_ROTARYFREQUENCIES_H

#include "awq/IO/HfConfig.h"

#include <vector>

namespace awq {

/// What decoder.rotary_table needs.
struct RotaryFrequencies {
  /// head_dim / 2 inverse frequencies.
  std::vector<float> inverse;
  /// Factor of cosines and sines.
  double scaling = 1.0;
};

/// Computes the frequencies in the order and precision of transformers
/// (modeling_rope_utils.py): powers and quotients in f32, the boundaries of
/// the Yarn ramp in f64.
RotaryFrequencies computeRotaryFrequencies(const io::RopeConfig &rope,
                                           int64_t headDim);

} // namespace awq

#endif // AWQ_LIB_TARGET_HUGGINGFACE_ROTARYFREQUENCIES_H
