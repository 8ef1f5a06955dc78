//===- LinearProblem.cpp - random linears and their exact results ---------===//
//
// Part of the awq-mlir project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "LinearProblem.h"

#include "awq/Dialect/AWQ/Utils/Half.h"
#include "awq/Dialect/AWQ/Utils/Quantize.h"
#include "awq/Dialect/AWQ/Utils/RecordLayout.h"

#include <cmath>

using namespace awq;
using namespace awq::gpusim::test;

static uint16_t toBits(double value, bool bf16) {
  return bf16 ? floatToBfloat(static_cast<float>(value))
              : floatToHalf(static_cast<float>(value));
}

LinearProblem::LinearProblem(const QuantScheme &scheme, int64_t m, int64_t n,
                             int64_t k, bool hasBias, bool bf16,
                             std::mt19937 &random)
    : scheme(scheme), m(m), n(n), k(k), bf16(bf16) {
  std::normal_distribution<double> normal;
  int64_t groups = scheme.groups(k);
  codes.resize(n * k);
  zeros.resize(n * groups);
  scales.resize(n * groups);
  for (uint8_t &code : codes)
    code = random() % 16;
  for (uint8_t &zero : zeros)
    zero = scheme.symmetric ? 8 : random() % 16;
  for (float &scale : scales)
    scale = roundToScaleType(
        static_cast<float>(0.005 + 0.02 * std::fabs(normal(random))),
        scheme.scale);
  records.resize(RecordGeometry(scheme, n, k).totalBytes());
  packRecords(scheme, n, k, codes.data(), scales.data(), zeros.data(),
              records.data());
  // Rows of very different magnitude, with a mean and outliers. Results stay
  // clear of f16's subnormals and of its infinity.
  x.resize(m * k);
  for (int64_t row = 0; row < m; ++row) {
    int exponent = bf16 ? int(random() % 60) - 30 : int(random() % 16) - 9;
    double size = std::ldexp(1.0, exponent);
    for (int64_t i = 0; i < k; ++i)
      x[row * k + i] = toBits(
          (normal(random) + 0.3) * size * (random() % 50 == 0 ? 16 : 1), bf16);
  }
  bias.resize(hasBias ? n : 0);
  for (uint16_t &each : bias)
    each = toBits(normal(random), bf16);
}

double LinearProblem::value(uint16_t bits) const {
  return bf16 ? bfloatToFloat(bits) : halfToFloat(bits);
}

bool LinearProblem::isNaN(uint16_t bits) const {
  return std::isnan(value(bits));
}

void LinearProblem::reorder(const std::vector<int64_t> &order) {
  QuantizedMatrix rows{scheme, n, k, codes, scales, zeros};
  reorderRows(rows, order);
  packRecords(scheme, n, k, rows.codes.data(), rows.scales.data(),
              rows.zeros.data(), records.data());
}

std::vector<double> LinearProblem::values() const {
  std::vector<double> values(x.size());
  for (size_t i = 0; i < x.size(); ++i)
    values[i] = value(x[i]);
  return values;
}

std::vector<double> LinearProblem::exact() const { return exact(values()); }

std::vector<double>
LinearProblem::exact(const std::vector<double> &values) const {
  int64_t groups = scheme.groups(k), size = scheme.groupSize(k);
  std::vector<double> weights(k), y(m * n);
  for (int64_t row = 0; row < n; ++row) {
    for (int64_t i = 0; i < k; ++i) {
      int64_t group = row * groups + i / size;
      weights[i] =
          (int(codes[row * k + i]) - int(zeros[group])) * double(scales[group]);
    }
    for (int64_t token = 0; token < m; ++token) {
      double sum = bias.empty() ? 0 : value(bias[row]);
      for (int64_t i = 0; i < k; ++i)
        sum += weights[i] * values[token * k + i];
      y[token * n + row] = sum;
    }
  }
  return y;
}

double LinearProblem::worstRow(const std::vector<double> &exact,
                               const std::vector<uint16_t> &y) const {
  double worst = 0;
  int64_t columns = m ? static_cast<int64_t>(exact.size()) / m : 0;
  for (int64_t token = 0; token < m; ++token) {
    double errors = 0, squares = 0;
    for (int64_t i = token * columns; i < (token + 1) * columns; ++i) {
      double error = value(y[i]) - exact[i];
      errors += error * error;
      squares += exact[i] * exact[i];
    }
    double ratio = squares > 0 ? errors / squares : errors;
    worst = std::max(worst, std::isfinite(ratio) ? ratio : INFINITY);
  }
  return worst;
}
