//===- RaiseHeads.cpp - values that are heads ------------- -*- C++ -*-===//
//
// Part of the awq-mlir project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "DecoderRaiser.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"

using namespace mlir;
using namespace awq;
using namespace awq::decoder;

static int64_t placeOf(const Axes &axes, Axis axis) {
  auto it = llvm::find(axes, axis);
  return it == axes.end() ? -1 : it - axes.begin();
}

Value DecoderRaiser::heads(Value tensor, Axes axes, HeadState &state) {
  tensor = stripTensor(tensor);
  if (reason)
    return {};
  Operation *op = tensor.getDefiningOp();
  if (!op)
    return fail(tensor.getLoc(), "an argument stands where heads do");
  if (auto transpose = dyn_cast<linalg::TransposeOp>(op)) {
    Axes before(axes.size());
    for (auto [i, axis] : llvm::enumerate(transpose.getPermutation()))
      before[axis] = axes[i];
    return heads(transpose.getInput(), before, state);
  }
  if (isa<tensor::ExpandShapeOp, tensor::CollapseShapeOp, tensor::ReshapeOp>(
          op))
    return reshapedHeads(op->getOperand(0), tensor, axes, state);
  if (isa<tensor::ConcatOp>(op))
    return concatHeads(op, axes, state);
  if (isa<tensor::ExtractSliceOp>(op))
    return slicedHeads(op, axes, state);
  if (auto generic = dyn_cast<linalg::GenericOp>(op);
      generic && isElementwise(generic))
    return elementwiseHeads(tensor, axes, state);
  return fail(tensor.getLoc(), "comes from " + op->getName().getStringRef() +
                                   ", which gives no heads here");
}

Value DecoderRaiser::elementwiseHeads(Value tensor, const Axes &axes,
                                      HeadState &state) {
  Scalar scalar = scalarOf(tensor);
  if (Value known = built.lookup(tensor))
    return known;
  auto key = tensor;
  if (std::optional<RotaryMatch> rotary = matchRotary(scalar, axes)) {
    Value input = heads(rotary->input, axes, state);
    if (!input)
      return {};
    b.setLoc(tensor.getLoc());
    return built[key] = rotate(input, rotary->table);
  }
  if (reason)
    return {};
  if (std::optional<NormMatch> norm = matchNorm(scalar);
      norm && norm->input.tensor && axes.back() == Axis::Channel) {
    HeadState inner;
    Value input = heads(norm->input.tensor, axes, inner);
    if (!input || inner.factor != 1.0 || inner.cache)
      return fail(tensor.getLoc(), "norms heads that are not understood");
    built[norm->input.tensor] = input;
    return normRows(*norm);
  }
  Product product = productOf(scalar);
  if (product.factors.size() == 1 && product.divisors.empty() &&
      product.factors[0].tensor &&
      stripTensor(product.factors[0].tensor) != tensor) {
    state.factor *= product.number;
    return heads(product.factors[0].tensor, axes, state);
  }
  return fail(tensor.getLoc(), "is no rotary embedding, norm or multiple of "
                               "heads");
}

