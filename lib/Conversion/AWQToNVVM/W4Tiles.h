//===- W4Tiles.h - the static table of tiles --------------------*- C++ -*-===//
//
// Part of the awq-mlir project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef AWQ_LIB_CONVERSION_AWQTONVVM_W4TILES_H
#define AWQ_LIB_CONVERSION_AWQTONVVM_W4TILES_H

#include <cstdint>
#include <string_view>

namespace awq {

/// How a kernel brings weights into shared memory.
enum class CopyEngine {
  /// cp.async by the threads that compute.
  CpAsync,
  /// cp.async.bulk by a warp of its own, with mbarriers.
  Bulk,
};

/// One row of the table: the shape of a decode kernel on a chip.
struct TileChoice {
  std::string_view chip;
  /// Tiles of 8 tokens that share each weight fragment.
  int64_t tokenTiles = 1;
  CopyEngine copy = CopyEngine::CpAsync;
  /// Stages of the ring, and records in K that each holds.
  int64_t stages = 3;
  int64_t records = 2;
  /// Blocks that shall run on one SM, if they fit.
  int64_t blocksPerSM = 2;
  /// Tiles of 128 rows that a block computes side by side, with four warps
  /// each.
  int64_t rowTiles = 1;
  /// Whether they are warpgroups, and multiply by wgmma; else by mma.sync.
  bool wgmma = false;
};

/// The row for `chip`, or null.
const TileChoice *findTile(std::string_view chip, int64_t tokenTiles);

} // namespace awq

#endif // AWQ_LIB_CONVERSION_AWQTONVVM_W4TILES_H
