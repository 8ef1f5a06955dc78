//===- TargetInfo.h - facts about GPUs ---------------*- C++ -*
//-------------------------------------------------===//
//
// Part of the awq-mlir project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef AWQ_SUPPORT_TARGETINFO_H
#define AWQ_SUPPORT_TARGETINFO_H

#include "awq/Support/Error.h"

#include <cstdint>
#include <string>
#include <string_view>

namespace awq {

/// One GPU architecture, by the name that ptxas gives it.
struct ChipInfo {
  std::string_view name;
  /// The PTX version to emit, as a feature of LLVM's NVPTX target: the oldest
  /// that knows all instructions used for the chip.
  std::string_view ptxFeature;
  /// Shared memory of an SM, of which each block takes 1 KB more than it asks
  /// for.
  int64_t sharedBytes;
};

/// The row of `chip`. Errors: AWQ1530, with the chips that are known.
Result<ChipInfo> findChip(std::string_view chip);

} // namespace awq

#endif // AWQ_SUPPORT_TARGETINFO_H
