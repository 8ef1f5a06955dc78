//===- W4Selection.cpp - which kernel for how many tokens
//------------------===//
//
// Part of the awq-mlir project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// A kernel for 128 tokens multiplies by 128 columns, whether there are 128
// tokens or 65: then three blocks of 32 have a third less to do. The weights
// are read from L2 by all but the first of them. And a small weight has fewer
// tiles than the GPU has multiprocessors: more blocks of fewer tokens fill it.
// benchmarks/gpu_time.py is the model behind the numbers; where it sees less
// than some percent, the wider kernel is taken, which needs less of what the
// model may not see.
//
//===----------------------------------------------------------------------===//

#include "W4Selection.h"

using namespace awq;

namespace {

/// A row of the table: the first that applies is taken.
struct SelectionRow {
  /// Whether it is for chips with wgmma.
  bool wgmma;
  /// Weights N K up to which, and tokens up to which; 0: any number.
  int64_t mostWeights, mostTokens;
  /// The tokens of the kernel.
  int64_t tokens;
};

} // namespace

static constexpr int64_t small = int64_t(1) << 22;

static constexpr SelectionRow table[] = {
    // sm_80, sm_86, sm_89
    {false, 0, 8, 8},
    {false, 0, 16, 16},
    {false, 0, 32, 32},
    {false, small, 0, 16},
    {false, 0, 48, 16},
    {false, 0, 64, 64},
    {false, 0, 96, 32},
    {false, 0, 128, 128},
    {false, 0, 160, 32},
    {false, 0, 192, 64},
    {false, 0, 256, 128},
    {false, 0, 320, 64},
    {false, 0, 0, 128},
    // sm_90a
    {true, 0, 8, 8},
    {true, 0, 16, 16},
    {true, 0, 32, 32},
    {true, 0, 64, 64},
    {true, small, 0, 32},
    {true, 0, 96, 32},
    {true, 0, 128, 128},
    {true, 0, 160, 32},
    {true, 0, 192, 64},
    {true, 0, 256, 128},
    {true, 0, 320, 64},
    {true, 0, 0, 128},
};

/// The smallest bucket with room for `tokens`, else the largest.
static int64_t findBucket(llvm::ArrayRef<W4KernelSpec> buckets,
                          int64_t tokens) {
  const auto *fits = llvm::find_if(buckets, [&](const W4KernelSpec &bucket) {
    return bucket.tokens() >= tokens;
  });
  return std::min<int64_t>(fits - buckets.begin(), buckets.size() - 1);
}

llvm::SmallVector<LaunchRange>
awq::selectLaunches(llvm::StringRef chip, int64_t n, int64_t k,
                    llvm::ArrayRef<W4KernelSpec> buckets) {
  bool wgmma = findTile(chip, 16)->wgmma;
  llvm::SmallVector<LaunchRange> ranges;
  // Kernels for fewer tokens than the table knows have no alternative.
  for (auto [index, bucket] : llvm::enumerate(buckets))
    if (bucket.tokens() < 8)
      ranges.push_back({bucket.tokens(), static_cast<int64_t>(index)});
  for (const SelectionRow &row : table) {
    if (row.wgmma != wgmma || (row.mostWeights && n * k > row.mostWeights))
      continue;
    int64_t bucket = findBucket(buckets, row.tokens);
    if (!ranges.empty() && ranges.back().bucket == bucket)
      ranges.back().mostTokens = row.mostTokens;
    else
      ranges.push_back({row.mostTokens, bucket});
    if (row.mostTokens == 0)
      break;
  }
  return ranges;
}
