//===- ScaleSearchTest.cpp - the scale search against brute force *- C++
//-*-===//
//
// Part of the awq-mlir project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "awq/Calibration/ScaleSearch.h"
#include "awq/Calibration/GramLoss.h"
#include "awq/Dialect/AWQ/Utils/Quantize.h"

#include "TestData.h"

#include <gtest/gtest.h>
#include <limits>
#include <omp.h>

using namespace awq;
using namespace awq::calibration;
using namespace awq::test;

namespace {

const QuantScheme scheme{3, 16, false, ScaleType::F16};

/// A scaling group over two linears of 160 channels (two blocks of the Gram
/// matrix) with its data.
struct Problem {
  int64_t k = 160;
  std::vector<float> fit = randomActivations(300, k, 1);
  std::vector<float> guard = randomActivations(200, k, 2);
  std::vector<float> mean = meanAbsOf(fit, k);
  std::vector<float> fitGram = gramOf(fit, k), guardGram = gramOf(guard, k);
  std::vector<float> a = randomVector(70 * k, 3, 0.1f);
  std::vector<float> b = randomVector(9 * k, 4, 0.3f);
  ScaleGroup group;

  Problem() {
    group.name = "layer.qk";
    group.channels = k;
    group.weights = {{"a", a.data(), 70}, {"b", b.data(), 9}};
    group.meanAbs = mean.data();
    group.fitGram = fitGram.data();
    group.guardGram = guardGram.data();
  }
};

/// Q(W s) / s - W with the public quantizer.
std::vector<double> scaledError(const std::vector<float> &w, int64_t k,
                                const std::vector<float> &s) {
  std::vector<float> scaled(w);
  for (size_t i = 0; i < w.size(); ++i)
    scaled[i] *= s[i % k];
  auto q = quantize(scaled.data(), int64_t(w.size()) / k, k, scheme);
  EXPECT_TRUE(q);
  std::vector<float> back = dequantize(*q);
  std::vector<double> error(w.size());
  for (size_t i = 0; i < w.size(); ++i)
    error[i] = double(back[i]) / s[i % k] - w[i];
  return error;
}

/// The loss from the activations themselves.
double bruteForceLoss(const Problem &p, const std::vector<float> &x,
                      const std::vector<float> &s) {
  double loss = 0.0;
  for (const std::vector<float> *w : {&p.a, &p.b})
    loss += outputEnergy(x, scaledError(*w, p.k, s), p.k) /
            outputEnergy(x, std::vector<double>(w->begin(), w->end()), p.k);
  return loss;
}

/// The formulas of AWQ, transcribed in double.
std::vector<float> formulaScales(const Problem &p, bool duo, double r) {
  std::vector<double> w(p.k, 0.0), s(p.k);
  for (const std::vector<float> *weights : {&p.a, &p.b})
    for (size_t g = 0; g < weights->size(); g += 16) {
      double max = 0.0;
      for (int i = 0; i < 16; ++i)
        max = std::max(max, std::fabs(double((*weights)[g + i])));
      for (int i = 0; i < 16; ++i)
        w[(g + i) % p.k] +=
            std::fabs((*weights)[g + i]) / (max + 1e-6) / (70 + 9);
    }
  double low = 1e300, high = 0.0;
  for (int64_t c = 0; c < p.k; ++c) {
    s[c] = std::pow(double(p.mean[c]), r);
    if (duo)
      s[c] /= std::pow(w[c], 1 - r) + 1e-4;
    s[c] = std::max(s[c], 1e-4);
    low = std::min(low, s[c]);
    high = std::max(high, s[c]);
  }
  std::vector<float> result;
  for (double value : s)
    result.push_back(float(value / std::sqrt(low * high)));
  return result;
}

} // namespace

TEST(GramLoss, EqualsTheOutputEnergy) {
  for (int64_t k : {1, 7, 144, 145, 300}) {
    std::vector<float> x = randomActivations(50, k, 5);
    std::vector<float> gram = gramOf(x, k);
    std::vector<float> d = randomVector(67 * k, 6, 0.01f);
    double expected =
        outputEnergy(x, std::vector<double>(d.begin(), d.end()), k);
    EXPECT_NEAR(gramLoss(d.data(), 67, gram.data(), k), expected,
                1e-4 * expected)
        << k;
  }
}

