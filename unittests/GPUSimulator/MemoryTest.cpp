//===- MemoryTest.cpp - traps, and races on shared and global memory ------===//
//
// Part of the awq-mlir project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "SampleKernels.h"

#include <gtest/gtest.h>

#include <cstring>

using namespace awq::gpusim;
using namespace awq::gpusim::test;

namespace {

/// A kernel with a buffer of 1024 bytes, %t the thread and %b the block.
struct KernelRun {
  Report report;
  std::vector<uint32_t> words = std::vector<uint32_t>(256);
};

const char *declarations = R"(
declare i32 @llvm.nvvm.read.ptx.sreg.tid.x()
declare i32 @llvm.nvvm.read.ptx.sreg.ctaid.x()
declare void @llvm.nvvm.barrier.cta.sync.aligned.all(i32)
declare void @llvm.nvvm.barrier.cta.sync.aligned.count(i32, i32)
declare void @llvm.nvvm.barrier.cta.arrive.aligned.count(i32, i32)
declare void @llvm.nvvm.bar.warp.sync(i32)
declare void @llvm.nvvm.membar.gl()
declare void @llvm.nvvm.membar.cta()
@s = internal addrspace(3) global [256 x i32] undef, align 16
)";

KernelRun run(const std::string &body, unsigned threads = 64,
              unsigned blocks = 1, SimulatorOptions options = {}) {
  std::string ir = declarations;
  ir += "define ptx_kernel void @k(ptr addrspace(1) %m) {\n"
        "  %t = call i32 @llvm.nvvm.read.ptx.sreg.tid.x()\n"
        "  %b = call i32 @llvm.nvvm.read.ptx.sreg.ctaid.x()\n" +
        body + "\n  ret void\n}\n";
  DeviceMemory memory;
  KernelRun result;
  for (unsigned i = 0; i < 256; ++i)
    result.words[i] = 0;
  DeviceBuffer &buffer = memory.allocate("m", result.words);
  LaunchConfig config;
  config.block.x = threads;
  config.grid.x = blocks;
  options.races = true;
  result.report =
      runText(ir, memory, config, {Argument::pointer(buffer)}, options);
  std::memcpy(result.words.data(), buffer.data, 1024);
  return result;
}

#define EXPECT_ONLY(run, kindName)                                             \
  do {                                                                         \
    const Report &seen = (run).report;                                         \
    EXPECT_TRUE(seen.has(kindName)) << seen.text(false);                       \
    for (const Finding &finding : seen.findings)                               \
      EXPECT_EQ(finding.kind.find(kindName), 0u) << finding.str();             \
  } while (0)

TEST(Traps, GlobalBounds) {
  EXPECT_ONLY(run("  %i = add i32 %t, 200\n"
                  "  %p = getelementptr i32, ptr addrspace(1) %m, i32 %i\n"
                  "  store i32 1, ptr addrspace(1) %p"),
              "out-of-bounds-global");
  // One byte too far, by a vector.
  EXPECT_ONLY(run("  %p = getelementptr i8, ptr addrspace(1) %m, i32 1009\n"
                  "  %v = load <4 x i32>, ptr addrspace(1) %p, align 1",
                  1),
              "out-of-bounds-global");
}

TEST(Traps, SharedBoundsAndSpaces) {
  EXPECT_ONLY(run("  %i = add i32 %t, 200\n"
                  "  %p = getelementptr i32, ptr addrspace(3) @s, i32 %i\n"
                  "  store i32 1, ptr addrspace(3) %p"),
              "out-of-bounds-shared");
  EXPECT_ONLY(run("  %g = addrspacecast ptr addrspace(3) @s to ptr\n"
                  "  %w = addrspacecast ptr %g to ptr addrspace(1)\n"
                  "  store i32 1, ptr addrspace(1) %w",
                  1),
              "wrong-space");
}

TEST(Traps, Alignment) {
  EXPECT_ONLY(run("  %p = getelementptr i32, ptr addrspace(1) %m, i32 1\n"
                  "  %v = load <4 x i32>, ptr addrspace(1) %p, align 16",
                  1),
              "misaligned");
}

