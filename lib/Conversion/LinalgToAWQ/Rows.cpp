//===- Rows.cpp - tensors as rows of channels ------------------*- C++ -*-===//
//
// Part of the awq-mlir project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Rows.h"

#include "awq/Dialect/Decoder/Transforms/Scalars.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"

using namespace mlir;

bool awq::hasRows(Value tensor) {
  auto type = dyn_cast<RankedTensorType>(tensor.getType());
  return type && type.getRank() >= 2 &&
         (type.getElementType().isF32() || type.getElementType().isF16() ||
          type.getElementType().isBF16()) &&
         !type.isDynamicDim(type.getRank() - 1);
}

LogicalResult
awq::RowsPattern::matchAndRewrite(linalg::GenericOp op,
                                  PatternRewriter &rewriter) const {
  if (!op.hasPureTensorSemantics() || !decoder::isElementwise(op) ||
      !hasRows(op.getResult(0)))
    return rewriter.notifyMatchFailure(op, "gives no rows of channels");
  return raise(op, rewriter);
}

/// All dimensions but the last are one.
static SmallVector<ReassociationIndices> rowGroups(int64_t rank) {
  return {llvm::to_vector<2>(llvm::seq<int64_t>(0, rank - 1)), {rank - 1}};
}

Value awq::toRows(OpBuilder &b, Location loc, Value tensor) {
  int64_t rank = cast<RankedTensorType>(tensor.getType()).getRank();
  if (rank == 2)
    return tensor;
  SmallVector<ReassociationIndices> groups = rowGroups(rank);
  if (auto expand = tensor.getDefiningOp<tensor::ExpandShapeOp>();
      expand && expand.getReassociationIndices() == groups)
    return expand.getSrc();
  return tensor::CollapseShapeOp::create(b, loc, tensor, groups);
}

Value awq::fromRows(OpBuilder &b, Location loc, Value rows,
                    linalg::LinalgOp op) {
  auto type = cast<RankedTensorType>(op->getResult(0).getType());
  if (type.getRank() > 2) {
    // The sizes are those of what the op was to write.
    Value destination = op.getDpsInitOperand(0)->get();
    SmallVector<OpFoldResult> sizes;
    for (int64_t i = 0; i < type.getRank(); ++i)
      sizes.push_back(
          type.isDynamicDim(i)
              ? OpFoldResult(b.createOrFold<tensor::DimOp>(loc, destination, i))
              : OpFoldResult(b.getIndexAttr(type.getDimSize(i))));
    rows = tensor::ExpandShapeOp::create(b, loc, type, rows,
                                         rowGroups(type.getRank()), sizes);
  }
  if (rows.getType() != type)
    rows = tensor::CastOp::create(b, loc, type, rows);
  return rows;
}

Value awq::castElements(OpBuilder &b, Location loc, Value tensor,
                        Type element) {
  auto type = cast<RankedTensorType>(tensor.getType());
  unsigned before = type.getElementTypeBitWidth(),
           after = element.getIntOrFloatBitWidth();
  if (type.getElementType() == element)
    return tensor;
  Type result = type.clone(element);
  if (before < after)
    return arith::ExtFOp::create(b, loc, result, tensor);
  if (before > after)
    return arith::TruncFOp::create(b, loc, result, tensor);
  // Between f16 and bf16, by way of f32.
  Value wide = castElements(b, loc, tensor, b.getF32Type());
  return arith::TruncFOp::create(b, loc, result, wide);
}

bool awq::haveSameShape(Value a, Value b) {
  auto left = dyn_cast<RankedTensorType>(a.getType()),
       right = dyn_cast<RankedTensorType>(b.getType());
  return left && right && left.getShape() == right.getShape();
}

Value awq::toVector(OpBuilder &b, Location loc, Value parameter) {
  int64_t rank = cast<RankedTensorType>(parameter.getType()).getRank();
  if (rank == 1)
    return parameter;
  ReassociationIndices all = llvm::to_vector<2>(llvm::seq<int64_t>(0, rank));
  return tensor::CollapseShapeOp::create(b, loc, parameter,
                                         ArrayRef<ReassociationIndices>{all});
}
