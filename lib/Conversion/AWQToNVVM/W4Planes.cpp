//===- W4Planes.cpp - records by integer matrix products ------------------===//
//
// Part of the awq-mlir project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// A byte of a word has the code of row g in its lower nibble and that of row
// g + 8, at the same channel, in its upper one. So the A fragment of
// mma.m16n8k32 for rows g is `word & 0x0f0f0f0f`, one instruction for 8 codes;
// for rows g + 8 it is the word as it is, which yields
//
//   C[g + 8] = C[g] + 16 sum q[g + 8] x,
//
// since the byte is q[g] + 16 q[g + 8]. Its difference from C[g] is what is
// wanted, times 16. Two words, 16 channels apart, make the 32 channels of an
// MMA; which of them an MMA takes for its k-th does not matter as long as the
// packed activations follow (PackActivations.cpp).
//
// Sums start at the bits of 1.5 * 2^23 as a float, minus the zero point's part,
// z S with S the sum of the plane over the group. |sum (q - z) x| is at most
// 255 * 128 * 128 < 2^22 for 128 channels: so the sum of integers is, as bits,
// the float 1.5 * 2^23 + sum, and no conversion is needed.
//
//===----------------------------------------------------------------------===//

#include "W4Planes.h"

using namespace mlir;
using namespace awq;

static constexpr int32_t nibbles = 0x0f0f0f0f;
/// 1.5 * 2^23, and its bits.
static constexpr float origin = 0x1.8p23f;
static constexpr int32_t originBits = 0x4b400000;

PlaneMath::PlaneMath(DeviceBuilder &b, const W4KernelSpec &spec,
                     LanePlace place)
    : RecordMath(b, spec, place) {}

RecordBases PlaneMath::basesAt(Value records, Value activations) {
  RecordBases bases = RecordMath::basesAt(records, activations);
  // The sums of the two columns that the lane's results are in.
  Value sums = b.at(activations, spec.tile.tokenTiles * spec.fragmentBytes());
  bases.sums = b.at(sums, b.shiftLeft(place.t, 3));
  return bases;
}

//===----------------------------------------------------------------------===//
// Zero points
//===----------------------------------------------------------------------===//

/// From two bytes, those of atom 0 and 1, in a register.
PlaneMath::AtomBytes PlaneMath::atomBytes(Value bytes, int64_t atom) {
  Value byte = atom == 0 ? b.both(bytes, 0xff) : b.shiftRight(bytes, 8);
  return {b.both(byte, 0x0f), byte};
}

SmallVector<PlaneMath::AtomBytes> PlaneMath::loadZeroBytes(Value address) {
  SmallVector<AtomBytes> zeros;
  if (spec.symmetric) {
    int32_t zero = 1 << (spec.bits - 1);
    zeros.assign(atoms, {b.constant(zero), b.constant(zero * 0x11)});
    return zeros;
  }
  if (spec.groups == 0) {
    for (int64_t atom = 0; atom < atoms; ++atom)
      zeros.push_back(
          {b.get(rowZeros[2 * atom]), b.get(rowZeros[2 * atom + 1])});
    return zeros;
  }
  Value bytes = b.widen(b.load(b.i16, address, 2), b.i32);
  for (int64_t atom = 0; atom < atoms; ++atom)
    zeros.push_back(atomBytes(bytes, atom));
  return zeros;
}

void PlaneMath::setRowZeros(Value address) {
  if (rowZeros.empty())
    return;
  Value pair = b.load(b.i16, b.at(address, b.shiftLeft(place.g, 1)), 2);
  Value bytes = b.widen(pair, b.i32);
  for (int64_t atom = 0; atom < atoms; ++atom) {
    AtomBytes zeros = atomBytes(bytes, atom);
    b.set(rowZeros[2 * atom], zeros.zero);
    b.set(rowZeros[2 * atom + 1], zeros.byte);
  }
}

//===----------------------------------------------------------------------===//
// Products
//===----------------------------------------------------------------------===//

/// c + a x on unsigned bytes a and signed bytes x; all are four or two
/// registers, `c` and the result a struct of four. The intrinsics of LLVM have
/// no such mixture of signs.
static Value integerMma(DeviceBuilder &b, ArrayRef<Value> a, ArrayRef<Value> x,
                        ArrayRef<Value> c) {
  auto type = LLVM::LLVMStructType::getLiteral(b.getContext(),
                                               SmallVector<Type>(4, b.i32));
  SmallVector<Value> operands(a);
  operands.append(x.begin(), x.end());
  operands.append(c.begin(), c.end());
  return b.inlinePTX(type, operands,
                     "mma.sync.aligned.m16n8k32.row.col.s32.u8.s8.s32 "
                     "{$0, $1, $2, $3}, {$4, $5, $6, $7}, {$8, $9}, "
                     "{$10, $11, $12, $13};",
                     "=r,=r,=r,=r,r,r,r,r,r,r,r,r,r,r");
}

/// groupSums = origin + z (-S), in integers.
void PlaneMath::startSums(Value zerosAt, Value sumsAt,
                          MutableArrayRef<Value> groupSums) {
  SmallVector<AtomBytes> zeros = loadZeroBytes(zerosAt);
  Value start = b.constant(originBits);
  for (int64_t tile = 0; tile < spec.tile.tokenTiles; ++tile) {
    Value pair = b.load(VectorType::get({2}, b.i32),
                        b.at(sumsAt, tile * spec.sumBytes()), 8);
    for (int64_t j = 0; j < 2; ++j) {
      Value sum = b.extract(pair, j);
      for (int64_t atom = 0; atom < atoms; ++atom) {
        int64_t i = sumIndex(atom, tile) + j;
        groupSums[i] = b.add(b.mul(zeros[atom].zero, sum), start);
        groupSums[i + 2] = b.add(b.mul(zeros[atom].byte, sum), start);
      }
    }
  }
}

