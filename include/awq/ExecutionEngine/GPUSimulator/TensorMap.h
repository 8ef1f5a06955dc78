//===- TensorMap.h - tensor maps for simulated copies --------- -*- C++ -*-===//
//
// Part of the awq-mlir project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef AWQ_EXECUTIONENGINE_GPUSIMULATOR_TENSORMAP_H
#define AWQ_EXECUTIONENGINE_GPUSIMULATOR_TENSORMAP_H

#include <array>
#include <cstdint>

namespace awq::gpusim {

/// What cuTensorMapEncodeTiled would be told. The driver's 128 bytes are
/// opaque, so the simulator has its own; a kernel only passes their address on.
/// Dimensions are the innermost first.
struct TensorMap {
  static constexpr uint64_t signature = 0x50414d524f534e54;
  uint64_t magic = signature;
  uint64_t base = 0;
  uint32_t rank = 0;
  uint32_t elementBytes = 2;
  /// 0, 32, 64 or 128 bytes.
  uint32_t swizzle = 0;
  uint32_t reserved = 0;
  std::array<uint32_t, 5> size{};
  std::array<uint32_t, 5> box{};
  /// Bytes between neighbours in dimensions 1 and up.
  std::array<uint64_t, 4> stride{};
  std::array<uint8_t, 24> padding{};
};
static_assert(sizeof(TensorMap) == 128, "as CUtensorMap");

} // namespace awq::gpusim

#endif // AWQ_EXECUTIONENGINE_GPUSIMULATOR_TENSORMAP_H
