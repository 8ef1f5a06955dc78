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

/// The elements of an integer tensor of at most 8 bits, `shift` added, one byte
/// each.
std::vector<char> readCodes(const io::OnnxTensor &tensor, int shift);

/// `count` codes of `bits` bits, which are 2, 4 or 8, from bytes whose low bits
/// come first.
std::vector<char> unpackCodes(const uint8_t *bytes, int64_t count,
                              int64_t bits);

} // namespace awq::onnx

#endif // AWQ_LIB_TARGET_ONNX_CONSTANTS_H
