//===- Diagnostics.h - errors of files as diagnostics -----------*- C++ -*-===//
//
// Part of the awq-mlir project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// A pass can only emit a diagnostic and fail. An Error that a pass met on its
// way (a full disk, a damaged file) travels inside the diagnostic, so that the
// command at the other end still ends with its code and exit status.
//
//===----------------------------------------------------------------------===//

#ifndef AWQ_DIALECT_AWQ_TRANSFORMS_DIAGNOSTICS_H
#define AWQ_DIALECT_AWQ_TRANSFORMS_DIAGNOSTICS_H

#include "awq/Support/Error.h"
#include "mlir/IR/Diagnostics.h"

#include <optional>

namespace awq {

/// Emits `error` at `loc`: code, message, place and remedy as text, and the
/// error itself for getError().
mlir::LogicalResult emitError(mlir::Location loc, const Error &error);

/// The Error that emitError() put into `diagnostic`, if it made it.
std::optional<Error> getError(mlir::Diagnostic &diagnostic);

} // namespace awq

#endif // AWQ_DIALECT_AWQ_TRANSFORMS_DIAGNOSTICS_H
