//===- W4Kernel.cpp - names and sizes of kernels --------------------------===//
//
// Part of the awq-mlir project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "W4Kernel.h"

#include "awq/Support/TargetInfo.h"

using namespace awq;

llvm::StringRef awq::modeName(CodeMode mode) {
  switch (mode) {
  case CodeMode::Subnormal:
    return "subnormal";
  case CodeMode::Exact:
    return "exact";
  case CodeMode::Planes:
    return "planes";
  case CodeMode::Scaled:
    return "scaled";
  case CodeMode::Dequantized:
    return "dequantized";
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

/// "awq_w4_g128_symmetric", say.
static std::string schemeText(const W4KernelSpec &spec) {
  std::string text =
      "w" + std::to_string(spec.bits) + "_" + groupText(spec.groups);
  return spec.symmetric ? text + "_symmetric" : text;
}

std::string W4KernelSpec::dequantizeName() const {
  return "awq_dequantize_" + schemeText(*this);
}

std::string W4KernelSpec::name() const {
  // Dequantized weights are of no scheme any more.
  std::string text = "awq_" + (isDequantized() ? "f16" : schemeText(*this));
  if (bias)
    text += "_bias";
  if (fusion.turn)
    text += "_turn";
  if (fusion.gate)
    text += "_" + stringifyGateFunction(*fusion.gate).str();
  if (fusion.residual)
    text += "_residual";
  text += typeSuffix(type);
  if (mode != CodeMode::Subnormal && !isDequantized())
    text += "_" + modeName(mode).str();
  return text + "_m" + std::to_string(tokens());
}

std::string W4KernelSpec::packName() const {
  std::string text = "awq_pack";
  if (fusion.norm)
    text += "_norm";
  if (sumBytes() != 0)
    text += "_" + groupText(sums());
  text += typeSuffix(type);
  if (mode == CodeMode::Planes)
    text += "_planes";
  if (usesWgmma())
    text += "_wgmma";
  return text + "_m" + std::to_string(tokens());
}

/// Whether registers have room for the sums of one group beside those of all
/// groups, for that many tiles of tokens.
static bool groupSumsFit(const W4KernelSpec &spec, int64_t tokenTiles) {
  if (spec.groups == 0 || spec.isDequantized())
    return true;
  if (tokenTiles < 8)
    return true;
  // Nothing is left for the constants of several groups or of mode Exact.
  return tokenTiles == 8 && spec.groups == 1 &&
         spec.mode == CodeMode::Subnormal;
}

/// The mode for the tile of `spec` where `spec.mode` is asked for: one that
/// needs no more registers than there are.
static CodeMode modeFor(const W4KernelSpec &spec) {
  const TileChoice &tile = spec.tile;
  if (!groupSumsFit(spec, tile.tokenTiles))
    return CodeMode::Scaled;
  // By mma.sync the products of the zero points take more than the 255.
  bool spills = spec.groups == 0 && tile.tokenTiles == 16 && !tile.wgmma &&
                spec.mode == CodeMode::Subnormal;
  return spills ? CodeMode::Exact : spec.mode;
}

/// Takes something off a tile whose ring does not fit, because its records are
/// longer than those that the table is for: of groups of 32, or of f16.
static void shrink(TileChoice &tile) {
  if (tile.stages > 2)
    --tile.stages;
  else if (tile.records > 1)
    --tile.records;
  else
    --tile.rowTiles;
}

llvm::SmallVector<W4KernelSpec> awq::tokenBuckets(const W4KernelSpec &spec,
                                                  llvm::StringRef chip) {
  static constexpr int64_t buckets[] = {1, 2, 4, 8, 16};
  int64_t mostShared =
      findChip(chip)->sharedBytes - W4KernelSpec::reservedShared;
  llvm::SmallVector<W4KernelSpec> result;
  for (int64_t tokenTiles : buckets) {
    // More columns than two tiles are better filled with a token each.
    if (spec.mode == CodeMode::Planes && tokenTiles > 2)
      break;
    W4KernelSpec bucket = spec;
    bucket.tile = *findTile(chip, tokenTiles);
    bucket.mode = modeFor(bucket);
    while (bucket.sharedBytes() > mostShared)
      shrink(bucket.tile);
    // The constants of four groups leave no registers for a second record.
    if (bucket.groups == 4 && tokenTiles >= 4)
      bucket.tile.records = 1;
    // f16 is worth it for many tokens; by mma.sync, fragments that are four
    // times as long leave no registers for the sums of 128.
    if (bucket.isDequantized() &&
        (tokenTiles < 8 || (tokenTiles > 8 && !bucket.usesWgmma())))
      continue;
    result.push_back(bucket);
  }
  return result;
}

int64_t awq::findBucket(llvm::ArrayRef<W4KernelSpec> buckets, int64_t tokens) {
  const auto *fits = llvm::find_if(buckets, [&](const W4KernelSpec &bucket) {
    return bucket.tokens() >= tokens;
  });
  return std::min<int64_t>(fits - buckets.begin(), buckets.size() - 1);
}
