//===- SearchClips.cpp - finds and inserts narrower ranges -*- C++ -*-===//
//
// Part of the awq-mlir project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "SearchPass.h"
#include "WeightStatistics.h"
#include "awq/Dialect/AWQ/Transforms/Passes.h"

namespace awq {
#define GEN_PASS_DEF_SEARCHCLIPSPASS
#include "awq/Dialect/AWQ/Transforms/Passes.h.inc"
} // namespace awq

using namespace mlir;
using namespace awq;

/// Searches the bounds of one linear's weight.
static FailureOr<ClipReport>
searchLinear(LinearOp op, const QuantScheme &scheme,
             StatisticsSource &statistics, ParameterStore &store,
             const calibration::ClipSearchOptions &options,
             Arithmetic arithmetic) {
  auto grams = WeightStatistics::read(op, statistics, store);
  FailureOr<std::vector<float>> weights = store.readFloats(op.getWeight());
  if (failed(grams) || failed(weights))
    return failure();

  auto type = cast<RankedTensorType>(op.getWeight().getType());
  calibration::ClipProblem problem;
  problem.name = getOpName(op);
  problem.weights = weights->data();
  problem.n = type.getDimSize(0);
  problem.k = type.getDimSize(1);
  problem.fitGram = grams->fit();
  problem.guardGram = grams->guard();
  auto result = arithmetic == Arithmetic::AutoAwq
                    ? calibration::searchClipsAutoAwq(problem, scheme)
                    : calibration::searchClips(problem, scheme, options);
  if (!result)
    return awq::emitError(op.getLoc(), result.error());
  return ClipReport{problem.name, std::move(*result)};
}

/// Clamps the weight of `op` to the bounds that were found.
static LogicalResult insertClip(LinearOp op, const ClipReport &report,
                                const QuantScheme &scheme,
                                ParameterStore &store, Arithmetic arithmetic) {
  OpBuilder builder(op);
  // Bounds were chosen in this type; a narrower weight would round them.
  Value weight = convert(builder, op.getWeight(), arithmetic);
  auto type = cast<RankedTensorType>(weight.getType());
  auto bounds = RankedTensorType::get(
      {type.getDimSize(0), scheme.groups(type.getDimSize(1))},
      builder.getF32Type());
  FailureOr<Value> lo =
      store.defineFloats(builder, op.getLoc(), report.name + ".clip_lo", bounds,
                         report.result.lo, op.getWeight());
  FailureOr<Value> hi =
      store.defineFloats(builder, op.getLoc(), report.name + ".clip_hi", bounds,
                         report.result.hi, op.getWeight());
  if (failed(lo) || failed(hi))
    return failure();
  op.getWeightMutable().assign(
      ClipGroupsOp::create(builder, op.getLoc(), type, weight, *lo, *hi));
  return success();
}

/// AutoAWQ tells linears whose products make scores by their names.
static bool isUnclippedByAutoAwq(LinearOp op) {
  std::string name = getOpName(op);
  return llvm::any_of(
      ArrayRef<StringRef>{"q_", "k_", "query", "key", "Wqkv"},
      [&](StringRef part) { return StringRef(name).contains(part); });
}

FailureOr<std::vector<ClipReport>>
awq::searchClips(func::FuncOp function, const TargetFilter &filter,
                 const QuantScheme &scheme, StatisticsSource &statistics,
                 ParameterStore &store,
                 const calibration::ClipSearchOptions &options,
                 Arithmetic arithmetic) {
  std::vector<ClipReport> reports;
  WalkResult walk = function.walk([&](LinearOp op) {
    if (!filter.isTarget(op) ||
        (arithmetic == Arithmetic::AutoAwq && isUnclippedByAutoAwq(op)))
      return WalkResult::advance();
    FailureOr<ClipReport> report =
        searchLinear(op, scheme, statistics, store, options, arithmetic);
    if (failed(report))
      return WalkResult::interrupt();
    if (report->result.accepted && report->result.clippedGroups > 0 &&
        failed(insertClip(op, *report, scheme, store, arithmetic)))
      return WalkResult::interrupt();
    reports.push_back(std::move(*report));
    return WalkResult::advance();
  });
  if (walk.wasInterrupted())
    return failure();
  return reports;
}

namespace {

struct SearchClips
    : public SearchPass<awq::impl::SearchClipsPassBase<SearchClips>> {
  using SearchPass::SearchPass;

  LogicalResult search(func::FuncOp function,
                       const SearchSetup &setup) override {
    return success(succeeded(searchClips(
        function, setup.filter, setup.scheme, setup.statistics, setup.store, {},
        autoAwq ? Arithmetic::AutoAwq : Arithmetic::F32)));
  }
};

} // namespace
