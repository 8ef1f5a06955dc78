//===- ScaleRefitTest.cpp ---------------------------------------*- C++ -*-===//
//
// Part of the awq-mlir project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "awq/Calibration/ScaleRefit.h"

#include "WeightProblem.h"

#include <gtest/gtest.h>
#include <omp.h>

using namespace awq;
using namespace awq::calibration;
using namespace awq::test;

TEST(ScaleRefit, LossesEqualBruteForce) {
  FitProblem p;
  for (const QuantScheme &scheme : schemes) {
    QuantizedMatrix before = p.quantized(scheme), after = before;
    auto r = refitScales(p.problem, after);
    ASSERT_TRUE(r);
    ASSERT_TRUE(r->accepted);
    EXPECT_EQ(after.codes, before.codes);
    EXPECT_EQ(after.zeros, before.zeros);
    double was = p.loss(p.fit, before), is = p.loss(p.fit, after);
    EXPECT_NEAR(r->fitBefore, was, 1e-4 * was);
    EXPECT_NEAR(r->fit, is, 1e-4 * is);
    EXPECT_LT(is, was);
    double guard = p.loss(p.guard, after);
    EXPECT_NEAR(r->guard, guard, 1e-4 * guard);
    EXPECT_GT(r->changedRows, p.n / 2);
    for (float scale : after.scales)
      EXPECT_EQ(scale, roundToScaleType(scale, scheme.scale));
  }
}

TEST(ScaleRefit, FindsTheScalesThatTheWeightWasMadeOf) {
  FitProblem p;
  QuantScheme scheme{4, 32, false, ScaleType::F32};
  QuantizedMatrix matrix = p.quantized(scheme);
  p.w = dequantize(matrix);
  p.problem.weights = p.w.data();
  std::vector<float> made = matrix.scales;
  for (size_t i = 0; i < matrix.scales.size(); ++i)
    matrix.scales[i] *= i % 3 == 0 ? 1.2f : 0.9f;
  auto r = refitScales(p.problem, matrix, {/*damping=*/0.0, 2.0});
  ASSERT_TRUE(r);
  EXPECT_EQ(r->changedRows, p.n);
  EXPECT_LT(r->fit, 1e-8);
  for (size_t i = 0; i < made.size(); ++i)
    EXPECT_NEAR(matrix.scales[i], made[i], 1e-4f * made[i]);
}

TEST(ScaleRefit, NoNeighbourIsBetter) {
  FitProblem p;
  p.problem.guardGram = nullptr;
  QuantScheme scheme{3, 32, false, ScaleType::F32};
  QuantizedMatrix matrix = p.quantized(scheme);
  ASSERT_TRUE(refitScales(p.problem, matrix, {/*damping=*/0.0, 1e6}));
  double best = p.loss(p.fit, matrix);
  for (size_t i = 0; i < matrix.scales.size(); i += 7)
    for (float factor : {0.99f, 1.01f}) {
      QuantizedMatrix other = matrix;
      other.scales[i] *= factor;
      EXPECT_GT(p.loss(p.fit, other), best) << "scale " << i;
    }
}

TEST(ScaleRefit, StrongDampingHoldsScales) {
  FitProblem p;
  QuantizedMatrix before = p.quantized(schemes[0]), after = before;
  auto r = refitScales(p.problem, after, {/*damping=*/1e9, 2.0});
  ASSERT_TRUE(r);
  EXPECT_EQ(r->changedRows, 0);
  EXPECT_EQ(after.scales, before.scales);
}

TEST(ScaleRefit, TheGuardRefuses) {
  // The largest weight is met exactly by the scale of the range. It is never
  // active in the fit part and alone is in the guard part.
  std::vector<float> w = {1.5f, 0.13f, 0.33f, 0.46f};
  std::vector<float> fit(16), guard(16);
  for (int i = 1; i < 4; ++i)
    fit[i * 4 + i] = 1.0f;
  guard[0] = 1.0f;
  QuantScheme scheme{4, 0, false, ScaleType::F32};
  auto matrix = quantize(w.data(), 1, 4, scheme);
  ASSERT_TRUE(matrix);
  std::vector<float> before = matrix->scales;
  auto r = refitScales({"w", w.data(), fit.data(), guard.data()}, *matrix);
  ASSERT_TRUE(r);
  EXPECT_FALSE(r->accepted);
  EXPECT_LT(r->fit, r->fitBefore);
  EXPECT_GT(r->guard, r->guardBefore);
  EXPECT_EQ(r->changedRows, 0);
  EXPECT_EQ(matrix->scales, before);
  // Without a guard part it is taken.
  r = refitScales({"w", w.data(), fit.data(), nullptr}, *matrix);
  ASSERT_TRUE(r);
  EXPECT_TRUE(r->accepted);
  EXPECT_NE(matrix->scales, before);
}

TEST(ScaleRefit, GroupsWithoutInputKeepTheirScales) {
  FitProblem p;
  for (int64_t i = 0; i < p.k; ++i)
    for (int64_t j = 0; j < 32; ++j)
      p.fitGram[i * p.k + j] = p.fitGram[j * p.k + i] = 0.0f;
  p.problem.guardGram = nullptr;
  QuantScheme scheme{4, 32, false, ScaleType::F16};
  QuantizedMatrix before = p.quantized(scheme), after = before;
  auto r = refitScales(p.problem, after);
  ASSERT_TRUE(r);
  EXPECT_GT(r->changedRows, p.n / 2);
  for (int64_t row = 0; row < p.n; ++row)
    EXPECT_EQ(after.scales[row * 3], before.scales[row * 3]);
}

TEST(ScaleRefit, SameBitsForAnyNumberOfThreads) {
  FitProblem p;
  int threads = omp_get_max_threads();
  QuantizedMatrix one = p.quantized(schemes[0]), four = one;
  omp_set_num_threads(1);
  auto first = refitScales(p.problem, one);
  omp_set_num_threads(4);
  auto second = refitScales(p.problem, four);
  omp_set_num_threads(threads);
  ASSERT_TRUE(first);
  ASSERT_TRUE(second);
  EXPECT_EQ(one.scales, four.scales);
  EXPECT_EQ(first->fit, second->fit);
  EXPECT_EQ(first->guard, second->guard);
}

TEST(ScaleRefit, OptionsOutOfRange) {
  FitProblem p;
  QuantizedMatrix matrix = p.quantized(schemes[0]);
  for (RefitOptions options :
       {RefitOptions{-0.1, 2.0}, RefitOptions{0.0, 0.5}}) {
    auto r = refitScales(p.problem, matrix, options);
    ASSERT_FALSE(r);
    EXPECT_EQ(r.error().code, "AWQ1313");
  }
}
