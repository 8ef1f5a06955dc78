//===- RotaryFrequencies.cpp - frequencies of rotary embeddings -----------===//
//
// Part of the awq-mlir project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "RotaryFrequencies.h"

#include <algorithm>
#include <cmath>

using namespace awq;
using io::RopeConfig;
using io::RopeType;

static constexpr double pi = 3.14159265358979323846;

/// theta^(2i / dim) for i = 0 .. dim/2 - 1. The exponent is an f32 quotient as
/// in PyTorch; the power is rounded once from f64, within one unit in the last
/// place of any vectorised powf.
static std::vector<float> powersOfTheta(const RopeConfig &rope, int64_t dim) {
  std::vector<float> powers;
  for (int64_t i = 0; i < dim; i += 2) {
    float exponent = static_cast<float>(i) / static_cast<float>(dim);
    powers.push_back(static_cast<float>(
        std::pow(static_cast<double>(static_cast<float>(rope.theta)),
                 static_cast<double>(exponent))));
  }
  return powers;
}

/// Long wavelengths are divided by the factor, short ones kept, and those
/// between mixed.
static float stretchByWavelength(const RopeConfig &rope, float inverse) {
  double context = static_cast<double>(rope.originalMaxPosition);
  float low = static_cast<float>(context / rope.lowFreqFactor);
  float high = static_cast<float>(context / rope.highFreqFactor);
  float factor = static_cast<float>(rope.factor);
  float wavelength = (1.0f / inverse) * static_cast<float>(2.0 * pi);
  float stretched = wavelength > low ? inverse / factor : inverse;
  if (wavelength < high || wavelength > low)
    return stretched;
  float smooth = ((1.0f / wavelength) * static_cast<float>(context) -
                  static_cast<float>(rope.lowFreqFactor)) /
                 static_cast<float>(rope.highFreqFactor - rope.lowFreqFactor);
  float mixed = (1.0f - smooth) * stretched / factor;
  return mixed + smooth * stretched;
}

/// The channel pair that turns `rotations` times within the trained context.
static double correctionDim(const RopeConfig &rope, int64_t dim,
                            double rotations) {
  double context = static_cast<double>(rope.originalMaxPosition);
  return dim * std::log(context / (rotations * 2.0 * pi)) /
         (2.0 * std::log(rope.theta));
}

static double yarnMagnitude(double factor, double mscale) {
  return factor <= 1.0 ? 1.0 : 0.1 * mscale * std::log(factor) + 1.0;
}

static double yarnScaling(const RopeConfig &rope) {
  if (rope.attentionFactor)
    return *rope.attentionFactor;
  if (rope.mscale.value_or(0.0) != 0.0 &&
      rope.mscaleAllDim.value_or(0.0) != 0.0)
    return yarnMagnitude(rope.factor, *rope.mscale) /
           yarnMagnitude(rope.factor, *rope.mscaleAllDim);
  return yarnMagnitude(rope.factor, 1.0);
}

/// Between two channel pairs the frequencies go linearly from kept to divided
/// by the factor.
static std::vector<float> yarnFrequencies(const RopeConfig &rope,
                                          const std::vector<float> &powers,
                                          int64_t dim) {
  double low = correctionDim(rope, dim, rope.betaFast);
  double high = correctionDim(rope, dim, rope.betaSlow);
  if (rope.truncate) {
    low = std::floor(low);
    high = std::ceil(high);
  }
  low = std::max(low, 0.0);
  high = std::min(high, static_cast<double>(dim - 1));
  if (low == high)
    high += 0.001; // transformers' guard against a division by zero
  std::vector<float> inverse;
  for (size_t i = 0; i < powers.size(); ++i) {
    float ramp = (static_cast<float>(i) - static_cast<float>(low)) /
                 static_cast<float>(high - low);
    float kept = 1.0f - std::min(std::max(ramp, 0.0f), 1.0f);
    float extrapolated = 1.0f / powers[i];
    float interpolated = 1.0f / (static_cast<float>(rope.factor) * powers[i]);
    float divided = interpolated * (1.0f - kept);
    inverse.push_back(divided + extrapolated * kept);
  }
  return inverse;
}

RotaryFrequencies awq::computeRotaryFrequencies(const RopeConfig &rope,
                                                int64_t headDim) {
  std::vector<float> powers = powersOfTheta(rope, headDim);
  if (rope.type == RopeType::Yarn)
    return {yarnFrequencies(rope, powers, headDim), yarnScaling(rope)};
  RotaryFrequencies result;
  for (float power : powers) {
    float inverse = 1.0f / power;
    if (rope.type == RopeType::Linear)
      inverse /= static_cast<float>(rope.factor);
    else if (rope.type == RopeType::Llama3)
      inverse = stretchByWavelength(rope, inverse);
    result.inverse.push_back(inverse);
  }
  return result;
}
