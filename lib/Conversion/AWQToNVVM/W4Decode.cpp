//===- W4Decode.cpp - what decode kernels of all chips share --------------===//
//
// Part of the awq-mlir project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "W4Decode.h"

using namespace mlir;
using namespace awq;

DecodeBuilder::DecodeBuilder(gpu::GPUModuleOp module, Location loc,
                             const W4KernelSpec &spec)
    : spec(spec), module(module),
      b(loc, OpBuilder::atBlockEnd(module.getBody())) {}

gpu::GPUFuncOp DecodeBuilder::build() {
  LLVM::GlobalOp buffer = declareShared();
  unsigned optional = spec.bias + spec.fusion.residual + 2 * spec.fusion.turn;
  SmallVector<Type> types(5 + optional, b.globalPointer);
  types.append(spec.fusion.turn ? 6 : 3, b.i32);
  auto kernel =
      gpu::GPUFuncOp::create(b, spec.name(), b.getFunctionType(types, {}));
  kernel->setAttr(gpu::GPUDialect::getKernelFuncAttrName(), b.getUnitAttr());
  kernel.setKnownBlockSizeAttr(
      b.getDenseI32ArrayAttr({32 * static_cast<int32_t>(warps()), 1, 1}));
  // Without this number ptxas would rather spill some registers than have fewer
  // blocks on an SM than it finds good, nor let warps exchange registers.
  kernel->setAttr(
      NVVM::NVVMDialect::getMinctasmAttrName(),
      b.getI32IntegerAttr(static_cast<int32_t>(spec.tile.blocksPerSM)));
  b.setInsertionPointToStart(&kernel.getBody().front());

  takeArguments(kernel);
  shared = LLVM::AddressOfOp::create(b, buffer);
  locate();
  divideWork();
  // With fewer steps than blocks, the last blocks have none.
  Block *idle = b.newBlock(), *busy = b.newBlock();
  b.branch(b.less(block, blocks), busy, idle);
  b.startBlock(idle);
  gpu::ReturnOp::create(b);
  b.startBlock(busy);

  startCopies();
  math = makeRecordMath(b, spec, place);
  computing = makeSegment();
  startSegment(computing);
  takeRowZeros();
  emitLoop();
  return kernel;
}

/// Dynamic shared memory, which alone may exceed 48 KB.
LLVM::GlobalOp DecodeBuilder::declareShared() {
  constexpr llvm::StringLiteral name = "awq_shared";
  if (auto present = module.lookupSymbol<LLVM::GlobalOp>(name))
    return present;
  auto type = LLVM::LLVMArrayType::get(b.i8, 0);
  return LLVM::GlobalOp::create(b, type, /*isConstant=*/false,
                                LLVM::Linkage::External, name, Attribute(),
                                /*alignment=*/1024, /*addrSpace=*/3);
}

void DecodeBuilder::takeArguments(gpu::GPUFuncOp kernel) {
  auto argument = kernel.getArguments().begin();
  activations = *argument++;
  weights = *argument++;
  if (spec.bias)
    bias = *argument++;
  if (spec.fusion.residual)
    residual = *argument++;
  if (spec.fusion.turn) {
    turn.cosines = *argument++;
    turn.sines = *argument++;
  }
  output = *argument++;
  partials = *argument++;
  tickets = *argument++;
  m = *argument++;
  n = *argument++;
  k = *argument++;
  if (spec.fusion.turn) {
    turn.rows = *argument++;
    turn.headSize = *argument++;
    turn.half = *argument++;
  }
}

void DecodeBuilder::locate() {
  thread = b.threadX();
  warp = b.div(thread, 32);
  place.lane = b.rem(thread, 32);
  place.g = b.div(place.lane, 4);
  place.t = b.rem(place.lane, 4);
}

void DecodeBuilder::divideWork() {
  recordsInK = b.divideUp(k, RecordGeometry::channels);
  recordRows = b.divideUp(n, RecordGeometry::rows);
  tiles = b.divideUp(n, spec.tileRows());
  stepsPerTile = b.divideUp(recordsInK, spec.tile.records);
  steps = b.mul(tiles, stepsPerTile);
  blocks = b.smaller(b.gridX(), steps);
  block = b.blockX();
  first = firstStepOf(block);
  last = firstStepOf(b.add(block, 1));
  // Each 8 or 16 tokens have packed activations of their own; see the kernel
  // that packs them.
  Value bytes =
      b.add(b.mul(recordsInK, spec.activationBytes()), spec.tokenScaleBytes());
  activations = b.at(activations,
                     b.mul(b.widen(b.blockY(), b.i64), b.widen(bytes, b.i64)));
}

