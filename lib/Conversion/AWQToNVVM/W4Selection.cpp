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

/// How a chip multiplies for many tokens.
enum class Products { Any, MmaSync, Wgmma };

/// A row of the table: the first that applies is taken.
struct SelectionRow {
  /// The chips that it is for.
  Products products;
  /// Weights N K up to which, and tokens up to which; 0: any number.
  int64_t mostWeights, mostTokens;
  /// The tokens of the kernel.
  int64_t tokens;
};

} // namespace

static constexpr int64_t small = int64_t(1) << 22;

static constexpr SelectionRow table[] = {
    {Products::Any, 0, 8, 8},        {Products::Any, 0, 16, 16},
    {Products::Any, 0, 32, 32},      {Products::MmaSync, small, 0, 16},
    {Products::MmaSync, 0, 48, 16},  {Products::Any, 0, 64, 64},
    {Products::Wgmma, small, 0, 32}, {Products::Any, 0, 96, 32},
    {Products::Any, 0, 128, 128},    {Products::Any, 0, 160, 32},
    {Products::Any, 0, 192, 64},     {Products::Any, 0, 256, 128},
    {Products::Any, 0, 320, 64},     {Products::Any, 0, 0, 128},
};

llvm::SmallVector<LaunchRange>
awq::selectLaunches(llvm::StringRef chip, int64_t n, int64_t k,
                    llvm::ArrayRef<W4KernelSpec> buckets) {
  Products products =
      findTile(chip, 16)->wgmma ? Products::Wgmma : Products::MmaSync;
  llvm::SmallVector<LaunchRange> ranges;
  // Kernels for fewer tokens than the table knows have no alternative.
  for (auto [index, bucket] : llvm::enumerate(buckets))
    if (bucket.tokens() < 8)
      ranges.push_back({bucket.tokens(), static_cast<int64_t>(index)});
  for (const SelectionRow &row : table) {
    if (row.products != Products::Any && row.products != products)
      continue;
    if (row.mostWeights && n * k > row.mostWeights)
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
