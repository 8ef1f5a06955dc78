//===- awq-compile.cpp - compiles models
//-----------------------------------===//
//
// Part of the awq-mlir project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Options.h"
#include "OutputErrors.h"
#include "awq/IO/UnfinishedFolders.h"
#include "awq/Pipelines/CompileDriver.h"
#include "llvm/Support/raw_ostream.h"

int main(int argc, char **argv) {
  awq::reportOutputErrors();
  awq::io::removeUnfinishedOnSignals();
  std::optional<awq::CompileRequest> request = parseOptions(argc, argv);
  if (!request)
    return static_cast<int>(awq::ErrorKind::Usage);
  awq::Status status = awq::compile(*request);
  if (status)
    return 0;
  llvm::errs() << status.error().str() << "\n";
  return status.error().exitCode();
}
