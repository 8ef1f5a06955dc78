//===- Collectives.cpp - what the lanes of a warp do together -------------===//
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
#include <cstring>

using namespace awq::gpusim;

/// The lanes named by the member mask must be the lanes that execute.
static uint32_t members(Warp &warp, const Op &o, const char *what) {
  uint32_t named = reg<uint32_t>(warp, o.a)[__builtin_ctz(warp.mask)];
  uint32_t differ = 0;
  eachLane(warp.mask, [&](unsigned lane) {
    differ |= reg<uint32_t>(warp, o.a)[lane] ^ named;
  });
  // A member mask of all ones is the idiom for "the whole warp".
  if (named == allLanes && warp.initial != allLanes)
    named = warp.initial;
  if (differ || named != warp.mask)
    warp.machine->report(
        "collective-mask", o.site,
        format("warp %u executes %s with lanes 0x%08x, but its member mask is "
               "0x%08x%s",
               warp.index, what, warp.mask, named,
               differ ? " and not the same in all lanes" : ""));
  return named & warp.mask;
}

/// The lane to read from, or -1 when it is out of the segment.
static int sourceLane(ShuffleMode mode, unsigned lane, uint32_t b, uint32_t c) {
  unsigned clamp = c & 31, segment = c >> 8 & 31;
  unsigned low = lane & segment, offset = b & 31;
  unsigned high = low | (clamp & ~segment);
  int source = 0;
  switch (mode) {
  case ShuffleMode::Up:
    source = int(lane) - int(offset);
    return source >= int(high) ? source : -1;
  case ShuffleMode::Down:
    source = int(lane + offset);
    break;
  case ShuffleMode::Butterfly:
    source = int(lane ^ offset);
    break;
  case ShuffleMode::Index:
    source = int(low | (offset & ~segment));
    break;
  }
  return source <= int(high) ? source : -1;
}

void awq::gpusim::shuffle(Warp &warp, const Op &o) {
  const int32_t *list = warp.machine->list(o);
  members(warp, o, "shfl.sync");
  auto mode = static_cast<ShuffleMode>(o.imm & 15);
  size_t width = o.imm & 16 ? 8 : 4;
  uint8_t values[warpLanes * 8];
  std::memcpy(values, warp.registers + list[0], warpLanes * width);
  uint32_t inside = 0;
  eachLane(warp.mask, [&](unsigned lane) {
    uint32_t b = reg<uint32_t>(warp, list[1])[lane];
    uint32_t c = reg<uint32_t>(warp, list[2])[lane];
    int source = sourceLane(mode, lane, b, c);
    if (source >= 0)
      inside |= 1u << lane;
    unsigned from = source >= 0 ? unsigned(source) : lane;
    if (!(warp.mask >> from & 1))
      warp.machine->report("shuffle-inactive", o.site,
                           format("warp %u lane %u reads lane %u, which does "
                                  "not take part",
                                  warp.index, lane, from));
    std::memcpy(warp.registers + o.d + lane * width, values + from * width,
                width);
  });
  if (o.b >= 0)
    setMask(warp, o.b, inside);
}

void awq::gpusim::vote(Warp &warp, const Op &o) {
  uint32_t named = members(warp, o, "vote.sync");
  uint32_t set = maskReg(warp, o.b) & named;
  if (o.imm == 3) {
    forLanes<uint32_t>(warp, o.d, [=](unsigned) { return set; });
    return;
  }
  bool result = o.imm == 0   ? set == named
                : o.imm == 1 ? set != 0
                             : set == 0 || set == named;
  setMask(warp, o.d, result ? allLanes : 0);
}

static uint32_t reduce(ReduxOp op, uint32_t x, uint32_t y) {
  switch (op) {
  case ReduxOp::Add:
    return x + y;
  case ReduxOp::UMin:
    return std::min(x, y);
  case ReduxOp::UMax:
    return std::max(x, y);
  case ReduxOp::SMin:
    return uint32_t(std::min(int32_t(x), int32_t(y)));
  case ReduxOp::SMax:
    return uint32_t(std::max(int32_t(x), int32_t(y)));
  case ReduxOp::And:
    return x & y;
  case ReduxOp::Or:
    return x | y;
  case ReduxOp::Xor:
    return x ^ y;
  }
  return x;
}

