//===- AsyncTest.cpp - copies, mbarriers and matrices that take their time ===//
//
// Part of the awq-mlir project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "SampleKernels.h"

#include "awq/ExecutionEngine/GPUSimulator/TensorMap.h"

#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <random>

using namespace awq::gpusim;
using namespace awq::gpusim::test;

namespace {

const char *declarations = R"(
@s = internal addrspace(3) global [8192 x i8] undef, align 1024
@bar = internal addrspace(3) global [4 x i64] undef, align 8
declare i32 @llvm.nvvm.read.ptx.sreg.tid.x()
declare void @llvm.nvvm.barrier.cta.sync.aligned.all(i32)
declare void @llvm.nvvm.cp.async.ca.shared.global.4.s(ptr addrspace(3), ptr addrspace(1), i32)
declare void @llvm.nvvm.cp.async.ca.shared.global.4(ptr addrspace(3), ptr addrspace(1))
declare void @llvm.nvvm.cp.async.commit.group()
declare void @llvm.nvvm.cp.async.wait.group(i32)
declare void @llvm.nvvm.cp.async.mbarrier.arrive.noinc.shared(ptr addrspace(3))
declare void @llvm.nvvm.mbarrier.init.shared(ptr addrspace(3), i32)
declare i64 @llvm.nvvm.mbarrier.arrive.expect.tx.scope.cta.space.cta(ptr addrspace(3), i32)
declare i64 @llvm.nvvm.mbarrier.arrive.shared(ptr addrspace(3))
declare i1 @llvm.nvvm.mbarrier.try.wait.parity.scope.cta.space.cta(ptr addrspace(3), i32)
declare i1 @llvm.nvvm.mbarrier.test.wait.parity.scope.cta.space.cta(ptr addrspace(3), i32)
declare void @llvm.nvvm.cp.async.bulk.shared.cta.to.global(ptr addrspace(1), ptr addrspace(3), i32, i64, i1)
declare void @llvm.nvvm.cp.async.bulk.commit.group()
declare void @llvm.nvvm.cp.async.bulk.wait.group(i32)
declare void @llvm.nvvm.fence.proxy.async.shared_cta()
declare void @llvm.nvvm.griddepcontrol.wait()
declare void @llvm.nvvm.cp.async.bulk.tensor.g2s.tile.2d(ptr addrspace(7), ptr addrspace(3), ptr, i32, i32, i16, i64, i1, i1, i32)
declare void @llvm.nvvm.wgmma.fence.sync.aligned()
declare void @llvm.nvvm.wgmma.commit_group.sync.aligned()
declare void @llvm.nvvm.wgmma.wait_group.sync.aligned(i64)
)";

struct KernelRun {
  Report report;
  std::vector<uint32_t> out;
};

/// A kernel with an input and an output of words; %t is the thread.
KernelRun run(const std::string &body, const std::vector<uint32_t> &in,
              unsigned outputs, unsigned threads, SimulatorOptions options = {},
              bool fromPreviousKernel = false) {
  std::string ir = declarations;
  ir += "define ptx_kernel void @k(ptr addrspace(1) %in, ptr addrspace(1) "
        "%out) {\n  %t = call i32 @llvm.nvvm.read.ptx.sreg.tid.x()\n"
        "  %pin = getelementptr i32, ptr addrspace(1) %in, i32 %t\n"
        "  %pout = getelementptr i32, ptr addrspace(1) %out, i32 %t\n"
        "  %ps = getelementptr i32, ptr addrspace(3) @s, i32 %t\n" +
        body + "\n  ret void\n}\n";
  DeviceMemory memory;
  DeviceBuffer &source = memory.allocate("in", in);
  source.fromPreviousKernel = fromPreviousKernel;
  DeviceBuffer &target = memory.allocate("out", outputs * 4);
  LaunchConfig config;
  config.block.x = threads;
  options.races = true;
  KernelRun result;
  result.report =
      runText(ir, memory, config,
              {Argument::pointer(source), Argument::pointer(target)}, options);
  result.out.resize(outputs);
  std::memcpy(result.out.data(), target.data, outputs * 4);
  return result;
}

std::vector<uint32_t> counting(unsigned count) {
  std::vector<uint32_t> values(count);
  for (unsigned i = 0; i < count; ++i)
    values[i] = 1000 + i;
  return values;
}

