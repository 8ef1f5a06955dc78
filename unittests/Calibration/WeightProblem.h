//===- WeightProblem.h - a weight and its activations -----------*- C++ -*-===//
//
// Part of the awq-mlir project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef AWQ_UNITTESTS_CALIBRATION_WEIGHTPROBLEM_H
#define AWQ_UNITTESTS_CALIBRATION_WEIGHTPROBLEM_H

#include "awq/Calibration/ScaleRefit.h"
#include "awq/Dialect/AWQ/Utils/Quantize.h"

#include "TestData.h"

#include <gtest/gtest.h>

namespace awq::test {

/// A weight of 70 rows (three row tiles) and its activations.
struct WeightProblem {
  int64_t n = 70, k = 96;
  std::vector<float> fit = randomActivations(200, k, 1);
  std::vector<float> guard = randomActivations(150, k, 2);
  std::vector<float> fitGram = gramOf(fit, k), guardGram = gramOf(guard, k);
  std::vector<float> w = randomVector(n * k, 3, 0.1f);

  /// Relative output error on x of a quantized weight.
  double loss(const std::vector<float> &x, const QuantizedMatrix &q) const {
    std::vector<float> back = dequantize(q);
    std::vector<double> error(w.size());
    for (size_t i = 0; i < w.size(); ++i)
      error[i] = double(back[i]) - w[i];
    return outputEnergy(x, error, k) /
           outputEnergy(x, std::vector<double>(w.begin(), w.end()), k);
  }
};

/// The same as what scales and codes are fitted to.
struct FitProblem : WeightProblem {
  calibration::RefitProblem problem = {"w", w.data(), fitGram.data(),
                                       guardGram.data()};

  QuantizedMatrix quantized(const QuantScheme &scheme) const {
    auto matrix = quantize(w.data(), n, k, scheme);
    EXPECT_TRUE(matrix);
    return *matrix;
  }
};

inline const QuantScheme schemes[] = {{3, 16, false, ScaleType::F16},
                                      {4, 32, true, ScaleType::F16},
                                      {4, 0, false, ScaleType::BF16}};

} // namespace awq::test

#endif // AWQ_UNITTESTS_CALIBRATION_WEIGHTPROBLEM_H
