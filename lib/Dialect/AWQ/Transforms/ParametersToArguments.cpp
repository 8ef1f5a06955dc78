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

  void rewrite(func::FuncOp function, SymbolTable &symbols);
  void extendCall(func::CallOp call, func::FuncOp callee,
                  Parameters &parameters);

  llvm::DenseMap<Operation *, Parameters> rewritten;
};
} // namespace

/// The argument that stands for the parameter, made at its first use. The
/// function's type and attributes learn of it in declareArguments.
static BlockArgument
argumentFor(func::FuncOp function, StringAttr name, Type type, Location loc,
            llvm::MapVector<StringAttr, BlockArgument> &parameters) {
  BlockArgument &argument = parameters[name];
  if (!argument)
    argument = function.getBody().front().addArgument(type, loc);
  return argument;
}

/// Makes the arguments that were added to the body part of the signature, all
/// at once: each change of a signature costs its whole length.
static void
declareArguments(func::FuncOp function,
                 const llvm::MapVector<StringAttr, BlockArgument> &parameters) {
  SmallVector<DictionaryAttr> attributes;
  function.getAllArgAttrs(attributes);
  Builder builder(function.getContext());
  for (auto &[name, argument] : parameters) {
    NamedAttrList list;
    // Private functions serve several layers, so their arguments have no name.
    if (function.isPublic())
      list.append("awq.parameter", name);
    attributes.push_back(list.getDictionary(function.getContext()));
  }
  function.setType(
      builder.getFunctionType(function.getBody().front().getArgumentTypes(),
                              function.getResultTypes()));
  function.setAllArgAttrs(attributes);
}

static void
replaceLoad(ml_program::GlobalLoadConstOp load, SymbolTable &symbols,
            llvm::MapVector<StringAttr, BlockArgument> &parameters) {
  auto global =
      symbols.lookup<ml_program::GlobalOp>(load.getGlobal().getLeafReference());
  if (!global || global.getIsMutable() ||
      !isa_and_nonnull<ml_program::ExternAttr>(global.getValueAttr()))
    return;
  BlockArgument argument = argumentFor(load->getParentOfType<func::FuncOp>(),
                                       global.getSymNameAttr(), load.getType(),
                                       load.getLoc(), parameters);
  load.replaceAllUsesWith(Value(argument));
  load.erase();
}

void ParametersToArgumentsPass::extendCall(func::CallOp call,
                                           func::FuncOp callee,
                                           Parameters &parameters) {
  auto function = call->getParentOfType<func::FuncOp>();
  SmallVector<Value> operands;
  for (auto &[name, inner] : rewritten[callee])
    operands.push_back(argumentFor(function, name, inner.getType(),
                                   call.getLoc(), parameters));
  call->insertOperands(call->getNumOperands(), operands);
}

void ParametersToArgumentsPass::rewrite(func::FuncOp function,
                                        SymbolTable &symbols) {
  Parameters parameters;
  llvm::SmallVector<Operation *> users;
  function.walk([&](Operation *op) {
    if (isa<ml_program::GlobalLoadConstOp, func::CallOp>(op))
      users.push_back(op);
  });
  for (Operation *user : users) {
    if (auto load = dyn_cast<ml_program::GlobalLoadConstOp>(user))
      replaceLoad(load, symbols, parameters);
    else if (func::FuncOp callee = awq::getCallee(cast<func::CallOp>(user)))
      extendCall(cast<func::CallOp>(user), callee, parameters);
  }
  if (!parameters.empty())
    declareArguments(function, parameters);
  rewritten[function] = std::move(parameters);
}

void ParametersToArgumentsPass::runOnOperation() {
  rewritten.clear();
  SymbolTable symbols(getOperation());
  if (failed(awq::walkCalleesFirst(getOperation(), [&](func::FuncOp function) {
        rewrite(function, symbols);
        return success();
      })))
    return signalPassFailure();
  SymbolTableCollection tables;
  SymbolUserMap users(tables, getOperation());
  for (auto global : llvm::make_early_inc_range(
           getOperation().getOps<ml_program::GlobalOp>()))
    if (isa_and_nonnull<ml_program::ExternAttr>(global.getValueAttr()) &&
        users.useEmpty(global))
      global.erase();
}
