//===- LeafFunctions.cpp - what generated code calls ------------*- C++ -*-===//
//
// Part of the awq-mlir project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "awq/ExecutionEngine/Runtime/LeafFunctions.h"

#include "awq/Support/Blas.h"

#include <cblas.h>

#include <cstring>

using namespace awq::runtime;

__attribute__((constructor)) static void beforeGeneratedCode() {
  awq::prepareBlas();
}

/// Below this many rows, matrix-vector products that read w once per row beat
/// the matrix product, which copies w into its own layout first (measured on
/// tiles of 64..576 rows of w: 2 to 4 times faster at 1 row, equal at 4).
static constexpr int64_t smallestMatrix = 4;

void awq_rt_sgemm_nt(int64_t m, int64_t n, int64_t k, const float *x,
                     int64_t ldx, const float *w, int64_t ldw, float *y,
                     int64_t ldy) {
  if (m <= 0 || n <= 0)
    return;
  // BLAS leaves y alone, or multiplies what is in it by beta, when there is
  // nothing to sum up.
  if (k <= 0) {
    for (int64_t row = 0; row < m; ++row)
      std::memset(y + row * ldy, 0, sizeof(float) * n);
    return;
  }
  if (m < smallestMatrix) {
    for (int64_t row = 0; row < m; ++row) {
      // Some releases of OpenBLAS scale y by beta = 0, which keeps a NaN.
      std::memset(y + row * ldy, 0, sizeof(float) * n);
      cblas_sgemv(CblasRowMajor, CblasNoTrans, n, k, 1.0f, w, ldw,
                  x + row * ldx, 1, 0.0f, y + row * ldy, 1);
    }
    return;
  }
  cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasTrans, m, n, k, 1.0f, x, ldx, w,
              ldw, 0.0f, y, ldy);
}

/// Copies `rank` dimensions, the innermost ones in one piece while they are
/// contiguous on both sides.
static void copyDimensions(int64_t elementBytes, int64_t rank,
                           const int64_t *sizes, const int64_t *sourceStrides,
                           const int64_t *targetStrides, const char *source,
                           char *target) {
  int64_t piece = 1, dimension = rank;
  while (dimension > 0 &&
         (sizes[dimension - 1] == 1 || (sourceStrides[dimension - 1] == piece &&
                                        targetStrides[dimension - 1] == piece)))
    piece *= sizes[--dimension];
  if (dimension == 0) {
    std::memcpy(target, source, static_cast<size_t>(piece * elementBytes));
    return;
  }
  for (int64_t i = 0; i < sizes[0]; ++i)
    copyDimensions(elementBytes, rank - 1, sizes + 1, sourceStrides + 1,
                   targetStrides + 1,
                   source + i * sourceStrides[0] * elementBytes,
                   target + i * targetStrides[0] * elementBytes);
}

void memrefCopy(int64_t elementBytes, const UnrankedMemRef *source,
                const UnrankedMemRef *target) {
  const auto *from = static_cast<const MemRefHead *>(source->descriptor);
  const auto *to = static_cast<const MemRefHead *>(target->descriptor);
  int64_t rank = source->rank;
  const int64_t *sizes = from->sizes();
  for (int64_t i = 0; i < rank; ++i)
    if (sizes[i] == 0)
      return;
  copyDimensions(elementBytes, rank, sizes, sizes + rank, to->sizes() + rank,
                 static_cast<const char *>(from->aligned) +
                     from->offset * elementBytes,
                 static_cast<char *>(to->aligned) + to->offset * elementBytes);
}
