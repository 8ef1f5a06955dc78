//===- Fingerprint.cpp - which model some tensors are -----------*- C++ -*-===//
//
// Part of the awq-mlir project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "awq/IO/Fingerprint.h"

#include "awq/IO/Sha256.h"

#include <algorithm>

using namespace awq;
using namespace awq::io;

static constexpr uint64_t blockBytes = 4096;
static constexpr uint64_t blockCount = 16;

static void addContent(Sha256 &hash, const TensorView &tensor) {
  if (tensor.bytes <= blockBytes * blockCount)
    return hash.update(tensor.data, tensor.bytes);
  for (uint64_t i = 0; i < blockCount; ++i)
    hash.update(tensor.data +
                    (tensor.bytes - blockBytes) * i / (blockCount - 1),
                blockBytes);
}

std::string io::fingerprint(std::vector<TensorView> tensors) {
  std::sort(
      tensors.begin(), tensors.end(),
      [](const TensorView &a, const TensorView &b) { return a.name < b.name; });
  Sha256 hash;
  auto addText = [&](std::string_view text) {
    hash.update(text.data(), text.size());
    hash.update("", 1);
  };
  for (const TensorView &tensor : tensors) {
    addText(tensor.name);
    addText(name(tensor.dtype));
    std::string shape;
    for (int64_t size : tensor.shape)
      shape += (shape.empty() ? "" : ",") + std::to_string(size);
    addText(shape);
    addContent(hash, tensor);
  }
  return toHex(hash.finish());
}
