//===- SearchEvents.cpp - what searches found, as JSON -------*- C++ -*-===//
//
// Part of the awq-mlir project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "SearchEvents.h"

using namespace awq;

nlohmann::ordered_json awq::describe(const ScaleReport &report) {
  const calibration::ScaleSearchResult &result = report.result;
  return {{"name", report.name},
          {"producer", report.name},
          {"absorbers", report.absorbers},
          {"formula", calibration::name(result.formula)},
          {"ratio", result.ratio},
          {"loss_rtn", result.fitRtn},
          {"loss", result.fit},
          {"guard_rtn", result.guardRtn},
          {"guard", result.guard},
          {"accepted", result.accepted}};
}

/// What a step on one linear changed, judged on both parts of the samples.
template <typename StepResult>
static nlohmann::ordered_json describeStep(const std::string &name,
                                           const char *counter, int64_t count,
                                           const StepResult &result) {
  return {{"name", name},
          {counter, count},
          {"loss_before", result.fitBefore},
          {"loss", result.fit},
          {"guard_before", result.guardBefore},
          {"guard", result.guard},
          {"accepted", result.accepted}};
}

nlohmann::ordered_json awq::describe(const ClipReport &report) {
  return describeStep(report.name, "clipped_groups",
                      report.result.clippedGroups, report.result);
}

nlohmann::ordered_json awq::describeRefit(const FitReport &report) {
  const calibration::RefitResult &result = report.result.refit;
  return describeStep(report.name, "changed_rows", result.changedRows, result);
}

nlohmann::ordered_json awq::describeRefinement(const FitReport &report) {
  const calibration::CodeRefineResult &result = report.result.refine;
  return describeStep(report.name, "changed_codes", result.changedCodes,
                      result);
}
