//===- StatisticsTest.cpp - activation statistics ---------------*- C++ -*-===//
//
// Part of the awq-mlir project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "awq/Calibration/Statistics.h"

#include "TestData.h"

#include <algorithm>
#include <gtest/gtest.h>
#include <limits>
#include <omp.h>

using namespace awq;
using namespace awq::calibration;
using namespace awq::test;

namespace {

constexpr int64_t channels = 200; // not a multiple of any tile
constexpr int64_t sampleCount = 13;

struct Sample {
  int64_t index;
  Part part;
  std::vector<float> x;
};

/// Samples with gaps between their indices and different lengths.
std::vector<Sample> makeSamples() {
  std::vector<Sample> samples;
  for (int64_t i = 0; i < sampleCount; ++i)
    samples.push_back({i * 3 + i % 2, i % 4 == 3 ? Part::Guard : Part::Fit,
                       randomActivations(5 + i, channels, 100 + uint32_t(i))});
  return samples;
}

StatisticsAccumulator gather(const std::vector<Sample> &samples,
                             bool gram = false) {
  StatisticsAccumulator accumulator("site", channels, {gram, 0, 0.0});
  for (const Sample &sample : samples)
    EXPECT_TRUE(accumulator.add(sample.index, sample.part, sample.x.data(),
                                int64_t(sample.x.size()) / channels));
  return accumulator;
}

void expectSameBytes(const SiteStatistics &a, const SiteStatistics &b) {
  for (Part part : {Part::Fit, Part::Guard}) {
    EXPECT_EQ(a.part(part).tokens, b.part(part).tokens);
    EXPECT_EQ(a.part(part).meanAbs, b.part(part).meanAbs);
    EXPECT_EQ(a.part(part).maxAbs, b.part(part).maxAbs);
    EXPECT_EQ(a.part(part).meanSquare, b.part(part).meanSquare);
    EXPECT_EQ(a.part(part).gram, b.part(part).gram);
  }
}

} // namespace

TEST(Statistics, ExactNumbers) {
  StatisticsAccumulator accumulator("s", 2, {true, 0});
  float first[] = {1, -2, 3, 4}, second[] = {-5, 0}, guard[] = {7, 8};
  ASSERT_TRUE(accumulator.add(0, Part::Fit, first, 2));
  ASSERT_TRUE(accumulator.add(1, Part::Guard, guard, 1));
  ASSERT_TRUE(accumulator.add(5, Part::Fit, second, 1));
  SiteStatistics s = accumulator.finish();
  EXPECT_EQ(s.name, "s");
  EXPECT_EQ(s.channels, 2);
  EXPECT_EQ(s.fit.tokens, 3);
  EXPECT_EQ(s.fit.meanAbs, (std::vector<float>{3, 2}));
  EXPECT_EQ(s.fit.maxAbs, (std::vector<float>{5, 4}));
  EXPECT_EQ(s.fit.meanSquare, (std::vector<float>{35.0f / 3, 20.0f / 3}));
  EXPECT_EQ(s.fit.gram, (std::vector<float>{35, 10, 10, 20}));
  EXPECT_EQ(s.guard.tokens, 1);
  EXPECT_EQ(s.guard.meanAbs, (std::vector<float>{7, 8}));
  EXPECT_EQ(s.guard.gram, (std::vector<float>{49, 56, 56, 64}));
}

TEST(Statistics, AgreesWithDirectSums) {
  std::vector<Sample> samples = makeSamples();
  std::vector<float> all;
  for (const Sample &sample : samples)
    if (sample.part == Part::Fit)
      all.insert(all.end(), sample.x.begin(), sample.x.end());
  SiteStatistics s = gather(samples, true).finish();
  std::vector<float> mean = meanAbsOf(all, channels);
  std::vector<float> gram = gramOf(all, channels);
  for (int64_t c = 0; c < channels; ++c)
    ASSERT_FLOAT_EQ(s.fit.meanAbs[c], mean[c]);
  for (int64_t i = 0; i < channels * channels; ++i) {
    double scale = std::sqrt(double(gram[i / channels * (channels + 1)]) *
                             gram[i % channels * (channels + 1)]);
    ASSERT_NEAR(s.fit.gram[i], gram[i], 2e-6 * scale);
  }
}

