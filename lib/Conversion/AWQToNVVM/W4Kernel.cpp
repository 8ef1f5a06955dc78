//===- W4Kernel.cpp - names of kernels ------------------------------------===//
//
// Part of the awq-mlir project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "W4Kernel.h"

using namespace awq;

llvm::StringRef awq::modeName(CodeMode mode) {
  switch (mode) {
  case CodeMode::Subnormal:
    return "subnormal";
  case CodeMode::Exact:
    return "exact";
  case CodeMode::Planes:
    return "planes";
  }
  llvm_unreachable("all modes are above");
}

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
  if (mode != CodeMode::Subnormal)
    text += "_" + modeName(mode).str();
  return text + "_m" + std::to_string(tokens());
}

std::string W4KernelSpec::packName() const {
  return "awq_pack_" + groupText(sums()) + typeSuffix(type) +
         (mode == CodeMode::Planes ? "_planes_m" : "_m") +
         std::to_string(tokens());
}
