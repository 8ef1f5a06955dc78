//===- SharedShadow.cpp - races on shared memory --------------------------===//
//
// Part of the awq-mlir project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Machine.h"

#include <algorithm>

using namespace awq::gpusim;

void SharedShadow::reset(unsigned bytes, unsigned warpCount) {
  warps = warpCount;
  size_t count = (bytes + 15) / 16;
  units.assign(count, SharedCell());
  unitReads.assign(count * warps, 0);
  // Set when a unit is split.
  cells.resize(count * unitCells);
  reads.resize(count * unitCells * warps);
}

static std::string where(const Warp &warp, unsigned lane, const char *verb,
                         size_t cell) {
  return format("block %llu warp %u lane %u %s shared+%zu",
                static_cast<unsigned long long>(warp.block->linear), warp.index,
                lane, verb, 2 * cell);
}

static std::string writerName(const SharedCell &cell, unsigned warps) {
  if (cell.writeSlot >= warps)
    return "an asynchronous copy";
  return format("warp %u lane %u", cell.writeSlot, cell.writeLane);
}

/// The value read or overwritten must be the result of an ordered write.
void SharedShadow::checkWriter(Warp &warp, unsigned lane, size_t index,
                               AccessKind kind, uint32_t site) {
  SharedCell &cell = cells[index];
  bool write = isWrite(kind);
  const char *verb = write ? "writes" : "reads";
  if (cell.flags & SharedCell::Pending) {
    warp.machine->report("async-pending", site,
                         where(warp, lane, verb, index) +
                             " while an asynchronous copy to it is in flight",
                         cell.writeSite);
    return;
  }
  if (!cell.writeClock)
    return;
  if (kind == AccessKind::AtomicUpdate && cell.flags & SharedCell::Atomic)
    return;
  if (cell.writeSlot == warp.index) {
    if (cell.writeLane != lane && cell.writeEpoch == warp.clock.epoch)
      warp.machine->report(
          "race-within-warp", site,
          where(warp, lane, verb, index) +
              format(" that lane %u wrote, without a synchronisation of the "
                     "warp in between",
                     cell.writeLane),
          cell.writeSite);
    return;
  }
  if (warp.clock.now.at(cell.writeSlot) >= cell.writeClock)
    return;
  warp.machine->report(
      write ? "race-write-after-write" : "race-read-after-write", site,
      where(warp, lane, verb, index) + " that " + writerName(cell, warps) +
          " wrote; nothing orders the two",
      cell.writeSite);
}

void SharedShadow::checkReaders(Warp &warp, unsigned lane, size_t index,
                                uint32_t site) {
  const SharedCell &cell = cells[index];
  const uint32_t *clocks = &reads[index * warps];
  for (unsigned other = 0; other < warps; ++other) {
    if (other == warp.index || clocks[other] <= warp.clock.now.at(other))
      continue;
    warp.machine->report("race-write-after-read", site,
                         where(warp, lane, "writes", index) +
                             format(" that warp %u reads; nothing orders the "
                                    "two",
                                    other),
                         cell.readSite);
    return;
  }
  if (cell.readWarp == warp.index && cell.readLane != lane &&
      cell.readEpoch == warp.clock.epoch)
    warp.machine->report("race-within-warp", site,
                         where(warp, lane, "writes", index) +
                             " that another lane read, without a "
                             "synchronisation of the warp in between",
                         cell.readSite);
}

void SharedShadow::checkRead(Warp &warp, unsigned lane, size_t index,
                             uint32_t site) {
  if (!(cells[index].flags & SharedCell::Initialised))
    warp.machine->report("uninitialised-shared", site,
                         where(warp, lane, "reads", index) +
                             ", which nothing has written");
}

/// What ordinary stores wrote is not there yet for wgmma and bulk copies,
/// however well ordered, until a fence.proxy.async.
void SharedShadow::checkProxy(Warp &warp, unsigned lane, size_t index,
                              uint32_t site) {
  const SharedCell &cell = cells[index];
  const Slots &proxied = warp.clock.now.proxied;
  if (!cell.writeClock || cell.writeSlot >= warps ||
      (cell.writeSlot < proxied.size() &&
       proxied[cell.writeSlot] >= cell.writeClock))
    return;
  warp.machine->report("missing-proxy-fence", site,
                       where(warp, lane, "reads", index) +
                           " through the asynchronous proxy, but no "
                           "fence.proxy.async follows the store to it",
                       cell.writeSite);
}

/// Whether the last write to a cell is surely ordered before this access.
static bool writerIsFine(const SharedCell &cell, const Warp &warp,
                         unsigned lane) {
  if (cell.flags & SharedCell::Pending)
    return false;
  if (!cell.writeClock)
    return true;
  if (cell.writeSlot == warp.index)
    return cell.writeLane == lane || cell.writeEpoch != warp.clock.epoch;
  const Slots &own = warp.clock.now.own;
  return cell.writeSlot < own.size() && own[cell.writeSlot] >= cell.writeClock;
}

