//===- LinalgToAWQ.cpp - linalg to awq and decoder -------------*- C++ -*-===//
//
// Part of the awq-mlir project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "awq/Conversion/LinalgToAWQ/Passes.h"

#include "LinearProduct.h"
#include "Patterns.h"
#include "awq/Dialect/AWQ/IR/AWQ.h"
#include "awq/Dialect/AWQ/Transforms/ScalingGroups.h"
#include "awq/Dialect/Decoder/IR/Decoder.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/Dominance.h"
#include "mlir/IR/Remarks.h"
#include "mlir/Interfaces/FunctionInterfaces.h"
#include "mlir/Transforms/CSE.h"
#include "mlir/Transforms/GreedyPatternRewriteDriver.h"
#include "llvm/ADT/StringSet.h"

namespace awq {
#define GEN_PASS_DEF_RAISELINALGPASS
#include "awq/Conversion/LinalgToAWQ/Passes.h.inc"
} // namespace awq

using namespace mlir;
using namespace awq;

void awq::populateLinalgToAWQPatterns(RewritePatternSet &patterns,
                                      bool unpadded) {
  populateRaiseActivationPatterns(patterns);
  populateRaiseAttentionPatterns(patterns, unpadded);
  populateRaiseLinearPatterns(patterns);
  populateRaiseNormPatterns(patterns);
}

/// Gives each linear without a name one that nothing below `root` has: that of
/// its location or weight, else one by its place in its function.
static void nameLinears(Operation *root) {
  llvm::StringSet<> taken;
  SmallVector<LinearOp> unnamed;
  root->walk([&](LinearOp op) {
    auto name = op->getAttrOfType<StringAttr>("awq.name");
    if (!name || !taken.insert(name.getValue()).second)
      unnamed.push_back(op);
  });
  for (LinearOp op : unnamed) {
    std::string base = getOpName(op), name = base;
    for (unsigned number = 1; !taken.insert(name).second; ++number)
      name = base + "." + std::to_string(number);
    op->setAttr("awq.name", StringAttr::get(op.getContext(), name));
  }
}

namespace {
struct RaiseLinalgPass : awq::impl::RaiseLinalgPassBase<RaiseLinalgPass> {
  using Base::Base;
  LogicalResult initialize(MLIRContext *context) override;
  void runOnOperation() override;

private:
  void remarkMissed(Operation *op, const Twine &text) {
    remark::missed(
        op->getLoc(),
        remark::RemarkOpts::name("RaiseLinalg").category("awq-raise-linalg"))
        << remark::reason("{0}", text.str());
    if (remarks)
      emitRemark(op->getLoc()) << "stays as it is: " << text;
  }
  void explain(Operation *op);

  FrozenRewritePatternSet normalize, turn, raise, compose;
};
} // namespace

LogicalResult RaiseLinalgPass::initialize(MLIRContext *context) {
  RewritePatternSet first(context), second(context), third(context),
      fourth(context);
  populateNormalizeLinalgPatterns(first);
  populateRaiseRotaryPatterns(second);
  populateLinalgToAWQPatterns(third, unpadded);
  normalize = std::move(first);
  turn = std::move(second);
  // The batch that comes and goes between the split of heads and attention.
  tensor::CollapseShapeOp::getCanonicalizationPatterns(fourth, context);
  tensor::ExpandShapeOp::getCanonicalizationPatterns(fourth, context);
  raise = std::move(third);
  compose = std::move(fourth);
  return success();
}

/// Says why an op that looks as if it should have been raised was not.
void RaiseLinalgPass::explain(Operation *op) {
  if (op->getNumResults() != 1 || !isa<linalg::LinalgOp>(op))
    return;
  StringRef reason;
  if (!matchLinearProduct(op->getResult(0), &reason) && !reason.empty())
    remarkMissed(op, reason);
  if (std::string why = explainAttention(op, unpadded); !why.empty())
    remarkMissed(op, why);
}

void RaiseLinalgPass::runOnOperation() {
  SmallVector<FunctionOpInterface> functions;
  getOperation()->walk([&](FunctionOpInterface function) {
    if (!function.isExternal())
      functions.push_back(function);
  });
  GreedyRewriteConfig config;
  config.setRegionSimplificationLevel(GreedySimplifyRegionLevel::Disabled);
  for (FunctionOpInterface function : functions) {
    (void)applyPatternsGreedily(function, normalize, config);
    // What is computed twice is one value.
    IRRewriter rewriter(&getContext());
    DominanceInfo dominance(function);
    eliminateCommonSubExpressions(rewriter, dominance, function);
    // Results before what they are computed from.
    GreedyRewriteConfig backwards = config;
    backwards.setUseTopDownTraversal(false);
    // Heads are turned before attention looks for them.
    (void)applyPatternsGreedily(function, turn, backwards);
    (void)applyPatternsGreedily(function, raise, backwards);
    (void)applyPatternsGreedily(function, compose, config);
    function.walk([&](Operation *op) { explain(op); });
  }
  nameLinears(getOperation());
}
