//===- BlasTest.cpp - tests of the choice of BLAS kernels -----------------===//
//
// Part of the awq-mlir project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "awq/Support/Blas.h"

#include <cblas.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <string>
#include <vector>

using namespace awq;

// ctest runs this program once as it is and once with OPENBLAS_CORETYPE set to
// kernels that any processor can run, which must then be kept.
TEST(Blas, usesWideKernelsUnlessTheUserChoseOthers) {
  prepareBlas();
  std::string kernels = blasKernels();
  const char *chosen = std::getenv("OPENBLAS_CORETYPE");
  if (chosen && *chosen) {
    EXPECT_EQ(kernels, chosen);
    return;
  }
#if defined(__x86_64__)
  if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma")) {
    EXPECT_NE(kernels, "Prescott");
    EXPECT_NE(kernels, "Nehalem");
    EXPECT_NE(kernels, "Sandybridge");
  }
#endif
  EXPECT_FALSE(kernels.empty());
}

TEST(Blas, multipliesAfterTheChoice) {
  prepareBlas();
  constexpr int size = 67;
  std::vector<float> a(size * size), b(size * size), c(size * size);
  for (int i = 0; i < size * size; ++i) {
    a[i] = static_cast<float>(i % 7 - 3);
    b[i] = static_cast<float>(i % 5 - 2);
  }
  cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasNoTrans, size, size, size, 1.0f,
              a.data(), size, b.data(), size, 0.0f, c.data(), size);
  for (int row = 0; row < size; ++row)
    for (int column = 0; column < size; ++column) {
      float sum = 0.0f;
      for (int k = 0; k < size; ++k)
        sum += a[row * size + k] * b[k * size + column];
      // Sums of small integers are exact in any order.
      ASSERT_EQ(c[row * size + column], sum) << row << ", " << column;
    }
}
