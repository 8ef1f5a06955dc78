//===- W4Selection.h - which kernel for how many tokens -----*- C++ -*-===//
//
// Part of the awq-mlir project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef AWQ_LIB_CONVERSION_AWQTONVVM_W4SELECTION_H
#define AWQ_LIB_CONVERSION_AWQTONVVM_W4SELECTION_H

#include "W4Kernel.h"

namespace awq {

/// One of a linear's kernels, and for how many tokens it is launched.
struct LaunchRange {
  /// Tokens up to which, from where the range before ends; 0: without an end.
  int64_t mostTokens = 0;
  /// Which of the kernels.
  int64_t bucket = 0;
};

/// The kernels among `buckets`, from few tokens to many, that a linear [n, k]
/// is to be launched with on `chip`, for any number of tokens.
llvm::SmallVector<LaunchRange>
selectLaunches(llvm::StringRef chip, int64_t n, int64_t k,
               llvm::ArrayRef<W4KernelSpec> buckets);

} // namespace awq

#endif // AWQ_LIB_CONVERSION_AWQTONVVM_W4SELECTION_H
