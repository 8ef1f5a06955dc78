//===- SharedArenas.h - addresses for shared memories --------- -*- C++ -*-===//
//
// Part of the awq-mlir project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef AWQ_LIB_EXECUTIONENGINE_GPUSIMULATOR_SHAREDARENAS_H
#define AWQ_LIB_EXECUTIONENGINE_GPUSIMULATOR_SHAREDARENAS_H

#include <cstddef>
#include <cstdint>
#include <vector>

namespace awq::gpusim {

/// Shared memories at addresses whose low 32 bits are 0: a pointer that a
/// kernel cuts to 32 bits, as matrix descriptors and inline PTX do, still is
/// the offset in shared memory.
class SharedArenas {
public:
  SharedArenas() = default;
  SharedArenas(const SharedArenas &) = delete;
  SharedArenas &operator=(const SharedArenas &) = delete;
  ~SharedArenas();

  /// `count` arenas of `bytes` each, and next to each `ownBytes` for the
  /// simulator. False when there is no address space. Contents are arbitrary:
  /// mappings of earlier launches are used again, as page faults cost more than
  /// running a small kernel.
  bool reserve(unsigned count, size_t bytes, size_t ownBytes);
  uint8_t *arena(unsigned index) const { return first + index * spacing; }
  /// The simulator's memory next to an arena, aligned to pages.
  uint8_t *ownMemory(unsigned index) const { return arena(index) + ownOffset; }
  /// Whether an address lies in the 4 GiB window of some arena.
  bool contains(uint64_t address) const {
    return address - reinterpret_cast<uint64_t>(first) < count * spacing;
  }

private:
  static constexpr uint64_t spacing = uint64_t(1) << 32;
  static constexpr uint64_t ownOffset = spacing / 2;
  /// Address space, of which each arena's first bytes and own bytes are usable.
  struct Mapping {
    uint8_t *start = nullptr;
    unsigned arenas = 0;
    size_t bytes = 0, ownBytes = 0;

    size_t mappedBytes() const { return (arenas + 1) * spacing; }
  };
  static std::vector<Mapping> &unused();
  static bool takeUnused(Mapping &mapping);

  Mapping mapping;
  uint8_t *first = nullptr;
  uint64_t count = 0;
};

} // namespace awq::gpusim

#endif // AWQ_LIB_EXECUTIONENGINE_GPUSIMULATOR_SHAREDARENAS_H
