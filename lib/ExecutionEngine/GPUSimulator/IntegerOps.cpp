//===- IntegerOps.cpp - integer arithmetic on 32 lanes --------------------===//
//
// Part of the awq-mlir project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Lanes.h"
#include "Ops.h"

#include <algorithm>
#include <type_traits>

using namespace awq::gpusim;

namespace {

template <typename T>
using Signed = std::make_signed_t<T>;

/// A value of `width` bits as a signed number.
template <typename T>
inline Signed<T> toSigned(T x, unsigned width) {
  unsigned shift = 8 * sizeof(T) - width;
  return Signed<T>(x << shift) >> shift;
}

/// Division by zero gives all ones, as on the hardware.
template <typename T, IntegerOp op>
inline T apply(T x, T y, unsigned width) {
  using S = Signed<T>;
  switch (op) {
  case IntegerOp::Add:
    return x + y;
  case IntegerOp::Sub:
    return x - y;
  case IntegerOp::Mul:
    return x * y;
  case IntegerOp::UDiv:
    return y ? x / y : ~T(0);
  case IntegerOp::URem:
    return y ? x % y : x;
  case IntegerOp::SDiv: {
    S a = toSigned(x, width), b = toSigned(y, width);
    return b == 0 ? ~T(0) : b == -1 ? T(0) - T(a) : T(a / b);
  }
  case IntegerOp::SRem: {
    S a = toSigned(x, width), b = toSigned(y, width);
    return b == 0 ? T(a) : b == -1 ? T(0) : T(a % b);
  }
  // Shifts by the width or more give what PTX gives.
  case IntegerOp::Shl:
    return y < width ? x << (y & (8 * sizeof(T) - 1)) : T(0);
  case IntegerOp::LShr:
    return y < width ? x >> (y & (8 * sizeof(T) - 1)) : T(0);
  case IntegerOp::AShr:
    return T(toSigned(x, width) >> std::min<T>(y, width - 1));
  case IntegerOp::And:
    return x & y;
  case IntegerOp::Or:
    return x | y;
  case IntegerOp::Xor:
    return x ^ y;
  case IntegerOp::UMin:
    return x < y ? x : y;
  case IntegerOp::UMax:
    return x < y ? y : x;
  case IntegerOp::SMin:
    return toSigned(x, width) < toSigned(y, width) ? x : y;
  case IntegerOp::SMax:
    return toSigned(x, width) < toSigned(y, width) ? y : x;
  case IntegerOp::MulHighU:
    return T((static_cast<unsigned __int128>(x) * y) >> width);
  case IntegerOp::MulHighS:
    return T((static_cast<__int128>(toSigned(x, width)) * toSigned(y, width)) >>
             width);
  }
  return 0;
}

template <typename T, IntegerOp op, bool narrow>
void binary(Warp &warp, const Op &o) {
  const T *__restrict a = reg<T>(warp, o.a);
  const T *__restrict b = reg<T>(warp, o.b);
  const unsigned width = narrow ? unsigned(o.imm) : unsigned(8 * sizeof(T));
  const T keep =
      narrow ? T((T(1) << (width & (8 * sizeof(T) - 1))) - 1) : T(~T(0));
  forLanes<T>(warp, o.d, [=](unsigned lane) {
    return T(apply<T, op>(a[lane], b[lane], width) & keep);
  });
}

template <IntegerOp op>
void packed(Warp &warp, const Op &o) {
  const uint32_t *a = reg<uint32_t>(warp, o.a), *b = reg<uint32_t>(warp, o.b);
  forLanes<uint32_t>(warp, o.d, [=](unsigned lane) {
    uint32_t low =
        apply<uint32_t, op>(a[lane] & 0xffff, b[lane] & 0xffff, 16) & 0xffff;
    uint32_t high = apply<uint32_t, op>(a[lane] >> 16, b[lane] >> 16, 16);
    return low | high << 16;
  });
}

/// On i1 registers, where each bit of the mask is a lane.
template <IntegerOp op>
void onMask(Warp &warp, const Op &o) {
  uint32_t x = maskReg(warp, o.a), y = maskReg(warp, o.b), result = 0;
  switch (op) {
  case IntegerOp::Add:
  case IntegerOp::Sub:
  case IntegerOp::Xor:
    result = x ^ y;
    break;
  case IntegerOp::Mul:
  case IntegerOp::And:
  case IntegerOp::UMin:
  case IntegerOp::SMax:
    result = x & y;
    break;
  case IntegerOp::Or:
  case IntegerOp::UMax:
  case IntegerOp::SMin:
    result = x | y;
    break;
  default:
    // Quotients and shifts by the only defined operand: the value itself.
    result = x;
    break;
  }
  setMask(warp, o.d, result);
}

template <IntegerOp op>
OpFunction pick(unsigned bits, bool narrow) {
  if (bits == 1)
    return onMask<op>;
  if (bits == 32)
    return narrow ? binary<uint32_t, op, true> : binary<uint32_t, op, false>;
  return narrow ? binary<uint64_t, op, true> : binary<uint64_t, op, false>;
}

template <typename T, IntegerPredicate predicate, bool narrow>
void compare(Warp &warp, const Op &o) {
  const T *a = reg<T>(warp, o.a), *b = reg<T>(warp, o.b);
  const unsigned width = narrow ? unsigned(o.imm) : unsigned(8 * sizeof(T));
  uint32_t result = 0;
  for (unsigned lane = 0; lane < warpLanes; ++lane) {
    T x = a[lane], y = b[lane];
    bool holds = false;
    switch (predicate) {
    case IntegerPredicate::EQ:
      holds = x == y;
      break;
    case IntegerPredicate::NE:
      holds = x != y;
      break;
    case IntegerPredicate::ULT:
      holds = x < y;
      break;
    case IntegerPredicate::ULE:
      holds = x <= y;
      break;
    case IntegerPredicate::SLT:
      holds = toSigned(x, width) < toSigned(y, width);
      break;
    case IntegerPredicate::SLE:
      holds = toSigned(x, width) <= toSigned(y, width);
      break;
    }
    result |= uint32_t(holds) << lane;
  }
  setMask(warp, o.d, result);
}

template <IntegerPredicate predicate>
void compareMask(Warp &warp, const Op &o) {
  uint32_t x = maskReg(warp, o.a), y = maskReg(warp, o.b);
  // Signed, a set bit is -1.
  switch (predicate) {
  case IntegerPredicate::EQ:
    return setMask(warp, o.d, ~(x ^ y));
  case IntegerPredicate::NE:
    return setMask(warp, o.d, x ^ y);
  case IntegerPredicate::ULT:
    return setMask(warp, o.d, ~x & y);
  case IntegerPredicate::ULE:
    return setMask(warp, o.d, ~x | y);
  case IntegerPredicate::SLT:
    return setMask(warp, o.d, x & ~y);
  case IntegerPredicate::SLE:
    return setMask(warp, o.d, x | ~y);
  }
}

template <IntegerPredicate predicate>
OpFunction pickCompare(unsigned bits, bool narrow) {
  if (bits == 1)
    return compareMask<predicate>;
  if (bits == 32)
    return narrow ? compare<uint32_t, predicate, true>
                  : compare<uint32_t, predicate, false>;
  return narrow ? compare<uint64_t, predicate, true>
                : compare<uint64_t, predicate, false>;
}

template <typename T>
void selectLanes(Warp &warp, const Op &o) {
  uint32_t condition = maskReg(warp, o.c);
  const T *a = reg<T>(warp, o.a), *b = reg<T>(warp, o.b);
  forLanes<T>(warp, o.d, [=](unsigned lane) {
    return condition >> lane & 1 ? a[lane] : b[lane];
  });
}

void selectMask(Warp &warp, const Op &o) {
  uint32_t condition = maskReg(warp, o.c);
  setMask(warp, o.d,
          (maskReg(warp, o.a) & condition) | (maskReg(warp, o.b) & ~condition));
}

template <typename T>
void copyLanes(Warp &warp, const Op &o) {
  const T *a = reg<T>(warp, o.a);
  forLanes<T>(warp, o.d, [=](unsigned lane) { return a[lane]; });
}

void copyMask(Warp &warp, const Op &o) {
  setMask(warp, o.d, maskReg(warp, o.a));
}

} // namespace

