//===- FusedLinearsTest.cpp - linears with what surrounds them ------------===//
//
// Part of the awq-mlir project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The kernels of awq.fused_linear on the simulator against the same graph in
// double precision, op after op.
//
//===----------------------------------------------------------------------===//

#include "FusedProblem.h"

#include <gtest/gtest.h>

#include <cstdio>
#include <set>

using namespace awq;
using namespace awq::gpusim;
using namespace awq::gpusim::test;

namespace {

const char *const gates[] = {"silu", "gelu_tanh", "relu", "sigmoid",
                             "gelu_quick"};
/// The parts that are fused, by the bits of `choice`; a gate and a rotation
/// exclude each other.
LinearKind makeKind(unsigned choice, unsigned number) {
  LinearKind kind;
  kind.group = kernelGroups[(number + number / 4) % 4];
  kind.symmetric = number / 8 % 2;
  kind.bias = number / 3 % 2;
  kind.norm = choice & 1;
  kind.residual = choice & 2;
  kind.turn = choice & 4;
  if (choice & 8)
    kind.gate = gates[number % 5];
  return kind;
}

TEST(FusedLinears, AreRight) {
  KernelLibrary library;
  double worst[2] = {0, 0};
  std::set<std::string> kernels;
  unsigned number = 0;
  for (unsigned choice = 1; choice < 12; ++choice)
    for (const char *chip : chips) {
      std::mt19937 random(number);
      KernelOptions options;
      options.chip = chip;
      options.mode = modes[(number + number / 16) % 4];
      options.activations = activationTypes[number / 2 % 2];
      unsigned bucket = number % bucketCount(options.mode);
      LinearKind kind = makeKind(choice, number);
      ++number;
      QuantScheme scheme;
      scheme.group = kind.group;
      scheme.symmetric = kind.symmetric;
      // A single group is a whole row, which has kernels of its own.
      int64_t n = 16 * (1 + random() % 20), k = 128 * (2 + random() % 5);
      // Rotations and additions take rows that fill half of 16.
      if (kind.gate.empty())
        n += 8 * (random() % 2);
      int64_t m = random() % (17 << bucket);
      bool bf16 = options.activations == "bf16";
      FusedProblem problem(
          kind, LinearProblem(scheme, m, n, k, kind.bias, bf16, random),
          random);
      const LinearProgram &program = library.get(options, kind, bucket);
      SCOPED_TRACE(std::string(chip) + " " + program.launch.kernel + " " +
                   program.launch.pack + ", M " + std::to_string(m) + ", N " +
                   std::to_string(n) + ", K " + std::to_string(k));
      kernels.insert(chip + program.launch.kernel);
      SimulatedLinear linear(program, problem.linear.weight(), m,
                             1 + random() % 13, problem.fusion());
      std::vector<uint16_t> y(m * problem.columns()), again(y);
      Result<Report> report =
          linear.run(problem.linear.x.data(), y.data(), SimulatorOptions());
      ASSERT_TRUE(bool(report)) << report.error().str();
      ASSERT_TRUE(report->clean()) << report->text(false);
      double error = problem.linear.worstRow(problem.exact(), y);
      EXPECT_LE(error, problem.errorBound());
      worst[bf16] = std::max(worst[bf16], error);

      SimulatorOptions other;
      other.seed = 1 + random();
      other.residentBlocks = 1 + random() % 16;
      other.delivery = CopyDelivery::AtOnce;
      ASSERT_TRUE(
          bool(linear.run(problem.linear.x.data(), again.data(), other)));
      EXPECT_EQ(y, again) << "the order of blocks changes bits";
    }
  std::printf("%zu kernels; worst NMSE of a row %.3g (f16), %.3g (bf16)\n",
              kernels.size(), worst[0], worst[1]);
}

/// A NaN in a token's activations makes NaN of its results and of no others.
TEST(FusedLinears, KeepNaNsInTheirRows) {
  KernelLibrary library;
  LinearKind kind = makeKind(1 | 8, 0);
  for (const char *chip : {"sm_80", "sm_90a"}) {
    std::mt19937 random(5);
    KernelOptions options;
    options.chip = chip;
    const LinearProgram &program = library.get(options, kind, 0);
    QuantScheme scheme;
    scheme.group = kind.group;
    FusedProblem problem(
        kind, LinearProblem(scheme, 3, 64, 256, kind.bias, false, random),
        random);
    SimulatedLinear linear(program, problem.linear.weight(), 3, 2,
                           problem.fusion());
    std::vector<uint16_t> y(3 * 32), other(y), x = problem.linear.x;
    ASSERT_TRUE(bool(linear.run(x.data(), y.data(), SimulatorOptions())));
    x[256 + 7] = 0x7e00;
    ASSERT_TRUE(bool(linear.run(x.data(), other.data(), SimulatorOptions())));
    for (int64_t i = 0; i < 3 * 32; ++i) {
      if (i / 32 == 1)
        EXPECT_TRUE(problem.linear.isNaN(other[i]));
      else
        EXPECT_EQ(y[i], other[i]);
    }
  }
}

} // namespace
