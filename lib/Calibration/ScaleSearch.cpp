//===- ScaleSearch.cpp - per-channel scales before quantization -*- C++ -*-===//
//
// Part of the awq-mlir project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "awq/Calibration/ScaleSearch.h"

#include "awq/Calibration/GramLoss.h"
#include "awq/Dialect/AWQ/Utils/Quantize.h"
#include "awq/Support/Blas.h"
#include "awq/Support/Multiversion.h"

#include <algorithm>
#include <cmath>

using namespace awq;
using namespace awq::calibration;

const char *calibration::name(ScaleFormula formula) {
  switch (formula) {
  case ScaleFormula::Identity:
    return "identity";
  case ScaleFormula::Duo:
    return "duo";
  case ScaleFormula::Plain:
    break;
  }
  return "plain";
}

//===----------------------------------------------------------------------===//
// Candidates
//===----------------------------------------------------------------------===//

std::vector<float>
calibration::relativeWeightMeans(const std::vector<WeightView> &weights,
                                 int64_t channels, const QuantScheme &scheme) {
  int64_t size = scheme.groupSize(channels);
  std::vector<double> sums(channels);
  int64_t rows = 0;
  for (const WeightView &weight : weights) {
    rows += weight.rows;
    for (int64_t r = 0; r < weight.rows; ++r)
      for (int64_t g = 0; g < channels; g += size) {
        const float *w = weight.data + r * channels + g;
        float min, max;
        groupRange(w, size, min, max);
        float inverse = 1.0f / (std::max(max, -min) + 1e-6f);
        for (int64_t c = 0; c < size; ++c)
          sums[g + c] += std::fabs(w[c]) * inverse;
      }
  }
  std::vector<float> means(channels);
  for (int64_t c = 0; c < channels; ++c)
    means[c] = static_cast<float>(sums[c] / static_cast<double>(rows));
  return means;
}

std::vector<float> calibration::scaleCandidate(ScaleFormula formula,
                                               double ratio,
                                               const std::vector<float> &x,
                                               const std::vector<float> &w) {
  std::vector<float> scales(x.size(), 1.0f);
  if (formula == ScaleFormula::Identity || x.empty())
    return scales;
  std::vector<double> raw(x.size());
  for (size_t c = 0; c < x.size(); ++c) {
    double value = std::pow(static_cast<double>(x[c]), ratio);
    if (formula == ScaleFormula::Duo)
      value /= std::pow(static_cast<double>(w[c]), 1.0 - ratio) + 1e-4;
    raw[c] = std::max(value, 1e-4);
  }
  auto [min, max] = std::minmax_element(raw.begin(), raw.end());
  double middle = std::sqrt(*min * *max);
  for (size_t c = 0; c < x.size(); ++c) {
    float scale = static_cast<float>(raw[c] / middle);
    scales[c] = std::isfinite(scale) && scale > 0.0f ? scale : 1.0f;
  }
  return scales;
}

namespace {

/// Which reader channels belong together. `slot` numbers the producer channels
/// that are used; the search works on slots.
struct Ties {
  std::vector<int64_t> slotOfReader;
  std::vector<int64_t> producerOfSlot;
  int64_t producers = 0;

  /// The mean of a reader vector over the channels of each slot.
  std::vector<float> reduce(const float *values) const {
    std::vector<double> sums(producerOfSlot.size());
    std::vector<int64_t> counts(producerOfSlot.size());
    for (size_t c = 0; c < slotOfReader.size(); ++c) {
      sums[slotOfReader[c]] += values[c];
      ++counts[slotOfReader[c]];
    }
    std::vector<float> means(sums.size());
    for (size_t s = 0; s < sums.size(); ++s)
      means[s] = static_cast<float>(sums[s] / static_cast<double>(counts[s]));
    return means;
  }

  std::vector<float> toReaders(const std::vector<float> &slots) const {
    std::vector<float> readers(slotOfReader.size());
    for (size_t c = 0; c < readers.size(); ++c)
      readers[c] = slots[slotOfReader[c]];
    return readers;
  }

  std::vector<float> toProducers(const std::vector<float> &slots) const {
    std::vector<float> result(producers, 1.0f);
    for (size_t s = 0; s < slots.size(); ++s)
      result[producerOfSlot[s]] = slots[s];
    return result;
  }
};

/// A row tile of one weight.
struct Tile {
  const WeightView *weight;
  size_t index; ///< of the weight in its group
  int64_t row, rows;
};

} // namespace

static Error tieError(const ScaleGroup &group, const std::string &message) {
  return {
      ErrorKind::Internal, "AWQ1310", message, "scaling group " + group.name,
      "the tie map must give each of the " + std::to_string(group.channels) +
          " reader channels a channel of the producer"};
}

