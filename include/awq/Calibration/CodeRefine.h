//===- CodeRefine.h - codes that are not the nearest ------------*- C++ -*-===//
//
// Part of the awq-mlir project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Rounding each weight to the nearest code makes each error small; what counts
// is their sum over a row, weighted by the correlations of the inputs. With
// scales and zero points fixed, the loss of a row with the error e is
//
//   e G e^T,
//
// and moving one code by one step d = +-s_g changes it by
// 2 d (e G)_j + d^2 G_jj. Each row's codes are visited in order, sweep by
// sweep, and moved where that lowers the loss, until none moves (coordinate
// descent; GPTQ, arXiv:2210.17323, visits each weight once and moves the
// weights that follow).
//
//===----------------------------------------------------------------------===//

#ifndef AWQ_CALIBRATION_CODEREFINE_H
#define AWQ_CALIBRATION_CODEREFINE_H

#include "awq/Calibration/ScaleRefit.h"

namespace awq::calibration {

struct CodeRefineOptions {
  /// Visits of each code at most.
  int sweeps = 8;
  /// What is taken from the correlations for this step, 0 to 1, on top of what
  /// the statistics lack already: codes are many and fit a calibration text
  /// more closely than scales do.
  double shrinkage = 0.0;
};

struct CodeRefineResult : StepLosses {
  /// Codes that are no longer those of the nearest level.
  int64_t changedCodes = 0;
};

/// Moves the codes of `matrix`, unless the guard part's loss rises by that.
/// Deterministic for any number of threads. Errors: AWQ1313 (options out of
/// range).
Result<CodeRefineResult> refineCodes(const RefitProblem &problem,
                                     QuantizedMatrix &matrix,
                                     const CodeRefineOptions &options = {});

} // namespace awq::calibration

#endif // AWQ_CALIBRATION_CODEREFINE_H
