//===- SampleKernels.cpp - kernels to run, with data and references -------===//
//
// Part of the awq-mlir project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "SampleKernels.h"

#include "llvm/AsmParser/Parser.h"
#include "llvm/IR/Constants.h"
#include "llvm/IR/IRBuilder.h"
#include "llvm/IR/InlineAsm.h"
#include "llvm/IR/Instructions.h"
#include "llvm/IR/LLVMContext.h"
#include "llvm/IR/Module.h"
#include "llvm/Support/SourceMgr.h"

#include <gtest/gtest.h>

#include <cmath>
#include <ctime>
#include <random>

using namespace awq;
using namespace awq::gpusim;
using namespace awq::gpusim::test;

double test::halfValue(uint16_t bits) {
  int exponent = bits >> 10 & 31, fraction = bits & 1023;
  double magnitude = exponent == 0 ? std::ldexp(fraction, -24)
                     : exponent == 31
                         ? (fraction ? NAN : INFINITY)
                         : std::ldexp(1024 + fraction, exponent - 25);
  return bits & 0x8000 ? -magnitude : magnitude;
}

uint16_t test::nearestHalf(double value) {
  uint16_t sign = std::signbit(value) ? 0x8000 : 0;
  double magnitude = std::fabs(value);
  if (std::isnan(value))
    return 0x7e00;
  if (std::isinf(value))
    return sign | 0x7c00;
  int exponent = magnitude == 0 ? -14 : std::max(-14, std::ilogb(magnitude));
  double unit = std::ldexp(1.0, exponent - 10);
  // nearbyint rounds halves to even.
  double rounded = std::nearbyint(magnitude / unit) * unit;
  if (rounded >= 65520)
    return sign | 0x7c00;
  if (rounded < std::ldexp(1.0, -14))
    return sign | static_cast<uint16_t>(rounded / std::ldexp(1.0, -24));
  exponent = std::ilogb(rounded);
  auto fraction =
      static_cast<uint16_t>(rounded / std::ldexp(1.0, exponent - 10) - 1024);
  return sign | static_cast<uint16_t>((exponent + 15) << 10) | fraction;
}

static std::string calledText(const llvm::CallInst &call) {
  if (call.isInlineAsm())
    return llvm::cast<llvm::InlineAsm>(call.getCalledOperand())
        ->getAsmString()
        .str();
  const llvm::Function *callee = call.getCalledFunction();
  return callee ? callee->getName().str() : "";
}

unsigned test::eraseCalls(llvm::Module &module, const std::string &what) {
  std::vector<llvm::CallInst *> found;
  for (llvm::Function &function : module)
    for (llvm::BasicBlock &block : function)
      for (llvm::Instruction &instruction : block)
        if (auto *call = llvm::dyn_cast<llvm::CallInst>(&instruction))
          if (calledText(*call).find(what) != std::string::npos)
            found.push_back(call);
  for (llvm::CallInst *call : found) {
    llvm::Type *type = call->getType();
    if (type->isIntegerTy(1))
      call->replaceAllUsesWith(llvm::ConstantInt::getTrue(type));
    else if (!type->isVoidTy())
      call->replaceAllUsesWith(llvm::Constant::getNullValue(type));
    call->eraseFromParent();
  }
  return found.size();
}

static Kernel loadSample(const std::string &name, const Mutation &mutation) {
  auto file =
      KernelFile::open(std::string(AWQ_TEST_INPUTS) + "/" + name + ".ll");
  if (!file) {
    ADD_FAILURE() << file.error().str();
    std::abort();
  }
  if (mutation)
    mutation(file->module());
  auto kernel = file->kernel("");
  if (!kernel) {
    ADD_FAILURE() << kernel.error().str();
    std::abort();
  }
  return *kernel;
}

static Report runKernel(const Kernel &kernel, DeviceMemory &memory,
                        const LaunchConfig &config,
                        const std::vector<Argument> &arguments,
                        const SimulatorOptions &options) {
  auto report = launch(kernel, memory, config, arguments, options);
  if (!report) {
    ADD_FAILURE() << report.error().str();
    std::abort();
  }
  return *report;
}

static double relativeError(double result, double sum, double magnitude) {
  double error = std::fabs(result - sum) / magnitude;
  return std::isnan(error) ? INFINITY : error;
}

namespace {
/// The ring kernel's data: C[16][64] = A[16][256] * W[256][64].
struct RingProblem {
  static constexpr int m = 16, n = 64, k = 256, groups = 4;
  std::vector<uint16_t> a, scales, zeros;
  std::vector<uint32_t> codes, packed;

  RingProblem();
  /// Allocates the buffers, of which the last is C.
  std::vector<Argument> arguments(DeviceMemory &memory) const;
  double largestError(const float *c) const;
};
} // namespace

