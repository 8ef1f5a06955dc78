//===- TestPasses.h - passes for tests only -*- C++ -*-===//
//
// Part of the awq-mlir project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef AWQ_TEST_LIB_TESTPASSES_H
#define AWQ_TEST_LIB_TESTPASSES_H

namespace awq {

/// Registers the passes called awq-test-*.
void registerTestPasses();

} // namespace awq

#endif // AWQ_TEST_LIB_TESTPASSES_H
