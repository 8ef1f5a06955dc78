//===- RouterToLinalg.cpp - the choice of experts ---------------*- C++ -*-===//
//
// Part of the awq-mlir project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Scores of experts and groups are linalg ops. Then one task per token takes
// the best experts one by one. What is chosen is sorted by (value, -number), so
// "not chosen yet" means "behind the last one in that order": no list of
// experts, and no copy of the scores, is needed.
//
//===----------------------------------------------------------------------===//

#include "Patterns.h"
#include "RouterScores.h"

#include "awq/Conversion/Common/TensorBuilders.h"
#include "awq/Dialect/Decoder/IR/Decoder.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/ImplicitLocOpBuilder.h"
#include "mlir/IR/PatternMatch.h"

#include <limits>
#include <tuple>

using namespace mlir;
using awq::decoder::RouterScoring;

static constexpr double infinity = std::numeric_limits<double>::infinity();

//===----------------------------------------------------------------------===//
// The choice
//===----------------------------------------------------------------------===//

namespace {

/// A value and the number that it belongs to.
struct Ranked {
  Value value, index;
};

/// Builds the body of one token's task.
class ChoiceBuilder {
public:
  ChoiceBuilder(ImplicitLocOpBuilder &b, awq::decoder::RouterOp op,
                Value scores, Value choices, Value groups, Value token)
      : b(b), op(op), scores(scores), choices(choices), groups(groups),
        token(token),
        experts(cast<RankedTensorType>(scores.getType()).getDimSize(1)) {}

  /// Fills the rows [top_k] of weights and indices.
  std::pair<Value, Value> build(Value weights, Value indices);

private:
  Value index(int64_t value) {
    return awq::constantIndex(b, b.getLoc(), value);
  }
  Value f32(double value) { return awq::constantF32(b, b.getLoc(), value); }
  Value compare(arith::CmpFPredicate predicate, Value x, Value y) {
    return arith::CmpFOp::create(b, predicate, x, y);
  }
  Value load(Value table, Value column) {
    return tensor::ExtractOp::create(b, table, ValueRange{token, column});
  }

  /// Whether (value, index) comes behind `last` in the order of choice.
  Value isBehind(Value value, Value number, Ranked last);
  Ranked best(Value table, int64_t count, Ranked last,
              llvm::function_ref<Value(Value)> admits);
  Ranked worstGroup();
  Value isKept(Value expert, Ranked worst);
  /// A loop over 0 .. count - 1 that carries `init`.
  SmallVector<Value>
  loop(int64_t count, ValueRange init,
       llvm::function_ref<SmallVector<Value>(Value, ValueRange)> body);
  Value weigh(Value score, Value largest);
  Value finish(Value weights, Value sum);

  ImplicitLocOpBuilder &b;
  awq::decoder::RouterOp op;
  Value scores, choices, groups, token;
  int64_t experts;
};

} // namespace

SmallVector<Value> ChoiceBuilder::loop(
    int64_t count, ValueRange init,
    llvm::function_ref<SmallVector<Value>(Value, ValueRange)> body) {
  auto loop = scf::ForOp::create(b, index(0), index(count), index(1), init);
  OpBuilder::InsertionGuard guard(b);
  b.setInsertionPointToStart(loop.getBody());
  scf::YieldOp::create(b,
                       body(loop.getInductionVar(), loop.getRegionIterArgs()));
  return llvm::to_vector(ValueRange(loop.getResults()));
}

Value ChoiceBuilder::isBehind(Value value, Value number, Ranked last) {
  Value less = compare(arith::CmpFPredicate::OLT, value, last.value);
  Value equal = compare(arith::CmpFPredicate::OEQ, value, last.value);
  Value later =
      arith::CmpIOp::create(b, arith::CmpIPredicate::sgt, number, last.index);
  return arith::OrIOp::create(b, less, arith::AndIOp::create(b, equal, later));
}

