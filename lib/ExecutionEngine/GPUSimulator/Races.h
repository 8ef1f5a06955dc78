//===- Races.h - who touched which byte, and what orders it --- -*- C++ -*-===//
//
// Part of the awq-mlir project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Happens-before by vector clocks. A clock has a slot per warp of the block,
// then one per mbarrier, whose value counts phases: bytes that a bulk copy
// brings are written by the mbarrier's phase and not by a warp, so they are
// ordered only for those who waited for it. Across blocks, clocks travel
// through global atomics and fences.
//
//===----------------------------------------------------------------------===//

#ifndef AWQ_LIB_EXECUTIONENGINE_GPUSIMULATOR_RACES_H
#define AWQ_LIB_EXECUTIONENGINE_GPUSIMULATOR_RACES_H

#include <cstdint>
#include <map>
#include <memory>
#include <unordered_map>
#include <vector>

namespace awq::gpusim {

struct Warp;
struct ThreadBlock;
class Machine;

using Slots = std::vector<uint32_t>;

struct VectorClock {
  Slots own;
  /// What is known of other blocks, by their linear index.
  std::map<uint64_t, Slots> foreign;
  /// The part of `own` whose writes a fence.proxy.async has shown to the
  /// asynchronous proxy.
  Slots proxied;

  uint32_t at(unsigned slot) const { return slot < own.size() ? own[slot] : 0; }
  void raise(unsigned slot, uint32_t value);
  void join(const VectorClock &other);
  bool empty() const { return own.empty() && foreign.empty(); }
  void clear() {
    own.clear();
    foreign.clear();
    proxied.clear();
  }
};

/// The clock of a warp and what its fences and atomics hold back.
struct WarpClock {
  VectorClock now;
  /// What a relaxed atomic publishes: the clock at the last fence.
  VectorClock released;
  /// What relaxed atomics have seen and the next fence takes over.
  std::map<uint64_t, VectorClock> seen;
  /// Counts warp-level synchronisations, which order lanes.
  uint32_t epoch = 1;
};

/// The last accesses to two bytes of shared memory.
struct SharedCell {
  enum Flag : uint8_t { Pending = 1, Initialised = 2, Atomic = 4 };
  uint32_t writeClock = 0;
  uint32_t writeEpoch = 0;
  uint32_t writeSite = 0;
  uint32_t readSite = 0;
  uint32_t readEpoch = 0;
  uint16_t writeSlot = 0;
  uint8_t writeLane = 0;
  uint8_t flags = 0;
  /// The lane that read last, and its warp; 0xff once two lanes did.
  uint8_t readLane = 0xff;
  uint8_t readWarp = 0xff;
};

enum class AccessKind : uint8_t {
  Read,
  Write,
  AtomicUpdate,
  AsyncRead,
  AsyncWrite
};

inline bool isWrite(AccessKind kind) {
  return kind != AccessKind::Read && kind != AccessKind::AsyncRead;
}

/// The shadow of one block's shared memory.
class SharedShadow {
public:
  void reset(unsigned bytes, unsigned warps);
  bool enabled() const { return !cells.empty(); }

  /// Checks and records an access by a lane of a warp.
  void access(Warp &warp, unsigned lane, uint32_t offset, uint32_t bytes,
              AccessKind kind, uint32_t site);
  /// An asynchronous write that was recorded as AsyncWrite has landed and now
  /// counts as made by `slot` at `clock`.
  void landed(uint32_t offset, uint32_t bytes, unsigned slot, uint32_t clock,
              unsigned lane, uint32_t epoch);
  /// Reads by the asynchronous proxy are over as of this warp's clock.
  void readBy(Warp &warp, uint32_t offset, uint32_t bytes, uint32_t site);

private:
  void checkRead(Warp &warp, unsigned lane, size_t cell, uint32_t site);
  void checkWriter(Warp &warp, unsigned lane, size_t cell, AccessKind kind,
                   uint32_t site);
  void checkReaders(Warp &warp, unsigned lane, size_t cell, uint32_t site);
  void checkProxy(Warp &warp, unsigned lane, size_t cell, uint32_t site);

  unsigned warps = 0;
  std::vector<SharedCell> cells;
  /// Clock of the last read by each warp, [cell][warp].
  std::vector<uint32_t> reads;
};

/// The last write and the last read of two bytes of global memory. Lanes of one
/// warp are not told apart, and of several unordered readers only the last is
/// remembered: enough to find a missing synchronisation, in little memory.
struct GlobalCell {
  struct Access {
    /// Number of the warp in the whole grid, plus 1.
    uint32_t warp = 0;
    uint32_t clock = 0;
    uint32_t site = 0;
  };
  Access write, read;
  /// Whether the last write was an atomic.
  bool atomic = false;
};

/// The shadow of global memory in one launch, and its atomics' clocks.
class GlobalShadow {
public:
  void access(Warp &warp, uint64_t address, uint32_t bytes, AccessKind kind,
              uint32_t site);

  /// Order of atomics and fences (see PTX ISA, memory consistency model).
  enum Order : uint8_t { Relaxed, Acquire, Release, AcquireRelease };
  void synchronize(Warp &warp, uint64_t address, bool reads, bool writes,
                   Order order, bool blockScope);
  void fence(Warp &warp, bool blockScope);

private:
  static constexpr uint64_t pageBytes = 4096;
  using Page = std::unique_ptr<GlobalCell[]>;
  struct Published {
    uint64_t block = 0;
    bool blockScope = false;
    VectorClock clock;
  };
  GlobalCell &cell(uint64_t index);
  void checkCell(Warp &warp, GlobalCell &cell, uint64_t address,
                 AccessKind kind, uint32_t site);

  std::unordered_map<uint64_t, Page> pages;
  uint64_t lastPage = ~0ull;
  GlobalCell *lastCells = nullptr;
  std::unordered_map<uint64_t, std::vector<Published>> published;
};

} // namespace awq::gpusim

#endif // AWQ_LIB_EXECUTIONENGINE_GPUSIMULATOR_RACES_H