TEST(Traps, UninitialisedShared) {
  KernelRun result = run("  %v = load i32, ptr addrspace(3) @s\n"
                         "  store i32 %v, ptr addrspace(1) %m",
                         1);
  EXPECT_ONLY(result, "uninitialised-shared");
  EXPECT_EQ(result.words[0], ~0u);
}

TEST(Traps, ReadOnlyAndTrap) {
  EXPECT_ONLY(run("  call void @llvm.trap()\n  ret void\n}\n"
                  "declare void @llvm.trap()\n"
                  "define void @other() {",
                  1),
              "trap");
}

TEST(Traps, BarrierArguments) {
  EXPECT_ONLY(run("  call void @llvm.nvvm.barrier.cta.sync.aligned.count("
                  "i32 1, i32 40)"),
              "barrier-arguments");
  EXPECT_ONLY(run("  call void @llvm.nvvm.barrier.cta.sync.aligned.count("
                  "i32 1, i32 128)"),
              "barrier-arguments");
}

TEST(Traps, ExitedWarpAtBarrier) {
  EXPECT_ONLY(run("  %c = icmp ult i32 %t, 32\n"
                  "  br i1 %c, label %wait, label %out\n"
                  "wait:\n"
                  "  call void @llvm.nvvm.barrier.cta.sync.aligned.all(i32 0)\n"
                  "  br label %out\nout:"),
              "barrier-after-exit");
}

TEST(Traps, CollectiveMask) {
  EXPECT_ONLY(run("  %c = icmp ult i32 %t, 7\n"
                  "  br i1 %c, label %some, label %out\n"
                  "some:\n"
                  "  call void @llvm.nvvm.bar.warp.sync(i32 255)\n"
                  "  br label %out\nout:",
                  32),
              "collective-mask");
}

TEST(Traps, EndlessPolling) {
  KernelRun result =
      run("  br label %spin\nspin:\n"
          "  %v = load atomic i32, ptr addrspace(1) %m syncscope("
          "\"device\") acquire, align 4\n"
          "  %z = icmp eq i32 %v, 0\n"
          "  br i1 %z, label %spin, label %out\nout:");
  EXPECT_TRUE(result.report.has("deadlock"));
  EXPECT_FALSE(result.report.completed);
}

// Warp 0 writes what warp 1 reads.
const char *handOver[] = {
    "  %p = getelementptr i32, ptr addrspace(3) @s, i32 %t\n"
    "  %c = icmp ult i32 %t, 32\n"
    "  br i1 %c, label %first, label %join\n"
    "first:\n  store i32 7, ptr addrspace(3) %p\n  br label %join\njoin:\n",
    "  br i1 %c, label %out, label %second\nsecond:\n"
    "  %i = sub i32 %t, 32\n"
    "  %q = getelementptr i32, ptr addrspace(3) @s, i32 %i\n"
    "  %v = load i32, ptr addrspace(3) %q\n"
    "  %g = getelementptr i32, ptr addrspace(1) %m, i32 %i\n"
    "  store i32 %v, ptr addrspace(1) %g\n  br label %out\nout:"};

TEST(Races, SharedNeedsABarrier) {
  EXPECT_ONLY(run(std::string(handOver[0]) + handOver[1]),
              "race-read-after-write");
  KernelRun fine =
      run(std::string(handOver[0]) +
          "  call void @llvm.nvvm.barrier.cta.sync.aligned.all(i32 0)\n" +
          handOver[1]);
  EXPECT_TRUE(fine.report.clean()) << fine.report.text(false);
  EXPECT_EQ(fine.words[31], 7u);
  // A warp-level synchronisation does not reach the other warp.
  EXPECT_ONLY(run(std::string(handOver[0]) +
                  "  call void @llvm.nvvm.bar.warp.sync(i32 -1)\n" +
                  handOver[1]),
              "race-read-after-write");
}

