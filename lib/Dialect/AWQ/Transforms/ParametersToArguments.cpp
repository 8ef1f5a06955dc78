//===- ParametersToArguments.cpp - parameters as arguments -----*- C++ -*-===//
//
// Part of the awq-mlir project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "awq/Dialect/AWQ/Transforms/Passes.h"

#include "Provenance.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/MLProgram/IR/MLProgram.h"
#include "mlir/IR/BuiltinOps.h"
#include "llvm/ADT/MapVector.h"

namespace awq {
#define GEN_PASS_DEF_PARAMETERSTOARGUMENTSPASS
#include "awq/Dialect/AWQ/Transforms/Passes.h.inc"
} // namespace awq

using namespace mlir;

namespace {
struct ParametersToArgumentsPass
    : awq::impl::ParametersToArgumentsPassBase<ParametersToArgumentsPass> {
  void runOnOperation() override;

private:
  /// The parameters of a function in the order of its new arguments.
  using Parameters = llvm::MapVector<StringAttr, BlockArgument>;

  LogicalResult rewrite(func::FuncOp function);
  void replaceLoad(ml_program::GlobalLoadConstOp load, Parameters &parameters);
  void extendCall(func::CallOp call, func::FuncOp callee,
                  Parameters &parameters);
  BlockArgument getArgument(func::FuncOp function, StringAttr name, Type type,
                            Location loc, Parameters &parameters);

  llvm::DenseMap<Operation *, Parameters> rewritten;
};
} // namespace

/// The argument that stands for the parameter, made at its first use.
BlockArgument ParametersToArgumentsPass::getArgument(func::FuncOp function,
                                                     StringAttr name, Type type,
                                                     Location loc,
                                                     Parameters &parameters) {
  BlockArgument &argument = parameters[name];
  if (argument)
    return argument;
  NamedAttrList attributes;
  // Private functions serve several layers, so their arguments have no name.
  if (function.isPublic())
    attributes.append("awq.parameter", name);
  unsigned index = function.getNumArguments();
  (void)function.insertArgument(
      index, type, attributes.getDictionary(function.getContext()), loc);
  argument = function.getArgument(index);
  return argument;
}

void ParametersToArgumentsPass::replaceLoad(ml_program::GlobalLoadConstOp load,
                                            Parameters &parameters) {
  auto global = SymbolTable::lookupNearestSymbolFrom<ml_program::GlobalOp>(
      load, load.getGlobal());
  if (!global || global.getIsMutable() ||
      !isa_and_nonnull<ml_program::ExternAttr>(global.getValueAttr()))
    return;
  BlockArgument argument = getArgument(load->getParentOfType<func::FuncOp>(),
                                       global.getSymNameAttr(), load.getType(),
                                       load.getLoc(), parameters);
  load.replaceAllUsesWith(Value(argument));
  load.erase();
}

void ParametersToArgumentsPass::extendCall(func::CallOp call,
                                           func::FuncOp callee,
                                           Parameters &parameters) {
  auto function = call->getParentOfType<func::FuncOp>();
  for (auto &[name, inner] : rewritten[callee])
    call->insertOperands(call->getNumOperands(),
                         getArgument(function, name, inner.getType(),
                                     call.getLoc(), parameters));
}

LogicalResult ParametersToArgumentsPass::rewrite(func::FuncOp function) {
  Parameters parameters;
  llvm::SmallVector<Operation *> users;
  function.walk([&](Operation *op) {
    if (isa<ml_program::GlobalLoadConstOp, func::CallOp>(op))
      users.push_back(op);
  });
  for (Operation *user : users) {
    if (auto load = dyn_cast<ml_program::GlobalLoadConstOp>(user))
      replaceLoad(load, parameters);
    else if (func::FuncOp callee = awq::getCallee(cast<func::CallOp>(user)))
      extendCall(cast<func::CallOp>(user), callee, parameters);
  }
  rewritten[function] = std::move(parameters);
  return success();
}

void ParametersToArgumentsPass::runOnOperation() {
  rewritten.clear();
  if (failed(awq::walkCalleesFirst(getOperation(), [&](func::FuncOp function) {
        return rewrite(function);
      })))
    return signalPassFailure();
  for (auto global : llvm::make_early_inc_range(
           getOperation().getOps<ml_program::GlobalOp>()))
    if (isa_and_nonnull<ml_program::ExternAttr>(global.getValueAttr()) &&
        SymbolTable::symbolKnownUseEmpty(global, getOperation()))
      global.erase();
}