std::string repeat(const std::string &text, const std::string &from,
                   const std::string &to) {
  std::string result = text;
  for (size_t at; (at = result.find(from)) != std::string::npos;)
    result.replace(at, from.size(), to);
  return result;
}

TEST(CpAsync, ZeroFillAndGroups) {
  KernelRun result = run(
      "  %odd = and i32 %t, 1\n  %n = shl i32 %odd, 1\n"
      "  call void @llvm.nvvm.cp.async.ca.shared.global.4.s(ptr addrspace(3) "
      "%ps, ptr addrspace(1) %pin, i32 %n)\n"
      "  call void @llvm.nvvm.cp.async.commit.group()\n"
      "  call void @llvm.nvvm.cp.async.wait.group(i32 0)\n"
      "  %v = load i32, ptr addrspace(3) %ps\n"
      "  store i32 %v, ptr addrspace(1) %pout",
      counting(64), 64, 64);
  EXPECT_TRUE(result.report.clean()) << result.report.text(false);
  for (unsigned i = 0; i < 64; ++i)
    EXPECT_EQ(result.out[i], i % 2 ? (1000 + i) & 0xffff : 0);
}

TEST(CpAsync, SourceOutOfBounds) {
  KernelRun result =
      run("  %i = add i32 %t, 40\n"
          "  %p = getelementptr i32, ptr addrspace(1) %in, i32 %i\n"
          "  call void @llvm.nvvm.cp.async.ca.shared.global.4(ptr addrspace(3) "
          "%ps, ptr addrspace(1) %p)\n"
          "  call void @llvm.nvvm.cp.async.commit.group()\n"
          "  call void @llvm.nvvm.cp.async.wait.group(i32 0)",
          counting(64), 64, 32);
  EXPECT_TRUE(result.report.has("out-of-bounds-global"));
}

TEST(CpAsync, LeftUnwaited) {
  KernelRun result =
      run("  call void @llvm.nvvm.cp.async.ca.shared.global.4(ptr "
          "addrspace(3) %ps, ptr addrspace(1) %pin)",
          counting(64), 64, 32);
  EXPECT_TRUE(result.report.has("copy-not-waited"));
}

const char *waitLoop =
    "  br label %spin\nspin:\n"
    "  %ok = call i1 @llvm.nvvm.mbarrier.WAIT.wait.parity.scope.cta.space.cta("
    "ptr addrspace(3) @bar, i32 0)\n"
    "  br i1 %ok, label %go, label %spin\ngo:\n";

/// Each thread's arrival follows its copies; others wait for the mbarrier.
TEST(CpAsync, ArrivesAtAnMBarrier) {
  for (const char *wait : {"try", "test"})
    for (CopyDelivery delivery : {CopyDelivery::Late, CopyDelivery::AtOnce})
      for (bool waits : {true, false}) {
        SimulatorOptions options;
        options.delivery = delivery;
        std::string body =
            "  %z = icmp eq i32 %t, 0\n"
            "  br i1 %z, label %init, label %start\ninit:\n"
            "  call void @llvm.nvvm.mbarrier.init.shared(ptr addrspace(3) "
            "@bar, i32 64)\n  br label %start\nstart:\n"
            "  call void @llvm.nvvm.barrier.cta.sync.aligned.all(i32 0)\n"
            "  call void @llvm.nvvm.cp.async.ca.shared.global.4(ptr "
            "addrspace(3) %ps, ptr addrspace(1) %pin)\n"
            "  call void @llvm.nvvm.cp.async.mbarrier.arrive.noinc.shared("
            "ptr addrspace(3) @bar)\n";
        if (waits)
          body += repeat(waitLoop, "WAIT", wait);
        body += "  %o = sub i32 63, %t\n"
                "  %q = getelementptr i32, ptr addrspace(3) @s, i32 %o\n"
                "  %v = load i32, ptr addrspace(3) %q\n"
                "  store i32 %v, ptr addrspace(1) %pout";
        KernelRun result = run(body, counting(64), 64, 64, options);
        if (!waits) {
          EXPECT_FALSE(result.report.findings.empty());
          continue;
        }
        EXPECT_TRUE(result.report.clean()) << result.report.text(false);
        for (unsigned i = 0; i < 64; ++i)
          EXPECT_EQ(result.out[i], 1063 - i);
      }
}

