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

  /// `count` arenas of `bytes` each. False when there is no address space.
  bool reserve(unsigned count, size_t bytes);
  uint8_t *arena(unsigned index) const { return first + index * spacing; }
  /// Whether an address lies in the 4 GiB window of some arena.
  bool contains(uint64_t address) const {
    return address - reinterpret_cast<uint64_t>(first) < count * spacing;
  }

private:
  static constexpr uint64_t spacing = uint64_t(1) << 32;
  uint8_t *mapping = nullptr;
  size_t mappedBytes = 0;
  uint8_t *first = nullptr;
  uint64_t count = 0;
};

} // namespace awq::gpusim

#endif // AWQ_LIB_EXECUTIONENGINE_GPUSIMULATOR_SHAREDARENAS_H
