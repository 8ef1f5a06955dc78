//===- BinaryOps.h - what operators on two tensors share ------ -*- C++ -*-===//
//
// Part of the awq-mlir project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef AWQ_LIB_TARGET_ONNX_BINARYOPS_H
#define AWQ_LIB_TARGET_ONNX_BINARYOPS_H

#include "OpContext.h"

namespace awq::onnx {

/// The result of an op on elements that are known, if it is known.
using ElementFold = std::optional<DimExpr> (*)(DimContext &, const DimExpr &,
                                               const DimExpr &);

/// Applies `fold` to the elements of two small tensors; nothing if some result
/// depends on what is known at run time only.
std::optional<Tensor> foldBinary(OpContext &op, const Tensor &a,
                                 const Tensor &b, OnnxType type,
                                 ElementFold fold);

/// Two inputs of one type that can be broadcast.
Status checkBinary(OpContext &op);

} // namespace awq::onnx

#endif // AWQ_LIB_TARGET_ONNX_BINARYOPS_H
