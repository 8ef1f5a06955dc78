//===- ScaleRefit.h - group scales that fit their codes best ----*- C++ -*-===//
//
// Part of the awq-mlir project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// A scale comes from the range of its group, then codes are rounded. With codes
// and zero points as they are, the error of a row's output is quadratic in its
// scales s:
//   e G e^T,  e = sum_g s_g u_g - w,  u_g = q - z in group g and 0 elsewhere,
// so that the best scales solve A s = b with A_gh = u_g G u_h^T and
// b_g = u_g G w^T, one small system for each row. All groups of a row are
// fitted together: the error of one can make up for that of another.
//
//===----------------------------------------------------------------------===//

#ifndef AWQ_CALIBRATION_SCALEREFIT_H
#define AWQ_CALIBRATION_SCALEREFIT_H

#include "awq/Calibration/StepLosses.h"
#include "awq/Dialect/AWQ/Utils/Quantize.h"

namespace awq::calibration {

/// What the quantized weight is to come near to. Pointers are not owned.
struct RefitProblem {
  std::string name;
  /// The weight [n, k] before clipping and rounding, as it is multiplied.
  const float *weights = nullptr;
  /// X^T X [k, k] of the fit part for the weight's input.
  const float *fitGram = nullptr;
  /// The same for the guard part; null when there is none, and then nothing is
  /// judged.
  const float *guardGram = nullptr;
};

struct RefitOptions {
  /// How much a scale is held where it was, relative to A_gg: what is added to
  /// the diagonal of A, and that times the scale to b.
  double damping = 0.01;
  /// A scale that would change by more than this factor stays as it was, with
  /// all others of its row.
  double mostChange = 2.0;
};

struct RefitResult : StepLosses {
  /// Rows whose scales changed.
  int64_t changedRows = 0;
};

/// Replaces the scales of `matrix` by those that fit best, rounded to its scale
/// type. A row keeps its old ones where rounded new ones are not better on the
/// fit part, and all rows do if the guard part's loss rises. Deterministic for
/// any number of threads. Errors: AWQ1313 (options out of range).
Result<RefitResult> refitScales(const RefitProblem &problem,
                                QuantizedMatrix &matrix,
                                const RefitOptions &options = {});

} // namespace awq::calibration

#endif // AWQ_CALIBRATION_SCALEREFIT_H
