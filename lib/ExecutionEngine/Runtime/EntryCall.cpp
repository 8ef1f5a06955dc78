//===- EntryCall.cpp - one call of compiled code --------*- C++ -*-===//
//
// Part of the awq-mlir project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "EntryCall.h"

#include <omp.h>

using namespace awq;
using namespace awq::runtime;

EntryCall::EntryCall(const BoundEntry &bound)
    : entry(&bound), descriptors(bound.descriptors),
      positionValue(new int64_t(0)) {
  for (size_t i = 0; i < descriptors.size(); ++i)
    arguments.push_back(bound.signature.arguments[i].role == Role::Position
                            ? static_cast<void *>(positionValue.get())
                            : descriptors[i].address());
}

void EntryCall::setArgument(size_t index, const void *data, int64_t rows) {
  descriptors[index].setData(data);
  descriptors[index].setSize(0, rows);
}

void EntryCall::setRows(Role role, const void *data, int64_t rows) {
  for (size_t i = 0; i < descriptors.size(); ++i)
    if (entry->signature.arguments[i].role == role)
      setArgument(i, data, rows);
}

void EntryCall::invoke(int threads) {
  // A setting of the calling thread: it holds for the parallel regions that
  // the code below opens, and for no other thread's.
  omp_set_num_threads(threads);
  entry->function(arguments.data());
}

Status awq::runtime::checkTokens(const int32_t *tokens, int64_t count,
                                 int64_t vocabulary, const std::string &where) {
  for (int64_t i = 0; i < count; ++i)
    if (tokens[i] < 0 || tokens[i] >= vocabulary)
      return Error{ErrorKind::Usage, "AWQ1411",
                   "token " + std::to_string(i) + " has the id " +
                       std::to_string(tokens[i]) +
                       ", and the model's vocabulary has the ids 0 to " +
                       std::to_string(vocabulary - 1),
                   where, "use the tokenizer that belongs to this model"};
  return {};
}

int64_t awq::runtime::rowBytes(const Argument &argument) {
  int64_t bytes = io::bitWidth(argument.dtype) / 8;
  for (size_t i = 1; i < argument.shape.size(); ++i)
    bytes *= argument.shape[i];
  return bytes;
}
