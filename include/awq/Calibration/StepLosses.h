//===- StepLosses.h - what a step of the search changed ---------*- C++ -*-===//
//
// Part of the awq-mlir project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef AWQ_CALIBRATION_STEPLOSSES_H
#define AWQ_CALIBRATION_STEPLOSSES_H

namespace awq::calibration {

/// tr(D G D^T) / tr(W G W^T) of a weight before and after a step on it, on both
/// parts of the samples (after: also where the guard refused). The guard losses
/// are 0 without a guard part.
struct StepLosses {
  double fitBefore = 0.0, fit = 0.0;
  double guardBefore = 0.0, guard = 0.0;
  /// False where the guard part refused the step.
  bool accepted = true;
};

} // namespace awq::calibration

#endif // AWQ_CALIBRATION_STEPLOSSES_H
