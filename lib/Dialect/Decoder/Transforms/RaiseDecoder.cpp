//===- RaiseDecoder.cpp - decoders out of plain ops ------- -*- C++ -*-===//
//
// Part of the awq-mlir project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "awq/Dialect/Decoder/Transforms/Passes.h"

#include "DecoderRaiser.h"
#include "awq/Dialect/AWQ/IR/AWQ.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/MLProgram/IR/MLProgram.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/Dominance.h"
#include "mlir/IR/Remarks.h"
#include "mlir/IR/SymbolTable.h"
#include "mlir/Transforms/CSE.h"
#include "llvm/ADT/StringSet.h"

namespace awq {
#define GEN_PASS_DEF_RAISEDECODERPASS
#include "awq/Dialect/Decoder/Transforms/Passes.h.inc"
} // namespace awq

using namespace mlir;
using namespace awq;
using namespace awq::decoder;

/// Names as a checkpoint has them. What was exported may be a module around the
/// model, whose name then stands before all others. The head shows it: it is a
/// child of the model itself, so what comes before its own name is the way to
/// the model, if all linears have it.
static void stripWrapper(ModuleOp module) {
  static constexpr StringRef attribute = "awq.name";
  auto head = module.lookupSymbol<func::FuncOp>("head");
  StringRef logits;
  SmallVector<Operation *> linears;
  module.walk([&](Operation *op) {
    if (!isa<LinearOp, QuantizedLinearOp>(op))
      return;
    linears.push_back(op);
    auto name = op->getAttrOfType<StringAttr>(attribute);
    if (name && op->getParentOp() == head)
      logits = name.getValue();
  });
  std::string wrapper = logits.rsplit('.').first.str() + ".";
  if (!logits.contains('.'))
    return;
  auto isInside = [&](Operation *op) {
    auto name = op->getAttrOfType<StringAttr>(attribute);
    return name && name.getValue().starts_with(wrapper);
  };
  if (!llvm::all_of(linears, isInside))
    return;
  for (Operation *op : linears) {
    StringRef name = op->getAttrOfType<StringAttr>(attribute).getValue();
    op->setAttr(attribute, StringAttr::get(op->getContext(),
                                           name.drop_front(wrapper.size())));
  }
}

/// Gives linears without a name of their own, or with another one's, one by
/// their place.
static void nameLinears(ModuleOp module) {
  llvm::StringSet<> taken;
  unsigned number = 0;
  module.walk([&](Operation *op) {
    if (!isa<LinearOp, QuantizedLinearOp>(op))
      return;
    auto name = op->getAttrOfType<StringAttr>("awq.name");
    if (name && taken.insert(name.getValue()).second)
      return;
    std::string fresh;
    do
      fresh = "linear." + std::to_string(number++);
    while (!taken.insert(fresh).second);
    op->setAttr("awq.name", StringAttr::get(op->getContext(), fresh));
  });
}

/// Globals that nothing loads any more.
static void eraseUnusedGlobals(ModuleOp module) {
  SymbolTableCollection tables;
  SymbolUserMap users(tables, module);
  for (auto global :
       llvm::make_early_inc_range(module.getOps<ml_program::GlobalOp>()))
    if (users.useEmpty(global))
      global.erase();
}

namespace {
struct RaiseDecoderPass : awq::impl::RaiseDecoderPassBase<RaiseDecoderPass> {
  using Base::Base;
  void runOnOperation() override;

private:
  void report(Location loc, func::FuncOp source, const Twine &text) {
    if (require) {
      std::string place;
      llvm::raw_string_ostream(place) << loc;
      (void)awq::emitError(
          loc, Error{ErrorKind::Unsupported, "AWQ1144",
                     "the model is not understood as a decoder: " + text.str(),
                     place,
                     "docs/ONNX.md lists what is recognised; awq-run runs the "
                     "model as it is"});
      return signalPassFailure();
    }
    remark::missed(loc, remark::RemarkOpts::name("RaiseDecoder")
                            .category("awq-raise-decoder")
                            .function(source.getSymName()))
        << remark::reason("{0}", text.str());
    emitRemark(loc) << "keeps '" << source.getSymName()
                    << "' from being raised: " << text;
  }
};
} // namespace

void RaiseDecoderPass::runOnOperation() {
  ModuleOp module = getOperation();
  auto source = module.lookupSymbol<func::FuncOp>(function);
  if (!source || source.isDeclaration())
    return;
  for (StringRef taken : {"forward", "head"})
    if (module.lookupSymbol(taken))
      return report(source.getLoc(), source,
                    "there is a function '" + taken + "' already");
  // What is computed twice is one value.
  IRRewriter rewriter(&getContext());
  DominanceInfo dominance(source);
  eliminateCommonSubExpressions(rewriter, dominance, source);
  ParameterStore store(module);
  DecoderRaiser raiser(source, store);
  func::FuncOp raised = raiser.raise("raised");
  if (!raised) {
    const DecoderRaiser::Reason &reason = *raiser.why();
    return report(reason.loc, source, reason.text);
  }
  if (std::optional<std::string> reason = splitLayers(raised)) {
    raised.erase();
    return report(source.getLoc(), source, *reason);
  }
  source.erase();
  stripWrapper(module);
  nameLinears(module);
  eraseUnusedGlobals(module);
}