static Result<Ties> makeTies(const ScaleGroup &group) {
  Ties ties;
  int64_t channels = group.channels;
  ties.producers = group.producerChannels ? group.producerChannels : channels;
  if (!group.producer.empty() &&
      static_cast<int64_t>(group.producer.size()) != channels)
    return tieError(
        group, "the tie map has " + std::to_string(group.producer.size()) +
                   " entries for " + std::to_string(channels) + " channels");
  std::vector<int64_t> slots(ties.producers, -1);
  for (int64_t c = 0; c < channels; ++c) {
    int64_t producer = group.producer.empty() ? c : group.producer[c];
    if (producer < 0 || producer >= ties.producers)
      return tieError(group, "reader channel " + std::to_string(c) +
                                 " belongs to producer channel " +
                                 std::to_string(producer) + " of " +
                                 std::to_string(ties.producers));
    if (slots[producer] < 0) {
      slots[producer] = static_cast<int64_t>(ties.producerOfSlot.size());
      ties.producerOfSlot.push_back(producer);
    }
    ties.slotOfReader.push_back(slots[producer]);
  }
  return ties;
}

//===----------------------------------------------------------------------===//
// Losses
//===----------------------------------------------------------------------===//

/// Rows that one task takes.
static constexpr int64_t rowTile = 64;

AWQ_MULTIVERSION
static void multiplyRow(const float *a, const float *b, int64_t count,
                        float *result) {
  for (int64_t i = 0; i < count; ++i)
    result[i] = a[i] * b[i];
}

AWQ_MULTIVERSION
static void rowError(const float *quantized, const float *scales,
                     const float *weights, int64_t count, float *result) {
  for (int64_t i = 0; i < count; ++i)
    result[i] = quantized[i] / scales[i] - weights[i];
}

namespace {

/// Evaluates candidates for one group.
class LossEvaluator {
public:
  /// Losses are relative to the linear's output, or absolute.
  LossEvaluator(const ScaleGroup &group, const QuantScheme &scheme,
                bool absolute)
      : group(group), scheme(scheme), absolute(absolute) {
    for (size_t i = 0; i < group.weights.size(); ++i)
      for (int64_t r = 0; r < group.weights[i].rows; r += rowTile)
        tiles.push_back({&group.weights[i], i, r,
                         std::min(rowTile, group.weights[i].rows - r)});
  }

  /// The loss of each linear for each candidate, given as reader scales. Tasks
  /// are (candidate, tile) pairs; their results are added in order.
  std::vector<std::vector<double>>
  losses(const std::vector<std::vector<float>> &candidates, const float *gram) {
    std::vector<double> norms = weightNorms(gram);
    int64_t count = static_cast<int64_t>(tiles.size());
    std::vector<double> parts(candidates.size() * tiles.size());
#pragma omp parallel
    {
      std::vector<float> error, scratch;
#pragma omp for schedule(dynamic)
      for (int64_t task = 0; task < static_cast<int64_t>(parts.size()); ++task)
        parts[task] =
            tileLoss(tiles[task % count], candidates[task / count].data(), gram,
                     error, scratch);
    }
    std::vector<std::vector<double>> result(
        candidates.size(), std::vector<double>(group.weights.size()));
    for (size_t c = 0; c < candidates.size(); ++c)
      for (int64_t t = 0; t < count; ++t)
        if (double norm = norms[tiles[t].index]; norm > 0.0)
          result[c][tiles[t].index] += parts[c * count + t] / norm;
    return result;
  }

private:
  /// tr(W G W^T) of each weight. Where it is zero the site is dead and the
  /// weight's error, zero as well, is left out.
  std::vector<double> weightNorms(const float *gram) {
    std::vector<double> norms;
    if (absolute)
      norms.assign(group.weights.size(), 1.0);
    for (const WeightView &weight : group.weights)
      if (!absolute)
        norms.push_back(
            gramLoss(weight.data, weight.rows, gram, group.channels));
    return norms;
  }

  double tileLoss(const Tile &tile, const float *scales, const float *gram,
                  std::vector<float> &error, std::vector<float> &scratch) {
    int64_t k = group.channels, size = scheme.groupSize(k);
    error.resize(rowTile * k);
    std::vector<float> scaled(k);
    for (int64_t r = 0; r < tile.rows; ++r) {
      const float *w = tile.weight->data + (tile.row + r) * k;
      float *e = &error[r * k];
      multiplyRow(w, scales, k, scaled.data());
      for (int64_t g = 0; g < k; g += size) {
        float min, max;
        groupRange(&scaled[g], size, min, max);
        fakeQuantizeGroup(&scaled[g], size, groupParameters(min, max, scheme),
                          scheme, e + g);
      }
      rowError(e, scales, w, k, e);
    }
    double rows[rowTile];
    rowGramLosses(error.data(), tile.rows, gram, k, rows, scratch);
    double sum = 0.0;
    for (int64_t r = 0; r < tile.rows; ++r)
      sum += rows[r];
    return sum;
  }

