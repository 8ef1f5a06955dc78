//===- ClipSearchTest.cpp - the clip search against brute force -*- C++ -*-===//
//
// Part of the awq-mlir project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "awq/Calibration/ClipSearch.h"
#include "awq/Dialect/AWQ/Utils/Quantize.h"

#include "WeightProblem.h"

#include <algorithm>
#include <gtest/gtest.h>
#include <limits>
#include <omp.h>

using namespace awq;
using namespace awq::calibration;
using namespace awq::test;

namespace {

struct Problem : WeightProblem {
  ClipProblem problem;

  Problem() {
    for (size_t i = 0; i < w.size(); i += 37)
      w[i] *= 4.0f; // outliers that are worth clipping
    problem = {"w", w.data(), n, k, fitGram.data(), guardGram.data()};
  }

  /// Relative output error on x of the weights quantized with these bounds.
  double loss(const std::vector<float> &x, const QuantScheme &scheme,
              ClipBounds clip) const {
    auto q = quantize(w.data(), n, k, scheme, clip);
    EXPECT_TRUE(q);
    return WeightProblem::loss(x, *q);
  }
};

} // namespace

TEST(ClipSearch, LossesEqualBruteForce) {
  Problem p;
  for (const QuantScheme &scheme : schemes) {
    auto r = searchClips(p.problem, scheme);
    ASSERT_TRUE(r);
    ASSERT_TRUE(r->accepted);
    ClipBounds clip{r->lo.data(), r->hi.data()};
    double before = p.loss(p.fit, scheme, {}),
           after = p.loss(p.fit, scheme, clip);
    EXPECT_NEAR(r->fitBefore, before, 1e-4 * before);
    EXPECT_NEAR(r->fit, after, 1e-4 * after);
    double guard = p.loss(p.guard, scheme, clip);
    EXPECT_NEAR(r->guard, guard, 1e-4 * guard);
    EXPECT_LT(after, before);
    EXPECT_GT(r->clippedGroups, 0);
  }
}

TEST(ClipSearch, BoundsLieInsideTheRangeOnTheGrid) {
  Problem p;
  for (const QuantScheme &scheme : schemes) {
    auto r = searchClips(p.problem, scheme);
    ASSERT_TRUE(r);
    int64_t size = scheme.groupSize(p.k), clipped = 0;
    for (int64_t i = 0; i < int64_t(r->lo.size()); ++i) {
      float min, max;
      groupRange(&p.w[i * size], size, min, max);
      ASSERT_LE(min, r->lo[i]);
      ASSERT_LE(r->lo[i], r->hi[i]);
      ASSERT_LE(r->hi[i], max);
      for (double factor : {r->lo[i] / double(min), r->hi[i] / double(max)}) {
        ASSERT_GE(factor, 0.55 - 1e-6);
        ASSERT_NEAR(factor * 20, std::rint(factor * 20), 1e-4);
      }
      clipped += r->lo[i] > min || r->hi[i] < max;
    }
    EXPECT_EQ(clipped, r->clippedGroups);
  }
}

/// With one group per row and one pass the search is: the best minimum for the
/// full maximum, then the best maximum for that minimum.
TEST(ClipSearch, OneGroupEqualsExhaustiveLines) {
  Problem p;
  p.problem.k = p.k = 24;
  p.fit.resize(150 * 24);
  p.fitGram = gramOf(p.fit, 24);
  p.w.resize(p.n * 24);
  p.problem = {"w", p.w.data(), p.n, 24, p.fitGram.data(), nullptr};
  QuantScheme scheme{3, 0, false, ScaleType::F16};
  auto r = searchClips(p.problem, scheme, {0.5, 0.1, 1});
  ASSERT_TRUE(r);
  auto rowLoss = [&](int64_t row, float lo, float hi) {
    auto q = quantize(&p.w[row * 24], 1, 24, scheme, {&lo, &hi});
    std::vector<float> back = dequantize(*q);
    std::vector<double> error(24);
    for (int c = 0; c < 24; ++c)
      error[c] = double(back[c]) - p.w[row * 24 + c];
    return outputEnergy(p.fit, error, 24);
  };
  for (int64_t row = 0; row < p.n; ++row) {
    float min, max;
    groupRange(&p.w[row * 24], 24, min, max);
    auto factor = [](int i) { return 1.0 - 0.1 * i; };
    double best = rowLoss(row, min, max);
    float lo = min;
    for (int i = 1; i <= 5; ++i)
      if (double l = rowLoss(row, float(min * factor(i)), max); l < best) {
        best = l;
        lo = float(min * factor(i));
      }
    for (int i = 1; i <= 5; ++i)
      best = std::min(best, rowLoss(row, lo, float(max * factor(i))));
    // Equal up to candidates whose losses fp32 cannot tell apart.
    EXPECT_NEAR(rowLoss(row, r->lo[row], r->hi[row]), best, 1e-4 * best) << row;
  }
}

