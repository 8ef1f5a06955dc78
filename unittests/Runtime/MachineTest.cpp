//===- MachineTest.cpp - what this processor can do -------*- C++ -*-===//
//
// Part of the awq-mlir project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "awq/ExecutionEngine/Runtime/Machine.h"

#include <gtest/gtest.h>

using namespace awq::runtime;

namespace {

#if defined(__x86_64__)
// The compiler's own detection, as an independent reader of CPUID.
TEST(Machine, FeaturesAgreeWithTheCompiler) {
  __builtin_cpu_init();
#define CHECK_FEATURE(llvm, gcc)                                               \
  EXPECT_EQ(hasFeature(llvm), __builtin_cpu_supports(gcc) != 0) << llvm
  CHECK_FEATURE("sse2", "sse2");
  CHECK_FEATURE("ssse3", "ssse3");
  CHECK_FEATURE("sse4.1", "sse4.1");
  CHECK_FEATURE("sse4.2", "sse4.2");
  CHECK_FEATURE("sse4a", "sse4a");
  CHECK_FEATURE("popcnt", "popcnt");
  CHECK_FEATURE("aes", "aes");
  CHECK_FEATURE("pclmul", "pclmul");
  CHECK_FEATURE("avx", "avx");
  CHECK_FEATURE("avx2", "avx2");
  CHECK_FEATURE("fma", "fma");
  CHECK_FEATURE("fma4", "fma4");
  CHECK_FEATURE("xop", "xop");
  CHECK_FEATURE("bmi", "bmi");
  CHECK_FEATURE("bmi2", "bmi2");
  CHECK_FEATURE("avx512f", "avx512f");
  CHECK_FEATURE("avx512bw", "avx512bw");
  CHECK_FEATURE("avx512cd", "avx512cd");
  CHECK_FEATURE("avx512dq", "avx512dq");
  CHECK_FEATURE("avx512vl", "avx512vl");
  CHECK_FEATURE("avx512ifma", "avx512ifma");
  CHECK_FEATURE("avx512vbmi", "avx512vbmi");
  CHECK_FEATURE("avx512vbmi2", "avx512vbmi2");
  CHECK_FEATURE("avx512vnni", "avx512vnni");
  CHECK_FEATURE("avx512bitalg", "avx512bitalg");
  CHECK_FEATURE("avx512vpopcntdq", "avx512vpopcntdq");
  CHECK_FEATURE("gfni", "gfni");
  CHECK_FEATURE("vpclmulqdq", "vpclmulqdq");
#undef CHECK_FEATURE
  EXPECT_TRUE(hasFeature("64bit"));
  EXPECT_EQ(machineArchitecture(), "x86_64");
}
#endif

TEST(Machine, UnknownFeaturesAreMissing) {
  EXPECT_FALSE(isKnownFeature("avx9000"));
  EXPECT_FALSE(isKnownFeature(""));
  EXPECT_EQ(missingFeatures({"avx9000", "", "zzz"}),
            (std::vector<std::string>{"avx9000", "", "zzz"}));
  EXPECT_TRUE(missingFeatures({}).empty());
  EXPECT_GE(processorCount(), 1);
}

} // namespace
