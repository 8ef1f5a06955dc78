//===- MemoryWatch.h - peak of anonymous memory -*- C++ -*-===//
//
// Part of the awq-mlir project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef AWQ_LIB_PIPELINES_MEMORYWATCH_H
#define AWQ_LIB_PIPELINES_MEMORYWATCH_H

#include <atomic>
#include <cstdint>
#include <thread>

namespace awq {

/// Samples this process's anonymous resident memory from a thread, every few
/// milliseconds: mapped weights do not count.
class MemoryWatch {
public:
  MemoryWatch();
  ~MemoryWatch();
  MemoryWatch(const MemoryWatch &) = delete;
  MemoryWatch &operator=(const MemoryWatch &) = delete;

  /// Bytes now; 0 where the system does not tell.
  static int64_t current();
  /// The highest value since construction or the last reset.
  int64_t peak() const { return highest; }
  /// Gives memory that was freed back to the system: the allocator keeps it for
  /// later, and what the next phase needs comes on top. For the borders of
  /// phases, since it takes milliseconds.
  static void giveBack();
  /// Starts again from the present value.
  void reset();

private:
  std::atomic<int64_t> highest{0};
  std::atomic<bool> stop{false};
  std::thread sampler;
};

} // namespace awq

#endif // AWQ_LIB_PIPELINES_MEMORYWATCH_H
