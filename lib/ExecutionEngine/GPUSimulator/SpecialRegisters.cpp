//===- SpecialRegisters.cpp - where a thread is ---------------------------===//
//
// Part of the awq-mlir project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Lanes.h"
#include "Machine.h"
#include "Ops.h"

using namespace awq::gpusim;

static uint32_t laneValue(const Warp &warp, SpecialRegister which,
                          unsigned lane) {
  const Dim3 &size = warp.machine->config.block;
  unsigned thread = warp.index * warpLanes + lane;
  uint32_t bit = 1u << lane;
  switch (which) {
  case SpecialRegister::TidX:
    return thread % size.x;
  case SpecialRegister::TidY:
    return thread / size.x % size.y;
  case SpecialRegister::TidZ:
    return thread / size.x / size.y;
  case SpecialRegister::LaneId:
    return lane;
  case SpecialRegister::LaneMaskEq:
    return bit;
  case SpecialRegister::LaneMaskLt:
    return bit - 1;
  case SpecialRegister::LaneMaskLe:
    return bit | (bit - 1);
  case SpecialRegister::LaneMaskGe:
    return ~(bit - 1);
  case SpecialRegister::LaneMaskGt:
    return ~(bit | (bit - 1));
  default:
    return 0;
  }
}

static uint32_t warpValue(const Warp &warp, SpecialRegister which) {
  const Machine &machine = *warp.machine;
  const LaunchConfig &config = machine.config;
  switch (which) {
  case SpecialRegister::CtaidX:
    return warp.block->index.x;
  case SpecialRegister::CtaidY:
    return warp.block->index.y;
  case SpecialRegister::CtaidZ:
    return warp.block->index.z;
  case SpecialRegister::NtidX:
    return config.block.x;
  case SpecialRegister::NtidY:
    return config.block.y;
  case SpecialRegister::NtidZ:
    return config.block.z;
  case SpecialRegister::NctaidX:
    return config.grid.x;
  case SpecialRegister::NctaidY:
    return config.grid.y;
  case SpecialRegister::NctaidZ:
    return config.grid.z;
  case SpecialRegister::WarpId:
    return warp.index;
  case SpecialRegister::WarpSize:
    return warpLanes;
  case SpecialRegister::SmId:
    return static_cast<uint32_t>(warp.block->linear %
                                 machine.options.residentBlocks);
  case SpecialRegister::NumSms:
    return machine.options.residentBlocks;
  case SpecialRegister::ActiveMask:
    return warp.mask;
  case SpecialRegister::Clock:
    return static_cast<uint32_t>(machine.counters.branches);
  case SpecialRegister::DynamicSharedSize:
    return config.dynamicSharedBytes;
  case SpecialRegister::One:
    return 1;
  default:
    return 0;
  }
}

static bool perLane(SpecialRegister which) {
  switch (which) {
  case SpecialRegister::TidX:
  case SpecialRegister::TidY:
  case SpecialRegister::TidZ:
  case SpecialRegister::LaneId:
  case SpecialRegister::LaneMaskEq:
  case SpecialRegister::LaneMaskLt:
  case SpecialRegister::LaneMaskLe:
  case SpecialRegister::LaneMaskGe:
  case SpecialRegister::LaneMaskGt:
    return true;
  default:
    return false;
  }
}

void awq::gpusim::readSpecial(Warp &warp, const Op &o) {
  auto which = static_cast<SpecialRegister>(o.imm);
  if (perLane(which)) {
    forLanes<uint32_t>(
        warp, o.d, [&](unsigned lane) { return laneValue(warp, which, lane); });
    return;
  }
  uint32_t value = warpValue(warp, which);
  forLanes<uint32_t>(warp, o.d, [=](unsigned) { return value; });
}
