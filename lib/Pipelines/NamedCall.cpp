//===- NamedCall.cpp - calls of entry points by name ------------*- C++ -*-===//
//
// Part of the awq-mlir project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "NamedCall.h"

#include "InputSizes.h"

#include <cstdlib>
#include <cstring>
#include <set>

using namespace awq;
using namespace awq::runtime;

static std::string shapeText(const std::vector<int64_t> &shape) {
  std::string text;
  for (int64_t size : shape)
    text += (text.empty() ? "" : ", ") +
            (size < 0 ? std::string("any") : std::to_string(size));
  return "[" + text + "]";
}

Status NamedCall::checkNames(const TensorMap &inputs) const {
  std::string known;
  std::set<std::string> names;
  for (const EntryArgument &argument : entry.arguments)
    if (argument.role != "parameter" && !argument.isDestination() &&
        !argument.isReturned())
      if (names.insert(argument.name).second)
        known += (known.empty() ? "" : ", ") + argument.name;
  for (const auto &input : inputs)
    if (!names.count(input.first))
      return Error{ErrorKind::Usage, "AWQ1521",
                   "there is no argument '" + input.first + "'",
                   "entry point '" + entry.name + "'",
                   "the arguments are: " + known};
  return {};
}

Status NamedCall::bindInput(size_t index, const Tensor &tensor) {
  const EntryArgument &argument = entry.arguments[index];
  bool fits = toDType(argument.type) == tensor.dtype;
  // A scalar may come as a vector of one element.
  if (argument.isScalar)
    fits &= tensor.bytes.size() * 8 == uint64_t(io::bitWidth(tensor.dtype));
  else
    fits &= tensor.shape.size() == argument.shape.size();
  for (size_t i = 0; fits && i < argument.shape.size(); ++i)
    fits = argument.shape[i] < 0 || argument.shape[i] == tensor.shape[i];
  if (!fits)
    return fail(argument,
                "is given as " + std::string(io::name(tensor.dtype)) + " " +
                    shapeText(tensor.shape),
                "it must be " + argument.type + " " +
                    shapeText(argument.shape));
  if (argument.isScalar && argument.role == "position")
    std::memcpy(&position, tensor.bytes.data(), sizeof(position));
  if (argument.role == "tokens" || argument.role == "hidden")
    tokens = tensor.shape.front();
  tensors[index] = tensor;
  return {};
}

Status NamedCall::bindInputs(const TensorMap &inputs) {
  for (size_t i = 0; i < entry.arguments.size(); ++i) {
    const EntryArgument &argument = entry.arguments[i];
    auto given = inputs.find(argument.name);
    if (given != inputs.end() && !argument.isDestination()) {
      if (Status status = bindInput(i, given->second); !status)
        return status;
    } else if (argument.role == "position") {
      tensors[i] = Tensor{io::DType::I64, {}, std::vector<uint8_t>(8)};
    } else if (argument.role != "parameter" && !argument.isDestination() &&
               !argument.isReturned() && !argument.isCache()) {
      return fail(argument, "is missing",
                  "give a tensor of that name, " + argument.type + " " +
                      shapeText(argument.shape));
    }
  }
  return {};
}

/// Compiled code indexes tables and caches by the values of its inputs and
/// checks none of them.
Status NamedCall::checkValues() const {
  constexpr int64_t maxRows = int64_t(1) << 31;
  for (size_t i = 0; i < entry.arguments.size(); ++i) {
    const EntryArgument &argument = entry.arguments[i];
    if (!tensors[i])
      continue;
    if (argument.role == "position" &&
        (position < 0 || position > maxRows - tokens))
      return fail(argument, "is " + std::to_string(position),
                  "a position counts the tokens before the first one given");
    if (argument.isCache()) {
      Result<int64_t> needed = neededRows(argument);
      if (!needed)
        return needed.error();
      if (tensors[i]->shape.front() < *needed)
        return fail(argument,
                    "has " + std::to_string(tensors[i]->shape.front()) +
                        " rows, and " + std::to_string(*needed) + " are used",
                    "give a larger one, or leave it out");
    }
    if (argument.role != "tokens" || tensors[i]->dtype != io::DType::I32)
      continue;
    auto *ids = reinterpret_cast<const int32_t *>(tensors[i]->bytes.data());
    for (int64_t t = 0; t < tokens; ++t)
      if (ids[t] < 0 || ids[t] >= vocabulary)
        return fail(argument,
                    "holds " + std::to_string(ids[t]) + " at index " +
                        std::to_string(t),
                    "token ids run from 0 to " +
                        std::to_string(vocabulary - 1));
  }
  return {};
}