std::string bulkStore(const char *fence, const char *wait) {
  return std::string("  %v = load i32, ptr addrspace(1) %pin\n"
                     "  store i32 %v, ptr addrspace(3) %ps\n") +
         fence +
         "  call void @llvm.nvvm.barrier.cta.sync.aligned.all(i32 0)\n"
         "  %z = icmp eq i32 %t, 0\n"
         "  br i1 %z, label %one, label %out1\none:\n"
         "  call void @llvm.nvvm.cp.async.bulk.shared.cta.to.global(ptr "
         "addrspace(1) %out, ptr addrspace(3) @s, i32 256, i64 0, i1 false)\n"
         "  call void @llvm.nvvm.cp.async.bulk.commit.group()\n" +
         wait +
         "  store i32 5, ptr addrspace(3) @s\n"
         "  br label %out1\nout1:";
}

TEST(Bulk, StoresNeedAProxyFenceAndAWait) {
  const char *fence = "  call void @llvm.nvvm.fence.proxy.async.shared_cta()\n";
  const char *wait = "  call void @llvm.nvvm.cp.async.bulk.wait.group(i32 0)\n";
  KernelRun fine = run(bulkStore(fence, wait), counting(64), 64, 64);
  EXPECT_TRUE(fine.report.clean()) << fine.report.text(false);
  EXPECT_EQ(fine.out, counting(64));
  EXPECT_TRUE(run(bulkStore("", wait), counting(64), 64, 64)
                  .report.has("missing-proxy-fence"));
  KernelRun unwaited = run(bulkStore(fence, ""), counting(64), 64, 64);
  EXPECT_TRUE(unwaited.report.has("write-under-async-read"));
  EXPECT_TRUE(unwaited.report.has("copy-not-waited"));
}

TEST(MBarriers, MisuseIsReported) {
  std::string init =
      "  call void @llvm.nvvm.mbarrier.init.shared(ptr addrspace(3) @bar, i32 "
      "COUNT)\n";
  std::string arrive =
      "  %a = call i64 @llvm.nvvm.mbarrier.arrive.shared(ptr addrspace(3) "
      "@bar)\n";
  EXPECT_TRUE(
      run(arrive, counting(1), 1, 1).report.has("mbarrier-uninitialised"));
  EXPECT_TRUE(run(repeat(init, "COUNT", "0"), counting(1), 1, 1)
                  .report.has("mbarrier-count"));
  EXPECT_TRUE(run(repeat(init, "COUNT", "1") + repeat(init, "COUNT", "1"),
                  counting(1), 1, 1)
                  .report.has("mbarrier-reinitialised"));
  // More arrivals than the phase is for; a copy's bytes are still missing.
  EXPECT_TRUE(
      run(repeat(init, "COUNT", "1") +
              "  %e = call i64 "
              "@llvm.nvvm.mbarrier.arrive.expect.tx.scope.cta.space.cta(ptr "
              "addrspace(3) @bar, i32 16)\n" +
              arrive,
          counting(1), 1, 1)
          .report.has("mbarrier-overflow"));
  // A phase that never ends.
  EXPECT_TRUE(
      run(repeat(init, "COUNT", "2") + arrive + repeat(waitLoop, "WAIT", "try"),
          counting(1), 1, 1)
          .report.has("deadlock"));
}

