//===- BulkCopies.cpp - cp.async.bulk, and when its bytes arrive ----------===//
//
// Part of the awq-mlir project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "AsyncCopies.h"
#include "Lanes.h"
#include "MemoryAccess.h"
#include "Ops.h"

#include <cstring>

using namespace awq::gpusim;

void awq::gpusim::enqueue(ThreadBlock &block, AsyncEvent event) {
  if (block.machine->options.delivery == CopyDelivery::AtOnce)
    deliver(block, event);
  else
    block.events.push_back(std::move(event));
}

void ThreadBlock::deliverOne() {
  AsyncEvent event = std::move(events.front());
  events.pop_front();
  deliver(*this, event);
}

void awq::gpusim::deliver(ThreadBlock &block, AsyncEvent &event) {
  MBarrier &barrier = block.mbarriers[event.mbarrier];
  uint32_t phase = static_cast<uint32_t>(barrier.phase + 1);
  if (event.arrivals) {
    for (const auto &group : event.copies) {
      bool fresh = !group->done;
      completeCopies(*event.warp, *group);
      if (!fresh || !block.shadow.enabled())
        continue;
      // Ordered for those who wait for the mbarrier, not for the issuer.
      for (const AsyncCopy &copy : group->copies)
        eachLane(copy.mask, [&](unsigned lane) {
          block.shadow.landed(static_cast<uint32_t>(copy.to[lane]), copy.bytes,
                              barrier.slot, phase, lane, 0);
        });
    }
    barrier.arriving.join(event.clock);
    arriveAt(block, barrier, event.mbarrier, event.arrivals, event.site);
    return;
  }
  std::memcpy(event.to, event.data.data(), event.data.size());
  if (block.shadow.enabled()) {
    uint32_t offset =
        static_cast<uint32_t>(reinterpret_cast<uint64_t>(event.to));
    block.shadow.landed(offset, static_cast<uint32_t>(event.data.size()),
                        barrier.slot, phase, 0, 0);
    barrier.arriving.join(event.clock);
  }
  completeTransactions(block, barrier, int64_t(event.data.size()));
}

/// Starts the copy of `bytes` to shared memory. The source is read now: to
/// change it before the copy has arrived is the race detector's to find.
static void startBulkLoad(Warp &warp, unsigned lane, uint64_t to, uint64_t from,
                          uint32_t bytes, uint32_t mbarrier, uint32_t site) {
  ThreadBlock &block = *warp.block;
  Access target{bytes, 16, 3, AccessKind::AsyncWrite, site};
  Access source{bytes, 16, 1, AccessKind::Read, site};
  if (bytes % 16 != 0 || bytes == 0) {
    warp.machine->report("misaligned", site,
                         format("a bulk copy of %u bytes; its size must be a "
                                "multiple of 16",
                                bytes));
    return;
  }
  if (!checkLane(warp, target, lane, to) ||
      !checkLane(warp, source, lane, from) ||
      !findMBarrier(block, mbarrier, site))
    return;
  AsyncEvent event;
  event.to = reinterpret_cast<uint8_t *>(to);
  event.data.resize(bytes);
  std::memcpy(event.data.data(), reinterpret_cast<const void *>(from), bytes);
  std::memset(event.to, 0xff, bytes);
  event.mbarrier = mbarrier;
  event.site = site;
  if (block.shadow.enabled()) {
    event.clock = warp.clock.now;
    ++warp.clock.now.own[warp.index];
  }
  warp.machine->counters.bulkBytes += bytes;
  warp.machine->noteProgress();
  enqueue(block, std::move(event));
}

void awq::gpusim::bulkLoad(Warp &warp, const Op &o) {
  const int32_t *list = warp.machine->list(o);
  bool narrow = o.imm & AccessBits::narrowAddress;
  eachLane(warp.mask, [&](unsigned lane) {
    uint64_t to = addressAt(warp, list[0], narrow, lane);
    uint64_t mbarrier = addressAt(warp, list[1], narrow, lane);
    startBulkLoad(warp, lane, to, reg<uint64_t>(warp, list[2])[lane],
                  reg<uint32_t>(warp, list[3])[lane],
                  static_cast<uint32_t>(mbarrier), o.site);
  });
}

/// The bytes leave shared memory when the group is waited for, or at once.
static void completeStores(Warp &warp, const std::vector<BulkStore> &stores) {
  for (const BulkStore &store : stores) {
    // A tensor copy has moved its bytes already.
    if (store.to)
      std::memcpy(reinterpret_cast<void *>(store.to),
                  warp.block->shared + store.from, store.bytes);
    if (warp.block->shadow.enabled())
      warp.block->shadow.readBy(warp, store.from, store.bytes, store.site);
    --warp.block->asyncReads;
  }
  warp.machine->noteProgress();
}

void awq::gpusim::bulkStore(Warp &warp, const Op &o) {
  const int32_t *list = warp.machine->list(o);
  bool narrow = o.imm & AccessBits::narrowAddress;
  eachLane(warp.mask, [&](unsigned lane) {
    BulkStore store;
    store.to = reg<uint64_t>(warp, list[0])[lane];
    uint64_t from = addressAt(warp, list[1], narrow, lane);
    store.bytes = reg<uint32_t>(warp, list[2])[lane];
    store.site = o.site;
    Access source{store.bytes, 16, 3, AccessKind::AsyncRead, o.site};
    Access target{store.bytes, 16, 1, AccessKind::Write, o.site};
    if (store.bytes % 16 != 0)
      warp.machine->report("misaligned", o.site,
                           format("a bulk copy of %u bytes; its size must be a "
                                  "multiple of 16",
                                  store.bytes));
    if (!checkLane(warp, source, lane, from) ||
        !checkLane(warp, target, lane, store.to))
      return;
    store.from = static_cast<uint32_t>(from);
    warp.machine->counters.bulkBytes += store.bytes;
    ++warp.block->asyncReads;
    warp.openStores.push_back(store);
  });
}

void awq::gpusim::bulkCommit(Warp &warp, const Op &o) {
  warp.storeGroups.push_back(std::move(warp.openStores));
  warp.openStores.clear();
}

void awq::gpusim::bulkWait(Warp &warp, const Op &o) {
  while (warp.storeGroups.size() > size_t(o.imm)) {
    completeStores(warp, warp.storeGroups.front());
    warp.storeGroups.pop_front();
  }
}
