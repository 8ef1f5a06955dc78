//===- ResultsToDestinations.cpp - results into given buffers --*- C++ -*-===//
//
// Part of the awq-mlir project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "awq/Dialect/AWQ/Transforms/Passes.h"

#include "Provenance.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Bufferization/IR/Bufferization.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/BuiltinOps.h"

namespace awq {
#define GEN_PASS_DEF_RESULTSTODESTINATIONSPASS
#include "awq/Dialect/AWQ/Transforms/Passes.h.inc"
} // namespace awq

using namespace mlir;

namespace {
/// Where a result's destination gets its dynamic sizes from, at a call.
struct Destination {
  RankedTensorType type;
  llvm::SmallVector<std::optional<awq::ArgumentDimension>> sizes;
};

struct ResultsToDestinationsPass
    : awq::impl::ResultsToDestinationsPassBase<ResultsToDestinationsPass> {
  void runOnOperation() override;

private:
  LogicalResult rewrite(func::FuncOp function);
  void addDestination(func::FuncOp function, OpOperand &returned);
  LogicalResult extendCall(func::CallOp call, func::FuncOp callee);

  llvm::DenseMap<Operation *, llvm::SmallVector<Destination>> destinations;
};
} // namespace

/// Caches and destinations may be written, everything else belongs to the
/// caller.
static void markWritable(func::FuncOp function,
                         const llvm::SmallPtrSetImpl<void *> &written) {
  for (BlockArgument argument : function.getArguments())
    if (isa<TensorType>(argument.getType()))
      function.setArgAttr(
          argument.getArgNumber(),
          bufferization::BufferizationDialect::kWritableAttrName,
          BoolAttr::get(function.getContext(),
                        written.contains(argument.getAsOpaquePointer())));
}

/// Argument and dimension of each dynamic size, -1 and -1 where unknown: what
/// callers of an entry point size its destinations by.
static llvm::SmallVector<int64_t>
listSizes(llvm::ArrayRef<std::optional<awq::ArgumentDimension>> sizes) {
  llvm::SmallVector<int64_t> list;
  for (const std::optional<awq::ArgumentDimension> &size : sizes) {
    list.push_back(size ? int64_t(size->argument) : -1);
    list.push_back(size ? size->dimension : -1);
  }
  return list;
}

/// Whether callers can size a result before the call: each of its sizes is
/// known or some argument's.
static bool hasKnownSizes(Value value) {
  auto type = cast<RankedTensorType>(value.getType());
  for (int64_t i = 0; i < type.getRank(); ++i)
    if (type.isDynamicDim(i) && !awq::traceDimension(value, i))
      return false;
  return true;
}

void ResultsToDestinationsPass::addDestination(func::FuncOp function,
                                               OpOperand &returned) {
  Value value = returned.get();
  auto type = cast<RankedTensorType>(value.getType());
  Destination destination{type, {}};
  for (int64_t i = 0; i < type.getRank(); ++i)
    if (type.isDynamicDim(i))
      destination.sizes.push_back(awq::traceDimension(value, i));
  destinations[function].push_back(std::move(destination));

  OpBuilder builder(returned.getOwner());
  NamedAttrList attributes;
  if (function.isPublic()) {
    if (!type.hasStaticShape())
      attributes.append("awq.sizes", builder.getDenseI64ArrayAttr(listSizes(
                                         destinations[function].back().sizes)));
    Attribute role =
        function.getResultAttr(returned.getOperandNumber(), "awq.role");
    attributes.append("awq.role",
                      role ? role : builder.getStringAttr("output"));
    if (Attribute name =
            function.getResultAttr(returned.getOperandNumber(), "awq.name"))
      attributes.append("awq.name", name);
    for (StringRef moved : {"awq.role", "awq.name"})
      function.removeResultAttr(returned.getOperandNumber(),
                                builder.getStringAttr(moved));
  }
  unsigned index = function.getNumArguments();
  (void)function.insertArgument(index, type,
                                attributes.getDictionary(function.getContext()),
                                value.getLoc());
  auto copy = bufferization::MaterializeInDestinationOp::create(
      builder, value.getLoc(), type, value, function.getArgument(index));
  returned.set(copy.getResult());
}

LogicalResult ResultsToDestinationsPass::extendCall(func::CallOp call,
                                                    func::FuncOp callee) {
  OpBuilder builder(call);
  Location loc = call.getLoc();
  unsigned inputs = call.getNumOperands();
  for (const Destination &destination : destinations[callee]) {
    llvm::SmallVector<Value> sizes;
    for (const std::optional<awq::ArgumentDimension> &size :
         destination.sizes) {
      // A size that comes from another destination is unknown here.
      if (!size || size->argument >= inputs)
        return call.emitOpError("needs the length of a result of '")
               << callee.getSymName()
               << "', which does not follow from an argument's";
      Value dimension =
          arith::ConstantIndexOp::create(builder, loc, size->dimension);
      sizes.push_back(tensor::DimOp::create(
          builder, loc, call.getOperand(size->argument), dimension));
    }
    call->insertOperands(
        call->getNumOperands(),
        tensor::EmptyOp::create(builder, loc, destination.type, sizes)
            .getResult());
  }
  return success();
}

LogicalResult ResultsToDestinationsPass::rewrite(func::FuncOp function) {
  if (!function.getBody().hasOneBlock())
    return function.emitOpError("must have one block to get destinations");
  auto calls = llvm::to_vector(function.getOps<func::CallOp>());
  for (func::CallOp call : calls)
    if (func::FuncOp callee = awq::getCallee(call))
      if (failed(extendCall(call, callee)))
        return failure();

  llvm::SmallPtrSet<void *, 8> written;
  Operation *exit = function.getBody().front().getTerminator();
  unsigned arguments = function.getNumArguments();
  for (OpOperand &returned : exit->getOpOperands()) {
    if (!isa<RankedTensorType>(returned.get().getType()))
      continue;
    std::optional<BlockArgument> updated =
        awq::findDestinationArgument(returned.get());
    // An argument that is returned as it is still needs a place to go.
    if (updated && *updated != returned.get())
      written.insert(updated->getAsOpaquePointer());
    else if (function.isPrivate() || hasKnownSizes(returned.get()))
      addDestination(function, returned);
  }
  for (BlockArgument argument : function.getArguments().drop_front(arguments))
    written.insert(argument.getAsOpaquePointer());
  markWritable(function, written);
  return success();
}

void ResultsToDestinationsPass::runOnOperation() {
  destinations.clear();
  if (failed(awq::walkCalleesFirst(getOperation(), [&](func::FuncOp function) {
        return rewrite(function);
      })))
    signalPassFailure();
}
