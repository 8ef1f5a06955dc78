//===- PackActivations.cpp - activations in the order of MMA fragments ----===//
//
// Part of the awq-mlir project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// A block packs one token, whose row it multiplies by the power of two that
// brings its largest magnitude to 2^7 .. 2^8. That makes an f16 of any bf16,
// and bounds the sum of 128 channels by 2^15. A row with an infinity or a NaN
// is left as it is. The inverse factor goes behind the last record.
//
// For 128 channels and T tiles of 8 tokens the packed form is
//   fragments [T][4][32][16 bytes]: of each 32 channels lane 4g + t has token
//     g, channels 2t, 2t+1 and the same 8, 16 and 24 further on;
//   sums [groups][T / 4][8][4][4][2] of f16: of 8 tokens the four parts that
//     add up to minus the sum of the group, in 4 tiles (or T, if it is less),
//     each with a 0 after it.
// wgmma takes it in core matrices: fragments [T][16][8][8] of f16, for each 8
// channels 8 tokens; and the sums as [groups][T][8][4][2].
//
// In mode Planes a tile has 2 tokens, and an activation is a multiple of 2^-22,
// X = p0 2^24 + p1 2^16 + p2 2^8 + p3 with signed bytes p: plane p of token i
// is column 4i + p. For 128 channels and T tiles the packed form is
//   fragments [T][2][32][2][2][4] of bytes: of each 64 channels lane 4 column +
//   t
//     has, of each 32 and of each 16 further on, channels 2t, 2t + 8, 2t + 1
//     and 2t + 9, the order in which a word has its codes;
//   sums [groups][T][8] of i32: minus the sum of the group.
// A token with an infinity or a NaN gets NaN for its factor.
//
// With a norm before the linear, channels are multiplied by its weight as they
// are packed, and 1 / rms is one more factor of the token: no rounding comes
// between.
//
//===----------------------------------------------------------------------===//

#include "DeviceBuilder.h"
#include "W4Kernel.h"

#include <limits>

using namespace mlir;
using namespace awq;

/// Warps of a block.
static constexpr int64_t packWarps = 8;

namespace {

class PackBuilder {
public:
  PackBuilder(gpu::GPUModuleOp module, Location loc, const W4KernelSpec &spec)
      : spec(spec), module(module),
        b(loc, OpBuilder::atBlockEnd(module.getBody())) {}

  gpu::GPUFuncOp build();

private:
  using Value = mlir::Value;

  void locate();
  Value readBits(Value channel);
  Value number(Value channel, Value bits);
  void reduceRow();
  Value reduce(Value ofThread, int64_t firstSlot,
               llvm::function_ref<Value(Value, Value)> join);
  std::pair<Value, Value> factorOf(Value largest);
  void packRecord(Value record);
  void packPlanes(Value record);
  void storePlaneSums(Value base, ArrayRef<Value> sums);
  Value placeInFragments(Value pair, Value g);
  Value placeInCores(Value pair, Value g);
  Value placeOfPart(Value tokenTile, Value ofLane);
  void storeSums(Value base, Value sum, Value group, Value writes);
  Value scaled(Value channel);
  Value units(Value channel);

  const W4KernelSpec &spec;
  gpu::GPUModuleOp module;
  DeviceBuilder b;
  Value input, packed, norm, m, k, epsilon;
  Value thread, warp, lane, token, tile, inTile, row, exists, factor;
  /// Slots of the block in shared memory, one of each warp.
  Value slots;
  /// Of the row: the largest magnitude as the bits of an f32, and with a norm
  /// the inverse of the root of the mean square.
  Value largest, inverseRms;
  /// Whether all of the row is finite; in mode Planes only.
  Value isFinite;
};

} // namespace

