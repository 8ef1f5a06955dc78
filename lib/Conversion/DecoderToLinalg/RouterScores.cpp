//===- RouterScores.cpp - what experts are chosen by ------------*- C++ -*-===//
//
// Part of the awq-mlir project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "RouterScores.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"

#include <limits>

using namespace mlir;
using awq::decoder::GroupScore;
using awq::decoder::RouterScoring;

static constexpr double infinity = std::numeric_limits<double>::infinity();

Value awq::reduceRows(ImplicitLocOpBuilder &b, Value input, double init,
                      awq::ScalarBody combine) {
  auto type = cast<RankedTensorType>(input.getType());
  SmallVector<OpFoldResult> sizes = tensor::getMixedSizes(b, b.getLoc(), input);
  sizes.pop_back();
  Value empty = tensor::EmptyOp::create(b, sizes, b.getF32Type());
  Value start = awq::constantF32(b, b.getLoc(), init);
  Value out = linalg::FillOp::create(b, start, empty).getResult(0);
  AffineMap full = b.getMultiDimIdentityMap(type.getRank());
  return awq::buildGeneric(b, b.getLoc(), input, out,
                           {full, full.getMajorSubMap(type.getRank() - 1)}, 1,
                           combine);
}

Value awq::mapScores(ImplicitLocOpBuilder &b, ValueRange inputs,
                     ArrayRef<AffineMap> maps, awq::ScalarBody body) {
  return awq::buildGeneric(
      b, b.getLoc(), inputs,
      awq::emptyLike(b, b.getLoc(), inputs.front(), b.getF32Type()), maps, 0,
      body);
}

Value awq::buildScores(ImplicitLocOpBuilder &b, awq::decoder::RouterOp op) {
  AffineMap full = b.getMultiDimIdentityMap(2), row = full.getMajorSubMap(1);
  auto widen = [](OpBuilder &n, Location l, ValueRange in) {
    return awq::castFloat(n, l, in[0], n.getF32Type());
  };
  Value logits = op.getLogits();
  if (!getElementTypeOrSelf(logits).isF32())
    logits = mapScores(b, logits, {full, full}, widen);
  switch (op.getScoring()) {
  case RouterScoring::SoftmaxOfChosen:
    return logits;
  case RouterScoring::Sigmoid:
    return mapScores(b, logits, {full, full},
                     [](OpBuilder &n, Location l, ValueRange in) -> Value {
                       Value one = awq::constantF32(n, l, 1.0);
                       Value exp = math::ExpOp::create(
                           n, l, arith::NegFOp::create(n, l, in[0]));
                       return arith::DivFOp::create(
                           n, l, one, arith::AddFOp::create(n, l, one, exp));
                     });
  case RouterScoring::Softmax:
    break;
  }
  Value maxima =
      reduceRows(b, logits, -infinity,
                 [](OpBuilder &n, Location l, ValueRange in) -> Value {
                   return arith::MaximumFOp::create(n, l, in[0], in[1]);
                 });
  Value powers =
      mapScores(b, {logits, maxima}, {full, row, full},
                [](OpBuilder &n, Location l, ValueRange in) -> Value {
                  return math::ExpOp::create(
                      n, l, arith::SubFOp::create(n, l, in[0], in[1]));
                });
  Value sums = reduceRows(b, powers, 0.0,
                          [](OpBuilder &n, Location l, ValueRange in) -> Value {
                            return arith::AddFOp::create(n, l, in[0], in[1]);
                          });
  return mapScores(b, {powers, sums}, {full, row, full},
                   [](OpBuilder &n, Location l, ValueRange in) -> Value {
                     return arith::DivFOp::create(n, l, in[0], in[1]);
                   });
}

Value awq::addBias(ImplicitLocOpBuilder &b, awq::decoder::RouterOp op,
                   Value scores) {
  if (!op.getBias())
    return scores;
  AffineMap full = b.getMultiDimIdentityMap(2);
  return mapScores(
      b, {scores, op.getBias()}, {full, full.getMinorSubMap(1), full},
      [](OpBuilder &n, Location l, ValueRange in) -> Value {
        return arith::AddFOp::create(
            n, l, in[0], awq::castFloat(n, l, in[1], n.getF32Type()));
      });
}

Value awq::scoreGroups(ImplicitLocOpBuilder &b, awq::decoder::RouterOp op,
                       Value choices) {
  auto type = cast<RankedTensorType>(choices.getType());
  int64_t groups = op.getGroups(), size = type.getDimSize(1) / groups;
  OpFoldResult tokens = tensor::getMixedSize(b, b.getLoc(), choices, 0);
  Value split = tensor::ExpandShapeOp::create(
      b,
      RankedTensorType::get({type.getDimSize(0), groups, size}, b.getF32Type()),
      choices, ArrayRef<ReassociationIndices>{{0}, {1, 2}},
      ArrayRef<OpFoldResult>{tokens, b.getIndexAttr(groups),
                             b.getIndexAttr(size)});
  auto larger = [](OpBuilder &n, Location l, ValueRange in) -> Value {
    return arith::MaximumFOp::create(n, l, in[0], in[1]);
  };
  if (op.getGroupScore() == GroupScore::Max)
    return reduceRows(b, split, -infinity, larger);

  // Two accumulators: the largest value so far and the next one.
  Value empty = tensor::EmptyOp::create(
      b, ArrayRef<OpFoldResult>{tokens, b.getIndexAttr(groups)},
      b.getF32Type());
  Value lowest = awq::constantF32(b, b.getLoc(), -infinity);
  Value first = linalg::FillOp::create(b, lowest, empty).getResult(0);
  AffineMap full = b.getMultiDimIdentityMap(3), row = full.getMajorSubMap(2);
  SmallVector<utils::IteratorType> iterators(3, utils::IteratorType::parallel);
  iterators.back() = utils::IteratorType::reduction;
  auto two = linalg::GenericOp::create(
      b, TypeRange{first.getType(), first.getType()}, ValueRange(split),
      ValueRange{first, first}, ArrayRef<AffineMap>{full, row, row}, iterators,
      [](OpBuilder &n, Location l, ValueRange in) {
        Value best = arith::MaximumFOp::create(n, l, in[0], in[1]);
        Value loser = arith::MinimumFOp::create(n, l, in[0], in[1]);
        Value next = arith::MaximumFOp::create(n, l, in[2], loser);
        linalg::YieldOp::create(n, l, ValueRange{best, next});
      });
  AffineMap plain = b.getMultiDimIdentityMap(2);
  return mapScores(b, two.getResults(), {plain, plain, plain},
                   [](OpBuilder &n, Location l, ValueRange in) -> Value {
                     return arith::AddFOp::create(n, l, in[0], in[1]);
                   });
}
