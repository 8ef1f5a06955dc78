//===- WeightStatistics.h - what a linear's weight meets --------*- C++ -*-===//
//
// Part of the awq-mlir project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef AWQ_LIB_DIALECT_AWQ_TRANSFORMS_WEIGHTSTATISTICS_H
#define AWQ_LIB_DIALECT_AWQ_TRANSFORMS_WEIGHTSTATISTICS_H

#include "awq/Dialect/AWQ/Transforms/Quantization.h"

namespace awq {

/// The Gram matrices [k, k] of what a linear's weight is multiplied by: those
/// of its observed input, divided by the factors of the weight's columns.
class WeightStatistics {
public:
  /// Reads them; emits an error if the input is not observed. Valid as long as
  /// the site's statistics are in `statistics`.
  static mlir::FailureOr<WeightStatistics>
  read(LinearOp op, StatisticsSource &statistics, ParameterStore &store);

  const float *fit() const { return get(site->fit.gram, scaledFit); }
  /// Null without a guard part.
  const float *guard() const { return get(site->guard.gram, scaledGuard); }

private:
  static const float *get(const std::vector<float> &observed,
                          const std::vector<float> &scaled) {
    if (observed.empty())
      return nullptr;
    return scaled.empty() ? observed.data() : scaled.data();
  }

  const calibration::SiteStatistics *site = nullptr;
  /// Empty where no column has a factor.
  std::vector<float> scaledFit, scaledGuard;
};

} // namespace awq

#endif // AWQ_LIB_DIALECT_AWQ_TRANSFORMS_WEIGHTSTATISTICS_H
