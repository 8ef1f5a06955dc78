//===- WeightFit.h - what follows rounding ----------------------*- C++ -*-===//
//
// Part of the awq-mlir project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Scales that fit the codes best and codes that fit the scales best depend on
// each other, so both are fitted in turn: scales, then codes and scales for
// some rounds. Each step keeps what it would make worse on the guard part.
//
//===----------------------------------------------------------------------===//

#ifndef AWQ_CALIBRATION_WEIGHTFIT_H
#define AWQ_CALIBRATION_WEIGHTFIT_H

#include "awq/Calibration/CodeRefine.h"
#include "awq/Calibration/ScaleRefit.h"

namespace awq::calibration {

struct WeightFitOptions {
  bool refitScales = true;
  bool refineCodes = true;
  /// Times that codes are refined, each followed by a refit of scales.
  int rounds = 3;
  RefitOptions refit;
  CodeRefineOptions refine;
};

struct WeightFitResult {
  /// Of the first refit.
  RefitResult refit;
  /// Of all rounds together, with the refits between them.
  CodeRefineResult refine;
};

/// Fits the scales and codes of `matrix`. Errors: AWQ1313 (options out of
/// range).
Result<WeightFitResult> fitWeight(const RefitProblem &problem,
                                  QuantizedMatrix &matrix,
                                  const WeightFitOptions &options = {});

} // namespace awq::calibration

#endif // AWQ_CALIBRATION_WEIGHTFIT_H
