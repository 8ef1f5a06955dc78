//===- Provenance.cpp - where values and sizes come from -------*- C++ -*-===//
//
// Part of the awq-mlir project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Provenance.h"

#include "awq/Dialect/AWQ/IR/AWQ.h"
#include "awq/Dialect/Decoder/IR/Decoder.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/Matchers.h"
#include "mlir/Interfaces/DestinationStyleOpInterface.h"

using namespace mlir;
using namespace awq;

func::FuncOp awq::getCallee(func::CallOp call) {
  auto callee = SymbolTable::lookupNearestSymbolFrom<func::FuncOp>(
      call, call.getCalleeAttr());
  return callee && !callee.isDeclaration() ? callee : func::FuncOp();
}

bool awq::isCacheOperand(OpOperand &operand) {
  auto attention = dyn_cast<decoder::AttentionOp>(operand.getOwner());
  return attention && (operand.get() == attention.getKeyCache() ||
                       operand.get() == attention.getValueCache());
}

bool awq::isCacheResult(OpResult result) {
  auto attention = dyn_cast<decoder::AttentionOp>(result.getOwner());
  return attention && result != attention.getOut();
}

/// The use that one operand makes of its value.
static ArgumentUse classifyUse(OpOperand &use) {
  Operation *user = use.getOwner();
  Value value = use.get();
  if (auto attention = dyn_cast<decoder::AttentionOp>(user)) {
    if (value == attention.getKeyCache())
      return ArgumentUse::KeyCache;
    if (value == attention.getValueCache())
      return ArgumentUse::ValueCache;
    return value == attention.getPosition() ? ArgumentUse::Position
                                            : ArgumentUse::Other;
  }
  if (auto embedding = dyn_cast<decoder::EmbeddingOp>(user))
    return value == embedding.getIds() ? ArgumentUse::Tokens
                                       : ArgumentUse::Other;
  if (auto table = dyn_cast<decoder::RotaryTableOp>(user))
    return value == table.getPosition() ? ArgumentUse::Position
                                        : ArgumentUse::Other;
  if (auto call = dyn_cast<func::CallOp>(user))
    if (func::FuncOp callee = getCallee(call))
      return classifyArgument(callee.getArgument(use.getOperandNumber()));
  return ArgumentUse::Other;
}

ArgumentUse awq::classifyArgument(BlockArgument argument) {
  for (OpOperand &use : argument.getUses()) {
    ArgumentUse found = classifyUse(use);
    if (found != ArgumentUse::Other)
      return found;
  }
  return ArgumentUse::Other;
}

bool awq::isCache(BlockArgument argument) {
  ArgumentUse use = classifyArgument(argument);
  return use == ArgumentUse::KeyCache || use == ArgumentUse::ValueCache;
}

std::optional<BlockArgument> awq::findDestinationArgument(Value value) {
  while (auto result = dyn_cast<OpResult>(value)) {
    Operation *op = result.getOwner();
    if (auto attention = dyn_cast<decoder::AttentionOp>(op)) {
      if (result == attention.getOut())
        return std::nullopt;
      value = result == attention.getNewKeyCache() ? attention.getKeyCache()
                                                   : attention.getValueCache();
    } else if (auto style = dyn_cast<DestinationStyleOpInterface>(op)) {
      value = style.getTiedOpOperand(result)->get();
    } else if (auto call = dyn_cast<func::CallOp>(op)) {
      func::FuncOp callee = getCallee(call);
      if (!callee)
        return std::nullopt;
      Operation *exit = callee.getBody().front().getTerminator();
      std::optional<BlockArgument> argument =
          findDestinationArgument(exit->getOperand(result.getResultNumber()));
      if (!argument)
        return std::nullopt;
      value = call.getOperand(argument->getArgNumber());
    } else {
      return std::nullopt;
    }
  }
  return cast<BlockArgument>(value);
}

//===----------------------------------------------------------------------===//
// Writes to caches
//===----------------------------------------------------------------------===//

/// Dimension 0 of `value`, as a number or a dimension of an argument.
static bool traceRows(Value value, int64_t dimension, CacheWrite &write) {
  auto type = cast<RankedTensorType>(value.getType());
  if (!type.isDynamicDim(dimension)) {
    write.rowsArgument = -1;
    write.rows = type.getDimSize(dimension);
    return true;
  }
  std::optional<ArgumentDimension> source = traceDimension(value, dimension);
  if (!source)
    return false;
  write.rowsArgument = source->argument;
  write.rows = source->dimension;
  return true;
}

