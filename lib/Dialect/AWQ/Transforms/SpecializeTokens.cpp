//===- SpecializeTokens.cpp - functions for a token count ------*- C++ -*-===//
//
// Part of the awq-mlir project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The clone's arguments get static types and are cast back; patterns then push
// the casts through the body towards the results.
//
//===----------------------------------------------------------------------===//

#include "awq/Dialect/AWQ/Transforms/Passes.h"

#include "Provenance.h"
#include "awq/Dialect/Decoder/IR/Decoder.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/Matchers.h"
#include "mlir/Transforms/GreedyPatternRewriteDriver.h"

namespace awq {
#define GEN_PASS_DEF_SPECIALIZETOKENSPASS
#include "awq/Dialect/AWQ/Transforms/Passes.h.inc"
} // namespace awq

using namespace mlir;

/// The type with its dynamic first dimension replaced; null if it has none.
static RankedTensorType withTokens(Type type, int64_t tokens) {
  auto tensor = dyn_cast<RankedTensorType>(type);
  if (!tensor || tensor.getRank() == 0 || !tensor.isDynamicDim(0))
    return {};
  llvm::SmallVector<int64_t> shape(tensor.getShape());
  shape.front() = tokens;
  return tensor.clone(shape);
}

/// The value of static type behind a cast that forgets the number of tokens.
static Value withoutCast(Value value, int64_t tokens) {
  auto cast = value.getDefiningOp<tensor::CastOp>();
  RankedTensorType type = withTokens(value.getType(), tokens);
  return cast && type && cast.getSource().getType() == type ? cast.getSource()
                                                            : Value();
}

static Value castTo(OpBuilder &builder, Location loc, Type type, Value value) {
  return value.getType() == type
             ? value
             : tensor::CastOp::create(builder, loc, type, value).getResult();
}

/// Replaces `op` by a copy with the operands and result types given; results
/// are cast back. Its regions move: how many tokens an expert gets depends on
/// the router, however many there are in all.
static void replaceWithTypes(PatternRewriter &rewriter, Operation *op,
                             llvm::ArrayRef<Value> operands,
                             llvm::ArrayRef<Type> types) {
  OperationState state(op->getLoc(), op->getName(), operands, types,
                       op->getAttrs());
  if (op->getPropertiesStorageSize())
    state.propertiesAttr = op->getPropertiesAsAttribute();
  for (unsigned i = 0; i < op->getNumRegions(); ++i)
    state.addRegion();
  Operation *copy = rewriter.create(state);
  for (auto [before, after] :
       llvm::zip_equal(op->getRegions(), copy->getRegions()))
    rewriter.inlineRegionBefore(before, after, after.end());
  llvm::SmallVector<Value> results;
  for (auto [before, after] :
       llvm::zip_equal(op->getResults(), copy->getResults()))
    results.push_back(castTo(rewriter, op->getLoc(), before.getType(), after));
  rewriter.replaceOp(op, results);
}

namespace {
/// op(cast(x)) -> cast(op(x)) for ops whose results have their operands' number
/// of tokens.
struct AbsorbCast : RewritePattern {
  AbsorbCast(MLIRContext *context, int64_t tokens)
      : RewritePattern(MatchAnyOpTypeTag(), /*benefit=*/1, context),
        tokens(tokens) {}

