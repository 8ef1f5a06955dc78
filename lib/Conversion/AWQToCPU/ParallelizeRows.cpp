//===- ParallelizeRows.cpp - spreads ops over a prompt's tokens -----------===//
//
// Part of the awq-mlir project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "awq/Conversion/AWQToCPU/Passes.h"
#include "mlir/Dialect/Affine/IR/AffineOps.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Linalg/Transforms/Transforms.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Transforms/WalkPatternRewriteDriver.h"

namespace awq {
#define GEN_PASS_DEF_PARALLELIZEROWSPASS
#include "awq/Conversion/AWQToCPU/Passes.h.inc"
} // namespace awq

using namespace mlir;

/// Rows per block: enough work to pay for handing it out, few enough that
/// short prompts are shared too.
static constexpr int64_t blockRows = 8;

namespace {

struct ParallelizeRows : OpInterfaceRewritePattern<linalg::LinalgOp> {
  using OpInterfaceRewritePattern::OpInterfaceRewritePattern;

  LogicalResult matchAndRewrite(linalg::LinalgOp op,
                                PatternRewriter &rewriter) const override {
    if (!op.hasPureBufferSemantics() || op.getNumLoops() < 2)
      return rewriter.notifyMatchFailure(op, "has no rows in buffers");
    if (op.getIteratorTypesArray().front() != utils::IteratorType::parallel ||
        !ShapedType::isDynamic(op.getStaticLoopRanges().front()))
      return rewriter.notifyMatchFailure(op, "does not run over tokens");
    if (op->getParentOfType<scf::ParallelOp>() ||
        op->getParentOfType<scf::ForallOp>())
      return rewriter.notifyMatchFailure(op, "is in a parallel loop");
    auto options =
        linalg::LinalgTilingOptions()
            .setTileSizes(ArrayRef<int64_t>{blockRows})
            .setLoopType(linalg::LinalgTilingLoopType::ParallelLoops);
    FailureOr<linalg::TiledLinalgOp> tiled =
        linalg::tileLinalgOp(rewriter, op, options);
    if (failed(tiled))
      return rewriter.notifyMatchFailure(op, "cannot be tiled");
    rewriter.eraseOp(op);
    return success();
  }
};

struct ParallelizeRowsPass
    : awq::impl::ParallelizeRowsPassBase<ParallelizeRowsPass> {
  void runOnOperation() override {
    RewritePatternSet patterns(&getContext());
    awq::populateParallelizeRowsPatterns(patterns);
    walkAndApplyPatterns(getOperation(), std::move(patterns));
  }
};

} // namespace

void awq::populateParallelizeRowsPatterns(RewritePatternSet &patterns) {
  patterns.add<ParallelizeRows>(patterns.getContext());
}
