//===- Quantize.cpp - the arithmetic of quantized weights -------*- C++ -*-===//
//
// Part of the awq-mlir project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "awq/Dialect/AWQ/Utils/Quantize.h"

#include "awq/Dialect/AWQ/Utils/Half.h"
#include "awq/Support/Multiversion.h"

#include <algorithm>
#include <cmath>
#include <limits>

using namespace awq;

/// Nearest integer, ties to even, for |value| < 2^22. Unlike rint it needs no
/// library call on any processor. (This file is compiled without contraction
/// of multiplications and additions, and never with relaxed arithmetic.)
static inline float roundEven(float value) {
  constexpr float magic = 12582912.0f; // 1.5 * 2^23
  return (value + magic) - magic;
}

static inline float clampTo(float value, float lo, float hi) {
  value = value < lo ? lo : value;
  return value > hi ? hi : value;
}

AWQ_MULTIVERSION
void awq::groupRange(const float *weights, int64_t count, float &min,
                     float &max) {
  float lo = weights[0], hi = weights[0];
#pragma omp simd reduction(min : lo) reduction(max : hi)
  for (int64_t i = 0; i < count; ++i) {
    lo = weights[i] < lo ? weights[i] : lo;
    hi = weights[i] > hi ? weights[i] : hi;
  }
  min = lo;
  max = hi;
}

/// The smallest positive number of a type.
static float smallestScale(ScaleType type) {
  switch (type) {
  case ScaleType::F16:
    return halfToFloat(uint16_t(1));
  case ScaleType::BF16:
    return bfloatToFloat(uint16_t(1));
  case ScaleType::F32:
    break;
  }
  return std::numeric_limits<float>::denorm_min();
}

GroupParameters awq::groupParameters(float min, float max,
                                     const QuantScheme &scheme) {
  float lo = std::min(min, 0.0f), hi = std::max(max, 0.0f);
  int maxCode = scheme.maxCode(), middle = scheme.symmetricZero();
  uint8_t fixedZero = static_cast<uint8_t>(scheme.symmetric ? middle : 0);
  if (lo == hi) // all weights are zero
    return {0x1p-14f, fixedZero};
  float exact = scheme.symmetric ? std::max(hi / static_cast<float>(middle - 1),
                                            -lo / static_cast<float>(middle))
                                 : (hi - lo) / static_cast<float>(maxCode);
  float scale = roundToScaleType(exact, scheme.scale);
  if (scale == 0.0f)
    scale = smallestScale(scheme.scale);
  if (scheme.symmetric)
    return {scale, fixedZero};
  float zero =
      roundEven(clampTo(-lo / scale, 0.0f, static_cast<float>(maxCode)));
  return {scale, static_cast<uint8_t>(zero)};
}

AWQ_MULTIVERSION
void awq::quantizeGroup(const float *weights, int64_t count,
                        GroupParameters parameters, const QuantScheme &scheme,
                        uint8_t *codes) {
  float scale = parameters.scale, zero = parameters.zero;
  float lo = -zero, hi = static_cast<float>(scheme.maxCode()) - zero;
  for (int64_t i = 0; i < count; ++i) {
    // Clamping to integers before rounding gives what clamping after it gives.
    float level = roundEven(clampTo(weights[i] / scale, lo, hi));
    codes[i] = static_cast<uint8_t>(static_cast<int>(level + zero));
  }
}

AWQ_MULTIVERSION
void awq::fakeQuantizeGroup(const float *weights, int64_t count,
                            GroupParameters parameters,
                            const QuantScheme &scheme, float *result) {
  float scale = parameters.scale, zero = parameters.zero;
  float lo = -zero, hi = static_cast<float>(scheme.maxCode()) - zero;
  for (int64_t i = 0; i < count; ++i)
    result[i] = roundEven(clampTo(weights[i] / scale, lo, hi)) * scale;
}

//===----------------------------------------------------------------------===//
// Whole matrices
//===----------------------------------------------------------------------===//

static Error groupError(const char *code, std::string message,
                        std::string_view tensor, int64_t row, int64_t group,
                        std::string help) {
  std::string where(tensor);
  where += (where.empty() ? "row " : ", row ") + std::to_string(row) +
           ", group " + std::to_string(group);
  return {ErrorKind::Unsupported, code, std::move(message), std::move(where),
          std::move(help)};
}

/// The position of the first NaN or infinity, or -1.
static int64_t findNonFinite(const float *values, int64_t count) {
  uint32_t bad = 0;
  for (int64_t i = 0; i < count; ++i)
    bad |= (floatBits(values[i]) & 0x7f800000u) == 0x7f800000u ? 1u : 0u;
  if (!bad)
    return -1;
  return std::find_if(values, values + count,
                      [](float v) { return !std::isfinite(v); }) -
         values;
}

static Error nonFiniteError(float value, std::string_view tensor, int64_t row,
                            int64_t group, int64_t channel) {
  return groupError("AWQ1205",
                    std::string("the weight of input channel ") +
                        std::to_string(channel) + " is " +
                        (std::isnan(value) ? "not a number" : "infinite"),
                    tensor, row, group,
                    "the checkpoint is damaged or overflowed when its type was "
                    "changed; take the original one");
}