/// The products of 32 channels, with the words at `wordsAt`. `tokens` has four
/// registers of each tile, of which this quad takes the two of `half`.
void PlaneMath::addQuad(Value wordsAt, ArrayRef<Value> tokens, int64_t half,
                        MutableArrayRef<Value> groupSums) {
  Value words = b.load(VectorType::get({4}, b.i32), wordsAt, 16);
  for (int64_t atom = 0; atom < atoms; ++atom) {
    Value near = b.extract(words, atom), far = b.extract(words, 2 + atom);
    SmallVector<Value> a = {b.both(near, nibbles), near, b.both(far, nibbles),
                            far};
    for (int64_t tile = 0; tile < spec.tile.tokenTiles; ++tile) {
      MutableArrayRef<Value> c = groupSums.slice(sumIndex(atom, tile), 4);
      Value product = integerMma(b, a,
                                 {b.extract(tokens[tile], 2 * half),
                                  b.extract(tokens[tile], 2 * half + 1)},
                                 c);
      for (int64_t i = 0; i < 4; ++i)
        c[i] = b.extract(product, i);
    }
  }
}

/// sums += s * groupSums, with the scale of each row; rows g + 8 stay 16 times
/// too large. A group of a whole row is scaled at its end.
void PlaneMath::finishGroup(Value scalesAt, ArrayRef<Value> groupSums) {
  Value scales;
  if (spec.groups != 0)
    scales = b.load(VectorType::get({4}, b.f16), scalesAt, 8);
  for (int64_t atom = 0; atom < atoms; ++atom)
    for (int64_t h = 0; h < 2; ++h) {
      Value scale;
      if (scales)
        scale = b.toF32(b.extract(scales, 2 * atom + h));
      for (int64_t tile = 0; tile < spec.tile.tokenTiles; ++tile)
        for (int64_t j = 0; j < 2; ++j) {
          int64_t lower = sumIndex(atom, tile) + j;
          Value below =
              h == 0 ? b.real(origin) : b.bitcast(groupSums[lower], b.f32);
          Value part =
              b.fsub(b.bitcast(groupSums[lower + 2 * h], b.f32), below);
          const Variable &sum = sumVariables[lower + 2 * h];
          b.set(sum, scale ? b.fma(scale, part, b.get(sum))
                           : b.fadd(part, b.get(sum)));
        }
    }
}

void PlaneMath::accumulate(const RecordBases &bases, int64_t recordBytes,
                           int64_t activationBytes) {
  // A lane's 16 bytes of a tile are the activations of two quads.
  SmallVector<Value> tokens[quads / 2];
  for (int64_t pair = 0; pair < quads / 2; ++pair)
    for (int64_t tile = 0; tile < spec.tile.tokenTiles; ++tile)
      tokens[pair].push_back(
          b.load(VectorType::get({4}, b.i32),
                 b.at(bases.fragments, activationBytes + pair * quadBytes +
                                           tile * spec.fragmentBytes()),
                 16));
  int64_t quadsPerGroup = quads / spec.sums();
  for (int64_t group = 0; group < spec.sums(); ++group) {
    SmallVector<Value> groupSums(sumVariables.size());
    startSums(b.at(bases.zeros, recordBytes + group * RecordGeometry::rows / 2),
              b.at(bases.sums, activationBytes + group * spec.tile.tokenTiles *
                                                     spec.sumBytes()),
              groupSums);
    for (int64_t i = 0; i < quadsPerGroup; ++i) {
      int64_t quad = group * quadsPerGroup + i;
      addQuad(b.at(bases.codes, recordBytes + quad * quadBytes),
              tokens[quad / 2], quad % 2, groupSums);
    }
    finishGroup(
        b.at(bases.scales, recordBytes + group * RecordGeometry::rows * 2),
        groupSums);
  }
}

/// Puts the planes of each token together. Even lanes t have planes 0 and 1,
/// odd ones 2 and 3; even ones get the sum.
SmallVector<TokenSum> PlaneMath::tokenSums() {
  Value isUpper = b.equal(b.both(place.t, 1), 0);
  // Activations are in units of 2^-22, plane 0 in 2^24 of them.
  Value first = b.select(isUpper, b.real(0x1p2f), b.real(0x1p-14f));
  Value second = b.select(isUpper, b.real(0x1p-6f), b.real(0x1p-22f));
  Value laneToken = b.div(place.t, 2);
  SmallVector<TokenSum> result;
  for (int64_t tile = 0; tile < spec.tile.tokenTiles; ++tile)
    for (int64_t atom = 0; atom < atoms; ++atom)
      for (int64_t h = 0; h < 2; ++h) {
        int64_t i = sumIndex(atom, tile) + 2 * h;
        Value sum = b.fma(b.get(sumVariables[i + 1]), second,
                          b.fmul(b.get(sumVariables[i]), first));
        sum = b.fadd(sum, b.shuffleXor(sum, 1));
        sum = b.fmul(sum, b.real(h == 0 ? 1.0f : 0x1p-4f));
        result.push_back({2 * atom + h, laneToken, 2 * tile, sum, isUpper});
      }
  return result;
}
