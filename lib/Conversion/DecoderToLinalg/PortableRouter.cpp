//===- PortableRouter.cpp - the choice of experts, in rows ------*- C++ -*-===//
//
// Part of the awq-mlir project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The choice in ops that every compiler of linalg knows: top_k reductions, one
// after another, each of which finds for all tokens the best expert behind the
// last one, in the order (value, -number). A reduction gives the same in any
// order.
//
//===----------------------------------------------------------------------===//

#include "Patterns.h"
#include "RouterScores.h"

#include "awq/Conversion/Common/TensorBuilders.h"
#include "awq/Dialect/Decoder/IR/Decoder.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/ImplicitLocOpBuilder.h"
#include "mlir/IR/PatternMatch.h"

#include <limits>

using namespace mlir;
using awq::decoder::RouterOp;
using awq::decoder::RouterScoring;

static constexpr double infinity = std::numeric_limits<double>::infinity();

namespace {

/// For each token a value, f32 [T], and the number that it belongs to, i32 [T];
/// as scalars in the bodies of ops.
struct Ranked {
  Value value, number;
};

/// Builds the lowering of one op.
class RowChoice {
public:
  RowChoice(ImplicitLocOpBuilder &b, RouterOp op)
      : b(b), op(op), rows(b.getMultiDimIdentityMap(1)),
        tokens(tensor::getMixedSize(b, b.getLoc(), op.getLogits(), 0)) {}

  /// Weights and numbers, [T, top_k].
  std::pair<Value, Value> build();

private:
  Value filled(OpFoldResult size, Value scalar);
  Ranked first();
  Ranked best(Value table, Ranked last, Value groups, Ranked worst);
  Ranked findLast(Value table, int64_t count);
  Value chosenNumbers(Value choices, Value groups, Ranked worst);
  Value gather(Value scores, Value numbers);
  Value weigh(Value scores);
  Value finish(Value weights);

  ImplicitLocOpBuilder &b;
  RouterOp op;
  AffineMap rows;
  OpFoldResult tokens;
};

} // namespace

/// [size], every element of it `scalar`.
Value RowChoice::filled(OpFoldResult size, Value scalar) {
  Value empty = tensor::EmptyOp::create(b, size, scalar.getType());
  return linalg::FillOp::create(b, scalar, empty).getResult(0);
}

/// What everything is behind.
Ranked RowChoice::first() {
  return {filled(tokens, awq::constantF32(b, b.getLoc(), infinity)),
          filled(tokens, arith::ConstantIntOp::create(b, -1, 32))};
}

/// Whether `x` comes behind `y` in the order of choice, or is `y` if
/// `orEqual`.
static Value isBehind(ImplicitLocOpBuilder &b, Ranked x, Ranked y,
                      bool orEqual = false) {
  Value less =
      arith::CmpFOp::create(b, arith::CmpFPredicate::OLT, x.value, y.value);
  Value equal =
      arith::CmpFOp::create(b, arith::CmpFPredicate::OEQ, x.value, y.value);
  Value later = arith::CmpIOp::create(
      b, orEqual ? arith::CmpIPredicate::sge : arith::CmpIPredicate::sgt,
      x.number, y.number);
  return arith::OrIOp::create(b, less, arith::AndIOp::create(b, equal, later));
}

/// The better of `x`, if it is a `candidate`, and `y`, if it is one: its number
/// is not -1.
static Ranked betterOf(ImplicitLocOpBuilder &b, Ranked x, Value candidate,
                       Ranked y) {
  Value none = arith::CmpIOp::create(b, arith::CmpIPredicate::slt, y.number,
                                     arith::ConstantIntOp::create(b, 0, 32));
  Value wins = arith::OrIOp::create(b, none, isBehind(b, y, x));
  wins = arith::AndIOp::create(b, candidate, wins);
  return {arith::SelectOp::create(b, wins, x.value, y.value),
          arith::SelectOp::create(b, wins, x.number, y.number)};
}

