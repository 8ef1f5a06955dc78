//===- W4Record.cpp - the arithmetic of one record ------------------------===//
//
// Part of the awq-mlir project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Y^T = dequant(W) X^T, with the weights as the A operand of mma.m16n8k16. A
// word of codes holds the fragment of 16 rows and 16 channels: its nibbles 0
// and 4 are two channels of row g, 1 and 5 the same of row g + 8, and the other
// four the channels 8 further on.
//
// Mode Subnormal. With no exponent, the f16 of the bits q is q * 2^-24, and
// that of q << 4 is q * 2^-20: masking is all that a code needs. So the MMAs
// sum up 2^-24 q x for rows g, 2^-20 q x for rows g + 8. The zero point needs
//   sum (q - z) x = sum q x + z (-S),   S = sum x over the group,
// where -S comes as four f16 parts p0 + p1 + p2 + p3 that add up to it: one
// mma.m16n8k8 whose A has z in columns 0, 2, 4, 6 and whose B has the parts in
// those rows. The same f16 subnormals serve for z. The scale follows per group
// in f32, the factor 2^24 or 2^20 at the very end.
//
// Mode Exact. The bits 0x6400 | q are 1024 + q; 1024 + z is subtracted from
// it. 0x6400 | q << 4 is 1024 + 16 q; times 1/16 minus (64 + z) is q - z again.
// All of that is exact.
//
// Mode Scaled. The same, times the scale, rounded to f16.
//
// Mode Dequantized. That is what a kernel before has done with all codes: a
// record has the fragment of each word, 16 bytes of each lane side by side.
//
//===----------------------------------------------------------------------===//

#include "W4Planes.h"
#include "W4Wgmma.h"

using namespace mlir;
using namespace awq;

/// Tiles of tokens whose fragments are held while codes are unpacked.
static constexpr int64_t mostTilesHeld = 4;
/// Nibbles 0 and 4, and nibbles 1 and 5, of a word.
static constexpr int32_t lowerMask = 0x000f000f, upperMask = 0x00f000f0;

RecordMath::RecordMath(DeviceBuilder &b, const W4KernelSpec &spec,
                       LanePlace place)
    : b(b), spec(spec), place(place) {
  for (int64_t i = 0; i < atoms * spec.tile.tokenTiles * 4; ++i)
    sumVariables.push_back(b.variable(b.real(0.0f)));
  if (spec.hasRowConstants() && !spec.symmetric)
    for (int64_t i = 0; i < 2 * atoms; ++i)
      rowZeros.push_back(b.variable(b.constant(0)));
}

RecordBases RecordMath::basesAt(Value records, Value activations) {
  Value constants = b.at(records, spec.weightBytes());
  Value zeros = b.at(constants, spec.groups * RecordGeometry::rows * 2);
  Value sums = b.at(activations, spec.tile.tokenTiles * spec.fragmentBytes());
  return {
      b.at(records, b.shiftLeft(place.lane, 4)),
      b.at(constants, b.shiftLeft(place.g, 3)),
      b.at(zeros, b.shiftLeft(place.g, 1)),
      b.at(activations, b.shiftLeft(place.lane, 4)),
      b.at(sums, b.mul(place.lane, static_cast<int32_t>(4 * spec.sumTiles())))};
}

SmallVector<TokenSum> RecordMath::tokenSums() {
  Value laneToken = b.shiftLeft(place.t, 1);
  SmallVector<TokenSum> result;
  for (int64_t tile = 0; tile < spec.tile.tokenTiles; ++tile)
    for (int64_t j = 0; j < 2; ++j)
      for (int64_t atom = 0; atom < atoms; ++atom)
        for (int64_t h = 0; h < 2; ++h) {
          int64_t i = 4 * (atom * spec.tile.tokenTiles + tile) + 2 * h + j;
          Value sum = b.get(sumVariables[i]);
          // Codes of the lower nibbles are q 2^-24, those of the upper q 2^-20.
          if (spec.mode == CodeMode::Subnormal)
            sum = b.fmul(sum, b.real(h == 0 ? 0x1p24f : 0x1p20f));
          result.push_back(
              {2 * atom + h, laneToken, 8 * tile + j, sum, Value()});
        }
  return result;
}

std::unique_ptr<RecordMath> awq::makeRecordMath(DeviceBuilder &b,
                                                const W4KernelSpec &spec,
                                                LanePlace place) {
  if (spec.mode == CodeMode::Planes)
    return std::make_unique<PlaneMath>(b, spec, place);
  if (spec.usesWgmma())
    return std::make_unique<WarpgroupMath>(b, spec, place);
  return std::make_unique<RecordMath>(b, spec, place);
}

