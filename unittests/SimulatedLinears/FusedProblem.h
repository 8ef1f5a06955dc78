//===- FusedProblem.h - fused linears to compute ----------------*- C++ -*-===//
//
// Part of the awq-mlir project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef AWQ_UNITTESTS_SIMULATEDLINEARS_FUSEDPROBLEM_H
#define AWQ_UNITTESTS_SIMULATEDLINEARS_FUSEDPROBLEM_H

#include "LinearProblem.h"
#include "TestKernels.h"

namespace awq::gpusim::test {

/// A linear of some kind, with random data for what is fused. Its records have
/// the order of rows that the kernel needs.
struct FusedProblem {
  LinearKind kind;
  LinearProblem linear;
  std::vector<float> norm, cosines, sines;
  std::vector<uint16_t> residual;
  int64_t heads = 0, headSize = 0, half = 0;

  FusedProblem(const LinearKind &kind, const LinearProblem &linear,
               std::mt19937 &random);

  int64_t columns() const {
    return kind.gate.empty() ? linear.n : linear.n / 2;
  }
  LinearFusion fusion() const;
  /// The result in double precision, [m, columns], op after op.
  std::vector<double> exact() const;
  /// What LinearProblem::worstRow may be.
  double errorBound() const;

private:
  std::vector<int64_t> rowOrder() const;
};

} // namespace awq::gpusim::test

#endif // AWQ_UNITTESTS_SIMULATEDLINEARS_FUSEDPROBLEM_H