gpu::GPUFuncOp PackBuilder::build() {
  SmallVector<Type> types(spec.fusion.norm ? 3 : 2, b.globalPointer);
  types.append(2, b.i32);
  if (spec.fusion.norm)
    types.push_back(b.f32);
  auto kernel =
      gpu::GPUFuncOp::create(b, spec.packName(), b.getFunctionType(types, {}));
  kernel->setAttr(gpu::GPUDialect::getKernelFuncAttrName(), b.getUnitAttr());
  kernel.setKnownBlockSizeAttr(
      b.getDenseI32ArrayAttr({32 * static_cast<int32_t>(packWarps), 1, 1}));
  b.setInsertionPointToStart(&kernel.getBody().front());
  auto argument = kernel.getArguments().begin();
  input = *argument++;
  packed = *argument++;
  if (spec.fusion.norm)
    norm = *argument++;
  m = *argument++;
  k = *argument++;
  if (spec.fusion.norm)
    epsilon = *argument++;

  locate();
  // With programmatic dependent launch: the next kernel may begin to fetch its
  // weights, and what comes now needs the results of the one before.
  if (spec.tile.copy == CopyEngine::Bulk)
    for (auto action : {NVVM::GridDepActionKind::launch_dependents,
                        NVVM::GridDepActionKind::wait})
      NVVM::GriddepcontrolOp::create(b, action);
  reduceRow();
  auto [scale, inverse] = factorOf(largest);
  factor = scale;
  if (norm)
    inverse = b.fmul(inverse, inverseRms);
  Value records = b.divideUp(k, RecordGeometry::channels);
  b.ifThen(b.equal(thread, 0), [&] {
    Value place = b.mul(records, spec.activationBytes());
    b.store(inverse, b.at(packed, b.add(place, b.shiftLeft(inTile, 2))), 4);
  });
  b.forRange(warp, records, b.constant(packWarps), [&](Value record) {
    if (spec.mode == CodeMode::Planes)
      packPlanes(record);
    else
      packRecord(record);
  });
  gpu::ReturnOp::create(b);
  return kernel;
}

void PackBuilder::locate() {
  thread = b.threadX();
  warp = b.div(thread, 32);
  lane = b.rem(thread, 32);
  token = b.blockX();
  inTile = b.rem(token, spec.tokens());
  tile = b.div(token, spec.tokens());
  exists = b.less(token, m);
  // Each 8 or 16 tokens are packed by themselves.
  Value bytes = b.add(
      b.mul(b.divideUp(k, RecordGeometry::channels), spec.activationBytes()),
      spec.tokenScaleBytes());
  packed = b.at(packed, b.mul(b.widen(tile, b.i64), b.widen(bytes, b.i64)));
  Value start = b.mul(b.widen(token, b.i64), b.widen(k, b.i64));
  row = b.at(input, b.mul(start, b.constant64(2)));
}

/// The bits of one activation; 0 beyond M or K.
Value PackBuilder::readBits(Value channel) {
  Variable bits = b.variable(b.constant(0));
  b.ifThen(b.both(exists, b.less(channel, k)), [&] {
    Value half = b.load(b.i16, b.at(row, b.shiftLeft(channel, 1)), 2);
    b.set(bits, b.widen(half, b.i32));
  });
  return b.get(bits);
}

/// A number of the activations' type as f32.
static Value toF32(DeviceBuilder &b, Value bits, ActivationType type) {
  if (type == ActivationType::BF16)
    return b.bitcast(b.shiftLeft(bits, 16), b.f32);
  return b.toF32(b.bitcast(b.narrow(bits, b.i16), b.f16));
}

/// What is packed for a channel, from the bits of its activation.
Value PackBuilder::number(Value channel, Value bits) {
  Value result = toF32(b, bits, spec.type);
  if (!norm)
    return result;
  Value known = b.smaller(channel, b.sub(k, 1));
  return b.fmul(result, b.load(b.f32, b.at(norm, b.shiftLeft(known, 2)), 4));
}

