//===- Constants.h - tensors in the model ----------------- -*- C++ -*-===//
//
// Part of the awq-mlir project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef AWQ_LIB_TARGET_ONNX_CONSTANTS_H
#define AWQ_LIB_TARGET_ONNX_CONSTANTS_H

#include "Emitter.h"
#include "awq/IO/Onnx.h"
#include "awq/Support/Error.h"

namespace awq::onnx {

/// A tensor whose elements stand in the IR. Elements of 2 and 4 bits get a byte
/// each. Errors: AWQ1141 for types that have no counterpart.
Result<Tensor> makeConstant(Emitter &emitter, const io::OnnxTensor &tensor);

} // namespace awq::onnx

#endif // AWQ_LIB_TARGET_ONNX_CONSTANTS_H