TEST(Statistics, OrderOfArrivalChangesNothing) {
  std::vector<Sample> samples = makeSamples();
  SiteStatistics expected = gather(samples).finish();
  std::mt19937 engine(1);
  for (int trial = 0; trial < 20; ++trial) {
    std::shuffle(samples.begin(), samples.end(), engine);
    expectSameBytes(gather(samples).finish(), expected);
  }
}

TEST(Statistics, ShardsMergeToTheSameBytes) {
  std::vector<Sample> samples = makeSamples();
  SiteStatistics expected = gather(samples).finish();
  for (int shards : {2, 3, 5})
    for (bool blocks : {false, true}) {
      std::vector<std::vector<Sample>> dealt(shards);
      for (int64_t i = 0; i < sampleCount; ++i)
        dealt[blocks ? i * shards / sampleCount : i % shards].push_back(
            samples[i]);
      // Right to left, and left to right: merging is associative.
      StatisticsAccumulator left = gather(dealt[0]);
      for (int s = 1; s < shards; ++s)
        ASSERT_TRUE(left.merge(gather(dealt[s])));
      expectSameBytes(left.finish(), expected);
      StatisticsAccumulator right = gather(dealt[shards - 1]);
      for (int s = shards - 2; s >= 0; --s)
        ASSERT_TRUE(right.merge(gather(dealt[s])));
      expectSameBytes(right.finish(), expected);
    }
}

/// The tree itself: (((x0 + x1) + (x2 + x3)) + ...), not a running sum. With
/// these numbers the two differ in fp64.
TEST(Statistics, SumsAreATreeOverSampleIndices) {
  std::vector<float> magnitudes = {1e20f, 3.0f, 5.0f, 1e4f, 7e3f, 1.0f};
  StatisticsAccumulator accumulator("s", 1, {});
  for (size_t i = 0; i < magnitudes.size(); ++i)
    ASSERT_TRUE(accumulator.add(int64_t(i), Part::Fit, &magnitudes[i], 1));
  std::vector<double> x(magnitudes.begin(), magnitudes.end());
  double tree = ((x[0] + x[1]) + (x[2] + x[3])) + (x[4] + x[5]);
  EXPECT_EQ(accumulator.finish().fit.meanAbs[0],
            static_cast<float>(tree / 6.0));
}

TEST(Statistics, ThreadsChangeNothing) {
  std::vector<Sample> samples = makeSamples();
  int before = omp_get_max_threads();
  omp_set_num_threads(1);
  SiteStatistics one = gather(samples, true).finish();
  for (int threads : {2, 3}) {
    omp_set_num_threads(threads);
    expectSameBytes(gather(samples, true).finish(), one);
  }
  omp_set_num_threads(before);
}

TEST(Statistics, SkippedTokensAreLeftOut) {
  std::vector<float> x = randomActivations(6, channels, 3);
  StatisticsAccumulator skipping("s", channels, {true, 2});
  StatisticsAccumulator rest("s", channels, {true, 0});
  ASSERT_TRUE(skipping.add(0, Part::Fit, x.data(), 6));
  ASSERT_TRUE(skipping.add(1, Part::Fit, x.data(), 1)); // nothing left of it
  ASSERT_TRUE(rest.add(0, Part::Fit, x.data() + 2 * channels, 4));
  expectSameBytes(skipping.finish(), rest.finish());
}

TEST(Statistics, ShrinkageSparesDiagonalAndFirstTokens) {
  constexpr double shrinkage = 0.25;
  StatisticsAccumulator accumulator(
      "site", channels, {/*gram=*/true, /*skipTokens=*/1, shrinkage});
  std::vector<float> firsts, others;
  std::vector<Sample> samples = makeSamples();
  for (const Sample &sample : samples) {
    ASSERT_TRUE(accumulator.add(sample.index, sample.part, sample.x.data(),
                                int64_t(sample.x.size()) / channels));
    if (sample.part == Part::Guard)
      continue;
    // Token 0 is left out of everything, token 1 is the first that counts.
    firsts.insert(firsts.end(), &sample.x[channels], &sample.x[2 * channels]);
    others.insert(others.end(), &sample.x[2 * channels],
                  &sample.x[0] + sample.x.size());
  }
  SiteStatistics s = accumulator.finish();
  std::vector<float> first = gramOf(firsts, channels),
                     other = gramOf(others, channels);
  for (int64_t i = 0; i < channels; ++i)
    for (int64_t j = 0; j < channels; ++j) {
      int64_t at = i * channels + j;
      double rest = i == j ? other[at] : (1.0 - shrinkage) * other[at];
      double scale = std::sqrt(double(s.fit.gram[i * (channels + 1)]) *
                               s.fit.gram[j * (channels + 1)]);
      ASSERT_NEAR(s.fit.gram[at], first[at] + rest, 2e-6 * scale);
    }
  // The guard part judges by what is there.
  StatisticsAccumulator plain("site", channels, {true, 1, 0.0});
  for (const Sample &sample : samples)
    ASSERT_TRUE(plain.add(sample.index, sample.part, sample.x.data(),
                          int64_t(sample.x.size()) / channels));
  EXPECT_EQ(s.guard.gram, plain.finish().guard.gram);
  EXPECT_EQ(s.fit.meanSquare, plain.finish().fit.meanSquare);
}

