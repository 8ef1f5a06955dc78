//===- CodeRefine.cpp - codes that are not the nearest --------------------===//
//
// Part of the awq-mlir project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "awq/Calibration/CodeRefine.h"

#include "PartLosses.h"
#include "awq/Support/Blas.h"
#include "awq/Support/Multiversion.h"

#include <algorithm>
#include <cblas.h>

using namespace awq;
using namespace awq::calibration;

/// Rows that one task takes. A constant, so that results do not depend on the
/// number of threads.
static constexpr int64_t rowTile = 32;

AWQ_MULTIVERSION
static void addScaled(float factor, const float *x, int64_t count, float *y) {
  for (int64_t i = 0; i < count; ++i)
    y[i] += factor * x[i];
}

namespace {

/// The refinement of a tile of rows.
class TileRefine {
public:
  TileRefine(const RefitProblem &problem, const QuantizedMatrix &matrix,
             const CodeRefineOptions &options)
      : problem(problem), matrix(matrix), options(options), k(matrix.k),
        groups(matrix.scheme.groups(k)), size(matrix.scheme.groupSize(k)),
        before(rowTile * k), after(rowTile * k), gramError(rowTile * k) {}

  /// Refines `rows` rows from `row` on; `codes` [rows, k] are changed.
  int64_t run(int64_t row, int64_t rows, uint8_t *codes) {
    for (int64_t r = 0; r < rows; ++r)
      for (int64_t c = 0; c < k; ++c)
        before[r * k + c] = errorOf(row + r, c, codes[r * k + c]);
    after = before;
    // (E G) of all rows; afterwards it is kept up to date.
    cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasNoTrans, rows, k, k, 1.0f,
                after.data(), k, problem.fitGram, k, 0.0f, gramError.data(), k);
    int64_t changed = 0;
    for (int64_t r = 0; r < rows; ++r) {
      uint8_t *rowCodes = codes + r * k;
      std::vector<uint8_t> old(rowCodes, rowCodes + k);
      for (int sweep = 0; sweep < options.sweeps; ++sweep)
        if (!visit(row + r, &after[r * k], &gramError[r * k], rowCodes))
          break;
      for (int64_t c = 0; c < k; ++c)
        changed += rowCodes[c] != old[c];
    }
    return changed;
  }

  /// The errors [rows, k] with the old and the new codes, after run().
  const float *errorsBefore() const { return before.data(); }
  const float *errorsAfter() const { return after.data(); }

private:
  float errorOf(int64_t row, int64_t c, int code) const {
    int64_t g = row * groups + c / size;
    return matrix.scales[g] * static_cast<float>(code - matrix.zeros[g]) -
           problem.weights[row * k + c];
  }

  /// Moves the codes of one row once; true if one moved.
  bool visit(int64_t row, float *e, float *eg, uint8_t *codes) {
    int most = (1 << matrix.scheme.bits) - 1;
    float own = static_cast<float>(options.shrinkage);
    bool moved = false;
    for (int64_t c = 0; c < k; ++c) {
      const float *gram = problem.fitGram + c * k;
      float slope = (1.0f - own) * eg[c] + own * gram[c] * e[c];
      // Only a step against the slope can help.
      int code = codes[c] + (slope > 0.0f ? -1 : 1);
      if (code < 0 || code > most)
        continue;
      float step = errorOf(row, c, code) - e[c];
      if (!(2.0f * step * slope + step * step * gram[c] < 0.0f))
        continue;
      codes[c] = static_cast<uint8_t>(code);
      e[c] += step;
      addScaled(step, gram, k, eg);
      moved = true;
    }
    return moved;
  }

  const RefitProblem &problem;
  const QuantizedMatrix &matrix;
  const CodeRefineOptions &options;
  int64_t k, groups, size;
  std::vector<float> before, after, gramError;
};

} // namespace

Result<CodeRefineResult>
calibration::refineCodes(const RefitProblem &problem, QuantizedMatrix &matrix,
                         const CodeRefineOptions &options) {
  if (options.sweeps < 0 || !(options.shrinkage >= 0.0) ||
      !(options.shrinkage <= 1.0))
    return Error{ErrorKind::Usage, "AWQ1313",
                 "the options of the code refinement are out of range",
                 problem.name, "0 <= sweeps and 0 <= shrinkage <= 1"};
  prepareBlas();
  int64_t n = matrix.n, k = matrix.k;
  std::vector<uint8_t> codes = matrix.codes;
  StepJudge judge(problem.fitGram, problem.guardGram, n, k);
  int64_t changed = 0;
#pragma omp parallel
  {
    TileRefine tile(problem, matrix, options);
    std::vector<float> scratch;
#pragma omp for schedule(dynamic) reduction(+ : changed)
    for (int64_t row = 0; row < n; row += rowTile) {
      int64_t rows = std::min(rowTile, n - row);
      changed += tile.run(row, rows, &codes[row * k]);
      judge.set(row, rows, problem.weights + row * k, tile.errorsBefore(),
                tile.errorsAfter(), scratch);
    }
  }
  CodeRefineResult result;
  static_cast<StepLosses &>(result) = judge.losses();
  if (result.accepted) {
    result.changedCodes = changed;
    matrix.codes = std::move(codes);
  }
  return result;
}