static bool tracePosition(Value value, CacheWrite &write) {
  if (auto argument = dyn_cast<BlockArgument>(value)) {
    write.positionArgument = argument.getArgNumber();
    return true;
  }
  llvm::APInt number;
  if (!matchPattern(value, m_ConstantInt(&number)))
    return false;
  write.positionArgument = -1;
  write.position = number.getSExtValue();
  return true;
}

/// The writes of a callee to its argument, in terms of the caller's arguments.
static bool collectCalleeWrites(func::CallOp call, BlockArgument argument,
                                llvm::SmallVector<CacheWrite> &writes) {
  std::optional<llvm::SmallVector<CacheWrite>> inner =
      findCacheWrites(argument);
  if (!inner)
    return false;
  for (CacheWrite write : *inner) {
    if (write.rowsArgument >= 0 &&
        !traceRows(call.getOperand(write.rowsArgument), write.rows, write))
      return false;
    if (write.positionArgument >= 0 &&
        !tracePosition(call.getOperand(write.positionArgument), write))
      return false;
    writes.push_back(write);
  }
  return true;
}

static bool collectWrites(Value cache, llvm::SmallVector<CacheWrite> &writes) {
  for (OpOperand &use : cache.getUses()) {
    Operation *user = use.getOwner();
    if (isCacheOperand(use)) {
      auto attention = cast<decoder::AttentionOp>(user);
      CacheWrite write;
      if (!traceRows(attention.getKey(), 0, write) ||
          !tracePosition(attention.getPosition(), write))
        return false;
      writes.push_back(write);
      Value updated = cache == attention.getKeyCache()
                          ? attention.getNewKeyCache()
                          : attention.getNewValueCache();
      if (!collectWrites(updated, writes))
        return false;
      continue;
    }
    auto call = dyn_cast<func::CallOp>(user);
    func::FuncOp callee = call ? getCallee(call) : func::FuncOp();
    if (!callee)
      continue;
    BlockArgument argument = callee.getArgument(use.getOperandNumber());
    if (!collectCalleeWrites(call, argument, writes))
      return false;
    Operation *exit = callee.getBody().front().getTerminator();
    for (auto [result, returned] :
         llvm::zip_equal(call.getResults(), exit->getOperands()))
      if (isa<TensorType>(returned.getType()) &&
          findDestinationArgument(returned) == argument &&
          !collectWrites(result, writes))
        return false;
  }
  return true;
}

std::optional<llvm::SmallVector<CacheWrite>>
awq::findCacheWrites(BlockArgument argument) {
  llvm::SmallVector<CacheWrite> writes;
  if (!collectWrites(argument, writes))
    return std::nullopt;
  return writes;
}

//===----------------------------------------------------------------------===//
// Sizes
//===----------------------------------------------------------------------===//

bool awq::keepsTokens(Operation *op) {
  if (isa<decoder::RotaryTableOp>(op) || op->getNumResults() == 0)
    return false;
  if (isa_and_nonnull<AWQDialect, decoder::DecoderDialect>(op->getDialect()))
    return !isa<QuantizeOp, DequantizeOp, RepackOp, UnpackOp>(op);
  return OpTrait::hasElementwiseMappableTraits(op);
}

/// The dimension that an index value measures.
static std::optional<ArgumentDimension> traceSize(Value size) {
  auto dim = size.getDefiningOp<tensor::DimOp>();
  if (!dim || !dim.getConstantIndex())
    return std::nullopt;
  return traceDimension(dim.getSource(), *dim.getConstantIndex());
}

/// The dynamic size of an op that names its sizes.
static std::optional<ArgumentDimension>
traceMixedSize(llvm::ArrayRef<OpFoldResult> sizes, int64_t dimension) {
  auto size = dyn_cast<Value>(sizes[dimension]);
  return size ? traceSize(size) : std::nullopt;
}

