//===- W4Decode.h - what decode kernels of all chips share ------*- C++ -*-===//
//
// Part of the awq-mlir project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Stream-K. The work is a line of steps: a step is `records` records of K in
// one tile of 128 or 256 rows (fewer at the end of K), tiles follow each other.
// Block c of G takes the steps from S c / G to S (c + 1) / G, whatever tiles
// they lie in. What a block does of one tile is a segment. A tile of several
// blocks is put together by the one that comes last, in the order of the
// blocks: the result depends on G but not on who was late.
//
//===----------------------------------------------------------------------===//

#ifndef AWQ_LIB_CONVERSION_AWQTONVVM_W4DECODE_H
#define AWQ_LIB_CONVERSION_AWQTONVVM_W4DECODE_H

#include "W4Epilogue.h"

#include <memory>

namespace awq {

/// How far a reader of the block's steps has come.
struct Segment {
  Variable tile;
  /// Records left in the segment; 0 or less if it is done.
  Variable records;
  /// Steps of the block after the segment.
  Variable stepsAfter;
};

class DecodeBuilder {
public:
  DecodeBuilder(mlir::gpu::GPUModuleOp module, mlir::Location loc,
                const W4KernelSpec &spec);
  virtual ~DecodeBuilder() = default;

  mlir::gpu::GPUFuncOp build();

  /// Warps that compute, one for each record side by side.
  int64_t mathWarps() const { return spec.recordColumns(); }

protected:
  using Value = mlir::Value;

  /// Warps of a block.
  virtual int64_t warps() const { return mathWarps(); }
  /// Which record of a tile this warp computes. Beyond the end of N it is the
  /// last that is there: the result is not used.
  Value recordColumn(Value tile) {
    return b.smaller(warp, b.sub(recordsInTile(tile), 1));
  }
  /// Emits what comes before the loop: the first copies.
  virtual void startCopies() = 0;
  /// Waits until stage `index` is there.
  virtual void awaitStage(int64_t index) = 0;
  /// As long as a segment has so many records left, its steps are all alike: a
  /// full one, and what is to be copied meanwhile is another of the segment.
  virtual int64_t steadyRecords() const { return spec.tile.records + 1; }
  /// Starts the copies of such a step, whose own stage is `index`.
  virtual void copyInSteps(int64_t index) {}
  /// The same for any other step of the block, of which it is number `step`.
  virtual void copyAtEnds(Value step) {}
  /// Says that this warp has done with the stage `bytes` after the first.
  virtual void releaseStage(Value bytes) {}

  //===--- Segments --------------------------------------------------------===/
  Segment makeSegment();
  /// Puts a segment at the block's first step; returns its first record.
  Value startSegment(const Segment &segment);
  /// Moves on to the next tile; only if there are steps after.
  void nextSegment(const Segment &segment);
  /// Records side by side in `tile`: those of all warps, or fewer at the end
  /// of N.
  Value recordsInTile(Value tile);
  /// Where record `record` in column `column` of a tile of 128 rows starts, as
  /// bytes (i64); `inTile` columns are there.
  Value recordOffset(Value rowTile, Value record, Value inTile, Value column);

  /// Where the activations of stage 0 are.
  Value stagedActivations() {
    return b.at(shared,
                spec.tile.records * spec.recordColumns() * spec.recordBytes());
  }

  const W4KernelSpec spec;
  mlir::gpu::GPUModuleOp module;
  DeviceBuilder b;
  std::unique_ptr<RecordMath> math;

  // Arguments; bias, residual and those of `turn` are null where the kernel has
  // none.
  Value activations, weights, bias, residual, output, partials, tickets, m, n,
      k;
  TurnArguments turn;
  // Where the thread is.
  Value shared, thread, warp;
  LanePlace place;
  // The work, as in the comment above.
  Value recordsInK, recordRows, tiles, stepsPerTile, steps, blocks, block;
  Value first, last;

private:
  mlir::LLVM::GlobalOp declareShared();
  void takeArguments(mlir::gpu::GPUFuncOp kernel);
  void locate();
  void divideWork();
  void emitLoop();
  void emitSteadyTurn(int64_t stage);
  void emitOtherTurn(llvm::ArrayRef<mlir::Block *> turns);
  void startNextSums();
  RecordBases basesOf(Value tile, Value offset);
  Value rowConstants(Value recordRow);
  void takeRowZeros();
  /// The first step of block `owner`.
  Value firstStepOf(Value owner) { return b.div(b.mul(steps, owner), blocks); }
  Value ownerOf(Value step);
  Value slotOf(Value owner, Value tile);
  void endOfSegment();
  void exchangePartials(Value tile, Value from, Value to,
                        const Variable &finish);
  void storeTile(Value recordRow);

  Segment computing;
  /// The bases in stage 0. Those of this warp's record depend on the tile.
  RecordBases bases;
  Variable codesAt, scalesAt, zerosAt;
};

/// The builders of each copy engine.
std::unique_ptr<DecodeBuilder> makeCpAsyncDecode(mlir::gpu::GPUModuleOp module,
                                                 mlir::Location loc,
                                                 const W4KernelSpec &spec);
std::unique_ptr<DecodeBuilder> makeBulkDecode(mlir::gpu::GPUModuleOp module,
                                              mlir::Location loc,
                                              const W4KernelSpec &spec);

} // namespace awq

#endif // AWQ_LIB_CONVERSION_AWQTONVVM_W4DECODE_H
