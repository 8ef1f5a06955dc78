//===- MBarriers.cpp - mbarriers: phases, arrivals and transactions -------===//
//
// Part of the awq-mlir project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "AsyncCopies.h"
#include "Lanes.h"
#include "Machine.h"
#include "Ops.h"

using namespace awq::gpusim;

static uint32_t barrierOffset(Warp &warp, const Op &o, unsigned lane) {
  uint64_t address =
      addressAt(warp, o.a, o.imm & AccessBits::narrowAddress, lane);
  return static_cast<uint32_t>(address - warp.block->sharedBase());
}

MBarrier *awq::gpusim::findMBarrier(ThreadBlock &block, uint32_t offset,
                                    uint32_t site) {
  auto found = block.mbarriers.find(offset);
  if (found != block.mbarriers.end() && found->second.valid)
    return &found->second;
  block.machine->report("mbarrier-uninitialised", site,
                        format("there is no mbarrier at shared+%u", offset));
  return nullptr;
}

/// Ends the phase if nothing is missing, and wakes those who wait for that.
static void endPhaseIfComplete(ThreadBlock &block, MBarrier &barrier) {
  if (barrier.pending != 0 || barrier.transactions != 0)
    return;
  ++barrier.phase;
  barrier.pending = barrier.expected;
  if (block.machine->options.races) {
    // The phase itself is an event: bytes that bulk copies brought count as
    // written by it.
    barrier.arriving.raise(barrier.slot, static_cast<uint32_t>(barrier.phase));
    barrier.completed.push_front(barrier.arriving);
    constexpr size_t most = 4;
    if (barrier.completed.size() > most)
      barrier.completed.pop_back();
  }
  for (Warp *warp : barrier.waiting)
    if (warp->state == WarpState::AtMBarrier)
      warp->state = WarpState::Ready;
  barrier.waiting.clear();
  block.machine->noteProgress();
}

void awq::gpusim::arriveAt(ThreadBlock &block, MBarrier &barrier,
                           uint32_t offset, uint32_t count, uint32_t site) {
  if (barrier.pending < count) {
    block.machine->report(
        "mbarrier-overflow", site,
        format("%u arrivals at the mbarrier at shared+%u, which expects %u "
               "more in this phase",
               count, offset, barrier.pending));
    return;
  }
  barrier.pending -= count;
  block.machine->noteProgress();
  endPhaseIfComplete(block, barrier);
}

void awq::gpusim::completeTransactions(ThreadBlock &block, MBarrier &barrier,
                                       int64_t bytes) {
  barrier.transactions -= bytes;
  block.machine->noteProgress();
  endPhaseIfComplete(block, barrier);
}

void awq::gpusim::mbarrierInit(Warp &warp, const Op &o) {
  ThreadBlock &block = *warp.block;
  eachLane(warp.mask, [&](unsigned lane) {
    uint32_t offset = barrierOffset(warp, o, lane);
    uint32_t count = reg<uint32_t>(warp, o.b)[lane];
    if (offset % 8 || offset + 8 > warp.machine->sharedBytes) {
      warp.machine->report(offset % 8 ? "misaligned" : "out-of-bounds-shared",
                           o.site, format("an mbarrier at shared+%u", offset));
      return;
    }
    if (count < 1 || count >= 1u << 20)
      warp.machine->report("mbarrier-count", o.site,
                           format("an mbarrier for %u arrivals; it takes 1 to "
                                  "1048575",
                                  count));
    MBarrier &barrier = block.mbarriers[offset];
    if (barrier.valid)
      warp.machine->report("mbarrier-reinitialised", o.site,
                           format("the mbarrier at shared+%u was not "
                                  "invalidated before",
                                  offset));
    if (block.shadow.enabled())
      block.shadow.access(warp, lane, offset, 8, AccessKind::AtomicUpdate,
                          o.site);
    // A new slot each time: phases begin at 0 again, and who knows of those of
    // an earlier use knows nothing of this one's.
    barrier = MBarrier();
    barrier.slot = block.clockSlots++;
    barrier.expected = barrier.pending = count;
    barrier.valid = true;
  });
  warp.machine->noteProgress();
}

void awq::gpusim::mbarrierInval(Warp &warp, const Op &o) {
  eachLane(warp.mask, [&](unsigned lane) {
    uint32_t offset = barrierOffset(warp, o, lane);
    if (MBarrier *barrier = findMBarrier(*warp.block, offset, o.site)) {
      if (!barrier->waiting.empty())
        warp.machine->report("mbarrier-in-use", o.site,
                             format("the mbarrier at shared+%u is invalidated "
                                    "while warps wait for it",
                                    offset));
      barrier->valid = false;
    }
  });
}

/// To use an mbarrier that another thread initialised needs an order between
/// the two, as for any memory.
static void checkInitialised(Warp &warp, unsigned lane, uint32_t offset,
                             uint32_t site) {
  if (warp.block->shadow.enabled())
    warp.block->shadow.access(warp, lane, offset, 8, AccessKind::Read, site);
}

