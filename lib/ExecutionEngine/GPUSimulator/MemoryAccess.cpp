//===- MemoryAccess.cpp - bounds, alignment, races and traffic ------------===//
//
// Part of the awq-mlir project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "MemoryAccess.h"

#include "Lanes.h"

#include <algorithm>

using namespace awq::gpusim;

static std::string laneName(const Warp &warp, unsigned lane) {
  return format("block %llu warp %u lane %u",
                static_cast<unsigned long long>(warp.block->linear), warp.index,
                lane);
}

static bool checkShared(Warp &warp, const Access &access, unsigned lane,
                        uint64_t address) {
  if (access.space == 1) {
    warp.machine->report("wrong-space", access.site,
                         laneName(warp, lane) +
                             " uses a shared address as a global one");
    return false;
  }
  if (!insideShared(warp, address, access.bytes)) {
    warp.machine->report(
        "out-of-bounds-shared", access.site,
        laneName(warp, lane) +
            format(" %s %u bytes at shared+%u of %u",
                   isWrite(access.kind) ? "writes" : "reads", access.bytes,
                   static_cast<uint32_t>(address), warp.machine->sharedBytes));
    return false;
  }
  if (warp.block->shadow.enabled())
    warp.block->shadow.access(warp, lane, static_cast<uint32_t>(address),
                              access.bytes, access.kind, access.site);
  if (isWrite(access.kind))
    checkAsyncReaders(warp, static_cast<uint32_t>(address), access.bytes,
                      access.site);
  return true;
}

static bool insideFrame(const Warp &warp, unsigned lane, uint64_t address,
                        uint32_t bytes) {
  uint64_t size = warp.machine->kernel.frameBytes;
  uint64_t offset =
      address - (reinterpret_cast<uint64_t>(warp.frame) + lane * size);
  return offset < size && offset + bytes <= size;
}

static bool checkGlobal(Warp &warp, const Access &access, unsigned lane,
                        uint64_t address) {
  Machine &machine = *warp.machine;
  if (access.space != 1 && insideFrame(warp, lane, address, access.bytes))
    return true;
  const MemoryRange *range =
      access.space == 3 ? nullptr : machine.findRange(address, access.bytes);
  if (!range) {
    machine.report(
        access.space == 3 ? "out-of-bounds-shared" : "out-of-bounds-global",
        access.site,
        laneName(warp, lane) +
            format(" %s %u bytes at ",
                   isWrite(access.kind) ? "writes" : "reads", access.bytes) +
            machine.describe(address));
    return false;
  }
  if (isWrite(access.kind) && range->readOnly) {
    machine.report("read-only", access.site,
                   laneName(warp, lane) + " writes " +
                       machine.describe(address) + ", which is constant");
    return false;
  }
  if (range->fromPreviousKernel && !warp.gridWaited)
    machine.report("before-griddepcontrol-wait", access.site,
                   laneName(warp, lane) + " touches " +
                       machine.describe(address) +
                       ", which the previous kernel may still write");
  if (machine.options.races && !range->readOnly)
    machine.globalShadow.access(warp, address, access.bytes, access.kind,
                                access.site);
  return true;
}

bool awq::gpusim::checkLane(Warp &warp, const Access &access, unsigned lane,
                            uint64_t address) {
  if (address & (access.alignment - 1)) {
    warp.machine->report(
        "misaligned", access.site,
        laneName(warp, lane) +
            format(" needs %u-byte alignment at ", access.alignment) +
            warp.machine->describe(address));
    return false;
  }
  if (warp.machine->isShared(address))
    return checkShared(warp, access, lane, address);
  return checkGlobal(warp, access, lane, address);
}

bool awq::gpusim::accessIsSimple(Warp &warp, uint32_t mask,
                                 const Access &access,
                                 const uint64_t *addresses) {
  uint64_t low = ~0ull, high = 0, bits = 0;
  if (mask == allLanes) {
    for (unsigned lane = 0; lane < warpLanes; ++lane) {
      low = std::min(low, addresses[lane]);
      high = std::max(high, addresses[lane]);
      bits |= addresses[lane];
    }
  } else {
    eachLane(mask, [&](unsigned lane) {
      low = std::min(low, addresses[lane]);
      high = std::max(high, addresses[lane]);
      bits |= addresses[lane];
    });
  }
  if (bits & (access.alignment - 1))
    return false;
  Machine &machine = *warp.machine;
  uint64_t span = high - low + access.bytes;
  if (machine.isShared(low))
    return access.space != 1 && insideShared(warp, low, span) &&
           (!isWrite(access.kind) || !warp.block->asyncReads);
  if (access.space == 3)
    return false;
  const MemoryRange *range = machine.findRange(low, span);
  return range && !(isWrite(access.kind) && range->readOnly) &&
         (!range->fromPreviousKernel || warp.gridWaited);
}