OpFunction awq::gpusim::integerOp(IntegerOp op, unsigned bits, bool narrow) {
#define PICK(name)                                                             \
  case IntegerOp::name:                                                        \
    return pick<IntegerOp::name>(bits, narrow);
  switch (op) {
    PICK(Add)
    PICK(Sub)
    PICK(Mul)
    PICK(UDiv)
    PICK(SDiv)
    PICK(URem)
    PICK(SRem)
    PICK(Shl)
    PICK(LShr)
    PICK(AShr)
    PICK(And)
    PICK(Or)
    PICK(Xor)
    PICK(UMin)
    PICK(UMax)
    PICK(SMin)
    PICK(SMax)
    PICK(MulHighU)
    PICK(MulHighS)
  }
#undef PICK
  return nullptr;
}

OpFunction awq::gpusim::packedIntegerOp(IntegerOp op) {
#define PICK(name)                                                             \
  case IntegerOp::name:                                                        \
    return packed<IntegerOp::name>;
  switch (op) {
    PICK(Add)
    PICK(Sub)
    PICK(Mul)
    PICK(UDiv)
    PICK(SDiv)
    PICK(URem)
    PICK(SRem)
    PICK(Shl)
    PICK(LShr)
    PICK(AShr)
    PICK(And)
    PICK(Or)
    PICK(Xor)
    PICK(UMin)
    PICK(UMax)
    PICK(SMin)
    PICK(SMax)
    PICK(MulHighU)
    PICK(MulHighS)
  }
#undef PICK
  return nullptr;
}

OpFunction awq::gpusim::integerCompare(IntegerPredicate predicate,
                                       unsigned bits, bool narrow) {
  switch (predicate) {
  case IntegerPredicate::EQ:
    return pickCompare<IntegerPredicate::EQ>(bits, narrow);
  case IntegerPredicate::NE:
    return pickCompare<IntegerPredicate::NE>(bits, narrow);
  case IntegerPredicate::ULT:
    return pickCompare<IntegerPredicate::ULT>(bits, narrow);
  case IntegerPredicate::ULE:
    return pickCompare<IntegerPredicate::ULE>(bits, narrow);
  case IntegerPredicate::SLT:
    return pickCompare<IntegerPredicate::SLT>(bits, narrow);
  case IntegerPredicate::SLE:
    return pickCompare<IntegerPredicate::SLE>(bits, narrow);
  }
  return nullptr;
}

OpFunction awq::gpusim::select(unsigned bits) {
  return bits == 1    ? selectMask
         : bits == 32 ? selectLanes<uint32_t>
                      : selectLanes<uint64_t>;
}

OpFunction awq::gpusim::copy(unsigned bits) {
  return bits == 1    ? copyMask
         : bits == 32 ? copyLanes<uint32_t>
                      : copyLanes<uint64_t>;
}
