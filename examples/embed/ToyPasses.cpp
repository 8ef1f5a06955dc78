//===- ToyPasses.cpp - the compiler's passes around awq's -------*- C++ -*-===//
//
// Part of the awq-mlir project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Toy.h"

#include "awq/Dialect/AWQ/IR/AWQ.h"
#include "awq/Dialect/AWQ/Transforms/ParameterStore.h"
#include "awq/Dialect/AWQ/Transforms/Providers.h"
#include "awq/Pipelines/QuantizePipeline.h"
#include "mlir/Dialect/MLProgram/IR/MLProgram.h"
#include "mlir/IR/SymbolTable.h"
#include "mlir/Pass/PassManager.h"
#include "mlir/Pass/PassRegistry.h"

#include <algorithm>
#include <cmath>

namespace toy {
#define GEN_PASS_DEF_LOWERDENSEPASS
#define GEN_PASS_DEF_REPORTPASS
#include "ToyPasses.h.inc"
} // namespace toy

using namespace mlir;
using namespace toy;

//===----------------------------------------------------------------------===//
// Before: toy.dense becomes awq.linear
//===----------------------------------------------------------------------===//

namespace {

struct LowerDense : public toy::impl::LowerDensePassBase<LowerDense> {
  void runOnOperation() override {
    ModuleOp module = getOperation();
    module.walk([&](DenseOp op) { lower(module, op); });
  }

private:
  /// The weight is an extern global: declared by name and type, its numbers
  /// stay with this compiler.
  static void lower(ModuleOp module, DenseOp op) {
    auto input = cast<RankedTensorType>(op.getInput().getType());
    auto output = cast<RankedTensorType>(op.getOutput().getType());
    auto type = RankedTensorType::get(
        {output.getShape().back(), input.getShape().back()},
        output.getElementType());
    std::string name = (op.getLayer() + ".weight").str();
    OpBuilder builder(op);
    if (!SymbolTable::lookupSymbolIn(module, name)) {
      OpBuilder::InsertionGuard guard(builder);
      builder.setInsertionPointToStart(module.getBody());
      ml_program::GlobalOp::create(
          builder, op.getLoc(), name, type, /*is_mutable=*/false,
          ml_program::ExternAttr::get(builder.getContext(), type),
          builder.getStringAttr("private"));
    }
    Value weight = ml_program::GlobalLoadConstOp::create(
        builder, op.getLoc(), type,
        SymbolRefAttr::get(builder.getContext(), name));
    auto linear = awq::LinearOp::create(builder, op.getLoc(), output,
                                        op.getInput(), weight, /*bias=*/{});
    linear->setAttr("awq.name", op.getLayerAttr());
    op.replaceAllUsesWith(linear.getResult());
    op.erase();
  }
};

} // namespace

//===----------------------------------------------------------------------===//
// Between: statistics for awq's searches
//===----------------------------------------------------------------------===//

/// Statistics of activations that this compiler has gathered in its own way;
/// here, of independent channels, the first eight times as large as the others.
static std::optional<awq::calibration::SiteStatistics>
findStatistics(StringRef site, int64_t channels) {
  if (site.starts_with("unseen"))
    return std::nullopt;
  awq::calibration::SiteStatistics statistics;
  // A site called "odd" shows what becomes of a mistake.
  statistics.channels = channels + site.starts_with("odd");
  awq::calibration::PartStatistics &fit = statistics.fit;
  fit.tokens = 256;
  fit.gram.assign(channels * channels, 0.0f);
  for (int64_t i = 0; i < channels; ++i) {
    float size = i == 0 ? 8.0f : 1.0f;
    fit.meanAbs.push_back(size);
    fit.maxAbs.push_back(4 * size);
    fit.meanSquare.push_back(size * size);
    fit.gram[i * channels + i] = size * size * fit.tokens;
  }
  statistics.guard = fit;
  return statistics;
}

void toy::registerStatistics(DialectRegistry &registry) {
  registry.addExtension(+[](MLIRContext *context, awq::AWQDialect *) {
    awq::addStatisticsProvider(context, findStatistics);
  });
}

//===----------------------------------------------------------------------===//
// After: a pass that looks at quantized layers
//===----------------------------------------------------------------------===//

namespace {

struct Report : public toy::impl::ReportPassBase<Report> {
  void runOnOperation() override {
    awq::ParameterStore parameters(getOperation());
    WalkResult result = getOperation().walk([&](awq::QuantizedLinearOp op) {
      FailureOr<std::vector<uint8_t>> codes =
          parameters.readBytes(op.getCodes());
      if (failed(codes))
        return WalkResult::interrupt();
      auto [least, most] = std::minmax_element(codes->begin(), codes->end());
      op.emitRemark("layer ")
          << op->getAttr("awq.name") << " has " << op.getScheme().getBits()
          << " bits in groups of " << op.getScheme().getGroup() << ", codes "
          << int(*least) << " to " << int(*most);
      return WalkResult::advance();
    });
    if (result.wasInterrupted())
      signalPassFailure();
  }
};

} // namespace

//===----------------------------------------------------------------------===//
// All of them
//===----------------------------------------------------------------------===//

void toy::registerPasses() {
  registerToyPasses();
  PassPipelineRegistration<awq::QuantizePipelineOptions>(
      "toy-pipeline", "Quantizes the layers of a toy model",
      [](OpPassManager &manager, const awq::QuantizePipelineOptions &options) {
        manager.addPass(createLowerDensePass());
        awq::buildQuantizePipeline(manager, options);
        manager.addPass(createReportPass());
      });
}
