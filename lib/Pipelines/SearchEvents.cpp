//===- SearchEvents.cpp - what searches found, as JSON -------*- C++ -*-===//
//
// Part of the awq-mlir project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "SearchEvents.h"

#include <algorithm>

using namespace awq;

nlohmann::ordered_json awq::describe(const ScaleReport &report) {
  const calibration::ScaleSearchResult &result = report.result;
  auto [least, most] = std::minmax_element(result.readerScales.begin(),
                                           result.readerScales.end());
  nlohmann::ordered_json linears = nlohmann::ordered_json::array();
  for (const calibration::LinearLosses &linear : result.linears)
    linears.push_back({{"name", linear.name},
                       {"loss_rtn", linear.fitRtn},
                       {"loss", linear.fit},
                       {"guard_rtn", linear.guardRtn},
                       {"guard", linear.guard}});
  return {{"name", report.name},
          {"producer", report.name},
          {"absorbers", report.absorbers},
          {"formula", calibration::name(result.formula)},
          {"ratio", result.ratio},
          {"scale_min", *least},
          {"scale_max", *most},
          {"loss_rtn", result.fitRtn},
          {"loss", result.fit},
          {"guard_rtn", result.guardRtn},
          {"guard", result.guard},
          {"accepted", result.accepted},
          {"linears", std::move(linears)}};
}

/// What a step on one linear changed, judged on both parts of the samples.
static nlohmann::ordered_json
describeStep(const std::string &name, const char *counter, int64_t count,
             const calibration::StepLosses &result) {
  return {{"name", name},
          {counter, count},
          {"loss_before", result.fitBefore},
          {"loss", result.fit},
          {"guard_before", result.guardBefore},
          {"guard", result.guard},
          {"accepted", result.accepted}};
}

nlohmann::ordered_json awq::describe(const ClipReport &report) {
  const calibration::ClipSearchResult &result = report.result;
  auto event =
      describeStep(report.name, "clipped_groups", result.clippedGroups, result);
  event["mean_low"] = result.meanLow;
  event["mean_high"] = result.meanHigh;
  return event;
}

nlohmann::ordered_json awq::describeWeight(const FitReport &report) {
  return {{"name", report.name},
          {"sqnr_db", report.sqnr},
          {"saturated", report.saturated}};
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
