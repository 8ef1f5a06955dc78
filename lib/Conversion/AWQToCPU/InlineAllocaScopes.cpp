//===- InlineAllocaScopes.cpp - unwraps bodies of loops ---------*- C++ -*-===//
//
// Part of the awq-mlir project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "awq/Conversion/AWQToCPU/Passes.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Transforms/WalkPatternRewriteDriver.h"

namespace awq {
#define GEN_PASS_DEF_INLINEALLOCASCOPESPASS
#include "awq/Conversion/AWQToCPU/Passes.h.inc"
} // namespace awq

using namespace mlir;

/// Whether a stack allocation in `scope` ends with it: one that no scope
/// further in ends first.
static bool ownsAlloca(memref::AllocaScopeOp scope) {
  WalkResult result = scope.getBodyRegion().walk([&](Operation *op) {
    bool allocates = isa<memref::AllocaOp, LLVM::AllocaOp>(op);
    bool owned = op->getParentOfType<memref::AllocaScopeOp>() == scope;
    return allocates && owned ? WalkResult::interrupt() : WalkResult::advance();
  });
  return result.wasInterrupted();
}

namespace {

struct InlineAllocaScope : OpRewritePattern<memref::AllocaScopeOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(memref::AllocaScopeOp scope,
                                PatternRewriter &rewriter) const override {
    if (!scope.getBodyRegion().hasOneBlock())
      return rewriter.notifyMatchFailure(scope, "has several blocks");
    if (ownsAlloca(scope))
      return rewriter.notifyMatchFailure(scope, "frees an alloca at its end");
    Block &body = scope.getBodyRegion().front();
    Operation *terminator = body.getTerminator();
    SmallVector<Value> results(terminator->getOperands());
    rewriter.inlineBlockBefore(&body, scope);
    rewriter.eraseOp(terminator);
    rewriter.replaceOp(scope, results);
    return success();
  }
};

struct InlineAllocaScopesPass
    : awq::impl::InlineAllocaScopesPassBase<InlineAllocaScopesPass> {
  void runOnOperation() override {
    RewritePatternSet patterns(&getContext());
    awq::populateInlineAllocaScopesPatterns(patterns);
    walkAndApplyPatterns(getOperation(), std::move(patterns));
  }
};

} // namespace

void awq::populateInlineAllocaScopesPatterns(RewritePatternSet &patterns) {
  patterns.add<InlineAllocaScope>(patterns.getContext());
}