/// bar.arrive by the writer and bar.sync by the reader, on a named barrier.
TEST(Races, NamedBarriers) {
  std::string body =
      "  %p = getelementptr i32, ptr addrspace(3) @s, i32 %t\n"
      "  %c = icmp ult i32 %t, 32\n"
      "  br i1 %c, label %first, label %second\n"
      "first:\n  store i32 7, ptr addrspace(3) %p\n"
      "  call void @llvm.nvvm.barrier.cta.arrive.aligned.count(i32 3, i32 64)\n"
      "  br label %out\n"
      "second:\n"
      "  call void @llvm.nvvm.barrier.cta.sync.aligned.count(i32 ID, i32 64)\n"
      "  %i = sub i32 %t, 32\n"
      "  %q = getelementptr i32, ptr addrspace(3) @s, i32 %i\n"
      "  %v = load i32, ptr addrspace(3) %q\n"
      "  %g = getelementptr i32, ptr addrspace(1) %m, i32 %i\n"
      "  store i32 %v, ptr addrspace(1) %g\n  br label %out\nout:";
  auto with = [&](const char *id) {
    std::string text = body;
    text.replace(text.find("ID"), 2, id);
    return run(text);
  };
  KernelRun fine = with("3");
  EXPECT_TRUE(fine.report.clean()) << fine.report.text(false);
  EXPECT_EQ(fine.words[5], 7u);
  // The writer ends and never arrives where the reader waits. The count is the
  // whole block, but a warp that has ended does not count.
  KernelRun hangs = with("4");
  EXPECT_TRUE(hangs.report.has("deadlock"));
  EXPECT_FALSE(hangs.report.completed);
  EXPECT_NE(hangs.report.text(false).find(
                "barrier 4 has a count of 64 threads, of which 32 came: 1 "
                "warps have ended"),
            std::string::npos)
      << hangs.report.text(false);
}

/// Warps 1 and 2 read what warp 0 writes after the barrier for it and warp 2:
/// the race is with warp 1, though warp 2 read later.
TEST(Races, GlobalReadersAreAllRemembered) {
  std::string body =
      "  %w = lshr i32 %t, 5\n"
      "  switch i32 %w, label %out [i32 0, label %write\n i32 1, label %early\n"
      " i32 2, label %late]\n"
      "early:\n  %v = load i32, ptr addrspace(1) %m\n"
      "  %p = getelementptr i32, ptr addrspace(1) %m, i32 %t\n"
      "  store i32 %v, ptr addrspace(1) %p\n  br label %out\n"
      "late:\n  %u = load i32, ptr addrspace(1) %m\n"
      "  call void @llvm.nvvm.barrier.cta.arrive.aligned.count(i32 1, i32 64)\n"
      "  %q = getelementptr i32, ptr addrspace(1) %m, i32 %t\n"
      "  store i32 %u, ptr addrspace(1) %q\n  br label %out\n"
      "write:\n"
      "  call void @llvm.nvvm.barrier.cta.sync.aligned.count(i32 1, i32 64)\n"
      "  store i32 5, ptr addrspace(1) %m\n  br label %out\nout:";
  KernelRun result = run(body, 96);
  EXPECT_TRUE(result.report.has("global-race-write-after-read"))
      << result.report.text(false);
  EXPECT_NE(result.report.text(false).find("warp 1 reads"), std::string::npos)
      << result.report.text(false);
}

/// A store of 4 bytes per lane and a load of 16: the shadow keeps the history
/// of 16 bytes together and must take it apart.
TEST(Races, WidthsMayDiffer) {
  std::string body =
      "  %p = getelementptr i32, ptr addrspace(3) @s, i32 %t\n"
      "  store i32 %t, ptr addrspace(3) %p\n"
      "SYNC"
      "  %r = xor i32 %t, 3\n"
      "  %q = getelementptr i32, ptr addrspace(3) @s, i32 %r\n"
      "  store i32 %r, ptr addrspace(3) %q\n"
      "SYNC"
      "  %c = icmp ult i32 %t, 8\n"
      "  br i1 %c, label %wide, label %out\nwide:\n"
      "  %w = getelementptr [4 x i32], ptr addrspace(3) @s, i32 %t\n"
      "  %v = load <4 x i32>, ptr addrspace(3) %w, align 16\n"
      "  %g = getelementptr [4 x i32], ptr addrspace(1) %m, i32 %t\n"
      "  store <4 x i32> %v, ptr addrspace(1) %g, align 16\n"
      "  br label %out\nout:";
  auto with = [&](const std::string &first, const std::string &second) {
    std::string text = body;
    text.replace(text.find("SYNC"), 4, first);
    text.replace(text.find("SYNC"), 4, second);
    return run(text, 32);
  };
  std::string sync = "  call void @llvm.nvvm.bar.warp.sync(i32 -1)\n";
  KernelRun fine = with(sync, sync);
  EXPECT_TRUE(fine.report.clean()) << fine.report.text(false);
  for (unsigned i = 0; i < 32; ++i)
    EXPECT_EQ(fine.words[i], i);
  EXPECT_ONLY(with("", sync), "race-within-warp");
  EXPECT_ONLY(with(sync, ""), "race-within-warp");
}