/// The heads that are repeated, [.., H, ..] of [.., H, G, ..].
Value awq::decoder::repeatedFrom(Value tensor, int64_t group) {
  auto generic = stripTensor(tensor).getDefiningOp<linalg::GenericOp>();
  if (!generic || generic.getNumReductionLoops() != 0)
    return {};
  if (generic.getNumDpsInputs() == 0) {
    Value read = readInPlace(generic.getBody()->getTerminator()->getOperand(0));
    auto type =
        read ? cast<RankedTensorType>(read.getType()) : RankedTensorType();
    if (!type || type.getRank() != int64_t(generic.getNumLoops()) ||
        type.getDimSize(group) != 1)
      return {};
    auto expand = stripTensor(read).getDefiningOp<tensor::ExpandShapeOp>();
    return expand ? expand.getSrc() : Value();
  }
  if (generic.getNumDpsInputs() != 1)
    return {};
  OpOperand *input = generic.getDpsInputOperand(0);
  AffineMap map = generic.getMatchingIndexingMap(input);
  Value yielded = generic.getBody()->getTerminator()->getOperand(0);
  while (
      isa_and_nonnull<arith::ExtFOp, arith::TruncFOp>(yielded.getDefiningOp()))
    yielded = yielded.getDefiningOp()->getOperand(0);
  if (yielded != generic.getBody()->getArgument(0))
    return {};
  // Without the dimension of the group, or with one of size 1.
  AffineMap others = AffineMap::getMultiDimIdentityMap(generic.getNumLoops(),
                                                       generic.getContext())
                         .dropResult(group);
  if (map == others)
    return input->get();
  if (map.getNumResults() != generic.getNumLoops())
    return {};
  for (auto [i, expr] : llvm::enumerate(map.getResults())) {
    auto dim = dyn_cast<AffineDimExpr>(expr);
    bool isZero = isa<AffineConstantExpr>(expr);
    if (int64_t(i) == group ? !isZero : (!dim || dim.getPosition() != i))
      return {};
  }
  auto expand =
      stripTensor(input->get()).getDefiningOp<tensor::ExpandShapeOp>();
  return expand ? expand.getSrc() : Value();
}

Value DecoderRaiser::reshapedHeads(Value from, Value result, const Axes &axes,
                                   HeadState &state) {
  auto before = cast<RankedTensorType>(from.getType()),
       after = cast<RankedTensorType>(result.getType());
  Location loc = result.getLoc();
  if (haveSameSizes(from, result))
    return heads(from, axes, state);
  int64_t head = placeOf(axes, Axis::Head);
  // Batch and heads are joined for a product of matrices, and split again.
  bool hasBatch = placeOf(axes, Axis::Batch) >= 0;
  if (before.getRank() == after.getRank() + 1 && head == 0 && !hasBatch) {
    Axes apart = axes;
    apart.insert(apart.begin(), Axis::Batch);
    return heads(from, apart, state);
  }
  if (before.getRank() == after.getRank() + 2 && head == 0 && !hasBatch)
    if (Value repeated = repeatedFrom(from, 2);
        repeated && cast<RankedTensorType>(repeated.getType()).getRank() ==
                        before.getRank() - 1) {
      Axes apart = axes;
      apart.insert(apart.begin(), Axis::Batch);
      return heads(repeated, apart, state);
    }
  if (before.getRank() + 1 == after.getRank() && head == 1 &&
      axes[0] == Axis::Batch &&
      llvm::equal(before.getShape().drop_front(),
                  after.getShape().drop_front(2)))
    return heads(from, Axes(llvm::drop_begin(axes)), state);
  // [B, H, G, T, D] to [B, H * G, T, D].
  if (before.getRank() == after.getRank() + 1 && head >= 0) {
    Value repeated = repeatedFrom(from, head + 1);
    if (!repeated ||
        cast<RankedTensorType>(repeated.getType()).getRank() != after.getRank())
      return fail(loc, "joins dimensions of heads that are not repeated");
    return heads(repeated, axes, state);
  }
  // [B, T, H * D] or [B * T, H * D] to [B, T, H, D].
  Axes rowsOfHeads = {Axis::Batch, Axis::Token, Axis::Head, Axis::Channel};
  if (axes != rowsOfHeads || after.isDynamicDim(2) || after.isDynamicDim(3) ||
      before.getRank() > 3 ||
      before.getShape().back() != after.getDimSize(2) * after.getDimSize(3))
    return fail(loc, "is reshaped to heads in an unknown way");
  // Heads that were only put side by side.
  Value source = stripTensor(from);
  if (Operation *op = source.getDefiningOp();
      isa_and_nonnull<tensor::CollapseShapeOp, tensor::ReshapeOp>(op)) {
    auto type = cast<RankedTensorType>(op->getOperand(0).getType());
    if (type.getRank() == 4 &&
        type.getShape().take_back(2) == after.getShape().take_back(2))
      return heads(op->getOperand(0), axes, state);
  }
  Value joined = rows(from);
  if (!joined)
    return {};
  b.setLoc(loc);
  Value &known = built[result];
  if (!known)
    known = split(joined, after.getDimSize(2), after.getDimSize(3));
  return known;
}

