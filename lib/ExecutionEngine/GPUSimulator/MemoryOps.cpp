//===- MemoryOps.cpp - loads, stores and addresses ------------------------===//
//
// Part of the awq-mlir project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Lanes.h"
#include "MemoryAccess.h"
#include "Ops.h"

#include <algorithm>
#include <cstring>

using namespace awq::gpusim;

/// Unpacks AccessBits; addresses of 32 bits become whole ones in `buffer`.
static const uint64_t *unpack(Warp &warp, const Op &o, AccessKind kind,
                              Access &access, uint64_t *buffer) {
  access.bytes = o.imm & 0xffff;
  access.alignment = o.imm >> AccessBits::alignShift & 0xffff;
  access.space = o.imm >> AccessBits::spaceShift & 0xff;
  access.kind = kind;
  access.site = o.site;
  if (!(o.imm & AccessBits::narrowAddress))
    return reg<uint64_t>(warp, o.a);
  for (unsigned lane = 0; lane < warpLanes; ++lane)
    buffer[lane] = addressAt(warp, o.a, true, lane);
  return buffer;
}

template <typename T, typename Memory>
static void loadPart(Warp &warp, int32_t target, const uint64_t *addresses,
                     unsigned offset, uint32_t allowed) {
  T *d = reg<T>(warp, target);
  auto read = [&](unsigned lane) {
    Memory value;
    std::memcpy(&value,
                reinterpret_cast<const uint8_t *>(addresses[lane]) + offset,
                sizeof(Memory));
    d[lane] = value;
  };
  if (allowed == allLanes) {
    for (unsigned lane = 0; lane < warpLanes; ++lane)
      read(lane);
    return;
  }
  // What a lane may not read is poison.
  eachLane(warp.mask & ~allowed, [&](unsigned lane) {
    d[lane] = static_cast<T>(static_cast<Memory>(~Memory(0)));
  });
  eachLane(allowed, read);
}

static void loadBit(Warp &warp, int32_t target, const uint64_t *addresses,
                    unsigned offset, uint32_t allowed) {
  uint32_t mask = 0;
  eachLane(allowed, [&](unsigned lane) {
    auto byte = reinterpret_cast<const uint8_t *>(addresses[lane])[offset];
    mask |= uint32_t(byte & 1) << lane;
  });
  setMask(warp, target, mask);
}

void awq::gpusim::load(Warp &warp, const Op &o) {
  uint64_t buffer[warpLanes];
  Access access;
  const uint64_t *addresses = unpack(warp, o, AccessKind::Read, access, buffer);
  uint32_t allowed = checkAccess(warp, access, addresses);
  const int32_t *list = warp.machine->list(o);
  unsigned offset = 0;
  for (unsigned i = 0; i < o.listSize; i += 2) {
    int32_t bytes = list[i + 1];
    if (bytes == 4)
      loadPart<uint32_t, uint32_t>(warp, list[i], addresses, offset, allowed);
    else if (bytes == 8)
      loadPart<uint64_t, uint64_t>(warp, list[i], addresses, offset, allowed);
    else if (bytes == 2)
      loadPart<uint32_t, uint16_t>(warp, list[i], addresses, offset, allowed);
    else if (bytes == 1)
      loadPart<uint32_t, uint8_t>(warp, list[i], addresses, offset, allowed);
    else
      loadBit(warp, list[i], addresses, offset, allowed);
    offset += std::max(bytes, 1);
  }
}

void awq::gpusim::store(Warp &warp, const Op &o) {
  uint64_t buffer[warpLanes];
  Access access;
  const uint64_t *addresses =
      unpack(warp, o, AccessKind::Write, access, buffer);
  uint32_t allowed = checkAccess(warp, access, addresses);
  const int32_t *list = warp.machine->list(o);
  unsigned offset = 0;
  for (unsigned i = 0; i < o.listSize; i += 2) {
    int32_t bytes = list[i + 1];
    const uint8_t *values = warp.registers + list[i];
    size_t stride = bytes == 8 ? 8 : 4;
    eachLane(allowed, [&](unsigned lane) {
      auto to = reinterpret_cast<uint8_t *>(addresses[lane]) + offset;
      if (bytes == 0)
        *to = maskReg(warp, list[i]) >> lane & 1;
      else
        std::memcpy(to, values + lane * stride, bytes);
    });
    offset += std::max(bytes, 1);
  }
  warp.machine->noteProgress();
}

void awq::gpusim::addressAddConstant(Warp &warp, const Op &o) {
  const uint64_t *a = reg<uint64_t>(warp, o.a);
  const uint64_t offset = o.imm;
  forLanes<uint64_t>(warp, o.d,
                     [=](unsigned lane) { return a[lane] + offset; });
}

void awq::gpusim::addressAdd64(Warp &warp, const Op &o) {
  const uint64_t *a = reg<uint64_t>(warp, o.a), *b = reg<uint64_t>(warp, o.b);
  const uint64_t stride = o.imm;
  forLanes<uint64_t>(warp, o.d,
                     [=](unsigned lane) { return a[lane] + b[lane] * stride; });
}

void awq::gpusim::addressAdd32(Warp &warp, const Op &o) {
  const uint64_t *a = reg<uint64_t>(warp, o.a);
  const int32_t *b = reg<int32_t>(warp, o.b);
  const int64_t stride = o.imm;
  forLanes<uint64_t>(warp, o.d, [=](unsigned lane) {
    return a[lane] + uint64_t(int64_t(b[lane]) * stride);
  });
}

void awq::gpusim::frameAddress(Warp &warp, const Op &o) {
  uint64_t frame = reinterpret_cast<uint64_t>(warp.frame);
  uint64_t bytes = warp.machine->kernel.frameBytes, offset = o.imm;
  forLanes<uint64_t>(
      warp, o.d, [=](unsigned lane) { return frame + lane * bytes + offset; });
}

void awq::gpusim::setBytes(Warp &warp, const Op &o) {
  const uint64_t *to = reg<uint64_t>(warp, o.a);
  Access access{uint32_t(o.imm), 1, 0, AccessKind::Write, o.site};
  eachLane(checkAccess(warp, access, to), [&](unsigned lane) {
    std::memset(reinterpret_cast<void *>(to[lane]),
                int(reg<uint32_t>(warp, o.b)[lane]), size_t(o.imm));
  });
  warp.machine->noteProgress();
}

void awq::gpusim::copyBytes(Warp &warp, const Op &o) {
  const uint64_t *to = reg<uint64_t>(warp, o.a);
  const uint64_t *from = reg<uint64_t>(warp, o.b);
  Access source{uint32_t(o.imm), 1, 0, AccessKind::Read, o.site};
  Access target{uint32_t(o.imm), 1, 0, AccessKind::Write, o.site};
  uint32_t allowed =
      checkAccess(warp, source, from) & checkAccess(warp, target, to);
  eachLane(allowed, [&](unsigned lane) {
    std::memmove(reinterpret_cast<void *>(to[lane]),
                 reinterpret_cast<const void *>(from[lane]), size_t(o.imm));
  });
  warp.machine->noteProgress();
}