/// Remembers a read; 0xfe stands for several lanes since the last
/// synchronisation of the warp.
static void noteRead(SharedCell &cell, const Warp &warp, unsigned lane,
                     uint32_t site) {
  bool again = cell.readWarp == warp.index && cell.readLane != lane &&
               cell.readEpoch == warp.clock.epoch;
  cell.readLane = again ? 0xfe : static_cast<uint8_t>(lane);
  cell.readWarp = static_cast<uint8_t>(warp.index);
  cell.readEpoch = warp.clock.epoch;
  cell.readSite = site;
}

static void noteWrite(SharedCell &cell, const Warp &warp, unsigned lane,
                      AccessKind kind, uint32_t site) {
  cell.writeClock = warp.clock.now.own[warp.index];
  cell.writeEpoch = warp.clock.epoch;
  cell.writeSite = site;
  cell.writeSlot = static_cast<uint16_t>(warp.index);
  cell.writeLane = static_cast<uint8_t>(lane);
  cell.flags = SharedCell::Initialised;
  if (kind == AccessKind::AsyncWrite)
    cell.flags |= SharedCell::Pending;
  if (kind == AccessKind::AtomicUpdate)
    cell.flags |= SharedCell::Atomic;
}

/// Whether all reads of a cell are surely ordered before this write.
static bool readersAreFine(const SharedCell &cell, const Warp &warp,
                           unsigned lane, const uint32_t *reads,
                           unsigned warps) {
  const uint32_t *own = warp.clock.now.own.data();
  bool later = false;
  for (unsigned other = 0; other < warps; ++other)
    later |= reads[other] > own[other];
  return !later && !(cell.readWarp == warp.index && cell.readLane != lane &&
                     cell.readEpoch == warp.clock.epoch);
}

void SharedShadow::accessCell(Warp &warp, unsigned lane, size_t index,
                              AccessKind kind, uint32_t site) {
  const uint32_t clock = warp.clock.now.own[warp.index];
  SharedCell &cell = cells[index];
  if (!writerIsFine(cell, warp, lane))
    checkWriter(warp, lane, index, kind, site);
  if (kind == AccessKind::AsyncRead)
    checkProxy(warp, lane, index, site);
  if (!isWrite(kind)) {
    if (!(cell.flags & SharedCell::Initialised))
      checkRead(warp, lane, index, site);
    reads[index * warps + warp.index] = clock;
    noteRead(cell, warp, lane, site);
    return;
  }
  if (!readersAreFine(cell, warp, lane, &reads[index * warps], warps))
    checkReaders(warp, lane, index, site);
  noteWrite(cell, warp, lane, kind, site);
}

/// Gives each cell of a unit the unit's history, to go its own way.
void SharedShadow::split(size_t unit) {
  SharedCell &whole = units[unit];
  if (whole.flags & SharedCell::Split)
    return;
  for (size_t i = 0; i < unitCells; ++i) {
    SharedCell &cell = cells[unit * unitCells + i];
    cell = whole;
    cell.writeLane =
        static_cast<uint8_t>(whole.writeLane + (i >> whole.writeStep));
    if (whole.readLane < warpLanes)
      cell.readLane =
          static_cast<uint8_t>(whole.readLane + (i >> whole.readStep));
    std::copy_n(&unitReads[unit * warps], warps,
                &reads[(unit * unitCells + i) * warps]);
  }
  whole.flags |= SharedCell::Split;
}

template <typename ForUnit, typename ForCell>
void SharedShadow::cover(uint32_t offset, uint32_t bytes, ForUnit forUnit,
                         ForCell forCell) {
  size_t index = offset / 2, end = (size_t(offset) + bytes + 1) / 2;
  while (index < end) {
    size_t unit = index / unitCells;
    if (index % unitCells == 0 && end - index >= unitCells) {
      forUnit(unit);
      index += unitCells;
      continue;
    }
    split(unit);
    for (size_t stop = std::min(end, (unit + 1) * unitCells); index < stop;
         ++index)
      forCell(index);
  }
}

/// Whether nothing about an access to a whole unit needs a closer look.
bool SharedShadow::unitIsFine(const Warp &warp, unsigned lane, unsigned step,
                              size_t unit, AccessKind kind) const {
  const SharedCell &cell = units[unit];
  constexpr uint8_t special = SharedCell::Pending | SharedCell::Split;
  if (cell.flags & special || kind == AccessKind::AtomicUpdate)
    return false;
  const uint32_t *own = warp.clock.now.own.data();
  const uint32_t epoch = warp.clock.epoch;
  const bool write = isWrite(kind);
  if (cell.writeClock) {
    if (cell.writeSlot == warp.index) {
      if (cell.writeEpoch == epoch &&
          (cell.writeLane != lane || cell.writeStep != step))
        return false;
    } else if (warp.clock.now.at(cell.writeSlot) < cell.writeClock) {
      return false;
    }
    if (kind == AccessKind::AsyncRead && cell.writeSlot < warps) {
      const Slots &proxied = warp.clock.now.proxied;
      if (cell.writeSlot >= proxied.size() ||
          proxied[cell.writeSlot] < cell.writeClock)
        return false;
    }
  }
  const bool justRead = cell.readWarp == warp.index && cell.readEpoch == epoch;
  if (!write)
    return cell.flags & SharedCell::Initialised &&
           !(justRead && cell.readLane < warpLanes && cell.readStep != step);
  const uint32_t *clocks = &unitReads[unit * warps];
  bool later = false;
  for (unsigned other = 0; other < warps; ++other)
    later |= clocks[other] > own[other];
  return !later &&
         !(justRead && (cell.readLane != lane || cell.readStep != step));
}