  LogicalResult matchAndRewrite(Operation *op,
                                PatternRewriter &rewriter) const override {
    if (!awq::keepsTokens(op))
      return rewriter.notifyMatchFailure(op, "may change the number of tokens");
    bool known = llvm::any_of(op->getOpOperands(), [&](OpOperand &operand) {
      return !awq::isCacheOperand(operand) &&
             withoutCast(operand.get(), tokens);
    });
    if (!known)
      return rewriter.notifyMatchFailure(op, "no operand of known length");
    llvm::SmallVector<Value> operands;
    for (OpOperand &operand : op->getOpOperands()) {
      RankedTensorType type = withTokens(operand.get().getType(), tokens);
      Value source = operand.get();
      if (type && !awq::isCacheOperand(operand)) {
        Value inner = withoutCast(source, tokens);
        source = inner ? inner : castTo(rewriter, op->getLoc(), type, source);
      }
      operands.push_back(source);
    }
    llvm::SmallVector<Type> types;
    for (OpResult result : op->getResults()) {
      RankedTensorType type = withTokens(result.getType(), tokens);
      types.push_back(type && !awq::isCacheResult(result) ? type
                                                          : result.getType());
    }
    replaceWithTypes(rewriter, op, operands, types);
    return success();
  }

private:
  int64_t tokens;
};

/// A table of a constant number of rows has a static type.
struct StaticRotaryTable : OpRewritePattern<awq::decoder::RotaryTableOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(awq::decoder::RotaryTableOp op,
                                PatternRewriter &rewriter) const override {
    llvm::APInt count;
    if (!matchPattern(op.getCount(), m_ConstantInt(&count)))
      return rewriter.notifyMatchFailure(op, "count is not constant");
    RankedTensorType type =
        withTokens(op.getCosines().getType(), count.getSExtValue());
    if (!type)
      return rewriter.notifyMatchFailure(op, "is static already");
    replaceWithTypes(rewriter, op, llvm::to_vector(op->getOperands()),
                     {type, type});
    return success();
  }
};

/// expand_shape(cast(x)) -> cast(expand_shape(x)) where the token dimension is
/// kept.
struct StaticExpandShape : OpRewritePattern<tensor::ExpandShapeOp> {
  StaticExpandShape(MLIRContext *context, int64_t tokens)
      : OpRewritePattern(context), tokens(tokens) {}

  LogicalResult matchAndRewrite(tensor::ExpandShapeOp op,
                                PatternRewriter &rewriter) const override {
    Value source = withoutCast(op.getSrc(), tokens);
    RankedTensorType type = withTokens(op.getType(), tokens);
    if (!source || !type || !type.hasStaticShape() ||
        op.getReassociationIndices().front().size() != 1)
      return rewriter.notifyMatchFailure(op, "token dimension is not kept");
    Value expanded = tensor::ExpandShapeOp::create(
        rewriter, op.getLoc(), type, source, op.getReassociationIndices());
    rewriter.replaceOpWithNewOp<tensor::CastOp>(op, op.getType(), expanded);
    return success();
  }

private:
  int64_t tokens;
};

struct SpecializeTokensPass
    : awq::impl::SpecializeTokensPassBase<SpecializeTokensPass> {
  using SpecializeTokensPassBase::name;
  using SpecializeTokensPassBase::SpecializeTokensPassBase;
  using SpecializeTokensPassBase::tokens;
  void runOnOperation() override;

  /// The clone of `function` with static activations, made once.
  func::FuncOp specialize(func::FuncOp function, llvm::StringRef cloneName);

private:
  LogicalResult refine(func::FuncOp clone);

  llvm::DenseMap<Operation *, func::FuncOp> clones;
};

/// call @f(cast(x)) -> cast(call @f_step(x)), when all activations are known.
struct SpecializeCall : OpRewritePattern<func::CallOp> {
  SpecializeCall(MLIRContext *context, SpecializeTokensPass &pass)
      : OpRewritePattern(context), pass(pass) {}

