//===- CodeRefineTest.cpp ---------------------------------------*- C++ -*-===//
//
// Part of the awq-mlir project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "awq/Calibration/CodeRefine.h"
#include "awq/Calibration/WeightFit.h"

#include "WeightProblem.h"

#include <gtest/gtest.h>
#include <omp.h>

using namespace awq;
using namespace awq::calibration;
using namespace awq::test;

TEST(CodeRefine, LossesEqualBruteForce) {
  FitProblem p;
  for (const QuantScheme &scheme : schemes) {
    QuantizedMatrix before = p.quantized(scheme), after = before;
    auto r = refineCodes(p.problem, after);
    ASSERT_TRUE(r);
    ASSERT_TRUE(r->accepted);
    EXPECT_EQ(after.scales, before.scales);
    EXPECT_EQ(after.zeros, before.zeros);
    double was = p.loss(p.fit, before), is = p.loss(p.fit, after);
    EXPECT_NEAR(r->fitBefore, was, 1e-4 * was);
    EXPECT_NEAR(r->fit, is, 1e-4 * is);
    EXPECT_LT(is, 0.9 * was);
    double guard = p.loss(p.guard, after);
    EXPECT_NEAR(r->guard, guard, 1e-4 * guard);
    int64_t changed = 0;
    for (size_t i = 0; i < after.codes.size(); ++i) {
      changed += after.codes[i] != before.codes[i];
      EXPECT_LT(after.codes[i], 1 << scheme.bits);
    }
    EXPECT_EQ(r->changedCodes, changed);
    EXPECT_GT(changed, 0);
  }
}

TEST(CodeRefine, NoSingleStepIsBetter) {
  FitProblem p;
  p.problem.guardGram = nullptr;
  QuantScheme scheme{3, 32, false, ScaleType::F32};
  QuantizedMatrix matrix = p.quantized(scheme);
  ASSERT_TRUE(refineCodes(p.problem, matrix, {/*sweeps=*/1000, 0.0}));
  double best = p.loss(p.fit, matrix);
  for (size_t i = 0; i < matrix.codes.size(); i += 53)
    for (int step : {-1, 1}) {
      int code = matrix.codes[i] + step;
      if (code < 0 || code > 7)
        continue;
      QuantizedMatrix other = matrix;
      other.codes[i] = static_cast<uint8_t>(code);
      EXPECT_GT(p.loss(p.fit, other), best * (1 - 1e-6)) << "code " << i;
    }
}

TEST(CodeRefine, WithoutCorrelationsTheNearestCodesStay) {
  FitProblem p;
  p.problem.guardGram = nullptr;
  for (const QuantScheme &scheme : schemes) {
    QuantizedMatrix before = p.quantized(scheme), after = before;
    auto r = refineCodes(p.problem, after, {/*sweeps=*/8, /*shrinkage=*/1.0});
    ASSERT_TRUE(r);
    EXPECT_EQ(r->changedCodes, 0);
    EXPECT_EQ(after.codes, before.codes);
  }
}

TEST(CodeRefine, TheGuardRefuses) {
  // Two inputs that always come together in the fit part, so that errors of
  // their weights may cancel, and with opposite signs in the guard part.
  std::vector<float> w = {1.5f, 0.14f, 0.13f, 0.46f};
  std::vector<float> fit(16), guard(16);
  for (int i : {1, 2})
    for (int j : {1, 2}) {
      fit[i * 4 + j] = 1.0f;
      guard[i * 4 + j] = i == j ? 1.0f : -1.0f;
    }
  QuantScheme scheme{4, 0, false, ScaleType::F32};
  auto matrix = quantize(w.data(), 1, 4, scheme);
  ASSERT_TRUE(matrix);
  std::vector<uint8_t> before = matrix->codes;
  auto r = refineCodes({"w", w.data(), fit.data(), guard.data()}, *matrix);
  ASSERT_TRUE(r);
  EXPECT_FALSE(r->accepted);
  EXPECT_LT(r->fit, r->fitBefore);
  EXPECT_GT(r->guard, r->guardBefore);
  EXPECT_EQ(matrix->codes, before);
  // Without a guard part it is taken.
  r = refineCodes({"w", w.data(), fit.data(), nullptr}, *matrix);
  ASSERT_TRUE(r);
  EXPECT_TRUE(r->accepted);
  EXPECT_NE(matrix->codes, before);
}

TEST(CodeRefine, SameBitsForAnyNumberOfThreads) {
  FitProblem p;
  int threads = omp_get_max_threads();
  QuantizedMatrix one = p.quantized(schemes[0]), four = one;
  omp_set_num_threads(1);
  auto first = refineCodes(p.problem, one);
  omp_set_num_threads(4);
  auto second = refineCodes(p.problem, four);
  omp_set_num_threads(threads);
  ASSERT_TRUE(first);
  ASSERT_TRUE(second);
  EXPECT_EQ(one.codes, four.codes);
  EXPECT_EQ(first->fit, second->fit);
  EXPECT_EQ(first->guard, second->guard);
}

TEST(CodeRefine, OptionsOutOfRange) {
  FitProblem p;
  QuantizedMatrix matrix = p.quantized(schemes[0]);
  for (CodeRefineOptions options :
       {CodeRefineOptions{-1, 0.0}, CodeRefineOptions{1, -0.1},
        CodeRefineOptions{1, 1.5}}) {
    auto r = refineCodes(p.problem, matrix, options);
    ASSERT_FALSE(r);
    EXPECT_EQ(r.error().code, "AWQ1313");
  }
}

TEST(WeightFit, EachRoundGains) {
  FitProblem p;
  p.problem.guardGram = nullptr;
  const QuantScheme &scheme = schemes[0];
  double last = 1.0;
  for (int rounds : {0, 1, 2, 4}) {
    QuantizedMatrix matrix = p.quantized(scheme);
    WeightFitOptions options;
    options.rounds = rounds;
    auto r = fitWeight(p.problem, matrix, options);
    ASSERT_TRUE(r);
    double loss = p.loss(p.fit, matrix);
    EXPECT_LT(loss, last);
    last = loss;
    if (rounds == 0) {
      EXPECT_NEAR(r->refit.fit, loss, 1e-4 * loss);
      EXPECT_EQ(r->refine.changedCodes, 0);
    } else {
      EXPECT_NEAR(r->refine.fit, loss, 1e-4 * loss);
      EXPECT_NEAR(r->refine.fitBefore, r->refit.fit, 1e-4 * loss);
      EXPECT_GT(r->refine.changedCodes, 0);
    }
  }
}

TEST(WeightFit, StepsCanBeLeftOut) {
  FitProblem p;
  p.problem.guardGram = nullptr;
  QuantizedMatrix rounded = p.quantized(schemes[0]);
  QuantizedMatrix neither = rounded, scales = rounded, codes = rounded;
  ASSERT_TRUE(fitWeight(p.problem, neither, {false, false, 2, {}, {}}));
  EXPECT_EQ(neither.codes, rounded.codes);
  EXPECT_EQ(neither.scales, rounded.scales);
  ASSERT_TRUE(fitWeight(p.problem, scales, {true, false, 2, {}, {}}));
  EXPECT_EQ(scales.codes, rounded.codes);
  EXPECT_NE(scales.scales, rounded.scales);
  ASSERT_TRUE(fitWeight(p.problem, codes, {false, true, 2, {}, {}}));
  EXPECT_NE(codes.codes, rounded.codes);
  EXPECT_EQ(codes.scales, rounded.scales);
}
