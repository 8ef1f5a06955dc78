//===- GatherStatistics.cpp - what a layer's linears read -----------------===//
//
// Part of the awq-mlir project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "ModelQuantizer.h"

using namespace mlir;
using namespace awq;
using Json = nlohmann::ordered_json;

/// Tokens of each part below which an expert's statistics say too little.
static constexpr int64_t fewFitTokens = 32;
static constexpr int64_t fewGuardTokens = 8;

Result<std::vector<calibration::StatisticsAccumulator>>
ModelQuantizer::observe(size_t index, CompiledPart &part,
                        const std::vector<std::vector<float>> &weights,
                        ArrayRef<size_t> observed, bool keep) {
  std::vector<calibration::StatisticsAccumulator> accumulators;
  SmallVector<int> place(part.sites().size(), -1);
  for (size_t site : observed) {
    place[site] = accumulators.size();
    accumulators.emplace_back(
        part.sites()[site], part.resultChannels(site + 1),
        calibration::StatisticsAccumulator::Options{
            /*gram=*/true, options.skipTokens, options.shrinkage});
  }
  std::vector<float> counted;
  Status status = streams->advance(
      index, part, weights, exact,
      [&](size_t site, int64_t sample, const float *values) {
        if (place[site] < 0)
          return Status();
        // Rows of zeros do not count.
        if (!data.mask.empty()) {
          int64_t channels = part.resultChannels(site + 1);
          counted.assign(values, values + data.length * channels);
          for (int64_t token = 0; token < data.length; ++token)
            if (!data.counts(sample, token))
              std::fill_n(&counted[token * channels], channels, 0.0f);
          values = counted.data();
        }
        return accumulators[place[site]].add(sample, data.parts[sample], values,
                                             data.length);
      },
      keep);
  if (!status)
    return status.error();
  return accumulators;
}

Status ModelQuantizer::gather(size_t index, CompiledPart &part,
                              std::vector<std::vector<float>> weights,
                              StatisticsSource &source, Json &event) {
  auto all = llvm::to_vector(llvm::seq<size_t>(0, part.sites().size()));
  bool hasExperts =
      llvm::any_of(all, [&](size_t site) { return part.isRouted(site); });
  LayerSizes sizes(parts.layers[index], part, data.length);
  summary.gramBytes = std::max(summary.gramBytes, sizes.gram);
  summary.layerBytes = std::max(summary.layerBytes, sizes.weights);
  // An expert that got few tokens is observed once more with those of the
  // others, so the hidden states must stay until then.
  auto statistics = observe(index, part, weights, all, /*keep=*/!hasExperts);
  if (!statistics)
    return statistics.error();
  if (hasExperts) {
    if (Status status = lendTokens(index, part, weights, *statistics, event);
        !status)
      return status;
    if (Status status =
            streams->advance(index, part, weights, exact, /*observe=*/nullptr);
        !status)
      return status;
  }
  // The search needs whole matrices and evaluates weights one by one.
  weights.clear();
  part.releaseScratch();
  MemoryWatch::giveBack();
  for (calibration::StatisticsAccumulator &accumulator : *statistics) {
    calibration::SiteStatistics site = accumulator.take();
    if (gathered)
      if (Status status = gathered->write(site); !status)
        return status;
    source.set(std::move(site));
  }
  return Status();
}

Status ModelQuantizer::lendTokens(
    size_t index, CompiledPart &part,
    const std::vector<std::vector<float>> &weights,
    std::vector<calibration::StatisticsAccumulator> &statistics, Json &event) {
  SmallVector<size_t> poor;
  event["borrowed"] = Json::array();
  for (auto [site, found] : llvm::enumerate(statistics)) {
    int64_t fit = found.tokens(calibration::Part::Fit);
    int64_t guard = found.tokens(calibration::Part::Guard);
    if (!part.isRouted(site) ||
        (fit >= fewFitTokens && guard >= fewGuardTokens))
      continue;
    poor.push_back(site);
    event["borrowed"].push_back({{"site", part.sites()[site]},
                                 {"tokens", fit},
                                 {"guard_tokens", guard}});
  }
  if (poor.empty())
    return Status();
  Result<CompiledPart> whole = streams->compileLayer(index, /*allTokens=*/true);
  if (!whole)
    return whole.error();
  auto lent = observe(index, *whole, weights, poor, /*keep=*/false);
  if (!lent)
    return lent.error();
  for (auto [site, found] : llvm::zip_equal(poor, *lent))
    statistics[site] = std::move(found);
  return Status();
}
