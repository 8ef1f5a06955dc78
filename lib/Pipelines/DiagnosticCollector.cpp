//===- DiagnosticCollector.cpp - an Error of diagnostics --------*- C++ -*-===//
//
// Part of the awq-mlir project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "DiagnosticCollector.h"

#include "awq/Dialect/AWQ/Transforms/Diagnostics.h"
#include "llvm/Support/raw_ostream.h"

using namespace mlir;
using namespace awq;

DiagnosticCollector::DiagnosticCollector(MLIRContext *context)
    : handler(context, [this](Diagnostic &diagnostic) {
        if (diagnostic.getSeverity() != DiagnosticSeverity::Error)
          return failure();
        if (!text.empty())
          return success();
        carried = getError(diagnostic);
        text = diagnostic.str();
        llvm::raw_string_ostream(where) << diagnostic.getLocation();
        return success();
      }) {}

Error DiagnosticCollector::error(Error otherwise) const {
  if (carried)
    return *carried;
  if (!text.empty()) {
    otherwise.message += ": " + text;
    otherwise.where = where;
  }
  return otherwise;
}

Error DiagnosticCollector::error(const std::string &phase) const {
  return error(Error{
      ErrorKind::Unsupported, "AWQ1510", "the phase '" + phase + "' failed", "",
      "print the module before it with --compile-to and run the rest by hand "
      "in awq-opt"});
}
