//===- Passes.cpp - awq-c/Passes.h ------------------------------*- C++ -*-===//
//
// Part of the awq-mlir project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "awq-c/Passes.h"

#include "awq/InitAllPasses.h"

void awqRegisterAllPasses(void) {
  static bool once = (awq::registerAllPasses(), true);
  (void)once;
}
