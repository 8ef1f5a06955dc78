//===- OutputErrors.cpp - when a tool cannot write its output -------------===//
//
// Part of the awq-mlir project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "OutputErrors.h"

#include "awq/Support/Error.h"
#include "llvm/ADT/StringRef.h"
#include "llvm/Support/ErrorHandling.h"

#include <cstdio>
#include <unistd.h>

using namespace awq;

/// Called in place of an abort, often by the destructor of a global stream: so
/// it uses none.
static void handle(void *, const char *reason, bool) {
  llvm::StringRef text(reason);
  if (!text.consume_front("IO failure on output stream: ")) {
    std::fprintf(stderr, "LLVM ERROR: %s\n", reason);
    return;
  }
  Error error{ErrorKind::Resources, "AWQ1515",
              "the output cannot be written: " + text.str(), "",
              "check the room on the disk"};
  std::fprintf(stderr, "%s\n", error.str().c_str());
  ::_exit(error.exitCode());
}

void awq::reportOutputErrors() { llvm::install_fatal_error_handler(handle); }
