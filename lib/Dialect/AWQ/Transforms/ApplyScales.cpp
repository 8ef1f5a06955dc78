//===- ApplyScales.cpp - folds scalings into constants -*- C++ -*-===//
//
// Part of the awq-mlir project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "awq/Dialect/AWQ/Transforms/Passes.h"
#include "awq/Dialect/AWQ/Transforms/Quantization.h"
#include "mlir/Dialect/Arith/IR/Arith.h"

namespace awq {
#define GEN_PASS_DEF_APPLYSCALESPASS
#include "awq/Dialect/AWQ/Transforms/Passes.h.inc"
} // namespace awq

using namespace mlir;
using namespace awq;

/// Folds `op(p) / s` to `op((p + offset) / s - offset)` for the constants p of
/// the op whose result `scale` divides.
static LogicalResult fold(ScaleChannelsOp scale, Arithmetic arithmetic) {
  auto produced = dyn_cast<OpResult>(scale.getInput());
  auto producer = dyn_cast_if_present<ChannelScalingOpInterface>(
      produced ? produced.getOwner() : nullptr);
  if (!producer)
    return scale.emitRemark("stays: its input has no producer to edit");
  if (!produced.hasOneUse())
    return scale.emitRemark("stays: the unscaled value has other uses");
  SmallVector<ChannelEdit> edits = producer.getChannelEdits(produced);
  bool editable =
      !edits.empty() && llvm::all_of(edits, [](const ChannelEdit &edit) {
        return isParameter(edit.operand->get());
      });
  if (!editable)
    return scale.emitRemark("stays: '")
           << produced.getOwner()->getName() << "' has no constants to edit";

  // The factors must be there before the producer, which may lie in a region
  // of an op of their block, or the other way round.
  Operation *factors = scale.getScale().getDefiningOp();
  Operation *reached = factors->getBlock()->findAncestorOpInBlock(*producer);
  if (!reached || !factors->isBeforeInBlock(reached))
    factors->moveBefore(producer);
  OpBuilder builder(producer);
  for (const ChannelEdit &edit : edits) {
    Value parameter = convert(builder, edit.operand->get(), arithmetic);
    edit.operand->set(ScaleChannelsOp::create(
        builder, scale.getLoc(), parameter.getType(), parameter,
        scale.getScale(), builder.getI64IntegerAttr(edit.axis),
        builder.getUnitAttr(), builder.getF64FloatAttr(edit.offset)));
  }
  scale.getResult().replaceAllUsesWith(produced);
  scale.erase();
  return success();
}

void awq::applyScales(func::FuncOp function, Arithmetic arithmetic) {
  SmallVector<ScaleChannelsOp> scalings;
  function.walk([&](ScaleChannelsOp op) {
    if (op.getInverse() && !isParameter(op.getInput()) &&
        isParameter(op.getScale()))
      scalings.push_back(op);
  });
  for (ScaleChannelsOp op : scalings)
    (void)fold(op, arithmetic);
}

namespace {

struct ApplyScales : public awq::impl::ApplyScalesPassBase<ApplyScales> {
  using ApplyScalesPassBase::ApplyScalesPassBase;

  void runOnOperation() override {
    applyScales(getOperation(),
                autoAwq ? Arithmetic::AutoAwq : Arithmetic::F32);
  }
};

} // namespace