/// The first of each row of `table`, [T, G, S] of columns g S + s, behind
/// `last`, of the groups g that are not behind `worst` if there are groups;
/// number 0 if there is none, which takes scores that are no numbers.
Ranked RowChoice::best(Value table, Ranked last, Value groups, Ranked worst) {
  AffineMap full = b.getMultiDimIdentityMap(3), row = full.getMajorSubMap(1);
  SmallVector<Value> inputs{table, last.value, last.number};
  SmallVector<AffineMap> maps{full, row, row};
  if (groups) {
    inputs.append({groups, worst.value, worst.number});
    maps.append({full.getMajorSubMap(2), row, row});
  }
  maps.append({row, row});
  Value lowest = filled(tokens, awq::constantF32(b, b.getLoc(), -infinity));
  Value none = filled(tokens, arith::ConstantIntOp::create(b, -1, 32));
  int64_t size = cast<RankedTensorType>(table.getType()).getDimSize(2);
  SmallVector<utils::IteratorType> iterators(3, utils::IteratorType::reduction);
  iterators.front() = utils::IteratorType::parallel;
  auto found = linalg::GenericOp::create(
      b, TypeRange{lowest.getType(), none.getType()}, inputs,
      ValueRange{lowest, none}, maps, iterators,
      [&](OpBuilder &nested, Location loc, ValueRange in) {
        ImplicitLocOpBuilder n(loc, nested);
        auto number = [&](Value index) -> Value {
          return arith::IndexCastOp::create(n, n.getI32Type(), index);
        };
        Value group = linalg::IndexOp::create(n, 1);
        Value column =
            arith::MulIOp::create(n, group, awq::constantIndex(n, loc, size));
        column =
            arith::AddIOp::create(n, column, linalg::IndexOp::create(n, 2));
        Ranked own{in[0], number(column)};
        Value candidate = isBehind(n, own, {in[1], in[2]});
        if (groups)
          candidate = arith::AndIOp::create(n, candidate,
                                            isBehind(n, {in[4], in[5]},
                                                     {in[3], number(group)},
                                                     /*orEqual=*/true));
        ValueRange sofar = in.take_back(2);
        Ranked better = betterOf(n, own, candidate, {sofar[0], sofar[1]});
        linalg::YieldOp::create(n, ValueRange{better.value, better.number});
      });
  Value number = awq::buildGeneric(
      b, b.getLoc(), found.getResult(1),
      awq::emptyLike(b, b.getLoc(), found.getResult(1), b.getI32Type()),
      {rows, rows}, 0, [](OpBuilder &n, Location l, ValueRange in) -> Value {
        return arith::MaxSIOp::create(
            n, l, in[0], arith::ConstantIntOp::create(n, l, 0, 32));
      });
  return {found.getResult(0), number};
}

/// [T, N] as [T, groups, N / groups].
static Value splitColumns(ImplicitLocOpBuilder &b, Value table,
                          int64_t groups) {
  auto type = cast<RankedTensorType>(table.getType());
  int64_t size = type.getDimSize(1) / groups;
  SmallVector<OpFoldResult> sizes{tensor::getMixedSize(b, b.getLoc(), table, 0),
                                  b.getIndexAttr(groups), b.getIndexAttr(size)};
  return tensor::ExpandShapeOp::create(
      b,
      RankedTensorType::get({type.getDimSize(0), groups, size},
                            type.getElementType()),
      table, ArrayRef<ReassociationIndices>{{0}, {1, 2}}, sizes);
}

/// The `count`-th best of each row of `table`, [T, N].
Ranked RowChoice::findLast(Value table, int64_t count) {
  Value whole = splitColumns(b, table, 1);
  Ranked last = first();
  for (int64_t i = 0; i < count; ++i)
    last = best(whole, last, {}, {});
  return last;
}

/// The numbers [T, top_k] of the experts, the best first.
Value RowChoice::chosenNumbers(Value choices, Value groups, Ranked worst) {
  int64_t count = op.getTopK();
  SmallVector<OpFoldResult> sizes{tokens, b.getIndexAttr(count)};
  Value numbers = tensor::EmptyOp::create(b, sizes, b.getI32Type());
  sizes.back() = b.getIndexAttr(1);
  SmallVector<OpFoldResult> offsets(2, b.getIndexAttr(0)),
      strides(2, b.getIndexAttr(1));
  Value table = splitColumns(b, choices, groups ? op.getGroups() : 1);
  Ranked last = first();
  for (int64_t i = 0; i < count; ++i) {
    last = best(table, last, groups, worst);
    offsets.back() = b.getIndexAttr(i);
    numbers = tensor::InsertSliceOp::create(b, last.number, numbers, offsets,
                                            sizes, strides);
  }
  return numbers;
}

