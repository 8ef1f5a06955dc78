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
  struct Readers {
    LinearOp first;
    SmallVector<OpOperand *> uses;
  };
  llvm::MapVector<Value, Readers> readers;
  function.walk([&](LinearOp op) {
    if (!filter.isTarget(op) || findObserver(op.getInputMutable()))
      return;
    OpOperand &use = traceRegionArgument(op.getInputMutable());
    Readers &found = readers[use.get()];
    if (!found.first)
      found.first = op;
    found.uses.push_back(&use);
  });
  for (auto &[value, found] : readers) {
    // In the block of the value, so that all of its readers see the observer.
    Operation *before = value.getParentBlock()->findAncestorOpInBlock(
        *found.uses.front()->getOwner());
    OpBuilder builder(before);
    auto observe = ObserveOp::create(
        builder, value.getLoc(), value.getType(), value,
        builder.getStringAttr(getOpName(found.first) + ".input"),
        /*statistics=*/DictionaryAttr());
    for (OpOperand *use : found.uses)
      use->set(observe.getResult());
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
