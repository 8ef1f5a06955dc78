//===- DiagnosticCollector.h - an Error of diagnostics ----------*- C++ -*-===//
//
// Part of the awq-mlir project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef AWQ_LIB_PIPELINES_DIAGNOSTICCOLLECTOR_H
#define AWQ_LIB_PIPELINES_DIAGNOSTICCOLLECTOR_H

#include "awq/Support/Error.h"
#include "mlir/IR/Diagnostics.h"

#include <optional>
#include <string>

namespace awq {

/// Keeps the first error that MLIR reports while it lives; warnings and remarks
/// go on to the context's handler.
class DiagnosticCollector {
public:
  explicit DiagnosticCollector(mlir::MLIRContext *context);

  /// What was reported: the Error that was emitted as one (awq::emitError), as
  /// it was; else `otherwise` with the diagnostic's text after its message and
  /// the diagnostic's place.
  Error error(Error otherwise) const;

  /// The same for a step that ran passes or their parts: AWQ1510.
  Error error(const std::string &phase) const;

private:
  std::string text, where;
  std::optional<Error> carried;
  mlir::ScopedDiagnosticHandler handler;
};

} // namespace awq

#endif // AWQ_LIB_PIPELINES_DIAGNOSTICCOLLECTOR_H