//===----------------------------------------------------------------------===//
// Zero points
//===----------------------------------------------------------------------===//

GroupConstants RecordMath::makeZeros(Value bytes) {
  GroupConstants result;
  if (spec.mode == CodeMode::Subnormal) {
    // As bytes, so that LLVM sees no bits of i16 to care for.
    Value second =
        NVVM::PermuteOp::create(b, b.i32, bytes, b.constant(0),
                                b.constant(0x4441), NVVM::PermuteMode::DEFAULT);
    for (int64_t atom = 0; atom < atoms; ++atom) {
      Value byte = atom == 0 ? bytes : second;
      result.atoms[atom].lower = b.both(byte, 0x0f);
      result.atoms[atom].upper = b.both(byte, 0xf0);
    }
    return result;
  }
  for (int64_t atom = 0; atom < atoms; ++atom) {
    Value byte = atom == 0 ? bytes : b.shiftRight(bytes, 8);
    auto twice = [&](int32_t mask, int32_t exponent) {
      Value one = b.mul(b.both(byte, mask), 0x10001);
      return b.either(one, exponent);
    };
    // 1024 + z, and -64 - z: an ulp of 64 is 1/16.
    result.atoms[atom] = {twice(0x0f, 0x64006400),
                          twice(0xf0, static_cast<int32_t>(0xd400d400u))};
  }
  return result;
}

GroupConstants RecordMath::symmetricZeros() {
  int32_t zero = 1 << (spec.bits - 1);
  AtomConstants both;
  if (spec.mode == CodeMode::Subnormal)
    both = {b.constant(zero), b.constant(zero << 4)};
  else
    both = {b.constant(0x64006400 + zero * 0x00010001),
            b.constant(static_cast<int32_t>(0xd400d400u) + zero * 0x00100010)};
  return {{both, both}};
}

GroupConstants RecordMath::loadConstants(const RecordBases &bases,
                                         int64_t recordBytes, int64_t group) {
  GroupConstants result;
  if (spec.isDequantized())
    return result;
  if (spec.symmetric) {
    result = symmetricZeros();
  } else if (spec.groups == 0) {
    for (int64_t atom = 0; atom < atoms; ++atom)
      result.atoms[atom] = {b.get(rowZeros[2 * atom]),
                            b.get(rowZeros[2 * atom + 1])};
  } else {
    Value zeros =
        b.at(bases.zeros, recordBytes + group * RecordGeometry::rows / 2);
    result = makeZeros(b.widen(b.load(b.i16, zeros, 2), b.i32));
  }
  if (spec.mode != CodeMode::Scaled)
    return result;
  Value four = loadScales(bases, recordBytes, group);
  for (int64_t atom = 0; atom < atoms; ++atom) {
    auto twice = [&](int64_t h) {
      Value scale = b.extract(four, 2 * atom + h);
      return b.makeVector({scale, scale});
    };
    result.atoms[atom].lowerScale = twice(0);
    result.atoms[atom].upperScale = twice(1);
  }
  return result;
}

/// The scales of rows g, g + 8, g + 16 and g + 24 as f16.
Value RecordMath::loadScales(const RecordBases &bases, int64_t recordBytes,
                             int64_t group) {
  int64_t offset = recordBytes + group * RecordGeometry::rows * 2;
  return b.load(VectorType::get({4}, b.f16), b.at(bases.scales, offset), 8);
}

void RecordMath::setRowZeros(Value address) {
  if (rowZeros.empty())
    return;
  Value pair = b.load(b.i16, b.at(address, b.shiftLeft(place.g, 1)), 2);
  GroupConstants zeros = makeZeros(b.widen(pair, b.i32));
  for (int64_t atom = 0; atom < atoms; ++atom) {
    b.set(rowZeros[2 * atom], zeros.atoms[atom].lower);
    b.set(rowZeros[2 * atom + 1], zeros.atoms[atom].upper);
  }
}

//===----------------------------------------------------------------------===//
// Products
//===----------------------------------------------------------------------===//