TEST(GramLoss, ScalingActivationsDividesTheirGramMatrix) {
  std::vector<float> x = randomActivations(20, 3, 5), scaled(x);
  std::vector<float> s = {0.5f, 2.0f, 4.0f}; // exact divisions
  for (size_t i = 0; i < x.size(); ++i)
    scaled[i] /= s[i % 3];
  EXPECT_EQ(scaledGram(gramOf(x, 3).data(), s.data(), 3), gramOf(scaled, 3));
}

TEST(ScaleSearch, CandidatesFollowTheFormulas) {
  Problem p;
  std::vector<float> w = relativeWeightMeans(p.group.weights, p.k, scheme);
  for (bool duo : {false, true})
    for (double r : {0.05, 0.5, 1.0}) {
      std::vector<float> expected = formulaScales(p, duo, r);
      std::vector<float> s = scaleCandidate(
          duo ? ScaleFormula::Duo : ScaleFormula::Plain, r, p.mean, w);
      double low = 1e30, high = 0.0;
      for (int64_t c = 0; c < p.k; ++c) {
        ASSERT_NEAR(s[c], expected[c], 1e-5 * expected[c]);
        low = std::min<double>(low, s[c]);
        high = std::max<double>(high, s[c]);
      }
      EXPECT_NEAR(low * high, 1.0, 1e-5) << "normalised";
    }
  EXPECT_EQ(scaleCandidate(ScaleFormula::Identity, 0.0, p.mean, w),
            std::vector<float>(p.k, 1.0f));
}

TEST(ScaleSearch, LossesEqualBruteForce) {
  Problem p;
  auto result = searchScales(p.group, scheme, {4, true, true});
  ASSERT_TRUE(result);
  ASSERT_EQ(result->candidates.size(), 9u);
  EXPECT_EQ(result->candidates[0].formula, ScaleFormula::Identity);
  std::vector<float> w = relativeWeightMeans(p.group.weights, p.k, scheme);
  double best = std::numeric_limits<double>::infinity();
  for (const ScaleCandidate &candidate : result->candidates) {
    std::vector<float> s =
        scaleCandidate(candidate.formula, candidate.ratio, p.mean, w);
    double expected = bruteForceLoss(p, p.fit, s);
    EXPECT_NEAR(candidate.loss, expected, 1e-4 * expected)
        << name(candidate.formula) << " " << candidate.ratio;
    best = std::min(best, candidate.loss);
  }
  EXPECT_EQ(result->fit, best);
  EXPECT_EQ(result->fitRtn, result->candidates[0].loss);
  EXPECT_LT(result->fit, 0.8 * result->fitRtn) << "AWQ helps on such data";
  double guard = bruteForceLoss(p, p.guard, result->readerScales);
  EXPECT_NEAR(result->guard, guard, 1e-4 * guard);
  EXPECT_TRUE(result->accepted);
  EXPECT_EQ(result->producerScales, result->readerScales);
}

TEST(ScaleSearch, GridsCanBeLeftOut) {
  Problem p;
  auto duo = searchScales(p.group, scheme, {20, true, false});
  auto plain = searchScales(p.group, scheme, {20, false, true});
  auto none = searchScales(p.group, scheme, {20, false, false});
  ASSERT_TRUE(duo && plain && none);
  EXPECT_EQ(duo->candidates.size(), 21u);
  EXPECT_EQ(plain->candidates.size(), 21u);
  EXPECT_EQ(plain->candidates.back().ratio, 1.0);
  EXPECT_EQ(none->formula, ScaleFormula::Identity);
  EXPECT_EQ(none->readerScales, std::vector<float>(p.k, 1.0f));
}

/// Guard activations that live in the channels which the fit part never saw:
/// every scaling for the fit part makes those worse.
TEST(ScaleSearch, TheGuardRefusesWhatHurtsThere) {
  Problem p;
  std::vector<float> fit(p.fit), guard(p.guard);
  for (size_t i = 0; i < fit.size(); ++i)
    fit[i] *= i % p.k % 2 ? 1.0f : 1e-3f;
  for (size_t i = 0; i < guard.size(); ++i)
    guard[i] *= i % p.k % 2 ? 1e-3f : 1.0f;
  std::vector<float> mean = meanAbsOf(fit, p.k), fitGram = gramOf(fit, p.k),
                     guardGram = gramOf(guard, p.k);
  p.group.meanAbs = mean.data();
  p.group.fitGram = fitGram.data();
  p.group.guardGram = guardGram.data();
  auto result = searchScales(p.group, scheme);
  ASSERT_TRUE(result);
  EXPECT_FALSE(result->accepted);
  EXPECT_LT(result->fit, result->fitRtn);
  EXPECT_GT(result->guard, result->guardRtn);
  EXPECT_EQ(result->formula, ScaleFormula::Identity);
  EXPECT_EQ(result->readerScales, std::vector<float>(p.k, 1.0f));
  p.group.guardGram = nullptr;
  result = searchScales(p.group, scheme);
  ASSERT_TRUE(result);
  EXPECT_TRUE(result->accepted) << "nothing judges without a guard part";
  EXPECT_NE(result->formula, ScaleFormula::Identity);
}

