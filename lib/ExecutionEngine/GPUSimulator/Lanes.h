//===- Lanes.h - registers of a warp and loops over its lanes - -*- C++ -*-===//
//
// Part of the awq-mlir project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef AWQ_LIB_EXECUTIONENGINE_GPUSIMULATOR_LANES_H
#define AWQ_LIB_EXECUTIONENGINE_GPUSIMULATOR_LANES_H

#include "ThreadBlock.h"

namespace awq::gpusim {

template <typename T>
inline T *reg(Warp &warp, int32_t offset) {
  return reinterpret_cast<T *>(warp.registers + offset);
}

inline uint32_t &maskReg(Warp &warp, int32_t offset) {
  return *reg<uint32_t>(warp, offset);
}

/// Sets the bits of active lanes only.
inline void setMask(Warp &warp, int32_t offset, uint32_t value) {
  uint32_t &target = maskReg(warp, offset);
  target = (target & ~warp.mask) | (value & warp.mask);
}

/// d[lane] = f(lane) for the active lanes. A register is never both source and
/// destination, which lets the loop become vector code.
template <typename T, typename F>
inline void forLanes(Warp &warp, int32_t destination, F f) {
  T *__restrict d = reg<T>(warp, destination);
  if (warp.mask == allLanes) {
    for (unsigned lane = 0; lane < warpLanes; ++lane)
      d[lane] = f(lane);
    return;
  }
  for (unsigned lane = 0; lane < warpLanes; ++lane)
    if (warp.mask >> lane & 1)
      d[lane] = f(lane);
}

/// Calls f(lane) for the active lanes, in order.
template <typename F>
inline void eachLane(uint32_t mask, F f) {
  for (; mask; mask &= mask - 1)
    f(static_cast<unsigned>(__builtin_ctz(mask)));
}

/// An address operand: 32-bit registers hold offsets in shared memory.
inline uint64_t addressAt(Warp &warp, int32_t offset, bool is32,
                          unsigned lane) {
  if (is32)
    return warp.block->sharedBase() + reg<uint32_t>(warp, offset)[lane];
  return reg<uint64_t>(warp, offset)[lane];
}

} // namespace awq::gpusim

#endif // AWQ_LIB_EXECUTIONENGINE_GPUSIMULATOR_LANES_H
