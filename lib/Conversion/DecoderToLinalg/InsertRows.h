//===- InsertRows.h - new rows of a cache -----------------------*- C++ -*-===//
//
// Part of the awq-mlir project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef AWQ_LIB_CONVERSION_DECODERTOLINALG_INSERTROWS_H
#define AWQ_LIB_CONVERSION_DECODERTOLINALG_INSERTROWS_H

#include "mlir/IR/ImplicitLocOpBuilder.h"

namespace awq {

/// `source` [T, heads, D], cast to the cache's type, at rows position .. of
/// `cache`.
mlir::Value insertRows(mlir::ImplicitLocOpBuilder &b, mlir::Value source,
                       mlir::Value cache, mlir::Value position);

} // namespace awq

#endif // AWQ_LIB_CONVERSION_DECODERTOLINALG_INSERTROWS_H
