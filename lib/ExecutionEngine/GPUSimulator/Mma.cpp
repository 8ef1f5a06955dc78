//===- Mma.cpp - mma.sync -------------------------------------------------===//
//
// Part of the awq-mlir project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Lanes.h"
#include "MatrixOps.h"
#include "Numbers.h"

#include <algorithm>
#include <cstring>

using namespace awq::gpusim;

namespace {

constexpr unsigned tileRows = 16, tileColumns = 8, maxK = 64;

MmaShape unpack(int64_t imm) {
  MmaShape shape;
  shape.a = static_cast<MmaType>(imm & 255);
  shape.b = static_cast<MmaType>(imm >> 8 & 255);
  shape.k = imm >> 16 & 0xffff;
  shape.halfSum = imm >> 32 & 1;
  shape.saturate = imm >> 33 & 1;
  return shape;
}

struct Operands {
  const int32_t *d, *a, *b, *c;
  unsigned sums, registersB;
};

Operands split(Warp &warp, const Op &o, const MmaShape &shape) {
  Operands result;
  result.sums = shape.halfSum ? 2 : 4;
  result.registersB = shape.k * elementBits(shape.b) / 128;
  result.d = warp.machine->list(o);
  result.a = result.d + result.sums;
  result.b = result.a + 2 * result.registersB;
  result.c = result.b + result.registersB;
  return result;
}

/// Calls f(outer, k, raw) for the elements of a fragment: lane 4g + t holds
/// element k = block * 4E + t * E + i of row g, where E elements share a
/// register.
template <typename F>
void eachElement(const uint32_t *values, MmaType type, unsigned block, F f) {
  unsigned bits = elementBits(type), perRegister = 32 / bits;
  for (unsigned lane = 0; lane < warpLanes; ++lane)
    for (unsigned i = 0; i < perRegister; ++i)
      f(lane / 4, (block * 4 + lane % 4) * perRegister + i,
        values[lane] >> bits * i);
}

void readSums(Warp &warp, const Operands &operands, bool halfSum,
              float sums[tileRows][tileColumns]) {
  for (unsigned lane = 0; lane < warpLanes; ++lane)
    for (unsigned i = 0; i < 4; ++i) {
      uint32_t word =
          reg<uint32_t>(warp, operands.c[halfSum ? i / 2 : i])[lane];
      sums[lane / 4 + 8 * (i / 2)][2 * (lane % 4) + i % 2] =
          halfSum ? halfToFloat(static_cast<uint16_t>(word >> 16 * (i % 2)))
                  : bitCast<float>(word);
    }
}

void writeSums(Warp &warp, const Operands &operands, bool halfSum,
               const float sums[tileRows][tileColumns]) {
  for (unsigned lane = 0; lane < warpLanes; ++lane)
    for (unsigned h = 0; h < 2; ++h) {
      const float *pair = &sums[lane / 4 + 8 * h][2 * (lane % 4)];
      if (halfSum) {
        reg<uint32_t>(warp, operands.d[h])[lane] =
            floatToHalf(pair[0]) | uint32_t(floatToHalf(pair[1])) << 16;
        continue;
      }
      reg<float>(warp, operands.d[2 * h])[lane] = pair[0];
      reg<float>(warp, operands.d[2 * h + 1])[lane] = pair[1];
    }
}

#if defined(__AVX2__) && defined(__F16C__)
/// An 8 x 8 tile of halves, which a register of a fragment is row by row.
void readTile(Warp &warp, int32_t offset, __m256 rows[8]) {
  const auto *from = reg<__m128i>(warp, offset);
  for (unsigned r = 0; r < 8; ++r)
    rows[r] = _mm256_cvtph_ps(_mm_load_si128(from + r));
}

void transpose(__m256 r[8]) {
  __m256 t[8];
  for (unsigned i = 0; i < 4; ++i) {
    t[2 * i] = _mm256_unpacklo_ps(r[2 * i], r[2 * i + 1]);
    t[2 * i + 1] = _mm256_unpackhi_ps(r[2 * i], r[2 * i + 1]);
  }
  for (unsigned i = 0; i < 2; ++i) {
    r[4 * i] = _mm256_shuffle_ps(t[4 * i], t[4 * i + 2], 0x44);
    r[4 * i + 1] = _mm256_shuffle_ps(t[4 * i], t[4 * i + 2], 0xee);
    r[4 * i + 2] = _mm256_shuffle_ps(t[4 * i + 1], t[4 * i + 3], 0x44);
    r[4 * i + 3] = _mm256_shuffle_ps(t[4 * i + 1], t[4 * i + 3], 0xee);
  }
  for (unsigned i = 0; i < 4; ++i) {
    t[i] = _mm256_permute2f128_ps(r[i], r[i + 4], 0x20);
    t[i + 4] = _mm256_permute2f128_ps(r[i], r[i + 4], 0x31);
  }
  std::copy(t, t + 8, r);
}

/// The same sums in the same order as multiplyAccumulate, eight columns at
/// once: most of the time of a simulated kernel is spent here.
void halfProducts(Warp &warp, const Operands &operands) {
  alignas(32) float a[tileRows][16], sums[tileRows][tileColumns];
  __m256 b[16];
  for (unsigned j = 0; j < 2 * operands.registersB; ++j) {
    __m256 rows[8];
    readTile(warp, operands.a[j], rows);
    for (unsigned r = 0; r < 8; ++r)
      _mm256_store_ps(&a[r + 8 * (j & 1)][8 * (j >> 1)], rows[r]);
  }
  for (unsigned j = 0; j < operands.registersB; ++j) {
    readTile(warp, operands.b[j], b + 8 * j);
    transpose(b + 8 * j);
  }
  readSums(warp, operands, false, sums);
  unsigned k = 8 * operands.registersB;
  for (unsigned row = 0; row < tileRows; row += 4) {
    __m256 c[4];
    for (unsigned i = 0; i < 4; ++i)
      c[i] = _mm256_load_ps(sums[row + i]);
    for (unsigned j = 0; j < k; ++j)
      for (unsigned i = 0; i < 4; ++i)
        c[i] = _mm256_fmadd_ps(_mm256_broadcast_ss(&a[row + i][j]), b[j], c[i]);
    for (unsigned i = 0; i < 4; ++i)
      _mm256_store_ps(sums[row + i], c[i]);
  }
  writeSums(warp, operands, false, sums);
}
#else
void halfProducts(Warp &, const Operands &) {}
#endif

void floatProducts(Warp &warp, const MmaShape &shape,
                   const Operands &operands) {
  float a[tileRows][maxK], b[maxK][tileColumns], sums[tileRows][tileColumns];
  for (unsigned j = 0; j < 2 * operands.registersB; ++j)
    eachElement(reg<uint32_t>(warp, operands.a[j]), shape.a, j / 2,
                [&](unsigned row, unsigned k, uint32_t raw) {
                  a[row + 8 * (j % 2)][k] = elementToFloat(shape.a, raw);
                });
  for (unsigned j = 0; j < operands.registersB; ++j)
    eachElement(reg<uint32_t>(warp, operands.b[j]), shape.b, j,
                [&](unsigned column, unsigned k, uint32_t raw) {
                  b[k][column] = elementToFloat(shape.b, raw);
                });
  readSums(warp, operands, shape.halfSum, sums);
  for (unsigned row = 0; row < tileRows; ++row)
    multiplyAccumulate(warp.machine->options, shape.a, shape.b, shape.k,
                       tileColumns, a[row], b[0], tileColumns, sums[row]);
  writeSums(warp, operands, shape.halfSum, sums);
}

void floatMma(Warp &warp, const Op &o) {
  requireWholeWarp(warp, o.site, "mma.sync");
  MmaShape shape = unpack(o.imm);
  Operands operands = split(warp, o, shape);
  Counters &counters = warp.machine->counters;
  ++counters.mma;
  counters.macs += uint64_t(tileRows) * tileColumns * shape.k;
#if defined(__AVX2__) && defined(__F16C__)
  constexpr bool fast = true;
#else
  constexpr bool fast = false;
#endif
  if (fast && shape.a == MmaType::F16 && shape.b == MmaType::F16 &&
      !shape.halfSum && warp.machine->options.mma == MmaModel::FusedF32)
    halfProducts(warp, operands);
  else
    floatProducts(warp, shape, operands);
}

void integerMma(Warp &warp, const Op &o) {
  requireWholeWarp(warp, o.site, "mma.sync");
  MmaShape shape = unpack(o.imm);
  Operands operands = split(warp, o, shape);
  Counters &counters = warp.machine->counters;
  ++counters.mma;
  counters.macs += uint64_t(tileRows) * tileColumns * shape.k;
  int32_t a[tileRows][maxK], b[tileColumns][maxK];
  for (unsigned j = 0; j < 2 * operands.registersB; ++j)
    eachElement(reg<uint32_t>(warp, operands.a[j]), shape.a, j / 2,
                [&](unsigned row, unsigned k, uint32_t raw) {
                  a[row + 8 * (j % 2)][k] = elementToInteger(shape.a, raw);
                });
  for (unsigned j = 0; j < operands.registersB; ++j)
    eachElement(reg<uint32_t>(warp, operands.b[j]), shape.b, j,
                [&](unsigned column, unsigned k, uint32_t raw) {
                  b[column][k] = elementToInteger(shape.b, raw);
                });
  for (unsigned lane = 0; lane < warpLanes; ++lane)
    for (unsigned i = 0; i < 4; ++i) {
      const int32_t *x = a[lane / 4 + 8 * (i / 2)];
      const int32_t *y = b[2 * (lane % 4) + i % 2];
      int64_t sum = reg<int32_t>(warp, operands.c[i])[lane];
      for (unsigned k = 0; k < shape.k; ++k)
        sum += x[k] * y[k];
      if (shape.saturate)
        sum = std::clamp<int64_t>(sum, INT32_MIN, INT32_MAX);
      reg<uint32_t>(warp, operands.d[i])[lane] = static_cast<uint32_t>(sum);
    }
}

} // namespace

OpFunction awq::gpusim::mma(const MmaShape &shape) {
  return isInteger(shape.a) ? integerMma : floatMma;
}
