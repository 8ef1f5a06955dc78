//===- W4DecodeCpAsync.cpp - decode kernels for sm_80, sm_86, sm_89 -------===//
//
// Part of the awq-mlir project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Four warps for each 128 rows, a ring of stages filled by cp.async. Each warp
// copies the records that it will compute, and its share of the activations, as
// many steps ahead as the ring has room for.
//
//===----------------------------------------------------------------------===//

#include "W4Decode.h"

using namespace mlir;
using namespace awq;

namespace {

class CpAsyncDecode : public DecodeBuilder {
public:
  using DecodeBuilder::DecodeBuilder;

private:
  void startCopies() override;
  void awaitStage(int64_t index) override;
  int64_t steadyRecords() const override {
    return spec.tile.stages * spec.tile.records;
  }
  void copyInSteps(int64_t index) override;
  void copyAtEnds(Value step) override;
  void aim(Value tile, Value record);
  void copyStep(Value stage, Value tile, Value stepInTile);
  Value copyStart(Value column);
  void copyRecord(Value slots, int64_t record, Value from);
  void copyActivations(Value slots, int64_t record, Value from, int64_t offset);
  void copy16(Value to, Value from) {
    NVVM::CpAsyncOp::create(
        b, to, from, b.getI32IntegerAttr(16),
        NVVM::LoadCacheModifierKindAttr::get(b.getContext(),
                                             NVVM::LoadCacheModifierKind::CG),
        Value());
  }

  /// Bytes that a warp copies with one instruction.
  static constexpr int64_t chunk = 512;
  /// A copy's source may be 2 KB to both sides of an address: keep addresses in
  /// the middle of what they are for.
  static constexpr int64_t middle = 1024;

  /// Whether there are enough fragments for each thread to copy some.
  bool shareActivations() const {
    return spec.activationBytes() >= mathWarps() * chunk;
  }
  /// Bytes of fragments that each warp copies.
  int64_t warpShare() const {
    if (!shareActivations())
      return chunk;
    return spec.tile.tokenTiles * spec.fragmentBytes() / mathWarps();
  }
  /// Where a thread's part of the activations of a record begins.
  Value ownActivations(Value thread) {
    if (warpShare() == chunk)
      return b.shiftLeft(thread, 4);
    Value ofWarp = b.mul(b.div(thread, 32), static_cast<int32_t>(warpShare()));
    return b.add(ofWarp, b.shiftLeft(b.rem(thread, 32), 4));
  }
  int64_t activationMiddle() const {
    return warpShare() > 2 * middle ? 2 * middle : middle;
  }

  /// Of the next record: `middle` after this lane's first bytes of it,
  /// activationMiddle() after those of the activations that it meets, and the
  /// bytes from one record to the next.
  Variable recordAt, activationsAt, recordStride;
  /// Lanes that copy 16 bytes more of a record than all lanes do together.
  Variable restLanes;
  Value recordSlot, activationSlot;
};

} // namespace

/// Where in a tile's records of one step this warp begins to copy: at the first
/// sector of its own record, which may begin in the middle of one.
Value CpAsyncDecode::copyStart(Value column) {
  constexpr int32_t sector = 32;
  Value start = b.mul(column, spec.recordBytes());
  if (spec.recordBytes() % sector == 0)
    return start;
  return b.both(b.add(start, sector - 1), -sector);
}

