//===- LeafFunctionsTest.cpp - what generated code calls  *- C++ -*-===//
//
// Part of the awq-mlir project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "awq/ExecutionEngine/Runtime/LeafFunctions.h"

#include <gtest/gtest.h>

#include <atomic>
#include <cmath>
#include <limits>
#include <random>
#include <thread>

using namespace awq::runtime;

namespace {

/// A matrix whose rows lie `stride` elements apart; the gaps hold NaN, so that
/// reading them shows.
std::vector<float> matrix(int64_t rows, int64_t columns, int64_t stride,
                          unsigned seed) {
  std::mt19937 random(seed);
  std::uniform_real_distribution<float> values(-1.0f, 1.0f);
  std::vector<float> data(rows * stride,
                          std::numeric_limits<float>::quiet_NaN());
  for (int64_t i = 0; i < rows; ++i)
    for (int64_t j = 0; j < columns; ++j)
      data[i * stride + j] = values(random);
  return data;
}

void checkProduct(int64_t m, int64_t n, int64_t k, int64_t gap) {
  SCOPED_TRACE(testing::Message() << m << "x" << n << "x" << k);
  int64_t ldx = k + gap, ldw = k + 2 * gap, ldy = n + 3 * gap;
  std::vector<float> x = matrix(m, k, ldx, 1), w = matrix(n, k, ldw, 2);
  // NaN everywhere: y must be overwritten, and nothing but y.
  std::vector<float> y = matrix(m, 0, ldy, 3);
  awq_rt_sgemm_nt(m, n, k, x.data(), ldx, w.data(), ldw, y.data(), ldy);
  for (int64_t i = 0; i < m; ++i)
    for (int64_t j = 0; j < ldy; ++j) {
      float got = y[i * ldy + j];
      if (j >= n) {
        EXPECT_TRUE(std::isnan(got)) << i << "," << j;
        continue;
      }
      double sum = 0, magnitude = 0;
      for (int64_t l = 0; l < k; ++l) {
        double term = double(x[i * ldx + l]) * w[j * ldw + l];
        sum += term;
        magnitude += std::fabs(term);
      }
      // gamma_k for a sum of k products, whatever its order.
      double bound = (k + 1) * 0x1p-24 * magnitude;
      EXPECT_LE(std::fabs(got - sum), bound) << i << "," << j;
    }
}

TEST(LeafFunctions, ProductMatchesDouble) {
  for (int64_t m : {1, 2, 3, 4, 5, 17, 64})
    for (int64_t n : {1, 7, 64})
      for (int64_t k : {1, 8, 33, 576})
        for (int64_t gap : {0, 3})
          checkProduct(m, n, k, gap);
}

TEST(LeafFunctions, EmptyProducts) {
  float x = 2, w = 3, y[2] = {7, 7};
  awq_rt_sgemm_nt(1, 1, 0, &x, 0, &w, 0, y, 2);
  EXPECT_EQ(y[0], 0);
  EXPECT_EQ(y[1], 7);
  y[0] = 7;
  awq_rt_sgemm_nt(0, 1, 1, &x, 1, &w, 1, y, 1);
  awq_rt_sgemm_nt(1, 0, 1, &x, 1, &w, 1, y, 1);
  EXPECT_EQ(y[0], 7);
}

// A NaN row stays in its row; the others are untouched by it.
TEST(LeafFunctions, NaNStaysInItsRow) {
  for (int64_t m : {2, 8}) {
    std::vector<float> x = matrix(m, 16, 16, 4), w = matrix(5, 16, 16, 5);
    std::vector<float> y(m * 5);
    x[16 + 3] = std::numeric_limits<float>::quiet_NaN();
    awq_rt_sgemm_nt(m, 5, 16, x.data(), 16, w.data(), 16, y.data(), 5);
    for (int64_t i = 0; i < m; ++i)
      for (int64_t j = 0; j < 5; ++j)
        EXPECT_EQ(std::isnan(y[i * 5 + j]), i == 1) << i << "," << j;
  }
}

// Generated code calls it from every thread of its pool at once.
TEST(LeafFunctions, ProductsOnManyThreadsAreTheSameBytes) {
  std::vector<float> x = matrix(33, 200, 200, 6), w = matrix(64, 200, 200, 7);
  std::vector<float> expected(33 * 64);
  awq_rt_sgemm_nt(33, 64, 200, x.data(), 200, w.data(), 200, expected.data(),
                  64);
  std::atomic<int> different{0};
  std::vector<std::thread> threads;
  for (int t = 0; t < 8; ++t)
    threads.emplace_back([&] {
      for (int i = 0; i < 50; ++i) {
        std::vector<float> y(33 * 64);
        awq_rt_sgemm_nt(33, 64, 200, x.data(), 200, w.data(), 200, y.data(),
                        64);
        different += y != expected;
      }
    });
  for (std::thread &thread : threads)
    thread.join();
  EXPECT_EQ(different, 0);
}

/// A ranked descriptor with strides of its own.
template <int Rank>
struct Strided {
  void *allocated, *aligned;
  int64_t offset, sizes[Rank], strides[Rank];
};

TEST(LeafFunctions, CopiesTransposedWithOffset) {
  // target[i][j][l] = source at strides (1, 6, 2), offset 1.
  std::vector<int16_t> source(25), target(30, -1);
  for (size_t i = 0; i < source.size(); ++i)
    source[i] = static_cast<int16_t>(i);
  Strided<3> from{source.data(), source.data(), 1, {2, 4, 3}, {1, 6, 2}};
  Strided<3> to{target.data(), target.data(), 2, {2, 4, 3}, {12, 3, 1}};
  UnrankedMemRef unrankedFrom{3, &from}, unrankedTo{3, &to};
  memrefCopy(sizeof(int16_t), &unrankedFrom, &unrankedTo);
  for (int i = 0; i < 2; ++i)
    for (int j = 0; j < 4; ++j)
      for (int l = 0; l < 3; ++l)
        EXPECT_EQ(target[2 + i * 12 + j * 3 + l], 1 + i + j * 6 + l * 2);
  EXPECT_EQ(target[1], -1);
  EXPECT_EQ(target[26], -1);
}

TEST(LeafFunctions, CopiesColumnsScalarsAndNothing) {
  float source[6] = {0, 1, 2, 3, 4, 5}, target[6] = {9, 9, 9, 9, 9, 9};
  // A column of a 2x3 matrix into another column.
  Strided<2> from{source, source, 1, {2, 1}, {3, 1}};
  Strided<2> to{target, target, 2, {2, 1}, {3, 1}};
  UnrankedMemRef unrankedFrom{2, &from}, unrankedTo{2, &to};
  memrefCopy(sizeof(float), &unrankedFrom, &unrankedTo);
  EXPECT_EQ(target[2], 1);
  EXPECT_EQ(target[5], 4);
  EXPECT_EQ(target[0], 9);
  // Rank 0.
  MemRefHead scalarFrom{source, source, 3}, scalarTo{target, target, 0};
  unrankedFrom = {0, &scalarFrom};
  unrankedTo = {0, &scalarTo};
  memrefCopy(sizeof(float), &unrankedFrom, &unrankedTo);
  EXPECT_EQ(target[0], 3);
  // No elements: no pointer is followed.
  Strided<2> empty{nullptr, nullptr, 0, {3, 0}, {0, 1}};
  unrankedFrom = unrankedTo = {2, &empty};
  memrefCopy(sizeof(float), &unrankedFrom, &unrankedTo);
}

TEST(MemRefDescriptor, IsRowMajor) {
  int data = 0;
  MemRefDescriptor descriptor({-1, 3, 4}, &data);
  descriptor.setSize(0, 5);
  auto *words = static_cast<int64_t *>(descriptor.address());
  EXPECT_EQ(reinterpret_cast<int *>(words[0]), &data);
  EXPECT_EQ(reinterpret_cast<int *>(words[1]), &data);
  EXPECT_EQ(std::vector<int64_t>(words + 2, words + 9),
            (std::vector<int64_t>{0, 5, 3, 4, 12, 4, 1}));
}

} // namespace
