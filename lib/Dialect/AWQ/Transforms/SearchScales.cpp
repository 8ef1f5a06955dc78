//===- SearchScales.cpp - finds and inserts channel scales -*- C++ -*-===//
//
// Part of the awq-mlir project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "SearchPass.h"
#include "awq/Dialect/AWQ/Transforms/Passes.h"
#include "awq/Dialect/AWQ/Utils/Half.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/MLProgram/IR/MLProgram.h"

#include "llvm/Support/FormatVariadic.h"

namespace awq {
#define GEN_PASS_DEF_SEARCHSCALESPASS
#include "awq/Dialect/AWQ/Transforms/Passes.h.inc"
} // namespace awq

using namespace mlir;
using namespace awq;

FailureOr<QuantScheme> awq::makeScheme(Location loc, int64_t bits,
                                       int64_t group, bool symmetric) {
  QuantScheme scheme;
  scheme.bits = bits;
  scheme.group = group;
  scheme.symmetric = symmetric;
  if (Status status = scheme.validate(); !status)
    return awq::emitError(loc, status.error());
  return scheme;
}

SchemeAttr awq::toAttribute(MLIRContext *context, const QuantScheme &scheme) {
  Type scale = Float16Type::get(context);
  if (scheme.scale == ScaleType::F32)
    scale = Float32Type::get(context);
  else if (scheme.scale == ScaleType::BF16)
    scale = BFloat16Type::get(context);
  return SchemeAttr::get(context, scheme.bits, scheme.group,
                         scheme.symmetric ? ZeroPointKind::Symmetric
                                          : ZeroPointKind::Asymmetric,
                         scale);
}

//===----------------------------------------------------------------------===//
// Inserting
//===----------------------------------------------------------------------===//

Value awq::widen(OpBuilder &builder, Value value) {
  auto type = cast<RankedTensorType>(value.getType());
  if (type.getElementType().isF32())
    return value;
  return arith::ExtFOp::create(builder, value.getLoc(),
                               type.clone(builder.getF32Type()), value);
}

Value awq::convert(OpBuilder &builder, Value value, Arithmetic arithmetic) {
  auto type = cast<RankedTensorType>(value.getType());
  if (arithmetic == Arithmetic::F32)
    return widen(builder, value);
  if (type.getElementType().isF16())
    return value;
  return arith::TruncFOp::create(builder, value.getLoc(),
                                 type.clone(builder.getF16Type()),
                                 widen(builder, value));
}

LogicalResult awq::insertScales(const ScalingGroup &group,
                                ArrayRef<float> wanted, ParameterStore &store,
                                Arithmetic arithmetic) {
  std::vector<float> scales = wanted.vec();
  if (arithmetic == Arithmetic::AutoAwq)
    llvm::transform(scales, scales.begin(), roundToHalf);
  for (int64_t channel = 0; channel < group.channels; ++channel)
    if (!group.scaled.test(channel))
      scales[channel] = 1.0f;
  Operation *producer = group.getProducer();
  OpBuilder builder(producer);
  Value like = group.absorbers.front().weight->get();
  auto vectorType = [&](size_t size) {
    return RankedTensorType::get({int64_t(size)}, builder.getF32Type());
  };
  FailureOr<Value> produced = store.defineFloats(
      builder, producer->getLoc(), group.name + ".channel_scales",
      vectorType(scales.size()), scales, like);
  if (failed(produced))
    return failure();

  for (const Absorber &absorber : group.absorbers) {
    Operation *op = absorber.getOp();
    builder.setInsertionPoint(op);
    Value factor = *produced;
    if (!absorber.producerOf.empty()) {
      std::vector<float> read;
      for (int64_t channel : absorber.producerOf)
        read.push_back(scales[channel]);
      FailureOr<Value> tied = store.defineFloats(
          builder, op->getLoc(), getOpName(op) + ".channel_scales",
          vectorType(read.size()), read, like);
      if (failed(tied))
        return failure();
      factor = *tied;
    }
    Value weight = convert(builder, absorber.weight->get(), arithmetic);
    absorber.weight->set(ScaleChannelsOp::create(
        builder, op->getLoc(), weight.getType(), weight, factor,
        builder.getI64IntegerAttr(absorber.axis), /*inverse=*/UnitAttr(),
        builder.getF64FloatAttr(0.0)));
  }

  // Channels are those of the flattened value; scale along its last dimension
  // if there is only one.
  builder.setInsertionPointAfter(producer);
  auto scaled = ScaleChannelsOp::create(
      builder, producer->getLoc(), group.produced.getType(), group.produced,
      *produced, builder.getI64IntegerAttr(1), builder.getUnitAttr(),
      builder.getF64FloatAttr(0.0));
  OpResult unscaled = group.produced;
  unscaled.replaceAllUsesExcept(scaled.getResult(), scaled);
  return success();
}