TEST(Statistics, TakeMovesEverythingOut) {
  StatisticsAccumulator accumulator = gather(makeSamples(), true);
  SiteStatistics copy = accumulator.finish();
  expectSameBytes(accumulator.take(), copy);
  EXPECT_EQ(accumulator.finish().fit.tokens, 0);
  EXPECT_TRUE(accumulator.finish().fit.gram.empty());
}

//===----------------------------------------------------------------------===//
// Errors
//===----------------------------------------------------------------------===//

static void expectCode(const Status &status, const char *code,
                       const char *text) {
  ASSERT_FALSE(status);
  EXPECT_EQ(status.error().code, code);
  EXPECT_NE(status.error().str().find(text), std::string::npos)
      << status.error().str();
}

TEST(StatisticsErrors, NonFiniteActivationsNameSiteSampleAndChannel) {
  for (float bad : {std::numeric_limits<float>::quiet_NaN(),
                    std::numeric_limits<float>::infinity()}) {
    std::vector<float> x = randomActivations(4, channels, 1);
    StatisticsAccumulator accumulator("layers.3.down", channels, {true, 0});
    ASSERT_TRUE(accumulator.add(0, Part::Fit, x.data(), 4));
    SiteStatistics before = accumulator.finish();
    x[2 * channels + 150] = bad;
    Status status = accumulator.add(7, Part::Fit, x.data(), 4);
    expectCode(status, "AWQ1301", "layers.3.down");
    expectCode(status, "AWQ1301", "channel 150 at token 2 of sample 7");
    expectSameBytes(accumulator.finish(), before);
    // The sample can be repaired and added again.
    x[2 * channels + 150] = 1.0f;
    EXPECT_TRUE(accumulator.add(7, Part::Fit, x.data(), 4));
  }
}

TEST(StatisticsErrors, SamplesThatWereAddedBefore) {
  std::vector<float> x = randomActivations(1, channels, 1);
  StatisticsAccumulator accumulator("s", channels, {});
  for (int64_t i = 0; i < 4; ++i)
    ASSERT_TRUE(accumulator.add(i, Part::Fit, x.data(), 1));
  for (int64_t i = 0; i < 4; ++i)
    expectCode(accumulator.add(i, Part::Guard, x.data(), 1), "AWQ1302",
               "added before");
  expectCode(accumulator.add(-1, Part::Fit, x.data(), 1), "AWQ1302",
             "negative");
  StatisticsAccumulator shard("s", channels, {});
  ASSERT_TRUE(shard.add(2, Part::Fit, x.data(), 1));
  expectCode(accumulator.merge(shard), "AWQ1302", "both shards");
  expectCode(shard.merge(accumulator), "AWQ1302", "both shards");
}

TEST(StatisticsErrors, GramMatricesNeedOrderAndOneShard) {
  std::vector<float> x = randomActivations(1, channels, 1);
  StatisticsAccumulator a("s", channels, {true, 0}),
      b("s", channels, {true, 0});
  ASSERT_TRUE(a.add(5, Part::Fit, x.data(), 1));
  expectCode(a.add(4, Part::Fit, x.data(), 1), "AWQ1303", "sample 4");
  ASSERT_TRUE(b.add(6, Part::Fit, x.data(), 1));
  expectCode(a.merge(b), "AWQ1305", "Gram");
}

TEST(StatisticsErrors, ShardsOfOtherSites) {
  StatisticsAccumulator a("s", 4, {}), b("t", 4, {}), c("s", 5, {});
  expectCode(a.merge(b), "AWQ1304", "site t");
  expectCode(a.merge(c), "AWQ1304", "5 channels");
}
