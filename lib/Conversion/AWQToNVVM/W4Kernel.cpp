//===- W4Kernel.cpp - names of kernels ------------------------------------===//
//
// Part of the awq-mlir project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "W4Kernel.h"

using namespace awq;

static const char *typeSuffix(ActivationType type) {
  return type == ActivationType::F16 ? "" : "_bf16";
}

/// "g128", by the channels that share a scale in a record.
static std::string groupText(int64_t groups) {
  return groups == 0 ? "row"
                     : "g" + std::to_string(RecordGeometry::channels / groups);
}

std::string W4KernelSpec::name() const {
  std::string text = "awq_w" + std::to_string(bits) + "_" + groupText(groups);
  if (symmetric)
    text += "_symmetric";
  if (bias)
    text += "_bias";
  text += typeSuffix(type);
  if (mode == CodeMode::Exact)
    text += "_exact";
  return text + "_m" + std::to_string(tokens());
}

std::string W4KernelSpec::packName() const {
  return "awq_pack_" + groupText(sums()) + typeSuffix(type) + "_m" +
         std::to_string(tokens());
}
