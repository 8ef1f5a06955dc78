//===- DropLoopBarriers.cpp - one barrier per parallel loop ---------------===//
//
// Part of the awq-mlir project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "awq/Conversion/AWQToCPU/Passes.h"
#include "mlir/Dialect/OpenMP/OpenMPDialect.h"
#include "mlir/Transforms/WalkPatternRewriteDriver.h"

namespace awq {
#define GEN_PASS_DEF_DROPLOOPBARRIERSPASS
#include "awq/Conversion/AWQToCPU/Passes.h.inc"
} // namespace awq

using namespace mlir;

namespace {

struct DropLoopBarrier : OpRewritePattern<omp::WsloopOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(omp::WsloopOp loop,
                                PatternRewriter &rewriter) const override {
    if (loop.getNowait())
      return rewriter.notifyMatchFailure(loop, "has no barrier");
    if (!isa<omp::ParallelOp>(loop->getParentOp()) ||
        !isa_and_nonnull<omp::TerminatorOp>(loop->getNextNode()))
      return rewriter.notifyMatchFailure(loop,
                                         "does not end a parallel region");
    if (loop.getNumReductionVars() != 0)
      return rewriter.notifyMatchFailure(loop, "combines results at its end");
    rewriter.modifyOpInPlace(loop, [&] { loop.setNowait(true); });
    return success();
  }
};

struct DropLoopBarriersPass
    : awq::impl::DropLoopBarriersPassBase<DropLoopBarriersPass> {
  void runOnOperation() override {
    RewritePatternSet patterns(&getContext());
    awq::populateDropLoopBarriersPatterns(patterns);
    walkAndApplyPatterns(getOperation(), std::move(patterns));
  }
};

} // namespace

void awq::populateDropLoopBarriersPatterns(RewritePatternSet &patterns) {
  patterns.add<DropLoopBarrier>(patterns.getContext());
}