//===----------------------------------------------------------------------===//
// Segments
//===----------------------------------------------------------------------===//

Segment DecodeBuilder::makeSegment() {
  Value zero = b.constant(0);
  return {b.variable(zero), b.variable(zero), b.variable(zero)};
}

Value DecodeBuilder::startSegment(const Segment &segment) {
  Value step = b.rem(first, stepsPerTile);
  Value count = b.smaller(b.sub(stepsPerTile, step), b.sub(last, first));
  Value from = b.mul(step, spec.tile.records);
  Value to =
      b.smaller(b.mul(b.add(step, count), spec.tile.records), recordsInK);
  b.set(segment.tile, b.div(first, stepsPerTile));
  b.set(segment.records, b.sub(to, from));
  b.set(segment.stepsAfter, b.sub(b.sub(last, first), count));
  return from;
}

void DecodeBuilder::nextSegment(const Segment &segment) {
  Value after = b.get(segment.stepsAfter);
  Value count = b.smaller(stepsPerTile, after);
  b.set(segment.tile, b.add(b.get(segment.tile), 1));
  b.set(segment.records,
        b.smaller(b.mul(count, spec.tile.records), recordsInK));
  b.set(segment.stepsAfter, b.sub(after, count));
}

Value DecodeBuilder::recordsInTile(Value tile) {
  auto columns = static_cast<int32_t>(spec.recordColumns());
  return b.smaller(b.constant(columns),
                   b.sub(recordRows, b.mul(tile, columns)));
}

Value DecodeBuilder::recordOffset(Value rowTile, Value record, Value inTile,
                                  Value column) {
  // Tiles before this one are full.
  Value before =
      b.mul(b.mul(rowTile, RecordGeometry::recordsPerTile), recordsInK);
  Value index = b.add(b.add(before, b.mul(record, inTile)), column);
  return b.mul(b.widen(index, b.i64), b.constant64(spec.recordBytes()));
}

/// Scales and zero points of 32 rows with a group each, after the records.
Value DecodeBuilder::rowConstants(Value recordRow) {
  Value records = b.mul(recordRows, recordsInK);
  Value before =
      b.mul(b.widen(records, b.i64), b.constant64(spec.recordBytes()));
  Value inside =
      b.mul(b.widen(recordRow, b.i64), b.constant64(spec.constantBytes()));
  return b.at(weights, b.add(before, inside));
}

void DecodeBuilder::takeRowZeros() {
  if (!spec.hasRowConstants() || spec.symmetric)
    return;
  Value row = b.add(b.mul(b.get(computing.tile), mathWarps()), warp);
  Value known = b.smaller(row, b.sub(recordRows, 1));
  math->setRowZeros(b.at(rowConstants(known), RecordGeometry::rows * 2));
}

//===----------------------------------------------------------------------===//
// Computing
//===----------------------------------------------------------------------===//

/// The bases in the stage `offset` after the first.
RecordBases DecodeBuilder::basesOf(Value tile, Value offset) {
  Value column = b.mul(recordColumn(tile), spec.recordBytes());
  return math->basesAt(b.at(shared, b.add(column, offset)),
                       b.at(stagedActivations(), offset));
}

/// The ring is unrolled: stage i has a turn of its own, in which all addresses
/// are a register and a constant. These turns are for steady steps; one turn
/// for all stages takes care of those near the end of a segment.
void DecodeBuilder::emitLoop() {
  bases = basesOf(b.get(computing.tile), b.constant(0));
  codesAt = b.variable(bases.codes);
  scalesAt = b.variable(bases.scales);
  zerosAt = b.variable(bases.zeros);
  SmallVector<Block *> turns;
  for (int64_t i = 0; i < spec.tile.stages; ++i)
    turns.push_back(b.newBlock());
  Block *other = b.newBlock();
  b.branch(turns[0]);
  for (int64_t i = 0; i < spec.tile.stages; ++i) {
    b.startBlock(turns[i]);
    awaitStage(i);
    Block *steady = b.newBlock();
    b.branch(b.above(b.get(computing.records),
                     static_cast<int32_t>(steadyRecords() - 1)),
             steady, other);
    b.startBlock(steady);
    emitSteadyTurn(i);
    b.branch(turns[(i + 1) % turns.size()]);
  }
  b.startBlock(other);
  emitOtherTurn(turns);
}