static Error scaleOverflow(float min, float max, const QuantScheme &scheme,
                           std::string_view tensor, int64_t row,
                           int64_t group) {
  return groupError("AWQ1206",
                    "weights from " + std::to_string(min) + " to " +
                        std::to_string(max) + " need a scale that " +
                        std::string(name(scheme.scale)) + " cannot hold",
                    tensor, row, group, "store scales as bf16 or f32");
}

static QuantizedMatrix emptyMatrix(int64_t n, int64_t k,
                                   const QuantScheme &scheme) {
  QuantizedMatrix matrix;
  matrix.scheme = scheme;
  matrix.n = n;
  matrix.k = k;
  matrix.codes.resize(n * k);
  matrix.scales.resize(n * scheme.groups(k));
  matrix.zeros.resize(n * scheme.groups(k));
  return matrix;
}

Result<QuantizedMatrix> awq::quantize(const float *weights, int64_t n,
                                      int64_t k, const QuantScheme &scheme,
                                      ClipBounds clip,
                                      std::string_view tensor) {
  if (Status status = scheme.validate(n, k, tensor); !status)
    return status.error();
  int64_t size = scheme.groupSize(k), groups = scheme.groups(k);
  QuantizedMatrix matrix = emptyMatrix(n, k, scheme);
  for (int64_t i = 0; i < n * groups; ++i) {
    const float *w = weights + i * size;
    int64_t row = i / groups, group = i % groups;
    if (int64_t bad = findNonFinite(w, size); bad >= 0)
      return nonFiniteError(w[bad], tensor, row, group, group * size + bad);
    float min, max;
    groupRange(w, size, min, max);
    if (clip.lo) {
      float lo = clip.lo[i], hi = clip.hi[i];
      if (!(lo <= hi) || !std::isfinite(lo) || !std::isfinite(hi))
        return groupError("AWQ1207",
                          "the clip bounds [" + std::to_string(lo) + ", " +
                              std::to_string(hi) + "] are not a range",
                          tensor, row, group,
                          "bounds must be finite with lo <= hi");
      min = clampTo(min, lo, hi);
      max = clampTo(max, lo, hi);
    }
    GroupParameters parameters = groupParameters(min, max, scheme);
    if (!std::isfinite(parameters.scale))
      return scaleOverflow(min, max, scheme, tensor, row, group);
    // The codes of min and max bound those of all weights in between, so that
    // clamping the weights would change nothing unless the scale's rounding
    // left room beyond a bound; clamp to be exact there as well.
    uint8_t *codes = matrix.codes.data() + i * size;
    quantizeGroup(w, size, parameters, scheme, codes);
    if (clip.lo) {
      uint8_t ends[2];
      float bounds[2] = {min, max};
      quantizeGroup(bounds, 2, parameters, scheme, ends);
      for (int64_t j = 0; j < size; ++j)
        codes[j] = std::min(std::max(codes[j], ends[0]), ends[1]);
    }
    matrix.scales[i] = parameters.scale;
    matrix.zeros[i] = parameters.zero;
  }
  return matrix;
}

void awq::dequantize(const uint8_t *codes, const float *scales,
                     const uint8_t *zeros, int64_t n, int64_t k,
                     const QuantScheme &scheme, float *weights) {
  int64_t size = scheme.groupSize(k), groups = scheme.groups(k);
  for (int64_t i = 0; i < n * groups; ++i) {
    float scale = scales[i];
    float zero = static_cast<float>(zeros ? zeros[i] : scheme.symmetricZero());
    for (int64_t j = i * size, end = j + size; j < end; ++j)
      weights[j] = (static_cast<float>(codes[j]) - zero) * scale;
  }
}

template <typename T>
static void reorder(std::vector<T> &values, const std::vector<int64_t> &order,
                    bool inverse) {
  std::vector<T> before = std::move(values);
  values.resize(before.size());
  size_t width = before.size() / order.size();
  for (size_t i = 0; i < order.size(); ++i) {
    size_t from = inverse ? i : order[i], to = inverse ? order[i] : i;
    std::copy_n(before.begin() + from * width, width,
                values.begin() + to * width);
  }
}

static void reorder(QuantizedMatrix &matrix, const std::vector<int64_t> &order,
                    bool inverse) {
  if (order.empty())
    return;
  reorder(matrix.codes, order, inverse);
  reorder(matrix.scales, order, inverse);
  reorder(matrix.zeros, order, inverse);
}

void awq::reorderRows(QuantizedMatrix &matrix,
                      const std::vector<int64_t> &order) {
  reorder(matrix, order, /*inverse=*/false);
}

void awq::restoreRows(QuantizedMatrix &matrix,
                      const std::vector<int64_t> &order) {
  reorder(matrix, order, /*inverse=*/true);
}

std::vector<float> awq::dequantize(const QuantizedMatrix &matrix) {
  std::vector<float> weights(matrix.n * matrix.k);
  dequantize(matrix.codes.data(), matrix.scales.data(), matrix.zeros.data(),
             matrix.n, matrix.k, matrix.scheme, weights.data());
  return weights;
}
