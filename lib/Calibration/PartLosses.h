//===- PartLosses.h - losses before and after a step ------------*- C++ -*-===//
//
// Part of the awq-mlir project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef AWQ_LIB_CALIBRATION_PARTLOSSES_H
#define AWQ_LIB_CALIBRATION_PARTLOSSES_H

#include "awq/Calibration/GramLoss.h"
#include "awq/Calibration/StepLosses.h"

namespace awq::calibration {

/// The losses of a weight's rows on one part of the samples, without and with
/// what a step changed. All are 0 for a part that is not there.
class PartLosses {
public:
  /// `gram` [k, k] of the part, or null; not owned.
  PartLosses(const float *gram, int64_t n, int64_t k)
      : gram(gram), k(k), norms(n), olds(n), news(n) {}

  /// Sets rows `row` to `row` + `rows`, from their weights and errors [rows,
  /// k]. Calls for different rows may overlap.
  void set(int64_t row, int64_t rows, const float *weights, const float *before,
           const float *after, std::vector<float> &scratch) {
    if (!gram)
      return;
    rowGramLosses(weights, rows, gram, k, &norms[row], scratch);
    rowGramLosses(before, rows, gram, k, &olds[row], scratch);
    rowGramLosses(after, rows, gram, k, &news[row], scratch);
  }

  /// tr(D G D^T) / tr(W G W^T); 0 for a dead site.
  double before() const { return relative(olds); }
  double after() const { return relative(news); }

private:
  double relative(const std::vector<double> &losses) const {
    double norm = total(norms);
    return norm > 0.0 ? total(losses) / norm : 0.0;
  }
  static double total(const std::vector<double> &values) {
    double sum = 0.0;
    for (double value : values)
      sum += value;
    return sum;
  }

  const float *gram;
  int64_t k;
  std::vector<double> norms, olds, news;
};

/// Judges a step on a weight by both parts of the samples.
class StepJudge {
public:
  /// The Gram matrices as in PartLosses; `guardGram` may be null.
  StepJudge(const float *fitGram, const float *guardGram, int64_t n, int64_t k)
      : fit(fitGram, n, k), guard(guardGram, n, k) {}

  /// See PartLosses::set.
  void set(int64_t row, int64_t rows, const float *weights, const float *before,
           const float *after, std::vector<float> &scratch) {
    fit.set(row, rows, weights, before, after, scratch);
    guard.set(row, rows, weights, before, after, scratch);
  }

  /// The guard part accepts what does not raise its loss.
  StepLosses losses() const {
    StepLosses losses;
    losses.fitBefore = fit.before();
    losses.fit = fit.after();
    losses.guardBefore = guard.before();
    losses.guard = guard.after();
    losses.accepted = losses.guard <= losses.guardBefore;
    return losses;
  }

private:
  PartLosses fit, guard;
};

} // namespace awq::calibration

#endif // AWQ_LIB_CALIBRATION_PARTLOSSES_H