Value DecoderRaiser::concatHeads(Operation *op, const Axes &axes,
                                 HeadState &state) {
  auto concat = cast<tensor::ConcatOp>(op);
  Location loc = op->getLoc();
  if (concat.getInputs().size() != 2)
    return fail(loc, "joins more than two parts of heads");
  Value first = stripTensor(concat.getInputs()[0]),
        second = stripTensor(concat.getInputs()[1]);
  Axis along = axes[concat.getDim()];
  if (along == Axis::Token) {
    auto cache = dyn_cast<BlockArgument>(first);
    if (!cache || roles[cache.getArgNumber()] != Role::Cache || state.cache)
      return fail(loc, "joins tokens that are not those of a cache");
    state.cache = cache;
    return heads(second, axes, state);
  }
  // Channels that turn, and those behind them that do not.
  auto turned = scalarOf(first);
  auto rest = second.getDefiningOp<tensor::ExtractSliceOp>();
  std::optional<RotaryMatch> rotary;
  if (along == Axis::Channel && rest)
    rotary = matchRotary(turned, axes);
  auto part =
      rotary
          ? stripTensor(rotary->input).getDefiningOp<tensor::ExtractSliceOp>()
          : tensor::ExtractSliceOp();
  if (!part || stripTensor(part.getSource()) != stripTensor(rest.getSource()))
    return fail(loc, "joins channels in an unknown way");
  int64_t dim = concat.getDim();
  auto begin = getConstantIntValue(part.getMixedOffsets()[dim]),
       size = getConstantIntValue(part.getMixedSizes()[dim]),
       behind = getConstantIntValue(rest.getMixedOffsets()[dim]);
  if (begin != 0 || !size || behind != size)
    return fail(loc, "joins channels in another order");
  Value input = heads(part.getSource(), axes, state);
  if (!input)
    return {};
  b.setLoc(loc);
  return rotate(input, rotary->table);
}

Value DecoderRaiser::slicedHeads(Operation *op, const Axes &axes,
                                 HeadState &state) {
  auto slice = cast<tensor::ExtractSliceOp>(op);
  Location loc = op->getLoc();
  if (slice.getSourceType().getRank() != int64_t(axes.size()))
    return fail(loc, "drops dimensions");
  int64_t cut = -1;
  for (size_t i = 0; i < axes.size(); ++i) {
    auto offset = getConstantIntValue(slice.getMixedOffsets()[i]);
    auto stride = getConstantIntValue(slice.getMixedStrides()[i]);
    auto whole = reader->sizeOf(slice.getSource(), i),
         part = reader->sizeOf(slice.getResult(), i);
    if (stride != 1 || !offset || !whole || !part)
      return fail(loc, "is a slice of unknown place");
    if (*offset == 0 && *whole == *part)
      continue;
    if (cut >= 0 || axes[i] == Axis::Token || axes[i] == Axis::Batch)
      return fail(loc, "is a slice of tokens");
    cut = i;
  }
  Value from = heads(slice.getSource(), axes, state);
  if (!from || cut < 0)
    return from;
  auto first = getConstantIntValue(slice.getMixedOffsets()[cut]),
       number = getConstantIntValue(slice.getMixedSizes()[cut]);
  if (!number)
    return fail(loc, "is a slice of unknown size");
  b.setLoc(loc);
  return this->slice(from, axes[cut] == Axis::Head ? 1 : 2, *first, *number);
}
