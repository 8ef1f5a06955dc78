//===- ClipSearch.h - narrower ranges for groups of weights -----*- C++ -*-===//
//
// Part of the awq-mlir project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

// Finds, for each (row, group) of one weight, bounds [lo, hi] inside the range
// of its weights. Clamping to them makes large weights worse and all others
// better. Minimum and maximum shrink independently, and a candidate is judged
// by the error of the row's whole output, e G e^T with the row's error vector e
// and the site's Gram matrix G: groups of a row are visited in turn with the
// errors of all others as they stand (coordinate descent), so that errors of
// correlated channels can cancel.
//
// The guard part decides per linear: the bounds are kept only if its loss with
// them is not above the loss without.
//
//===----------------------------------------------------------------------===//

#ifndef AWQ_CALIBRATION_CLIPSEARCH_H
#define AWQ_CALIBRATION_CLIPSEARCH_H

#include "awq/Calibration/StepLosses.h"
#include "awq/Dialect/AWQ/Utils/QuantScheme.h"

#include <string>
#include <vector>

namespace awq::calibration {

/// The input of a clip search: one weight as it will be quantized, that is,
/// already scaled. Pointers are not owned.
struct ClipProblem {
  std::string name;
  /// Weights [n, k], row-major.
  const float *weights = nullptr;
  int64_t n = 0;
  int64_t k = 0;
  /// X^T X [k, k] of the fit part for the scaled weight's input (scaledGram).
  const float *fitGram = nullptr;
  /// The same for the guard part; null when there is none, and then nothing is
  /// judged.
  const float *guardGram = nullptr;
};

struct ClipSearchOptions {
  /// The strongest shrink factor of minimum and maximum.
  double minimum = 0.55;
  /// The distance between shrink factors: 1, 1 - step, ... >= minimum.
  double step = 0.05;
  /// Sweeps over the groups of a row.
  int passes = 2;
};

struct ClipSearchResult : StepLosses {
  /// Bounds [n, G]; the group's own minimum and maximum where nothing is
  /// clipped, so that clamping changes nothing there.
  std::vector<float> lo, hi;
  /// Groups whose bounds are inside their range.
  int64_t clippedGroups = 0;
  /// The part of their minima and maxima that groups keep, on average.
  double meanLow = 1.0, meanHigh = 1.0;
};

/// Searches the bounds of one weight. Deterministic for any number of threads.
/// Errors: those of QuantScheme::validate and of quantize (AWQ1205, AWQ1206);
/// AWQ1312 (options out of range).
Result<ClipSearchResult> searchClips(const ClipProblem &problem,
                                     const QuantScheme &scheme,
                                     const ClipSearchOptions &options = {});

/// AutoAWQ's search: bounds [-m, m] with m = max |w| (1 - i / 20), i = 0 .. 9,
/// of each group by itself, in f16; the first of the smallest errors e G_gg
/// e^T. The guard part has no say. Errors: those of quantizeAutoAwq.
Result<ClipSearchResult> searchClipsAutoAwq(const ClipProblem &problem,
                                            const QuantScheme &scheme);

} // namespace awq::calibration

#endif // AWQ_CALIBRATION_CLIPSEARCH_H