/// Points the copies at record `record` of `tile`.
void CpAsyncDecode::aim(Value tile, Value record) {
  constexpr auto columns = static_cast<int32_t>(RecordGeometry::recordsPerTile);
  Value inTile = recordsInTile(tile), rowTile = tile, inPart = inTile;
  Value own = warp;
  if (spec.recordTiles() > 1) {
    // A tile of the kernel is several of 128 rows, each a stream of its own.
    // Where the last ones are not there, their warps copy what is.
    Value part =
        b.smaller(b.div(warp, columns), b.div(b.sub(inTile, 1), columns));
    rowTile =
        b.add(b.mul(tile, static_cast<int32_t>(spec.recordTiles())), part);
    inPart =
        b.smaller(b.constant(columns), b.sub(inTile, b.mul(part, columns)));
    own = b.rem(warp, columns);
  }
  // Warps beyond the end of N copy what nobody reads.
  Value last = b.sub(inPart, 1);
  Value column = b.smaller(own, last);
  Value from = copyStart(column);
  Value start = b.add(recordOffset(rowTile, record, inPart, b.constant(0)),
                      b.widen(from, b.i64));
  b.set(recordAt,
        b.at(b.at(b.at(weights, start), b.shiftLeft(b.pinned(place.lane), 4)),
             middle));
  Value bytes = b.mul(inPart, spec.recordBytes());
  b.set(recordStride, b.widen(bytes, b.i64));
  Value to = b.select(b.less(column, last), copyStart(b.add(column, 1)), bytes);
  Value rest = b.shiftRight(b.sub(b.sub(to, from), spec.weightBytes()), 4);
  Value exists = b.less(warp, inTile);
  b.set(restLanes,
        b.select(b.both(exists, b.less(own, inPart)), rest, b.constant(0)));
  Value place = b.add(b.mul(record, spec.activationBytes()),
                      ownActivations(b.pinned(thread)));
  b.set(activationsAt, b.at(b.at(activations, place), activationMiddle()));
}

/// Starts the copies of this warp's record, which is at `from`, into that place
/// in the stage whose first is at `slots`.
void CpAsyncDecode::copyRecord(Value slots, int64_t record, Value from) {
  int64_t slot = record * spec.recordColumns() * spec.recordBytes();
  auto copy = [&](int64_t offset) {
    copy16(b.at(slots, slot + offset), b.at(from, offset - middle));
  };
  for (int64_t offset = 0; offset < spec.weightBytes(); offset += chunk)
    copy(offset);
  if (spec.recordBytes() > spec.weightBytes())
    b.ifThen(b.less(place.lane, b.get(restLanes)),
             [&] { copy(spec.weightBytes()); });
}

/// Starts the copies of the activations `offset` after `from`: of fragments
/// each warp takes a share in one piece, so that few addresses reach them; the
/// last warp takes the sums of the groups, which follow its share.
void CpAsyncDecode::copyActivations(Value slots, int64_t record, Value from,
                                    int64_t offset) {
  int64_t slot = record * spec.activationBytes();
  auto copy = [&](int64_t within) {
    copy16(b.at(slots, slot + within),
           b.at(from, offset + within - activationMiddle()));
  };
  if (!shareActivations()) {
    // By the first threads, fragments and sums together.
    b.ifThen(b.less(thread, static_cast<int32_t>(spec.activationBytes() / 16)),
             [&] { copy(0); });
    return;
  }
  for (int64_t within = 0; within < warpShare(); within += chunk)
    copy(within);
  int64_t sums = spec.activationBytes() - mathWarps() * warpShare();
  if (sums == 0)
    return;
  // Threads of the last warp, counted from its first; others wrap around.
  Value inLast = b.sub(thread, static_cast<int32_t>(32 * (mathWarps() - 1)));
  for (int64_t within = 0; within < sums; within += chunk)
    b.ifThen(b.less(inLast,
                    static_cast<int32_t>(std::min(chunk, sums - within) / 16)),
             [&] { copy(warpShare() + within); });
}

