//===- MemRef.h - memref descriptors as generated code sees them *- C++ -*-===//
//
// Part of the awq-mlir project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The layout is MLIR's (mlir/docs/TargetLLVMIR.md, "Ranked MemRef Types"); it
// is written down here so that running a model needs no MLIR.
//
//===----------------------------------------------------------------------===//

#ifndef AWQ_EXECUTIONENGINE_RUNTIME_MEMREF_H
#define AWQ_EXECUTIONENGINE_RUNTIME_MEMREF_H

#include <cstddef>
#include <cstdint>
#include <vector>

namespace awq::runtime {

/// An unranked memref: a rank, and a ranked descriptor in memory.
struct UnrankedMemRef {
  int64_t rank;
  void *descriptor;
};

/// The head of a ranked descriptor of any rank: `rank` sizes and then `rank`
/// strides, both in elements, follow it in memory.
struct MemRefHead {
  void *allocated;
  void *aligned;
  int64_t offset;

  int64_t *sizes() { return reinterpret_cast<int64_t *>(this + 1); }
  const int64_t *sizes() const {
    return reinterpret_cast<const int64_t *>(this + 1);
  }
};
static_assert(sizeof(MemRefHead) == 3 * sizeof(int64_t),
              "descriptors are made of 64-bit words");

/// A ranked descriptor of a dense row-major buffer, owning the descriptor and
/// not the buffer. Its address is what generated code takes.
class MemRefDescriptor {
public:
  /// Of rank sizes.size(); offset 0, row-major strides.
  explicit MemRefDescriptor(const std::vector<int64_t> &sizes,
                            const void *data = nullptr)
      : rank(sizes.size()), words(3 + 2 * sizes.size()) {
    for (size_t i = 0; i < rank; ++i)
      words[3 + i] = sizes[i];
    computeStrides();
    setData(data);
  }

  /// Points the descriptor at another buffer. Parameters are read only by
  /// contract, which the type of a descriptor cannot say.
  void setData(const void *data) {
    words[0] = words[1] =
        static_cast<int64_t>(reinterpret_cast<intptr_t>(data));
  }

  /// Changes one size, and the strides with it.
  void setSize(size_t dimension, int64_t size) {
    words[3 + dimension] = size;
    computeStrides();
  }

  int64_t size(size_t dimension) const { return words[3 + dimension]; }

  /// What goes into the argument array. Stays valid until *this is moved to or
  /// destroyed.
  void *address() { return words.data(); }

private:
  void computeStrides() {
    // The leading size never enters a stride.
    for (size_t i = rank; i-- > 0;)
      words[3 + rank + i] =
          i + 1 == rank ? 1 : words[3 + rank + i + 1] * words[3 + i + 1];
  }

  size_t rank;
  /// allocated, aligned, offset, sizes, strides.
  std::vector<int64_t> words;
};

} // namespace awq::runtime

#endif // AWQ_EXECUTIONENGINE_RUNTIME_MEMREF_H