TEST(Races, GlobalBetweenBlocks) {
  // Every block writes the same words.
  EXPECT_ONLY(run("  %p = getelementptr i32, ptr addrspace(1) %m, i32 %t\n"
                  "  store i32 %b, ptr addrspace(1) %p",
                  64, 3),
              "global-race-write-after-write");
  // Atomics do not race with each other.
  KernelRun sum = run("  %v = atomicrmw add ptr addrspace(1) %m, i32 2 "
                      "syncscope(\"device\") monotonic, align 4",
                      64, 3);
  EXPECT_TRUE(sum.report.clean()) << sum.report.text(false);
  EXPECT_EQ(sum.words[0], 2u * 64 * 3);
}

/// Each block stores a part and takes a ticket; the last one adds the parts
/// up. This is how stream-K blocks meet.
std::string tickets(const std::string &before, const std::string &after) {
  return "  %c = icmp eq i32 %t, 0\n"
         "  %slot = add i32 %b, 16\n"
         "  %p = getelementptr i32, ptr addrspace(1) %m, i32 %slot\n"
         "  %cc = icmp eq i32 %t, 32\n"
         "  br i1 %cc, label %write, label %meet\n"
         "write:\n  %part = add i32 %b, 5\n"
         "  store i32 %part, ptr addrspace(1) %p\n  br label %meet\n"
         "meet:\n"
         "  call void @llvm.nvvm.barrier.cta.sync.aligned.all(i32 0)\n"
         "  br i1 %c, label %one, label %out\none:\n" +
         before +
         "  %ticket = atomicrmw add ptr addrspace(1) %m, i32 1 "
         "syncscope(\"device\") monotonic, align 4\n" +
         after +
         "  %last = icmp eq i32 %ticket, 3\n"
         "  br i1 %last, label %sum, label %out\n"
         "sum:\n"
         "  %p0 = getelementptr i32, ptr addrspace(1) %m, i32 16\n"
         "  %v = load <4 x i32>, ptr addrspace(1) %p0, align 16\n"
         "  %s = call i32 @llvm.vector.reduce.add.v4i32(<4 x i32> %v)\n"
         "  %q = getelementptr i32, ptr addrspace(1) %m, i32 8\n"
         "  store i32 %s, ptr addrspace(1) %q\n  br label %out\nout:\n"
         "  ret void\n}\ndeclare i32 @llvm.vector.reduce.add.v4i32(<4 x i32>)\n"
         "define void @other() {";
}

TEST(Races, TicketsNeedFences) {
  std::string gl = "  call void @llvm.nvvm.membar.gl()\n",
              cta = "  call void @llvm.nvvm.membar.cta()\n";
  for (unsigned resident : {1u, 4u})
    for (uint64_t seed : {0, 1, 2, 3}) {
      SimulatorOptions options;
      options.residentBlocks = resident;
      options.seed = seed;
      KernelRun fine = run(tickets(gl, gl), 64, 4, options);
      EXPECT_TRUE(fine.report.clean()) << fine.report.text(false);
      EXPECT_EQ(fine.words[8], 5u + 6 + 7 + 8);
      EXPECT_ONLY(run(tickets("", gl), 64, 4, options), "global-race-");
      EXPECT_ONLY(run(tickets(gl, ""), 64, 4, options), "global-race-");
      // A fence that reaches the block only is not enough.
      EXPECT_ONLY(run(tickets(cta, cta), 64, 4, options), "global-race-");
    }
}

