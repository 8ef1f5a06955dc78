//===- VerifyLayouts.cpp - only awq ops may touch packed tensors -*- C++
//-*-===//
//
// Part of the awq-mlir project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "awq/Dialect/AWQ/IR/AWQ.h"
#include "awq/Dialect/AWQ/Transforms/Passes.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/MLProgram/IR/MLProgram.h"

namespace awq {
#define GEN_PASS_DEF_VERIFYLAYOUTSPASS
#include "awq/Dialect/AWQ/Transforms/Passes.h.inc"
} // namespace awq

using namespace mlir;
using namespace awq;

/// Ops that carry a tensor along without looking into it.
static bool isCarrier(Operation *op) {
  return isa<arith::ConstantOp, func::CallOp, func::ReturnOp,
             ml_program::GlobalLoadConstOp>(op);
}

namespace {

struct VerifyLayouts : public awq::impl::VerifyLayoutsPassBase<VerifyLayouts> {
  using VerifyLayoutsPassBase::VerifyLayoutsPassBase;

  void runOnOperation() override {
    WalkResult walk = getOperation()->walk([](Operation *op) {
      if (isa_and_present<AWQDialect>(op->getDialect()) || isCarrier(op))
        return WalkResult::advance();
      auto check = [&](TypeRange types) {
        for (Type type : types)
          if (LayoutAttr layout = getLayout(type)) {
            op->emitOpError("touches a tensor in layout ")
                << layout
                << "; only awq ops know how its words are packed, unpack it "
                   "first (awq.repack, awq-pack-weights)";
            return true;
          }
        return false;
      };
      return check(op->getOperandTypes()) || check(op->getResultTypes())
                 ? WalkResult::interrupt()
                 : WalkResult::advance();
    });
    if (walk.wasInterrupted())
      return signalPassFailure();
    markAllAnalysesPreserved();
  }
};

} // namespace
