//===- MatrixTest.cpp - matrices against the PTX ISA ----------------------===//
//
// Part of the awq-mlir project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "SampleKernels.h"

#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <random>

using namespace awq::gpusim;
using namespace awq::gpusim::test;

namespace {

/// A kernel of one warp: lane registers come from words [lane][inputs], the
/// results go to words [lane][outputs].
template <typename Result>
std::vector<Result>
runLanes(const std::string &declarations, const std::string &body,
         const std::vector<uint32_t> &words, unsigned inputs, unsigned outputs,
         const SimulatorOptions &options = {}) {
  std::string ir =
      "declare i32 @llvm.nvvm.read.ptx.sreg.tid.x()\n" + declarations +
      "\ndefine ptx_kernel void @k(ptr addrspace(1) %in, ptr addrspace(1) %out)"
      " {\n  %t = call i32 @llvm.nvvm.read.ptx.sreg.tid.x()\n"
      "  %ti = mul i32 %t, " +
      std::to_string(inputs) + "\n  %to = mul i32 %t, " +
      std::to_string(outputs) + "\n";
  for (unsigned i = 0; i < inputs; ++i) {
    std::string n = std::to_string(i);
    ir += "  %i" + n + " = add i32 %ti, " + n + "\n  %p" + n +
          " = getelementptr i32, ptr addrspace(1) %in, i32 %i" + n + "\n  %w" +
          n + " = load i32, ptr addrspace(1) %p" + n + "\n  %h" + n +
          " = bitcast i32 %w" + n + " to <2 x half>\n  %f" + n +
          " = bitcast i32 %w" + n + " to float\n";
  }
  ir += body;
  for (unsigned i = 0; i < outputs; ++i) {
    std::string n = std::to_string(i);
    ir += "  %o" + n + " = add i32 %to, " + n + "\n  %q" + n +
          " = getelementptr i32, ptr addrspace(1) %out, i32 %o" + n +
          "\n  store " + (std::is_same_v<Result, float> ? "float" : "i32") +
          " %r" + n + ", ptr addrspace(1) %q" + n + "\n";
  }
  ir += "  ret void\n}\n";
  DeviceMemory memory;
  std::vector<Argument> arguments = {
      Argument::pointer(memory.allocate("in", words))};
  DeviceBuffer &out = memory.allocate("out", 32 * outputs * 4);
  arguments.push_back(Argument::pointer(out));
  LaunchConfig config;
  config.block.x = 32;
  Report report = runText(ir, memory, config, arguments, options);
  EXPECT_TRUE(report.clean()) << report.text(false) << ir;
  std::vector<Result> results(32 * outputs);
  std::memcpy(results.data(), out.data, results.size() * 4);
  return results;
}

std::string names(const char *type, const char *prefix, unsigned first,
                  unsigned count) {
  std::string text;
  for (unsigned i = 0; i < count; ++i)
    text += std::string(text.empty() ? "" : ", ") + type + " %" + prefix +
            std::to_string(first + i);
  return text;
}

std::string extract(const std::string &type, unsigned count) {
  std::string text, all;
  for (unsigned i = 0; i < count; ++i)
    all += std::string(i ? ", " : "") + type;
  for (unsigned i = 0; i < count; ++i)
    text += "  %r" + std::to_string(i) + " = extractvalue {" + all + "} %d, " +
            std::to_string(i) + "\n";
  return text;
}

/// Where an element of a fragment is, as the PTX ISA's tables say.
struct Where {
  int row, column;
};
Where halfA(int lane, int i) {
  bool low = i < 2 || (i >= 4 && i < 6);
  return {lane / 4 + (low ? 0 : 8), lane % 4 * 2 + (i & 1) + (i < 4 ? 0 : 8)};
}
Where halfB(int lane, int i) {
  return {lane % 4 * 2 + (i & 1) + (i < 2 ? 0 : 8), lane / 4};
}
Where byteA(int lane, int i) {
  bool low = i < 4 || (i >= 8 && i < 12);
  return {lane / 4 + (low ? 0 : 8), lane % 4 * 4 + (i & 3) + (i < 8 ? 0 : 16)};
}
Where byteB(int lane, int i) {
  return {lane % 4 * 4 + (i & 3) + (i < 4 ? 0 : 16), lane / 4};
}
Where sumC(int lane, int i) {
  return {lane / 4 + (i < 2 ? 0 : 8), lane % 4 * 2 + (i & 1)};
}

/// Random A (16 x 16) and B (16 x 8) of halves and C of floats, in lanes.
struct HalfProblem {
  double a[16][16], b[16][8], c[16][8];
  std::vector<uint32_t> words = std::vector<uint32_t>(32 * 10);

