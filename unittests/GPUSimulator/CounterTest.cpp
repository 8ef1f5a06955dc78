//===- CounterTest.cpp - instructions, sectors, conflicts, speed ----------===//
//
// Part of the awq-mlir project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "SampleKernels.h"

#include <gtest/gtest.h>

#include <cstdio>

using namespace awq::gpusim;
using namespace awq::gpusim::test;

namespace {

/// Each of 32 lanes loads 4 bytes at `stride` * lane, and stores them to
/// shared memory at `sharedStride` * lane.
Report strided(unsigned stride, unsigned sharedStride) {
  std::string ir = R"(
@s = internal addrspace(3) global [4096 x i8] undef, align 16
declare i32 @llvm.nvvm.read.ptx.sreg.tid.x()
define ptx_kernel void @k(ptr addrspace(1) %m, i32 %a, i32 %b) {
  %t = call i32 @llvm.nvvm.read.ptx.sreg.tid.x()
  %i = mul i32 %t, %a
  %p = getelementptr i8, ptr addrspace(1) %m, i32 %i
  %v = load i32, ptr addrspace(1) %p
  %j = mul i32 %t, %b
  %q = getelementptr i8, ptr addrspace(3) @s, i32 %j
  store i32 %v, ptr addrspace(3) %q
  ret void
}
)";
  DeviceMemory memory;
  std::vector<uint32_t> zeros(2048);
  DeviceBuffer &buffer = memory.allocate("m", zeros);
  LaunchConfig config;
  config.block.x = 32;
  SimulatorOptions options;
  options.counters = true;
  return runText(ir, memory, config,
                 {Argument::pointer(buffer), Argument::of(stride),
                  Argument::of(sharedStride)},
                 options);
}

TEST(Counters, SectorsAndBankConflicts) {
  Counters dense = strided(4, 4).counters;
  EXPECT_EQ(dense.globalLoads.sectors, 4u);
  EXPECT_EQ(dense.globalLoads.bytes, 128u);
  EXPECT_EQ(dense.globalLoads.efficiency(), 1.0);
  EXPECT_EQ(dense.sharedStores.wavefronts, 1u);
  EXPECT_EQ(dense.sharedStores.conflicts(), 0u);
  // One sector per lane; two lanes per bank.
  Counters sparse = strided(128, 8).counters;
  EXPECT_EQ(sparse.globalLoads.sectors, 32u);
  EXPECT_EQ(sparse.globalLoads.efficiency(), 0.125);
  EXPECT_EQ(sparse.sharedStores.wavefronts, 2u);
  EXPECT_EQ(sparse.sharedStores.conflicts(), 1u);
  // All lanes in one bank.
  EXPECT_EQ(strided(4, 128).counters.sharedStores.wavefronts, 32u);
  auto count = [&](InstructionClass kind) {
    return dense.warpInstructions[unsigned(kind)];
  };
  EXPECT_EQ(count(InstructionClass::GlobalLoad), 1u);
  EXPECT_EQ(count(InstructionClass::SharedStore), 1u);
  EXPECT_EQ(count(InstructionClass::Special), 1u);
  EXPECT_EQ(dense.threads, 32u);
}

TEST(Counters, RingKernel) {
  SimulatorOptions options;
  options.counters = true;
  Outcome outcome = runRing(options);
  const Counters &counters = outcome.report.counters;
  // 64 tiles of 16 x 8 outputs by 16 channels, two per warp and step.
  EXPECT_EQ(counters.mma, 16u * 64 * 256 / (16 * 8 * 16));
  EXPECT_EQ(counters.macs, 16u * 64 * 256);
  EXPECT_EQ(counters.asyncCopies.bytes, 16u * 256 * 2 + 256u * 64 / 2);
  EXPECT_EQ(counters.asyncCopies.efficiency(), 1.0);
  // The exchange of units keeps ldmatrix and cp.async free of conflicts.
  EXPECT_EQ(counters.sharedLoads.conflicts(), 0u);
  EXPECT_EQ(counters.asyncWrites.conflicts(), 0u);
  EXPECT_EQ(counters.divergentBranches, 0u);
  std::printf("%s", outcome.report.text(true).c_str());
  EXPECT_NE(outcome.report.json().find("\"bank_conflicts\": 0"),
            std::string::npos);
}

TEST(Counters, DivergentBranches) {
  Outcome outcome = runExchange({});
  EXPECT_GT(outcome.report.counters.divergentBranches, 0u);
}

/// Not a limit but a figure: multiply-adds a second of one processor core.
void printSpeed(bool races) {
  SimulatorOptions options;
  options.races = races;
  double best = speedOfRing(options);
  std::printf("%s race detection: %.2f GMAC/s\n", races ? "with" : "without",
              best * 1e-9);
  EXPECT_GT(best, 0);
}
TEST(Speed, RingKernel) { printSpeed(false); }
TEST(Speed, RingKernelWithRaces) { printSpeed(true); }

} // namespace