void NamedCall::allocate(size_t index, std::vector<int64_t> shape) {
  io::DType dtype = *toDType(entry.arguments[index].type);
  int64_t bits = io::bitWidth(dtype);
  for (int64_t size : shape)
    bits *= size;
  tensors[index] =
      Tensor{dtype, std::move(shape), std::vector<uint8_t>((bits + 7) / 8)};
}

/// One past the last row of a cache that the call writes.
Result<int64_t> NamedCall::neededRows(const EntryArgument &cache) const {
  Error unknown =
      fail(cache, "is written in places that do not follow from the inputs",
           "let the keys' number of rows and the position of each "
           "decoder.attention come from arguments or constants");
  if (!cache.writes)
    return unknown;
  constexpr int64_t maxRows = int64_t(1) << 31;
  int64_t needed = 0;
  for (const EntryArgument::Write &write : *cache.writes) {
    int64_t rows = write.rows, first = write.position;
    // Keys could be a cache themselves, which may not be there yet.
    if (write.rowsArgument >= 0 && !tensors[write.rowsArgument])
      return unknown;
    if (write.rowsArgument >= 0)
      rows = tensors[write.rowsArgument]->shape[write.rows];
    if (write.positionArgument >= 0)
      std::memcpy(&first, tensors[write.positionArgument]->bytes.data(),
                  sizeof first);
    if (first < 0 || first > maxRows - rows)
      return fail(cache, "would be written from row " + std::to_string(first),
                  "a position counts the tokens before the first one given");
    needed = std::max(needed, first + rows);
  }
  return needed;
}

Status NamedCall::bindCache(size_t index) {
  const EntryArgument &argument = entry.arguments[index];
  Result<int64_t> needed = neededRows(argument);
  if (!needed)
    return needed.error();
  std::vector<int64_t> shape = argument.shape;
  if (shape.front() < 0)
    shape.front() = std::max(options.maxSeq, *needed);
  else if (shape.front() < *needed)
    return fail(argument,
                "has " + std::to_string(shape.front()) + " rows, and " +
                    std::to_string(*needed) + " are used",
                "give fewer tokens, or an earlier position");
  allocate(index, std::move(shape));
  return {};
}

Status NamedCall::bindDestination(size_t index) {
  const EntryArgument &argument = entry.arguments[index];
  std::vector<int64_t> shape = argument.shape;
  size_t dynamic = 0;
  for (int64_t &size : shape) {
    if (size >= 0)
      continue;
    auto [source, dimension] = argument.sizes[dynamic++];
    if (source < 0 || !tensors[source])
      return fail(argument, "has a size that does not follow from the inputs",
                  "give the function a static result type");
    size = tensors[source]->shape[dimension];
  }
  allocate(index, std::move(shape));
  return {};
}

void NamedCall::bindReturned(size_t index) {
  size_t rank = entry.arguments[index].shape.size();
  descriptors.emplace_back(std::vector<int64_t>(rank));
  arguments[index] = descriptors.back().address();
}

