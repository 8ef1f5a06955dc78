//===- DecodeMatrix.h - names of matrix types and shapes ------ -*- C++ -*-===//
//
// Part of the awq-mlir project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef AWQ_LIB_EXECUTIONENGINE_GPUSIMULATOR_DECODEMATRIX_H
#define AWQ_LIB_EXECUTIONENGINE_GPUSIMULATOR_DECODEMATRIX_H

#include "Decoder.h"

namespace awq::gpusim {

/// "f16", "s8" and so on.
std::optional<MmaType> mmaType(llvm::StringRef name);
/// Reads "m16n8kK".
bool mmaShape(llvm::StringRef text, MmaShape &shape);

inline unsigned elementBitsOf(MmaType type) {
  switch (type) {
  case MmaType::F16:
  case MmaType::BF16:
    return 16;
  case MmaType::TF32:
    return 32;
  case MmaType::S4:
  case MmaType::U4:
    return 4;
  default:
    return 8;
  }
}

} // namespace awq::gpusim

#endif // AWQ_LIB_EXECUTIONENGINE_GPUSIMULATOR_DECODEMATRIX_H
