//===- ToyPasses.td - passes of the toy compiler -----------*- tablegen -*-===//
//
// Part of the awq-mlir project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef TOY_PASSES_TD
#define TOY_PASSES_TD

include "mlir/Pass/PassBase.td"

def LowerDensePass : Pass<"toy-lower-dense", "::mlir::ModuleOp"> {
  let summary = "Makes awq.linear of toy.dense";
  let dependentDialects = ["::awq::AWQDialect", "::mlir::ml_program::MLProgramDialect"];
}

def ReportPass : Pass<"toy-report", "::mlir::ModuleOp"> {
  let summary = "Remarks what became of each layer";
}

#endif // TOY_PASSES_TD