/// An access to a whole unit by lanes from `lane` on, each 2^step cells. Most
/// of the time of a run with race detection is spent here.
void SharedShadow::accessUnit(Warp &warp, unsigned lane, unsigned step,
                              size_t unit, AccessKind kind, uint32_t site) {
  SharedCell &cell = units[unit];
  uint32_t *clocks = &unitReads[unit * warps];
  if (unitIsFine(warp, lane, step, unit, kind)) {
    if (isWrite(kind)) {
      noteWrite(cell, warp, lane, kind, site);
      cell.writeStep = static_cast<uint8_t>(step);
    } else {
      clocks[warp.index] = warp.clock.now.own[warp.index];
      noteRead(cell, warp, lane, site);
      cell.readStep = static_cast<uint8_t>(step);
    }
    return;
  }
  split(unit);
  for (size_t i = 0; i < unitCells; ++i)
    accessCell(warp, lane + static_cast<unsigned>(i >> step),
               unit * unitCells + i, kind, site);
  if (!isWrite(kind) || kind == AccessKind::AtomicUpdate)
    return;
  // All cells have the same writer again. Reads before it were compared with
  // it, and what follows it in order follows them.
  std::fill_n(clocks, warps, 0);
  cell = SharedCell();
  noteWrite(cell, warp, lane, kind, site);
  cell.writeStep = static_cast<uint8_t>(step);
}

void SharedShadow::access(Warp &warp, unsigned lane, uint32_t offset,
                          uint32_t bytes, AccessKind kind, uint32_t site) {
  cover(
      offset, bytes,
      [&](size_t unit) { accessUnit(warp, lane, 3, unit, kind, site); },
      [&](size_t index) { accessCell(warp, lane, index, kind, site); });
}

void SharedShadow::accessLanes(Warp &warp, uint32_t mask,
                               const uint64_t *addresses, uint32_t bytes,
                               AccessKind kind, uint32_t site) {
  auto offset = [&](unsigned lane) {
    return static_cast<uint32_t>(addresses[lane]);
  };
  bool small = bytes == 2 || bytes == 4 || bytes == 8;
  const unsigned together = small ? 16 / bytes : 1;
  const uint32_t all = (1u << together) - 1;
  const auto step = static_cast<unsigned>(__builtin_ctz(bytes | 16) - 1);
  for (unsigned lane = 0; lane < warpLanes; lane += together) {
    uint32_t active = mask >> lane & all;
    bool unit = small && active == all && offset(lane) % 16 == 0;
    for (unsigned i = 1; unit && i < together; ++i)
      unit = addresses[lane + i] == addresses[lane] + uint64_t(i) * bytes;
    if (unit) {
      accessUnit(warp, lane, step, offset(lane) / 16, kind, site);
      continue;
    }
    for (unsigned i = 0; i < together; ++i)
      if (active >> i & 1)
        access(warp, lane + i, offset(lane + i), bytes, kind, site);
  }
}

void SharedShadow::landed(uint32_t offset, uint32_t bytes, unsigned slot,
                          uint32_t clock, unsigned lane, uint32_t epoch) {
  auto land = [&](SharedCell &cell) {
    cell.flags &= ~SharedCell::Pending;
    cell.writeSlot = static_cast<uint16_t>(slot);
    cell.writeClock = clock;
    cell.writeLane = static_cast<uint8_t>(lane);
    cell.writeEpoch = epoch;
    cell.writeStep = 3;
  };
  cover(
      offset, bytes,
      [&](size_t unit) {
        if (!(units[unit].flags & SharedCell::Split))
          return land(units[unit]);
        for (size_t i = 0; i < unitCells; ++i)
          land(cells[unit * unitCells + i]);
      },
      [&](size_t index) { land(cells[index]); });
}

void SharedShadow::readBy(Warp &warp, uint32_t offset, uint32_t bytes,
                          uint32_t site) {
  const uint32_t clock = warp.clock.now.own[warp.index];
  cover(
      offset, bytes,
      [&](size_t unit) {
        unitReads[unit * warps + warp.index] = clock;
        units[unit].readSite = site;
        if (!(units[unit].flags & SharedCell::Split))
          return;
        for (size_t i = unit * unitCells; i < (unit + 1) * unitCells; ++i) {
          reads[i * warps + warp.index] = clock;
          cells[i].readSite = site;
        }
      },
      [&](size_t index) {
        reads[index * warps + warp.index] = clock;
        cells[index].readSite = site;
      });
}
