//===- OutputErrors.h - when a tool cannot write its output -----*- C++ -*-===//
//
// Part of the awq-mlir project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef AWQ_TOOLS_COMMON_OUTPUTERRORS_H
#define AWQ_TOOLS_COMMON_OUTPUTERRORS_H

namespace awq {

/// From now on, a stream of LLVM that could not be written to the end (a full
/// disk, /dev/full) ends the program with error AWQ1515 and exit code 5, where
/// LLVM would end it with "LLVM ERROR" and 1.
void reportOutputErrors();

} // namespace awq

#endif // AWQ_TOOLS_COMMON_OUTPUTERRORS_H