/// The first of `table`'s row behind `last` that is admitted; number 0 if there
/// is none, which takes scores that are no numbers.
Ranked ChoiceBuilder::best(Value table, int64_t count, Ranked last,
                           llvm::function_ref<Value(Value)> admits) {
  Value none = arith::ConstantOp::create(b, b.getBoolAttr(false));
  SmallVector<Value> found = loop(
      count, {f32(-infinity), index(0), none},
      [&](Value i, ValueRange state) -> SmallVector<Value> {
        Value value = load(table, i);
        Value candidate = isBehind(value, i, last);
        if (Value admitted = admits(i))
          candidate = arith::AndIOp::create(b, candidate, admitted);
        Value larger = compare(arith::CmpFPredicate::OGT, value, state[0]);
        Value isFirst = arith::XOrIOp::create(
            b, state[2], arith::ConstantOp::create(b, b.getBoolAttr(true)));
        Value better = arith::AndIOp::create(
            b, candidate, arith::OrIOp::create(b, larger, isFirst));
        return {arith::SelectOp::create(b, better, value, state[0]),
                arith::SelectOp::create(b, better, i, state[1]),
                arith::OrIOp::create(b, state[2], better)};
      });
  return {found[0], found[1]};
}

/// The last of the groups that are kept.
Ranked ChoiceBuilder::worstGroup() {
  SmallVector<Value> worst =
      loop(op.getKeptGroups(), {f32(infinity), index(-1)},
           [&](Value, ValueRange state) -> SmallVector<Value> {
             Ranked next = best(groups, op.getGroups(), {state[0], state[1]},
                                [](Value) { return Value(); });
             return {next.value, next.index};
           });
  return {worst[0], worst[1]};
}

Value ChoiceBuilder::isKept(Value expert, Ranked worst) {
  int64_t size = experts / static_cast<int64_t>(op.getGroups());
  Value group = arith::DivUIOp::create(b, expert, index(size));
  Value score = load(groups, group);
  Value more = compare(arith::CmpFPredicate::OGT, score, worst.value);
  Value equal = compare(arith::CmpFPredicate::OEQ, score, worst.value);
  Value before =
      arith::CmpIOp::create(b, arith::CmpIPredicate::sle, group, worst.index);
  return arith::OrIOp::create(b, more, arith::AndIOp::create(b, equal, before));
}

/// The weight of a chosen score before normalisation.
Value ChoiceBuilder::weigh(Value score, Value largest) {
  if (op.getScoring() != RouterScoring::SoftmaxOfChosen)
    return score;
  return math::ExpOp::create(b, arith::SubFOp::create(b, score, largest));
}

/// Divides by the sum, if that is wanted, and multiplies by the scale.
Value ChoiceBuilder::finish(Value weights, Value sum) {
  double scale = op.getScale().convertToDouble();
  bool softmax = op.getScoring() == RouterScoring::SoftmaxOfChosen;
  bool divides = softmax || op.getNormalize();
  if (!divides && scale == 1.0)
    return weights;
  if (divides && !softmax)
    sum = arith::AddFOp::create(b, sum, f32(1e-20));
  return loop(op.getTopK(), {weights},
              [&](Value i, ValueRange state) -> SmallVector<Value> {
                Value w = tensor::ExtractOp::create(b, state[0], ValueRange(i));
                if (divides)
                  w = arith::DivFOp::create(b, w, sum);
                if (scale != 1.0)
                  w = arith::MulFOp::create(b, w, f32(scale));
                return {
                    tensor::InsertOp::create(b, w, state[0], ValueRange(i))};
              })
      .front();
}

