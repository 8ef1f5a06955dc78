//===- ParametersToIREE.cpp - modules for IREE ------------------*- C++ -*-===//
//
// Part of the awq-mlir project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "awq/Conversion/ParametersToIREE/Passes.h"

#include "awq/Dialect/AWQ/IR/AWQ.h"
#include "awq/Dialect/AWQ/Transforms/Diagnostics.h"
#include "awq/Dialect/Decoder/IR/Decoder.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/MLProgram/IR/MLProgram.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/AttrTypeSubElements.h"
#include "mlir/IR/Builders.h"
#include "mlir/IR/BuiltinOps.h"
#include "mlir/Interfaces/FunctionInterfaces.h"
#include "llvm/ADT/StringExtras.h"

namespace awq {
#define GEN_PASS_DEF_CONVERTPARAMETERSTOIREEPASS
#include "awq/Conversion/ParametersToIREE/Passes.h.inc"
} // namespace awq

using namespace mlir;

/// Whether an attribute of this name is of the dialects that IREE lacks.
static bool isOurs(StringAttr name) {
  StringRef dialect = name.getValue().split('.').first;
  return dialect == awq::AWQDialect::getDialectNamespace() ||
         dialect == awq::decoder::DecoderDialect::getDialectNamespace();
}

/// `attributes` without those that IREE does not know.
static DictionaryAttr withoutOurs(DictionaryAttr attributes) {
  SmallVector<NamedAttribute> kept;
  llvm::copy_if(
      attributes, std::back_inserter(kept),
      [](NamedAttribute attribute) { return !isOurs(attribute.getName()); });
  return DictionaryAttr::getWithSorted(attributes.getContext(), kept);
}

static void dropAttributes(Operation *op) {
  op->setDiscardableAttrs(withoutOurs(op->getDiscardableAttrDictionary()));
  auto function = dyn_cast<FunctionOpInterface>(op);
  if (!function)
    return;
  SmallVector<DictionaryAttr> all;
  function.getAllArgAttrs(all);
  llvm::transform(all, all.begin(), withoutOurs);
  function.setAllArgAttrs(all);
  all.clear();
  function.getAllResultAttrs(all);
  llvm::transform(all, all.begin(), withoutOurs);
  function.setAllResultAttrs(all);
}

/// Tensors of words without what the words hold.
static void dropLayouts(ModuleOp module) {
  AttrTypeReplacer replacer;
  replacer.addReplacement([](RankedTensorType type) -> std::optional<Type> {
    if (!isa_and_nonnull<awq::LayoutAttr>(type.getEncoding()))
      return std::nullopt;
    return RankedTensorType::get(type.getShape(), type.getElementType());
  });
  replacer.recursivelyReplaceElementsIn(module, /*replaceAttrs=*/true,
                                        /*replaceLocs=*/false,
                                        /*replaceTypes=*/true);
}

/// Splats as fills: IREE takes tensor.splat of static sizes only.
static void lowerSplats(ModuleOp module) {
  module.walk([](tensor::SplatOp op) {
    OpBuilder b(op);
    Value empty = tensor::EmptyOp::create(b, op.getLoc(), op.getType(),
                                          op.getDynamicSizes());
    auto fill = linalg::FillOp::create(b, op.getLoc(), op.getInput(), empty);
    op.replaceAllUsesWith(fill.getResult(0));
    op.erase();
  });
}

/// IREE's attribute for a parameter in a file.
static Attribute namedParameter(StringRef scope, StringRef name, Type type) {
  std::string text;
  llvm::raw_string_ostream stream(text);
  stream << "parameter.named<\"";
  llvm::printEscapedString(scope, stream);
  stream << "\"::\"";
  llvm::printEscapedString(name, stream);
  stream << "\">";
  return OpaqueAttr::get(StringAttr::get(type.getContext(), "flow"), text,
                         type);
}

namespace {
struct ConvertParametersToIREEPass
    : awq::impl::ConvertParametersToIREEPassBase<ConvertParametersToIREEPass> {
  using ConvertParametersToIREEPassBase::ConvertParametersToIREEPassBase;

  void runOnOperation() override;

private:
  LogicalResult checkOps();
};
} // namespace

/// Finds ops that are of no use to IREE.
LogicalResult ConvertParametersToIREEPass::checkOps() {
  WalkResult result = getOperation().walk([](Operation *op) {
    if (!isa_and_nonnull<awq::AWQDialect, awq::decoder::DecoderDialect>(
            op->getDialect()))
      return WalkResult::advance();
    (void)awq::emitError(
        op->getLoc(),
        {awq::ErrorKind::Unsupported, "AWQ1551",
         "'" + op->getName().getStringRef().str() +
             "' has not been lowered to linalg, and IREE does not know it",
         "",
         "awq-iree-pipeline lowers models whose parameters are in files or "
         "constants; awq-materialize-parameters computes others"});
    return WalkResult::interrupt();
  });
  return failure(result.wasInterrupted());
}

void ConvertParametersToIREEPass::runOnOperation() {
  if (!getContext().allowsUnregisteredDialects()) {
    (void)awq::emitError(
        getOperation().getLoc(),
        {awq::ErrorKind::Usage, "AWQ1550",
         "the parameters of IREE are attributes of a dialect that is unknown "
         "here, which this context does not allow",
         "", "awq-opt --allow-unregistered-dialect"});
    return signalPassFailure();
  }
  if (failed(checkOps()))
    return signalPassFailure();
  getOperation().walk(dropAttributes);
  dropLayouts(getOperation());
  lowerSplats(getOperation());
  for (auto global : getOperation().getOps<ml_program::GlobalOp>())
    if (isa_and_nonnull<ml_program::ExternAttr>(global.getValueAttr()))
      global.setValueAttr(
          namedParameter(scope, global.getSymName(), global.getType()));
}
