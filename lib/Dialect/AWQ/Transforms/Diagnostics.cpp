//===- Diagnostics.cpp - errors of files as diagnostics ---------*- C++ -*-===//
//
// Part of the awq-mlir project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "awq/Dialect/AWQ/Transforms/Diagnostics.h"

#include "mlir/IR/Builders.h"
#include "mlir/IR/BuiltinAttributes.h"

using namespace mlir;
using namespace awq;

// Keys of the dictionary that carries an error as metadata of a diagnostic.
static constexpr llvm::StringLiteral kCode = "awq.code";
static constexpr llvm::StringLiteral kKind = "awq.kind";
static constexpr llvm::StringLiteral kMessage = "awq.message";
static constexpr llvm::StringLiteral kWhere = "awq.where";
static constexpr llvm::StringLiteral kHelp = "awq.help";

LogicalResult awq::emitError(Location loc, const Error &error) {
  InFlightDiagnostic diagnostic = mlir::emitError(loc);
  diagnostic << error.code << ": " << error.message;
  if (!error.where.empty())
    diagnostic << " (" << error.where << ")";
  if (!error.help.empty())
    diagnostic << "; " << error.help;
  Builder builder(loc.getContext());
  Attribute carried = builder.getDictionaryAttr(
      {builder.getNamedAttr(kCode, builder.getStringAttr(error.code)),
       builder.getNamedAttr(kKind, builder.getI64IntegerAttr(error.exitCode())),
       builder.getNamedAttr(kMessage, builder.getStringAttr(error.message)),
       builder.getNamedAttr(kWhere, builder.getStringAttr(error.where)),
       builder.getNamedAttr(kHelp, builder.getStringAttr(error.help))});
  diagnostic.getUnderlyingDiagnostic()->getMetadata().emplace_back(carried);
  return diagnostic;
}

std::optional<Error> awq::getError(Diagnostic &diagnostic) {
  for (const DiagnosticArgument &argument : diagnostic.getMetadata()) {
    if (argument.getKind() !=
        DiagnosticArgument::DiagnosticArgumentKind::Attribute)
      continue;
    auto carried = dyn_cast<DictionaryAttr>(argument.getAsAttribute());
    auto kind = carried ? carried.getAs<IntegerAttr>(kKind) : IntegerAttr();
    if (!kind)
      continue;
    auto text = [&](StringRef key) {
      return carried.getAs<StringAttr>(key).str();
    };
    return Error{static_cast<ErrorKind>(kind.getInt()), text(kCode),
                 text(kMessage), text(kWhere), text(kHelp)};
  }
  return std::nullopt;
}
