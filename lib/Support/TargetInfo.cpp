//===- TargetInfo.cpp - facts about GPUs
//-------------------------------------------------===//
//
// Part of the awq-mlir project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "awq/Support/TargetInfo.h"

using namespace awq;

static constexpr ChipInfo chips[] = {
    {"sm_80", "+ptx80", 164 << 10},
    {"sm_86", "+ptx80", 100 << 10},
    {"sm_89", "+ptx80", 100 << 10},
    {"sm_90a", "+ptx80", 228 << 10},
};

Result<ChipInfo> awq::findChip(std::string_view chip) {
  std::string known;
  for (const ChipInfo &info : chips) {
    if (info.name == chip)
      return info;
    known += (known.empty() ? "" : ", ") + std::string(info.name);
  }
  return Error{ErrorKind::Unsupported, "AWQ1530",
               "no kernels are made for the chip " + std::string(chip), "",
               "use one of " + known};
}
