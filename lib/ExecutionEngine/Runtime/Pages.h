//===- Pages.h - memory straight from the system --------*- C++ -*-===//
//
// Part of the awq-mlir project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef AWQ_LIB_EXECUTIONENGINE_RUNTIME_PAGES_H
#define AWQ_LIB_EXECUTIONENGINE_RUNTIME_PAGES_H

#include <sys/mman.h>

#include <cstddef>
#include <utility>

namespace awq::runtime {

/// Zeroed pages that take memory only once they are touched. A null data()
/// means that the system refused (or that nothing was asked for).
class Pages {
public:
  Pages() = default;
  explicit Pages(size_t bytes) {
    void *memory =
        bytes ? mmap(nullptr, bytes, PROT_READ | PROT_WRITE,
                     MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0)
              : MAP_FAILED;
    if (memory != MAP_FAILED) {
      start = memory;
      length = bytes;
    }
  }
  Pages(Pages &&other) noexcept
      : start(std::exchange(other.start, nullptr)),
        length(std::exchange(other.length, 0)) {}
  Pages &operator=(Pages &&other) noexcept {
    std::swap(start, other.start);
    std::swap(length, other.length);
    return *this;
  }
  ~Pages() {
    if (start)
      munmap(start, length);
  }

  void *data() const { return start; }
  size_t size() const { return length; }

  /// Makes all bytes zero again by giving the memory back.
  void clear() {
    if (start)
      madvise(start, length, MADV_DONTNEED);
  }

private:
  void *start = nullptr;
  size_t length = 0;
};

} // namespace awq::runtime

#endif // AWQ_LIB_EXECUTIONENGINE_RUNTIME_PAGES_H
