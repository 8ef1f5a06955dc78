//===- Machine.h - what this processor can do ------------*- C++ -*-===//
//
// Part of the awq-mlir project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef AWQ_EXECUTIONENGINE_RUNTIME_MACHINE_H
#define AWQ_EXECUTIONENGINE_RUNTIME_MACHINE_H

#include "awq/ExecutionEngine/Runtime/Export.h"

#include <string>
#include <string_view>
#include <vector>

namespace awq::runtime {

/// The architecture this library was built for, spelled as the first part of
/// an LLVM target triple: "x86_64", "aarch64".
AWQ_RUNTIME_EXPORT std::string_view machineArchitecture();

/// Whether this runtime knows how to look for the feature `name` (LLVM's
/// spelling, such as "avx512vnni"). A compiler lists only such features in a
/// manifest: an unknown one counts as missing.
AWQ_RUNTIME_EXPORT bool isKnownFeature(std::string_view name);

/// Whether the processor has the feature and the operating system saves the
/// registers that it needs.
AWQ_RUNTIME_EXPORT bool hasFeature(std::string_view name);

/// Those of `names` for which hasFeature() is false, in the same order.
AWQ_RUNTIME_EXPORT std::vector<std::string>
missingFeatures(const std::vector<std::string> &names);

/// The number of processors that this process may use, at least 1.
AWQ_RUNTIME_EXPORT int processorCount();

} // namespace awq::runtime

#endif // AWQ_EXECUTIONENGINE_RUNTIME_MACHINE_H
