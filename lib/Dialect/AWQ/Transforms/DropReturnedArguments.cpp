//===- DropReturnedArguments.cpp - entry points return nothing -*- C++ -*-===//
//
// Part of the awq-mlir project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "awq/Dialect/AWQ/Transforms/Passes.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/IR/BuiltinOps.h"

namespace awq {
#define GEN_PASS_DEF_DROPRETURNEDARGUMENTSPASS
#include "awq/Dialect/AWQ/Transforms/Passes.h.inc"
} // namespace awq

using namespace mlir;

/// Whether the buffer is an argument of its function.
static bool isArgument(Value buffer) {
  while (auto cast = buffer.getDefiningOp<memref::CastOp>())
    buffer = cast.getSource();
  return isa<MemRefType>(buffer.getType()) && isa<BlockArgument>(buffer);
}

static void dropReturnedArguments(func::FuncOp function) {
  Operation *exit = function.getBody().front().getTerminator();
  llvm::BitVector dropped(exit->getNumOperands());
  for (OpOperand &operand : exit->getOpOperands())
    if (isArgument(operand.get()))
      dropped.set(operand.getOperandNumber());
  exit->eraseOperands(dropped);
  (void)function.eraseResults(dropped);
}

namespace {
struct DropReturnedArgumentsPass
    : awq::impl::DropReturnedArgumentsPassBase<DropReturnedArgumentsPass> {
  void runOnOperation() override {
    ModuleOp module = getOperation();
    for (auto function : module.getOps<func::FuncOp>())
      if (function.isPublic() && !function.isDeclaration() &&
          function.getBody().hasOneBlock() &&
          SymbolTable::symbolKnownUseEmpty(function, module))
        dropReturnedArguments(function);
  }
};
} // namespace
