//===- BundleFiles.h - the files of a bundle ------------*- C++ -*-===//
//
// Part of the awq-mlir project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef AWQ_LIB_EXECUTIONENGINE_RUNTIME_BUNDLEFILES_H
#define AWQ_LIB_EXECUTIONENGINE_RUNTIME_BUNDLEFILES_H

#include "awq/ExecutionEngine/Runtime/Manifest.h"

#include <string>
#include <vector>

namespace awq::runtime {

/// The path to open for a file of the manifest: below `bundle`, or the path
/// itself when it is absolute.
std::string resolvePath(const std::string &bundle, const std::string &path);

/// Checks that each of `files` is a regular file of the recorded size with the
/// recorded hash, two at a time. Below the bundle no component may be a
/// symbolic link; an external file may be reached by one. Reports the first
/// failure in the order of `files`. Errors: AWQ1405, AWQ1406.
Status checkFiles(const std::string &bundle,
                  const std::vector<FileRecord> &files);

} // namespace awq::runtime

#endif // AWQ_LIB_EXECUTIONENGINE_RUNTIME_BUNDLEFILES_H
