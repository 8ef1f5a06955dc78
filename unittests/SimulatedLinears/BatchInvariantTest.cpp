//===- BatchInvariantTest.cpp - bits that do not depend on the batch ------===//
//
// Part of the awq-mlir project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "LinearProblem.h"
#include "TestKernels.h"

#include <gtest/gtest.h>

using namespace awq;
using namespace awq::gpusim;
using namespace awq::gpusim::test;

/// Y of the first `m` tokens, by a grid that is the same for all m.
static std::vector<uint16_t> runTokens(const LinearProgram &program,
                                       const LinearProblem &problem,
                                       int64_t m) {
  SimulatedLinear linear(program, problem.weight(), m, /*blocks=*/5);
  std::vector<uint16_t> y(m * problem.n);
  Result<Report> report =
      linear.run(problem.x.data(), y.data(), SimulatorOptions());
  EXPECT_TRUE(report) << report.error().str();
  EXPECT_TRUE(report->clean()) << report->text(false);
  return y;
}

TEST(BatchInvariant, BitsDoNotDependOnTheNumberOfTokens) {
  std::mt19937 random(7);
  QuantScheme scheme;
  scheme.group = 128;
  constexpr int64_t tokens = 37;
  LinearProblem problem(scheme, tokens, 200, 640, /*hasBias=*/true,
                        /*bf16=*/false, random);
  for (const char *chip : {"sm_80", "sm_90a"})
    for (const char *mode : modes) {
      SCOPED_TRACE(std::string(chip) + ", " + mode);
      KernelOptions options{chip, mode, "f16", /*batchInvariant=*/true};
      LinearKind kind;
      kind.bias = true;
      CompiledKernels compiled = compileKinds({kind}, options);
      ASSERT_EQ(compiled.linears[0].size(), 1u);
      Result<KernelModule> module = KernelModule::parse(compiled.bitcode);
      ASSERT_TRUE(module) << module.error().str();
      auto program = LinearProgram::load(*module, compiled.linears[0][0]);
      ASSERT_TRUE(program) << program.error().str();
      std::vector<uint16_t> all = runTokens(*program, problem, tokens);
      EXPECT_LE(problem.worstRow(problem.exact(), all), 1e-6);
      for (int64_t m : {1, 2, 7, 16, 33}) {
        std::vector<uint16_t> some = runTokens(*program, problem, m);
        EXPECT_TRUE(std::equal(some.begin(), some.end(), all.begin()))
            << m << " tokens";
      }
    }
}