/// Joins what each thread has, by warps and then over the slots of all warps.
Value PackBuilder::reduce(Value ofThread, int64_t firstSlot,
                          llvm::function_ref<Value(Value, Value)> join) {
  auto reduceLanes = [&](Value value, int32_t lanes) {
    for (int32_t with = lanes / 2; with > 0; with /= 2)
      value = join(value, b.shuffleXor(value, with));
    return value;
  };
  Value base = b.at(slots, 4 * firstSlot);
  Value ofWarp = reduceLanes(ofThread, 32);
  b.ifThen(b.equal(lane, 0),
           [&] { b.store(ofWarp, b.at(base, b.shiftLeft(warp, 2)), 4); });
  b.barrier();
  Value mine = b.both(lane, packWarps - 1);
  return reduceLanes(
      b.load(ofThread.getType(), b.at(base, b.shiftLeft(mine, 2)), 4),
      packWarps);
}

/// Finds what the whole row has to be read for. Bits without a sign order like
/// the numbers, and infinities and NaNs come last.
void PackBuilder::reduceRow() {
  auto type = LLVM::LLVMArrayType::get(b.i32, norm ? 2 * packWarps : packWarps);
  LLVM::GlobalOp global;
  {
    OpBuilder::InsertionGuard guard(b);
    b.setInsertionPointToStart(module.getBody());
    global = LLVM::GlobalOp::create(b, type, /*isConstant=*/false,
                                    LLVM::Linkage::Internal,
                                    spec.packName() + "_largest", Attribute(),
                                    /*alignment=*/16, /*addrSpace=*/3);
  }
  Variable most = b.variable(b.constant(0)), squares;
  if (norm)
    squares = b.variable(b.real(0.0f));
  b.forRange(thread, k, b.constant(32 * packWarps), [&](Value channel) {
    Value bits = readBits(channel), magnitude = b.both(bits, 0x7fff);
    if (norm) {
      Value x = toF32(b, bits, spec.type);
      b.set(squares, b.fma(x, x, b.get(squares)));
      magnitude = b.both(b.bitcast(number(channel, bits), b.i32), 0x7fffffff);
    }
    b.set(most, b.larger(b.get(most), magnitude));
  });
  slots = LLVM::AddressOfOp::create(b, global);
  largest =
      reduce(b.get(most), 0, [&](Value x, Value y) { return b.larger(x, y); });
  if (!norm) {
    largest = b.bitcast(toF32(b, largest, spec.type), b.i32);
    return;
  }
  Value sum = reduce(b.get(squares), packWarps,
                     [&](Value x, Value y) { return b.fadd(x, y); });
  Value mean = b.fdiv(sum, LLVM::UIToFPOp::create(b, b.f32, k));
  inverseRms = b.fdiv(b.real(1.0f), b.squareRoot(b.fadd(mean, epsilon)));
}

/// The power of two to multiply by, and its inverse. With the exponent field e
/// of the largest magnitude, 2^(7 - (e - 127)) has the field 261 - e; 253 is
/// the last field whose inverse is a normal number.
std::pair<Value, Value> PackBuilder::factorOf(Value largest) {
  Value exponent = b.shiftRight(largest, 23);
  Value field = b.smaller(b.sub(b.constant(261), exponent), b.constant(253));
  field = b.select(b.equal(exponent, 255), b.constant(127), field);
  Value inverse = b.sub(b.constant(254), field);
  Value scale = b.bitcast(b.shiftLeft(field, 23), b.f32);
  Value inverseScale = b.bitcast(b.shiftLeft(inverse, 23), b.f32);
  if (spec.mode == CodeMode::Planes) {
    isFinite = b.different(exponent, b.constant(255));
    inverseScale = b.select(isFinite, inverseScale,
                            b.real(std::numeric_limits<float>::quiet_NaN()));
  }
  return {scale, inverseScale};
}

/// One activation times the factor, as f16.
Value PackBuilder::scaled(Value channel) {
  return b.fromF32(b.fmul(number(channel, readBits(channel)), factor), b.f16);
}

/// One activation times the factor, in units of 2^-22.
Value PackBuilder::units(Value channel) {
  Value bits = readBits(channel);
  Value scaled = b.fmul(number(channel, bits), b.fmul(factor, b.real(0x1p22f)));
  scaled = b.select(isFinite, scaled, b.real(0.0f));
  return LLVM::FPToSIOp::create(b, b.i32, scaled);
}