/// Grouped-query attention: 10 heads of 16 channels read 5 of a producer that
/// has a sixth, unread one.
TEST(ScaleSearch, TiedChannelsShareTheirScale) {
  Problem p;
  for (int64_t c = 0; c < p.k; ++c)
    p.group.producer.push_back(c / 32 * 16 + c % 16);
  p.group.producerChannels = 96;
  auto result = searchScales(p.group, scheme);
  ASSERT_TRUE(result);
  ASSERT_EQ(result->producerScales.size(), 96u);
  ASSERT_NE(result->formula, ScaleFormula::Identity);
  for (int64_t c = 0; c < p.k; ++c)
    EXPECT_EQ(result->readerScales[c],
              result->producerScales[p.group.producer[c]]);
  for (int64_t c = 80; c < 96; ++c)
    EXPECT_EQ(result->producerScales[c], 1.0f) << "unread";
  // The formula sees the mean over the tied channels.
  std::vector<float> w = relativeWeightMeans(p.group.weights, p.k, scheme);
  std::vector<float> x(80), tiedW(80);
  for (int64_t c = 0; c < p.k; ++c) {
    x[p.group.producer[c]] += p.mean[c] / 2;
    tiedW[p.group.producer[c]] += w[c] / 2;
  }
  std::vector<float> expected =
      scaleCandidate(result->formula, result->ratio, x, tiedW);
  for (int64_t c = 0; c < 80; ++c)
    EXPECT_NEAR(result->producerScales[c], expected[c], 1e-5 * expected[c]);
}

TEST(ScaleSearch, ThreadsChangeNothing) {
  Problem p;
  int before = omp_get_max_threads();
  omp_set_num_threads(1);
  auto one = searchScales(p.group, scheme);
  omp_set_num_threads(2);
  auto two = searchScales(p.group, scheme);
  omp_set_num_threads(before);
  ASSERT_TRUE(one && two);
  EXPECT_EQ(one->readerScales, two->readerScales);
  for (size_t c = 0; c < one->candidates.size(); ++c)
    EXPECT_EQ(one->candidates[c].loss, two->candidates[c].loss);
  EXPECT_EQ(one->guard, two->guard);
}

TEST(ScaleSearch, DeadChannelsAndSites) {
  Problem p;
  std::vector<float> mean(p.k, 0.0f), gram(p.k * p.k, 0.0f);
  p.group.meanAbs = mean.data();
  p.group.fitGram = gram.data();
  p.group.guardGram = nullptr;
  auto result = searchScales(p.group, scheme);
  ASSERT_TRUE(result);
  EXPECT_EQ(result->formula, ScaleFormula::Identity) << "no loss below zero";
  EXPECT_EQ(result->fit, 0.0);
}

TEST(ScaleSearchErrors, NameWhatIsWrong) {
  auto expectCode = [](const Result<ScaleSearchResult> &result,
                       const char *code, const char *text) {
    ASSERT_FALSE(result);
    EXPECT_EQ(result.error().code, code);
    EXPECT_NE(result.error().str().find(text), std::string::npos)
        << result.error().str();
  };
  Problem p;
  p.group.producer = {0, 1};
  expectCode(searchScales(p.group, scheme), "AWQ1310", "2 entries");
  p.group.producer.assign(p.k, 160);
  expectCode(searchScales(p.group, scheme), "AWQ1310", "layer.qk");
  p.group.producer.clear();
  p.mean[5] = std::numeric_limits<float>::quiet_NaN();
  expectCode(searchScales(p.group, scheme), "AWQ1311", "channel 5");
  p.mean[5] = -1.0f;
  expectCode(searchScales(p.group, scheme), "AWQ1311", "channel 5");
  p.mean[5] = 1.0f;
  p.a[160 + 17] = std::numeric_limits<float>::infinity();
  expectCode(searchScales(p.group, scheme), "AWQ1205", "a, row 1, group 1");
  QuantScheme bad = scheme;
  bad.group = 48;
  expectCode(searchScales(p.group, bad), "AWQ1204", "48");
}
