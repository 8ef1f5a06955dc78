//===- EmitEntryPoints.cpp - entry points of compiled models ---*- C++ -*-===//
//
// Part of the awq-mlir project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "awq/Conversion/EntryPointsToLLVM/Passes.h"

#include "mlir/Conversion/LLVMCommon/TypeConverter.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/IR/BuiltinOps.h"

namespace awq {
#define GEN_PASS_DEF_EMITENTRYPOINTSPASS
#include "awq/Conversion/EntryPointsToLLVM/Passes.h.inc"
} // namespace awq

using namespace mlir;

/// The address that element `index` of the array holds.
static Value slotAddress(OpBuilder &builder, Location loc, Value array,
                         int32_t index) {
  Type pointer = array.getType();
  Value slot = LLVM::GEPOp::create(builder, loc, pointer, pointer, array,
                                   llvm::ArrayRef<LLVM::GEPArg>{index});
  return LLVM::LoadOp::create(builder, loc, pointer, slot);
}

/// Loads argument `index` of the function's type `type` from the array.
static Value loadArgument(OpBuilder &builder, Location loc, Value array,
                          int32_t index, Type type, Type loweredType) {
  Value address = slotAddress(builder, loc, array, index);
  Value lowered = LLVM::LoadOp::create(builder, loc, loweredType, address);
  if (loweredType == type)
    return lowered;
  return UnrealizedConversionCastOp::create(builder, loc, type, lowered)
      .getResult(0);
}

static LogicalResult emitEntryPoint(func::FuncOp function,
                                    const LLVMTypeConverter &types) {
  Location loc = function.getLoc();
  MLIRContext *context = function.getContext();
  OpBuilder builder(context);
  builder.setInsertionPointAfter(function);
  Type pointer = LLVM::LLVMPointerType::get(context);
  auto type =
      LLVM::LLVMFunctionType::get(LLVM::LLVMVoidType::get(context), {pointer});
  auto entry = LLVM::LLVMFuncOp::create(
      builder, loc, ("awq_entry_" + function.getSymName()).str(), type);
  builder.setInsertionPointToStart(entry.addEntryBlock(builder));
  llvm::SmallVector<Value> operands;
  for (BlockArgument argument : function.getArguments()) {
    Type lowered = types.convertType(argument.getType());
    if (!lowered)
      return function.emitOpError("argument #")
             << argument.getArgNumber() << " of type " << argument.getType()
             << " cannot be passed to an entry point";
    operands.push_back(loadArgument(builder, loc, entry.getArgument(0),
                                    argument.getArgNumber(), argument.getType(),
                                    lowered));
  }
  auto call = func::CallOp::create(builder, loc, function, operands);
  for (auto [i, result] : llvm::enumerate(call.getResults())) {
    Type lowered = types.convertType(result.getType());
    if (!lowered)
      return function.emitOpError("result #")
             << i << " of type " << result.getType()
             << " cannot be handed out by an entry point";
    Value address =
        slotAddress(builder, loc, entry.getArgument(0),
                    static_cast<int32_t>(function.getNumArguments() + i));
    Value value =
        UnrealizedConversionCastOp::create(builder, loc, lowered, result)
            .getResult(0);
    LLVM::StoreOp::create(builder, loc, value, address);
  }
  LLVM::ReturnOp::create(builder, loc, ValueRange());
  return success();
}

namespace {
struct EmitEntryPointsPass
    : awq::impl::EmitEntryPointsPassBase<EmitEntryPointsPass> {
  void runOnOperation() override {
    LLVMTypeConverter types(&getContext());
    auto internal =
        LLVM::LinkageAttr::get(&getContext(), LLVM::Linkage::Internal);
    auto functions = llvm::to_vector(getOperation().getOps<func::FuncOp>());
    for (func::FuncOp function : functions) {
      if (function.isDeclaration())
        continue;
      if (function.isPublic() && failed(emitEntryPoint(function, types)))
        return signalPassFailure();
      function->setAttr("llvm.linkage", internal);
    }
  }
};
} // namespace
