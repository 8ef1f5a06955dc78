//===- W4DecodeBulk.cpp - decode kernels for sm_90a -----------------------===//
//
// Part of the awq-mlir project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Four or eight warps compute; one thread of another fills the ring with bulk
// copies. That one is in a warpgroup of its own beside those that use wgmma, to
// which it gives its registers.
// Each stage ends in two mbarriers: "full" counts the bytes that arrive,
// "empty" the warps that have done with it.
//
// The weights do not depend on the kernel before, the activations do. So the
// ring is filled with weights first, then the thread waits for that kernel
// (programmatic dependent launch), and only then it asks for activations.
//
//===----------------------------------------------------------------------===//

#include "W4Decode.h"

using namespace mlir;
using namespace awq;

namespace {

class BulkDecode : public DecodeBuilder {
public:
  using DecodeBuilder::DecodeBuilder;

private:
  int64_t warps() const override {
    return mathWarps() + (spec.usesWgmma() ? 4 : 1);
  }
  void startCopies() override;
  void awaitStage(int64_t index) override;
  void releaseStage(Value bytes) override;

  /// With 168 registers for each of 12 warps, the producer's need few and
  /// those of the others many.
  static constexpr int32_t producerRegisters = 56, mathRegisters = 224;
  void giveRegisters(NVVM::SetMaxRegisterAction action, int32_t registers) {
    if (spec.usesWgmma())
      NVVM::SetMaxRegisterOp::create(b, registers, action);
  }

  void initBarriers();
  void produce();
  void copyWeights(const Segment &segment, Value stage);
  void copyActivations(Value tokens, Value count, Value stage);
  Value stepRecords(const Segment &segment);
  void advance(const Segment &segment, const Variable &record);
  void wait(Value barrier, Value phase);
  void copy(Value to, Value from, Value bytes, Value stage, Value hint);
  Value weightHint();
  Value full(Value stage) { return b.at(stage, spec.stageBytes()); }
  Value empty(Value stage) { return b.at(stage, spec.stageBytes() + 8); }

  /// The parity of the turn that the warps wait for.
  Variable phase;
  /// The producer's place in its segment.
  Variable weightRecord;
  /// What the L2 cache is told of weights.
  Value hint;
};

} // namespace

void BulkDecode::initBarriers() {
  b.ifThen(b.equal(thread, 0), [&] {
    for (int64_t i = 0; i < spec.tile.stages; ++i) {
      Value stage = b.at(shared, i * spec.stageStride());
      NVVM::MBarrierInitOp::create(b, full(stage), b.constant(1), Value());
      NVVM::MBarrierInitOp::create(b, empty(stage), b.constant(mathWarps()),
                                   Value());
    }
    NVVM::FenceMbarrierInitOp::create(b);
  });
  b.barrier();
}

void BulkDecode::startCopies() {
  initBarriers();
  Block *producer = b.newBlock(), *math = b.newBlock();
  b.branch(b.less(warp, static_cast<int32_t>(mathWarps())), math, producer);
  b.startBlock(producer);
  giveRegisters(NVVM::SetMaxRegisterAction::decrease, producerRegisters);
  int32_t producing = static_cast<int32_t>(mathWarps()) * 32;
  b.ifThen(b.equal(thread, producing), [&] { produce(); });
  gpu::ReturnOp::create(b);
  b.startBlock(math);
  giveRegisters(NVVM::SetMaxRegisterAction::increase, mathRegisters);
  // Results are scaled by what the kernel before says of each token.
  NVVM::GriddepcontrolOp::create(b, NVVM::GridDepActionKind::wait);
  phase = b.variable(b.constant(1));
}

/// Waits until the phase of parity `parity` of a barrier is complete.
void BulkDecode::wait(Value barrier, Value parity) {
  Block *again = b.newBlock(), *done = b.newBlock();
  b.branch(again);
  b.startBlock(again);
  Value complete =
      NVVM::MBarrierTryWaitOp::create(b, b.i1, barrier, parity, Value());
  b.branch(complete, done, again);
  b.startBlock(done);
}

void BulkDecode::awaitStage(int64_t index) {
  if (index == 0)
    b.set(phase, LLVM::XOrOp::create(b, b.get(phase), b.constant(1)));
  wait(full(b.at(shared, index * spec.stageStride())), b.get(phase));
}

void BulkDecode::releaseStage(Value bytes) {
  NVVM::SyncWarpOp::create(b, b.constant(-1));
  b.ifThen(b.equal(place.lane, 0), [&] {
    NVVM::MBarrierArriveOp::create(b, Type(), empty(b.at(shared, bytes)),
                                   Value());
  });
}

//===----------------------------------------------------------------------===//
// The producer
//===----------------------------------------------------------------------===//

/// Weights that one block in y reads are not read again: they need not push out
/// what is, the activations and the partial sums. Others are for the next
/// block.
Value BulkDecode::weightHint() {
  auto policy = [&](StringRef priority) {
    return b.inlinePTX(
        b.i64, {},
        ("createpolicy.fractional.L2::" + priority + ".b64 $0, 1.0;").str(),
        "=l");
  };
  return b.select(b.equal(b.gridY(), 1), policy("evict_first"),
                  policy("evict_normal"));
}

void BulkDecode::copy(Value to, Value from, Value bytes, Value stage,
                      Value hint) {
  Value inCluster = LLVM::AddrSpaceCastOp::create(
      b, LLVM::LLVMPointerType::get(b.getContext(), 7), to);
  NVVM::CpAsyncBulkGlobalToSharedClusterOp::create(
      b, inCluster, from, full(stage), bytes, Value(), hint);
}

