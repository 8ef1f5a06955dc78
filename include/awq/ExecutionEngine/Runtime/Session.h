//===- Session.h - one sequence of tokens ---------------*- C++ -*-===//
//
// Part of the awq-mlir project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef AWQ_EXECUTIONENGINE_RUNTIME_SESSION_H
#define AWQ_EXECUTIONENGINE_RUNTIME_SESSION_H

#include "awq/ExecutionEngine/Runtime/Export.h"
#include "awq/ExecutionEngine/Runtime/Model.h"

#include <cstdint>
#include <memory>

namespace awq::runtime {

/// The key/value caches of one sequence and how far they are filled. Keeps its
/// model alive. Belongs to one thread at a time.
class Session {
public:
  /// `maxSeq` tokens at most (0: the model's max_position), on `threads`
  /// threads (0: one per processor this process may use). Errors: AWQ1413 (a
  /// number out of range), AWQ1414 (no memory).
  AWQ_RUNTIME_EXPORT static Result<std::unique_ptr<Session>>
  create(std::shared_ptr<const Model> model, int64_t maxSeq, int threads);

  AWQ_RUNTIME_EXPORT ~Session();
  Session(const Session &) = delete;
  Session &operator=(const Session &) = delete;

  const Model &model() const;
  AWQ_RUNTIME_EXPORT int64_t position() const;
  AWQ_RUNTIME_EXPORT int64_t capacity() const;

  /// Appends `count` tokens. `logits`: null, or room for [V] (after the last
  /// token), or for [count, V] with `allRows`. Errors, all found before
  /// anything changes: AWQ1410 (does not fit), AWQ1411 (no such token),
  /// AWQ1412 (no tokens), AWQ1414 (no memory).
  AWQ_RUNTIME_EXPORT Status forward(const int32_t *tokens, int64_t count,
                                    float *logits, bool allRows);

  /// Forgets all tokens and gives the caches' memory back.
  AWQ_RUNTIME_EXPORT void reset();
  /// Forgets the tokens from `position` onwards. Error: AWQ1415.
  AWQ_RUNTIME_EXPORT Status truncate(int64_t position);

private:
  struct State;
  explicit Session(std::unique_ptr<State> state);
  std::unique_ptr<State> state;
};

} // namespace awq::runtime

#endif // AWQ_EXECUTIONENGINE_RUNTIME_SESSION_H
