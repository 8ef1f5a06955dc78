//===- WarpTest.cpp - collectives, bytes and inline PTX of one warp -------===//
//
// Part of the awq-mlir project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Elementwise.h"

using namespace awq::gpusim;
using namespace awq::gpusim::test;

namespace {

std::vector<uint32_t> numbers(size_t count, unsigned seed) {
  std::vector<uint32_t> result;
  for (uint64_t value : cornerNumbers(count, 32, seed))
    result.push_back(uint32_t(value));
  return result;
}

std::vector<uint32_t> run(const std::string &body, const std::string &declare,
                          const std::vector<uint32_t> &x,
                          const std::vector<uint32_t> &y) {
  return elementwise<uint32_t>("i32", "i32", body, x, y, y, declare);
}

TEST(Warps, Shuffles) {
  auto x = numbers(128, 1), y = numbers(128, 2);
  auto shuffle = [&](const std::string &kind, const std::string &b, int c) {
    return run("  %b5 = and i32 %y, 31\n  %r = call i32 @llvm.nvvm.shfl.sync." +
                   kind + ".i32(i32 -1, i32 %x, i32 " + b + ", i32 " +
                   std::to_string(c) + ")",
               "declare i32 @llvm.nvvm.shfl.sync." + kind +
                   ".i32(i32, i32, i32, i32)",
               x, y);
  };
  auto butterfly = shuffle("bfly", "5", 31), down = shuffle("down", "3", 31),
       up = shuffle("up", "3", 0), index = shuffle("idx", "%b5", 31);
  // Segments of 8 lanes: mask 0x18, clamp 31.
  auto parts = shuffle("idx", "9", 0x181f);
  for (unsigned i = 0; i < 128; ++i) {
    unsigned lane = i % 32, base = i - lane;
    EXPECT_EQ(butterfly[i], x[base + (lane ^ 5)]);
    EXPECT_EQ(down[i], lane + 3 < 32 ? x[i + 3] : x[i]);
    EXPECT_EQ(up[i], lane >= 3 ? x[i - 3] : x[i]);
    EXPECT_EQ(index[i], x[base + (y[i] & 31)]);
    EXPECT_EQ(parts[i], x[base + lane / 8 * 8 + 1]);
  }
}

TEST(Warps, VotesAndReductions) {
  auto x = numbers(128, 3), y = numbers(128, 4);
  auto ballot =
      run("  %c = icmp slt i32 %x, 0\n"
          "  %r = call i32 @llvm.nvvm.vote.ballot.sync(i32 -1, i1 %c)",
          "declare i32 @llvm.nvvm.vote.ballot.sync(i32, i1)", x, y);
  auto sum = run("  %r = call i32 @llvm.nvvm.redux.sync.add(i32 %x, i32 -1)",
                 "declare i32 @llvm.nvvm.redux.sync.add(i32, i32)", x, y);
  auto smallest =
      run("  %r = call i32 @llvm.nvvm.redux.sync.min(i32 %x, i32 -1)",
          "declare i32 @llvm.nvvm.redux.sync.min(i32, i32)", x, y);
  auto leader = run("  %e = call {i32, i1} @llvm.nvvm.elect.sync(i32 -1)\n"
                    "  %i = extractvalue {i32, i1} %e, 1\n"
                    "  %r = zext i1 %i to i32",
                    "declare {i32, i1} @llvm.nvvm.elect.sync(i32)", x, y);
  for (unsigned warp = 0; warp < 4; ++warp) {
    uint32_t mask = 0, total = 0;
    int32_t least = INT32_MAX;
    for (unsigned lane = 0; lane < 32; ++lane) {
      uint32_t value = x[warp * 32 + lane];
      mask |= uint32_t(int32_t(value) < 0) << lane;
      total += value;
      least = std::min(least, int32_t(value));
    }
    for (unsigned lane = 0; lane < 32; ++lane) {
      EXPECT_EQ(ballot[warp * 32 + lane], mask);
      EXPECT_EQ(sum[warp * 32 + lane], total);
      EXPECT_EQ(int32_t(smallest[warp * 32 + lane]), least);
      EXPECT_EQ(leader[warp * 32 + lane], lane == 0);
    }
  }
}

TEST(Warps, PermuteAndLogic) {
  auto x = numbers(256, 5), y = numbers(256, 6);
  auto permuted =
      run("  %r = call i32 @llvm.nvvm.prmt(i32 %x, i32 %y, i32 38961)",
          "declare i32 @llvm.nvvm.prmt(i32, i32, i32)", x, y);
  auto fused = run("  %r = call i32 asm \"lop3.b32 $0, $1, $2, $3, 0xea;\", "
                   "\"=r,r,r,r\"(i32 %x, i32 252645135, i32 %y)",
                   "", x, y);
  for (unsigned i = 0; i < 256; ++i) {
    // Selectors of 0x9831 from the low end: bytes 1, 3, sign of 0, sign of 1.
    auto byte = [&](unsigned n) {
      return n < 4 ? x[i] >> 8 * n & 255 : y[i] >> 8 * (n - 4) & 255;
    };
    uint32_t expected = byte(1) | byte(3) << 8 |
                        (byte(0) & 128 ? 255u << 16 : 0) |
                        (byte(1) & 128 ? 255u << 24 : 0);
    EXPECT_EQ(permuted[i], expected);
    EXPECT_EQ(fused[i], (x[i] & 252645135) | y[i]);
  }
}

TEST(Warps, PredicatedPTX) {
  auto x = numbers(256, 7), y = numbers(256, 8);
  auto result = run(
      "  %r = call i32 asm \"{ .reg .pred p; .reg .b32 t; "
      "setp.lt.s32 p, $1, $2; mov.b32 t, 7; @p add.u32 t, $1, 5; "
      "@!p sub.u32 t, $2, 5; mov.b32 $0, t; }\", \"=r,r,r\"(i32 %x, i32 %y)",
      "", x, y);
  for (unsigned i = 0; i < 256; ++i)
    EXPECT_EQ(result[i], int32_t(x[i]) < int32_t(y[i]) ? x[i] + 5 : y[i] - 5);
}

/// Lanes that a predicate leaves out keep the value of the tied operand.
TEST(Warps, PredicatedLoadKeepsTiedOperand) {
  std::vector<uint32_t> x = numbers(64, 9), y(64);
  for (unsigned i = 0; i < 64; ++i)
    y[i] = i % 3;
  auto result =
      run("  %c = icmp eq i32 %y, 1\n"
          "  %r = call i32 asm sideeffect \"@$2 ld.global.nc.b32 $0, [$1];\", "
          "\"=r,l,b,0\"(ptr addrspace(1) %ax, i1 %c, i32 99)",
          "", x, y);
  for (unsigned i = 0; i < 64; ++i)
    EXPECT_EQ(result[i], y[i] == 1 ? x[i] : 99);
}

TEST(Warps, MatchAny) {
  std::vector<uint32_t> x(64);
  for (unsigned i = 0; i < 64; ++i)
    x[i] = i % 32 * 7 % 5;
  auto result =
      run("  %r = call i32 @llvm.nvvm.match.any.sync.i32(i32 -1, i32 %x)",
          "declare i32 @llvm.nvvm.match.any.sync.i32(i32, i32)", x, x);
  for (unsigned i = 0; i < 64; ++i) {
    uint32_t same = 0;
    for (unsigned lane = 0; lane < 32; ++lane)
      same |= uint32_t(x[i / 32 * 32 + lane] == x[i]) << lane;
    EXPECT_EQ(result[i], same);
  }
}

/// Integer arithmetic of inline PTX against the host's.
TEST(Warps, PTXIntegers) {
  auto x = numbers(256, 10), y = numbers(256, 11);
  auto ptx = [&](const std::string &text) {
    return run("  %r = call i32 asm \"" + text +
                   "\", \"=r,r,r\"(i32 %x, i32 %y)",
               "", x, y);
  };
  auto add = ptx("add.s32 $0, $1, $2;"), sub = ptx("sub.u32 $0, $1, $2;"),
       low = ptx("mul.lo.u32 $0, $1, $2;"),
       high = ptx("mul.hi.u32 $0, $1, $2;"),
       signedHigh = ptx("mul.hi.s32 $0, $1, $2;"),
       mad = ptx("mad.lo.u32 $0, $1, $2, $1;"),
       land = ptx("and.b32 $0, $1, $2;"), lor = ptx("or.b32 $0, $1, $2;"),
       lxor = ptx("xor.b32 $0, $1, $2;"), flipped = ptx("not.b32 $0, $1;"),
       left = ptx("shl.b32 $0, $1, 5;"), right = ptx("shr.u32 $0, $1, 5;"),
       arithmetic = ptx("shr.s32 $0, $1, 5;"),
       least = ptx("min.s32 $0, $1, $2;"), most = ptx("max.u32 $0, $1, $2;"),
       chosen = ptx("{ .reg .pred p; setp.ge.u32 p, $1, $2; "
                    "selp.b32 $0, $1, 17, p; }");
  for (unsigned i = 0; i < 256; ++i) {
    int32_t a = int32_t(x[i]), b = int32_t(y[i]);
    EXPECT_EQ(add[i], x[i] + y[i]);
    EXPECT_EQ(sub[i], x[i] - y[i]);
    EXPECT_EQ(low[i], x[i] * y[i]);
    EXPECT_EQ(high[i], uint32_t(uint64_t(x[i]) * y[i] >> 32));
    EXPECT_EQ(signedHigh[i], uint32_t(uint64_t(int64_t(a) * b) >> 32));
    EXPECT_EQ(mad[i], x[i] * y[i] + x[i]);
    EXPECT_EQ(land[i], (x[i] & y[i]));
    EXPECT_EQ(lor[i], (x[i] | y[i]));
    EXPECT_EQ(lxor[i], (x[i] ^ y[i]));
    EXPECT_EQ(flipped[i], ~x[i]);
    EXPECT_EQ(left[i], x[i] << 5);
    EXPECT_EQ(right[i], x[i] >> 5);
    EXPECT_EQ(arithmetic[i], uint32_t(a >> 5));
    EXPECT_EQ(least[i], uint32_t(std::min(a, b)));
    EXPECT_EQ(most[i], std::max(x[i], y[i]));
    EXPECT_EQ(chosen[i], x[i] >= y[i] ? x[i] : 17);
  }
}

/// Packed halves of inline PTX: (1.5, -2), (0.25, 3) and (1, 0.5), by hand.
TEST(Warps, PTXHalves) {
  std::vector<uint32_t> x(32, 0xc0003e00), y(32, 0x42003400);
  auto ptx = [&](const std::string &text) {
    return run("  %r = call i32 asm \"" + text +
                   "\", \"=r,r,r\"(i32 %x, i32 %y)",
               "", x, y)[7];
  };
  EXPECT_EQ(ptx("add.rn.f16x2 $0, $1, $2;"), 0x3c003f00u); // 1.75, 1
  EXPECT_EQ(ptx("sub.f16x2 $0, $1, $2;"), 0xc5003d00u);    // 1.25, -5
  EXPECT_EQ(ptx("mul.f16x2 $0, $1, $2;"), 0xc6003600u);    // 0.375, -6
  EXPECT_EQ(ptx("neg.f16x2 $0, $1;"), 0x4000be00u);
  EXPECT_EQ(ptx("{ .reg .b32 c; mov.b32 c, 0x38003c00; "
                "fma.rn.f16x2 $0, $1, $2, c; }"),
            0xc5803d80u); // 1.375, -5.5
  EXPECT_EQ(ptx("{ .reg .b32 c; mov.b32 c, 0x38003c00; "
                "fma.rn.relu.f16x2 $0, $1, $2, c; }"),
            0x00003d80u);
}

TEST(Warps, UnknownInstructionsAreNamed) {
  auto kernel = [](const std::string &body, const std::string &declare = "") {
    return declare + "\ndefine ptx_kernel void @k() {\n" + body +
           "\n  ret void\n}\n";
  };
  EXPECT_NE(decodeError(kernel("  call void asm sideeffect \"foo.bar.b32 1;\", "
                               "\"\"()"))
                .find("foo.bar.b32 1"),
            std::string::npos);
  EXPECT_NE(
      decodeError(kernel("  call void @llvm.nvvm.barrier.cluster.arrive()",
                         "declare void @llvm.nvvm.barrier.cluster.arrive()"))
          .find("llvm.nvvm.barrier.cluster.arrive"),
      std::string::npos);
  EXPECT_NE(
      decodeError(kernel("  call void @strange()", "declare void @strange()"))
          .find("strange"),
      std::string::npos);
}

} // namespace