RingProblem::RingProblem()
    : a(m * k), scales(groups * n), zeros(groups * n), codes(k * n),
      packed(k * n / 8) {
  std::mt19937 random(1);
  std::normal_distribution<double> normal;
  for (auto &x : a)
    x = nearestHalf(normal(random));
  for (auto &x : scales)
    x = nearestHalf(0.01 + 0.02 * std::fabs(normal(random)));
  for (auto &x : zeros)
    x = nearestHalf(random() % 16);
  for (auto &x : codes)
    x = random() % 16;
  // Lane 4g + t of a 16 x 16 tile: nibbles of k = 2t, 2t + 8 for columns g and
  // g + 8, then of k + 1.
  for (int word = 0; word < int(packed.size()); ++word) {
    int lane = word % 32, tileN = word / 32 % 4, tileK = word / 128;
    for (int i = 0; i < 8; ++i) {
      int row = tileK * 16 + 2 * (lane % 4) + i % 2 * 8 + i / 4;
      int column = tileN * 16 + lane / 4 + i / 2 % 2 * 8;
      packed[word] |= codes[row * n + column] << 4 * i;
    }
  }
}

std::vector<Argument> RingProblem::arguments(DeviceMemory &memory) const {
  return {Argument::pointer(memory.allocate("A", a)),
          Argument::pointer(memory.allocate("Q", packed)),
          Argument::pointer(memory.allocate("S", scales)),
          Argument::pointer(memory.allocate("Z", zeros)),
          Argument::pointer(memory.allocate("C", m * n * 4))};
}

double RingProblem::largestError(const float *c) const {
  double worst = 0;
  for (int row = 0; row < m; ++row)
    for (int column = 0; column < n; ++column) {
      double sum = 0, magnitude = 0;
      for (int i = 0; i < k; ++i) {
        int group = i / 64 * n + column;
        double weight = (codes[i * n + column] - halfValue(zeros[group])) *
                        halfValue(scales[group]);
        // The kernel's weights are f16.
        double product =
            halfValue(a[row * k + i]) * halfValue(nearestHalf(weight));
        sum += product;
        magnitude += std::fabs(product);
      }
      worst =
          std::max(worst, relativeError(c[row * n + column], sum, magnitude));
    }
  return worst;
}

Outcome test::runRing(const SimulatorOptions &options,
                      const Mutation &mutation) {
  RingProblem problem;
  Kernel kernel = loadSample("w4_ring", mutation);
  DeviceMemory memory;
  std::vector<Argument> arguments = problem.arguments(memory);
  LaunchConfig config;
  config.block.x = 128;
  Outcome outcome;
  outcome.report = runKernel(kernel, memory, config, arguments, options);
  outcome.error = problem.largestError(
      reinterpret_cast<const float *>(memory.buffers().back().data));
  return outcome;
}

/// Gives each block a C of its own.
static void separateOutputs(llvm::Module &module) {
  for (llvm::Function &function : module) {
    if (function.isDeclaration())
      continue;
    llvm::IRBuilder<> builder(&*function.getEntryBlock().begin());
    auto *type = llvm::FunctionType::get(builder.getInt32Ty(), false);
    llvm::Value *block = builder.CreateCall(
        module.getOrInsertFunction("llvm.nvvm.read.ptx.sreg.ctaid.x", type));
    llvm::Argument *output = function.getArg(function.arg_size() - 1);
    llvm::Value *own =
        builder.CreateGEP(llvm::ArrayType::get(builder.getFloatTy(),
                                               RingProblem::m * RingProblem::n),
                          output, {block});
    output->replaceUsesWithIf(
        own, [&](llvm::Use &use) { return use.getUser() != own; });
  }
}

double test::speedOfRing(const SimulatorOptions &options) {
  RingProblem problem;
  Kernel kernel = loadSample("w4_ring", separateOutputs);
  DeviceMemory memory;
  constexpr unsigned blocks = 40;
  std::vector<Argument> arguments = problem.arguments(memory);
  arguments.back() = Argument::pointer(
      memory.allocate("Cs", blocks * RingProblem::m * RingProblem::n * 4));
  LaunchConfig config;
  config.block.x = 128;
  config.grid.x = blocks;
  double best = 0;
  for (int i = 0; i < 20; ++i) {
    std::clock_t start = std::clock();
    Report report = runKernel(kernel, memory, config, arguments, options);
    double seconds = double(std::clock() - start) / CLOCKS_PER_SEC;
    EXPECT_TRUE(report.clean()) << report.text(false);
    best = std::max(best, double(report.counters.macs) / seconds);
  }
  return best;
}

