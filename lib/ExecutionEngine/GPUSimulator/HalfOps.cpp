//===- HalfOps.cpp - f16 and bf16 arithmetic on the halves of 32 lanes ----===//
//
// Part of the awq-mlir project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "FloatApply.h"
#include "Lanes.h"
#include "Ops.h"

using namespace awq::gpusim;

namespace {

constexpr unsigned halves = 2 * warpLanes;

void toFloats(const uint16_t *from, float *to) {
#ifdef __F16C__
  for (unsigned i = 0; i < halves; i += 8)
    _mm256_store_ps(to + i, _mm256_cvtph_ps(_mm_load_si128(
                                reinterpret_cast<const __m128i *>(from + i))));
#else
  for (unsigned i = 0; i < halves; ++i)
    to[i] = halfToFloat(from[i]);
#endif
}

void toHalves(const float *from, uint16_t *to) {
#ifdef __F16C__
  for (unsigned i = 0; i < halves; i += 8)
    _mm_store_si128(reinterpret_cast<__m128i *>(to + i),
                    _mm256_cvtps_ph(_mm256_load_ps(from + i), 0));
#else
  for (unsigned i = 0; i < halves; ++i)
    to[i] = floatToHalf(from[i]);
#endif
}

void storePairs(Warp &warp, const Op &o, const uint16_t *values) {
  const auto *words = reinterpret_cast<const uint32_t *>(values);
  const uint32_t keep = o.imm & 1 ? 0xffff : ~0u;
  forLanes<uint32_t>(warp, o.d,
                     [=](unsigned lane) { return words[lane] & keep; });
}

/// Sums, products, quotients and roots of 11-bit numbers may be rounded to
/// float's 24 bits first: 24 >= 2 * 11 + 2. A fused multiply-add may not, and
/// takes the way through rounding to odd.
template <FloatOp op>
void onHalf(Warp &warp, const Op &o) {
  alignas(64) float x[halves], y[halves], z[halves], r[halves];
  alignas(64) uint16_t packed[halves];
  toFloats(reg<uint16_t>(warp, o.a), x);
  toFloats(reg<uint16_t>(warp, o.b < 0 ? o.a : o.b), y);
  if (op == FloatOp::Fma || op == FloatOp::FmaRelu)
    toFloats(reg<uint16_t>(warp, o.c), z);
  for (unsigned i = 0; i < halves; ++i) {
    if (op == FloatOp::Fma || op == FloatOp::FmaRelu) {
      r[i] = multiplyAddOdd<float, uint32_t>(x[i], y[i], z[i]);
      if (op == FloatOp::FmaRelu)
        r[i] = r[i] < 0 ? 0.0f : r[i];
    } else {
      r[i] = applyFloat<float, op>(x[i], y[i], 0.0f);
    }
  }
  toHalves(r, packed);
  storePairs(warp, o, packed);
}

/// bfloat has float's exponents, so products and sums go through double.
template <FloatOp op>
void onBfloat(Warp &warp, const Op &o) {
  alignas(64) uint16_t packed[halves];
  const uint16_t *a = reg<uint16_t>(warp, o.a);
  const uint16_t *b = reg<uint16_t>(warp, o.b < 0 ? o.a : o.b);
  const uint16_t *c = reg<uint16_t>(warp, o.c < 0 ? o.a : o.c);
  for (unsigned i = 0; i < halves; ++i) {
    double x = bfloatToFloat(a[i]), y = bfloatToFloat(b[i]),
           z = bfloatToFloat(c[i]), result;
    switch (op) {
    case FloatOp::Add:
      result = multiplyAddOdd<double, uint64_t>(x, 1.0, y);
      break;
    case FloatOp::Sub:
      result = multiplyAddOdd<double, uint64_t>(x, 1.0, -y);
      break;
    case FloatOp::Fma:
    case FloatOp::FmaRelu:
      result = multiplyAddOdd<double, uint64_t>(x, y, z);
      if (op == FloatOp::FmaRelu && result < 0)
        result = 0;
      break;
    default:
      result = applyFloat<double, op>(x, y, z);
      break;
    }
    packed[i] = floatToBfloat(doubleToFloatOdd(result));
  }
  storePairs(warp, o, packed);
}

/// Sign operations touch the sign only, also of a NaN.
template <FloatOp op>
void onSigns(Warp &warp, const Op &o) {
  const uint32_t *a = reg<uint32_t>(warp, o.a);
  const uint32_t keep = o.imm & 1 ? 0xffff : ~0u;
  forLanes<uint32_t>(warp, o.d, [=](unsigned lane) {
    uint32_t word =
        op == FloatOp::Neg ? a[lane] ^ 0x80008000u : a[lane] & 0x7fff7fffu;
    return word & keep;
  });
}

} // namespace

namespace awq::gpusim {
OpFunction halfOp(FloatOp op, bool bfloat);
} // namespace awq::gpusim

OpFunction awq::gpusim::halfOp(FloatOp op, bool bfloat) {
  if (op == FloatOp::Neg)
    return onSigns<FloatOp::Neg>;
  if (op == FloatOp::Abs)
    return onSigns<FloatOp::Abs>;
#define PICK(name)                                                             \
  case FloatOp::name:                                                          \
    return bfloat ? onBfloat<FloatOp::name> : onHalf<FloatOp::name>;
  switch (op) { AWQ_GPUSIM_FLOAT_OPS(PICK) }
#undef PICK
  return nullptr;
}
