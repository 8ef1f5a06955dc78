//===- BundleRules.h - what a manifest may say ----------*- C++ -*-===//
//
// Part of the awq-mlir project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef AWQ_LIB_EXECUTIONENGINE_RUNTIME_BUNDLERULES_H
#define AWQ_LIB_EXECUTIONENGINE_RUNTIME_BUNDLERULES_H

#include "awq/ExecutionEngine/Runtime/Manifest.h"

#include <string>

namespace awq::runtime {

/// Why `path` may not name a file below a bundle ("leaves the bundle", ...);
/// empty when it may. Looks at the text only.
std::string pathProblem(const std::string &path);

/// Checks what no single field shows: that the code file is listed, and that
/// every entry point has the arguments which its name asks for, with shapes
/// that agree with the model's sizes. Errors: AWQ1401, AWQ1408.
Status checkManifest(const Manifest &manifest, const std::string &path);

} // namespace awq::runtime

#endif // AWQ_LIB_EXECUTIONENGINE_RUNTIME_BUNDLERULES_H
