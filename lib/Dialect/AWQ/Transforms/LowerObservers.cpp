//===- LowerObservers.cpp - observed values as results -*- C++ -*-===//
//
// Part of the awq-mlir project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "awq/Dialect/AWQ/IR/AWQ.h"
#include "awq/Dialect/AWQ/Transforms/Passes.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/SymbolTable.h"

namespace awq {
#define GEN_PASS_DEF_LOWEROBSERVERSPASS
#include "awq/Dialect/AWQ/Transforms/Passes.h.inc"
} // namespace awq

using namespace mlir;
using namespace awq;

/// Appends the observed values to the results of `function`.
static LogicalResult lower(func::FuncOp function, ModuleOp module) {
  SmallVector<ObserveOp> observers;
  function.walk([&](ObserveOp op) { observers.push_back(op); });
  if (observers.empty())
    return success();
  if (auto uses = SymbolTable::getSymbolUses(function, module);
      uses && !uses->empty())
    return function.emitError("is called, so its observed values cannot become "
                              "results; observe an entry function, or inline "
                              "the calls");
  if (!function.getBody().hasOneBlock())
    return function.emitError(
        "must have one block to return its observed values");
  for (ObserveOp op : observers)
    if (op->getParentOp() != function)
      return op.emitError("lies in a region of '")
             << op->getParentOp()->getName()
             << "', so its value cannot become a result of the function; "
                "observe the operand of that op";

  auto terminator =
      cast<func::ReturnOp>(function.getBody().front().getTerminator());
  SmallVector<Type> results = llvm::to_vector(function.getResultTypes());
  unsigned first = results.size();
  SmallVector<StringAttr> sites;
  for (ObserveOp op : observers) {
    Value value = op.getInput();
    results.push_back(value.getType());
    sites.push_back(op.getSiteAttr());
    terminator.getOperandsMutable().append(value);
    op.getResult().replaceAllUsesWith(value);
    op.erase();
  }
  SmallVector<DictionaryAttr> attributes;
  function.getAllResultAttrs(attributes);
  attributes.resize(first, DictionaryAttr::get(function.getContext()));
  for (StringAttr site : sites)
    attributes.push_back(DictionaryAttr::get(function.getContext(),
                                             NamedAttribute("awq.site", site)));
  function.removeResAttrsAttr();
  function.setFunctionType(FunctionType::get(
      function.getContext(), function.getArgumentTypes(), results));
  function.setAllResultAttrs(attributes);
  return success();
}

namespace {

struct LowerObservers
    : public awq::impl::LowerObserversPassBase<LowerObservers> {
  using LowerObserversPassBase::LowerObserversPassBase;

  void runOnOperation() override {
    for (auto function : getOperation().getOps<func::FuncOp>())
      if (!function.isExternal() && failed(lower(function, getOperation())))
        return signalPassFailure();
  }
};

} // namespace