Outcome test::runSpecialised(const SimulatorOptions &options,
                             const Mutation &mutation) {
  constexpr int features = 64, tokens = 8, k = 256, stages = k / 64;
  std::mt19937 random(2);
  std::normal_distribution<double> normal;
  std::vector<uint16_t> x(tokens * k), tiles(stages * 512),
      scales(features * stages);
  std::vector<uint32_t> codes(features * k), packed(stages * 512);
  for (auto &value : x)
    value = nearestHalf(normal(random));
  for (auto &value : codes)
    value = random() % 16;
  for (auto &value : scales)
    value = nearestHalf(0.02 + 0.01 * std::fabs(normal(random)));
  for (int i = 0; i < k; ++i)
    for (int token = 0; token < tokens; ++token)
      tiles[i / 64 * 512 + i % 64 / 8 * 64 + token * 8 + i % 8] =
          x[token * k + i];
  for (int word = 0; word < int(packed.size()); ++word) {
    int thread = word % 128, lane = thread % 32;
    int first = word / 512 * 64 + word / 128 % 4 * 16 + 2 * (lane % 4);
    for (int j = 0; j < 4; ++j) {
      int row = thread / 32 * 16 + lane / 4 + j % 2 * 8;
      int column = first + j / 2 * 8;
      packed[word] |= codes[row * k + column] << 4 * j;
      packed[word] |= codes[row * k + column + 1] << (4 * j + 16);
    }
  }
  Kernel kernel = loadSample("w4_specialised", mutation);
  DeviceMemory memory;
  std::vector<Argument> arguments = {
      Argument::pointer(memory.allocate("W", packed)),
      Argument::pointer(memory.allocate("X", tiles)),
      Argument::pointer(memory.allocate("S", scales))};
  DeviceBuffer &output = memory.allocate("D", tokens * features * 4);
  arguments.push_back(Argument::pointer(output));
  LaunchConfig config;
  config.block.x = 160;
  Outcome outcome;
  outcome.report = runKernel(kernel, memory, config, arguments, options);
  const float *d = reinterpret_cast<const float *>(output.data);
  for (int token = 0; token < tokens; ++token)
    for (int row = 0; row < features; ++row) {
      double sum = 0, magnitude = 0;
      for (int i = 0; i < k; ++i) {
        double weight = (int(codes[row * k + i]) - 8) *
                        halfValue(scales[row * stages + i / 64]);
        double product =
            halfValue(nearestHalf(weight)) * halfValue(x[token * k + i]);
        sum += product;
        magnitude += std::fabs(product);
      }
      outcome.error =
          std::max(outcome.error,
                   relativeError(d[token * features + row], sum, magnitude));
    }
  return outcome;
}

Outcome test::runExchange(const SimulatorOptions &options,
                          const Mutation &mutation) {
  std::vector<float> input(128);
  for (int i = 0; i < 128; ++i)
    input[i] = float(i + 1);
  Kernel kernel = loadSample("exchange", mutation);
  DeviceMemory memory;
  std::vector<Argument> arguments = {
      Argument::pointer(memory.allocate("I", input))};
  DeviceBuffer &output = memory.allocate("O", 512);
  arguments.push_back(Argument::pointer(output));
  LaunchConfig config;
  config.block.x = 128;
  Outcome outcome;
  outcome.report = runKernel(kernel, memory, config, arguments, options);
  const float *result = reinterpret_cast<const float *>(output.data);
  for (int thread = 0; thread < 128; ++thread) {
    int lane = thread % 32;
    // Reversed within the warp, then doubled lane % 4 times.
    double expected = double(thread - lane + 32 - lane) * (1 << lane % 4);
    outcome.error = std::max(outcome.error,
                             relativeError(result[thread], expected, expected));
  }
  return outcome;
}

static std::unique_ptr<llvm::Module> parse(const std::string &ir,
                                           llvm::LLVMContext &context) {
  llvm::SMDiagnostic diagnostic;
  auto module = llvm::parseAssemblyString(ir, diagnostic, context);
  if (!module) {
    ADD_FAILURE() << diagnostic.getMessage().str() << " in line "
                  << diagnostic.getLineNo() << ":\n"
                  << diagnostic.getLineContents().str();
    std::abort();
  }
  return module;
}

Report test::runText(const std::string &ir, DeviceMemory &memory,
                     const LaunchConfig &config,
                     const std::vector<Argument> &arguments,
                     const SimulatorOptions &options) {
  llvm::LLVMContext context;
  auto module = parse(ir, context);
  auto kernel = decodeKernel(*module, "k");
  if (!kernel) {
    ADD_FAILURE() << kernel.error().str() << "\n" << ir;
    return Report();
  }
  return runKernel(*kernel, memory, config, arguments, options);
}

std::string test::decodeError(const std::string &ir) {
  llvm::LLVMContext context;
  auto module = parse(ir, context);
  auto kernel = decodeKernel(*module, "k");
  return kernel ? "" : kernel.error().message;
}
