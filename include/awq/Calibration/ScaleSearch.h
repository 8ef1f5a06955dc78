//===- ScaleSearch.h - per-channel scales before quantization ---*- C++ -*-===//
//
// Part of the awq-mlir project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

// AWQ's scale search on numbers: given the linears that read one site, finds
// the factors s by which their input channels are multiplied (and the
// producer's channels divided), so that quantizing the products hurts least.
//
// Candidates: identity; and for r = i / ratios, i = 1..ratios,
//   duo    s = x^r / (w^(1-r) + 1e-4)
//   plain  s = x^r
// each clamped to >= 1e-4 and divided by sqrt(max s * min s); x is mean |x| per
// channel, w the mean over all rows of |w| / (max |w| in the group + 1e-6).
// Where several reader channels belong to one producer channel (grouped-query
// attention), x and w are first averaged over them.
//
// Loss of a candidate: sum over linears of tr(D G D^T) / tr(W G W^T) with
// D = Q(W s) / s - W, on the fit part. The candidate with the smallest fit loss
// (the first one among equals; identity comes first) is then judged on the
// guard part: it is accepted only if its loss there is not above identity's,
// that is, plain rounding's.
//
//===----------------------------------------------------------------------===//

#ifndef AWQ_CALIBRATION_SCALESEARCH_H
#define AWQ_CALIBRATION_SCALESEARCH_H

#include "awq/Dialect/AWQ/Utils/QuantScheme.h"

#include <string>
#include <vector>

namespace awq::calibration {

/// One linear's weight [rows, K], row-major; not owned.
struct WeightView {
  std::string name;
  const float *data = nullptr;
  int64_t rows = 0;
};

/// The input of a scale search: the linears that read one site. Pointers are
/// not owned.
struct ScaleGroup {
  std::string name;
  /// K, the channels of the site.
  int64_t channels = 0;
  std::vector<WeightView> weights;
  /// Mean |x| of the fit part, [K].
  const float *meanAbs = nullptr;
  /// X^T X of the fit part, [K, K].
  const float *fitGram = nullptr;
  /// X^T X of the guard part, [K, K]; null when there is no guard part, and
  /// then nothing is judged.
  const float *guardGram = nullptr;
  /// Producer channel of each reader channel, [K], or empty for the identity.
  std::vector<int64_t> producer;
  /// Channels of the producer; 0 means K. Producer channels that no reader
  /// channel uses get the scale 1.
  int64_t producerChannels = 0;
};

enum class ScaleFormula { Identity, Duo, Plain };

/// "identity", "duo" or "plain".
const char *name(ScaleFormula formula);

struct ScaleSearchOptions {
  /// Points of each grid: r = 1/ratios .. 1.
  int ratios = 20;
  bool duo = true;
  bool plain = true;
  /// AutoAWQ's grid, r = 0 .. 1 - 1/ratios of the duo formula, and its loss:
  /// the sum of squared errors of all linears. Neither the identity nor the
  /// guard part has a say.
  bool autoAwq = false;
};

/// One point of the grid and its fit loss.
struct ScaleCandidate {
  ScaleFormula formula = ScaleFormula::Identity;
  double ratio = 0.0;
  double loss = 0.0;
};

/// tr(D G D^T) / tr(W G W^T) of one linear, by plain rounding and by the best
/// candidate, on both parts; 0 on a part that is not there.
struct LinearLosses {
  std::string name;
  double fitRtn = 0.0, fit = 0.0;
  double guardRtn = 0.0, guard = 0.0;
};

struct ScaleSearchResult {
  /// What the producer's channels are divided by, [producerChannels].
  std::vector<float> producerScales;
  /// What the readers' input channels are multiplied by, [K]; the producer
  /// scales taken through the tie map.
  std::vector<float> readerScales;
  /// The chosen candidate; Identity with ratio 0 if the guard refused.
  ScaleFormula formula = ScaleFormula::Identity;
  double ratio = 0.0;
  /// Fit and guard losses of plain rounding.
  double fitRtn = 0.0, guardRtn = 0.0;
  /// Fit and guard losses of the best candidate on the fit part, also where
  /// the guard refused it. The guard losses are 0 without a guard part.
  double fit = 0.0, guard = 0.0;
  /// False where the guard part refused the best candidate.
  bool accepted = true;
  /// Of each linear, in the order of the group; they add up to the above.
  std::vector<LinearLosses> linears;
  /// Every point tried, in order.
  std::vector<ScaleCandidate> candidates;
};

/// Searches the scales of one group. Deterministic for any number of threads.
/// Errors: those of QuantScheme::validate and of quantize (AWQ1205, AWQ1206);
/// AWQ1310 (an inconsistent tie map), AWQ1311 (statistics that are not finite
/// or negative).
Result<ScaleSearchResult> searchScales(const ScaleGroup &group,
                                       const QuantScheme &scheme,
                                       const ScaleSearchOptions &options = {});

/// The scales of one candidate per producer channel, normalised; 1 everywhere
/// for the identity. x and w: [channels], see above.
std::vector<float> scaleCandidate(ScaleFormula formula, double ratio,
                                  const std::vector<float> &x,
                                  const std::vector<float> &w);

/// Mean over all rows of all weights of |w| / (max |w| in the group + 1e-6),
/// [K].
std::vector<float> relativeWeightMeans(const std::vector<WeightView> &weights,
                                       int64_t channels,
                                       const QuantScheme &scheme);

} // namespace awq::calibration

#endif // AWQ_CALIBRATION_SCALESEARCH_H
