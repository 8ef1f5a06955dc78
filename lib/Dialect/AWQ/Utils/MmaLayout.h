//===- MmaLayout.h - the layout of tensor-core fragments --------*- C++ -*-===//
//
// Part of the awq-mlir project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef AWQ_LIB_DIALECT_AWQ_UTILS_MMALAYOUT_H
#define AWQ_LIB_DIALECT_AWQ_UTILS_MMALAYOUT_H

#include "awq/Dialect/AWQ/Utils/Layouts.h"

namespace awq {

/// The row "mma_n16k64" of the table of layouts.
Layout makeMmaLayout();

} // namespace awq

#endif // AWQ_LIB_DIALECT_AWQ_UTILS_MMALAYOUT_H
