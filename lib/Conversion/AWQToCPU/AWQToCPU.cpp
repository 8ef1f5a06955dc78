//===- AWQToCPU.cpp - awq to CPU kernels ------------------------*- C++ -*-===//
//
// Part of the awq-mlir project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Patterns.h"

#include "awq/Conversion/AWQToCPU/Passes.h"
#include "awq/Conversion/Common/TensorBuilders.h"
#include "awq/Dialect/AWQ/IR/AWQ.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Bufferization/IR/Bufferization.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "mlir/Transforms/WalkPatternRewriteDriver.h"

namespace awq {
#define GEN_PASS_DEF_CONVERTAWQTOCPUPASS
#include "awq/Conversion/AWQToCPU/Passes.h.inc"
} // namespace awq

using namespace mlir;

LogicalResult awq::matchActivations(Operation *op, Value input, Type result,
                                    PatternRewriter &rewriter) {
  auto inputType = cast<RankedTensorType>(input.getType());
  auto resultType = cast<RankedTensorType>(result);
  if (inputType.getRank() != 2)
    return rewriter.notifyMatchFailure(op, "needs rank-2 activations");
  if (!inputType.getElementType().isF32() ||
      !resultType.getElementType().isF32())
    return rewriter.notifyMatchFailure(op, "needs f32 activations");
  if (inputType.isDynamicDim(1) || resultType.isDynamicDim(1))
    return rewriter.notifyMatchFailure(op, "needs static channels");
  return success();
}

Value awq::readBuffer(ImplicitLocOpBuilder &b, Value tensor) {
  auto type = cast<RankedTensorType>(tensor.getType());
  auto buffer = MemRefType::get(type.getShape(), type.getElementType());
  auto op = bufferization::ToBufferOp::create(b, buffer, tensor,
                                              /*read_only=*/true);
  // Bufferization takes the place of this op for that of the reads. Were two
  // merged into the first, the tensor could be overwritten before the second
  // kernel has read it.
  op->setAttr("awq.kernel", DistinctAttr::create(b.getUnitAttr()));
  return op;
}

Value awq::allocateResult(ImplicitLocOpBuilder &b, Value input,
                          RankedTensorType type) {
  SmallVector<Value> dynamic;
  if (type.isDynamicDim(0))
    dynamic.push_back(tensor::DimOp::create(b, input, 0));
  return memref::AllocOp::create(
      b, MemRefType::get(type.getShape(), type.getElementType()), dynamic,
      b.getI64IntegerAttr(64));
}

Value awq::asTensor(ImplicitLocOpBuilder &b, Value buffer,
                    RankedTensorType type) {
  return bufferization::ToTensorOp::create(b, type, buffer, /*restrict=*/true,
                                           /*writable=*/true);
}

Value awq::loadVector(ImplicitLocOpBuilder &b, VectorType type, Value buffer,
                      ValueRange indices) {
  return vector::LoadOp::create(b, type, buffer, indices);
}

Value awq::addIndex(ImplicitLocOpBuilder &b, Value index, int64_t offset) {
  if (offset == 0)
    return index;
  return arith::AddIOp::create(b, index, constantIndex(b, b.getLoc(), offset));
}

void awq::populateAWQToCPUPatterns(RewritePatternSet &patterns) {
  populateFloatLinearToCPUPatterns(patterns);
  populateQuantizedLinearToCPUPatterns(patterns);
}

namespace {
struct ConvertAWQToCPUPass
    : awq::impl::ConvertAWQToCPUPassBase<ConvertAWQToCPUPass> {
  void runOnOperation() override {
    RewritePatternSet patterns(&getContext());
    awq::populateAWQToCPUPatterns(patterns);
    walkAndApplyPatterns(getOperation(), std::move(patterns));
  }
};
} // namespace
