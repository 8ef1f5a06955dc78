//===- BitOps.cpp - widths, counts and pieces of registers ----------------===//
//
// Part of the awq-mlir project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Lanes.h"
#include "Machine.h"
#include "Ops.h"

#include <algorithm>

using namespace awq::gpusim;

namespace {

uint64_t lowBits(unsigned width) {
  return width >= 64 ? ~0ull : (1ull << width) - 1;
}

/// One lane of a register of 1, 32 or 64 bits.
uint64_t readLane(Warp &warp, int32_t offset, unsigned bits, unsigned lane) {
  if (bits == 1)
    return maskReg(warp, offset) >> lane & 1;
  return bits == 32 ? reg<uint32_t>(warp, offset)[lane]
                    : reg<uint64_t>(warp, offset)[lane];
}

void writeLane(Warp &warp, int32_t offset, unsigned bits, unsigned lane,
               uint64_t value) {
  if (bits == 1) {
    uint32_t &mask = maskReg(warp, offset);
    mask = (mask & ~(1u << lane)) | uint32_t(value & 1) << lane;
  } else if (bits == 32) {
    reg<uint32_t>(warp, offset)[lane] = static_cast<uint32_t>(value);
  } else {
    reg<uint64_t>(warp, offset)[lane] = value;
  }
}

template <typename From, typename To>
void resize(Warp &warp, const Op &o) {
  const From *a = reg<From>(warp, o.a);
  const To keep = static_cast<To>(lowBits(unsigned(o.imm)));
  forLanes<To>(warp, o.d, [=](unsigned lane) { return To(a[lane]) & keep; });
}

template <typename To>
void fromMask(Warp &warp, const Op &o) {
  uint32_t mask = maskReg(warp, o.a);
  forLanes<To>(warp, o.d, [=](unsigned lane) { return To(mask >> lane & 1); });
}

template <typename From>
void toMask(Warp &warp, const Op &o) {
  const From *a = reg<From>(warp, o.a);
  uint32_t mask = 0;
  for (unsigned lane = 0; lane < warpLanes; ++lane)
    mask |= uint32_t(a[lane] & 1) << lane;
  setMask(warp, o.d, mask);
}

template <typename From, typename To>
void extendSigned(Warp &warp, const Op &o) {
  const From *a = reg<From>(warp, o.a);
  const unsigned shift = 64 - unsigned(o.imm);
  const To keep = static_cast<To>(lowBits(unsigned(o.c)));
  forLanes<To>(warp, o.d, [=](unsigned lane) {
    return To(int64_t(uint64_t(a[lane]) << shift) >> shift) & keep;
  });
}

template <typename To>
void extendMask(Warp &warp, const Op &o) {
  uint32_t mask = maskReg(warp, o.a);
  const To ones = static_cast<To>(lowBits(unsigned(o.c)));
  forLanes<To>(warp, o.d,
               [=](unsigned lane) { return mask >> lane & 1 ? ones : To(0); });
}

/// imm is the width.
template <typename T, BitOp op>
void countBits(Warp &warp, const Op &o) {
  const T *a = reg<T>(warp, o.a);
  const unsigned width = unsigned(o.imm);
  forLanes<T>(warp, o.d, [=](unsigned lane) -> T {
    uint64_t x = a[lane];
    switch (op) {
    case BitOp::PopCount:
      return T(__builtin_popcountll(x));
    case BitOp::LeadingZeros:
      return T(x ? __builtin_clzll(x) - (64 - width) : width);
    case BitOp::TrailingZeros:
      return T(x ? __builtin_ctzll(x) : width);
    case BitOp::SwapBytes:
      return T(__builtin_bswap64(x) >> (64 - width));
    case BitOp::Abs:
      return T((x >> (width - 1) & 1 ? 0 - x : x) & lowBits(width));
    case BitOp::Reverse: {
      uint64_t reversed = 0;
      for (unsigned i = 0; i < width; ++i)
        reversed |= (x >> i & 1) << (width - 1 - i);
      return T(reversed);
    }
    }
    return 0;
  });
}

template <BitOp op>
OpFunction pickBits(unsigned bits) {
  return bits == 64 ? countBits<uint64_t, op> : countBits<uint32_t, op>;
}

template <typename T, bool left>
void funnel(Warp &warp, const Op &o) {
  const T *a = reg<T>(warp, o.a), *b = reg<T>(warp, o.b),
          *c = reg<T>(warp, o.c);
  const unsigned width = unsigned(o.imm);
  forLanes<T>(warp, o.d, [=](unsigned lane) -> T {
    auto whole = static_cast<unsigned __int128>(a[lane]) << width | b[lane];
    unsigned shift = unsigned(c[lane] % width);
    return T(left ? whole >> (width - shift) : whole >> shift) &
           T(lowBits(width));
  });
}

} // namespace