/// Records in the segment's next step.
Value BulkDecode::stepRecords(const Segment &segment) {
  return b.smaller(b.get(segment.records),
                   b.constant(static_cast<int32_t>(spec.tile.records)));
}

/// Asks for the weights of the segment's next step, and tells the barrier of
/// its stage how many bytes will come, those of the activations included.
void BulkDecode::copyWeights(const Segment &segment, Value stage) {
  Value tile = b.get(segment.tile), count = stepRecords(segment);
  Value inTile = recordsInTile(tile);
  Value bytes = b.mul(
      count, b.add(b.mul(inTile, spec.recordBytes()), spec.activationBytes()));
  NVVM::MBarrierArriveExpectTxOp::create(
      b, Type(), full(stage), bytes, NVVM::MemScopeKind::CTA, false, Value());
  constexpr int32_t columns = RecordGeometry::recordsPerTile;
  for (int32_t part = 0; part < spec.recordTiles(); ++part) {
    auto copyPart = [&] {
      Value rowTile = b.add(b.mul(tile, spec.recordTiles()), part);
      Value inPart =
          b.smaller(b.constant(columns), b.sub(inTile, columns * part));
      Value recordBytes = b.mul(inPart, spec.recordBytes());
      for (int32_t i = 0; i < spec.tile.records; ++i)
        b.ifThen(b.less(b.constant(i), count), [&] {
          Value record = b.add(b.get(weightRecord), i);
          Value from = b.at(
              weights, recordOffset(rowTile, record, inPart, b.constant(0)));
          int64_t slot =
              (i * spec.recordColumns() + columns * part) * spec.recordBytes();
          copy(b.at(stage, slot), from, recordBytes, stage, hint);
        });
    };
    // All tiles have rows in their first 128.
    if (part == 0)
      copyPart();
    else
      b.ifThen(b.above(inTile, columns * part), copyPart);
  }
}

/// Asks for the activations of `count` records from `record` on.
void BulkDecode::copyActivations(Value record, Value count, Value stage) {
  Value from = b.at(activations, b.mul(record, spec.activationBytes()));
  int64_t slot = spec.tile.records * spec.recordColumns() * spec.recordBytes();
  copy(b.at(stage, slot), from, b.mul(count, spec.activationBytes()), stage,
       Value());
}

/// Moves on to the next step of the block, if there is one.
void BulkDecode::advance(const Segment &segment, const Variable &record) {
  Value count = stepRecords(segment);
  b.set(record, b.add(b.get(record), count));
  b.set(segment.records, b.sub(b.get(segment.records), count));
  Value isDone = b.equal(b.get(segment.records), 0);
  Value goesOn = b.different(b.get(segment.stepsAfter), b.constant(0));
  b.ifThen(b.both(isDone, goesOn), [&] {
    nextSegment(segment);
    b.set(record, b.constant(0));
  });
}

void BulkDecode::produce() {
  Value count = b.sub(last, first);
  Value stages = b.constant(static_cast<int32_t>(spec.tile.stages));
  Value head = b.smaller(count, stages);
  auto stageAt = [&](Value step) {
    return b.at(shared, b.mul(step, spec.stageStride()));
  };
  // Dequantized weights are those of the kernel before.
  if (spec.isDequantized())
    NVVM::GriddepcontrolOp::create(b, NVVM::GridDepActionKind::wait);
  hint = weightHint();
  Segment segment = makeSegment();
  weightRecord = b.variable(startSegment(segment));
  b.forRange(b.constant(0), head, b.constant(1), [&](Value step) {
    copyWeights(segment, stageAt(step));
    advance(segment, weightRecord);
  });
  if (!spec.isDequantized())
    NVVM::GriddepcontrolOp::create(b, NVVM::GridDepActionKind::wait);
  // The same steps again, for their activations.
  Segment tokenSteps = makeSegment();
  Variable tokenRecord = b.variable(startSegment(tokenSteps));
  b.forRange(b.constant(0), head, b.constant(1), [&](Value step) {
    copyActivations(b.get(tokenRecord), stepRecords(tokenSteps), stageAt(step));
    advance(tokenSteps, tokenRecord);
  });
  // From then on a stage is filled again when the warps have done with it: its
  // n-th filling after the head waits for their n-th turn.
  Variable index = b.variable(b.constant(0));
  Variable parity = b.variable(b.constant(0));
  b.forRange(head, count, b.constant(1), [&](Value) {
    Value stage = stageAt(b.get(index));
    wait(empty(stage), b.get(parity));
    copyWeights(segment, stage);
    copyActivations(b.get(weightRecord), stepRecords(segment), stage);
    advance(segment, weightRecord);
    Value next = b.add(b.get(index), 1);
    Value isTurnOver = b.equal(next, stages);
    b.set(index, b.select(isTurnOver, b.constant(0), next));
    b.set(parity,
          LLVM::XOrOp::create(b, b.get(parity), b.widen(isTurnOver, b.i32)));
  });
  NVVM::GriddepcontrolOp::create(b, NVVM::GridDepActionKind::launch_dependents);
}

std::unique_ptr<DecodeBuilder> awq::makeBulkDecode(gpu::GPUModuleOp module,
                                                   Location loc,
                                                   const W4KernelSpec &spec) {
  return std::make_unique<BulkDecode>(module, loc, spec);
}
