//===- ClipSearch.cpp - narrower ranges for groups of weights ---*- C++ -*-===//
//
// Part of the awq-mlir project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "awq/Calibration/ClipSearch.h"

#include "ClipBounds.h"
#include "PartLosses.h"

#include "awq/Dialect/AWQ/Utils/Quantize.h"
#include "awq/Support/Blas.h"
#include "awq/Support/Multiversion.h"

#include <algorithm>
#include <cblas.h>
#include <cmath>

using namespace awq;
using namespace awq::calibration;

/// Rows that one task takes. A constant, so that results do not depend on the
/// number of threads.
static constexpr int64_t rowTile = 32;

AWQ_MULTIVERSION
static void clampRow(const float *w, int64_t count, float lo, float hi,
                     float *result) {
  for (int64_t i = 0; i < count; ++i) {
    float value = w[i] < lo ? lo : w[i];
    result[i] = value > hi ? hi : value;
  }
}

AWQ_MULTIVERSION
static void subtract(const float *a, const float *b, int64_t count,
                     float *result) {
  for (int64_t i = 0; i < count; ++i)
    result[i] = a[i] - b[i];
}

/// sum of e * (2 c + t): the change of a row's loss by one group's error.
AWQ_MULTIVERSION
static float groupTerm(const float *e, const float *c, const float *t,
                       int64_t count) {
  float sum = 0.0f;
#pragma omp simd reduction(+ : sum)
  for (int64_t i = 0; i < count; ++i)
    sum += e[i] * (2.0f * c[i] + t[i]);
  return sum;
}

namespace {

/// Bounds of one group.
struct Bounds {
  float lo, hi;
};

/// Shrink factors of minimum and maximum, as indices into the list of factors.
struct Choice {
  int lo = 0, hi = 0;
};

/// The bounds that a choice of factors means for weights within [min, max].
/// A side on the wrong side of zero is not a bound of the quantized range,
/// which always includes zero; it only follows so that lo <= hi.
Bounds boundsOf(float min, float max, double loFactor, double hiFactor) {
  Bounds bounds{min, max};
  if (min < 0.0f)
    bounds.lo = static_cast<float>(min * loFactor);
  if (max > 0.0f)
    bounds.hi = static_cast<float>(max * hiFactor);
  if (min >= 0.0f)
    bounds.lo = std::min(bounds.lo, bounds.hi);
  if (max <= 0.0f)
    bounds.hi = std::max(bounds.lo, bounds.hi);
  return bounds;
}

/// The search over one tile of rows.
class TileSearch {
public:
  TileSearch(const ClipProblem &problem, const QuantScheme &scheme,
             const std::vector<double> &factors, int passes)
      : gram(problem.fitGram), k(problem.k), size(scheme.groupSize(k)),
        groups(scheme.groups(k)), scheme(scheme), factors(factors),
        passes(passes), error(rowTile * k), gramError(rowTile * k),
        linear(rowTile * size), step(rowTile * size), clamped(size) {
    int count = static_cast<int>(factors.size());
    trial.resize(rowTile * (count + 1) * size);
    product.resize(trial.size());
  }

  /// Searches `rows` rows at `w`; writes their choices and bounds [rows, G].
  void run(const float *w, int64_t rows, float *lo, float *hi,
           int64_t &clipped) {
    weights = w;
    this->rows = rows;
    min.assign(rows * groups, 0.0f);
    max.assign(rows * groups, 0.0f);
    chosen.assign(rows * groups, Choice());
    for (int64_t i = 0; i < rows * groups; ++i) {
      groupRange(w + i * size, size, min[i], max[i]);
      candidateError(i, Choice(), &error[i * size]);
    }
    for (int pass = 0; pass < passes; ++pass) {
      // Afresh in each pass, so that rounding does not pile up.
      cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasNoTrans, rows, k, k, 1.0f,
                  error.data(), k, gram, k, 0.0f, gramError.data(), k);
      bool changed = false;
      for (int64_t g = 0; g < groups; ++g)
        changed |= visit(g);
      if (!changed)
        break;
    }
    for (int64_t i = 0; i < rows * groups; ++i) {
      Bounds bounds = boundsOfChoice(i, chosen[i]);
      lo[i] = bounds.lo;
      hi[i] = bounds.hi;
      clipped += bounds.lo > min[i] || bounds.hi < max[i];
    }
  }

