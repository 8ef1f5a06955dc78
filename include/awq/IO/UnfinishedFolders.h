//===- UnfinishedFolders.h - no leftovers of a stopped run ------*- C++ -*-===//
//
// Part of the awq-mlir project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef AWQ_IO_UNFINISHEDFOLDERS_H
#define AWQ_IO_UNFINISHEDFOLDERS_H

#include <string>

namespace awq::io {

/// Notes that `path` is a temporary folder, or that it no longer is. Called by
/// AtomicDirectory; safe from any thread.
void noteUnfinished(const std::string &path);
void forgetUnfinished(const std::string &path);

/// From now on, SIGINT, SIGTERM and SIGHUP remove the folders noted above
/// before they end the program, as they would have without. For programs, not
/// for libraries, whose host may have handlers of its own: those, and signals
/// that are ignored, are left alone. Called again, it does nothing.
void removeUnfinishedOnSignals();

} // namespace awq::io

#endif // AWQ_IO_UNFINISHEDFOLDERS_H
