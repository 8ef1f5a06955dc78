//===- MatrixMemory.cpp - ldmatrix and stmatrix ---------------------------===//
//
// Part of the awq-mlir project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Lanes.h"
#include "MatrixOps.h"
#include "MemoryAccess.h"
#include "Ops.h"

#include <cstring>

using namespace awq::gpusim;

static constexpr unsigned rowBytes = 16, rows = 8;

bool awq::gpusim::requireWholeWarp(Warp &warp, uint32_t site,
                                   const char *what) {
  if (warp.mask == allLanes)
    return true;
  warp.machine->report("divergent-aligned", site,
                       format("warp %u executes %s with lanes 0x%08x; it needs "
                              "all 32",
                              warp.index, what, warp.mask));
  return false;
}

/// Addresses of the rows; those that may not be accessed become null.
static void checkRows(Warp &warp, const Op &o, AccessKind kind,
                      uint64_t *addresses) {
  Access access{rowBytes, rowBytes, 3, kind, o.site};
  unsigned count = rows * o.listSize;
  for (unsigned i = 0; i < count; ++i)
    addresses[i] = addressAt(warp, o.a, o.imm & AccessBits::narrowAddress, i);
  Machine &machine = *warp.machine;
  uint32_t mask = count == 32 ? allLanes : (1u << count) - 1;
  if (machine.options.counters) {
    SharedTraffic &traffic = kind == AccessKind::Read
                                 ? machine.counters.sharedLoads
                                 : machine.counters.sharedStores;
    countShared(traffic, mask, addresses, rowBytes);
  }
  if (accessIsSimple(warp, mask, access, addresses)) {
    recordAccess(warp, mask, access, addresses);
    return;
  }
  for (unsigned i = 0; i < count; ++i)
    if (!checkLane(warp, access, i, addresses[i]))
      addresses[i] = 0;
}

void awq::gpusim::loadMatrix(Warp &warp, const Op &o) {
  requireWholeWarp(warp, o.site, "ldmatrix");
  const int32_t *list = warp.machine->list(o);
  uint64_t addresses[warpLanes];
  checkRows(warp, o, AccessKind::Read, addresses);
  for (unsigned m = 0; m < o.listSize; ++m) {
    alignas(16) uint16_t tile[rows][rows];
    for (unsigned r = 0; r < rows; ++r) {
      uint64_t from = addresses[m * rows + r];
      if (from)
        std::memcpy(tile[r], reinterpret_cast<const void *>(from), rowBytes);
      else
        std::memset(tile[r], 0xff, rowBytes);
    }
    if (!(o.imm & 1)) {
      // Lane 4r + t gets elements 2t and 2t + 1 of row r: the tile as it is.
      std::memcpy(warp.registers + list[m], tile, sizeof(tile));
      continue;
    }
    uint32_t *d = reg<uint32_t>(warp, list[m]);
    for (unsigned lane = 0; lane < warpLanes; ++lane) {
      unsigned t = lane % 4, g = lane / 4;
      d[lane] = tile[2 * t][g] | uint32_t(tile[2 * t + 1][g]) << 16;
    }
  }
}

void awq::gpusim::storeMatrix(Warp &warp, const Op &o) {
  requireWholeWarp(warp, o.site, "stmatrix");
  const int32_t *list = warp.machine->list(o);
  uint64_t addresses[warpLanes];
  checkRows(warp, o, AccessKind::Write, addresses);
  for (unsigned m = 0; m < o.listSize; ++m) {
    uint16_t tile[rows][rows];
    const uint32_t *source = reg<uint32_t>(warp, list[m]);
    for (unsigned lane = 0; lane < warpLanes; ++lane) {
      unsigned t = lane % 4, g = lane / 4;
      for (unsigned i = 0; i < 2; ++i) {
        auto element = static_cast<uint16_t>(source[lane] >> 16 * i);
        (o.imm & 1 ? tile[2 * t + i][g] : tile[g][2 * t + i]) = element;
      }
    }
    for (unsigned r = 0; r < rows; ++r)
      if (uint64_t to = addresses[m * rows + r])
        std::memcpy(reinterpret_cast<void *>(to), tile[r], rowBytes);
  }
  warp.machine->noteProgress();
}
