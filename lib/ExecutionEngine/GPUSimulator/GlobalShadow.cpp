//===- GlobalShadow.cpp - races on global memory --------------------------===//
//
// Part of the awq-mlir project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Machine.h"

#include <algorithm>

using namespace awq::gpusim;

GlobalCell &GlobalShadow::cell(uint64_t index) {
  constexpr uint64_t cellsPerPage = pageBytes / 2;
  uint64_t page = index / cellsPerPage;
  if (page != lastPage) {
    Page &found = pages[page];
    if (!found)
      found = std::make_unique<GlobalCell[]>(cellsPerPage);
    lastPage = page;
    lastCells = found.get();
  }
  return lastCells[index % cellsPerPage];
}

/// Number of the warp in the grid, plus 1.
static uint32_t gridWarp(const Warp &warp) {
  return static_cast<uint32_t>(warp.block->linear * warp.block->warps.size() +
                               warp.index + 1);
}

/// Whether an access by another warp happens before this warp's next step.
static bool ordered(const Warp &warp, const GlobalCell::Access &access) {
  uint64_t perBlock = warp.block->warps.size();
  uint64_t block = (access.warp - 1) / perBlock;
  unsigned slot = static_cast<unsigned>((access.warp - 1) % perBlock);
  if (block == warp.block->linear)
    return warp.clock.now.at(slot) >= access.clock;
  auto known = warp.clock.now.foreign.find(block);
  return known != warp.clock.now.foreign.end() && slot < known->second.size() &&
         known->second[slot] >= access.clock;
}

static void reportRace(Warp &warp, const char *kind, const char *verb,
                       const char *otherVerb, const GlobalCell::Access &other,
                       uint64_t address, uint32_t site) {
  uint64_t perBlock = warp.block->warps.size();
  warp.machine->report(
      kind, site,
      format("block %llu warp %u %s %s, which block %llu warp %llu %s; nothing "
             "orders the two",
             static_cast<unsigned long long>(warp.block->linear), warp.index,
             verb, warp.machine->describe(address).c_str(),
             static_cast<unsigned long long>((other.warp - 1) / perBlock),
             static_cast<unsigned long long>((other.warp - 1) % perBlock),
             otherVerb),
      other.site);
}

void GlobalShadow::checkCell(Warp &warp, GlobalCell &cell, uint64_t address,
                             AccessKind kind, uint32_t site) {
  bool write = isWrite(kind);
  uint32_t self = gridWarp(warp);
  bool bothAtomic = kind == AccessKind::AtomicUpdate && cell.atomic;
  if (cell.write.warp && cell.write.warp != self && !bothAtomic &&
      !ordered(warp, cell.write))
    reportRace(warp,
               write ? "global-race-write-after-write"
                     : "global-race-read-after-write",
               write ? "writes" : "reads", "wrote", cell.write, address, site);
  if (write && cell.read.warp && cell.read.warp != self && !bothAtomic &&
      !ordered(warp, cell.read))
    reportRace(warp, "global-race-write-after-read", "writes", "reads",
               cell.read, address, site);
}

void GlobalShadow::access(Warp &warp, uint64_t address, uint32_t bytes,
                          AccessKind kind, uint32_t site) {
  GlobalCell::Access now{gridWarp(warp), warp.clock.now.own[warp.index], site};
  // A relaxed atomic after a fence is part of the release: whoever sees it and
  // fences is ordered after it, too.
  uint32_t released = warp.clock.released.at(warp.index);
  if (kind == AccessKind::AtomicUpdate && released)
    now.clock = released;
  const bool write = isWrite(kind);
  constexpr uint64_t cellsPerPage = pageBytes / 2;
  uint64_t end = (address + bytes + 1) / 2;
  for (uint64_t index = address / 2; index < end;) {
    GlobalCell *target = &cell(index);
    uint64_t stop = std::min(end, (index / cellsPerPage + 1) * cellsPerPage);
    for (; index < stop; ++index, ++target) {
      bool fine =
          (!target->write.warp || target->write.warp == now.warp) &&
          (!write || !target->read.warp || target->read.warp == now.warp);
      if (!fine)
        checkCell(warp, *target, 2 * index, kind, site);
      if (!write) {
        target->read = now;
        continue;
      }
      target->write = now;
      target->atomic = kind == AccessKind::AtomicUpdate;
      // Readers before this write were compared with it.
      target->read = GlobalCell::Access();
    }
  }
}

/// What `clock` of a warp in `source` tells a warp of another block.
static void joinFromBlock(VectorClock &into, uint64_t self, uint64_t source,
                          const VectorClock &clock) {
  if (source == self) {
    into.join(clock);
    return;
  }
  VectorClock moved;
  moved.foreign[source] = clock.own;
  for (const auto &[block, slots] : clock.foreign) {
    if (block == self)
      moved.own = slots;
    else
      moved.foreign[block] = slots;
  }
  into.join(moved);
}

void GlobalShadow::synchronize(Warp &warp, uint64_t address, bool reads,
                               bool writes, Order order, bool blockScope) {
  uint64_t self = warp.block->linear;
  std::vector<Published> &known = published[address];
  if (reads) {
    for (const Published &entry : known) {
      bool narrow = entry.blockScope || blockScope;
      if (narrow && entry.block != self)
        continue;
      if (order == Acquire || order == AcquireRelease)
        joinFromBlock(warp.clock.now, self, entry.block, entry.clock);
      else
        warp.clock.seen[entry.block].join(entry.clock);
    }
  }
  if (!writes)
    return;
  bool releases = order == Release || order == AcquireRelease;
  const VectorClock &out = releases ? warp.clock.now : warp.clock.released;
  // A read-modify-write continues the release sequence; a plain store ends it.
  if (!reads)
    known.clear();
  for (Published &entry : known)
    if (entry.block == self && entry.blockScope == blockScope) {
      entry.clock.join(out);
      if (releases)
        warp.clock.now.raise(warp.index, warp.clock.now.own[warp.index] + 1);
      return;
    }
  known.push_back({self, blockScope, out});
  if (releases)
    warp.clock.now.raise(warp.index, warp.clock.now.own[warp.index] + 1);
}

void GlobalShadow::fence(Warp &warp, bool blockScope) {
  // A fence that only reaches the block does nothing for other blocks.
  if (blockScope)
    return;
  for (const auto &[block, clock] : warp.clock.seen)
    joinFromBlock(warp.clock.now, warp.block->linear, block, clock);
  warp.clock.seen.clear();
  warp.clock.released = warp.clock.now;
  warp.clock.now.raise(warp.index, warp.clock.now.own[warp.index] + 1);
}