/// A dimension that a reshape leaves alone: the only one of its group.
static std::optional<ArgumentDimension>
traceReshape(Value source, llvm::ArrayRef<ReassociationIndices> groups,
             int64_t dimension, bool expands) {
  for (auto [index, group] : llvm::enumerate(groups))
    if (group.size() == 1 &&
        (expands ? group.front() : int64_t(index)) == dimension)
      return traceDimension(source, expands ? int64_t(index) : group.front());
  return std::nullopt;
}

static std::optional<ArgumentDimension>
traceCall(func::CallOp call, unsigned result, int64_t dimension) {
  func::FuncOp callee = getCallee(call);
  if (!callee)
    return std::nullopt;
  Value returned = callee.getBody().front().getTerminator()->getOperand(result);
  std::optional<ArgumentDimension> source = traceDimension(returned, dimension);
  return source ? traceDimension(call.getOperand(source->argument),
                                 source->dimension)
                : std::nullopt;
}

std::optional<ArgumentDimension> awq::traceDimension(Value value,
                                                     int64_t dimension) {
  if (auto argument = dyn_cast<BlockArgument>(value)) {
    // An argument of a region inside the function is none of its sizes.
    if (!isa<func::FuncOp>(argument.getOwner()->getParentOp()))
      return std::nullopt;
    return ArgumentDimension{argument.getArgNumber(), dimension};
  }
  auto result = cast<OpResult>(value);
  Operation *op = result.getOwner();
  if (auto attention = dyn_cast<decoder::AttentionOp>(op);
      attention && isCacheResult(result))
    return traceDimension(result == attention.getNewKeyCache()
                              ? attention.getKeyCache()
                              : attention.getValueCache(),
                          dimension);
  if (auto table = dyn_cast<decoder::RotaryTableOp>(op))
    return traceSize(table.getCount());
  if (keepsTokens(op) && (dimension == 0 || !isa<LinearOp>(op)))
    return traceDimension(op->getOperand(0), dimension);
  if (auto expand = dyn_cast<tensor::ExpandShapeOp>(op))
    return traceReshape(expand.getSrc(), expand.getReassociationIndices(),
                        dimension, /*expands=*/true);
  if (auto collapse = dyn_cast<tensor::CollapseShapeOp>(op))
    return traceReshape(collapse.getSrc(), collapse.getReassociationIndices(),
                        dimension, /*expands=*/false);
  if (auto cast = dyn_cast<tensor::CastOp>(op))
    return traceDimension(cast.getSource(), dimension);
  if (auto empty = dyn_cast<tensor::EmptyOp>(op))
    return traceMixedSize(empty.getMixedSizes(), dimension);
  if (auto slice = dyn_cast<tensor::ExtractSliceOp>(op);
      slice && slice.getSourceType().getRank() == slice.getType().getRank())
    return traceMixedSize(slice.getMixedSizes(), dimension);
  if (auto style = dyn_cast<DestinationStyleOpInterface>(op))
    return traceDimension(style.getTiedOpOperand(result)->get(), dimension);
  if (auto call = dyn_cast<func::CallOp>(op))
    return traceCall(call, result.getResultNumber(), dimension);
  return std::nullopt;
}

namespace {
/// Depth-first over the call graph.
struct CalleesFirst {
  enum class State { Open, Done };
  llvm::function_ref<LogicalResult(func::FuncOp)> visit;
  llvm::DenseMap<Operation *, State> states;

  LogicalResult run(func::FuncOp function) {
    auto [entry, isNew] = states.try_emplace(function, State::Open);
    if (!isNew)
      return entry->second == State::Done ? success()
                                          : LogicalResult(function.emitOpError(
                                                "calls itself: recursive "
                                                "functions are not supported"));
    WalkResult walk = function.walk([&](func::CallOp call) {
      func::FuncOp callee = getCallee(call);
      return WalkResult(callee ? run(callee) : success());
    });
    if (walk.wasInterrupted() || failed(visit(function)))
      return failure();
    states[function] = State::Done;
    return success();
  }
};
} // namespace

LogicalResult
awq::walkCalleesFirst(ModuleOp module,
                      llvm::function_ref<LogicalResult(func::FuncOp)> visit) {
  CalleesFirst order{visit, llvm::DenseMap<Operation *, CalleesFirst::State>()};
  auto functions = llvm::to_vector(module.getOps<func::FuncOp>());
  for (func::FuncOp function : functions)
    if (!function.isDeclaration() && failed(order.run(function)))
      return failure();
  return success();
}
