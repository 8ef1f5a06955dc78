//===- TensorCopies.cpp - cp.async.bulk.tensor ----------------------------===//
//
// Part of the awq-mlir project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "awq/ExecutionEngine/GPUSimulator/TensorMap.h"

#include "AsyncCopies.h"
#include "Lanes.h"
#include "MemoryAccess.h"
#include "Ops.h"

#include <cstring>

using namespace awq::gpusim;

namespace {

/// One box of a tensor, and where its bytes are in shared memory.
struct Box {
  TensorMap map;
  int32_t at[5] = {};
  uint32_t bytes = 0;
};

/// Reads and checks a map; false after a report.
bool readMap(Warp &warp, unsigned lane, uint64_t address, unsigned rank,
             uint32_t site, Box &box) {
  Access access{sizeof(TensorMap), 64, 0, AccessKind::Read, site};
  if (!checkLane(warp, access, lane, address))
    return false;
  std::memcpy(&box.map, reinterpret_cast<const void *>(address),
              sizeof(TensorMap));
  const TensorMap &map = box.map;
  const char *problem = nullptr;
  if (map.magic != TensorMap::signature)
    problem = "these bytes are not a tensor map";
  else if (map.rank != rank)
    problem = "its rank is not the instruction's";
  else if (map.base % 16 || uint64_t(map.box[0]) * map.elementBytes % 16)
    problem = "base and inner box must be multiples of 16 bytes";
  else if (map.swizzle && map.box[0] * map.elementBytes > map.swizzle)
    problem = "the inner box is wider than the swizzle";
  for (unsigned i = 0; !problem && i < rank; ++i)
    if (map.box[i] < 1 || map.box[i] > 256)
      problem = "a box has 1 to 256 elements in each dimension";
  if (problem) {
    warp.machine->report("tensor-map", site, problem);
    return false;
  }
  box.bytes = map.elementBytes;
  for (unsigned i = 0; i < rank; ++i)
    box.bytes *= map.box[i];
  return true;
}

uint32_t swizzled(const TensorMap &map, uint32_t offset) {
  uint32_t units = map.swizzle == 128  ? 7
                   : map.swizzle == 64 ? 3
                   : map.swizzle == 32 ? 1
                                       : 0;
  return offset ^ ((offset >> 7 & units) << 4);
}

/// Calls f(address or 0 outside of the tensor, offset in the box) for each run
/// of elements along the innermost dimension that is wholly in or out.
template <typename F>
void eachRow(const Box &box, F f) {
  const TensorMap &map = box.map;
  uint32_t index[5] = {}, offset = 0;
  while (true) {
    uint64_t address = map.base;
    bool inside = true;
    for (unsigned i = 1; i < map.rank; ++i) {
      int64_t at = int64_t(box.at[i]) + index[i];
      inside &= at >= 0 && at < map.size[i];
      address += uint64_t(at) * map.stride[i - 1];
    }
    for (uint32_t e = 0; e < map.box[0]; ++e) {
      int64_t at = int64_t(box.at[0]) + e;
      bool here = inside && at >= 0 && at < map.size[0];
      f(here ? address + uint64_t(at) * map.elementBytes : 0,
        offset + e * map.elementBytes);
    }
    offset += map.box[0] * map.elementBytes;
    unsigned i = 1;
    while (i < map.rank && ++index[i] == map.box[i])
      index[i++] = 0;
    if (i >= map.rank)
      return;
  }
}

bool checkSharedSide(Warp &warp, unsigned lane, uint64_t address,
                     const Box &box, AccessKind kind, uint32_t site) {
  uint32_t alignment = box.map.swizzle ? 8 * box.map.swizzle : 128;
  Access access{box.bytes, alignment, 3, kind, site};
  return checkLane(warp, access, lane, address);
}

void loadBox(Warp &warp, unsigned lane, uint64_t to, uint32_t mbarrier,
             const Box &box, uint32_t site) {
  ThreadBlock &block = *warp.block;
  if (!checkSharedSide(warp, lane, to, box, AccessKind::AsyncWrite, site) ||
      !findMBarrier(block, mbarrier, site))
    return;
  AsyncEvent event;
  event.to = reinterpret_cast<uint8_t *>(to);
  event.data.assign(box.bytes, 0);
  uint32_t size = box.map.elementBytes;
  eachRow(box, [&](uint64_t address, uint32_t offset) {
    Access access{size, size, 1, AccessKind::Read, site};
    if (address && checkLane(warp, access, lane, address))
      std::memcpy(&event.data[swizzled(box.map, offset)],
                  reinterpret_cast<const void *>(address), size);
  });
  std::memset(event.to, 0xff, box.bytes);
  event.mbarrier = mbarrier;
  event.site = site;
  if (block.shadow.enabled()) {
    event.clock = warp.clock.now;
    ++warp.clock.now.own[warp.index];
  }
  warp.machine->counters.bulkBytes += box.bytes;
  warp.machine->noteProgress();
  enqueue(block, std::move(event));
}

} // namespace

void awq::gpusim::tensorLoad(Warp &warp, const Op &o) {
  const int32_t *list = warp.machine->list(o);
  bool narrow = o.imm & AccessBits::narrowAddress;
  unsigned rank = o.imm & 0xff;
  eachLane(warp.mask, [&](unsigned lane) {
    Box box;
    if (!readMap(warp, lane, reg<uint64_t>(warp, list[2])[lane], rank, o.site,
                 box))
      return;
    for (unsigned i = 0; i < rank; ++i)
      box.at[i] = reg<int32_t>(warp, list[3 + i])[lane];
    uint64_t mbarrier = addressAt(warp, list[1], narrow, lane);
    loadBox(warp, lane, addressAt(warp, list[0], narrow, lane),
            static_cast<uint32_t>(mbarrier), box, o.site);
  });
}

/// The bytes are taken at once: to change them before the wait is found by
/// checkAsyncReaders as for other bulk stores.
void awq::gpusim::tensorStore(Warp &warp, const Op &o) {
  const int32_t *list = warp.machine->list(o);
  unsigned rank = o.imm & 0xff;
  eachLane(warp.mask, [&](unsigned lane) {
    Box box;
    uint64_t from = reg<uint64_t>(warp, list[0])[lane];
    if (!readMap(warp, lane, reg<uint64_t>(warp, list[1])[lane], rank, o.site,
                 box) ||
        !checkSharedSide(warp, lane, from, box, AccessKind::AsyncRead, o.site))
      return;
    for (unsigned i = 0; i < rank; ++i)
      box.at[i] = reg<int32_t>(warp, list[2 + i])[lane];
    uint32_t size = box.map.elementBytes;
    const auto *bytes = reinterpret_cast<const uint8_t *>(from);
    eachRow(box, [&](uint64_t address, uint32_t offset) {
      Access access{size, size, 1, AccessKind::Write, o.site};
      if (address && checkLane(warp, access, lane, address))
        std::memcpy(reinterpret_cast<void *>(address),
                    bytes + swizzled(box.map, offset), size);
    });
    warp.machine->counters.bulkBytes += box.bytes;
    ++warp.block->asyncReads;
    // Nothing is left to move when the group ends, only to be read.
    warp.openStores.push_back(
        {0, static_cast<uint32_t>(from), box.bytes, o.site});
  });
  warp.machine->noteProgress();
}
