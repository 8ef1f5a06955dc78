//===- CompilerOptions.h - options by name ----------------------*- C++ -*-===//
//
// Part of the awq-mlir project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef AWQ_LIB_CAPI_COMPILEROPTIONS_H
#define AWQ_LIB_CAPI_COMPILEROPTIONS_H

#include "awq/Pipelines/CompileDriver.h"
#include "awq/Support/Error.h"

#include <string>

namespace awq::capi {

/// What options set. Those that awq-compile has go by the same names.
struct Options {
  Options();

  CompileRequest request;
  /// Where configuration and tokenizer come from, if not from the folder that
  /// the module was loaded from.
  std::string source;
};

/// Errors: AWQ1668 (no such option), AWQ1669 (not a value of its type).
Status setOption(Options &options, const std::string &name,
                 const std::string &value);

/// Names, types, defaults and meanings as JSON.
const std::string &describeOptions();

} // namespace awq::capi

#endif // AWQ_LIB_CAPI_COMPILEROPTIONS_H
