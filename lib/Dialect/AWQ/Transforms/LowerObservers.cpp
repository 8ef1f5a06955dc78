//===- LowerObservers.cpp - observed values as results -*- C++ -*-===//
//
// Part of the awq-mlir project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "awq/Dialect/AWQ/IR/AWQ.h"
#include "awq/Dialect/AWQ/IR/Routing.h"
#include "awq/Dialect/AWQ/Transforms/Passes.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/SymbolTable.h"

namespace awq {
#define GEN_PASS_DEF_LOWEROBSERVERSPASS
#include "awq/Dialect/AWQ/Transforms/Passes.h.inc"
} // namespace awq

using namespace mlir;
using namespace awq;

/// The op in whose region, right below the function, `op` observes; null if
/// there is none.
static RoutingOpInterface getRouting(ObserveOp op) {
  auto routing = dyn_cast<RoutingOpInterface>(op->getParentOp());
  return routing && isa<func::FuncOp>(routing->getParentOp())
             ? routing
             : RoutingOpInterface();
}

/// Appends the observed values to the results of `function`.
static LogicalResult lower(func::FuncOp function, ModuleOp module,
                           bool allTokens) {
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
    if (op->getParentOp() != function && !getRouting(op))
      return op.emitError("lies in a region of '")
             << op->getParentOp()->getName()
             << "', so its value cannot become a result of the function; "
                "observe the operand of that op";

  auto terminator =
      cast<func::ReturnOp>(function.getBody().front().getTerminator());
  SmallVector<Type> results = llvm::to_vector(function.getResultTypes());
  unsigned first = results.size();
  SmallVector<StringAttr> sites;
  SmallVector<std::pair<Value, RoutingOpInterface>> observed;
  // An observer may observe another one's result.
  for (ObserveOp op : observers)
    op.getResult().replaceAllUsesWith(op.getInput());
  for (ObserveOp op : observers) {
    observed.push_back({op.getInput(), getRouting(op)});
    sites.push_back(op.getSiteAttr());
    op.erase();
  }
  for (auto [value, routing] : observed) {
    if (routing) {
      OpBuilder builder(routing);
      value = routing.observeInside(builder, value, allTokens);
    }
    results.push_back(value.getType());
    terminator.getOperandsMutable().append(value);
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
      if (!function.isExternal() &&
          failed(lower(function, getOperation(), allTokens)))
        return signalPassFailure();
  }
};

} // namespace