  const ScaleGroup &group;
  const QuantScheme &scheme;
  bool absolute;
  std::vector<Tile> tiles;
};

} // namespace

//===----------------------------------------------------------------------===//
// The search
//===----------------------------------------------------------------------===//

/// Weights must be quantizable as they are, statistics must be magnitudes.
static Status checkInputs(const ScaleGroup &group, const QuantScheme &scheme) {
  for (const WeightView &weight : group.weights)
    if (auto matrix = quantize(weight.data, weight.rows, group.channels, scheme,
                               {}, weight.name);
        !matrix)
      return matrix.error();
  for (int64_t c = 0; c < group.channels; ++c) {
    float diagonal = group.fitGram[c * group.channels + c];
    if (!(group.meanAbs[c] >= 0.0f) || !std::isfinite(group.meanAbs[c]) ||
        !(diagonal >= 0.0f) || !std::isfinite(diagonal))
      return Error{ErrorKind::Malformed, "AWQ1311",
                   "channel " + std::to_string(c) +
                       " has statistics that no activations have",
                   "scaling group " + group.name,
                   "calibrate again; the statistics are damaged"};
  }
  return {};
}

static std::vector<ScaleCandidate> makeGrid(const ScaleSearchOptions &options) {
  std::vector<ScaleCandidate> grid = {{ScaleFormula::Identity, 0.0, 0.0}};
  if (options.autoAwq) {
    for (int i = 0; i < options.ratios; ++i)
      grid.push_back(
          {ScaleFormula::Duo, static_cast<double>(i) / options.ratios, 0.0});
    return grid;
  }
  for (ScaleFormula formula : {ScaleFormula::Duo, ScaleFormula::Plain}) {
    if (formula == ScaleFormula::Duo ? !options.duo : !options.plain)
      continue;
    for (int i = 1; i <= options.ratios; ++i)
      grid.push_back({formula, static_cast<double>(i) / options.ratios, 0.0});
  }
  return grid;
}

static double total(const std::vector<double> &losses) {
  double sum = 0.0;
  for (double loss : losses)
    sum += loss;
  return sum;
}

Result<ScaleSearchResult>
calibration::searchScales(const ScaleGroup &group, const QuantScheme &scheme,
                          const ScaleSearchOptions &options) {
  prepareBlas();
  Result<Ties> ties = makeTies(group);
  if (!ties)
    return ties.error();
  if (Status status = checkInputs(group, scheme); !status)
    return status.error();

  std::vector<float> x = ties->reduce(group.meanAbs);
  std::vector<float> w = ties->reduce(
      relativeWeightMeans(group.weights, group.channels, scheme).data());
  ScaleSearchResult result;
  result.candidates = makeGrid(options);
  std::vector<std::vector<float>> slots, readers;
  for (const ScaleCandidate &candidate : result.candidates) {
    slots.push_back(scaleCandidate(candidate.formula, candidate.ratio, x, w));
    readers.push_back(ties->toReaders(slots.back()));
  }

  LossEvaluator evaluator(group, scheme, options.autoAwq);
  auto losses = evaluator.losses(readers, group.fitGram);
  size_t best = options.autoAwq ? 1 : 0;
  for (size_t c = 0; c < losses.size(); ++c)
    result.candidates[c].loss = total(losses[c]);
  for (size_t c = best; c < losses.size(); ++c) {
    if (result.candidates[c].loss < result.candidates[best].loss)
      best = c;
  }
  result.fitRtn = result.candidates[0].loss;
  result.fit = result.candidates[best].loss;
  for (size_t i = 0; i < group.weights.size(); ++i)
    result.linears.push_back(
        {group.weights[i].name, losses[0][i], losses[best][i], 0.0, 0.0});
  if (group.guardGram) {
    auto guard = evaluator.losses({readers[0], readers[best]}, group.guardGram);
    result.guardRtn = total(guard[0]);
    result.guard = total(guard[1]);
    result.accepted = options.autoAwq || result.guard <= result.guardRtn;
    for (size_t i = 0; i < group.weights.size(); ++i) {
      result.linears[i].guardRtn = guard[0][i];
      result.linears[i].guard = guard[1][i];
    }
  }
  if (!result.accepted)
    best = 0;
  result.formula = result.candidates[best].formula;
  result.ratio = result.candidates[best].ratio;
  result.producerScales = ties->toProducers(slots[best]);
  result.readerScales = std::move(readers[best]);
  return result;
}
