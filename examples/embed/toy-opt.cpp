//===- toy-opt.cpp - a compiler that embeds awq-mlir ------------*- C++ -*-===//
//
// Part of the awq-mlir project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Toy.h"
#include "awq/InitAllDialects.h"
#include "awq/InitAllPasses.h"
#include "mlir/InitAllDialects.h"
#include "mlir/InitAllPasses.h"
#include "mlir/Tools/mlir-opt/MlirOptMain.h"

int main(int argc, char **argv) {
  mlir::DialectRegistry registry;
  mlir::registerAllDialects(registry);
  mlir::registerAllPasses();

  // The embedding: awq's dialects and passes, and what they ask this compiler.
  awq::registerAllDialects(registry);
  awq::registerAllPasses();
  toy::registerStatistics(registry);

  registry.insert<toy::ToyDialect>();
  toy::registerPasses();
  return mlir::asMainReturnCode(
      mlir::MlirOptMain(argc, argv, "the toy compiler\n", registry));
}