/// Both warps wait for a phase of an mbarrier; then it is initialised anew, and
/// the first phase of its second life says nothing about the first one's.
TEST(MBarriers, ASecondLifeOrdersNothingByTheFirst) {
  std::string all =
      "  call void @llvm.nvvm.barrier.cta.sync.aligned.all(i32 0)\n";
  std::string init = "  call void @llvm.nvvm.mbarrier.init.shared(ptr "
                     "addrspace(3) @bar, i32 1)\n";
  std::string body =
      "  %d = addrspacecast ptr addrspace(3) @s to ptr addrspace(7)\n"
      "  %z = icmp eq i32 %t, 0\n"
      "  br i1 %z, label %one, label %b1\none:\n" +
      init +
      "  %a = call i64 @llvm.nvvm.mbarrier.arrive.shared(ptr addrspace(3) "
      "@bar)\n  br label %b1\nb1:\n" +
      all +
      "  br label %w1\nw1:\n"
      "  %o1 = call i1 "
      "@llvm.nvvm.mbarrier.try.wait.parity.scope.cta.space.cta(ptr "
      "addrspace(3) @bar, i32 0)\n"
      "  br i1 %o1, label %b2, label %w1\nb2:\n" +
      all +
      "  br i1 %z, label %two, label %b3\ntwo:\n"
      "  call void @llvm.nvvm.mbarrier.inval.shared(ptr addrspace(3) @bar)\n" +
      init +
      "  %e = call i64 "
      "@llvm.nvvm.mbarrier.arrive.expect.tx.scope.cta.space.cta(ptr "
      "addrspace(3) @bar, i32 256)\n"
      "  call void @llvm.nvvm.cp.async.bulk.global.to.shared.cluster(ptr "
      "addrspace(7) %d, ptr addrspace(3) @bar, ptr addrspace(1) %in, i32 256, "
      "i16 0, i64 0, i1 false, i1 false)\n"
      "  br label %b3\nb3:\n" +
      all;
  std::string wait =
      "  br label %w2\nw2:\n"
      "  %o2 = call i1 "
      "@llvm.nvvm.mbarrier.try.wait.parity.scope.cta.space.cta(ptr "
      "addrspace(3) @bar, i32 0)\n"
      "  br i1 %o2, label %go, label %w2\ngo:\n";
  std::string read = "  %v = load i32, ptr addrspace(3) %ps\n"
                     "  store i32 %v, ptr addrspace(1) %pout\n";
  std::string declare =
      "  ret void\n}\n"
      "declare void @llvm.nvvm.mbarrier.inval.shared(ptr addrspace(3))\n"
      "declare void @llvm.nvvm.cp.async.bulk.global.to.shared.cluster(ptr "
      "addrspace(7), ptr addrspace(3), ptr addrspace(1), i32, i16, i64, i1, "
      "i1)\ndefine void @other() {";
  SimulatorOptions options;
  options.delivery = CopyDelivery::AtOnce;
  KernelRun fine =
      run(body + wait + read + declare, counting(64), 64, 64, options);
  EXPECT_TRUE(fine.report.clean()) << fine.report.text(false);
  EXPECT_EQ(fine.out, counting(64));
  EXPECT_TRUE(run(body + read + declare, counting(64), 64, 64, options)
                  .report.has("race-read-after-write"));
}

TEST(DependentLaunch, ReadsBeforeTheWait) {
  std::string load = "  %v = load i32, ptr addrspace(1) %pin\n";
  std::string wait = "  call void @llvm.nvvm.griddepcontrol.wait()\n";
  std::string store = "  store i32 %v, ptr addrspace(1) %pout\n";
  EXPECT_TRUE(run(load + wait + store, counting(32), 32, 32, {}, true)
                  .report.has("before-griddepcontrol-wait"));
  EXPECT_TRUE(
      run(wait + load + store, counting(32), 32, 32, {}, true).report.clean());
}

