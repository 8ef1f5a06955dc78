//===- RemoveObservers.cpp - ends calibration -*- C++ -*-===//
//
// Part of the awq-mlir project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "awq/Dialect/AWQ/Transforms/Passes.h"
#include "awq/Dialect/AWQ/Transforms/Quantization.h"

namespace awq {
#define GEN_PASS_DEF_REMOVEOBSERVERSPASS
#include "awq/Dialect/AWQ/Transforms/Passes.h.inc"
} // namespace awq

using namespace mlir;
using namespace awq;

void awq::removeObservers(func::FuncOp function) {
  function.walk([](ObserveOp op) {
    op.getResult().replaceAllUsesWith(op.getInput());
    op.erase();
  });
}

namespace {

struct RemoveObservers
    : public awq::impl::RemoveObserversPassBase<RemoveObservers> {
  using RemoveObserversPassBase::RemoveObserversPassBase;

  void runOnOperation() override { removeObservers(getOperation()); }
};

} // namespace
