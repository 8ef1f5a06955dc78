//===- MemoryAccess.h - bounds, alignment, races and traffic -- -*- C++ -*-===//
//
// Part of the awq-mlir project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef AWQ_LIB_EXECUTIONENGINE_GPUSIMULATOR_MEMORYACCESS_H
#define AWQ_LIB_EXECUTIONENGINE_GPUSIMULATOR_MEMORYACCESS_H

#include "Machine.h"

namespace awq::gpusim {

/// What a group of lanes does to memory at once.
struct Access {
  uint32_t bytes = 0;
  uint32_t alignment = 1;
  /// 0 generic, 1 global, 3 shared, 5 private.
  unsigned space = 0;
  AccessKind kind = AccessKind::Read;
  uint32_t site = 0;
};

/// Reports what is wrong with the active lanes' addresses, records them for
/// the race detector and counts them. Returns the lanes that may go on.
uint32_t checkAccess(Warp &warp, const Access &access,
                     const uint64_t *addresses);
/// Whether the lanes of `mask` are inside of one allocation, aligned and
/// allowed, found out for all at once. If so, recordAccess does the rest.
bool accessIsSimple(Warp &warp, uint32_t mask, const Access &access,
                    const uint64_t *addresses);
/// Tells the race detector, if there is one, of a simple access.
void recordAccess(Warp &warp, uint32_t mask, const Access &access,
                  const uint64_t *addresses);
/// As checkAccess, for one lane, whatever the active mask.
bool checkLane(Warp &warp, const Access &access, unsigned lane,
               uint64_t address);

/// Sectors of 32 bytes that the lanes of `mask` touch.
void countGlobal(GlobalTraffic &traffic, uint32_t mask,
                 const uint64_t *addresses, uint32_t bytes);
/// Passes through the banks: accesses wider than 4 bytes are split into
/// groups of lanes that move 128 bytes.
void countShared(SharedTraffic &traffic, uint32_t mask,
                 const uint64_t *addresses, uint32_t bytes);

/// Whether the bytes lie in this block's shared memory.
inline bool insideShared(const Warp &warp, uint64_t address, uint64_t bytes) {
  uint64_t offset = address - warp.block->sharedBase();
  return offset + bytes <= warp.machine->sharedBytes && offset + bytes >= bytes;
}

/// Reports a write to shared memory that an unfinished wgmma or bulk store
/// still reads.
void checkAsyncReaders(Warp &warp, uint32_t offset, uint32_t bytes,
                       uint32_t site);

} // namespace awq::gpusim

#endif // AWQ_LIB_EXECUTIONENGINE_GPUSIMULATOR_MEMORYACCESS_H