  LogicalResult matchAndRewrite(func::CallOp call,
                                PatternRewriter &rewriter) const override {
    func::FuncOp callee = awq::getCallee(call);
    if (!callee)
      return rewriter.notifyMatchFailure(call, "callee has no body");
    llvm::SmallVector<Value> operands;
    bool changed = false;
    for (auto [value, argument] :
         llvm::zip_equal(call.getOperands(), callee.getArguments())) {
      Value operand = value;
      if (withTokens(value.getType(), pass.tokens) && !awq::isCache(argument)) {
        operand = withoutCast(value, pass.tokens);
        if (!operand)
          return rewriter.notifyMatchFailure(call,
                                             "an operand's length is unknown");
        changed = true;
      }
      operands.push_back(operand);
    }
    if (!changed)
      return rewriter.notifyMatchFailure(call, "no activations");
    func::FuncOp clone =
        pass.specialize(callee, (callee.getSymName() + "_" + pass.name).str());
    if (!clone)
      return failure();
    auto replacement =
        func::CallOp::create(rewriter, call.getLoc(), clone, operands);
    llvm::SmallVector<Value> results;
    for (auto [before, after] :
         llvm::zip_equal(call.getResults(), replacement.getResults()))
      results.push_back(
          castTo(rewriter, call.getLoc(), before.getType(), after));
    rewriter.replaceOp(call, results);
    return success();
  }

private:
  SpecializeTokensPass &pass;
};
} // namespace

/// Pushes the casts of `clone` to its return, and out through its type.
LogicalResult SpecializeTokensPass::refine(func::FuncOp clone) {
  MLIRContext *context = &getContext();
  RewritePatternSet patterns(context);
  patterns.add<AbsorbCast, StaticExpandShape>(context, tokens);
  patterns.add<StaticRotaryTable>(context);
  patterns.add<SpecializeCall>(context, *this);
  llvm::DenseSet<OperationName> seen;
  clone.walk([&](Operation *op) {
    if (std::optional<RegisteredOperationName> info = op->getRegisteredInfo())
      if (seen.insert(op->getName()).second)
        info->getCanonicalizationPatterns(patterns, context);
  });
  tensor::CastOp::getCanonicalizationPatterns(patterns, context);
  tensor::DimOp::getCanonicalizationPatterns(patterns, context);
  if (failed(applyPatternsGreedily(clone.getBody(), std::move(patterns))))
    return clone.emitOpError("does not settle when its types are refined");

  Operation *exit = clone.getBody().front().getTerminator();
  for (OpOperand &operand : exit->getOpOperands())
    if (Value inner = withoutCast(operand.get(), tokens)) {
      Operation *cast = operand.get().getDefiningOp();
      operand.set(inner);
      if (cast->use_empty())
        cast->erase();
    }
  clone.setFunctionType(FunctionType::get(context, clone.getArgumentTypes(),
                                          exit->getOperandTypes()));
  return success();
}

func::FuncOp SpecializeTokensPass::specialize(func::FuncOp function,
                                              llvm::StringRef cloneName) {
  func::FuncOp &known = clones[function];
  if (known)
    return known;
  func::FuncOp clone = function.clone();
  clone.setSymName(cloneName);
  SymbolTable(getOperation()).insert(clone, std::next(function->getIterator()));
  known = clone;

  OpBuilder builder = OpBuilder::atBlockBegin(&clone.getBody().front());
  for (unsigned i = 0; i < clone.getNumArguments(); ++i) {
    BlockArgument argument = clone.getArgument(i);
    Type before = argument.getType();
    RankedTensorType type = withTokens(before, tokens);
    if (!type || awq::isCache(function.getArgument(i)))
      continue;
    argument.setType(type);
    auto cast =
        tensor::CastOp::create(builder, argument.getLoc(), before, argument);
    argument.replaceAllUsesExcept(cast, cast);
  }
  clone.setFunctionType(FunctionType::get(&getContext(),
                                          clone.getBody().getArgumentTypes(),
                                          clone.getResultTypes()));
  return failed(refine(clone)) ? func::FuncOp() : clone;
}

void SpecializeTokensPass::runOnOperation() {
  clones.clear();
  auto function = getOperation().lookupSymbol<func::FuncOp>(entry);
  if (!function || function.isDeclaration())
    return;
  if (getOperation().lookupSymbol(name)) {
    function.emitError("there is already a function '") << name << "'";
    return signalPassFailure();
  }
  if (tokens < 1) {
    function.emitError("tokens must be at least 1, not ") << tokens;
    return signalPassFailure();
  }
  if (!specialize(function, name))
    signalPassFailure();
}
