//===- BundleFiles.h - files of bundles -------------------------*- C++ -*-===//
//
// Part of the awq-mlir project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef AWQ_LIB_PIPELINES_BUNDLEFILES_H
#define AWQ_LIB_PIPELINES_BUNDLEFILES_H

#include "awq/Support/Error.h"
#include "llvm/ADT/StringRef.h"

namespace awq {

/// Writes a file of a bundle. Errors: AWQ1515.
Status writeFile(const std::string &path, llvm::StringRef bytes);

} // namespace awq

#endif // AWQ_LIB_PIPELINES_BUNDLEFILES_H
