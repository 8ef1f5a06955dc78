//===- LinearProduct.h - a product with a parameter ------------*- C++ -*-===//
//
// Part of the awq-mlir project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef AWQ_LIB_CONVERSION_LINALGTOAWQ_LINEARPRODUCT_H
#define AWQ_LIB_CONVERSION_LINALGTOAWQ_LINEARPRODUCT_H

#include "awq/Dialect/Decoder/Transforms/Recognizers.h"

namespace awq {

/// The product of activations [..., K] with a parameter.
struct LinearProduct {
  mlir::linalg::LinalgOp op;
  mlir::Value input, weight;
  /// Whether the weight is [K, N].
  bool isTransposed = false;
};

/// The product that gives `tensor`: a matmul, batch_matmul or any contraction,
/// whose weight may be repeated along the batch. If there is a parameter in it
/// and it is no linear all the same, `reason` tells why; else `reason` is
/// empty.
std::optional<LinearProduct>
matchLinearProduct(mlir::Value tensor, llvm::StringRef *reason = nullptr);

} // namespace awq

#endif // AWQ_LIB_CONVERSION_LINALGTOAWQ_LINEARPRODUCT_H
