//===- LaneTrees.cpp - sums and maxima across lanes -----------------------===//
//
// Part of the awq-mlir project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "awq/Conversion/Common/LaneTrees.h"

#include "awq/Conversion/Common/TensorBuilders.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"

using namespace mlir;

static constexpr int64_t lanes = awq::vectorLanes;
static_assert(lanes == 16, "the masks are for four blocks of four lanes");

using Mask = std::array<int64_t, lanes>;

/// A mask that does the same in each block of four lanes: lanes `a`, `b`, `c`,
/// `d` of the block, counted on into the second vector's block from 4.
static constexpr Mask inBlocks(int64_t a, int64_t b, int64_t c, int64_t d) {
  Mask mask{};
  for (int64_t i = 0; i < lanes; ++i) {
    int64_t lane = i % 4 == 0 ? a : i % 4 == 1 ? b : i % 4 == 2 ? c : d;
    mask[i] = i / 4 * 4 + lane % 4 + lane / 4 * lanes;
  }
  return mask;
}

/// A mask of whole blocks, counted on into the second vector from 4.
static constexpr Mask ofBlocks(int64_t a, int64_t b, int64_t c, int64_t d) {
  Mask mask{};
  for (int64_t i = 0; i < lanes; ++i)
    mask[i] = (i / 4 == 0   ? a
               : i / 4 == 1 ? b
               : i / 4 == 2 ? c
                            : d) *
                  4 +
              i % 4;
  return mask;
}

/// By height, the two halves that are added. With vectors a, b, c, d, one block
/// is, level by level, [a b a b], then [a b c d]; the next two levels put the
/// blocks of different rows beside each other. Every mask is one instruction on
/// x86.
static constexpr Mask masks[4][2] = {
    {inBlocks(0, 4, 1, 5), inBlocks(2, 6, 3, 7)},
    {inBlocks(0, 1, 4, 5), inBlocks(2, 3, 6, 7)},
    {ofBlocks(0, 1, 4, 5), ofBlocks(2, 3, 6, 7)},
    {ofBlocks(0, 2, 4, 6), ofBlocks(1, 3, 5, 7)}};

Value awq::LaneSums::merge(Value first, Value second, unsigned height) {
  Value half =
      vector::ShuffleOp::create(builder, loc, first, second, masks[height][0]);
  Value other =
      vector::ShuffleOp::create(builder, loc, first, second, masks[height][1]);
  return arith::AddFOp::create(builder, loc, half, other);
}

void awq::LaneSums::add(Value vector) {
  unsigned height = 0;
  for (; !subtrees.empty() && subtrees.back().height == height; ++height)
    vector = merge(subtrees.pop_back_val().vector, vector, height);
  subtrees.push_back({vector, height});
}

Value awq::LaneSums::get() const {
  assert(subtrees.size() == 1 && subtrees.front().height == std::size(masks) &&
         "one vector for each lane");
  return subtrees.front().vector;
}

Value awq::greaterOf(OpBuilder &builder, Location loc, Value a, Value b) {
  Value greater =
      arith::CmpFOp::create(builder, loc, arith::CmpFPredicate::OGT, a, b);
  return arith::SelectOp::create(builder, loc, greater, a, b);
}

Value awq::greatestLane(OpBuilder &builder, Location loc, Value vector) {
  int64_t size = cast<VectorType>(vector.getType()).getNumElements();
  assert(llvm::isPowerOf2_64(size) && "halves have to be alike");
  for (int64_t half = size / 2; half >= 1; half /= 2) {
    auto part = [&](int64_t offset) -> Value {
      return vector::ExtractStridedSliceOp::create(
          builder, loc, vector, ArrayRef<int64_t>{offset},
          ArrayRef<int64_t>{half}, ArrayRef<int64_t>{1});
    };
    vector = greaterOf(builder, loc, part(0), part(half));
  }
  return vector::ExtractOp::create(builder, loc, vector, 0);
}
