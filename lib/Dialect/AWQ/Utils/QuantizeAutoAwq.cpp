//===- QuantizeAutoAwq.cpp - AutoAWQ's fp16 arithmetic ----------*- C++ -*-===//
//
// Part of the awq-mlir project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

// AutoAWQ keeps a layer in fp16 while quantizing it; each tensor operation is
// computed in fp32 and rounded to fp16. Every h() below is one such rounding.
//
//===----------------------------------------------------------------------===//

#include "awq/Dialect/AWQ/Utils/Half.h"
#include "awq/Dialect/AWQ/Utils/Quantize.h"

#include <algorithm>
#include <cmath>

using namespace awq;

static float h(float value) { return roundToHalf(value); }

static Error autoAwqError(const char *code, std::string message,
                          std::string_view tensor, std::string help) {
  return {ErrorKind::Unsupported, code, std::move(message), std::string(tensor),
          std::move(help)};
}

static std::string place(std::string_view tensor, int64_t row, int64_t group) {
  std::string where(tensor);
  return where + (where.empty() ? "row " : ", row ") + std::to_string(row) +
         ", group " + std::to_string(group);
}

/// Quantizes one group of fp16 values; false if the scale overflows.
static bool quantizeHalfGroup(const float *weights, int64_t count,
                              float &scaleOut, uint8_t &zeroOut,
                              uint8_t *codes) {
  float min, max;
  groupRange(weights, count, min, max);
  float range = std::max(h(max - min), h(1e-5f));
  float scale = h(range / 15.0f);
  if (!std::isfinite(scale))
    return false;
  float zero = std::min(std::max(-std::rint(h(min / scale)), 0.0f), 15.0f);
  for (int64_t i = 0; i < count; ++i) {
    float code = std::rint(h(weights[i] / scale)) + zero;
    codes[i] = static_cast<uint8_t>(std::min(std::max(code, 0.0f), 15.0f));
  }
  scaleOut = scale;
  zeroOut = static_cast<uint8_t>(zero);
  return true;
}

Result<QuantizedMatrix> awq::quantizeAutoAwq(const float *weights, int64_t n,
                                             int64_t k,
                                             const QuantScheme &scheme,
                                             std::string_view tensor) {
  if (Status status = scheme.validate(n, k, tensor); !status)
    return status.error();
  if (scheme.bits != 4 || scheme.symmetric || scheme.scale != ScaleType::F16)
    return autoAwqError("AWQ1208",
                        "AutoAWQ's arithmetic is defined only for 4-bit "
                        "asymmetric codes with f16 scales",
                        tensor, "use the default arithmetic for this scheme");
  int64_t size = scheme.groupSize(k), groups = scheme.groups(k);
  QuantizedMatrix matrix;
  matrix.scheme = scheme;
  matrix.n = n;
  matrix.k = k;
  matrix.codes.resize(n * k);
  matrix.scales.resize(n * groups);
  matrix.zeros.resize(n * groups);
  std::vector<float> rounded(size);
  for (int64_t i = 0; i < n * groups; ++i) {
    for (int64_t j = 0; j < size; ++j) {
      rounded[j] = h(weights[i * size + j]);
      if (!std::isfinite(rounded[j]))
        return autoAwqError(
            "AWQ1205",
            "the weight of input channel " +
                std::to_string(i % groups * size + j) + " is not finite in f16",
            place(tensor, i / groups, i % groups),
            "f16 ends at 65504; use the default arithmetic, or take a "
            "checkpoint that is not damaged");
    }
    if (!quantizeHalfGroup(rounded.data(), size, matrix.scales[i],
                           matrix.zeros[i], matrix.codes.data() + i * size))
      return autoAwqError("AWQ1206", "the range of the weights overflows f16",
                          place(tensor, i / groups, i % groups),
                          "use the default arithmetic");
  }
  return matrix;
}

std::vector<float> awq::dequantizeAutoAwq(const QuantizedMatrix &matrix) {
  // codes minus zeros and scales are exact in fp16; only the product rounds.
  std::vector<float> weights = dequantize(matrix);
  for (float &weight : weights)
    weight = h(weight);
  return weights;
}