/// A box that hangs over two edges of a matrix; what is outside becomes zero.
TEST(Tensor, LoadsABoxWithSwizzle) {
  constexpr unsigned rows = 10, columns = 48;
  std::vector<uint16_t> matrix(rows * columns);
  for (unsigned i = 0; i < matrix.size(); ++i)
    matrix[i] = static_cast<uint16_t>(i + 1);
  for (unsigned swizzle : {0u, 32u, 64u, 128u}) {
    unsigned width = swizzle ? swizzle / 2 : 64;
    DeviceMemory memory;
    DeviceBuffer &source = memory.allocate("matrix", matrix);
    TensorMap map;
    map.base = source.address();
    map.rank = 2;
    map.swizzle = swizzle;
    map.size = {columns, rows};
    map.box = {width, 8};
    map.stride = {columns * 2};
    DeviceBuffer &maps = memory.allocate("map", &map, sizeof(map));
    DeviceBuffer &out = memory.allocate("out", width * 8 * 2);
    std::string ir = declarations;
    ir += "define ptx_kernel void @k(ptr %map, ptr addrspace(1) %out, i32 %n) "
          "{\n  %d = addrspacecast ptr addrspace(3) @s to ptr addrspace(7)\n"
          "  call void @llvm.nvvm.mbarrier.init.shared(ptr addrspace(3) @bar, "
          "i32 1)\n"
          "  %e = call i64 "
          "@llvm.nvvm.mbarrier.arrive.expect.tx.scope.cta.space.cta(ptr "
          "addrspace(3) @bar, i32 %n)\n"
          "  call void @llvm.nvvm.cp.async.bulk.tensor.g2s.tile.2d(ptr "
          "addrspace(7) %d, ptr addrspace(3) @bar, ptr %map, i32 8, i32 5, i16 "
          "0, i64 0, i1 false, i1 false, i32 0)\n" +
          repeat(waitLoop, "WAIT", "try") +
          "  br label %copy\ncopy:\n"
          "  %i = phi i32 [0, %go], [%j, %copy]\n"
          "  %p = getelementptr i32, ptr addrspace(3) @s, i32 %i\n"
          "  %v = load i32, ptr addrspace(3) %p\n"
          "  %q = getelementptr i32, ptr addrspace(1) %out, i32 %i\n"
          "  store i32 %v, ptr addrspace(1) %q\n"
          "  %j = add i32 %i, 1\n  %b = shl i32 %j, 2\n"
          "  %more = icmp ult i32 %b, %n\n"
          "  br i1 %more, label %copy, label %end\nend:\n  ret void\n}\n";
    LaunchConfig config;
    SimulatorOptions options;
    options.races = true;
    Report report = runText(ir, memory, config,
                            {Argument::pointer(maps), Argument::pointer(out),
                             Argument::of<uint32_t>(width * 16)},
                            options);
    EXPECT_TRUE(report.clean()) << report.text(false);
    for (unsigned row = 0; row < 8; ++row)
      for (unsigned column = 0; column < width; ++column) {
        // The ISA's pattern: 16-byte units of a line are exchanged by the
        // line's number, where 128 bytes are a line.
        unsigned byte = row * width * 2 + column * 2;
        unsigned units = swizzle / 16;
        unsigned line = byte / 128;
        if (swizzle)
          byte ^= line % units * 16;
        uint16_t value;
        std::memcpy(&value, out.data + byte, 2);
        bool inside = row + 5 < rows && column + 8 < columns;
        EXPECT_EQ(value, inside ? (row + 5) * columns + column + 8 + 1 : 0)
            << swizzle << " " << row << " " << column;
      }
  }
}

