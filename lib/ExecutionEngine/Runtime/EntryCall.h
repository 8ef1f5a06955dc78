//===- EntryCall.h - one call of compiled code ----------*- C++ -*-===//
//
// Part of the awq-mlir project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef AWQ_LIB_EXECUTIONENGINE_RUNTIME_ENTRYCALL_H
#define AWQ_LIB_EXECUTIONENGINE_RUNTIME_ENTRYCALL_H

#include "awq/ExecutionEngine/Runtime/Model.h"

#include <cstdint>
#include <vector>

namespace awq::runtime {

/// The argument array of one entry point, built once and reused for call after
/// call. Parameters point at the model's tensors; the rest is set by role.
class EntryCall {
public:
  explicit EntryCall(const BoundEntry &entry);

  // The argument array points into the object's own vectors, which keep their
  // memory when moved.
  EntryCall(EntryCall &&) = default;
  EntryCall(const EntryCall &) = delete;

  const Entry &signature() const { return entry->signature; }

  /// Gives every argument of that role a buffer of `rows` leading elements.
  void setRows(Role role, const void *data, int64_t rows);
  /// Gives argument `index` a buffer of `rows` leading elements.
  void setArgument(size_t index, const void *data, int64_t rows);
  void setPosition(int64_t position) { *positionValue = position; }

  /// Runs the code on `threads` threads.
  void invoke(int threads);

private:
  const BoundEntry *entry;
  std::vector<MemRefDescriptor> descriptors;
  std::unique_ptr<int64_t> positionValue;
  std::vector<void *> arguments;
};

/// The first token id outside [0, vocabulary), as error AWQ1411, or success.
Status checkTokens(const int32_t *tokens, int64_t count, int64_t vocabulary,
                   const std::string &where);

/// What one row of a buffer takes in bytes.
int64_t rowBytes(const Argument &argument);

} // namespace awq::runtime

#endif // AWQ_LIB_EXECUTIONENGINE_RUNTIME_ENTRYCALL_H
