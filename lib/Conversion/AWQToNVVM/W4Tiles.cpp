//===- W4Tiles.cpp - the static table of tiles ----------------------------===//
//
// Part of the awq-mlir project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "W4Tiles.h"

using namespace awq;

// Two things bound a row: the shared memory of an SM (164, 100, 100 and 228 KB
// for the four chips), and the weights in flight that hide its latency (11, 4,
// 5 and 39 KB: bandwidth of an SM times about a microsecond). With 32 tokens
// and more, 256 rows share the activations in shared memory, where eight warps
// fill an SM; for 128 tokens by mma.sync they need more registers than there
// are.
static constexpr TileChoice tiles[] = {
    {"sm_80", 1, CopyEngine::CpAsync, 3, 2, 2},
    {"sm_80", 2, CopyEngine::CpAsync, 3, 2, 2},
    {"sm_80", 4, CopyEngine::CpAsync, 3, 2, 1, 2},
    {"sm_80", 8, CopyEngine::CpAsync, 4, 1, 1, 2},
    {"sm_80", 16, CopyEngine::CpAsync, 2, 1, 2},
    {"sm_86", 1, CopyEngine::CpAsync, 3, 2, 1},
    {"sm_86", 2, CopyEngine::CpAsync, 3, 2, 1},
    {"sm_86", 4, CopyEngine::CpAsync, 3, 1, 1, 2},
    {"sm_86", 8, CopyEngine::CpAsync, 2, 1, 1, 2},
    {"sm_86", 16, CopyEngine::CpAsync, 2, 1, 1},
    {"sm_89", 1, CopyEngine::CpAsync, 3, 2, 1},
    {"sm_89", 2, CopyEngine::CpAsync, 3, 2, 1},
    {"sm_89", 4, CopyEngine::CpAsync, 3, 1, 1, 2},
    {"sm_89", 8, CopyEngine::CpAsync, 2, 1, 1, 2},
    {"sm_89", 16, CopyEngine::CpAsync, 2, 1, 1},
    {"sm_90a", 1, CopyEngine::Bulk, 4, 2, 2},
    {"sm_90a", 2, CopyEngine::Bulk, 4, 2, 2},
    {"sm_90a", 4, CopyEngine::Bulk, 8, 1, 1, 2, true},
    {"sm_90a", 8, CopyEngine::Bulk, 6, 1, 1, 2, true},
    {"sm_90a", 16, CopyEngine::Bulk, 4, 1, 1, 2, true},
};

const TileChoice *awq::findTile(std::string_view chip, int64_t tokenTiles) {
  for (const TileChoice &tile : tiles)
    if (tile.chip == chip && tile.tokenTiles == tokenTiles)
      return &tile;
  return nullptr;
}
