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

#include <array>
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

/// The last accesses to two bytes of shared memory, or to the eight such cells
/// of a unit of 16 bytes as long as these have the same history.
struct SharedCell {
  enum Flag : uint8_t { Pending = 1, Initialised = 2, Atomic = 4, Split = 8 };
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
  /// Of a unit: log2 of the cells that each lane wrote or read; consecutive
  /// lanes, of which writeLane and readLane are the first, share the unit.
  uint8_t writeStep = 3;
  uint8_t readStep = 3;
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
  bool enabled() const { return !units.empty(); }

  /// Checks and records an access by a lane of a warp.
  void access(Warp &warp, unsigned lane, uint32_t offset, uint32_t bytes,
              AccessKind kind, uint32_t site);
  /// The same for the lanes of `mask`, whose addresses are all inside.
  void accessLanes(Warp &warp, uint32_t mask, const uint64_t *addresses,
                   uint32_t bytes, AccessKind kind, uint32_t site);
  /// An asynchronous write that was recorded as AsyncWrite has landed and now
  /// counts as made by `slot` at `clock`.
  void landed(uint32_t offset, uint32_t bytes, unsigned slot, uint32_t clock,
              unsigned lane, uint32_t epoch);
  /// Reads by the asynchronous proxy are over as of this warp's clock.
  void readBy(Warp &warp, uint32_t offset, uint32_t bytes, uint32_t site);

private:
  static constexpr size_t unitCells = 8;

  void accessCell(Warp &warp, unsigned lane, size_t index, AccessKind kind,
                  uint32_t site);
  void accessUnit(Warp &warp, unsigned lane, unsigned step, size_t unit,
                  AccessKind kind, uint32_t site);
  bool unitIsFine(const Warp &warp, unsigned lane, unsigned step, size_t unit,
                  AccessKind kind) const;
  void split(size_t unit);
  /// Calls forUnit(unit) and forCell(cell) so that they cover the bytes.
  template <typename ForUnit, typename ForCell>
  void cover(uint32_t offset, uint32_t bytes, ForUnit forUnit, ForCell forCell);
  void checkRead(Warp &warp, unsigned lane, size_t cell, uint32_t site);
  void checkWriter(Warp &warp, unsigned lane, size_t cell, AccessKind kind,
                   uint32_t site);
  void checkReaders(Warp &warp, unsigned lane, size_t cell, uint32_t site);
  void checkProxy(Warp &warp, unsigned lane, size_t cell, uint32_t site);

  unsigned warps = 0;
  /// A unit whose flags say Split leaves the rest to its cells; the cells of
  /// others are meaningless.
  std::vector<SharedCell> units, cells;
  /// Clock of the last read by each warp, [unit or cell][warp].
  std::vector<uint32_t> unitReads, reads;
};

/// Who touched global memory, when and where. Lanes of one warp are not told
/// apart.
struct GlobalAccess {
  /// Number of the warp in the whole grid, plus 1.
  uint32_t warp = 0;
  uint32_t clock = 0;
  uint32_t site = 0;

  bool operator==(const GlobalAccess &other) const {
    return warp == other.warp && clock == other.clock && site == other.site;
  }
};

/// Sets of readers, the last read of each warp. Cells that the same warps read
/// share a set; 0 is the empty one.
class ReaderSets {
public:
  /// What a set becomes by one more read.
  uint32_t add(uint32_t set, const GlobalAccess &access);
  const GlobalAccess &last(uint32_t set) const { return nodes[set].last; }
  /// The set without its last reader.
  uint32_t rest(uint32_t set) const { return nodes[set].rest; }

  /// More readers than this are not told apart: the first ones and the last one
  /// are remembered.
  static constexpr uint32_t most = 64;

private:
  struct Node {
    GlobalAccess last;
    uint32_t rest = 0;
    uint32_t size = 0;
  };
  struct Key {
    uint32_t set;
    GlobalAccess access;
    bool operator==(const Key &other) const {
      return set == other.set && access == other.access;
    }
  };
  struct Hash {
    size_t operator()(const Key &key) const;
  };
  using Map = std::unordered_map<Key, uint32_t, Hash>;
  /// The set of `rest` and `access`, whose warp is not in `rest`.
  uint32_t join(uint32_t rest, const GlobalAccess &access);

  std::vector<Node> nodes = std::vector<Node>(1);
  Map joined, added;
  Key lastKey{0, {}};
  uint32_t lastResult = 0;
};

/// The last write to two bytes of global memory and the reads since, or those
/// of a unit of 16 bytes as long as they are the same for all of it.
struct GlobalCell {
  GlobalAccess write;
  /// Of ReaderSets.
  uint32_t readers = 0;
  /// Whether the last write was an atomic.
  bool atomic = false;
};

/// The shadow of global memory in one launch, and its atomics' clocks.
class GlobalShadow {
public:
  void access(Warp &warp, uint64_t address, uint64_t bytes, AccessKind kind,
              uint32_t site);

  /// Order of atomics and fences (see PTX ISA, memory consistency model).
  enum Order : uint8_t { Relaxed, Acquire, Release, AcquireRelease };
  void synchronize(Warp &warp, uint64_t address, bool reads, bool writes,
                   Order order, bool blockScope);
  void fence(Warp &warp, bool blockScope);

private:
  static constexpr uint64_t unitCells = 8, pageUnits = 256;
  using Parts = std::array<GlobalCell, unitCells>;
  struct Page {
    GlobalCell units[pageUnits];
    /// 0, or the number in `parts`, plus 1, of what is known of each cell.
    uint32_t split[pageUnits] = {};
  };
  struct Published {
    uint64_t block = 0;
    bool blockScope = false;
    VectorClock clock;
  };
  Page &pageOf(uint64_t unit);
  Parts &splitUnit(Page &page, uint64_t unit);
  void touch(Warp &warp, GlobalCell &cell, const GlobalAccess &now,
             uint64_t address, AccessKind kind);
  void checkCell(Warp &warp, GlobalCell &cell, uint64_t address,
                 AccessKind kind, uint32_t site);

  std::unordered_map<uint64_t, std::unique_ptr<Page>> pages;
  uint64_t lastNumber = ~0ull;
  Page *lastPage = nullptr;
  std::vector<Parts> parts;
  std::vector<uint32_t> freeParts;
  ReaderSets readers;
  std::unordered_map<uint64_t, std::vector<Published>> published;
};

} // namespace awq::gpusim

#endif // AWQ_LIB_EXECUTIONENGINE_GPUSIMULATOR_RACES_H
