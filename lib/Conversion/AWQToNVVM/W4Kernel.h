//===- W4Kernel.h - fused dequantize-matmul kernels -------------*- C++ -*-===//
//
// Part of the awq-mlir project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// A linear takes two kernels: one that packs the activations, which linears
// with the same input share, and one that streams the weights past them.
// docs/GPUKernels.md explains both.
//
//===----------------------------------------------------------------------===//

#ifndef AWQ_LIB_CONVERSION_AWQTONVVM_W4KERNEL_H
#define AWQ_LIB_CONVERSION_AWQTONVVM_W4KERNEL_H

#include "W4Tiles.h"
#include "awq/Dialect/AWQ/IR/AWQ.h"
#include "awq/Dialect/AWQ/Utils/RecordLayout.h"
#include "mlir/Dialect/GPU/IR/GPUDialect.h"

#include <algorithm>
#include <string>

namespace awq {

/// How codes become numbers in registers.
enum class CodeMode {
  /// A masked code is the f16 q * 2^-24 or q * 2^-20; zero points come in by a
  /// matrix product with the sums of the activations.
  Subnormal,
  /// 1024 + q, minus 1024 + z; takes half as many instructions again.
  Exact,
  /// A byte of codes as it is, times the bytes of the activations, by integer
  /// products: the fewest instructions, for 2 tokens where the others have 8.
  Planes,
  /// q - z exactly, times the scale as f16: no sums of groups to keep apart,
  /// for the many tokens whose sums fill the registers.
  Scaled,
  /// Numbers already, which a kernel before has made of all codes: what a
  /// kernel that does so itself has to be faster than.
  Dequantized,
};

/// The name of a mode, as options and manifests spell it.
llvm::StringRef modeName(CodeMode mode);

/// The 16-bit type of activations, bias and results.
enum class ActivationType { F16, BF16 };

/// What the kernels compute besides the linear; see awq.fused_linear.
struct KernelFusion {
  bool norm = false, turn = false, residual = false;
  std::optional<GateFunction> gate;
};

/// What distinguishes one decode kernel from another. M, N and K are arguments.
struct W4KernelSpec {
  CodeMode mode = CodeMode::Subnormal;
  ActivationType type = ActivationType::F16;
  /// As in RecordGeometry.
  int64_t groups = 1;
  unsigned bits = 4;
  bool symmetric = false;
  bool bias = false;
  KernelFusion fusion;
  TileChoice tile;

  /// The kernel's symbol, made of all of the above.
  std::string name() const;
  /// The symbol of the kernel that packs its activations.
  std::string packName() const;

  /// The kernel that makes f16 of all codes, for mode Dequantized.
  std::string dequantizeName() const;

  int64_t constantBytes() const {
    return RecordGeometry::rows * 2 +
           (symmetric ? 0 : RecordGeometry::rows / 2);
  }
  bool isDequantized() const { return mode == CodeMode::Dequantized; }
  /// Weights of a record: codes, or A fragments of f16 in the same order.
  int64_t weightBytes() const {
    return isDequantized() ? RecordGeometry::rows * RecordGeometry::channels * 2
                           : RecordGeometry::codeBytes;
  }
  int64_t recordBytes() const {
    return weightBytes() + (isDequantized() ? 0 : groups * constantBytes());
  }
  /// Whether scales and zero points of whole rows follow the last record.
  bool hasRowConstants() const { return groups == 0 && !isDequantized(); }
  /// Sums of activations per record: one per group, one if a group is a row.
  int64_t sums() const { return groups == 0 || isDequantized() ? 1 : groups; }
  /// Whether matrix products are wgmma, which takes activations from shared
  /// memory in another order.
  bool usesWgmma() const { return tile.wgmma; }
  /// Tiles of 128 rows, and records, that a block computes side by side.
  int64_t recordTiles() const { return tile.rowTiles; }
  int64_t recordColumns() const {
    return recordTiles() * RecordGeometry::recordsPerTile;
  }
  /// Rows of W that a block computes at a time.
  int64_t tileRows() const { return recordTiles() * RecordGeometry::tileRows; }
  /// Packed activations of 128 channels: fragments, then sums.
  int64_t activationBytes() const {
    return tile.tokenTiles * (fragmentBytes() + sums() * sumBytes());
  }
  /// Tokens that a tile of 8 columns has room for.
  int64_t tokensPerTile() const { return mode == CodeMode::Planes ? 2 : 8; }
  int64_t tokens() const { return tokensPerTile() * tile.tokenTiles; }
  /// Factors of the tokens, f32, behind the packed activations.
  int64_t tokenScaleBytes() const { return (4 * tokens() + 15) / 16 * 16; }
  /// Partial sums of a block: of two tiles, 1 KB by each warp for 8 tokens.
  int64_t partialBytes() const {
    return 2 * 1024 * tile.tokenTiles * recordColumns();
  }
  /// What a stage of the ring holds: records, then activations.
  int64_t stageBytes() const {
    return tile.records * (recordColumns() * recordBytes() + activationBytes());
  }
  /// Bytes from one stage to the next: bulk copies have two mbarriers in each.
  int64_t stageStride() const {
    int64_t barriers = tile.copy == CopyEngine::Bulk ? 16 : 0;
    return (stageBytes() + barriers + 127) / 128 * 128;
  }

