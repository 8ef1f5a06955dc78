//===- UnaryOps.h - functions of one tensor ------------------- -*- C++ -*-===//
//
// Part of the awq-mlir project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef AWQ_LIB_TARGET_ONNX_UNARYOPS_H
#define AWQ_LIB_TARGET_ONNX_UNARYOPS_H

#include "OpContext.h"

namespace awq::onnx {

/// An element of input 0 becomes one of the result. Numbers only: floats, and
/// integers where the op allows them.
Status mapUnary(OpContext &op, Emitter::Body body, bool allowIntegers = false);

} // namespace awq::onnx

#endif // AWQ_LIB_TARGET_ONNX_UNARYOPS_H
