//===- InsertObservers.cpp - observes what quantized linears read -*- C++
//-*-===//
//
// Part of the awq-mlir project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "awq/Dialect/AWQ/Transforms/Passes.h"
#include "awq/Dialect/AWQ/Transforms/Quantization.h"
#include "llvm/ADT/MapVector.h"

namespace awq {
#define GEN_PASS_DEF_INSERTOBSERVERSPASS
#include "awq/Dialect/AWQ/Transforms/Passes.h.inc"
} // namespace awq

using namespace mlir;
using namespace awq;

void awq::insertObservers(func::FuncOp function, const TargetFilter &filter) {
  llvm::MapVector<Value, SmallVector<LinearOp>> readers;
  function.walk([&](LinearOp op) {
    if (filter.isTarget(op) && !op.getInput().getDefiningOp<ObserveOp>())
      readers[op.getInput()].push_back(op);
  });
  for (auto &[value, ops] : readers) {
    OpBuilder builder(ops.front());
    auto observe = ObserveOp::create(
        builder, value.getLoc(), value.getType(), value,
        builder.getStringAttr(getOpName(ops.front()) + ".input"),
        /*statistics=*/DictionaryAttr());
    for (LinearOp op : ops)
      op.getInputMutable().assign(observe.getResult());
  }
}

namespace {

struct InsertObservers
    : public awq::impl::InsertObserversPassBase<InsertObservers> {
  using InsertObserversPassBase::InsertObserversPassBase;

  void runOnOperation() override {
    ModuleOp module = getOperation();
    TargetFilter filter =
        TargetFilter::forModule(module, llvm::to_vector(skip));
    for (auto function : module.getOps<func::FuncOp>())
      insertObservers(function, filter);
  }
};

} // namespace
