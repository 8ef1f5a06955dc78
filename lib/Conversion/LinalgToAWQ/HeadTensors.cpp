//===- HeadTensors.cpp - tensors of heads, in any order -------*- C++ -*-===//
//
// Part of the awq-mlir project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "HeadTensors.h"

#include "awq/Dialect/Decoder/Transforms/Recognizers.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"

using namespace mlir;
using namespace awq;
using namespace awq::decoder;

int64_t HeadTensor::dimOf(Axis axis) const {
  auto it = llvm::find(axes, axis);
  return it == axes.end() ? -1 : it - axes.begin();
}

/// [B, H, ..] that became [B * H, ..], or the other way around, with a batch of
/// 1.
static bool lookThroughBatch(HeadTensor &heads) {
  Operation *op = heads.tensor.getDefiningOp();
  if (!isa_and_nonnull<tensor::CollapseShapeOp, tensor::ExpandShapeOp>(op))
    return false;
  auto before = cast<RankedTensorType>(op->getOperand(0).getType());
  RankedTensorType after = heads.type();
  auto isSplit = [](RankedTensorType apart, RankedTensorType together) {
    return apart.getRank() == together.getRank() + 1 &&
           apart.getDimSize(0) == 1 &&
           apart.getShape().drop_front() == together.getShape();
  };
  if (isSplit(before, after) && heads.dimOf(Axis::Batch) < 0)
    heads.axes.insert(heads.axes.begin(), Axis::Batch);
  else if (isSplit(after, before) && heads.axes[0] == Axis::Batch)
    heads.axes.erase(heads.axes.begin());
  else
    return false;
  heads.tensor = op->getOperand(0);
  return true;
}

/// [B, H, G, ..] of [B, H, ..] that became [B, H * G, ..] or [B * H * G, ..].
static bool lookThroughRepetition(HeadTensor &heads) {
  auto collapse = heads.tensor.getDefiningOp<tensor::CollapseShapeOp>();
  int64_t head = heads.dimOf(Axis::Head);
  if (!collapse || head < 0)
    return false;
  bool dropsBatch =
      head == 0 && heads.dimOf(Axis::Batch) < 0 &&
      collapse.getSrcType().getRank() == heads.type().getRank() + 2 &&
      collapse.getSrcType().getDimSize(0) == 1;
  if (!dropsBatch &&
      collapse.getSrcType().getRank() != heads.type().getRank() + 1)
    return false;
  int64_t group = head + (dropsBatch ? 2 : 1);
  if (collapse.getReassociationIndices()[head].size() != (dropsBatch ? 3u : 2u))
    return false;
  Value repeated = repeatedFrom(collapse.getSrc(), group);
  if (!repeated || cast<RankedTensorType>(repeated.getType()).getRank() !=
                       collapse.getSrcType().getRank() - 1)
    return false;
  if (dropsBatch)
    heads.axes.insert(heads.axes.begin(), Axis::Batch);
  heads.tensor = repeated;
  return true;
}

/// x of number * x.
static bool lookThroughFactor(HeadTensor &heads) {
  auto op = heads.tensor.getDefiningOp<linalg::GenericOp>();
  if (!op || !isElementwise(op))
    return false;
  Product product = productOf(scalarOf(heads.tensor));
  if (product.factors.size() != 1 || !product.divisors.empty())
    return false;
  const Scalar &x = product.factors[0];
  if (!x.tensor || !x.isAligned || x.tensor == heads.tensor ||
      cast<RankedTensorType>(x.tensor.getType()).getShape() !=
          heads.type().getShape())
    return false;
  heads.factor *= product.number;
  heads.tensor = x.tensor;
  return true;
}

void awq::lookThrough(HeadTensor &heads) {
  while (true) {
    heads.tensor = stripTensor(heads.tensor);
    if (auto transpose = heads.tensor.getDefiningOp<linalg::TransposeOp>()) {
      Axes before(heads.axes.size());
      for (auto [i, place] : llvm::enumerate(transpose.getPermutation()))
        before[place] = heads.axes[i];
      heads.axes = before;
      heads.tensor = transpose.getInput();
      continue;
    }
    if (!lookThroughBatch(heads) && !lookThroughRepetition(heads) &&
        !lookThroughFactor(heads))
      return;
  }
}

