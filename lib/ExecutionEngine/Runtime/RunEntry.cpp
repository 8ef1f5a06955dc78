//===- RunEntry.cpp - an entry point on named tensors ---*- C++ -*-===//
//
// Part of the awq-mlir project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "EntryCall.h"
#include "awq/ExecutionEngine/Runtime/Machine.h"
#include "awq/ExecutionEngine/Runtime/Model.h"

#include <cstring>
#include <set>

using namespace awq;
using namespace awq::runtime;

namespace {

/// One Model::run: finds the inputs of an entry, makes its outputs.
class NamedRun {
public:
  NamedRun(const Model &model, const std::string &key, const BoundEntry &entry,
           const TensorMap &inputs)
      : model(model), key(key), entry(entry), inputs(inputs), call(entry) {}

  Result<TensorMap> run(int threads) {
    if (Status status = checkNames(); !status)
      return status.error();
    if (Status status = readRows(); !status)
      return status.error();
    const std::vector<Argument> &arguments = entry.signature.arguments;
    for (size_t i = 0; i < arguments.size(); ++i)
      if (Status status = bind(i, arguments[i]); !status)
        return status.error();
    call.invoke(threads > 0 ? threads : processorCount());
    return std::move(outputs);
  }

private:
  Error fail(const std::string &message, const std::string &help) const {
    return Error{ErrorKind::Usage, "AWQ1417", message,
                 model.path() + ": entry '" + key + "'", help};
  }

  static bool isInput(Role role) {
    return role != Role::Parameter && role != Role::HiddenOut &&
           role != Role::LogitsOut;
  }

  /// Every given tensor must be one that the entry takes.
  Status checkNames() const {
    std::set<std::string> known;
    std::string list;
    for (const Argument &argument : entry.signature.arguments)
      if (isInput(argument.role) && known.insert(argument.name).second)
        list += (list.empty() ? "" : ", ") + argument.name;
    for (const auto &input : inputs)
      if (!known.count(input.first))
        return fail("there is no input '" + input.first + "'",
                    "the inputs are: " + list);
    return {};
  }

  const Tensor *find(const Argument &argument) const {
    auto found = inputs.find(argument.name);
    return found == inputs.end() ? nullptr : &found->second;
  }

  /// Checks a given tensor against the argument it stands for.
  Status check(const Argument &argument, const Tensor &tensor) const {
    bool fits = tensor.dtype == argument.dtype &&
                tensor.shape.size() == argument.shape.size();
    int64_t bytes = io::bitWidth(argument.dtype) / 8;
    for (size_t i = 0; fits && i < tensor.shape.size(); ++i) {
      int64_t wanted = argument.shape[i], size = tensor.shape[i];
      fits = size >= 0 && (wanted < 0 || wanted == size) &&
             !__builtin_mul_overflow(bytes, size, &bytes);
    }
    if (fits && tensor.bytes.size() == static_cast<size_t>(bytes))
      return {};
    std::string shape;
    for (int64_t size : argument.shape)
      shape += (shape.empty() ? "" : ", ") +
               (size < 0 ? std::string("any") : std::to_string(size));
    return fail("the input '" + argument.name + "' does not fit",
                "it must be " + std::string(io::name(argument.dtype)) + " [" +
                    shape + "]");
  }

  /// T and the position, which the sizes of everything else follow.
  Status readRows() {
    for (const Argument &argument : entry.signature.arguments) {
      const Tensor *tensor = find(argument);
      if (isInput(argument.role) && tensor)
        if (Status status = check(argument, *tensor); !status)
          return status;
      if (argument.role == Role::Position && tensor)
        std::memcpy(&position, tensor->bytes.data(), sizeof(position));
      if (argument.role != Role::Tokens && argument.role != Role::Hidden)
        continue;
      if (!tensor)
        return fail("the input '" + argument.name + "' is missing",
                    "add it to the input file");
      rows = tensor->shape[0];
      if (rows < 1)
        return fail("the input '" + argument.name + "' has no rows",
                    "give at least one");
    }
    int64_t most = model.manifest().model.maxPosition;
    if (position < 0 || position > most || rows > most - position)
      return Error{ErrorKind::Usage, "AWQ1410",
                   std::to_string(rows) + " rows at position " +
                       std::to_string(position) +
                       " do not fit: the model was made for " +
                       std::to_string(most) + " positions",
                   model.path() + ": entry '" + key + "'",
                   "give fewer rows, or a smaller position"};
    return {};
  }

  Status bind(size_t index, const Argument &argument) {
    switch (argument.role) {
    case Role::Parameter:
      return {};
    case Role::Position:
      call.setPosition(position);
      return {};
    case Role::Tokens: {
      const Tensor *tensor = find(argument);
      const auto *ids = reinterpret_cast<const int32_t *>(tensor->bytes.data());
      call.setArgument(index, ids, rows);
      return checkTokens(ids, rows, model.manifest().model.vocabSize,
                         model.path());
    }
    case Role::Hidden:
      call.setArgument(index, find(argument)->bytes.data(), rows);
      return {};
    case Role::KCache:
    case Role::VCache:
      return bindCache(index, argument);
    case Role::HiddenOut:
    case Role::LogitsOut:
      return bindOutput(index, argument, rows);
    }
    return {};
  }

  /// Caches are written: the caller's tensor is copied, not changed.
  Status bindCache(size_t index, const Argument &argument) {
    const Tensor *given = find(argument);
    if (!given)
      return bindOutput(index, argument, position + rows);
    if (given->shape[0] < position + rows)
      return fail("the cache '" + argument.name + "' has " +
                      std::to_string(given->shape[0]) +
                      " rows, and position + rows is " +
                      std::to_string(position + rows),
                  "give a larger cache, or leave the caches out");
    Tensor &tensor = outputs[argument.name];
    tensor = *given;
    call.setArgument(index, tensor.bytes.data(), given->shape[0]);
    return {};
  }

  /// A tensor of zeros that the code fills.
  Status bindOutput(size_t index, const Argument &argument, int64_t count) {
    int64_t bytes;
    if (__builtin_mul_overflow(rowBytes(argument), count, &bytes) ||
        bytes > (int64_t(1) << 40))
      return fail("the output '" + argument.name + "' would be too large",
                  "give fewer rows");
    Tensor &tensor = outputs[argument.name];
    tensor.dtype = argument.dtype;
    tensor.shape = argument.shape;
    tensor.shape[0] = count;
    tensor.bytes.assign(static_cast<size_t>(bytes), 0);
    call.setArgument(index, tensor.bytes.data(), count);
    return {};
  }

  const Model &model;
  const std::string &key;
  const BoundEntry &entry;
  const TensorMap &inputs;
  EntryCall call;
  TensorMap outputs;
  int64_t rows = 1;
  int64_t position = 0;
};

} // namespace

Result<TensorMap> Model::run(const std::string &entry, const TensorMap &inputs,
                             int threads) const {
  const BoundEntry *bound = find(entry);
  if (!bound) {
    std::string list;
    for (const auto &known : entries)
      list += (list.empty() ? "" : ", ") + known.first;
    return Error{ErrorKind::Usage, "AWQ1417",
                 "the bundle has no entry '" + entry + "'", folder,
                 "its entries are: " + list};
  }
  return NamedRun(*this, entry, *bound, inputs).run(threads);
}