/// Pair p of token g for mma.sync: quad p / 16, register p / 4 % 4, lane
/// 4g + p % 4.
Value PackBuilder::placeInFragments(Value pair, Value g) {
  Value ofLane = b.mul(b.add(b.shiftLeft(g, 2), b.rem(pair, 4)), 16);
  return b.add(b.add(b.mul(b.div(pair, 16), 512), ofLane),
               b.shiftLeft(b.rem(b.div(pair, 4), 4), 2));
}

/// Pair p of token g for wgmma, whose core matrices are 8 tokens of 8 channels:
/// core p / 4, row g.
Value PackBuilder::placeInCores(Value pair, Value g) {
  return b.add(b.add(b.mul(b.div(pair, 4), 128), b.shiftLeft(g, 4)),
               b.shiftLeft(b.rem(pair, 4), 2));
}

/// Lane l packs channels 2l, 2l + 1 and 64 + 2l, 65 + 2l of a record.
void PackBuilder::packRecord(Value record) {
  Value base = b.at(packed, b.mul(record, spec.activationBytes()));
  Value tokenTile = b.div(inTile, 8), g = b.rem(inTile, 8);
  Value first = b.mul(record, RecordGeometry::channels);
  Value sums[2];
  for (int64_t half = 0; half < 2; ++half) {
    Value pair = b.add(lane, 32 * half);
    Value channel = b.add(first, b.shiftLeft(pair, 1));
    Value low = scaled(channel), high = scaled(b.add(channel, 1));
    Value place = b.add(b.mul(tokenTile, spec.fragmentBytes()),
                        spec.usesWgmma() ? placeInCores(pair, g)
                                         : placeInFragments(pair, g));
    b.store(b.makeVector({low, high}), b.at(base, place), 4);
    sums[half] = b.fadd(b.toF32(low), b.toF32(high));
    // Sums of 32 channels, in each half of the warp.
    for (int32_t with = 8; with > 0; with /= 2)
      sums[half] = b.fadd(sums[half], b.shuffleXor(sums[half], with));
  }
  if (spec.sumBytes() == 0)
    return;
  Value upperLanes = b.div(lane, 16);
  if (spec.sums() == 4) {
    for (int64_t half = 0; half < 2; ++half)
      storeSums(base, sums[half], b.add(upperLanes, 2 * half),
                b.less(b.both(lane, 15), 4));
    return;
  }
  for (Value &sum : sums)
    sum = b.fadd(sum, b.shuffleXor(sum, 16));
  Value writes = b.less(lane, 4);
  if (spec.sums() == 1)
    storeSums(base, b.fadd(sums[0], sums[1]), b.constant(0), writes);
  else
    for (int64_t half = 0; half < 2; ++half)
      storeSums(base, sums[half], b.constant(half), writes);
}

/// Lane 8 quad + 4 step + t packs the four channels of one word of codes.
void PackBuilder::packPlanes(Value record) {
  constexpr int64_t planes = 4;
  Value t = b.rem(lane, 4), step = b.rem(b.div(lane, 4), 2);
  Value quad = b.div(lane, 8);
  Value channel =
      b.add(b.mul(record, RecordGeometry::channels),
            b.add(b.shiftLeft(b.div(lane, 4), 4), b.shiftLeft(t, 1)));
  // Adding 128 to each signed byte makes them the bytes of one unsigned number.
  constexpr int32_t offset = static_cast<int32_t>(0x80808080u);
  SmallVector<Value> numbers;
  for (int32_t further : {0, 8, 1, 9})
    numbers.push_back(b.add(units(b.add(channel, further)), offset));

  Value tokenTile = b.div(inTile, spec.tokensPerTile());
  Value column = b.mul(b.rem(inTile, spec.tokensPerTile()), planes);
  Value base = b.at(packed, b.mul(record, spec.activationBytes()));
  Value place =
      b.add(b.mul(tokenTile, spec.fragmentBytes()),
            b.add(b.shiftLeft(b.div(quad, 2), 9),
                  b.add(b.shiftLeft(b.rem(quad, 2), 3), b.shiftLeft(step, 2))));
  SmallVector<Value> sums;
  for (int32_t plane = 0; plane < planes; ++plane) {
    Value word = b.constant(0), sum = b.constant(-128 * planes);
    for (auto [i, number] : llvm::enumerate(numbers)) {
      Value byte = b.both(b.shiftRight(number, 24 - 8 * plane), 0xff);
      word = b.either(word, b.shiftLeft(byte, static_cast<int32_t>(8 * i)));
      sum = b.add(sum, byte);
    }
    // Without the 128 again: the sign bit of each byte the other way.
    word = LLVM::XOrOp::create(b, word, b.constant(offset));
    Value ofLane = b.add(b.shiftLeft(b.add(column, plane), 2), t);
    b.store(word, b.at(base, b.add(place, b.shiftLeft(ofLane, 4))), 4);
    sums.push_back(b.sub(b.constant(0), sum));
  }
  storePlaneSums(base, sums);
}

