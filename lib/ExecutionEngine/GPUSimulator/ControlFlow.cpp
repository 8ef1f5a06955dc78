//===- ControlFlow.cpp - how a warp goes from block to block --------------===//
//
// Part of the awq-mlir project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Lanes.h"
#include "Machine.h"

#include <algorithm>
#include <cstring>

using namespace awq::gpusim;

void Machine::countBlock(const BasicBlock &block, uint32_t mask) {
  size_t index = &block - kernel.blocks.data();
  ++blockRuns[index];
  blockLanes[index] += __builtin_popcount(mask);
}

static size_t bytesOfRegister(int32_t bits) {
  return bits == 64 ? 256 : bits == 1 ? 4 : 128;
}

static void copyRegister(uint8_t *to, const uint8_t *from, int32_t bits,
                         uint32_t mask) {
  if (bits == 1) {
    uint32_t old, next;
    std::memcpy(&old, to, 4);
    std::memcpy(&next, from, 4);
    next = (old & ~mask) | (next & mask);
    std::memcpy(to, &next, 4);
    return;
  }
  if (mask == allLanes) {
    std::memcpy(to, from, bytesOfRegister(bits));
    return;
  }
  size_t width = bits / 8;
  eachLane(mask, [&](unsigned lane) {
    std::memcpy(to + lane * width, from + lane * width, width);
  });
}

/// Gives the successor's phis their values for the lanes that go there.
void Machine::follow(Warp &warp, const Edge &edge, uint32_t mask) {
  if (edge.scratch < 0) {
    for (const Edge::Copy &copy : edge.copies)
      copyRegister(warp.registers + copy.to, warp.registers + copy.from,
                   copy.bits, mask);
    return;
  }
  uint8_t *scratch = warp.registers + edge.scratch;
  for (size_t i = 0; i < edge.copies.size(); ++i)
    std::memcpy(scratch + 256 * i, warp.registers + edge.copies[i].from,
                bytesOfRegister(edge.copies[i].bits));
  for (size_t i = 0; i < edge.copies.size(); ++i)
    copyRegister(warp.registers + edge.copies[i].to, scratch + 256 * i,
                 edge.copies[i].bits, mask);
}

/// Lets the lowest block with lanes in it run. False when no lane is left.
bool Machine::pickPending(Warp &warp) {
  for (size_t i = 0; i < warp.pending.size(); ++i) {
    if (!warp.pending[i])
      continue;
    warp.blockIndex = static_cast<uint32_t>(i);
    warp.mask = warp.pending[i];
    warp.pending[i] = 0;
    warp.pc = 0;
    warp.diverged = warp.mask != warp.alive;
    return true;
  }
  return false;
}

/// All active lanes take the same way.
bool Machine::goTo(Warp &warp, const Edge &edge) {
  follow(warp, edge, warp.mask);
  if (!warp.diverged) {
    warp.blockIndex = edge.block;
    warp.pc = 0;
    return true;
  }
  warp.pending[edge.block] |= warp.mask;
  return pickPending(warp);
}

bool Machine::branchOn(Warp &warp, const BasicBlock &block) {
  ++counters.branches;
  uint32_t taken = maskReg(warp, block.condition) & warp.mask;
  uint32_t other = warp.mask & ~taken;
  if (!taken || !other)
    return goTo(warp, block.successors[taken ? 0 : 1]);
  ++counters.divergentBranches;
  follow(warp, block.successors[0], taken);
  follow(warp, block.successors[1], other);
  warp.pending[block.successors[0].block] |= taken;
  warp.pending[block.successors[1].block] |= other;
  return pickPending(warp);
}

bool Machine::switchOn(Warp &warp, const BasicBlock &block) {
  ++counters.branches;
  std::vector<uint32_t> masks(block.successors.size(), 0);
  eachLane(warp.mask, [&](unsigned lane) {
    uint64_t value = block.conditionBits == 64
                         ? reg<uint64_t>(warp, block.condition)[lane]
                         : reg<uint32_t>(warp, block.condition)[lane];
    auto found = std::find(block.cases.begin(), block.cases.end(), value);
    size_t way =
        found == block.cases.end() ? 0 : found - block.cases.begin() + 1;
    masks[way] |= 1u << lane;
  });
  unsigned ways = 0;
  for (size_t i = 0; i < masks.size(); ++i) {
    if (masks[i] == warp.mask)
      return goTo(warp, block.successors[i]);
    ways += masks[i] != 0;
  }
  counters.divergentBranches += ways > 1;
  for (size_t i = 0; i < masks.size(); ++i) {
    if (!masks[i])
      continue;
    follow(warp, block.successors[i], masks[i]);
    warp.pending[block.successors[i].block] |= masks[i];
  }
  return pickPending(warp);
}

/// Moves on from the end of a block. False when the warp has ended.
bool Machine::leaveBlock(Warp &warp, const BasicBlock &block) {
  switch (block.terminator) {
  case Terminator::Return:
    warp.alive &= ~warp.mask;
    return pickPending(warp);
  case Terminator::Trap:
    report("trap", block.site,
           format("warp %u reaches a trap or unreachable code", warp.index));
    warp.alive &= ~warp.mask;
    return pickPending(warp);
  case Terminator::Branch:
    return goTo(warp, block.successors[0]);
  case Terminator::Conditional:
    return branchOn(warp, block);
  case Terminator::Switch:
    return switchOn(warp, block);
  }
  return false;
}
