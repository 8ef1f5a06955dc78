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

GlobalShadow::Page &GlobalShadow::pageOf(uint64_t unit) {
  uint64_t number = unit / pageUnits;
  if (number != lastNumber) {
    std::unique_ptr<Page> &found = pages[number];
    if (!found)
      found = std::make_unique<Page>();
    lastNumber = number;
    lastPage = found.get();
  }
  return *lastPage;
}

/// Gives each cell of a unit the unit's history, to go its own way.
GlobalShadow::Parts &GlobalShadow::splitUnit(Page &page, uint64_t unit) {
  uint32_t &number = page.split[unit];
  if (number)
    return parts[number - 1];
  if (freeParts.empty()) {
    parts.emplace_back();
    number = static_cast<uint32_t>(parts.size());
  } else {
    number = freeParts.back();
    freeParts.pop_back();
  }
  parts[number - 1].fill(page.units[unit]);
  return parts[number - 1];
}

/// Number of the warp in the grid, plus 1.
static uint32_t gridWarp(const Warp &warp) {
  return static_cast<uint32_t>(warp.block->linear * warp.block->warps.size() +
                               warp.index + 1);
}

/// Whether an access by another warp happens before this warp's next step.
static bool ordered(const Warp &warp, const GlobalAccess &access) {
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
                       const char *otherVerb, const GlobalAccess &other,
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
  if (!write || bothAtomic)
    return;
  for (uint32_t set = cell.readers; set; set = readers.rest(set)) {
    const GlobalAccess &read = readers.last(set);
    if (read.warp == self || ordered(warp, read))
      continue;
    reportRace(warp, "global-race-write-after-read", "writes", "reads", read,
               address, site);
    return;
  }
}

void GlobalShadow::touch(Warp &warp, GlobalCell &cell, const GlobalAccess &now,
                         uint64_t address, AccessKind kind) {
  const bool write = isWrite(kind);
  bool alone = !cell.readers || (readers.last(cell.readers).warp == now.warp &&
                                 !readers.rest(cell.readers));
  if ((cell.write.warp && cell.write.warp != now.warp) || (write && !alone))
    checkCell(warp, cell, address, kind, now.site);
  if (!write) {
    cell.readers = readers.add(cell.readers, now);
    return;
  }
  cell.write = now;
  cell.atomic = kind == AccessKind::AtomicUpdate;
  // Readers before this write were compared with it.
  cell.readers = 0;
}

void GlobalShadow::access(Warp &warp, uint64_t address, uint64_t bytes,
                          AccessKind kind, uint32_t site) {
  GlobalAccess now{gridWarp(warp), warp.clock.now.own[warp.index], site};
  // A relaxed atomic after a fence is part of the release: whoever sees it and
  // fences is ordered after it, too.
  uint32_t released = warp.clock.released.at(warp.index);
  if (kind == AccessKind::AtomicUpdate && released)
    now.clock = released;
  uint64_t index = address / 2, end = (address + bytes + 1) / 2;
  while (index < end) {
    Page &page = pageOf(index / unitCells);
    uint64_t unit = index / unitCells % pageUnits;
    bool whole = index % unitCells == 0 && end - index >= unitCells;
    if (whole && !page.split[unit]) {
      touch(warp, page.units[unit], now, 2 * index, kind);
      index += unitCells;
      continue;
    }
    Parts &cells = splitUnit(page, unit);
    uint64_t stop = std::min(end, (index / unitCells + 1) * unitCells);
    for (; index < stop; ++index)
      touch(warp, cells[index % unitCells], now, 2 * index, kind);
    if (whole && isWrite(kind)) {
      // All cells have the same history again.
      page.units[unit] = cells[0];
      freeParts.push_back(page.split[unit]);
      page.split[unit] = 0;
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