void awq::gpusim::redux(Warp &warp, const Op &o) {
  members(warp, o, "redux.sync");
  const uint32_t *values = reg<uint32_t>(warp, o.b);
  unsigned first = __builtin_ctz(warp.mask);
  uint32_t total = values[first];
  eachLane(warp.mask & (warp.mask - 1), [&](unsigned lane) {
    total = reduce(static_cast<ReduxOp>(o.imm), total, values[lane]);
  });
  forLanes<uint32_t>(warp, o.d, [=](unsigned) { return total; });
}

void awq::gpusim::elect(Warp &warp, const Op &o) {
  uint32_t named = members(warp, o, "elect.sync");
  if (!named)
    named = warp.mask;
  uint32_t leader = __builtin_ctz(named);
  if (o.d >= 0)
    forLanes<uint32_t>(warp, o.d, [=](unsigned) { return leader; });
  if (o.b >= 0)
    setMask(warp, o.b, 1u << leader);
}

void awq::gpusim::matchAny(Warp &warp, const Op &o) {
  members(warp, o, "match.sync");
  uint32_t values[warpLanes];
  std::memcpy(values, warp.registers + o.b, sizeof(values));
  uint32_t mask = warp.mask;
  forLanes<uint32_t>(warp, o.d, [&](unsigned lane) {
    uint32_t same = 0;
    eachLane(mask, [&](unsigned other) {
      same |= uint32_t(values[other] == values[lane]) << other;
    });
    return same;
  });
}

void awq::gpusim::warpBarrier(Warp &warp, const Op &o) {
  members(warp, o, "bar.warp.sync");
  ++warp.clock.epoch;
}

/// The selectors that a mode of prmt stands for.
static uint32_t selectors(int64_t mode, uint32_t c) {
  unsigned s = c & 3;
  switch (mode) {
  case 1: // f4e
    return 0x3210 + 0x1111 * s;
  case 2: // b4e
    return ((s + 5) % 8) << 12 | ((s + 6) % 8) << 8 | ((s + 7) % 8) << 4 | s;
  case 3: // rc8
    return 0x1111 * s;
  case 4: // ecl
    return 3u << 12 | std::max(s, 2u) << 8 | std::max(s, 1u) << 4 | s;
  case 5: // ecr
    return s << 12 | std::min(s, 2u) << 8 | std::min(s, 1u) << 4;
  case 6: // rc16
    return s & 1 ? 0x3232 : 0x1010;
  default:
    return c;
  }
}

void awq::gpusim::permuteBytes(Warp &warp, const Op &o) {
  const uint32_t *a = reg<uint32_t>(warp, o.a), *b = reg<uint32_t>(warp, o.b);
  const uint32_t *c = reg<uint32_t>(warp, o.c);
  const int64_t mode = o.imm;
  forLanes<uint32_t>(warp, o.d, [=](unsigned lane) {
    uint64_t bytes = uint64_t(b[lane]) << 32 | a[lane];
    uint32_t pick = selectors(mode, c[lane]), result = 0;
    for (unsigned i = 0; i < 4; ++i) {
      unsigned selector = pick >> 4 * i & 15;
      uint32_t byte = bytes >> 8 * (selector & 7) & 0xff;
      // The selector's top bit asks for the byte's sign instead of the byte.
      if (selector & 8)
        byte = byte & 0x80 ? 0xff : 0;
      result |= byte << 8 * i;
    }
    return result;
  });
}

void awq::gpusim::lop3(Warp &warp, const Op &o) {
  const uint32_t *a = reg<uint32_t>(warp, o.a), *b = reg<uint32_t>(warp, o.b);
  const uint32_t *c = reg<uint32_t>(warp, o.c);
  uint32_t terms[8];
  for (unsigned i = 0; i < 8; ++i)
    terms[i] = o.imm >> i & 1 ? ~0u : 0;
  forLanes<uint32_t>(warp, o.d, [=](unsigned lane) {
    uint32_t x = a[lane], y = b[lane], z = c[lane];
    return (terms[0] & ~x & ~y & ~z) | (terms[1] & ~x & ~y & z) |
           (terms[2] & ~x & y & ~z) | (terms[3] & ~x & y & z) |
           (terms[4] & x & ~y & ~z) | (terms[5] & x & ~y & z) |
           (terms[6] & x & y & ~z) | (terms[7] & x & y & z);
  });
}