void DecodeBuilder::emitSteadyTurn(int64_t stage) {
  int64_t recordStride = spec.recordColumns() * spec.recordBytes();
  int64_t offset = stage * spec.stageStride();
  copyInSteps(stage);
  bases.codes = b.get(codesAt);
  bases.scales = b.get(scalesAt);
  bases.zeros = b.get(zerosAt);
  for (int64_t record = 0; record < spec.tile.records; ++record)
    math->accumulate(bases, offset + record * recordStride,
                     offset + record * spec.activationBytes());
  releaseStage(b.constant(static_cast<int32_t>(offset)));
  b.set(computing.records, b.sub(b.get(computing.records), spec.tile.records));
}

/// Computes a step that may have fewer records. If it was the last of its
/// segment, ends that and begins the next, or returns. Then goes back to the
/// turn of the next stage.
void DecodeBuilder::emitOtherTurn(ArrayRef<Block *> turns) {
  Value left = b.get(computing.records);
  // With wgmma all registers are taken, and this is seldom.
  Value own = spec.usesWgmma() ? b.pinned(block) : Value();
  Value begin = own ? firstStepOf(own) : first;
  Value end = own ? firstStepOf(b.add(own, 1)) : last;
  Value step = b.sub(b.sub(end, b.get(computing.stepsAfter)),
                     b.divideUp(left, spec.tile.records));
  Value stage = b.rem(b.sub(step, begin), spec.tile.stages);
  copyAtEnds(step);
  Value offset = b.mul(stage, spec.stageStride());
  RecordBases there = basesOf(b.get(computing.tile), offset);
  int64_t recordStride = spec.recordColumns() * spec.recordBytes();
  math->accumulate(there, 0, 0);
  for (int64_t i = 1; i < spec.tile.records; ++i)
    b.ifThen(b.above(left, static_cast<int32_t>(i)), [&] {
      math->accumulate(there, i * recordStride, i * spec.activationBytes());
    });
  releaseStage(offset);
  b.set(computing.records, b.sub(left, spec.tile.records));
  b.ifThen(b.notAbove(b.get(computing.records), 0), [&] {
    endOfSegment();
    Block *done = b.newBlock(), *more = b.newBlock();
    b.branch(b.equal(b.get(computing.stepsAfter), 0), done, more);
    b.startBlock(done);
    gpu::ReturnOp::create(b);
    b.startBlock(more);
    startNextSums();
  });
  for (size_t i = 0; i + 1 < turns.size(); ++i) {
    Block *other = b.newBlock();
    b.branch(b.equal(stage, static_cast<int32_t>(i)), turns[i + 1], other);
    b.startBlock(other);
  }
  b.branch(turns[0]);
}

void DecodeBuilder::startNextSums() {
  for (const Variable &sum : math->sums())
    b.set(sum, b.real(0.0f));
  nextSegment(computing);
  takeRowZeros();
  RecordBases start = basesOf(b.get(computing.tile), b.constant(0));
  b.set(codesAt, start.codes);
  b.set(scalesAt, start.scales);
  b.set(zerosAt, start.zeros);
}

/// The block that step `step` belongs to: the largest c with S c / G <= step.
Value DecodeBuilder::ownerOf(Value step) {
  return b.div(b.sub(b.mul(b.add(step, 1), blocks), 1), steps);
}

/// The partial sums of block `owner` for `tile`, of this warp and lane. A block
/// shares at most its first and its last tile with others.
Value DecodeBuilder::slotOf(Value owner, Value tile) {
  owner = b.pinned(owner);
  Value firstTile = b.div(firstStepOf(owner), stepsPerTile);
  Value which =
      b.select(b.equal(tile, firstTile), b.constant(0), b.constant(1));
  Value index = b.add(b.mul(b.add(b.mul(b.blockY(), blocks), owner), 2), which);
  Value slot = b.add(b.mul(index, mathWarps()), warp);
  int64_t bytes = static_cast<int64_t>(math->sums().size()) * 32 * 4;
  Value offset = b.mul(b.widen(slot, b.i64), b.constant64(bytes));
  return b.at(b.at(partials, offset), b.shiftLeft(b.pinned(place.lane), 4));
}

