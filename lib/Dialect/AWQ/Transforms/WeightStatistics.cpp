//===- WeightStatistics.cpp - what a linear's weight meets ------*- C++ -*-===//
//
// Part of the awq-mlir project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "WeightStatistics.h"

#include "awq/Calibration/GramLoss.h"

using namespace mlir;
using namespace awq;

/// The factors by which a weight's columns were multiplied: its input is the
/// observed one divided by them. Empty if there are none.
static FailureOr<std::vector<float>> getColumnFactors(Value weight,
                                                      ParameterStore &store) {
  std::vector<float> factors;
  while (Operation *op = weight.getDefiningOp()) {
    if (op->getNumOperands() == 0)
      break;
    if (auto scale = dyn_cast<ScaleChannelsOp>(op);
        scale && scale.getAxis() == 1) {
      FailureOr<std::vector<float>> values = store.readFloats(scale.getScale());
      if (failed(values))
        return failure();
      factors.resize(values->size(), 1.0f);
      for (auto [factor, value] : llvm::zip_equal(factors, *values))
        factor *= scale.getInverse() ? 1.0f / value : value;
    }
    weight = op->getOperand(0);
  }
  return factors;
}

FailureOr<WeightStatistics> WeightStatistics::read(LinearOp op,
                                                   StatisticsSource &statistics,
                                                   ParameterStore &store) {
  ObserveOp observe = findObserver(op.getInputMutable());
  if (!observe)
    return op.emitError("its input is not observed; run awq-insert-observers "
                        "and calibrate before searching");
  auto site = statistics.get(observe);
  FailureOr<std::vector<float>> factors =
      getColumnFactors(op.getWeight(), store);
  if (failed(site) || failed(factors))
    return failure();
  WeightStatistics result;
  result.site = *site;
  if (factors->empty())
    return result;
  auto scale = [&](const std::vector<float> &gram, std::vector<float> &scaled) {
    if (!gram.empty())
      scaled = calibration::scaledGram(gram.data(), factors->data(),
                                       static_cast<int64_t>(factors->size()));
  };
  scale(result.site->fit.gram, result.scaledFit);
  scale(result.site->guard.gram, result.scaledGuard);
  return result;
}