/// Blocks make progress side by side: block 0 waits for block 1.
TEST(Blocks, RunSideBySide) {
  std::string body =
      "  %first = icmp eq i32 %b, 0\n"
      "  br i1 %first, label %spin, label %set\n"
      "set:\n"
      "  store atomic i32 9, ptr addrspace(1) %m syncscope(\"device\") "
      "release, align 4\n  br label %out\n"
      "spin:\n"
      "  %v = load atomic i32, ptr addrspace(1) %m syncscope(\"device\") "
      "acquire, align 4\n"
      "  %z = icmp eq i32 %v, 0\n"
      "  br i1 %z, label %spin, label %seen\n"
      "seen:\n"
      "  %p = getelementptr i32, ptr addrspace(1) %m, i32 4\n"
      "  store i32 %v, ptr addrspace(1) %p\n  br label %out\nout:";
  KernelRun result = run(body, 1, 2);
  EXPECT_TRUE(result.report.clean()) << result.report.text(false);
  EXPECT_EQ(result.words[4], 9u);
  // With room for one block only they would wait for ever.
  SimulatorOptions options;
  options.residentBlocks = 1;
  EXPECT_TRUE(run(body, 1, 2, options).report.has("deadlock"));
}

TEST(Blocks, PartialWarpsAndGrids) {
  std::vector<uint32_t> seen(8 * 3);
  std::string ir = R"(
declare i32 @llvm.nvvm.read.ptx.sreg.tid.x()
declare i32 @llvm.nvvm.read.ptx.sreg.tid.y()
declare i32 @llvm.nvvm.read.ptx.sreg.ntid.x()
declare i32 @llvm.nvvm.read.ptx.sreg.ctaid.y()
define ptx_kernel void @k(ptr addrspace(1) %m, i32 %add) {
  %x = call i32 @llvm.nvvm.read.ptx.sreg.tid.x()
  %y = call i32 @llvm.nvvm.read.ptx.sreg.tid.y()
  %n = call i32 @llvm.nvvm.read.ptx.sreg.ntid.x()
  %b = call i32 @llvm.nvvm.read.ptx.sreg.ctaid.y()
  %r = mul i32 %y, %n
  %l = add i32 %r, %x
  %o = mul i32 %b, 8
  %i = add i32 %o, %l
  %v = add i32 %i, %add
  %p = getelementptr i32, ptr addrspace(1) %m, i32 %i
  store i32 %v, ptr addrspace(1) %p
  ret void
}
)";
  DeviceMemory memory;
  DeviceBuffer &buffer = memory.allocate("m", seen);
  LaunchConfig config;
  config.block = {4, 2, 1};
  config.grid = {1, 3, 1};
  Report report =
      runText(ir, memory, config,
              {Argument::pointer(buffer), Argument::of<uint32_t>(100)});
  EXPECT_TRUE(report.clean());
  std::memcpy(seen.data(), buffer.data, buffer.bytes);
  for (unsigned i = 0; i < seen.size(); ++i)
    EXPECT_EQ(seen[i], i + 100);
  EXPECT_EQ(report.counters.threads, 24u);
}

TEST(Launches, WrongArgumentsAreErrors) {
  auto file = KernelFile::open(std::string(AWQ_TEST_INPUTS) + "/exchange.ll");
  ASSERT_TRUE(bool(file));
  auto kernel = file->kernel("exchange");
  ASSERT_TRUE(bool(kernel));
  DeviceMemory memory;
  LaunchConfig config;
  config.block.x = 128;
  auto few = launch(*kernel, memory, config, {});
  ASSERT_FALSE(bool(few));
  EXPECT_EQ(few.error().code, "AWQ1704");
  config.block.x = 2048;
  std::vector<Argument> two(2, Argument::of<uint64_t>(0));
  EXPECT_FALSE(bool(launch(*kernel, memory, config, two)));
  EXPECT_EQ(file->kernel("none").error().code, "AWQ1701");
  EXPECT_EQ(KernelFile::open("/nowhere.ll").error().code, "AWQ1703");
}

} // namespace