void DecodeBuilder::endOfSegment() {
  Value tile = b.get(computing.tile);
  Value recordRow = b.add(b.mul(tile, mathWarps()), warp);
  b.ifThen(b.less(recordRow, recordRows), [&] {
    Value start = b.mul(tile, stepsPerTile);
    Value from = ownerOf(start);
    Value to = ownerOf(b.sub(b.add(start, stepsPerTile), 1));
    Variable finish = b.variable(b.boolean(true));
    b.ifThen(b.different(from, to),
             [&] { exchangePartials(tile, from, to, finish); });
    b.ifThen(b.get(finish), [&] { storeTile(recordRow); });
  });
}

/// Leaves this block's sums in its slot. The last of the blocks `from` to `to`
/// adds all slots up in order, into its own sums; `finish` is whether it is
/// this one.
void DecodeBuilder::exchangePartials(Value tile, Value from, Value to,
                                     const Variable &finish) {
  auto fence = [&] {
    LLVM::FenceOp::create(b, LLVM::AtomicOrdering::acq_rel, "device");
  };
  auto syncWarp = [&] { NVVM::SyncWarpOp::create(b, b.constant(-1)); };
  ArrayRef<Variable> sums = math->sums();
  int64_t quads = static_cast<int64_t>(sums.size()) / 4;
  Value slot = slotOf(block, tile);
  for (int64_t q = 0; q < quads; ++q) {
    SmallVector<Value> four;
    for (int64_t i = 0; i < 4; ++i)
      four.push_back(b.get(sums[4 * q + i]));
    b.store(b.makeVector(four), b.at(slot, q * 512), 16);
  }
  fence();
  syncWarp();

  Value index =
      b.add(b.mul(b.add(b.mul(b.blockY(), tiles), tile), mathWarps()), warp);
  Value ticket = b.at(tickets, b.shiftLeft(index, 2));
  Variable taken = b.variable(b.constant(0));
  b.ifThen(b.equal(place.lane, 0), [&] {
    b.set(taken, LLVM::AtomicRMWOp::create(
                     b, LLVM::AtomicBinOp::add, ticket, b.constant(1),
                     LLVM::AtomicOrdering::monotonic, "device"));
  });
  syncWarp();
  Value arrived = b.fromFirstLane(b.get(taken));
  Value isLast = b.equal(arrived, b.sub(to, from));
  b.set(finish, isLast);
  b.ifThen(isLast, [&] {
    fence();
    // The next launch finds the ticket as this one did. Later there would be no
    // registers for its address.
    b.ifThen(b.equal(place.lane, 0),
             [&] { b.store(b.constant(0), ticket, 4); });
    for (const Variable &sum : sums)
      b.set(sum, b.real(0.0f));
    b.forRange(from, b.add(to, 1), b.constant(1), [&](Value owner) {
      Value other = slotOf(owner, tile);
      for (int64_t q = 0; q < quads; ++q) {
        Value four =
            b.load(VectorType::get({4}, b.f32), b.at(other, q * 512), 16);
        for (int64_t i = 0; i < 4; ++i)
          b.set(sums[4 * q + i],
                b.fadd(b.get(sums[4 * q + i]), b.extract(four, i)));
      }
    });
  });
}

/// Scales and writes the sums of 32 rows.
void DecodeBuilder::storeTile(Value recordRow) {
  EpiloguePlace at;
  at.firstRow = b.mul(recordRow, RecordGeometry::rows);
  at.firstToken = b.pinned(b.mul(b.blockY(), spec.tokens()));
  at.tokenScales = b.at(activations, b.mul(recordsInK, spec.activationBytes()));
  if (spec.hasRowConstants())
    at.rowScales = rowConstants(recordRow);
  Epilogue(b, spec, place, {bias, residual, turn, output, m, n})
      .store(at, math->tokenSums());
}

gpu::GPUFuncOp awq::buildDecodeKernel(gpu::GPUModuleOp module, Location loc,
                                      const W4KernelSpec &spec) {
  return (spec.tile.copy == CopyEngine::Bulk
              ? makeBulkDecode(module, loc, spec)
              : makeCpAsyncDecode(module, loc, spec))
      ->build();
}
