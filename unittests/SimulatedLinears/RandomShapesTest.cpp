//===- RandomShapesTest.cpp - every kernel on random shapes ---------------===//
//
// Part of the awq-mlir project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Runs the kernels on random shapes and compares with float64. The environment
// variable AWQ_SIMULATED_SHAPES is the number of shapes.
//
//===----------------------------------------------------------------------===//

#include "LinearProblem.h"
#include "TestKernels.h"

#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <mutex>
#include <set>
#include <thread>
#include <vector>

using namespace awq;
using namespace awq::gpusim;
using namespace awq::gpusim::test;

namespace {

/// Each chip, mode, type and group once, with buckets in turn.
constexpr int roundShapes = 128;

/// Shapes without the environment variable.
#ifdef __SANITIZE_ADDRESS__
constexpr int defaultShapes = 16;
#else
constexpr int defaultShapes = roundShapes;
#endif

/// Largest normalized mean square error of a row. Rounding a result to f16
/// costs up to 2^-22, to bf16 up to 2^-16 / 4.
double errorBound(bool bf16) { return bf16 ? 1e-5 : 1e-6; }

struct Case {
  KernelOptions options;
  LinearKind kind;
  unsigned bucket = 0;
  unsigned blocks = 1;
  int index = 0;
};

/// What was run, and how well it went.
struct Tally {
  double worst[2] = {0, 0};
  uint64_t macs = 0, raced = 0, rowTests = 0;
  std::set<std::string> kernels;

  void add(const Tally &other) {
    for (int i = 0; i < 2; ++i)
      worst[i] = std::max(worst[i], other.worst[i]);
    macs += other.macs;
    raced += other.raced;
    rowTests += other.rowTests;
    kernels.insert(other.kernels.begin(), other.kernels.end());
  }
};

class RandomShapes : public ::testing::Test {
protected:
  /// Cases of all threads: each takes the next one.
  void runCases(int count);
  void runCase(const Case &test, std::mt19937 &random, Tally &tally);
  const LinearProgram &programFor(const Case &test);
  std::string describe(const Case &test, const LinearProblem &problem);