/// Adds up what each lane has for each plane, and stores it for each group.
void PackBuilder::storePlaneSums(Value base, ArrayRef<Value> sums) {
  int32_t lanesPerGroup = static_cast<int32_t>(32 / spec.sums());
  SmallVector<Value> totals(sums);
  for (Value &total : totals)
    for (int32_t with = lanesPerGroup / 2; with > 0; with /= 2)
      total = b.add(total, b.shuffleXor(total, with));
  Value tokenTile = b.div(inTile, spec.tokensPerTile());
  Value token = b.rem(inTile, spec.tokensPerTile());
  Value slot =
      b.add(b.mul(b.div(lane, lanesPerGroup), spec.tile.tokenTiles), tokenTile);
  Value place = b.add(b.mul(slot, spec.sumBytes()), b.shiftLeft(token, 4));
  b.ifThen(b.equal(b.rem(lane, lanesPerGroup), 0), [&] {
    b.store(
        b.makeVector(totals),
        b.at(b.at(base, spec.tile.tokenTiles * spec.fragmentBytes()), place),
        16);
  });
}

/// For mma.sync: the parts that a lane needs of as many tiles as it loads at a
/// time lie side by side.
Value PackBuilder::placeOfPart(Value tokenTile, Value ofLane) {
  auto together = static_cast<int32_t>(spec.sumTiles());
  Value before = b.mul(b.div(tokenTile, together), together * spec.sumBytes());
  Value within = b.add(b.mul(ofLane, together), b.rem(tokenTile, together));
  return b.add(before, b.shiftLeft(within, 2));
}

/// Splits minus `sum` into four f16 parts; lane l % 4 writes part l % 4.
void PackBuilder::storeSums(Value base, Value sum, Value group, Value writes) {
  Value index = b.rem(lane, 4);
  Value rest = b.fsub(b.real(-0.0f), sum);
  Value mine;
  for (int32_t part = 0; part < 4; ++part) {
    Value half = b.fromF32(rest, b.f16);
    rest = b.fsub(rest, b.toF32(half));
    mine = mine ? b.select(b.equal(index, part), half, mine) : half;
  }
  Value tokenTile = b.div(inTile, 8), g = b.rem(inTile, 8);
  Value ofLane = b.add(b.shiftLeft(g, 2), index);
  Value place =
      b.add(b.mul(group, spec.tile.tokenTiles * spec.sumBytes()),
            spec.usesWgmma() ? b.add(b.mul(tokenTile, spec.sumBytes()),
                                     b.shiftLeft(ofLane, 2))
                             : placeOfPart(tokenTile, ofLane));
  b.ifThen(writes, [&] {
    // With a zero beside it.
    b.store(
        b.widen(b.bitcast(mine, b.i16), b.i32),
        b.at(b.at(base, spec.tile.tokenTiles * spec.fragmentBytes()), place),
        4);
  });
}

gpu::GPUFuncOp awq::buildPackKernel(gpu::GPUModuleOp module, Location loc,
                                    const W4KernelSpec &spec) {
  return PackBuilder(module, loc, spec).build();
}
