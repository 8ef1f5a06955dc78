//===- ModeErrorTest.cpp - how exact the modes are ------------------------===//
//
// Part of the awq-mlir project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Results are f16: rounding the exact ones is the least error there can be. A
// mode is judged by what it adds to that, with both models of how tensor cores
// add, and beside what any kernel has that rounds its weights to f16.
//
//===----------------------------------------------------------------------===//

#include "LinearProblem.h"
#include "TestKernels.h"

#include "awq/Dialect/AWQ/Utils/Half.h"

#include <cmath>
#include <cstdio>
#include <gtest/gtest.h>

using namespace awq;
using namespace awq::gpusim;
using namespace awq::gpusim::test;

namespace {

struct ErrorOfMode {
  /// Sum of squared errors over the sum of squares.
  double nmse = 0;
  /// The part of the results that are not the f16 next to the exact one.
  double misrounded = 0;
};

ErrorOfMode measure(const std::vector<double> &exact,
                    const std::vector<uint16_t> &y) {
  double errors = 0, squares = 0, wrong = 0;
  for (size_t i = 0; i < y.size(); ++i) {
    double error = halfToFloat(y[i]) - exact[i];
    errors += error * error;
    squares += exact[i] * exact[i];
    wrong += y[i] != floatToHalf(static_cast<float>(exact[i]));
  }
  return {errors / squares, wrong / static_cast<double>(y.size())};
}

std::vector<uint16_t> rounded(const std::vector<double> &numbers) {
  std::vector<uint16_t> bits;
  for (double number : numbers)
    bits.push_back(floatToHalf(static_cast<float>(number)));
  return bits;
}

/// The results of exact sums with weights rounded to f16.
std::vector<uint16_t> withHalfWeights(const LinearProblem &problem) {
  int64_t groups = problem.scheme.groups(problem.k);
  int64_t size = problem.scheme.groupSize(problem.k);
  std::vector<double> y(problem.m * problem.n);
  for (int64_t row = 0; row < problem.n; ++row)
    for (int64_t i = 0; i < problem.k; ++i) {
      int64_t group = row * groups + i / size;
      int code = problem.codes[row * problem.k + i] - problem.zeros[group];
      double weight =
          halfToFloat(floatToHalf(float(code) * problem.scales[group]));
      for (int64_t token = 0; token < problem.m; ++token)
        y[token * problem.n + row] +=
            weight * problem.value(problem.x[token * problem.k + i]);
    }
  return rounded(y);
}

void print(const char *mode, const char *adding, const ErrorOfMode &error) {
  std::printf("%-22s %-8s %10.3g %9.3f %%\n", mode, adding, error.nmse,
              100 * error.misrounded);
}

TEST(ModeErrors, AreFarBelowTheRoundingOfResults) {
  std::mt19937 random(11);
  QuantScheme scheme;
  scheme.group = 128;
  LinearProblem problem(scheme, /*m=*/4, /*n=*/256, /*k=*/4096,
                        /*hasBias=*/false, /*bf16=*/false, random);
  std::vector<double> exact = problem.exact();
  ErrorOfMode floor = measure(exact, rounded(exact));
  ErrorOfMode weights = measure(exact, withHalfWeights(problem));
  std::printf("%-22s %-8s %10s %11s\n", "mode", "adding", "NMSE", "misrounded");
  print("rounding only", "", floor);
  print("weights in f16", "", weights);
  struct Arm {
    const char *name, *chip, *mode;
    unsigned bucket;
    /// Whether its weights are rounded to f16, which is then its error.
    bool roundsWeights;
  };
  constexpr Arm arms[] = {
      {"subnormal", "sm_80", "subnormal", 1, false},
      {"subnormal by wgmma", "sm_90a", "subnormal", 3, false},
      {"exact", "sm_80", "exact", 1, false},
      {"planes", "sm_80", "planes", 1, false},
      {"scaled", "sm_80", "subnormal", 4, true},
      {"scaled by wgmma", "sm_90a", "subnormal", 4, true},
      {"dequantize", "sm_80", "dequantize", 0, true},
  };
  KernelLibrary library;
  for (const Arm &arm : arms)
    for (MmaModel model : {MmaModel::FusedF32, MmaModel::Aligned}) {
      const LinearProgram &program =
          library.get({arm.chip, arm.mode, "f16"}, LinearKind(), arm.bucket);
      SimulatedLinear linear(program, problem.weight(), problem.m,
                             /*blocks=*/7);
      std::vector<uint16_t> y(problem.m * problem.n);
      SimulatorOptions options;
      options.mma = model;
      Result<Report> report = linear.run(problem.x.data(), y.data(), options);
      ASSERT_TRUE(report) << report.error().str();
      ErrorOfMode error = measure(exact, y);
      const char *adding = model == MmaModel::Aligned ? "aligned" : "fused";
      print(arm.name, adding, error);
      SCOPED_TRACE(std::string(arm.name) + ", " + adding);
      if (arm.roundsWeights) {
        EXPECT_LE(error.nmse, 1.05 * weights.nmse);
        continue;
      }
      EXPECT_LE(error.nmse, 1.05 * floor.nmse);
      EXPECT_LE(error.nmse, weights.nmse);
      EXPECT_LE(error.misrounded, weights.misrounded);
    }
}

} // namespace