  std::atomic<int> next{0};
  std::mutex mutex;
  KernelLibrary library;
  Tally total;
};

/// The case of this number. Zero points and bias vary from round to round.
Case makeCase(int number) {
  unsigned index = unsigned(number) % roundShapes, sum = number / roundShapes;
  auto take = [&](unsigned choices) {
    unsigned choice = index % choices;
    index /= choices;
    sum += choice;
    return choice;
  };
  Case test;
  test.index = number;
  test.options.chip = chips[take(4)];
  test.options.mode = modes[take(4)];
  test.options.activations = activationTypes[take(2)];
  test.kind.group = kernelGroups[take(4)];
  test.kind.symmetric = sum % 2;
  test.kind.bias = sum / 2 % 2;
  unsigned which = sum + unsigned(number) / roundShapes / 4;
  test.bucket = which % bucketCount(test.options.mode);
  return test;
}

/// N is a multiple of 8, K of the group; whole rows may have any K.
LinearProblem makeProblem(const Case &test, std::mt19937 &random) {
  QuantScheme scheme;
  scheme.group = test.kind.group;
  // Groups of several records share the kernel of groups of one.
  if (scheme.group == 128 && random() % 3 == 0)
    scheme.group = 256;
  scheme.symmetric = test.kind.symmetric;
  int64_t n = 8 * (1 + random() % 60), k;
  // A single group is a whole row, which has kernels of its own.
  if (scheme.group) {
    k = scheme.group * (2 + random() % (1536 / scheme.group - 1));
  } else if (random() % 6 == 0) {
    scheme.group = k = 128 * (1 + random() % 4);
  } else {
    k = random() % 5 ? 8 * (1 + random() % 150) : 1 + random() % 700;
  }
  // Up to two blocks of tokens as a rule, now and then many.
  int64_t usual = 17 << test.bucket;
  int64_t m = random() % 8 ? random() % usual : random() % 301;
  return LinearProblem(scheme, m, n, k, test.kind.bias,
                       test.options.activations == "bf16", random);
}

std::string RandomShapes::describe(const Case &test,
                                   const LinearProblem &problem) {
  return "shape " + std::to_string(test.index) + ": " +
         programFor(test).launch.kernel + " for " + test.options.chip + ", M " +
         std::to_string(problem.m) + ", N " + std::to_string(problem.n) +
         ", K " + std::to_string(problem.k) + ", group " +
         std::to_string(problem.scheme.group) + ", " +
         std::to_string(test.blocks) + " blocks";
}

/// The problem with its rows in reverse, one of them with a NaN.
LinearProblem disturbed(const LinearProblem &problem, int64_t bad) {
  LinearProblem other = problem;
  for (int64_t row = 0; row < problem.m; ++row)
    std::copy_n(problem.x.begin() + row * problem.k, problem.k,
                other.x.begin() + (problem.m - 1 - row) * problem.k);
  other.x[(problem.m - 1 - bad) * problem.k + problem.k / 2] =
      problem.bf16 ? 0x7fc0 : 0x7e00;
  return other;
}

const LinearProgram &RandomShapes::programFor(const Case &test) {
  return library.get(test.options, test.kind, test.bucket);
}

void RandomShapes::runCase(const Case &test, std::mt19937 &random,
                           Tally &tally) {
  LinearProblem problem = makeProblem(test, random);
  const LinearProgram &program = programFor(test);
  SCOPED_TRACE(describe(test, problem));
  tally.kernels.insert(test.options.chip + program.launch.kernel);
  SimulatedLinear linear(program, problem.weight(), problem.m, test.blocks);
  std::vector<uint16_t> first(problem.m * problem.n), again(first);
  auto run = [&](const LinearProblem &input, std::vector<uint16_t> &y,
                 const SimulatorOptions &options) {
    Result<Report> report = linear.run(input.x.data(), y.data(), options);
    ASSERT_TRUE(bool(report)) << report.error().str();
    ASSERT_TRUE(report->clean()) << report->text(false);
    ASSERT_TRUE(linear.hasCleanTickets());
    tally.macs += report->counters.macs;
  };

  SimulatorOptions options;
  // By a number without a common factor with those of the choices.
  options.races = test.index % 5 == 0;
  tally.raced += options.races;
  options.delivery = random() % 2 ? CopyDelivery::Late : CopyDelivery::AtOnce;
  run(problem, first, options);
  if (HasFatalFailure())
    return;
  double error = problem.worstRow(problem.exact(), first);
  EXPECT_LE(error, errorBound(problem.bf16));
  tally.worst[problem.bf16] = std::max(tally.worst[problem.bf16], error);

  // The same bits whatever the order of blocks and copies.
  options.races = false;
  options.seed = 1 + random();
  options.residentBlocks = 1 + random() % 16;
  options.delivery = options.delivery == CopyDelivery::Late
                         ? CopyDelivery::AtOnce
                         : CopyDelivery::Late;
  run(problem, again, options);
  if (HasFatalFailure())
    return;
  EXPECT_EQ(first, again) << "the order of blocks changes bits";

  if (problem.m == 0 || test.index % 3)
    return;
  ++tally.rowTests;
  int64_t bad = random() % problem.m;
  run(disturbed(problem, bad), again, SimulatorOptions());
  if (HasFatalFailure())
    return;
  for (int64_t row = 0; row < problem.m; ++row)
    for (int64_t i = 0; i < problem.n; ++i) {
      uint16_t y = again[(problem.m - 1 - row) * problem.n + i];
      if (row == bad)
        ASSERT_TRUE(problem.isNaN(y)) << "row " << row << " loses its NaN";
      else
        ASSERT_EQ(first[row * problem.n + i], y)
            << "row " << row << " depends on others";
    }
}

void RandomShapes::runCases(int count) {
  Tally tally;
  for (int i = next++; i < count && !HasFatalFailure(); i = next++) {
    std::mt19937 random(1000 + i);
    Case test = makeCase(i);
    test.blocks = 1 + random() % 13;
    runCase(test, random, tally);
  }
  std::lock_guard<std::mutex> lock(mutex);
  total.add(tally);
}

TEST_F(RandomShapes, AreRightAndReproducible) {
  int count = defaultShapes;
  if (const char *text = std::getenv("AWQ_SIMULATED_SHAPES"))
    count = std::atoi(text);
  ASSERT_GT(count, 0) << "AWQ_SIMULATED_SHAPES is no number";
  auto start = std::chrono::steady_clock::now();
  std::vector<std::thread> threads;
  for (unsigned i = 0; i < std::max(1u, std::thread::hardware_concurrency());
       ++i)
    threads.emplace_back([&] { runCases(count); });
  for (std::thread &thread : threads)
    thread.join();
  double seconds =
      std::chrono::duration<double>(std::chrono::steady_clock::now() - start)
          .count();
  std::printf(
      "%d shapes, %zu kernels, %llu with race detection, %llu with rows "
      "disturbed; worst NMSE of a row %.3g (f16), %.3g (bf16); %.2f "
      "billion multiply-adds in %.1f s\n",
      count, total.kernels.size(), (unsigned long long)total.raced,
      (unsigned long long)total.rowTests, total.worst[0], total.worst[1],
      double(total.macs) * 1e-9, seconds);
}

} // namespace