  /// The errors [rows, k] after run().
  const float *errors() const { return error.data(); }

private:
  Bounds boundsOfChoice(int64_t i, Choice choice) const {
    return boundsOf(min[i], max[i], factors[choice.lo], factors[choice.hi]);
  }

  /// Q(clamp(w)) - w of group i (row * groups + group) for a choice.
  void candidateError(int64_t i, Choice choice, float *result) {
    const float *w = weights + i * size;
    Bounds bounds = boundsOfChoice(i, choice);
    clampRow(w, size, bounds.lo, bounds.hi, clamped.data());
    fakeQuantizeGroup(clamped.data(), size,
                      groupParameters(bounds.lo, bounds.hi, scheme), scheme,
                      result);
    subtract(result, w, size, result);
  }

  /// Improves group g of all rows; true if one changed.
  ///
  /// With the errors of the other groups fixed, a row's loss is, up to a
  /// constant, e (2 c + G_gg e) with c = (E G)_g - G_gg e_old.
  bool visit(int64_t g) {
    const float *block = gram + g * size * k + g * size;
    for (int64_t r = 0; r < rows; ++r)
      std::copy_n(&gramError[r * k + g * size], size, &linear[r * size]);
    cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasNoTrans, rows, size, size,
                -1.0f, &error[g * size], k, block, k, 1.0f, linear.data(),
                size);
    // First the minimum with the maximum as it is, then the maximum. In a
    // symmetric scheme one side alone rarely binds, so both move together.
    std::vector<char> moved(rows, 0);
    if (scheme.symmetric) {
      improve(g, block, moved, [](Choice, int f) { return Choice{f, f}; });
    } else {
      improve(g, block, moved, [](Choice c, int f) { return Choice{f, c.hi}; });
      improve(g, block, moved, [](Choice c, int f) { return Choice{c.lo, f}; });
    }
    bool changed = std::count(moved.begin(), moved.end(), 1) != 0;
    if (changed)
      apply(g, moved);
    return changed;
  }

  /// Tries a line of choices for group g of every row. The first slot of each
  /// row holds the present choice; only a strictly smaller loss replaces it.
  template <typename MakeChoice>
  void improve(int64_t g, const float *block, std::vector<char> &moved,
               MakeChoice makeChoice) {
    int count = static_cast<int>(factors.size());
    int64_t slots = count + 1;
    for (int64_t r = 0; r < rows; ++r) {
      int64_t i = r * groups + g;
      candidateError(i, chosen[i], &trial[r * slots * size]);
      for (int f = 0; f < count; ++f)
        candidateError(i, makeChoice(chosen[i], f),
                       &trial[(r * slots + 1 + f) * size]);
    }
    cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasNoTrans, rows * slots, size,
                size, 1.0f, trial.data(), size, block, k, 0.0f, product.data(),
                size);
    for (int64_t r = 0; r < rows; ++r) {
      int64_t i = r * groups + g;
      Choice best = chosen[i];
      float bestTerm = term(r, r * slots);
      for (int f = 0; f < count; ++f)
        if (float value = term(r, r * slots + 1 + f); value < bestTerm) {
          bestTerm = value;
          best = makeChoice(chosen[i], f);
          moved[r] = 1;
        }
      chosen[i] = best;
    }
  }

  float term(int64_t row, int64_t slot) const {
    return groupTerm(&trial[slot * size], &linear[row * size],
                     &product[slot * size], size);
  }

  /// Takes over the new errors of group g: E and E G of the rows that moved.
  void apply(int64_t g, const std::vector<char> &moved) {
    for (int64_t r = 0; r < rows; ++r) {
      float *e = &error[r * k + g * size];
      float *difference = &step[r * size];
      std::fill_n(difference, size, 0.0f);
      if (!moved[r])
        continue;
      candidateError(r * groups + g, chosen[r * groups + g], clampedError());
      subtract(fresh.data(), e, size, difference);
      std::copy(fresh.begin(), fresh.end(), e);
    }
    cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasNoTrans, rows, k, size, 1.0f,
                step.data(), size, gram + g * size * k, k, 1.0f,
                gramError.data(), k);
  }

  float *clampedError() {
    fresh.resize(size);
    return fresh.data();
  }

  const float *gram;
  int64_t k, size, groups;
  const QuantScheme &scheme;
  const std::vector<double> &factors;
  int passes;

  const float *weights = nullptr;
  int64_t rows = 0;
  std::vector<float> min, max;
  std::vector<Choice> chosen;
  /// E and E G, [rows, k].
  std::vector<float> error, gramError;
  /// c and the change of e, [rows, size].
  std::vector<float> linear, step;
  /// Errors of the choices tried and their products with G_gg.
  std::vector<float> trial, product;
  std::vector<float> clamped, fresh;
};

} // namespace

