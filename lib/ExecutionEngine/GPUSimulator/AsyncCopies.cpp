//===- AsyncCopies.cpp - cp.async and its groups --------------------------===//
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

#include <algorithm>
#include <cstring>

using namespace awq::gpusim;

static uint32_t sharedOffset(const Warp &warp, uint64_t address) {
  return static_cast<uint32_t>(address - warp.block->sharedBase());
}

/// Groups belong to threads; a warp whose lanes differ in them is beyond this
/// model.
static void requireConverged(Warp &warp, const Op &o, const char *what) {
  if (warp.mask != warp.alive)
    warp.machine->report("divergent-copy-group", o.site,
                         format("warp %u executes %s with lanes 0x%08x only: "
                                "groups that differ between lanes are not "
                                "modelled",
                                warp.index, what, warp.mask));
}

static void checkCopyLane(Warp &warp, const Op &o, AsyncCopy &copy,
                          unsigned lane) {
  Access target{copy.bytes, copy.bytes, 3, AccessKind::AsyncWrite, o.site};
  Access source{copy.taken[lane], copy.bytes, 1, AccessKind::Read, o.site};
  if (!checkLane(warp, target, lane, copy.to[lane])) {
    copy.mask &= ~(1u << lane);
    return;
  }
  // A copy of no bytes reads nothing: its source may be anywhere.
  if (source.bytes && !checkLane(warp, source, lane, copy.from[lane]))
    copy.taken[lane] = 0;
}

void awq::gpusim::cpAsync(Warp &warp, const Op &o) {
  if (!warp.openCopies)
    warp.openCopies = std::make_shared<CopyGroup>();
  warp.openCopies->copies.emplace_back();
  AsyncCopy &copy = warp.openCopies->copies.back();
  copy.mask = warp.mask;
  copy.bytes = o.imm & 0xffff;
  copy.site = o.site;
  bool narrow = o.imm & AccessBits::narrowAddress;
  bool whole = o.c < 0;
  for (unsigned lane = 0; lane < warpLanes; ++lane) {
    copy.to[lane] = addressAt(warp, o.a, narrow, lane);
    copy.from[lane] = reg<uint64_t>(warp, o.b)[lane];
    uint32_t taken = whole ? copy.bytes : reg<uint32_t>(warp, o.c)[lane];
    copy.taken[lane] = static_cast<uint8_t>(std::min(taken, copy.bytes));
  }
  Access target{copy.bytes, copy.bytes, 3, AccessKind::AsyncWrite, o.site};
  Access source{copy.bytes, copy.bytes, 1, AccessKind::Read, o.site};
  bool simple = whole && accessIsSimple(warp, warp.mask, target, copy.to) &&
                accessIsSimple(warp, warp.mask, source, copy.from);
  if (simple) {
    recordAccess(warp, warp.mask, target, copy.to);
    recordAccess(warp, warp.mask, source, copy.from);
  } else {
    eachLane(warp.mask,
             [&](unsigned lane) { checkCopyLane(warp, o, copy, lane); });
  }
  Machine &machine = *warp.machine;
  if (machine.options.counters && copy.mask) {
    countGlobal(machine.counters.asyncCopies, copy.mask, copy.from, copy.bytes);
    countShared(machine.counters.asyncWrites, copy.mask, copy.to, copy.bytes);
  }
  eachLane(copy.mask, [&](unsigned lane) {
    std::memset(reinterpret_cast<void *>(copy.to[lane]), 0xff, copy.bytes);
  });
  machine.noteProgress();
}

void awq::gpusim::completeCopies(Warp &warp, CopyGroup &group) {
  if (group.done)
    return;
  group.done = true;
  for (const AsyncCopy &copy : group.copies) {
    eachLane(copy.mask, [&](unsigned lane) {
      auto *to = reinterpret_cast<uint8_t *>(copy.to[lane]);
      unsigned taken = copy.taken[lane];
      std::memcpy(to, reinterpret_cast<const void *>(copy.from[lane]), taken);
      std::memset(to + taken, 0, copy.bytes - taken);
      if (warp.block->shadow.enabled())
        warp.block->shadow.landed(sharedOffset(warp, copy.to[lane]), copy.bytes,
                                  warp.index, warp.clock.now.own[warp.index],
                                  lane, warp.clock.epoch);
    });
  }
  warp.machine->noteProgress();
}

void awq::gpusim::cpAsyncCommit(Warp &warp, const Op &o) {
  requireConverged(warp, o, "cp.async.commit_group");
  if (!warp.openCopies)
    warp.openCopies = std::make_shared<CopyGroup>();
  warp.copyGroups.push_back(std::move(warp.openCopies));
  warp.openCopies.reset();
}

void awq::gpusim::cpAsyncWait(Warp &warp, const Op &o) {
  requireConverged(warp, o, "cp.async.wait_group");
  while (warp.copyGroups.size() > size_t(o.imm)) {
    completeCopies(warp, *warp.copyGroups.front());
    warp.copyGroups.pop_front();
  }
}

void awq::gpusim::gridWait(Warp &warp, const Op &o) { warp.gridWaited = true; }

/// When the next kernel starts is its own launch's affair.
void awq::gpusim::gridLaunchDependents(Warp &warp, const Op &o) {}

void awq::gpusim::sleep(Warp &warp, const Op &o) { warp.spinning = true; }

void awq::gpusim::trap(Warp &warp, const Op &o) {
  warp.machine->report("trap", o.site,
                       format("warp %u executes a trap", warp.index));
}