/// wgmma with both matrices in shared memory, rows of 128 bytes swizzled.
TEST(Wgmma, BothMatricesShared) {
  std::mt19937 random(3);
  std::normal_distribution<double> normal;
  // A: 64 x 16 and B^T: 8 x 16, in the first 32 bytes of 128-byte rows.
  std::vector<uint16_t> image(72 * 64);
  double a[64][16], b[8][16];
  for (unsigned row = 0; row < 72; ++row)
    for (unsigned k = 0; k < 16; ++k) {
      uint16_t value = nearestHalf(normal(random));
      (row < 64 ? a[row] : b[row - 64])[k] = halfValue(value);
      unsigned byte = row * 128 + k * 2;
      image[(byte ^ row % 8 * 16) / 2] = value;
    }
  std::vector<uint32_t> words(image.size() / 2);
  std::memcpy(words.data(), image.data(), image.size() * 2);
  // Descriptors: address / 16, stride 1024 / 16, swizzle 128.
  uint64_t upper = uint64_t(64) << 32 | uint64_t(1) << 62;
  std::string body =
      "  br label %fill\nfill:\n"
      "  %i = phi i32 [%t, %0], [%j, %fill]\n"
      "  %pi = getelementptr i32, ptr addrspace(1) %in, i32 %i\n"
      "  %vi = load i32, ptr addrspace(1) %pi\n"
      "  %pj = getelementptr i32, ptr addrspace(3) @big, i32 %i\n"
      "  store i32 %vi, ptr addrspace(3) %pj\n"
      "  %j = add i32 %i, 128\n"
      "  %more = icmp ult i32 %j, 2304\n"
      "  br i1 %more, label %fill, label %ready\nready:\n"
      "  call void @llvm.nvvm.fence.proxy.async.shared_cta()\n"
      "  call void @llvm.nvvm.barrier.cta.sync.aligned.all(i32 0)\n"
      "  %x = ptrtoint ptr addrspace(3) @big to i32\n"
      "  %x4 = lshr i32 %x, 4\n  %xa = zext i32 %x4 to i64\n"
      "  %da = or i64 %xa, UPPER\n  %db = add i64 %da, 512\n"
      "  call void @llvm.nvvm.wgmma.fence.sync.aligned()\n"
      "  %d = call {float, float, float, float} asm sideeffect \""
      "{ .reg .pred p; setp.ne.b32 p, $6, 0; "
      "wgmma.mma_async.sync.aligned.m64n8k16.f32.f16.f16 {$0, $1, $2, $3}, $4, "
      "$5, p, 1, -1, 0, 0; }\", \"=f,=f,=f,=f,l,l,n,0,1,2,3\"(i64 %da, i64 "
      "%db, "
      "i32 1, float 1.0, float 2.0, float 3.0, float 4.0)\n"
      "  call void @llvm.nvvm.wgmma.commit_group.sync.aligned()\n"
      "  call void @llvm.nvvm.wgmma.wait_group.sync.aligned(i64 0)\n"
      "  %o = shl i32 %t, 2\n"
      "  %po = getelementptr float, ptr addrspace(1) %out, i32 %o\n"
      "  %d0 = extractvalue {float, float, float, float} %d, 0\n"
      "  %d1 = extractvalue {float, float, float, float} %d, 1\n"
      "  %d2 = extractvalue {float, float, float, float} %d, 2\n"
      "  %d3 = extractvalue {float, float, float, float} %d, 3\n"
      "  %v0 = insertelement <4 x float> poison, float %d0, i32 0\n"
      "  %v1 = insertelement <4 x float> %v0, float %d1, i32 1\n"
      "  %v2 = insertelement <4 x float> %v1, float %d2, i32 2\n"
      "  %v3 = insertelement <4 x float> %v2, float %d3, i32 3\n"
      "  store <4 x float> %v3, ptr addrspace(1) %po, align 16\n"
      "  ret void\n}\n"
      "@big = internal addrspace(3) global [9216 x i8] undef, align 1024\n"
      "define void @other() {";
  body = repeat(body, "UPPER", std::to_string(int64_t(upper)));
  KernelRun result = run(body, words, 512, 128);
  EXPECT_TRUE(result.report.clean()) << result.report.text(false);
  for (unsigned thread = 0; thread < 128; ++thread)
    for (unsigned i = 0; i < 4; ++i) {
      unsigned row = thread / 32 * 16 + thread % 32 / 4 + i / 2 * 8;
      unsigned column = thread % 4 * 2 + i % 2;
      double sum = i + 1, size = sum;
      for (unsigned k = 0; k < 16; ++k) {
        sum -= a[row][k] * b[column][k];
        size += std::fabs(a[row][k] * b[column][k]);
      }
      float got;
      std::memcpy(&got, &result.out[thread * 4 + i], 4);
      EXPECT_LT(std::fabs(got - sum), 1e-6 * size) << thread << " " << i;
    }
  // A wgmma in flight reads the first 32 bytes of each row, and nothing between
  // these.
  for (bool touched : {false, true}) {
    std::string text = body;
    std::string offset = touched ? "16" : "64";
    text.insert(text.find("  call void @llvm.nvvm.wgmma.wait_group"),
                "  %z = icmp eq i32 %t, 0\n"
                "  br i1 %z, label %touch, label %rest\ntouch:\n"
                "  %pz = getelementptr i8, ptr addrspace(3) @big, i32 " +
                    offset +
                    "\n  store i32 1, ptr addrspace(3) %pz\n"
                    "  br label %rest\nrest:\n");
    Report report = run(text, words, 512, 128).report;
    EXPECT_EQ(report.has("write-under-async-read"), touched)
        << report.text(false);
    EXPECT_EQ(report.clean(), !touched) << report.text(false);
  }
  // Without the fence of the proxy the matrices are not there yet.
  std::string unfenced = repeat(
      body, "  call void @llvm.nvvm.fence.proxy.async.shared_cta()\n", "");
  EXPECT_TRUE(run(unfenced, words, 512, 128).report.has("missing-proxy-fence"));
}

} // namespace