  /// Shared memory that each block takes besides its own.
  static constexpr int64_t reservedShared = 1024;
  /// Dynamic shared memory of a block.
  int64_t sharedBytes() const { return tile.stages * stageStride(); }

  /// Blocks for an SM with that much shared memory.
  int64_t blocksPerSM(int64_t sharedOfSM) const {
    return std::min(tile.blocksPerSM,
                    sharedOfSM / (sharedBytes() + reservedShared));
  }
  /// Weights on their way to a block while it computes a step: all stages but
  /// one are asked for.
  int64_t copiedAheadBytes() const {
    return (tile.stages - 1) * tile.records * recordColumns() * recordBytes();
  }

  /// Tiles of tokens whose parts of sums a lane loads together; not with wgmma.
  int64_t sumTiles() const { return std::min<int64_t>(tile.tokenTiles, 4); }

  /// Of 8 columns and 128 channels: B fragments, of f16 or of bytes.
  int64_t fragmentBytes() const {
    return mode == CodeMode::Planes ? 1024 : 2048;
  }
  /// Of 8 columns: minus the sum of a group, as four f16 parts with a 0 beside
  /// each, or as i32. The other modes have no use for sums.
  int64_t sumBytes() const {
    switch (mode) {
    case CodeMode::Planes:
      return 32;
    case CodeMode::Subnormal:
      return 128;
    case CodeMode::Exact:
    case CodeMode::Scaled:
    case CodeMode::Dequantized:
      return 0;
    }
    llvm_unreachable("all modes are above");
  }
};

/// The kernels for `spec` on `chip`, one for each bucket of tokens from few to
/// many. Those for many may be in mode Scaled.
llvm::SmallVector<W4KernelSpec> tokenBuckets(const W4KernelSpec &spec,
                                             llvm::StringRef chip);

/// Which of `buckets`, from few tokens to many, takes `tokens` at once: the
/// first with room for them, else the last.
int64_t findBucket(llvm::ArrayRef<W4KernelSpec> buckets, int64_t tokens);

/// Appends the decode kernel for `spec` to `module`; see convert-awq-to-nvvm
/// for what it computes and its arguments.
mlir::gpu::GPUFuncOp buildDecodeKernel(mlir::gpu::GPUModuleOp module,
                                       mlir::Location loc,
                                       const W4KernelSpec &spec);

/// Appends the kernel that makes A fragments of f16 of all records of a scheme,
/// 8 KB of each, in their order.
mlir::gpu::GPUFuncOp buildDequantizeKernel(mlir::gpu::GPUModuleOp module,
                                           mlir::Location loc,
                                           const W4KernelSpec &spec);

/// Appends the kernel that packs activations for `spec`.
mlir::gpu::GPUFuncOp buildPackKernel(mlir::gpu::GPUModuleOp module,
                                     mlir::Location loc,
                                     const W4KernelSpec &spec);

} // namespace awq

#endif // AWQ_LIB_CONVERSION_AWQTONVVM_W4KERNEL_H
