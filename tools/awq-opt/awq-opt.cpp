//===- awq-opt.cpp - runs passes on IR ------------------------------------===//
//
// Part of the awq-mlir project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "OutputErrors.h"
#include "awq/Dialect/AWQ/IR/AWQ.h"
#include "awq/Dialect/AWQ/Transforms/Diagnostics.h"
#include "awq/InitAllDialects.h"
#include "awq/InitAllPasses.h"
#include "mlir/InitAllDialects.h"
#include "mlir/InitAllExtensions.h"
#include "mlir/InitAllPasses.h"
#include "mlir/Tools/mlir-opt/MlirOptMain.h"

#include <optional>
#ifdef AWQ_INCLUDE_TESTS
#include "TestPasses.h"
#endif

/// The first error with a code of its own. The driver knows failure only.
static std::optional<awq::Error> firstError;

/// Watches a context's diagnostics; others still print them.
static void watchErrors(mlir::MLIRContext *context, awq::AWQDialect *) {
  context->getDiagEngine().registerHandler([](mlir::Diagnostic &diagnostic) {
    if (!firstError)
      firstError = awq::getError(diagnostic);
    return mlir::failure();
  });
}

int main(int argc, char **argv) {
  awq::reportOutputErrors();
  mlir::DialectRegistry registry;
  mlir::registerAllDialects(registry);
  mlir::registerAllExtensions(registry);
  mlir::registerAllPasses();
  awq::registerAllDialects(registry);
  registry.addExtension(watchErrors);
  awq::registerNVVMTranslations(registry);
  awq::registerAllPasses();
#ifdef AWQ_INCLUDE_TESTS
  awq::registerTestPasses();
#endif
  mlir::LogicalResult result =
      mlir::MlirOptMain(argc, argv, "awq-mlir's optimizer driver\n", registry);
  return mlir::failed(result) && firstError ? firstError->exitCode()
                                            : mlir::asMainReturnCode(result);
}
