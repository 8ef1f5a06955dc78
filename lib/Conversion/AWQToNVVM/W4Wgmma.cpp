//===- W4Wgmma.cpp - records by products of warpgroups --------------------===//
//
// Part of the awq-mlir project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// wgmma.m64nNk16 takes the weights from registers, where each warp has the
// fragment of 16 rows that mma.m16n8k16 takes, and the activations from shared
// memory, once for four warps. It works while the warps unpack the next codes:
// after the products of 32 channels have been handed over, a warp waits for
// those of the 32 before, whose fragments are then free again.
//
// A matrix in shared memory is made of core matrices, 8 tokens of 16 bytes. Its
// descriptor has the address and the distances of cores along K and along the
// tokens, all in units of 16 bytes (PTX ISA, "Matrix descriptor format").
//
// NVVM has no operation for wgmma with registers, hence the inline PTX. A sum
// must not be touched before its product is waited for, so the last wait is
// inline PTX too, through which all sums go.
//
//===----------------------------------------------------------------------===//

#include "W4Wgmma.h"

using namespace mlir;
using namespace awq;

/// A core matrix, and the two of them along K that a product takes.
static constexpr int64_t coreBytes = 128, stepBytes = 256;
/// Products of 32 channels that may be under way while codes are unpacked.
static constexpr int64_t quadsAhead = 1;

/// The descriptor's upper part: bytes between cores along K and along tokens.
static int64_t strides(int64_t alongK, int64_t alongTokens) {
  return alongK / 16 << 16 | alongTokens / 16 << 32;
}

RecordBases WarpgroupMath::basesAt(Value records, Value activations) {
  RecordBases bases = RecordMath::basesAt(records, activations);
  auto descriptorOf = [&](Value address, int64_t upper) {
    Value bytes = LLVM::PtrToIntOp::create(b, b.i32, address);
    Value units = b.both(b.shiftRight(bytes, 4), 0x3fff);
    return b.either(b.widen(units, b.i64), b.constant64(upper));
  };
  bases.fragments =
      descriptorOf(activations, strides(coreBytes, spec.fragmentBytes()));
  // The zero points have nothing in the second 8 columns, so that it does not
  // matter which core they meet there.
  bases.sums = descriptorOf(
      b.at(activations, spec.tile.tokenTiles * spec.fragmentBytes()),
      strides(0, coreBytes));
  return bases;
}

//===----------------------------------------------------------------------===//
// Zero points
//===----------------------------------------------------------------------===//

/// The zero points as first columns of A fragments; the parts of a sum are in
/// rows 0, 2, 4, 6.
void WarpgroupMath::addZeroPoints(const GroupConstants &constants,
                                  Value descriptor,
                                  MutableArrayRef<Value> groupSums) {
  Value none = b.constant(0);
  NVVM::WgmmaFenceAlignedOp::create(b);
  for (int64_t atom = 0; atom < atoms; ++atom)
    multiply(
        {constants.atoms[atom].lower, constants.atoms[atom].upper, none, none},
        descriptor, groupSums.slice(atom * sumsPerAtom(), sumsPerAtom()),
        /*startsAnew=*/!sumsRunOn());
}

//===----------------------------------------------------------------------===//
// Products
//===----------------------------------------------------------------------===//

/// "$first, $first+1, .." of `count` operands.
static std::string operandList(int64_t first, int64_t count) {
  std::string text;
  for (int64_t i = first; i < first + count; ++i)
    text += (i == first ? "$" : ", $") + std::to_string(i);
  return text;
}

/// Inline PTX that changes `sums` and reads `inputs`, after them in the order
/// of operands: outputs, then the sums before, tied to these, then inputs.
static void updateSums(DeviceBuilder &b, StringRef text,
                       MutableArrayRef<Value> sums, ArrayRef<Value> inputs,
                       StringRef inputConstraints) {
  std::string constraints;
  for (size_t i = 0; i < sums.size(); ++i)
    constraints += "=f,";
  for (size_t i = 0; i < sums.size(); ++i)
    constraints += std::to_string(i) + ",";
  constraints += inputConstraints;
  SmallVector<Value> operands(sums.begin(), sums.end());
  operands.append(inputs.begin(), inputs.end());
  auto type = LLVM::LLVMStructType::getLiteral(
      b.getContext(), SmallVector<Type>(sums.size(), b.f32));
  Value result =
      b.inlinePTX(type, operands, text, StringRef(constraints).rtrim(','),
                  /*hasEffects=*/true);
  for (size_t i = 0; i < sums.size(); ++i)
    sums[i] = b.extract(result, static_cast<int64_t>(i));
}

