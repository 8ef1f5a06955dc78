//===- DeviceMemory.cpp - the global memory of a simulated GPU ------------===//
//
// Part of the awq-mlir project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "awq/ExecutionEngine/GPUSimulator/DeviceMemory.h"

#include <cstring>

using namespace awq::gpusim;

DeviceBuffer &DeviceMemory::allocate(std::string name, uint64_t bytes) {
  constexpr uint64_t alignment = 256;
  storage.push_back(std::make_unique<uint8_t[]>(bytes + 2 * alignment));
  uint64_t start = reinterpret_cast<uint64_t>(storage.back().get());
  uint64_t aligned = (start + alignment - 1) / alignment * alignment;
  DeviceBuffer buffer;
  buffer.name = std::move(name);
  buffer.data = storage.back().get() + (aligned - start);
  buffer.bytes = bytes;
  std::memset(buffer.data, 0xff, bytes);
  list.push_back(std::move(buffer));
  return list.back();
}

DeviceBuffer &DeviceMemory::allocate(std::string name, const void *data,
                                     uint64_t bytes) {
  DeviceBuffer &buffer = allocate(std::move(name), bytes);
  if (bytes)
    std::memcpy(buffer.data, data, bytes);
  return buffer;
}