OpFunction awq::gpusim::zeroExtendOrTruncate(unsigned from, unsigned to) {
  if (to == 1)
    return from == 1    ? copy(1)
           : from == 32 ? toMask<uint32_t>
                        : toMask<uint64_t>;
  if (from == 1)
    return to == 32 ? fromMask<uint32_t> : fromMask<uint64_t>;
  if (from == 32)
    return to == 32 ? resize<uint32_t, uint32_t> : resize<uint32_t, uint64_t>;
  return to == 32 ? resize<uint64_t, uint32_t> : resize<uint64_t, uint64_t>;
}

OpFunction awq::gpusim::signExtend(unsigned from, unsigned to) {
  if (from == 1)
    return to == 32 ? extendMask<uint32_t> : extendMask<uint64_t>;
  if (from == 32)
    return to == 32 ? extendSigned<uint32_t, uint32_t>
                    : extendSigned<uint32_t, uint64_t>;
  return extendSigned<uint64_t, uint64_t>;
}

OpFunction awq::gpusim::bitOp(BitOp op, unsigned bits) {
  switch (op) {
  case BitOp::PopCount:
    return pickBits<BitOp::PopCount>(bits);
  case BitOp::LeadingZeros:
    return pickBits<BitOp::LeadingZeros>(bits);
  case BitOp::TrailingZeros:
    return pickBits<BitOp::TrailingZeros>(bits);
  case BitOp::Reverse:
    return pickBits<BitOp::Reverse>(bits);
  case BitOp::SwapBytes:
    return pickBits<BitOp::SwapBytes>(bits);
  case BitOp::Abs:
    return pickBits<BitOp::Abs>(bits);
  }
  return nullptr;
}

OpFunction awq::gpusim::funnelShift(bool left, unsigned bits) {
  if (bits == 64)
    return left ? funnel<uint64_t, true> : funnel<uint64_t, false>;
  return left ? funnel<uint32_t, true> : funnel<uint32_t, false>;
}

void awq::gpusim::lowHalf(Warp &warp, const Op &o) {
  const uint32_t *a = reg<uint32_t>(warp, o.a);
  forLanes<uint32_t>(warp, o.d,
                     [=](unsigned lane) { return a[lane] & 0xffff; });
}

void awq::gpusim::highHalf(Warp &warp, const Op &o) {
  const uint32_t *a = reg<uint32_t>(warp, o.a);
  forLanes<uint32_t>(warp, o.d, [=](unsigned lane) { return a[lane] >> 16; });
}

void awq::gpusim::packHalves(Warp &warp, const Op &o) {
  const uint32_t *a = reg<uint32_t>(warp, o.a), *b = reg<uint32_t>(warp, o.b);
  forLanes<uint32_t>(warp, o.d, [=](unsigned lane) {
    return (a[lane] & 0xffff) | b[lane] << 16;
  });
}

void awq::gpusim::reinterpretBits(Warp &warp, const Op &o) {
  struct Piece {
    int32_t offset, bits, width;
  };
  auto list = reinterpret_cast<const Piece *>(&warp.block->machine->list(o)[1]);
  unsigned targets = static_cast<unsigned>(warp.block->machine->list(o)[0]);
  unsigned pieces = (o.listSize - 1) / 3;
  eachLane(warp.mask, [&](unsigned lane) {
    unsigned __int128 buffer[8] = {};
    auto bit = [&](unsigned i) -> unsigned __int128 & {
      return buffer[i / 128];
    };
    unsigned at = 0;
    for (unsigned i = targets; i < pieces; ++i) {
      uint64_t value = readLane(warp, list[i].offset, list[i].bits, lane);
      for (int32_t j = 0; j < list[i].width; ++j, ++at)
        bit(at) |= static_cast<unsigned __int128>(value >> j & 1) << at % 128;
    }
    at = 0;
    for (unsigned i = 0; i < targets; ++i) {
      uint64_t value = 0;
      for (int32_t j = 0; j < list[i].width; ++j, ++at)
        value |= uint64_t(bit(at) >> at % 128 & 1) << j;
      writeLane(warp, list[i].offset, list[i].bits, lane, value);
    }
  });
}

void awq::gpusim::extractDynamic(Warp &warp, const Op &o) {
  const int32_t *list = warp.block->machine->list(o);
  unsigned bits = unsigned(o.c);
  eachLane(warp.mask, [&](unsigned lane) {
    uint64_t index = reg<uint64_t>(warp, o.b)[lane];
    if (index < uint64_t(o.imm))
      writeLane(warp, o.d, bits, lane, readLane(warp, list[index], bits, lane));
  });
}

void awq::gpusim::insertDynamic(Warp &warp, const Op &o) {
  const int32_t *list = warp.block->machine->list(o);
  unsigned bits = unsigned(o.c), count = o.listSize / 2;
  eachLane(warp.mask, [&](unsigned lane) {
    uint64_t index = reg<uint64_t>(warp, o.b)[lane];
    for (unsigned i = 0; i < count; ++i)
      writeLane(warp, list[i], bits, lane,
                readLane(warp, i == index ? o.a : list[count + i], bits, lane));
  });
}