/// The next step of the segment, which is full, into the stage before `index`.
void CpAsyncDecode::copyInSteps(int64_t index) {
  int64_t stage = (index + spec.tile.stages - 1) % spec.tile.stages;
  int64_t slots = stage * spec.stageStride();
  int64_t records = spec.tile.records;
  // One address reaches the activations of all records, or one for each does.
  int64_t farthest = (records - 1) * spec.activationBytes() + warpShare();
  bool oneAddress = farthest < 3 * middle;
  Value from = b.get(recordAt), tokens = b.get(activationsAt);
  for (int64_t record = 0; record < records; ++record) {
    copyRecord(b.at(recordSlot, slots), record, from);
    from = b.at(from, b.get(recordStride));
    copyActivations(b.at(activationSlot, slots), record, tokens,
                    oneAddress ? record * spec.activationBytes() : 0);
    if (!oneAddress)
      tokens = b.at(tokens, spec.activationBytes());
  }
  if (oneAddress)
    tokens = b.at(tokens, records * spec.activationBytes());
  b.set(recordAt, from);
  b.set(activationsAt, tokens);
  NVVM::CpAsyncCommitGroupOp::create(b);
}

void CpAsyncDecode::copyAtEnds(Value step) {
  Value ahead = b.add(step, static_cast<int32_t>(spec.tile.stages - 1));
  b.ifThen(b.less(ahead, last), [&] {
    copyStep(b.rem(b.sub(ahead, first), spec.tile.stages),
             b.div(ahead, stepsPerTile), b.rem(ahead, stepsPerTile));
  });
  NVVM::CpAsyncCommitGroupOp::create(b);
}

/// Starts the copies of one step, which may have fewer records, and aims at its
/// tile if it is the first there.
void CpAsyncDecode::copyStep(Value stage, Value tile, Value stepInTile) {
  b.ifThen(b.equal(stepInTile, 0), [&] { aim(tile, b.constant(0)); });
  Value slots = b.mul(stage, spec.stageStride());
  Value left = b.sub(recordsInK, b.mul(stepInTile, spec.tile.records));
  for (int32_t record = 0; record < spec.tile.records; ++record)
    b.ifThen(b.above(left, record), [&] {
      copyRecord(b.at(recordSlot, slots), record, b.get(recordAt));
      copyActivations(b.at(activationSlot, slots), record, b.get(activationsAt),
                      0);
      b.set(recordAt, b.at(b.get(recordAt), b.get(recordStride)));
      b.set(activationsAt, b.at(b.get(activationsAt), spec.activationBytes()));
    });
}

void CpAsyncDecode::startCopies() {
  recordSlot = b.at(b.at(shared, copyStart(warp)), b.shiftLeft(place.lane, 4));
  activationSlot = b.at(stagedActivations(), ownActivations(thread));
  recordAt = b.variable(weights);
  activationsAt = b.variable(activations);
  recordStride = b.variable(b.constant64(0));
  restLanes = b.variable(b.constant(0));
  Value stepInTile = b.rem(first, stepsPerTile);
  Variable tile = b.variable(b.div(first, stepsPerTile));
  Variable next = b.variable(stepInTile);
  aim(b.get(tile), b.mul(stepInTile, spec.tile.records));
  for (int32_t i = 0; i + 1 < spec.tile.stages; ++i) {
    b.ifThen(b.less(b.add(first, i), last), [&] {
      copyStep(b.constant(i), b.get(tile), b.get(next));
      Value after = b.add(b.get(next), 1);
      Value isDone = b.equal(after, stepsPerTile);
      b.set(next, b.select(isDone, b.constant(0), after));
      b.set(tile, b.add(b.get(tile), b.widen(isDone, b.i32)));
    });
    NVVM::CpAsyncCommitGroupOp::create(b);
  }
}

void CpAsyncDecode::awaitStage(int64_t index) {
  // This stage is there, for all warps; and all are done with the one before
  // it, which is filled next.
  NVVM::CpAsyncWaitGroupOp::create(
      b, b.getI32IntegerAttr(static_cast<int32_t>(spec.tile.stages - 2)));
  b.barrier();
}

std::unique_ptr<DecodeBuilder>
awq::makeCpAsyncDecode(gpu::GPUModuleOp module, Location loc,
                       const W4KernelSpec &spec) {
  return std::make_unique<CpAsyncDecode>(module, loc, spec);
}
