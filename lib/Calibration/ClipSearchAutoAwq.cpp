//===- ClipSearchAutoAwq.cpp - AutoAWQ's search of clips ------------------===//
//
// Part of the awq-mlir project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "awq/Calibration/ClipSearch.h"

#include "ClipBounds.h"
#include "PartLosses.h"
#include "awq/Dialect/AWQ/Utils/Half.h"
#include "awq/Dialect/AWQ/Utils/Quantize.h"
#include "awq/Support/Blas.h"

#include <algorithm>
#include <cmath>

using namespace awq;
using namespace awq::calibration;

// As in AutoAWQ's quantizer.py: n_grid = 20, max_shrink = 0.5.
static constexpr int gridPoints = 20, triedPoints = 10;

/// e G_gg e^T for the group's columns from `column` on.
static double blockLoss(const std::vector<float> &e, const float *gram,
                        int64_t column, int64_t k) {
  double loss = 0.0;
  for (size_t i = 0; i < e.size(); ++i) {
    const float *row = gram + (column + i) * k + column;
    double sum = 0.0;
    for (size_t j = 0; j < e.size(); ++j)
      sum += double(row[j]) * e[j];
    loss += e[i] * sum;
  }
  return loss;
}

/// The bound of one group of f16 weights.
static Result<float> searchGroup(const float *weights, int64_t column,
                                 const ClipProblem &problem,
                                 const QuantScheme &scheme) {
  int64_t size = scheme.groupSize(problem.k);
  QuantScheme own = scheme;
  own.group = 0;
  float most = 0.0f;
  for (int64_t i = 0; i < size; ++i)
    most = std::max(most, std::fabs(weights[i]));
  float best = most;
  double bestLoss = 1e9;
  std::vector<float> clamped(size), error(size);
  for (int point = 0; point < triedPoints; ++point) {
    float bound = roundToHalf(
        most * static_cast<float>(1.0 - double(point) / gridPoints));
    for (int64_t i = 0; i < size; ++i)
      clamped[i] = std::min(std::max(weights[i], -bound), bound);
    Result<QuantizedMatrix> matrix =
        quantizeAutoAwq(clamped.data(), 1, size, own, problem.name);
    if (!matrix)
      return matrix.error();
    std::vector<float> stored = dequantizeAutoAwq(*matrix);
    for (int64_t i = 0; i < size; ++i)
      error[i] = stored[i] - weights[i];
    double loss = blockLoss(error, problem.fitGram, column, problem.k);
    if (loss < bestLoss) {
      bestLoss = loss;
      best = bound;
    }
  }
  return best;
}

Result<ClipSearchResult>
calibration::searchClipsAutoAwq(const ClipProblem &problem,
                                const QuantScheme &scheme) {
  int64_t n = problem.n, k = problem.k, size = scheme.groupSize(k);
  int64_t groups = scheme.groups(k);
  std::vector<float> weights(problem.weights, problem.weights + n * k);
  std::transform(weights.begin(), weights.end(), weights.begin(), roundToHalf);
  auto plain = quantizeAutoAwq(weights.data(), n, k, scheme, problem.name);
  if (!plain)
    return plain.error();
  ClipSearchResult result;
  result.lo.resize(n * groups);
  result.hi.resize(n * groups);
  std::vector<Status> failures(n);
#pragma omp parallel for schedule(static)
  for (int64_t row = 0; row < n; ++row)
    for (int64_t g = 0; g < groups && failures[row]; ++g) {
      Result<float> bound =
          searchGroup(&weights[row * k + g * size], g * size, problem, scheme);
      if (!bound) {
        failures[row] = bound.error();
        break;
      }
      result.lo[row * groups + g] = -*bound;
      result.hi[row * groups + g] = *bound;
    }
  for (const Status &failure : failures)
    if (!failure)
      return failure.error();

  std::vector<float> clamped(weights);
  for (int64_t i = 0; i < n * k; ++i) {
    int64_t group = i / k * groups + i % k / size;
    clamped[i] =
        std::min(std::max(clamped[i], result.lo[group]), result.hi[group]);
    result.clippedGroups +=
        i % size == 0 &&
        std::any_of(&weights[i], &weights[i] + size,
                    [&](float w) { return std::fabs(w) > result.hi[group]; });
  }
  auto clipped = quantizeAutoAwq(clamped.data(), n, k, scheme, problem.name);
  if (!clipped)
    return clipped.error();
  std::vector<float> before = dequantizeAutoAwq(*plain);
  std::vector<float> after = dequantizeAutoAwq(*clipped);
  for (int64_t i = 0; i < n * k; ++i) {
    before[i] -= weights[i];
    after[i] -= weights[i];
  }
  prepareBlas();
  StepJudge judge(problem.fitGram, problem.guardGram, n, k);
  std::vector<float> scratch;
  for (int64_t row = 0; row < n; ++row)
    judge.set(row, 1, &weights[row * k], &before[row * k], &after[row * k],
              scratch);
  static_cast<StepLosses &>(result) = judge.losses();
  result.accepted = true; // whatever the guard part says
  measureBounds(weights.data(), size, result);
  return result;
}