/// sums = fragment * tokens, plus the sums before unless they start anew.
void WarpgroupMath::multiply(ArrayRef<Value> fragment, Value descriptor,
                             MutableArrayRef<Value> atomSums, bool startsAnew) {
  auto count = static_cast<int64_t>(atomSums.size());
  std::string text =
      "wgmma.mma_async.sync.aligned.m64n" + std::to_string(spec.tokens()) +
      "k16.f32.f16.f16 {" + operandList(0, count) + "}, {" +
      operandList(2 * count, 4) + "}, $" + std::to_string(2 * count + 4) +
      ", " + (startsAnew ? "0" : "1") + ", 1, 1, 0;";
  SmallVector<Value> inputs(fragment);
  inputs.push_back(descriptor);
  updateSums(b, text, atomSums, inputs, "r,r,r,r,l");
}

/// The products of 32 channels: two steps of 16 for each atom.
void WarpgroupMath::addQuad(Value wordsAt, Value descriptor,
                            const GroupConstants &constants,
                            MutableArrayRef<Value> groupSums, bool startsAnew) {
  SmallVector<SmallVector<Value>> fragments = loadFragments(wordsAt, constants);
  NVVM::WgmmaFenceAlignedOp::create(b);
  for (int64_t step = 0; step < 2; ++step)
    for (int64_t atom = 0; atom < atoms; ++atom)
      multiply(fragments[step * atoms + atom],
               LLVM::AddOp::create(b, descriptor,
                                   b.constant64(step * stepBytes / 16)),
               groupSums.slice(atom * sumsPerAtom(), sumsPerAtom()),
               startsAnew && step == 0);
  NVVM::WgmmaGroupSyncAlignedOp::create(b);
}

/// Waits for all products, of which `groupSums` are the last.
void WarpgroupMath::awaitAll(MutableArrayRef<Value> groupSums) {
  updateSums(b, "wgmma.wait_group.sync.aligned 0;", groupSums, {}, "");
}

void WarpgroupMath::accumulate(const RecordBases &bases, int64_t recordBytes,
                               int64_t activationBytes) {
  // Pinned: descriptors of all stages would fill the registers.
  Value tokens = b.pinned(bases.fragments), parts = b.pinned(bases.sums);
  auto moved = [&](Value descriptor, int64_t bytes) -> Value {
    return LLVM::AddOp::create(b, descriptor, b.constant64(bytes / 16));
  };
  int64_t quadsPerGroup = quads / spec.sums(), handedOver = 0;
  SmallVector<Value> groupSums;
  for (const Variable &sum : sumVariables)
    groupSums.push_back(sumsRunOn() ? b.get(sum)
                                    : LLVM::UndefOp::create(b, b.f32));
  for (int64_t group = 0; group < spec.sums(); ++group) {
    GroupConstants constants = loadConstants(bases, recordBytes, group);
    bool hasZeros = spec.mode == CodeMode::Subnormal;
    if (hasZeros)
      addZeroPoints(
          constants,
          moved(parts, activationBytes +
                           group * spec.tile.tokenTiles * spec.sumBytes()),
          groupSums);
    for (int64_t i = 0; i < quadsPerGroup; ++i) {
      if (++handedOver > quadsAhead + 1)
        NVVM::WgmmaWaitGroupSyncOp::create(b, quadsAhead);
      int64_t quad = group * quadsPerGroup + i;
      addQuad(b.at(bases.codes, recordBytes + quad * weightQuadBytes()),
              moved(tokens, activationBytes + quad * 2 * stepBytes), constants,
              groupSums,
              /*startsAnew=*/i == 0 && !sumsRunOn() && !hasZeros);
    }
    if (sumsRunOn())
      continue;
    awaitAll(groupSums);
    handedOver = 0;
    scaleGroup(bases, recordBytes, group, groupSums);
  }
  if (!sumsRunOn())
    return;
  awaitAll(groupSums);
  for (auto [variable, sum] : llvm::zip(sumVariables, groupSums))
    b.set(variable, sum);
}
