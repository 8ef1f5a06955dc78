//===- FileError.h - errors from the operating system -----------*- C++ -*-===//
//
// Part of the awq-mlir project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef AWQ_IO_FILEERROR_H
#define AWQ_IO_FILEERROR_H

#include "awq/Support/Error.h"

#include <string>

namespace awq::io {

/// The system's text for an errno value; safe to call from any thread.
std::string systemMessage(int number);

/// Why a file could not be opened or read: AWQ1001 or AWQ1002.
Error readError(const std::string &path, int number);

/// Why a file or folder could not be created or written: AWQ1041 when the
/// space ran out, else AWQ1040. `action` completes "cannot ...".
Error writeError(const std::string &action, const std::string &path,
                 int number);

/// Makes the names inside a folder durable (after a rename).
Status syncDirectory(const std::string &path);

/// The folder that holds `path`; "." when the path has no separator.
std::string parentOf(const std::string &path);

} // namespace awq::io

#endif // AWQ_IO_FILEERROR_H
