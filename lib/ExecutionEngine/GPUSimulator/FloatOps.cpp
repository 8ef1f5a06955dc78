//===- FloatOps.cpp - f32 and f64 arithmetic on 32 lanes ------------------===//
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

template <typename T, FloatOp op>
void wide(Warp &warp, const Op &o) {
  const T *__restrict a = reg<T>(warp, o.a);
  const T *__restrict b = o.b < 0 ? a : reg<T>(warp, o.b);
  const T *__restrict c = o.c < 0 ? a : reg<T>(warp, o.c);
  forLanes<T>(warp, o.d, [=](unsigned lane) {
    return applyFloat<T, op>(a[lane], b[lane], c[lane]);
  });
}

template <typename T>
OpFunction pick(FloatOp op) {
#define PICK(name)                                                             \
  case FloatOp::name:                                                          \
    return wide<T, FloatOp::name>;
  switch (op) { AWQ_GPUSIM_FLOAT_OPS(PICK) }
#undef PICK
  return nullptr;
}

bool holds(FloatPredicate predicate, double x, double y) {
  bool unordered = x != x || y != y;
  switch (predicate) {
  case FloatPredicate::OEQ:
    return x == y;
  case FloatPredicate::OGT:
    return x > y;
  case FloatPredicate::OGE:
    return x >= y;
  case FloatPredicate::OLT:
    return x < y;
  case FloatPredicate::OLE:
    return x <= y;
  case FloatPredicate::ONE:
    return x < y || x > y;
  case FloatPredicate::ORD:
    return !unordered;
  case FloatPredicate::UNO:
    return unordered;
  case FloatPredicate::UEQ:
    return unordered || x == y;
  case FloatPredicate::UGT:
    return !(x <= y);
  case FloatPredicate::UGE:
    return !(x < y);
  case FloatPredicate::ULT:
    return !(x >= y);
  case FloatPredicate::ULE:
    return !(x > y);
  case FloatPredicate::UNE:
    return x != y;
  }
  return false;
}

/// Reads one lane of any float type; exact.
template <FloatType type>
double readFloat(Warp &warp, int32_t offset, unsigned lane, bool high) {
  if (type == FloatType::F64)
    return reg<double>(warp, offset)[lane];
  if (type == FloatType::F32)
    return reg<float>(warp, offset)[lane];
  uint32_t word = reg<uint32_t>(warp, offset)[lane];
  auto half = static_cast<uint16_t>(high ? word >> 16 : word);
  return type == FloatType::F16 ? halfToFloat(half) : bfloatToFloat(half);
}

template <FloatType type>
void compare(Warp &warp, const Op &o) {
  auto predicate = static_cast<FloatPredicate>(o.imm & 15);
  bool high = o.imm & 16;
  uint32_t result = 0;
  eachLane(warp.mask, [&](unsigned lane) {
    double x = readFloat<type>(warp, o.a, lane, high);
    double y = readFloat<type>(warp, o.b, lane, high);
    result |= uint32_t(holds(predicate, x, y)) << lane;
  });
  setMask(warp, o.d, result);
}

template <FloatType from, FloatType to>
void convert(Warp &warp, const Op &o) {
  eachLane(warp.mask, [&](unsigned lane) {
    double x = readFloat<from>(warp, o.a, lane, o.imm & 1);
    if (to == FloatType::F64)
      reg<double>(warp, o.d)[lane] = x;
    else if (to == FloatType::F32)
      reg<float>(warp, o.d)[lane] = static_cast<float>(x);
    else
      reg<uint32_t>(warp, o.d)[lane] = to == FloatType::F16
                                           ? floatToHalf(doubleToFloatOdd(x))
                                           : floatToBfloat(doubleToFloatOdd(x));
  });
}

void halfToFloatLanes(Warp &warp, const Op &o) {
  const uint32_t *a = reg<uint32_t>(warp, o.a);
  unsigned shift = o.imm & 1 ? 16 : 0;
  forLanes<float>(warp, o.d, [=](unsigned lane) {
    return halfToFloat(static_cast<uint16_t>(a[lane] >> shift));
  });
}

void floatToHalfLanes(Warp &warp, const Op &o) {
  const float *a = reg<float>(warp, o.a);
  forLanes<uint32_t>(warp, o.d,
                     [=](unsigned lane) { return floatToHalf(a[lane]); });
}

template <FloatType from>
OpFunction pickTarget(FloatType to) {
  switch (to) {
  case FloatType::F16:
    return from == FloatType::F32 ? floatToHalfLanes
                                  : convert<from, FloatType::F16>;
  case FloatType::BF16:
    return convert<from, FloatType::BF16>;
  case FloatType::F32:
    return from == FloatType::F16 ? halfToFloatLanes
                                  : convert<from, FloatType::F32>;
  case FloatType::F64:
    return convert<from, FloatType::F64>;
  }
  return nullptr;
}