Value RecordMath::mma(ArrayRef<Value> a, ArrayRef<Value> bOperand,
                      ArrayRef<Value> c, int64_t k) {
  auto pairs = [&](ArrayRef<Value> words) {
    return llvm::map_to_vector(
        words, [&](Value word) { return b.bitcast(word, b.halfPair); });
  };
  auto result = LLVM::LLVMStructType::getLiteral(b.getContext(),
                                                 SmallVector<Type>(4, b.f32));
  return NVVM::MmaOp::create(
      b, result, pairs(a), pairs(bOperand), c, ArrayRef<int64_t>{16, 8, k},
      std::nullopt, std::nullopt, std::nullopt,
      std::array{NVVM::MMALayout::row, NVVM::MMALayout::col});
}

/// sums += z (-S), with the parts of -S at `address`; mode Subnormal only.
void RecordMath::addZeroPoints(const GroupConstants &zeros, Value address,
                               MutableArrayRef<Value> groupSums) {
  int64_t together = spec.sumTiles();
  auto type = VectorType::get({together}, b.i32);
  for (int64_t first = 0; first < spec.tile.tokenTiles; first += together) {
    Value parts = b.load(type, b.at(address, first * spec.sumBytes()),
                         static_cast<unsigned>(4 * together));
    for (int64_t tile = first; tile < first + together; ++tile)
      for (int64_t atom = 0; atom < atoms; ++atom) {
        MutableArrayRef<Value> c =
            groupSums.slice(4 * (atom * spec.tile.tokenTiles + tile), 4);
        Value product = mma({zeros.atoms[atom].lower, zeros.atoms[atom].upper},
                            {b.extract(parts, tile - first)}, c, 8);
        for (int64_t i = 0; i < 4; ++i)
          c[i] = b.extract(product, i);
      }
  }
}

/// word & mask with the exponent of 1024 in both halves: a & b | c in one
/// instruction, which ptxas makes two of if it is not told.
Value RecordMath::biased(Value word, int32_t mask) {
  Value bits =
      b.inlinePTX(b.i32, {word, b.constant(mask), b.constant(0x64006400)},
                  "lop3.b32 $0, $1, $2, $3, 0xEA;", "=r,r,r,r");
  return b.bitcast(bits, b.halfPair);
}

SmallVector<Value> RecordMath::fragmentOf(Value word,
                                          const AtomConstants &constants) {
  Value further = b.shiftRight(word, 8);
  if (spec.mode == CodeMode::Subnormal)
    return {b.both(word, lowerMask), b.both(word, upperMask),
            b.both(further, lowerMask), b.both(further, upperMask)};
  Value sixteenth = LLVM::ConstantOp::create(
      b, b.halfPair,
      DenseElementsAttr::get(b.halfPair,
                             APFloat(APFloat::IEEEhalf(), "0.0625")));
  auto finish = [&](Value code, Value scale) {
    return b.bitcast(scale ? b.fmul(code, scale) : code, b.i32);
  };
  auto lower = [&](Value source) {
    Value shifted = b.bitcast(constants.lower, b.halfPair);
    return finish(b.fsub(biased(source, lowerMask), shifted),
                  constants.lowerScale);
  };
  auto upper = [&](Value source) {
    Value shifted = b.bitcast(constants.upper, b.halfPair);
    return finish(b.fma(biased(source, upperMask), sixteenth, shifted),
                  constants.upperScale);
  };
  return {lower(word), upper(word), lower(further), upper(further)};
}

SmallVector<SmallVector<Value>>
RecordMath::loadFragments(Value weightsAt, const GroupConstants &constants) {
  constexpr int64_t words = 2 * atoms, fragmentBytes = 512;
  auto four = VectorType::get({4}, b.i32);
  SmallVector<SmallVector<Value>> fragments;
  if (spec.isDequantized()) {
    for (int64_t word = 0; word < words; ++word) {
      Value loaded = b.load(four, b.at(weightsAt, word * fragmentBytes), 16);
      SmallVector<Value> &fragment = fragments.emplace_back();
      for (int64_t i = 0; i < 4; ++i)
        fragment.push_back(b.extract(loaded, i));
    }
    return fragments;
  }
  Value loaded = b.load(four, weightsAt, 16);
  for (int64_t word = 0; word < words; ++word)
    fragments.push_back(
        fragmentOf(b.extract(loaded, word), constants.atoms[word % atoms]));
  return fragments;
}

SmallVector<SmallVector<Value>>
RecordMath::fragmentsOfQuad(const RecordBases &bases, int64_t quad) {
  int64_t group = quad * spec.sums() / quads;
  return loadFragments(b.at(bases.codes, quad * weightQuadBytes()),
                       loadConstants(bases, 0, group));
}