std::pair<Value, Value> ChoiceBuilder::build(Value weights, Value indices) {
  Ranked worst;
  if (groups)
    worst = worstGroup();
  auto admits = [&](Value expert) {
    return groups ? isKept(expert, worst) : Value();
  };
  // The largest score that is chosen comes along: a softmax subtracts it. With
  // a bias the first choice need not have it.
  SmallVector<Value> chosen = loop(
      op.getTopK(), {indices, f32(infinity), index(-1), f32(-infinity)},
      [&](Value i, ValueRange state) -> SmallVector<Value> {
        Ranked next = best(choices, experts, {state[1], state[2]}, admits);
        Value number =
            arith::IndexCastOp::create(b, b.getI32Type(), next.index);
        Value largest =
            arith::MaximumFOp::create(b, state[3], load(scores, next.index));
        return {tensor::InsertOp::create(b, number, state[0], ValueRange(i)),
                next.value, next.index, largest};
      });
  SmallVector<Value> weighed = loop(
      op.getTopK(), {weights, f32(0.0)},
      [&](Value i, ValueRange state) -> SmallVector<Value> {
        Value number = tensor::ExtractOp::create(b, chosen[0], ValueRange(i));
        Value expert = arith::IndexCastOp::create(b, b.getIndexType(), number);
        Value weight = weigh(load(scores, expert), chosen[3]);
        return {tensor::InsertOp::create(b, weight, state[0], ValueRange(i)),
                arith::AddFOp::create(b, state[1], weight)};
      });
  return {finish(weighed[0], weighed[1]), chosen[0]};
}

namespace {

struct LowerRouter : OpRewritePattern<awq::decoder::RouterOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(awq::decoder::RouterOp op,
                                PatternRewriter &rewriter) const override {
    ImplicitLocOpBuilder b(op.getLoc(), rewriter);
    Value scores = awq::buildScores(b, op);
    Value choices = awq::addBias(b, op, scores);
    Value groups;
    if (op.getGroups() > op.getKeptGroups())
      groups = awq::scoreGroups(b, op, choices);

    OpFoldResult tokens =
        tensor::getMixedSize(b, b.getLoc(), op.getLogits(), 0);
    SmallVector<OpFoldResult> sizes{tokens, b.getIndexAttr(op.getTopK())};
    Value weights = tensor::EmptyOp::create(b, sizes, b.getF32Type());
    Value indices = tensor::EmptyOp::create(b, sizes, b.getI32Type());
    auto forall =
        scf::ForallOp::create(b, ArrayRef<OpFoldResult>{tokens},
                              ValueRange{weights, indices}, std::nullopt);
    {
      OpBuilder::InsertionGuard guard(b);
      b.setInsertionPointToStart(forall.getBody());
      buildBody(b, op, forall, scores, choices, groups);
    }
    SmallVector<Value> results;
    for (auto [result, wanted] :
         llvm::zip_equal(forall.getResults(), op.getResultTypes()))
      results.push_back(
          result.getType() == wanted
              ? Value(result)
              : tensor::CastOp::create(b, wanted, result).getResult());
    rewriter.replaceOp(op, results);
    return success();
  }

private:
  static void buildBody(ImplicitLocOpBuilder &b, awq::decoder::RouterOp op,
                        scf::ForallOp forall, Value scores, Value choices,
                        Value groups) {
    Value token = forall.getInductionVar(0);
    OpFoldResult one = b.getIndexAttr(1);
    SmallVector<OpFoldResult> offsets{token, b.getIndexAttr(0)};
    SmallVector<OpFoldResult> sizes{one, b.getIndexAttr(op.getTopK())};
    SmallVector<OpFoldResult> strides{one, one};
    SmallVector<Value> rows;
    for (BlockArgument shared : forall.getRegionIterArgs()) {
      auto type = cast<RankedTensorType>(shared.getType());
      rows.push_back(tensor::ExtractSliceOp::create(
          b, type.clone(type.getShape().drop_front()), shared, offsets, sizes,
          strides));
    }
    std::tie(rows[0], rows[1]) =
        ChoiceBuilder(b, op, scores, choices, groups, token)
            .build(rows[0], rows[1]);
    b.setInsertionPointToStart(forall.getTerminator().getBody());
    for (auto [row, shared] : llvm::zip_equal(rows, forall.getRegionIterArgs()))
      tensor::ParallelInsertSliceOp::create(b, row, shared, offsets, sizes,
                                            strides);
  }
};

} // namespace

void awq::populateRouterToLinalgPatterns(RewritePatternSet &patterns) {
  patterns.add<LowerRouter>(patterns.getContext());
}