//===----------------------------------------------------------------------===//
// Searching
//===----------------------------------------------------------------------===//

/// The one observer that all target readers of a group share; null, with a
/// remark, if they read different values, whose statistics differ.
static FailureOr<ObserveOp> getObserver(const ScalingGroup &group) {
  ObserveOp shared;
  for (const Absorber &absorber : group.absorbers) {
    if (!absorber.target)
      continue;
    ObserveOp observe = findObserver(*absorber.input);
    if (!observe)
      return absorber.getOp()->emitError(
          "its input is not observed; run awq-insert-observers and calibrate "
          "before searching");
    if (shared && shared.getSite() != observe.getSite()) {
      group.getProducer()->emitRemark("group '")
          << group.name << "' stays unscaled: its readers observe '"
          << shared.getSite() << "' and '" << observe.getSite()
          << "', and a scale search takes the statistics of one site";
      return ObserveOp();
    }
    shared = observe;
  }
  return shared;
}

/// Reads the weights of a group's targets and searches.
static FailureOr<ScaleReport>
searchGroup(const ScalingGroup &group, ObserveOp observe,
            const QuantScheme &scheme, StatisticsSource &statistics,
            ParameterStore &store,
            const calibration::ScaleSearchOptions &options) {
  auto site = statistics.get(observe);
  if (failed(site))
    return failure();

  ScaleReport report{group.name, {}, {}};
  calibration::ScaleGroup problem;
  problem.name = group.name;
  problem.channels = (*site)->channels;
  problem.meanAbs = (*site)->fit.meanAbs.data();
  problem.fitGram = (*site)->fit.gram.data();
  if (!(*site)->guard.gram.empty())
    problem.guardGram = (*site)->guard.gram.data();
  problem.producerChannels = group.channels;
  std::vector<std::vector<float>> weights;
  for (const Absorber &absorber : group.absorbers) {
    std::string name = getOpName(absorber.getOp());
    report.absorbers.push_back(name);
    if (!absorber.target)
      continue;
    FailureOr<std::vector<float>> values =
        store.readFloats(absorber.weight->get());
    if (failed(values))
      return failure();
    weights.push_back(std::move(*values));
    problem.weights.push_back(
        {name, weights.back().data(),
         cast<RankedTensorType>(absorber.weight->get().getType())
             .getDimSize(0)});
    problem.producer.assign(absorber.producerOf.begin(),
                            absorber.producerOf.end());
  }
  auto result = calibration::searchScales(problem, scheme, options);
  if (!result)
    return awq::emitError(group.getProducer()->getLoc(), result.error());
  report.result = std::move(*result);
  return report;
}

FailureOr<std::vector<ScaleReport>>
awq::searchScales(func::FuncOp function, const TargetFilter &filter,
                  const QuantScheme &scheme, StatisticsSource &statistics,
                  ParameterStore &store,
                  const calibration::ScaleSearchOptions &options,
                  Arithmetic arithmetic) {
  ScalingGroups groups(function, filter);
  std::vector<ScaleReport> reports;
  SmallVector<const ScalingGroup *> searched;
  for (const ScalingGroup &group : groups.groups()) {
    if (!group.hasTarget())
      continue;
    FailureOr<ObserveOp> observe = getObserver(group);
    if (failed(observe))
      return failure();
    if (!*observe)
      continue;
    FailureOr<ScaleReport> report =
        searchGroup(group, *observe, scheme, statistics, store, options);
    if (failed(report))
      return failure();
    reports.push_back(std::move(*report));
    searched.push_back(&group);
  }
  // Every group was searched on the weights as they were.
  for (auto [group, report] : llvm::zip_equal(searched, reports))
    if (report.result.formula != calibration::ScaleFormula::Identity &&
        failed(insertScales(*group, report.result.producerScales, store,
                            arithmetic)))
      return failure();
  return reports;
}

namespace {

struct SearchScales
    : public SearchPass<awq::impl::SearchScalesPassBase<SearchScales>> {
  using SearchPass::SearchPass;

  LogicalResult search(func::FuncOp function,
                       const SearchSetup &setup) override {
    calibration::ScaleSearchOptions options;
    options.autoAwq = autoAwq;
    auto reports = searchScales(
        function, setup.filter, setup.scheme, setup.statistics, setup.store,
        options, autoAwq ? Arithmetic::AutoAwq : Arithmetic::F32);
    if (failed(reports))
      return failure();
    if (remarks)
      for (const ScaleReport &report : *reports)
        remark(function, report);
    return success();
  }

private:
  static void remark(func::FuncOp function, const ScaleReport &report) {
    const calibration::ScaleSearchResult &result = report.result;
    function.emitRemark() << "group '" << report.name
                          << "': " << calibration::name(result.formula)
                          << ", ratio "
                          << llvm::formatv("{0:F2}", result.ratio).str()
                          << (result.accepted ? "" : ", refused by the guard");
  }
};

} // namespace