/// The products of 32 channels: two steps of 16 for each atom. `wordsAt` and
/// `fragmentsAt` are the addresses of the lane's 16 bytes of each.
void RecordMath::addCodes(Value wordsAt, Value fragmentsAt,
                          const GroupConstants &constants,
                          MutableArrayRef<Value> groupSums) {
  auto four = VectorType::get({4}, b.i32);
  int64_t tiles = spec.tile.tokenTiles;
  Value words;
  SmallVector<Value> tokens(tiles), fragments[2][atoms];
  auto loadTokens = [&](int64_t tile) {
    tokens[tile] =
        b.load(four, b.at(fragmentsAt, tile * spec.fragmentBytes()), 16);
  };
  auto unpack = [&](int64_t step, int64_t atom) {
    fragments[step][atom] =
        fragmentOf(b.extract(words, 2 * step + atom), constants.atoms[atom]);
  };
  auto multiply = [&](int64_t step, int64_t atom, int64_t tile) {
    MutableArrayRef<Value> c = groupSums.slice(4 * (atom * tiles + tile), 4);
    Value product = mma(fragments[step][atom],
                        {b.extract(tokens[tile], 2 * step),
                         b.extract(tokens[tile], 2 * step + 1)},
                        c, 16);
    for (int64_t i = 0; i < 4; ++i)
      c[i] = b.extract(product, i);
  };

  // What is less waits in registers for the other: the tokens of a few tiles,
  // or the fragments of the codes.
  if (tiles <= mostTilesHeld) {
    for (int64_t tile = 0; tile < tiles; ++tile)
      loadTokens(tile);
    words = b.load(four, wordsAt, 16);
    for (int64_t step = 0; step < 2; ++step)
      for (int64_t atom = 0; atom < atoms; ++atom) {
        unpack(step, atom);
        for (int64_t tile = 0; tile < tiles; ++tile)
          multiply(step, atom, tile);
      }
    return;
  }
  SmallVector<SmallVector<Value>> all = loadFragments(wordsAt, constants);
  for (int64_t i = 0; i < 2 * atoms; ++i)
    fragments[i / atoms][i % atoms] = all[i];
  for (int64_t tile = 0; tile < tiles; ++tile) {
    loadTokens(tile);
    for (int64_t step = 0; step < 2; ++step)
      for (int64_t atom = 0; atom < atoms; ++atom)
        multiply(step, atom, tile);
  }
}

void RecordMath::scaleGroup(const RecordBases &bases, int64_t recordBytes,
                            int64_t group, ArrayRef<Value> groupSums) {
  Value four = loadScales(bases, recordBytes, group);
  for (int64_t atom = 0; atom < atoms; ++atom)
    for (int64_t h = 0; h < 2; ++h) {
      Value scale = b.toF32(b.extract(four, 2 * atom + h));
      for (int64_t tile = 0; tile < spec.tile.tokenTiles; ++tile)
        for (int64_t j = 0; j < 2; ++j) {
          int64_t i = 4 * (atom * spec.tile.tokenTiles + tile) + 2 * h + j;
          b.set(sumVariables[i],
                b.fma(scale, groupSums[i], b.get(sumVariables[i])));
        }
    }
}

void RecordMath::accumulate(const RecordBases &bases, int64_t recordBytes,
                            int64_t activationBytes) {
  int64_t quadsPerGroup = quads / spec.sums();
  for (int64_t group = 0; group < spec.sums(); ++group) {
    SmallVector<Value> groupSums;
    for (const Variable &sum : sumVariables)
      groupSums.push_back(sumsRunOn() ? b.get(sum) : b.real(0.0f));
    GroupConstants constants = loadConstants(bases, recordBytes, group);
    if (spec.mode == CodeMode::Subnormal)
      addZeroPoints(
          constants,
          b.at(bases.sums, activationBytes +
                               group * spec.tile.tokenTiles * spec.sumBytes()),
          groupSums);
    for (int64_t i = 0; i < quadsPerGroup; ++i) {
      int64_t quad = group * quadsPerGroup + i;
      addCodes(b.at(bases.codes, recordBytes + quad * weightQuadBytes()),
               b.at(bases.fragments, activationBytes + quad * quadBytes),
               constants, groupSums);
    }
    if (!sumsRunOn()) {
      scaleGroup(bases, recordBytes, group, groupSums);
      continue;
    }
    for (auto [variable, sum] : llvm::zip(sumVariables, groupSums))
      b.set(variable, sum);
  }
}
