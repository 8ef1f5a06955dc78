//===- MatrixSums.cpp - how products are added up -------------------------===//
//
// Part of the awq-mlir project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "MatrixOps.h"

#include "Numbers.h"

#include <algorithm>

using namespace awq::gpusim;

unsigned awq::gpusim::elementBits(MmaType type) {
  switch (type) {
  case MmaType::F16:
  case MmaType::BF16:
    return 16;
  case MmaType::TF32:
    return 32;
  case MmaType::E4M3:
  case MmaType::E5M2:
  case MmaType::S8:
  case MmaType::U8:
    return 8;
  case MmaType::S4:
  case MmaType::U4:
    return 4;
  }
  return 32;
}

bool awq::gpusim::isInteger(MmaType type) {
  return type == MmaType::S8 || type == MmaType::U8 || type == MmaType::S4 ||
         type == MmaType::U4;
}

float awq::gpusim::elementToFloat(MmaType type, uint32_t raw) {
  switch (type) {
  case MmaType::F16:
    return halfToFloat(static_cast<uint16_t>(raw));
  case MmaType::BF16:
    return bfloatToFloat(static_cast<uint16_t>(raw));
  case MmaType::TF32:
    // The hardware ignores the low 13 bits.
    return bitCast<float>(raw & 0xffffe000u);
  case MmaType::E4M3:
    return e4m3ToFloat(static_cast<uint8_t>(raw));
  case MmaType::E5M2:
    return e5m2ToFloat(static_cast<uint8_t>(raw));
  default:
    return 0;
  }
}

int32_t awq::gpusim::elementToInteger(MmaType type, uint32_t raw) {
  switch (type) {
  case MmaType::S8:
    return static_cast<int8_t>(raw);
  case MmaType::U8:
    return static_cast<uint8_t>(raw);
  case MmaType::S4:
    return int32_t(raw << 28) >> 28;
  case MmaType::U4:
    return int32_t(raw & 15);
  default:
    return 0;
  }
}

int awq::gpusim::smallestExponent(MmaType type) {
  switch (type) {
  case MmaType::F16:
  case MmaType::E5M2:
    return -14;
  case MmaType::E4M3:
    return -6;
  default:
    return -126;
  }
}

static constexpr int noExponent = -100000;

/// floor(log2(|x|)), but that of the smallest normal number for subnormals.
static int exponentOf(float x, int smallest) {
  if (x == 0)
    return noExponent;
  return std::max(std::ilogb(x), smallest);
}

/// Cuts toward zero to float's precision.
static float truncateToFloat(double value) {
  float nearest = static_cast<float>(value);
  if (std::fabs(double(nearest)) > std::fabs(value))
    nearest = bitCast<float>(bitCast<uint32_t>(nearest) - 1);
  return nearest;
}

/// One chunk of at most 32 products, added to `sum`.
static float addAligned(const SimulatorOptions &options, int smallestA,
                        int smallestB, unsigned count, const float *a,
                        const float *b, unsigned stride, float sum) {
  int largest = exponentOf(sum, -126);
  bool finite = std::isfinite(sum);
  for (unsigned i = 0; i < count; ++i) {
    float x = a[i], y = b[i * stride];
    finite &= std::isfinite(x) && std::isfinite(y);
    if (x != 0 && y != 0)
      largest = std::max(largest,
                         exponentOf(x, smallestA) + exponentOf(y, smallestB));
  }
  if (!finite) {
    for (unsigned i = 0; i < count; ++i)
      sum += a[i] * b[i * stride];
    return sum;
  }
  if (largest == noExponent)
    return sum;
  int last = largest - 23 - int(options.mmaExtraBits);
  auto cut = [&](double value) {
    return static_cast<int64_t>(std::ldexp(value, -last));
  };
  int64_t total = cut(sum);
  for (unsigned i = 0; i < count; ++i)
    total += cut(double(a[i]) * double(b[i * stride]));
  return truncateToFloat(std::ldexp(double(total), last));
}

void awq::gpusim::multiplyAccumulate(const SimulatorOptions &options,
                                     MmaType typeA, MmaType typeB, unsigned k,
                                     unsigned columns, const float *a,
                                     const float *b, unsigned stride,
                                     float *sums) {
  if (options.mma == MmaModel::Aligned) {
    unsigned chunk = std::clamp(options.mmaChunk, 1u, 32u);
    for (unsigned n = 0; n < columns; ++n)
      for (unsigned i = 0; i < k; i += chunk)
        sums[n] =
            addAligned(options, smallestExponent(typeA),
                       smallestExponent(typeB), std::min(chunk, k - i), a + i,
                       b + size_t(i) * stride + n, stride, sums[n]);
    return;
  }
  for (unsigned i = 0; i < k; ++i) {
    const float *__restrict row = b + size_t(i) * stride;
    float *__restrict out = sums;
    const float x = a[i];
    for (unsigned n = 0; n < columns; ++n)
      out[n] = __builtin_fmaf(x, row[n], out[n]);
  }
}
