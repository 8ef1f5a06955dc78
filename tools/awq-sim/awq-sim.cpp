//===- awq-sim.cpp - runs a GPU kernel without a GPU ----------------------===//
//
// Part of the awq-mlir project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Options.h"
#include "OutputErrors.h"

#include "llvm/Support/raw_ostream.h"

int main(int argc, char **argv) {
  awq::reportOutputErrors();
  auto request = parseOptions(argc, argv);
  if (!request)
    return static_cast<int>(awq::ErrorKind::Usage);
  auto result = awq::gpusim::simulate(*request);
  if (!result) {
    llvm::errs() << result.error().str() << "\n";
    return result.error().exitCode();
  }
  llvm::outs() << result->text;
  return result->clean ? 0 : 1;
}