/// Copies a buffer of any strides from dimension `dimension` on, row by row.
static uint8_t *copyDense(const MemRefHead &head, size_t rank, size_t dimension,
                          const uint8_t *source, size_t width,
                          uint8_t *target) {
  if (dimension == rank) {
    std::memcpy(target, source, width);
    return target + width;
  }
  const int64_t *sizes = head.sizes(), *strides = sizes + rank;
  if (dimension + 1 == rank && strides[dimension] == 1) {
    std::memcpy(target, source, sizes[dimension] * width);
    return target + sizes[dimension] * width;
  }
  for (int64_t i = 0; i < sizes[dimension]; ++i)
    target = copyDense(head, rank, dimension + 1,
                       source + i * strides[dimension] * width, width, target);
  return target;
}

/// Copies a tensor that the entry point made, and frees it.
void NamedCall::takeReturned(size_t index, void *descriptor) {
  auto *head = static_cast<MemRefHead *>(descriptor);
  size_t rank = entry.arguments[index].shape.size();
  allocate(index, std::vector<int64_t>(head->sizes(), head->sizes() + rank));
  std::vector<uint8_t> &bytes = tensors[index]->bytes;
  size_t width = io::bitWidth(tensors[index]->dtype) / 8;
  // A slice of a buffer may be declared dense, but is not: LLVM 22 casts
  // memref<2x?xf32, strided<[?, 1]>> to memref<2x?xf32> and copies nothing.
  const auto *data =
      static_cast<const uint8_t *>(head->aligned) + head->offset * width;
  if (!bytes.empty())
    copyDense(*head, rank, 0, data, width, bytes.data());
  std::free(head->allocated);
}

Status NamedCall::bindParameter(size_t index) {
  Result<io::TensorView> view = parameters.find(entry.arguments[index]);
  if (!view)
    return view.error();
  const uint8_t *data = view->data;
  if (!view->isAligned()) {
    aligned.emplace_back(data, data + view->bytes);
    data = aligned.back().data();
  }
  descriptors.emplace_back(view->shape, data);
  arguments[index] = descriptors.back().address();
  return {};
}

Result<TensorMap> NamedCall::run(jit::EntryFunction function,
                                 const TensorMap &inputs) {
  size_t count = entry.arguments.size();
  tensors.resize(count);
  arguments.resize(count);
  if (Status status = checkNames(inputs); !status)
    return status.error();
  if (Status status = bindInputs(inputs); !status)
    return status.error();
  ArgumentShapes shapes(count);
  for (size_t i = 0; i < count; ++i)
    if (tensors[i])
      shapes[i] = tensors[i]->shape;
  if (Status status = checkInputSizes(entry, shapes); !status)
    return status.error();
  if (Status status = checkValues(); !status)
    return status.error();
  for (size_t i = 0; i < count; ++i) {
    const EntryArgument &argument = entry.arguments[i];
    Status status;
    if (argument.role == "parameter")
      status = bindParameter(i);
    else if (argument.isDestination())
      status = bindDestination(i);
    else if (argument.isReturned())
      bindReturned(i);
    else if (!tensors[i])
      status = bindCache(i);
    if (!status)
      return status.error();
    if (!tensors[i])
      continue;
    // Indices are moved into the sizes, and 0 is read even where there is
    // nothing.
    if (tensors[i]->bytes.empty())
      tensors[i]->bytes.reserve(64);
    arguments[i] = tensors[i]->bytes.data();
    if (!argument.isScalar) {
      descriptors.emplace_back(tensors[i]->shape, tensors[i]->bytes.data());
      arguments[i] = descriptors.back().address();
    }
  }
  jit::setThreads(options.threads);
  function(arguments.data());
  TensorMap outputs;
  for (size_t i = 0; i < count; ++i)
    if (entry.arguments[i].isReturned())
      takeReturned(i, arguments[i]);
  for (size_t i = 0; i < count; ++i) {
    const EntryArgument &argument = entry.arguments[i];
    if (argument.isDestination() || argument.isCache() || argument.isReturned())
      outputs[argument.name] = std::move(*tensors[i]);
  }
  return outputs;
}