TEST(ClipSearch, MorePassesAreNeverWorse) {
  Problem p;
  double previous = std::numeric_limits<double>::infinity();
  for (int passes : {1, 2, 4}) {
    auto r = searchClips(p.problem, schemes[0], {0.55, 0.05, passes});
    ASSERT_TRUE(r);
    EXPECT_LE(r->fit, previous * (1 + 1e-5));
    previous = r->fit;
  }
}

/// Whole-row weighting: judged by the rows' outputs, the search beats the one
/// that looks at each group by itself (a Gram matrix without the blocks off
/// the diagonal).
TEST(ClipSearch, WholeRowsBeatSeparateGroups) {
  Problem p;
  const QuantScheme &scheme = schemes[0];
  std::vector<float> blocks(p.fitGram);
  for (int64_t i = 0; i < p.k * p.k; ++i)
    if (i / p.k / 16 != i % p.k / 16)
      blocks[i] = 0.0f;
  auto whole = searchClips(p.problem, scheme);
  p.problem.fitGram = blocks.data();
  p.problem.guardGram = nullptr;
  auto separate = searchClips(p.problem, scheme);
  ASSERT_TRUE(whole && separate);
  EXPECT_LT(p.loss(p.fit, scheme, {whole->lo.data(), whole->hi.data()}),
            p.loss(p.fit, scheme, {separate->lo.data(), separate->hi.data()}));
}

TEST(ClipSearch, TheGuardRefusesWhatHurtsThere) {
  Problem p;
  // One row, of which the guard part sees only the ends of each group's range:
  // clipping cannot pay there.
  std::vector<float> guard(p.k * p.k, 0.0f);
  p.problem.n = 1;
  for (int64_t g = 0; g < p.k; g += 16) {
    auto [min, max] = std::minmax_element(&p.w[g], &p.w[g + 16]);
    for (const float *end : {min, max})
      guard[(end - p.w.data()) * (p.k + 1)] = 1.0f;
  }
  p.problem.guardGram = guard.data();
  auto r = searchClips(p.problem, schemes[0]);
  ASSERT_TRUE(r);
  EXPECT_FALSE(r->accepted);
  EXPECT_LT(r->fit, r->fitBefore);
  EXPECT_GT(r->guard, r->guardBefore);
  EXPECT_EQ(r->clippedGroups, 0);
  for (int64_t g = 0; g < 6; ++g) {
    float min, max;
    groupRange(&p.w[g * 16], 16, min, max);
    EXPECT_EQ(r->lo[g], min);
    EXPECT_EQ(r->hi[g], max);
  }
}

TEST(ClipSearch, GroupsOnOneSideOfZero) {
  std::vector<float> w = {1.0f,  1.1f,  1.2f, 2.0f, -1.0f, -1.5f,
                          -1.1f, -2.0f, 0.0f, 0.0f, 0.0f,  0.0f};
  std::vector<float> gram(144, 0.0f);
  for (int i = 0; i < 12; ++i)
    gram[i * 13] = i % 4 == 3 ? 1e-6f : 1.0f; // the outliers do not count
  QuantScheme scheme{2, 4, false, ScaleType::F16};
  auto r = searchClips({"w", w.data(), 1, 12, gram.data(), nullptr}, scheme);
  ASSERT_TRUE(r);
  EXPECT_LT(r->hi[0], 2.0f);
  EXPECT_GT(r->lo[1], -2.0f);
  EXPECT_LT(r->fit, r->fitBefore);
  auto q = quantize(w.data(), 1, 12, scheme, {r->lo.data(), r->hi.data()});
  EXPECT_TRUE(q) << "bounds are ranges";
}

TEST(ClipSearch, ThreadsChangeNothing) {
  Problem p;
  int before = omp_get_max_threads();
  omp_set_num_threads(1);
  auto one = searchClips(p.problem, schemes[0]);
  omp_set_num_threads(2);
  auto two = searchClips(p.problem, schemes[0]);
  omp_set_num_threads(before);
  ASSERT_TRUE(one && two);
  EXPECT_EQ(one->lo, two->lo);
  EXPECT_EQ(one->hi, two->hi);
  EXPECT_EQ(one->fit, two->fit);
  EXPECT_EQ(one->guard, two->guard);
}

TEST(ClipSearchErrors, NameWhatIsWrong) {
  Problem p;
  auto expectCode = [](const Result<ClipSearchResult> &result,
                       const char *code) {
    ASSERT_FALSE(result);
    EXPECT_EQ(result.error().code, code);
    EXPECT_NE(result.error().where.find("w"), std::string::npos);
  };
  expectCode(searchClips(p.problem, schemes[0], {0.0, 0.05, 1}), "AWQ1312");
  expectCode(searchClips(p.problem, schemes[0], {1.5, 0.05, 1}), "AWQ1312");
  expectCode(searchClips(p.problem, schemes[0], {0.5, 0.0, 1}), "AWQ1312");
  expectCode(searchClips(p.problem, schemes[0], {0.5, 0.05, 0}), "AWQ1312");
  expectCode(searchClips(p.problem, {4, 64, false, ScaleType::F16}), "AWQ1204");
  p.w[0] = std::numeric_limits<float>::quiet_NaN();
  expectCode(searchClips(p.problem, schemes[0]), "AWQ1205");
}
