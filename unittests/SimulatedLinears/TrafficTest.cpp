//===- TrafficTest.cpp - bytes and bank conflicts of the kernels ----------===//
//
// Part of the awq-mlir project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "LinearProblem.h"
#include "TestKernels.h"

#include "awq/Dialect/AWQ/Utils/RecordLayout.h"

#include <cstdio>
#include <gtest/gtest.h>

using namespace awq;
using namespace awq::gpusim;
using namespace awq::gpusim::test;

namespace {

/// Multiples of a tile and of a record, so that nothing is padded.
constexpr int64_t n = 512, k = 1024;

/// Bytes that must be copied: each record once, and for each tile the
/// activations.
int64_t leastBytes(const RecordGeometry &geometry,
                   const LinearKernels &kernels) {
  int64_t records = geometry.recordRows() * geometry.recordsInK();
  int64_t tiles = n / kernels.tileRows;
  int64_t recordBytes =
      kernels.recordBytes ? kernels.recordBytes : geometry.recordBytes();
  return records * recordBytes +
         tiles * geometry.recordsInK() * kernels.activationBytes;
}

class Traffic : public ::testing::Test {
protected:
  /// All kernels of one kind, with as many tokens as they take at once.
  void check(const KernelOptions &options, const LinearKind &kind);

  KernelLibrary library;
};

void Traffic::check(const KernelOptions &options, const LinearKind &kind) {
  std::mt19937 random(3);
  QuantScheme scheme;
  scheme.group = kind.group;
  for (unsigned bucket = 0; bucket < bucketCount(options.mode); ++bucket) {
    const LinearProgram &program = library.get(options, kind, bucket);
    const LinearKernels &kernels = program.launch;
    SCOPED_TRACE(options.chip + ", " + kernels.kernel);
    LinearProblem problem(scheme, kernels.maxTokens, n, k, false, false,
                          random);
    SimulatedLinear linear(program, problem.weight(), problem.m, /*blocks=*/3);
    std::vector<uint16_t> y(problem.m * n);
    SimulatorOptions simulator;
    simulator.counters = true;
    Result<Report> report = linear.run(problem.x.data(), y.data(), simulator);
    ASSERT_TRUE(report) << report.error().str();
    ASSERT_TRUE(report->clean()) << report->text(false);
    const Counters &counters = report->counters;
    EXPECT_EQ(counters.sharedLoads.conflicts(), 0u);
    EXPECT_EQ(counters.sharedStores.conflicts(), 0u);
    EXPECT_EQ(counters.asyncWrites.conflicts(), 0u);
    EXPECT_GE(counters.asyncCopies.efficiency(), 0.99);
    int64_t least = leastBytes(RecordGeometry(scheme, n, k), kernels);
    EXPECT_EQ(counters.bulkBytes + counters.asyncCopies.bytes,
              static_cast<uint64_t>(least));
  }
}

TEST_F(Traffic, EachWeightIsReadOnceWithoutConflicts) {
  for (const char *chip : {"sm_80", "sm_90a"})
    for (const char *mode : modes)
      for (int64_t group : kernelGroups) {
        KernelOptions options;
        options.chip = chip;
        options.mode = mode;
        LinearKind kind;
        kind.group = group;
        check(options, kind);
      }
}

} // namespace
