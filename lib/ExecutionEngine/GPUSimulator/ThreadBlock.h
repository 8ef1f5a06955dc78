//===- ThreadBlock.h - the state of one block in flight ------- -*- C++ -*-===//
//
// Part of the awq-mlir project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef AWQ_LIB_EXECUTIONENGINE_GPUSIMULATOR_THREADBLOCK_H
#define AWQ_LIB_EXECUTIONENGINE_GPUSIMULATOR_THREADBLOCK_H

#include "DecodedKernel.h"
#include "Races.h"
#include "awq/ExecutionEngine/GPUSimulator/Simulator.h"

#include <deque>
#include <map>
#include <memory>
#include <vector>

namespace awq::gpusim {

class Machine;

/// One cp.async of a warp.
struct AsyncCopy {
  uint32_t mask = 0;
  uint32_t bytes = 0;
  uint32_t site = 0;
  uint64_t to[warpLanes];
  uint64_t from[warpLanes];
  /// Bytes taken from the source; the rest becomes zeros.
  uint8_t taken[warpLanes];
};

struct CopyGroup {
  std::vector<AsyncCopy> copies;
  bool done = false;
};

/// A bulk copy from shared to global memory, or a reduction into it.
struct BulkStore {
  uint64_t to = 0;
  uint32_t from = 0;
  uint32_t bytes = 0;
  uint32_t site = 0;
};

enum class WarpState : uint8_t { Ready, AtBarrier, AtMBarrier, AtGroup, Done };

struct Warp {
  uint8_t *registers = nullptr;
  /// The lanes that execute now.
  uint32_t mask = 0;
  /// The lanes that have not returned, and those that ever existed.
  uint32_t alive = 0;
  uint32_t initial = 0;
  uint32_t blockIndex = 0;
  uint32_t pc = 0;
  ThreadBlock *block = nullptr;
  Machine *machine = nullptr;
  unsigned index = 0;
  WarpState state = WarpState::Ready;
  bool diverged = false;
  /// Set by an op: stop running this warp, and come back to the same op.
  bool yield = false;
  bool retry = false;
  /// Set by an op that polls in vain: others should run first.
  bool spinning = false;
  bool gridWaited = false;
  /// The mask to return to after a predicated instruction, if inside one.
  uint32_t guardedMask = 0;
  std::vector<uint32_t> pending;
  uint8_t *frame = nullptr;

  std::shared_ptr<CopyGroup> openCopies;
  std::deque<std::shared_ptr<CopyGroup>> copyGroups;
  std::vector<BulkStore> openStores;
  std::deque<std::vector<BulkStore>> storeGroups;

  WarpClock clock;
};

struct NamedBarrier {
  unsigned arrived = 0;
  unsigned expected = 0;
  /// Whether the instruction says how many threads it waits for: then those
  /// that have ended do not count.
  bool counted = false;
  uint32_t site = 0;
  std::vector<Warp *> waiting;
  VectorClock clock;
};

struct MBarrier {
  uint32_t expected = 0;
  uint32_t pending = 0;
  int64_t transactions = 0;
  uint64_t phase = 0;
  /// Slot of the vector clocks that counts this barrier's phases.
  unsigned slot = 0;
  bool valid = false;
  VectorClock arriving;
  /// What was known at the end of the last phases, the newest first.
  std::deque<VectorClock> completed;
  std::vector<Warp *> waiting;
};

/// Something that happens later: a bulk copy's data and transaction count, or
/// the arrival that follows cp.asyncs.
struct AsyncEvent {
  uint8_t *to = nullptr;
  std::vector<uint8_t> data;
  uint32_t mbarrier = 0;
  VectorClock clock;
  /// For arrivals: how many, whose copies, and by which warp.
  unsigned arrivals = 0;
  std::vector<std::shared_ptr<CopyGroup>> copies;
  Warp *warp = nullptr;
  uint32_t site = 0;
};

/// Bytes of shared memory that an unfinished wgmma or bulk store reads.
struct AsyncRead {
  uint32_t begin = 0;
  uint32_t end = 0;
  uint32_t site = 0;
};

/// Four warps that issue wgmma together.
struct WarpGroup {
  unsigned arrived = 0;
  const Op *op = nullptr;
  bool fenced = false;
  std::vector<AsyncRead> open;
  std::deque<std::vector<AsyncRead>> groups;
};

struct ThreadBlock {
  Machine *machine = nullptr;
  Dim3 index;
  uint64_t linear = 0;
  /// Shared memory: its address has 32 low bits that are 0.
  uint8_t *shared = nullptr;
  std::vector<Warp> warps;
  /// Memory for all warps' registers, aligned for vector code.
  uint8_t *registerFile = nullptr;
  std::vector<uint8_t> frames;
  std::array<NamedBarrier, 16> barriers;
  std::map<uint32_t, MBarrier> mbarriers;
  unsigned clockSlots = 0;
  std::deque<AsyncEvent> events;
  std::vector<WarpGroup> groups;
  /// Reads of shared memory by wgmma and bulk stores that are not over.
  unsigned asyncReads = 0;
  SharedShadow shadow;
  bool done = false;

  uint64_t sharedBase() const { return reinterpret_cast<uint64_t>(shared); }
  unsigned liveWarps() const;
  /// Delivers the oldest asynchronous event.
  void deliverOne();
};

} // namespace awq::gpusim

#endif // AWQ_LIB_EXECUTIONENGINE_GPUSIMULATOR_THREADBLOCK_H