void awq::gpusim::mbarrierArrive(Warp &warp, const Op &o) {
  ThreadBlock &block = *warp.block;
  eachLane(warp.mask, [&](unsigned lane) {
    uint32_t offset = barrierOffset(warp, o, lane);
    MBarrier *barrier = findMBarrier(block, offset, o.site);
    if (!barrier)
      return;
    uint32_t value = o.b >= 0 ? reg<uint32_t>(warp, o.b)[lane] : 1;
    checkInitialised(warp, lane, offset, o.site);
    if (o.d >= 0)
      reg<uint64_t>(warp, o.d)[lane] = barrier->phase;
    if (o.imm & MBarrierBits::expectTx)
      barrier->transactions += value;
    if (o.imm & MBarrierBits::completeTx)
      return completeTransactions(block, *barrier, value);
    if (o.imm & MBarrierBits::noArrive)
      return;
    if (block.shadow.enabled())
      barrier->arriving.join(warp.clock.now);
    arriveAt(block, *barrier, offset, o.imm & MBarrierBits::count ? value : 1,
             o.site);
  });
  if (block.shadow.enabled())
    ++warp.clock.now.own[warp.index];
}

/// Whether the phase that the lane asks about is over.
static bool phaseOver(Warp &warp, const Op &o, const MBarrier &barrier,
                      unsigned lane) {
  if (o.imm & MBarrierBits::parity)
    return (barrier.phase & 1) != (reg<uint32_t>(warp, o.b)[lane] & 1);
  return barrier.phase != reg<uint64_t>(warp, o.b)[lane];
}

/// Takes over what was known at the end of the phase that the lane asked about,
/// and nothing of later phases.
static void acquirePhase(Warp &warp, const Op &o, const MBarrier &barrier,
                         unsigned lane) {
  size_t age = 0;
  if (!(o.imm & MBarrierBits::parity))
    age =
        static_cast<size_t>(barrier.phase - 1 - reg<uint64_t>(warp, o.b)[lane]);
  // Before the first phase a wait for the other parity succeeds at once.
  if (age < barrier.completed.size())
    warp.clock.now.join(barrier.completed[age]);
}

/// try_wait suspends the warp as long as no active lane could go on; the loop
/// around it then runs once only.
void awq::gpusim::mbarrierWait(Warp &warp, const Op &o) {
  ThreadBlock &block = *warp.block;
  uint32_t over = 0;
  eachLane(warp.mask, [&](unsigned lane) {
    uint32_t offset = barrierOffset(warp, o, lane);
    MBarrier *barrier = findMBarrier(block, offset, o.site);
    if (!barrier) {
      over |= 1u << lane;
      return;
    }
    checkInitialised(warp, lane, offset, o.site);
    if (!phaseOver(warp, o, *barrier, lane))
      return;
    over |= 1u << lane;
    if (block.shadow.enabled())
      acquirePhase(warp, o, *barrier, lane);
  });
  if (over)
    ++warp.clock.epoch;
  bool test = o.imm & MBarrierBits::test;
  bool enough = o.d < 0 ? over == warp.mask : over != 0;
  if (!enough && !test) {
    eachLane(warp.mask & ~over, [&](unsigned lane) {
      MBarrier &barrier = block.mbarriers[barrierOffset(warp, o, lane)];
      barrier.waiting.push_back(&warp);
    });
    warp.state = WarpState::AtMBarrier;
    warp.yield = warp.retry = true;
    return;
  }
  if (o.d >= 0)
    setMask(warp, o.d, over);
  if (over != warp.mask)
    warp.spinning = true;
}

void awq::gpusim::cpAsyncArrive(Warp &warp, const Op &o) {
  ThreadBlock &block = *warp.block;
  std::vector<std::shared_ptr<CopyGroup>> copies(warp.copyGroups.begin(),
                                                 warp.copyGroups.end());
  if (warp.openCopies) {
    copies.push_back(warp.openCopies);
    // Copies issued from now on are not those that the arrival follows.
    warp.copyGroups.push_back(std::move(warp.openCopies));
    warp.openCopies.reset();
  }
  eachLane(warp.mask, [&](unsigned lane) {
    uint32_t offset = barrierOffset(warp, o, lane);
    MBarrier *barrier = findMBarrier(block, offset, o.site);
    if (!barrier)
      return;
    checkInitialised(warp, lane, offset, o.site);
    // Without noinc the arrival makes its own room in the phase.
    if (!(o.imm & 1))
      ++barrier->pending;
    AsyncEvent event;
    event.mbarrier = offset;
    event.arrivals = 1;
    event.copies = copies;
    event.warp = &warp;
    event.site = o.site;
    if (block.shadow.enabled())
      event.clock = warp.clock.now;
    enqueue(block, std::move(event));
  });
  if (block.shadow.enabled())
    ++warp.clock.now.own[warp.index];
}