/// The scores of the numbers, [T, top_k].
Value RowChoice::gather(Value scores, Value numbers) {
  AffineMap full = b.getMultiDimIdentityMap(2);
  return awq::buildGeneric(
      b, b.getLoc(), numbers,
      awq::emptyLike(b, b.getLoc(), numbers, b.getF32Type()), {full, full}, 0,
      [&](OpBuilder &n, Location l, ValueRange in) -> Value {
        Value token = linalg::IndexOp::create(n, l, 0);
        Value expert =
            arith::IndexCastOp::create(n, l, n.getIndexType(), in[0]);
        return tensor::ExtractOp::create(n, l, scores,
                                         ValueRange{token, expert});
      });
}

/// The weights of chosen scores before normalisation.
Value RowChoice::weigh(Value scores) {
  if (op.getScoring() != RouterScoring::SoftmaxOfChosen)
    return scores;
  AffineMap full = b.getMultiDimIdentityMap(2), row = full.getMajorSubMap(1);
  Value largest =
      awq::reduceRows(b, scores, -infinity,
                      [](OpBuilder &n, Location l, ValueRange in) -> Value {
                        return arith::MaximumFOp::create(n, l, in[0], in[1]);
                      });
  return awq::mapScores(b, {scores, largest}, {full, row, full},
                        [](OpBuilder &n, Location l, ValueRange in) -> Value {
                          return math::ExpOp::create(
                              n, l, arith::SubFOp::create(n, l, in[0], in[1]));
                        });
}

/// Divides by the sum, if that is wanted, and multiplies by the scale.
Value RowChoice::finish(Value weights) {
  double scale = op.getScale().convertToDouble();
  bool isSoftmax = op.getScoring() == RouterScoring::SoftmaxOfChosen;
  AffineMap full = b.getMultiDimIdentityMap(2), row = full.getMajorSubMap(1);
  if (isSoftmax || op.getNormalize()) {
    Value sums = awq::reduceRows(
        b, weights, 0.0, [](OpBuilder &n, Location l, ValueRange in) -> Value {
          return arith::AddFOp::create(n, l, in[0], in[1]);
        });
    weights =
        awq::mapScores(b, {weights, sums}, {full, row, full},
                       [&](OpBuilder &n, Location l, ValueRange in) -> Value {
                         Value sum = in[1];
                         if (!isSoftmax)
                           sum = arith::AddFOp::create(
                               n, l, sum, awq::constantF32(n, l, 1e-20));
                         return arith::DivFOp::create(n, l, in[0], sum);
                       });
  }
  if (scale == 1.0)
    return weights;
  return awq::mapScores(b, weights, {full, full},
                        [&](OpBuilder &n, Location l, ValueRange in) -> Value {
                          return arith::MulFOp::create(
                              n, l, in[0], awq::constantF32(n, l, scale));
                        });
}

std::pair<Value, Value> RowChoice::build() {
  Value scores = awq::buildScores(b, op);
  Value choices = awq::addBias(b, op, scores);
  Value groups;
  Ranked worst;
  if (op.getGroups() > op.getKeptGroups()) {
    groups = awq::scoreGroups(b, op, choices);
    worst = findLast(groups, op.getKeptGroups());
  }
  Value numbers = chosenNumbers(choices, groups, worst);
  return {finish(weigh(gather(scores, numbers))), numbers};
}

namespace {

struct LowerRouterToRows : OpRewritePattern<RouterOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(RouterOp op,
                                PatternRewriter &rewriter) const override {
    ImplicitLocOpBuilder b(op.getLoc(), rewriter);
    auto [weights, numbers] = RowChoice(b, op).build();
    rewriter.replaceOp(op, {weights, numbers});
    return success();
  }
};

} // namespace

void awq::populatePortableRouterPatterns(RewritePatternSet &patterns) {
  patterns.add<LowerRouterToRows>(patterns.getContext());
}
