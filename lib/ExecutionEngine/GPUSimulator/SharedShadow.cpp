//===- SharedShadow.cpp - races on shared memory --------------------------===//
//
// Part of the awq-mlir project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Machine.h"

using namespace awq::gpusim;

void SharedShadow::reset(unsigned bytes, unsigned warpCount) {
  warps = warpCount;
  size_t count = (bytes + 1) / 2;
  cells.assign(count, SharedCell());
  reads.assign(count * warps, 0);
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

// Most of the time of a run with race detection is spent here, so the checks
// that find nothing are made in place.
void SharedShadow::access(Warp &warp, unsigned lane, uint32_t offset,
                          uint32_t bytes, AccessKind kind, uint32_t site) {
  const uint32_t clock = warp.clock.now.own[warp.index];
  const bool write = isWrite(kind);
  size_t end = (offset + bytes + 1) / 2;
  for (size_t index = offset / 2; index < end; ++index) {
    SharedCell &cell = cells[index];
    if (!writerIsFine(cell, warp, lane))
      checkWriter(warp, lane, index, kind, site);
    if (kind == AccessKind::AsyncRead)
      checkProxy(warp, lane, index, site);
    if (!write) {
      if (!(cell.flags & SharedCell::Initialised))
        checkRead(warp, lane, index, site);
      reads[index * warps + warp.index] = clock;
      noteRead(cell, warp, lane, site);
      continue;
    }
    if (!readersAreFine(cell, warp, lane, &reads[index * warps], warps))
      checkReaders(warp, lane, index, site);
    cell.writeClock = clock;
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
}

void SharedShadow::landed(uint32_t offset, uint32_t bytes, unsigned slot,
                          uint32_t clock, unsigned lane, uint32_t epoch) {
  for (size_t i = offset / 2, end = (offset + bytes + 1) / 2; i < end; ++i) {
    SharedCell &cell = cells[i];
    cell.flags &= ~SharedCell::Pending;
    cell.writeSlot = static_cast<uint16_t>(slot);
    cell.writeClock = clock;
    cell.writeLane = static_cast<uint8_t>(lane);
    cell.writeEpoch = epoch;
  }
}

void SharedShadow::readBy(Warp &warp, uint32_t offset, uint32_t bytes,
                          uint32_t site) {
  uint32_t clock = warp.clock.now.own[warp.index];
  for (size_t i = offset / 2, end = (offset + bytes + 1) / 2; i < end; ++i) {
    reads[i * warps + warp.index] = clock;
    cells[i].readSite = site;
  }
}
