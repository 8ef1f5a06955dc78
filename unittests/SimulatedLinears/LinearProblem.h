//===- LinearProblem.h - random linears and their exact results -*- C++ -*-===//
//
// Part of the awq-mlir project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef AWQ_UNITTESTS_SIMULATEDLINEARS_LINEARPROBLEM_H
#define AWQ_UNITTESTS_SIMULATEDLINEARS_LINEARPROBLEM_H

#include "awq/ExecutionEngine/SimulatedLinears/SimulatedLinear.h"

#include <random>

namespace awq::gpusim::test {

/// A linear of random numbers.
struct LinearProblem {
  QuantScheme scheme;
  int64_t m = 0, n = 0, k = 0;
  bool bf16 = false;
  std::vector<uint8_t> codes, zeros, records;
  std::vector<float> scales;
  std::vector<uint16_t> x, bias;

  LinearProblem(const QuantScheme &scheme, int64_t m, int64_t n, int64_t k,
                bool hasBias, bool bf16, std::mt19937 &random);

  LinearWeight weight() const {
    return {scheme, n, k, records.data(), bias.empty() ? nullptr : bias.data()};
  }
  /// The value of an activation, a bias or a result.
  double value(uint16_t bits) const;
  bool isNaN(uint16_t bits) const;
  /// What y is in double precision, [m, n].
  std::vector<double> exact() const;
  /// The same for other activations [m, k].
  std::vector<double> exact(const std::vector<double> &values) const;
  /// The activations.
  std::vector<double> values() const;
  /// Packs the rows in this order.
  void reorder(const std::vector<int64_t> &order);
  /// The largest normalized mean square error of a row: the sum of squared
  /// errors over the sum of squares. Infinite if y has a NaN or infinity.
  double worstRow(const std::vector<double> &exact,
                  const std::vector<uint16_t> &y) const;
};

} // namespace awq::gpusim::test

#endif // AWQ_UNITTESTS_SIMULATEDLINEARS_LINEARPROBLEM_H
