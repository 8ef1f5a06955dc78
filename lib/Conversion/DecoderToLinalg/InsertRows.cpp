//===- InsertRows.cpp - new rows of a cache ---------------------*- C++ -*-===//
//
// Part of the awq-mlir project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "InsertRows.h"

#include "awq/Conversion/Common/TensorBuilders.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"

using namespace mlir;

Value awq::insertRows(ImplicitLocOpBuilder &b, Value source, Value cache,
                      Value position) {
  Type element = cast<RankedTensorType>(cache.getType()).getElementType();
  if (cast<RankedTensorType>(source.getType()).getElementType() != element) {
    AffineMap map = b.getMultiDimIdentityMap(3);
    source = awq::buildGeneric(
        b, b.getLoc(), source, awq::emptyLike(b, b.getLoc(), source, element),
        {map, map}, 0, [&](OpBuilder &nested, Location loc, ValueRange in) {
          return awq::castFloat(nested, loc, in[0], element);
        });
  }
  SmallVector<OpFoldResult> offsets(3, b.getIndexAttr(0));
  offsets[0] = position;
  SmallVector<OpFoldResult> strides(3, b.getIndexAttr(1));
  return tensor::InsertSliceOp::create(
      b, source, cache, offsets, tensor::getMixedSizes(b, b.getLoc(), source),
      strides);
}
