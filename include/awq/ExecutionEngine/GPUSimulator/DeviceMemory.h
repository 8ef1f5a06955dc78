//===- DeviceMemory.h - the global memory of a simulated GPU -- -*- C++ -*-===//
//
// Part of the awq-mlir project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef AWQ_EXECUTIONENGINE_GPUSIMULATOR_DEVICEMEMORY_H
#define AWQ_EXECUTIONENGINE_GPUSIMULATOR_DEVICEMEMORY_H

#include <cstdint>
#include <deque>
#include <memory>
#include <string>
#include <vector>

namespace awq::gpusim {

/// An allocation of global memory. Its address in a kernel is that of `data`.
struct DeviceBuffer {
  std::string name;
  uint8_t *data = nullptr;
  uint64_t bytes = 0;
  /// Written by the kernel that runs before this one: to touch it before
  /// griddepcontrol.wait is a defect.
  bool fromPreviousKernel = false;
  /// Constants of the module; to write them is a defect.
  bool readOnly = false;

  uint64_t address() const { return reinterpret_cast<uint64_t>(data); }
};

/// The buffers a kernel may touch, each with its exact bounds.
class DeviceMemory {
public:
  DeviceMemory() = default;
  DeviceMemory(const DeviceMemory &) = delete;
  DeviceMemory &operator=(const DeviceMemory &) = delete;

  /// A new buffer, aligned to 256 bytes as by cudaMalloc and filled with 0xff
  /// bytes (NaN in every float type). It lives as long as this object.
  DeviceBuffer &allocate(std::string name, uint64_t bytes);
  /// A new buffer that holds a copy of these bytes.
  DeviceBuffer &allocate(std::string name, const void *data, uint64_t bytes);
  template <typename T>
  DeviceBuffer &allocate(std::string name, const std::vector<T> &values) {
    return allocate(std::move(name), values.data(), values.size() * sizeof(T));
  }

  const std::deque<DeviceBuffer> &buffers() const { return list; }

private:
  std::deque<DeviceBuffer> list;
  std::vector<std::unique_ptr<uint8_t[]>> storage;
};

} // namespace awq::gpusim

#endif // AWQ_EXECUTIONENGINE_GPUSIMULATOR_DEVICEMEMORY_H
