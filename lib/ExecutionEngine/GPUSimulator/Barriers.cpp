//===- Barriers.cpp - barriers of a block and of a warp -------------------===//
//
// Part of the awq-mlir project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Lanes.h"
#include "Machine.h"
#include "Ops.h"

using namespace awq::gpusim;

static constexpr unsigned arriveOnly = 1, notAligned = 2;

/// Takes over what the others knew when they arrived.
static void acquire(Warp &warp, const VectorClock &clock) {
  warp.clock.now.join(clock);
  ++warp.clock.epoch;
}

static void release(ThreadBlock &block, NamedBarrier &barrier) {
  VectorClock clock = std::move(barrier.clock);
  bool races = block.machine->options.races;
  for (Warp *warp : barrier.waiting) {
    if (races)
      acquire(*warp, clock);
    warp->state = WarpState::Ready;
  }
  barrier = NamedBarrier();
  block.machine->noteProgress();
}

static bool checkArrival(Warp &warp, const Op &o, uint32_t id,
                         unsigned expected) {
  Machine &machine = *warp.machine;
  if (!(o.imm & notAligned) && warp.mask != warp.initial)
    machine.report("divergent-aligned", o.site,
                   format("warp %u executes an aligned barrier with lanes "
                          "0x%08x of 0x%08x",
                          warp.index, warp.mask, warp.initial));
  const char *problem = nullptr;
  if (id >= 16)
    problem = "there are barriers 0 to 15 only";
  else if (expected % warpLanes || expected == 0)
    problem = "the number of threads must be a multiple of 32";
  else if (expected > warp.block->warps.size() * warpLanes)
    problem = "the block has fewer threads";
  if (problem)
    machine.report(
        "barrier-arguments", o.site,
        format("barrier %u for %u threads: %s", id, expected, problem));
  return !problem;
}

void awq::gpusim::blockBarrier(Warp &warp, const Op &o) {
  ThreadBlock &block = *warp.block;
  unsigned all = static_cast<unsigned>(block.warps.size()) * warpLanes;
  unsigned first = __builtin_ctz(warp.mask);
  uint32_t id = o.a < 0 ? 0 : reg<uint32_t>(warp, o.a)[first];
  unsigned expected = o.b < 0 ? all : reg<uint32_t>(warp, o.b)[first];
  if (!checkArrival(warp, o, id, expected))
    return;
  NamedBarrier &barrier = block.barriers[id];
  if (barrier.expected && barrier.expected != expected)
    warp.machine->report("barrier-arguments", o.site,
                         format("barrier %u for %u threads, but others arrived "
                                "at it for %u",
                                id, expected, barrier.expected));
  barrier.expected = expected;
  barrier.counted = o.b >= 0;
  barrier.arrived += warpLanes;
  if (warp.machine->options.races) {
    barrier.clock.join(warp.clock.now);
    ++warp.clock.now.own[warp.index];
  }
  warp.machine->noteProgress();
  if (!(o.imm & arriveOnly)) {
    barrier.waiting.push_back(&warp);
    warp.state = WarpState::AtBarrier;
    warp.yield = true;
  }
  barrier.site = o.site;
  if (barrier.arrived >= expected)
    release(block, barrier);
  else
    releaseAfterExit(block);
}

/// At a barrier for all threads a warp that ended counts as arrived, but a
/// kernel must not rely on it. At one with a count it does not, even if that is
/// the size of the block, and the others hang.
void awq::gpusim::releaseAfterExit(ThreadBlock &block) {
  unsigned all = static_cast<unsigned>(block.warps.size()) * warpLanes;
  unsigned live = block.liveWarps() * warpLanes;
  for (NamedBarrier &barrier : block.barriers) {
    if (barrier.waiting.empty() || barrier.counted || barrier.expected != all ||
        barrier.arrived < live)
      continue;
    block.machine->report("barrier-after-exit", barrier.site,
                          format("warp %u waits for warps that have ended",
                                 barrier.waiting[0]->index));
    release(block, barrier);
  }
}

void awq::gpusim::beginGuard(Warp &warp, const Op &o) {
  uint32_t condition = maskReg(warp, o.a);
  uint32_t kept = warp.mask & (o.imm & 1 ? ~condition : condition);
  if (!kept) {
    // The guarded ops and the end of the guard.
    warp.pc += static_cast<uint32_t>(o.imm >> 1) + 1;
    return;
  }
  warp.guardedMask = warp.mask;
  warp.mask = kept;
}

void awq::gpusim::endGuard(Warp &warp, const Op &o) {
  warp.mask = warp.guardedMask;
  warp.guardedMask = 0;
}