static Result<std::vector<double>>
makeFactors(const ClipProblem &problem, const ClipSearchOptions &options) {
  if (!(options.minimum > 0.0) || !(options.minimum <= 1.0) ||
      !(options.step > 0.0) || options.passes < 1)
    return Error{ErrorKind::Usage, "AWQ1312",
                 "the options of the clip search are out of range",
                 problem.name,
                 "0 < minimum <= 1, step > 0 and at least one pass"};
  std::vector<double> factors;
  for (int i = 0; 1.0 - i * options.step >= options.minimum - 1e-9; ++i)
    factors.push_back(1.0 - i * options.step);
  return factors;
}

Result<ClipSearchResult>
calibration::searchClips(const ClipProblem &problem, const QuantScheme &scheme,
                         const ClipSearchOptions &options) {
  prepareBlas();
  int64_t n = problem.n, k = problem.k;
  auto factors = makeFactors(problem, options);
  if (!factors)
    return factors.error();
  auto plain = quantize(problem.weights, n, k, scheme, {}, problem.name);
  if (!plain)
    return plain.error();
  std::vector<float> plainError = dequantize(*plain);
  int64_t groups = scheme.groups(k);

  ClipSearchResult result;
  result.lo.resize(n * groups);
  result.hi.resize(n * groups);
  StepJudge judge(problem.fitGram, problem.guardGram, n, k);
  int64_t clipped = 0;
#pragma omp parallel
  {
    TileSearch search(problem, scheme, *factors, options.passes);
    std::vector<float> scratch;
#pragma omp for schedule(dynamic) reduction(+ : clipped)
    for (int64_t row = 0; row < n; row += rowTile) {
      int64_t rows = std::min(rowTile, n - row);
      const float *w = problem.weights + row * k;
      float *e = &plainError[row * k];
      subtract(e, w, rows * k, e);
      search.run(w, rows, &result.lo[row * groups], &result.hi[row * groups],
                 clipped);
      judge.set(row, rows, w, e, search.errors(), scratch);
    }
  }
  result.clippedGroups = clipped;
  static_cast<StepLosses &>(result) = judge.losses();
  if (!result.accepted) {
    result.clippedGroups = 0;
    for (int64_t i = 0; i < n * groups; ++i)
      groupRange(problem.weights + i * scheme.groupSize(k), scheme.groupSize(k),
                 result.lo[i], result.hi[i]);
  }
  measureBounds(problem.weights, scheme.groupSize(k), result);
  return result;
}
