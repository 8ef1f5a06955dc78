//===- FusedProblem.cpp - fused linears to compute ------------------------===//
//
// Part of the awq-mlir project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "FusedProblem.h"

#include "awq/Dialect/AWQ/Utils/Half.h"

#include <cmath>

using namespace awq;
using namespace awq::gpusim;
using namespace awq::gpusim::test;

static constexpr float epsilon = 1e-5f;

/// Products of two results have a few that outweigh all others of their row:
/// the error of rounding one of them to bf16, up to 2^-8 of it, is that of the
/// row.
double FusedProblem::errorBound() const {
  if (!linear.bf16)
    return 1e-6;
  return kind.gate.empty() ? 1e-5 : 0x1p-16;
}

FusedProblem::FusedProblem(const LinearKind &kind, const LinearProblem &given,
                           std::mt19937 &random)
    : kind(kind), linear(given) {
  std::normal_distribution<float> normal;
  auto bits = [&](float value) {
    return linear.bf16 ? floatToBfloat(value) : floatToHalf(value);
  };
  // A product of two results is to stay within f16.
  if (!kind.norm && !kind.gate.empty())
    for (uint16_t &x : linear.x)
      x = bits(std::ldexp(static_cast<float>(linear.value(x)), -6));
  norm.resize(kind.norm ? linear.k : 0);
  for (float &each : norm)
    each = 1 + 0.3f * normal(random);
  residual.resize(kind.residual ? linear.m * columns() : 0);
  for (uint16_t &each : residual)
    each = bits(normal(random));
  if (kind.turn) {
    headSize = 16 * (1 + random() % (linear.n / 16));
    headSize = std::min<int64_t>(headSize, 64);
    heads = 1 + random() % (linear.n / headSize);
    half = 8 * (1 + random() % (headSize / 16));
    for (int64_t i = 0; i < linear.m * half; ++i) {
      double angle = random() % 1000 * 0.01;
      cosines.push_back(static_cast<float>(std::cos(angle)));
      sines.push_back(static_cast<float>(std::sin(angle)));
    }
  }
  linear.reorder(rowOrder());
}

LinearFusion FusedProblem::fusion() const {
  LinearFusion fusion;
  fusion.norm = kind.norm ? norm.data() : nullptr;
  fusion.epsilon = epsilon;
  // With no token there is nothing at the address, which is there all the same.
  static const float none = 0;
  if (kind.turn) {
    fusion.cosines = cosines.empty() ? &none : cosines.data();
    fusion.sines = sines.empty() ? &none : sines.data();
    fusion.turnedRows = heads * headSize;
    fusion.headSize = headSize;
    fusion.half = half;
  }
  fusion.gate = !kind.gate.empty();
  static const uint16_t noRow = 0;
  if (kind.residual)
    fusion.residual = residual.empty() ? &noRow : residual.data();
  return fusion;
}

/// By the words of awq.fused_linear: rows 16b + i and 16b + 8 + i are a pair.
std::vector<int64_t> FusedProblem::rowOrder() const {
  std::vector<int64_t> order;
  for (int64_t i = 0; i < linear.n; ++i) {
    int64_t b = i / 16, inBlock = i % 16;
    int64_t pair = 8 * b + inBlock % 8, second = inBlock / 8;
    if (!kind.gate.empty()) {
      order.push_back(pair + second * linear.n / 2);
      continue;
    }
    int64_t head = headSize ? i / headSize : 0, within = i - head * headSize;
    if (head >= heads || within >= 2 * half)
      order.push_back(i);
    else
      order.push_back(head * headSize + within / 16 * 8 + within % 8 +
                      second * half);
  }
  return order;
}

static double applyGate(const std::string &name, double x) {
  auto sigmoid = [](double y) { return 1 / (1 + std::exp(-y)); };
  if (name == "relu")
    return std::max(x, 0.0);
  if (name == "sigmoid")
    return sigmoid(x);
  if (name == "silu")
    return x * sigmoid(x);
  if (name == "gelu_quick")
    return x * sigmoid(1.702 * x);
  return x / 2 *
         (1 + std::tanh(std::sqrt(2 / M_PI) * (x + 0.044715 * x * x * x)));
}

std::vector<double> FusedProblem::exact() const {
  int64_t m = linear.m, n = linear.n, k = linear.k;
  std::vector<double> x = linear.values();
  for (int64_t t = 0; t < m && kind.norm; ++t) {
    double squares = 0;
    for (int64_t i = 0; i < k; ++i)
      squares += x[t * k + i] * x[t * k + i];
    for (int64_t i = 0; i < k; ++i)
      x[t * k + i] *= norm[i] / std::sqrt(squares / k + epsilon);
  }
  std::vector<double> y = linear.exact(x), result;
  for (int64_t t = 0; t < m; ++t) {
    double *row = y.data() + t * n;
    for (int64_t head = 0; head < heads; ++head)
      for (int64_t i = 0; i < half; ++i) {
        double &a = row[head * headSize + i], &b = (&a)[half], first = a;
        double c = cosines[t * half + i], s = sines[t * half + i];
        a = first * c - b * s;
        b = b * c + first * s;
      }
    for (int64_t i = 0; i < columns(); ++i)
      result.push_back(kind.gate.empty()
                           ? row[i]
                           : applyGate(kind.gate, row[i]) * row[i + n / 2]);
  }
  for (size_t i = 0; i < residual.size(); ++i)
    result[i] += linear.value(residual[i]);
  return result;
}
