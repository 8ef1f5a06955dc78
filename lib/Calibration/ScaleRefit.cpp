//===- ScaleRefit.cpp - group scales that fit their codes best --*- C++ -*-===//
//
// Part of the awq-mlir project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "awq/Calibration/ScaleRefit.h"

#include "PartLosses.h"

#include "awq/Calibration/GramLoss.h"
#include "awq/Support/Blas.h"

#include <algorithm>
#include <cblas.h>
#include <cmath>

using namespace awq;
using namespace awq::calibration;

/// Rows that one task takes. A constant, so that results do not depend on the
/// number of threads.
static constexpr int64_t rowTile = 32;

/// Solves A x = b for a symmetric positive definite A [n, n], of which the
/// lower half is read; b becomes x. False if A is not positive definite.
static bool solve(std::vector<double> &a, std::vector<double> &b, int64_t n) {
  for (int64_t j = 0; j < n; ++j) {
    for (int64_t i = j; i < n; ++i) {
      double sum = a[i * n + j];
      for (int64_t l = 0; l < j; ++l)
        sum -= a[i * n + l] * a[j * n + l];
      if (i > j)
        a[i * n + j] = sum / a[j * n + j];
      else if (sum > 0.0)
        a[j * n + j] = std::sqrt(sum);
      else
        return false;
    }
    for (int64_t l = 0; l < j; ++l)
      b[j] -= a[j * n + l] * b[l];
    b[j] /= a[j * n + j];
  }
  for (int64_t j = n - 1; j >= 0; --j) {
    for (int64_t i = j + 1; i < n; ++i)
      b[j] -= a[i * n + j] * b[i];
    b[j] /= a[j * n + j];
  }
  return true;
}

namespace {

/// The refit of a tile of rows.
class TileRefit {
public:
  TileRefit(const RefitProblem &problem, const QuantizedMatrix &matrix,
            const RefitOptions &options)
      : problem(problem), matrix(matrix), options(options), k(matrix.k),
        groups(matrix.scheme.groups(k)), size(matrix.scheme.groupSize(k)),
        units(rowTile * k), product(rowTile * k), before(rowTile * k),
        after(rowTile * k), systems(rowTile * groups * groups),
        sides(rowTile * groups) {}

  /// Fits `rows` rows from `row` on; writes their scales [rows, G] to `scales`
  /// and returns how many rows changed.
  int64_t run(int64_t row, int64_t rows, float *scales) {
    first = row;
    count = rows;
    makeSystems();
    for (int64_t r = 0; r < rows; ++r)
      solveRow(r, scales + r * groups);
    errorsWith(&matrix.scales[row * groups], before);
    errorsWith(scales, after);
    double was[rowTile], is[rowTile];
    rowGramLosses(before.data(), rows, problem.fitGram, k, was, product);
    rowGramLosses(after.data(), rows, problem.fitGram, k, is, product);
    int64_t changed = 0;
    for (int64_t r = 0; r < rows; ++r) {
      if (is[r] < was[r]) {
        ++changed;
        continue;
      }
      std::copy_n(&matrix.scales[(row + r) * groups], groups,
                  scales + r * groups);
      std::copy_n(&before[r * k], k, &after[r * k]);
    }
    return changed;
  }

  /// The errors [rows, k] with the old and the new scales, after run().
  const float *errorsBefore() const { return before.data(); }
  const float *errorsAfter() const { return after.data(); }

private:
  /// A and b of all rows. The products of a group with G are those of all rows
  /// at once.
  void makeSystems() {
    const float *w = problem.weights + first * k;
    for (int64_t r = 0; r < count; ++r)
      for (int64_t c = 0; c < k; ++c) {
        int64_t i = (first + r) * k + c;
        int zero = matrix.zeros[(first + r) * groups + c / size];
        units[r * k + c] = static_cast<float>(matrix.codes[i] - zero);
      }
    product.resize(rowTile * k);
    for (int64_t g = 0; g < groups; ++g) {
      cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasNoTrans, count, k, size,
                  1.0f, &units[g * size], k, problem.fitGram + g * size * k, k,
                  0.0f, product.data(), k);
      for (int64_t r = 0; r < count; ++r) {
        const float *p = &product[r * k];
        for (int64_t h = 0; h <= g; ++h)
          systems[(r * groups + g) * groups + h] =
              dot(p + h * size, &units[r * k + h * size], size);
        sides[r * groups + g] = dot(p, w + r * k, k);
      }
    }
  }