  explicit HalfProblem(unsigned seed, double scale = 1) {
    std::mt19937 random(seed);
    std::normal_distribution<double> normal;
    auto half = [&](double factor) {
      return halfValue(nearestHalf(normal(random) * factor));
    };
    for (auto &row : a)
      for (double &x : row)
        x = half(scale);
    for (auto &row : b)
      for (double &x : row)
        x = half(1);
    for (auto &row : c)
      for (double &x : row)
        x = (float)normal(random) * scale;
    for (int lane = 0; lane < 32; ++lane) {
      uint32_t *word = &words[lane * 10];
      for (int i = 0; i < 8; ++i) {
        Where at = halfA(lane, i);
        word[i / 2] |= uint32_t(nearestHalf(a[at.row][at.column]))
                       << 16 * (i % 2);
      }
      for (int i = 0; i < 4; ++i) {
        Where at = halfB(lane, i);
        word[4 + i / 2] |= uint32_t(nearestHalf(b[at.row][at.column]))
                           << 16 * (i % 2);
        float sum = float(c[sumC(lane, i).row][sumC(lane, i).column]);
        std::memcpy(&word[6 + i], &sum, 4);
      }
    }
  }

  double largestError(const std::vector<float> &result) const {
    double worst = 0;
    for (int lane = 0; lane < 32; ++lane)
      for (int i = 0; i < 4; ++i) {
        Where at = sumC(lane, i);
        double sum = c[at.row][at.column], size = std::fabs(sum);
        for (int k = 0; k < 16; ++k) {
          sum += a[at.row][k] * b[k][at.column];
          size += std::fabs(a[at.row][k] * b[k][at.column]);
        }
        worst = std::max(worst, std::fabs(result[lane * 4 + i] - sum) / size);
      }
    return worst;
  }
};

const char *halfDeclaration =
    "declare {float, float, float, float} "
    "@llvm.nvvm.mma.m16n8k16.row.col.f32.f32(<2 x half>, <2 x half>, <2 x "
    "half>, <2 x half>, <2 x half>, <2 x half>, float, float, float, float)";

std::string halfCall() {
  return "  %d = call {float, float, float, float} "
         "@llvm.nvvm.mma.m16n8k16.row.col.f32.f32(" +
         names("<2 x half>", "h", 0, 6) + ", " + names("float", "f", 6, 4) +
         ")\n" + extract("float", 4);
}

TEST(Matrices, HalfMma) {
  for (unsigned seed = 0; seed < 10; ++seed) {
    HalfProblem problem(seed);
    auto result =
        runLanes<float>(halfDeclaration, halfCall(), problem.words, 10, 4);
    EXPECT_LT(problem.largestError(result), 16 * std::ldexp(1.0, -24));
  }
}

TEST(Matrices, HalfMmaAsInlinePTX) {
  HalfProblem problem(20);
  std::string body =
      "  %d = call {float, float, float, float} asm "
      "\"mma.sync.aligned.m16n8k16.row.col.f32.f16.f16.f32 {$0, $1, $2, $3}, "
      "{$4, $5, $6, $7}, {$8, $9}, {$10, $11, $12, $13};\", "
      "\"=f,=f,=f,=f,r,r,r,r,r,r,0,1,2,3\"(" +
      names("i32", "w", 0, 6) + ", " + names("float", "f", 6, 4) + ")\n" +
      extract("float", 4);
  auto inlined = runLanes<float>("", body, problem.words, 10, 4);
  auto called =
      runLanes<float>(halfDeclaration, halfCall(), problem.words, 10, 4);
  EXPECT_EQ(inlined, called);
}

/// In the aligned model a sum of normal numbers is as good as fp32 with
/// truncation, and subnormal inputs lose bits but stay close.
TEST(Matrices, AlignedModel) {
  SimulatorOptions options;
  options.mma = MmaModel::Aligned;
  for (double scale : {1.0, std::ldexp(1.0, -20)}) {
    HalfProblem problem(30, scale);
    auto result = runLanes<float>(halfDeclaration, halfCall(), problem.words,
                                  10, 4, options);
    double error = problem.largestError(result);
    EXPECT_LT(error, scale == 1 ? 8e-7 : 2e-4);
  }
  // 1 + 2^-24 * 3: what lies below the kept bits is cut off, exactly.
  std::vector<uint32_t> words(320);
  uint16_t one = nearestHalf(1), small = nearestHalf(std::ldexp(1.0, -12));
  for (int lane = 0; lane < 32; ++lane) {
    // A row 0: {1, 2^-12, 0, ...}; B column 0: {1, 2^-12, 0, ...}.
    if (lane == 0) {
      words[0] = one | uint32_t(small) << 16;
      words[4] = one | uint32_t(small) << 16;
    }
  }
  for (unsigned extra : {0u, 1u}) {
    options.mmaExtraBits = extra;
    auto result =
        runLanes<float>(halfDeclaration, halfCall(), words, 10, 4, options);
    // The product 2^-24 survives the alignment with one extra bit, and is then
    // cut off again when the sum becomes an fp32.
    EXPECT_EQ(result[0], 1.0f) << extra;
  }
}

TEST(Matrices, Bfloat16Mma) {
  std::mt19937 random(5);
  std::vector<uint32_t> words(320);
  double a[16][16], b[16][8];
  auto value = [&] {
    uint16_t bits =
        static_cast<uint16_t>((random() & 0x807f) | (120 + random() % 12) << 7);
    uint32_t wide = uint32_t(bits) << 16;
    float number;
    std::memcpy(&number, &wide, 4);
    return std::pair<uint32_t, double>(bits, number);
  };
  for (int lane = 0; lane < 32; ++lane) {
    for (int i = 0; i < 8; ++i) {
      auto [bits, number] = value();
      a[halfA(lane, i).row][halfA(lane, i).column] = number;
      words[lane * 10 + i / 2] |= bits << 16 * (i % 2);
    }
    for (int i = 0; i < 4; ++i) {
      auto [bits, number] = value();
      b[halfB(lane, i).row][halfB(lane, i).column] = number;
      words[lane * 10 + 4 + i / 2] |= bits << 16 * (i % 2);
    }
  }
  auto result = runLanes<float>(
      "declare {float, float, float, float} "
      "@llvm.nvvm.mma.m16n8k16.row.col.bf16(i32, i32, i32, i32, i32, i32, "
      "float, float, float, float)",
      "  %d = call {float, float, float, float} "
      "@llvm.nvvm.mma.m16n8k16.row.col.bf16(" +
          names("i32", "w", 0, 6) + ", " + names("float", "f", 6, 4) + ")\n" +
          extract("float", 4),
      words, 10, 4);
  for (int lane = 0; lane < 32; ++lane)
    for (int i = 0; i < 4; ++i) {
      Where at = sumC(lane, i);
      double sum = 0, size = 0;
      for (int k = 0; k < 16; ++k) {
        sum += a[at.row][k] * b[k][at.column];
        size += std::fabs(a[at.row][k] * b[k][at.column]);
      }
      EXPECT_LT(std::fabs(result[lane * 4 + i] - sum), 1e-6 * size);
    }
}

/// s8 and the mixed u8, s8 of k32, exact.
TEST(Matrices, IntegerMma) {
  for (bool unsignedA : {false, true}) {
    std::mt19937 random(6);
    std::vector<uint32_t> words(320);
    int a[16][32], b[32][8], c[16][8];
    for (int lane = 0; lane < 32; ++lane) {
      for (int i = 0; i < 16; ++i) {
        uint32_t bits = random() & 255;
        Where at = byteA(lane, i);
        a[at.row][at.column] = unsignedA ? int(bits) : int8_t(bits);
        words[lane * 10 + i / 4] |= bits << 8 * (i % 4);
      }
      for (int i = 0; i < 8; ++i) {
        uint32_t bits = random() & 255;
        Where at = byteB(lane, i);
        b[at.row][at.column] = int8_t(bits);
        words[lane * 10 + 4 + i / 4] |= bits << 8 * (i % 4);
      }
      for (int i = 0; i < 4; ++i) {
        words[lane * 10 + 6 + i] = random();
        c[sumC(lane, i).row][sumC(lane, i).column] =
            int(words[lane * 10 + 6 + i]);
      }
    }
    std::string name = std::string("@llvm.nvvm.mma.m16n8k32.row.col.") +
                       (unsignedA ? "u8.s8" : "s8");
    auto result = runLanes<uint32_t>(
        "declare {i32, i32, i32, i32} " + name +
            "(i32, i32, i32, i32, i32, i32, i32, i32, i32, i32)",
        "  %d = call {i32, i32, i32, i32} " + name + "(" +
            names("i32", "w", 0, 10) + ")\n" + extract("i32", 4),
        words, 10, 4);
    for (int lane = 0; lane < 32; ++lane)
      for (int i = 0; i < 4; ++i) {
        Where at = sumC(lane, i);
        int64_t sum = c[at.row][at.column];
        for (int k = 0; k < 32; ++k)
          sum += a[at.row][k] * b[k][at.column];
        EXPECT_EQ(result[lane * 4 + i], uint32_t(sum));
      }
  }
}

/// ldmatrix: lane 4r + t of matrix m gets elements 2t, 2t + 1 of row r, or of
/// column r with .trans.
TEST(Matrices, LoadMatrix) {
  for (bool transpose : {false, true}) {
    std::string name = std::string("@llvm.nvvm.ldmatrix.sync.aligned.m8n8.x4") +
                       (transpose ? ".trans" : "") + ".b16.p3";
    std::vector<uint32_t> words(32 * 4);
    for (unsigned i = 0; i < words.size(); ++i)
      words[i] = (2 * i) | (2 * i + 1) << 16;
    auto result = runLanes<uint32_t>(
        "@tile = internal addrspace(3) global [512 x i8] undef, align 128\n"
        "declare void @llvm.nvvm.barrier.cta.sync.aligned.all(i32)\n"
        "declare {i32, i32, i32, i32} " +
            name + "(ptr addrspace(3))",
        "  %row = getelementptr [4 x i32], ptr addrspace(3) @tile, i32 %t\n"
        "  %v0 = insertelement <4 x i32> poison, i32 %w0, i32 0\n"
        "  %v1 = insertelement <4 x i32> %v0, i32 %w1, i32 1\n"
        "  %v2 = insertelement <4 x i32> %v1, i32 %w2, i32 2\n"
        "  %v3 = insertelement <4 x i32> %v2, i32 %w3, i32 3\n"
        "  store <4 x i32> %v3, ptr addrspace(3) %row, align 16\n"
        "  call void @llvm.nvvm.barrier.cta.sync.aligned.all(i32 0)\n"
        "  %d = call {i32, i32, i32, i32} " +
            name + "(ptr addrspace(3) %row)\n" + extract("i32", 4),
        words, 4, 4);
    for (unsigned lane = 0; lane < 32; ++lane)
      for (unsigned m = 0; m < 4; ++m) {
        unsigned r = lane / 4, c = lane % 4 * 2;
        auto element = [&](unsigned row, unsigned column) {
          return (m * 8 + row) * 8 + column;
        };
        uint32_t expected = transpose ? element(c, r) | element(c + 1, r) << 16
                                      : element(r, c) | element(r, c + 1) << 16;
        EXPECT_EQ(result[lane * 4 + m], expected);
      }
  }
}

/// stmatrix is the way back: row r of matrix m, or column r with .trans, is
/// made of what lanes 4r to 4r + 3 hold.
TEST(Matrices, StoreMatrix) {
  for (bool transpose : {false, true}) {
    std::string name = std::string("@llvm.nvvm.stmatrix.sync.aligned.m8n8.x4") +
                       (transpose ? ".trans" : "") + ".b16.p3";
    std::vector<uint32_t> words(32 * 4);
    for (unsigned i = 0; i < words.size(); ++i)
      words[i] = (2 * i) | (2 * i + 1) << 16;
    std::string body = "  %row = getelementptr [4 x i32], ptr addrspace(3) "
                       "@tile, i32 %t\n  call void " +
                       name + "(ptr addrspace(3) %row, " +
                       names("i32", "w", 0, 4) +
                       ")\n  call void "
                       "@llvm.nvvm.barrier.cta.sync.aligned.all(i32 0)\n";
    for (unsigned i = 0; i < 4; ++i) {
      std::string n = std::to_string(i);
      body += "  %a" + n + " = getelementptr i32, ptr addrspace(3) %row, i32 " +
              n + "\n  %r" + n + " = load i32, ptr addrspace(3) %a" + n + "\n";
    }
    auto result = runLanes<uint32_t>(
        "@tile = internal addrspace(3) global [512 x i8] undef, align 128\n"
        "declare void @llvm.nvvm.barrier.cta.sync.aligned.all(i32)\n"
        "declare void " +
            name + "(ptr addrspace(3), i32, i32, i32, i32)",
        body, words, 4, 4);
    // Lane 8m + r has read row r of matrix m.
    for (unsigned lane = 0; lane < 32; ++lane)
      for (unsigned column = 0; column < 8; ++column) {
        unsigned row = lane % 8, r = transpose ? column : row,
                 c = transpose ? row : column;
        unsigned holder = 4 * r + c / 2, m = lane / 8;
        uint32_t expected = words[holder * 4 + m] >> 16 * (c % 2) & 0xffff;
        EXPECT_EQ(result[lane * 4 + column / 2] >> 16 * (column % 2) & 0xffff,
                  expected);
      }
  }
}

/// Only the first 8 channels of the problem.
TEST(Matrices, HalfMmaOfEightChannels) {
  HalfProblem problem(40);
  for (unsigned k = 8; k < 16; ++k) {
    for (auto &row : problem.a)
      row[k] = 0;
    for (double &x : problem.b[k])
      x = 0;
  }
  // A: registers 0 and 1 hold the first channels; B: register 4.
  std::string body =
      "  %d = call {float, float, float, float} "
      "@llvm.nvvm.mma.m16n8k8.row.col.f32.f32(<2 x half> %h0, <2 x half> %h1, "
      "<2 x half> %h4, " +
      names("float", "f", 6, 4) + ")\n" + extract("float", 4);
  auto result = runLanes<float>(
      "declare {float, float, float, float} "
      "@llvm.nvvm.mma.m16n8k8.row.col.f32.f32(<2 x half>, <2 x half>, <2 x "
      "half>, float, float, float, float)",
      body, problem.words, 10, 4);
  EXPECT_LT(problem.largestError(result), 8 * std::ldexp(1.0, -24));
}

/// Sums of f16: exact products, and one rounding to f16 of what fp32 gives.
TEST(Matrices, HalfSums) {
  HalfProblem problem(41);
  for (int lane = 0; lane < 32; ++lane)
    for (int i = 0; i < 4; ++i) {
      Where at = sumC(lane, i);
      uint16_t half = nearestHalf(problem.c[at.row][at.column]);
      problem.c[at.row][at.column] = halfValue(half);
      uint32_t &word = problem.words[lane * 10 + 6 + i / 2];
      word = i % 2 ? word | uint32_t(half) << 16 : half;
    }
  std::string body = "  %d = call {<2 x half>, <2 x half>} "
                     "@llvm.nvvm.mma.m16n8k16.row.col.f16.f16(" +
                     names("<2 x half>", "h", 0, 8) +
                     ")\n  %d0 = extractvalue {<2 x half>, <2 x half>} %d, 0\n"
                     "  %d1 = extractvalue {<2 x half>, <2 x half>} %d, 1\n"
                     "  %r0 = bitcast <2 x half> %d0 to i32\n"
                     "  %r1 = bitcast <2 x half> %d1 to i32\n";
  auto packed = runLanes<uint32_t>(
      "declare {<2 x half>, <2 x half>} "
      "@llvm.nvvm.mma.m16n8k16.row.col.f16.f16(<2 x half>, <2 x half>, <2 x "
      "half>, <2 x half>, <2 x half>, <2 x half>, <2 x half>, <2 x half>)",
      body, problem.words, 10, 2);
  std::vector<float> result(128);
  for (int i = 0; i < 128; ++i)
    result[i] = float(halfValue(packed[i / 2] >> 16 * (i % 2) & 0xffff));
  EXPECT_LT(problem.largestError(result),
            std::ldexp(1.0, -11) + 16 * std::ldexp(1.0, -24));
}

} // namespace