void awq::gpusim::recordAccess(Warp &warp, uint32_t mask, const Access &access,
                               const uint64_t *addresses) {
  Machine &machine = *warp.machine;
  if (!machine.options.races || !mask)
    return;
  uint64_t first = addresses[__builtin_ctz(mask)];
  if (machine.isShared(first)) {
    warp.block->shadow.accessLanes(warp, mask, addresses, access.bytes,
                                   access.kind, access.site);
    return;
  }
  if (machine.findRange(first, access.bytes)->readOnly)
    return;
  // Lanes are not told apart there, so neighbours go together.
  uint64_t begin = first, end = first;
  eachLane(mask, [&](unsigned lane) {
    uint64_t address = addresses[lane];
    if (address < begin || address > end) {
      machine.globalShadow.access(warp, begin, end - begin, access.kind,
                                  access.site);
      begin = end = address;
    }
    end = std::max(end, address + access.bytes);
  });
  machine.globalShadow.access(warp, begin, end - begin, access.kind,
                              access.site);
}

static void countAccess(Warp &warp, const Access &access, uint32_t mask,
                        const uint64_t *addresses) {
  Counters &counters = warp.machine->counters;
  unsigned first = __builtin_ctz(mask);
  bool write = isWrite(access.kind);
  if (warp.machine->isShared(addresses[first]))
    countShared(write ? counters.sharedStores : counters.sharedLoads, mask,
                addresses, access.bytes);
  else if (!insideFrame(warp, first, addresses[first], access.bytes))
    countGlobal(write ? counters.globalStores : counters.globalLoads, mask,
                addresses, access.bytes);
}

uint32_t awq::gpusim::checkAccess(Warp &warp, const Access &access,
                                  const uint64_t *addresses) {
  uint32_t allowed = warp.mask;
  if (accessIsSimple(warp, warp.mask, access, addresses)) {
    recordAccess(warp, warp.mask, access, addresses);
  } else {
    eachLane(warp.mask, [&](unsigned lane) {
      if (!checkLane(warp, access, lane, addresses[lane]))
        allowed &= ~(1u << lane);
    });
  }
  if (warp.machine->options.counters && allowed)
    countAccess(warp, access, allowed, addresses);
  return allowed;
}

void awq::gpusim::countGlobal(GlobalTraffic &traffic, uint32_t mask,
                              const uint64_t *addresses, uint32_t bytes) {
  uint64_t sectors[4 * warpLanes];
  unsigned count = 0;
  eachLane(mask, [&](unsigned lane) {
    uint64_t last = (addresses[lane] + bytes - 1) / 32;
    for (uint64_t s = addresses[lane] / 32; s <= last && count < 128; ++s)
      sectors[count++] = s;
  });
  std::sort(sectors, sectors + count);
  ++traffic.requests;
  traffic.bytes += uint64_t(bytes) * __builtin_popcount(mask);
  traffic.sectors += std::unique(sectors, sectors + count) - sectors;
}

void awq::gpusim::countShared(SharedTraffic &traffic, uint32_t mask,
                              const uint64_t *addresses, uint32_t bytes) {
  ++traffic.requests;
  traffic.bytes += uint64_t(bytes) * __builtin_popcount(mask);
  unsigned lanesAtOnce = bytes <= 4 ? 32 : std::max(1u, 128 / bytes);
  for (unsigned begin = 0; begin < warpLanes; begin += lanesAtOnce) {
    uint32_t words[warpLanes * 4];
    unsigned count = 0;
    for (unsigned lane = begin; lane < begin + lanesAtOnce; ++lane) {
      if (!(mask >> lane & 1))
        continue;
      uint32_t at = static_cast<uint32_t>(addresses[lane]);
      for (uint32_t w = at / 4; w <= (at + bytes - 1) / 4 && count < 128; ++w)
        words[count++] = w;
    }
    if (!count)
      continue;
    // Lanes that read the same word share a pass.
    std::sort(words, words + count);
    count = static_cast<unsigned>(std::unique(words, words + count) - words);
    unsigned perBank[32] = {}, worst = 0;
    for (unsigned i = 0; i < count; ++i)
      worst = std::max(worst, ++perBank[words[i] % 32]);
    traffic.wavefronts += worst;
    traffic.idealWavefronts += (count + 31) / 32;
  }
}

static void reportAsyncReader(Warp &warp, const AsyncRead &read,
                              uint32_t offset, uint32_t bytes, uint32_t site) {
  if (offset >= read.end || read.begin >= offset + bytes)
    return;
  warp.machine->report(
      "write-under-async-read", site,
      format("warp %u writes shared+%u to %u while an instruction that was not "
             "waited for reads shared+%u to %u",
             warp.index, offset, offset + bytes, read.begin, read.end),
      read.site);
}

void awq::gpusim::checkAsyncReaders(Warp &warp, uint32_t offset, uint32_t bytes,
                                    uint32_t site) {
  if (!warp.block->asyncReads)
    return;
  for (const WarpGroup &group : warp.block->groups) {
    for (const AsyncRead &read : group.open)
      reportAsyncReader(warp, read, offset, bytes, site);
    for (const auto &reads : group.groups)
      for (const AsyncRead &read : reads)
        reportAsyncReader(warp, read, offset, bytes, site);
  }
  for (const Warp &other : warp.block->warps) {
    auto check = [&](const std::vector<BulkStore> &stores) {
      for (const BulkStore &store : stores)
        reportAsyncReader(warp,
                          {store.from, store.from + store.bytes, store.site},
                          offset, bytes, site);
    };
    check(other.openStores);
    for (const auto &stores : other.storeGroups)
      check(stores);
  }
}