  static double dot(const float *x, const float *y, int64_t count) {
    double sum = 0.0;
    for (int64_t i = 0; i < count; ++i)
      sum += static_cast<double>(x[i]) * y[i];
    return sum;
  }

  /// The fitted scales of row `r`, or the old ones where there are none.
  void solveRow(int64_t r, float *result) {
    const float *old = &matrix.scales[(first + r) * groups];
    std::copy_n(old, groups, result);
    std::vector<double> a(&systems[r * groups * groups],
                          &systems[r * groups * groups] + groups * groups);
    std::vector<double> x(&sides[r * groups], &sides[r * groups] + groups);
    for (int64_t g = 0; g < groups; ++g) {
      double held = options.damping * a[g * groups + g];
      // A group without weights or without input keeps its scale.
      if (a[g * groups + g] <= 0.0)
        held = 1.0;
      a[g * groups + g] += held;
      x[g] += held * old[g];
    }
    if (!solve(a, x, groups))
      return;
    for (int64_t g = 0; g < groups; ++g)
      if (!(x[g] * options.mostChange >= old[g]) ||
          !(x[g] <= options.mostChange * old[g]))
        return;
    for (int64_t g = 0; g < groups; ++g) {
      float rounded =
          roundToScaleType(static_cast<float>(x[g]), matrix.scheme.scale);
      if (rounded > 0.0f && std::isfinite(rounded))
        result[g] = rounded;
    }
  }

  /// s (q - z) - w with these scales.
  void errorsWith(const float *scales, std::vector<float> &result) {
    const float *w = problem.weights + first * k;
    for (int64_t r = 0; r < count; ++r)
      for (int64_t c = 0; c < k; ++c)
        result[r * k + c] =
            scales[r * groups + c / size] * units[r * k + c] - w[r * k + c];
  }

  const RefitProblem &problem;
  const QuantizedMatrix &matrix;
  const RefitOptions &options;
  int64_t k, groups, size;
  int64_t first = 0, count = 0;
  /// q - z, and products with G, [rows, k].
  std::vector<float> units, product;
  std::vector<float> before, after;
  /// A [rows, G, G], lower halves, and b [rows, G].
  std::vector<double> systems, sides;
};

} // namespace

Result<RefitResult> calibration::refitScales(const RefitProblem &problem,
                                             QuantizedMatrix &matrix,
                                             const RefitOptions &options) {
  if (!(options.damping >= 0.0) || !(options.mostChange >= 1.0))
    return Error{ErrorKind::Usage, "AWQ1313",
                 "the options of the scale refit are out of range",
                 problem.name, "0 <= damping and 1 <= mostChange"};
  prepareBlas();
  int64_t n = matrix.n, k = matrix.k, groups = matrix.scheme.groups(k);
  std::vector<float> scales(n * groups);
  StepJudge judge(problem.fitGram, problem.guardGram, n, k);
  int64_t changed = 0;
#pragma omp parallel
  {
    TileRefit tile(problem, matrix, options);
    std::vector<float> scratch;
#pragma omp for schedule(dynamic) reduction(+ : changed)
    for (int64_t row = 0; row < n; row += rowTile) {
      int64_t rows = std::min(rowTile, n - row);
      changed += tile.run(row, rows, &scales[row * groups]);
      judge.set(row, rows, problem.weights + row * k, tile.errorsBefore(),
                tile.errorsAfter(), scratch);
    }
  }
  RefitResult result;
  static_cast<StepLosses &>(result) = judge.losses();
  if (result.accepted) {
    result.changedRows = changed;
    matrix.scales = std::move(scales);
  }
  return result;
}
