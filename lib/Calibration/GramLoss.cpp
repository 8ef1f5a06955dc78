//===- GramLoss.cpp - output errors of linears from Gram matrices *- C++
//-*-===//
//
// Part of the awq-mlir project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "awq/Calibration/GramLoss.h"

#include "awq/Support/Blas.h"
#include "awq/Support/Multiversion.h"

#include <algorithm>
#include <cblas.h>

using namespace awq;

/// Side of the blocks of G.
static constexpr int64_t blockSize = 144;
/// Rows that one task of gramLoss takes.
static constexpr int64_t rowTile = 64;

AWQ_MULTIVERSION
static double dotRow(const float *a, const float *b, int64_t count) {
  double sum = 0.0;
#pragma omp simd reduction(+ : sum)
  for (int64_t i = 0; i < count; ++i)
    sum += static_cast<double>(a[i]) * b[i];
  return sum;
}

void calibration::rowGramLosses(const float *d, int64_t rows, const float *gram,
                                int64_t k, double *result,
                                std::vector<float> &scratch) {
  std::fill(result, result + rows, 0.0);
  scratch.resize(std::max<size_t>(scratch.size(), rows * blockSize));
  // G is symmetric: each block left of the diagonal counts twice, and those
  // right of it are not read.
  for (int64_t j = 0; j < k; j += blockSize) {
    int64_t width = std::min(blockSize, k - j);
    cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasNoTrans, rows, width, width,
                1.0f, d + j, k, gram + j * k + j, k, 0.0f, scratch.data(),
                width);
    if (j > 0)
      cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasNoTrans, rows, width, j,
                  2.0f, d, k, gram + j, k, 1.0f, scratch.data(), width);
    for (int64_t r = 0; r < rows; ++r)
      result[r] += dotRow(scratch.data() + r * width, d + r * k + j, width);
  }
}

double calibration::gramLoss(const float *d, int64_t rows, const float *gram,
                             int64_t k) {
  prepareBlas();
  std::vector<double> losses(rows);
#pragma omp parallel
  {
    std::vector<float> scratch;
#pragma omp for schedule(dynamic)
    for (int64_t r = 0; r < rows; r += rowTile)
      rowGramLosses(d + r * k, std::min(rowTile, rows - r), gram, k, &losses[r],
                    scratch);
  }
  double sum = 0.0;
  for (double loss : losses)
    sum += loss;
  return sum;
}

std::vector<float> calibration::scaledGram(const float *gram,
                                           const float *scales, int64_t k) {
  std::vector<float> result(k * k);
#pragma omp parallel for schedule(static)
  for (int64_t i = 0; i < k; ++i)
    for (int64_t j = 0; j < k; ++j)
      result[i * k + j] = gram[i * k + j] / (scales[i] * scales[j]);
  return result;
}
