//===- QuantizationTargets.cpp - what of a model is quantized -------------===//
//
// Part of the awq-mlir project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "QuantizationTargets.h"

#include "awq/Dialect/AWQ/IR/AWQ.h"
#include "awq/Dialect/AWQ/IR/Routing.h"
#include "awq/Dialect/AWQ/Transforms/ParameterStore.h"

#include <numeric>

using namespace mlir;
using namespace awq;

/// A name to show as an example: of a linear that is quantized.
static std::string exampleName(const QuantizedModelPlan &plan) {
  if (plan.weights.empty())
    return "down_proj";
  return plan.weights.back().linear;
}

/// A name that skips nothing is a slip of the pen.
static Status checkSkipped(ModuleOp module, const TargetFilter &filter,
                           const QuantizedModelPlan &plan) {
  TargetFilter everything = filter;
  everything.skip.clear();
  for (const std::string &part : filter.skip) {
    bool isKnown = false, isTarget = false;
    module.walk([&](LinearOp op) {
      bool isNamed = StringRef(getOpName(op)).contains(part);
      isKnown |= isNamed;
      isTarget |= isNamed && everything.isTarget(op);
    });
    if (isTarget && !part.empty())
      continue;
    std::string message =
        isKnown && !part.empty()
            ? "linears with '" + part +
                  "' in their names stay float anyway, so skipping them "
                  "changes nothing"
            : "no linear has '" + part +
                  "' in its name, so skipping it changes nothing";
    return Error{ErrorKind::Usage, "AWQ1325", std::move(message), "",
                 "give a part of the name of a linear in a decoder layer, such "
                 "as '" +
                     exampleName(plan) + "'"};
  }
  return {};
}

/// Refuses a group size before the first layer, with one that fits all.
static Status checkGroups(const QuantizedModelPlan &plan) {
  int64_t group = plan.scheme.group, common = 0;
  const QuantizedModelPlan::Weight *misfit = nullptr;
  for (const QuantizedModelPlan::Weight &weight : plan.weights) {
    common = std::gcd(common, weight.k);
    if (!misfit && group > 0 && weight.k % group != 0)
      misfit = &weight;
  }
  if (!misfit)
    return {};
  return Error{ErrorKind::Unsupported, "AWQ1204",
               "groups of " + std::to_string(group) +
                   " do not divide rows of " + std::to_string(misfit->k) +
                   " input channels",
               misfit->linear,
               "choose a group size that divides the rows of all linears, such "
               "as " +
                   std::to_string(suggestedGroup(common))};
}

Result<QuantizationTargets> awq::findTargets(ModuleOp module,
                                             const TargetFilter &filter,
                                             const QuantScheme &scheme) {
  QuantizationTargets targets;
  QuantizedModelPlan &plan = targets.plan;
  plan.scheme = scheme;
  for (auto function : module.getOps<func::FuncOp>()) {
    ScalingGroups groups(function, filter);
    for (const ScalingGroup &group : groups.groups()) {
      targets.groups += group.hasTarget();
      if (!group.hasTarget())
        targets.reported.push_back(group.name);
    }
    function.walk([&](Operation *other) {
      if (other->hasTrait<ReadsExactly>())
        for (Value operand : other->getOperands())
          if (isParameter(operand))
            plan.exactParameters.push_back(getParameterName(operand));
      auto op = dyn_cast<LinearOp>(other);
      if (!op)
        return;
      if (!filter.isTarget(op)) {
        plan.floatLinears.push_back(getOpName(op));
        return;
      }
      auto type = cast<RankedTensorType>(op.getWeight().getType());
      plan.weights.push_back({getOpName(op), getParameterName(op.getWeight()),
                              type.getDimSize(0), type.getDimSize(1)});
    });
  }
  if (Status status = checkSkipped(module, filter, plan); !status)
    return status.error();
  if (plan.weights.empty())
    return Error{ErrorKind::Usage, "AWQ1326", "no linear is left to quantize",
                 "",
                 "skip fewer of them; linears outside of decoder layers always "
                 "stay float"};
  if (Status status = checkGroups(plan); !status)
    return status.error();
  return targets;
}
