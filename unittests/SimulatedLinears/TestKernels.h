//===- TestKernels.h - the kernels to test, compiled once -------*- C++ -*-===//
//
// Part of the awq-mlir project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef AWQ_UNITTESTS_SIMULATEDLINEARS_TESTKERNELS_H
#define AWQ_UNITTESTS_SIMULATEDLINEARS_TESTKERNELS_H

#include "awq/ExecutionEngine/SimulatedLinears/SimulatedLinear.h"

#include <future>
#include <map>
#include <mutex>
#include <string>
#include <tuple>

namespace awq::gpusim::test {

inline const char *const chips[] = {"sm_80", "sm_86", "sm_89", "sm_90a"};
inline const char *const modes[] = {"subnormal", "exact", "planes",
                                    "dequantize"};
inline const char *const activationTypes[] = {"f16", "bf16"};
/// The groups that make kernels of their own; 0 is the whole row.
inline const int64_t kernelGroups[] = {32, 64, 128, 0};
/// Kernels of a linear in this mode: for up to 8, 16, 32, 64 and 128 tokens; in
/// mode planes for up to 2 and 4 (the others there are those of mode
/// subnormal), in mode dequantize for up to 64 and, on sm_90a, 128.
unsigned bucketCount(const std::string &mode);

/// A kind of quantized linear.
struct LinearKind {
  int64_t group = 128;
  bool symmetric = false;
  bool bias = false;
  /// What is fused: see awq.fused_linear. `gate` is a function or empty.
  bool norm = false, turn = false, residual = false;
  std::string gate;

  bool isFused() const { return norm || turn || residual || !gate.empty(); }
  bool operator<(const LinearKind &other) const {
    return tied() < other.tied();
  }

private:
  std::tuple<int64_t, bool, bool, bool, bool, bool, std::string> tied() const {
    return {group, symmetric, bias, norm, turn, residual, gate};
  }
};

/// All 16 kinds.
std::vector<LinearKind> allKinds();

/// Compiles the kernels for these kinds; fails the test on errors.
CompiledKernels compileKinds(const std::vector<LinearKind> &kinds,
                             const KernelOptions &options);

/// Every kernel that convert-awq-to-nvvm makes for 4 bits, ready to run. For
/// any number of threads.
class KernelLibrary {
public:
  /// Compiles this kind's kernel of one bucket for these options at the first
  /// call; others who want the same wait for it.
  const LinearProgram &get(const KernelOptions &options, const LinearKind &kind,
                           unsigned bucket);

private:
  using Key =
      std::tuple<std::string, std::string, std::string, LinearKind, unsigned>;
  std::mutex mutex;
  std::map<Key, std::shared_future<LinearProgram>> programs;
};

} // namespace awq::gpusim::test

#endif // AWQ_UNITTESTS_SIMULATEDLINEARS_TESTKERNELS_H