/// Integers of up to 64 bits are rounded once: through a double only when they
/// fit it, and to odd on the way to 16 bits.
template <typename T, FloatType to, bool isSigned>
void fromInteger(Warp &warp, const Op &o) {
  unsigned shift = 64 - unsigned(o.imm);
  eachLane(warp.mask, [&](unsigned lane) {
    uint64_t raw = uint64_t(reg<T>(warp, o.a)[lane]) << shift;
    int64_t number = int64_t(raw) >> shift;
    uint64_t magnitude = isSigned && number < 0 ? 0 - uint64_t(number)
                         : isSigned             ? uint64_t(number)
                                                : raw >> shift;
    bool negative = isSigned && number < 0;
    if (to == FloatType::F64) {
      double value = static_cast<double>(magnitude);
      reg<double>(warp, o.d)[lane] = negative ? -value : value;
      return;
    }
    if (to == FloatType::F32) {
      float value = static_cast<float>(magnitude);
      reg<float>(warp, o.d)[lane] = negative ? -value : value;
      return;
    }
    // The low bits matter only as "not zero".
    if (magnitude >> 53)
      magnitude = (magnitude >> 11 << 11) | ((magnitude & 2047) ? 2048 : 0);
    float value = doubleToFloatOdd(static_cast<double>(magnitude));
    value = negative ? -value : value;
    reg<uint32_t>(warp, o.d)[lane] =
        to == FloatType::F16 ? floatToHalf(value) : floatToBfloat(value);
  });
}

template <FloatType from, typename T, bool isSigned>
void toInteger(Warp &warp, const Op &o) {
  unsigned width = o.imm & 255;
  double limit = std::ldexp(1.0, int(width) - (isSigned ? 1 : 0));
  uint64_t keep = width >= 64 ? ~0ull : (1ull << width) - 1;
  eachLane(warp.mask, [&](unsigned lane) {
    double x = readFloat<from>(warp, o.a, lane, false);
    x = o.imm & 256 ? std::nearbyint(x) : std::trunc(x);
    uint64_t value;
    if (x != x)
      value = 0;
    else if (x >= limit)
      value = isSigned ? keep >> 1 : keep;
    else if (isSigned)
      value = x < -limit ? 1ull << (width - 1) : uint64_t(int64_t(x));
    else
      value = x <= 0 ? 0 : uint64_t(x);
    reg<T>(warp, o.d)[lane] = static_cast<T>(value & keep);
  });
}

template <FloatType to>
OpFunction pickInteger(bool isSigned, unsigned bits) {
  if (bits == 64)
    return isSigned ? fromInteger<uint64_t, to, true>
                    : fromInteger<uint64_t, to, false>;
  return isSigned ? fromInteger<uint32_t, to, true>
                  : fromInteger<uint32_t, to, false>;
}

template <FloatType from>
OpFunction pickToInteger(bool isSigned, unsigned bits) {
  if (bits == 64)
    return isSigned ? toInteger<from, uint64_t, true>
                    : toInteger<from, uint64_t, false>;
  return isSigned ? toInteger<from, uint32_t, true>
                  : toInteger<from, uint32_t, false>;
}

} // namespace

namespace awq::gpusim {
/// In HalfOps.cpp.
OpFunction halfOp(FloatOp op, bool bfloat);
} // namespace awq::gpusim

OpFunction awq::gpusim::floatOp(FloatOp op, FloatType type) {
  switch (type) {
  case FloatType::F16:
    return halfOp(op, false);
  case FloatType::BF16:
    return halfOp(op, true);
  case FloatType::F32:
    return pick<float>(op);
  case FloatType::F64:
    return pick<double>(op);
  }
  return nullptr;
}

#define EACH_TYPE(expression)                                                  \
  switch (type) {                                                              \
  case FloatType::F16:                                                         \
    return expression<FloatType::F16>;                                         \
  case FloatType::BF16:                                                        \
    return expression<FloatType::BF16>;                                        \
  case FloatType::F32:                                                         \
    return expression<FloatType::F32>;                                         \
  case FloatType::F64:                                                         \
    return expression<FloatType::F64>;                                         \
  }                                                                            \
  return nullptr

OpFunction awq::gpusim::floatCompare(FloatType type) { EACH_TYPE(compare); }

OpFunction awq::gpusim::floatToFloat(FloatType from, FloatType to) {
  switch (from) {
  case FloatType::F16:
    return pickTarget<FloatType::F16>(to);
  case FloatType::BF16:
    return pickTarget<FloatType::BF16>(to);
  case FloatType::F32:
    return pickTarget<FloatType::F32>(to);
  case FloatType::F64:
    return pickTarget<FloatType::F64>(to);
  }
  return nullptr;
}

OpFunction awq::gpusim::integerToFloat(bool isSigned, unsigned bits,
                                       FloatType to) {
  switch (to) {
  case FloatType::F16:
    return pickInteger<FloatType::F16>(isSigned, bits);
  case FloatType::BF16:
    return pickInteger<FloatType::BF16>(isSigned, bits);
  case FloatType::F32:
    return pickInteger<FloatType::F32>(isSigned, bits);
  case FloatType::F64:
    return pickInteger<FloatType::F64>(isSigned, bits);
  }
  return nullptr;
}

OpFunction awq::gpusim::floatToInteger(FloatType from, bool isSigned,
                                       unsigned bits) {
  switch (from) {
  case FloatType::F16:
    return pickToInteger<FloatType::F16>(isSigned, bits);
  case FloatType::BF16:
    return pickToInteger<FloatType::BF16>(isSigned, bits);
  case FloatType::F32:
    return pickToInteger<FloatType::F32>(isSigned, bits);
  case FloatType::F64:
    return pickToInteger<FloatType::F64>(isSigned, bits);
  }
  return nullptr;
}