static const Axis tokenOrder[] = {Axis::Token, Axis::Head, Axis::Channel};

bool awq::isOneSequence(const HeadTensor &heads) {
  RankedTensorType type = heads.type();
  int64_t batch = heads.dimOf(Axis::Batch);
  if (type.getRank() != (batch < 0 ? 3 : 4) ||
      (batch >= 0 && type.getDimSize(batch) != 1))
    return false;
  for (Axis axis : tokenOrder) {
    int64_t dim = heads.dimOf(axis);
    if (dim < 0 || (axis != Axis::Token && type.isDynamicDim(dim)))
      return false;
  }
  return true;
}

/// The groups of dimensions that are one without dimension `unit`.
static SmallVector<ReassociationIndices> groupsWithout(int64_t unit,
                                                       int64_t rank) {
  SmallVector<ReassociationIndices> groups;
  for (int64_t i = 0; i < rank; ++i)
    if (i != unit)
      groups.push_back({i});
  if (unit == rank - 1)
    groups.back().push_back(unit);
  else
    groups[unit].insert(groups[unit].begin(), unit);
  return groups;
}

static Value transpose(OpBuilder &b, Location loc, Value tensor,
                       ArrayRef<int64_t> permutation) {
  if (llvm::equal(permutation, llvm::seq<int64_t>(0, permutation.size())))
    return tensor;
  SmallVector<OpFoldResult> sizes;
  for (int64_t dim : permutation)
    sizes.push_back(tensor::getMixedSize(b, loc, tensor, dim));
  Value empty =
      tensor::EmptyOp::create(b, loc, sizes, getElementTypeOrSelf(tensor));
  return linalg::TransposeOp::create(b, loc, tensor, empty, permutation)
      ->getResult(0);
}

Value awq::toTokens(OpBuilder &b, Location loc, const HeadTensor &heads) {
  if (!isOneSequence(heads))
    return {};
  HeadTensor result = heads;
  SmallVector<int64_t> permutation;
  bool hasBatch = heads.dimOf(Axis::Batch) >= 0;
  if (hasBatch)
    permutation.push_back(heads.dimOf(Axis::Batch));
  for (Axis axis : tokenOrder)
    permutation.push_back(heads.dimOf(axis));
  result.tensor = transpose(b, loc, heads.tensor, permutation);
  if (!hasBatch)
    return result.tensor;
  SmallVector<ReassociationIndices> groups = groupsWithout(0, 4);
  if (auto expand = result.tensor.getDefiningOp<tensor::ExpandShapeOp>();
      expand && expand.getReassociationIndices() == groups)
    return expand.getSrc();
  return tensor::CollapseShapeOp::create(b, loc, result.tensor, groups);
}

Value awq::fromTokens(OpBuilder &b, Location loc, Value tokens,
                      const Axes &axes, RankedTensorType type) {
  SmallVector<int64_t> permutation;
  int64_t batch = -1;
  for (auto [i, axis] : llvm::enumerate(axes)) {
    if (axis == Axis::Batch)
      batch = i;
    else
      permutation.push_back(llvm::find(tokenOrder, axis) - tokenOrder);
  }
  Value result = transpose(b, loc, tokens, permutation);
  if (batch >= 0) {
    SmallVector<OpFoldResult> sizes = tensor::getMixedSizes(b, loc, result);
    sizes.insert(sizes.begin() + batch, b.getIndexAttr(1));
    SmallVector<int64_t> shape(
        cast<RankedTensorType>(result.getType()).getShape());
    shape.insert(shape.begin() + batch, 1);
    result = tensor::ExpandShapeOp::create(
        b, loc, RankedTensorType::get(shape, type.getElementType()), result,
        groupsWithout(batch, shape.size()), sizes);
  }
  if (result.getType() != type)
    result = tensor::CastOp::create(b, loc, type, result);
  return result;
}
