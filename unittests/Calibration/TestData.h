//===- TestData.h - random activations and weights for the tests *- C++ -*-===//
//
// Part of the awq-mlir project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef AWQ_UNITTESTS_CALIBRATION_TESTDATA_H
#define AWQ_UNITTESTS_CALIBRATION_TESTDATA_H

#include <cmath>
#include <cstdint>
#include <cstdlib>
#include <random>
#include <string>
#include <vector>

namespace awq::test {

inline std::vector<float> randomVector(int64_t count, uint32_t seed,
                                       float scale = 1.0f) {
  std::mt19937 engine(seed);
  std::normal_distribution<float> normal(0.0f, scale);
  std::vector<float> values(count);
  for (float &value : values)
    value = normal(engine);
  return values;
}

/// Activations [tokens, channels] that look like a model's: correlated
/// channels of very different size.
inline std::vector<float> randomActivations(int64_t tokens, int64_t channels,
                                            uint32_t seed) {
  std::vector<float> x = randomVector(tokens * channels, seed);
  std::vector<float> sizes = randomVector(channels, 99);
  std::vector<float> shared = randomVector(tokens, seed + 1);
  for (int64_t t = 0; t < tokens; ++t)
    for (int64_t c = 0; c < channels; ++c)
      x[t * channels + c] =
          std::exp(1.2f * sizes[c]) * (x[t * channels + c] + shared[t]);
  return x;
}

/// X^T X, summed in double.
inline std::vector<float> gramOf(const std::vector<float> &x,
                                 int64_t channels) {
  int64_t tokens = static_cast<int64_t>(x.size()) / channels;
  std::vector<float> gram(channels * channels);
  for (int64_t i = 0; i < channels; ++i)
    for (int64_t j = 0; j < channels; ++j) {
      double sum = 0.0;
      for (int64_t t = 0; t < tokens; ++t)
        sum += static_cast<double>(x[t * channels + i]) * x[t * channels + j];
      gram[i * channels + j] = static_cast<float>(sum);
    }
  return gram;
}

/// Mean |x| per channel.
inline std::vector<float> meanAbsOf(const std::vector<float> &x,
                                    int64_t channels) {
  int64_t tokens = static_cast<int64_t>(x.size()) / channels;
  std::vector<float> means(channels);
  for (int64_t c = 0; c < channels; ++c) {
    double sum = 0.0;
    for (int64_t t = 0; t < tokens; ++t)
      sum += std::fabs(x[t * channels + c]);
    means[c] = static_cast<float>(sum / static_cast<double>(tokens));
  }
  return means;
}

/// The squared norm of X D^T, that is, the sum over tokens and rows of the
/// squared outputs, in double and without any Gram matrix.
inline double outputEnergy(const std::vector<float> &x,
                           const std::vector<double> &d, int64_t channels) {
  int64_t tokens = static_cast<int64_t>(x.size()) / channels;
  int64_t rows = static_cast<int64_t>(d.size()) / channels;
  double energy = 0.0;
  for (int64_t t = 0; t < tokens; ++t)
    for (int64_t r = 0; r < rows; ++r) {
      double sum = 0.0;
      for (int64_t c = 0; c < channels; ++c)
        sum += x[t * channels + c] * d[r * channels + c];
      energy += sum * sum;
    }
  return energy;
}

/// A path in the test's temporary folder.
inline std::string temporaryPath(const std::string &name) {
  const char *folder = std::getenv("TEST_TMPDIR");
  if (!folder)
    folder = std::getenv("TMPDIR");
  return std::string(folder ? folder : "/tmp") + "/awq-calibration-" + name;
}

} // namespace awq::test

#endif // AWQ_UNITTESTS_CALIBRATION_TESTDATA_H
