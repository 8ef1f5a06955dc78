//===- LinearParts.cpp - shared by the lowerings of linears -----*- C++ -*-===//
//
// Part of the awq-mlir project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "LinearParts.h"

#include "awq/Conversion/Common/TensorBuilders.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"

using namespace mlir;

awq::LinearMaps::LinearMaps(OpBuilder &b, unsigned rank) {
  SmallVector<AffineExpr> lead;
  for (unsigned i = 0; i + 1 < rank; ++i)
    lead.push_back(b.getAffineDimExpr(i));
  AffineExpr n = b.getAffineDimExpr(rank - 1), k = b.getAffineDimExpr(rank);
  auto map = [&](ArrayRef<AffineExpr> results) {
    return AffineMap::get(rank + 1, 0, results, b.getContext());
  };
  weight = map({n, k});
  lead.push_back(k);
  input = map(lead);
  lead.back() = n;
  result = map(lead);
}

Value awq::zeroSums(OpBuilder &b, Location loc, Value input,
                    RankedTensorType result) {
  SmallVector<OpFoldResult> sizes = tensor::getMixedSizes(b, loc, input);
  sizes.back() = b.getIndexAttr(result.getShape().back());
  return awq::zeros(b, loc, sizes, b.getF32Type());
}

Value awq::finishLinear(OpBuilder &b, Location loc, Value sums, Value bias,
                        RankedTensorType type) {
  if (!bias && type.getElementType().isF32())
    return sums;
  AffineMap full = b.getMultiDimIdentityMap(type.getRank());
  SmallVector<Value> inputs{sums};
  SmallVector<AffineMap> maps{full};
  if (bias) {
    inputs.push_back(bias);
    maps.push_back(full.getMinorSubMap(1));
  }
  maps.push_back(full);
  return awq::buildGeneric(
      b, loc, inputs, awq::emptyLike(b, loc, sums, type.getElementType()), maps,
      0, [&](OpBuilder &nested, Location l, ValueRange in) {
        Value y = in[0];
        if (bias)
          y = arith::AddFOp::create(
              nested, l, y,
              awq::castFloat(nested, l, in[1], nested.getF32Type()));
        return awq::castFloat(nested, l, y, type.getElementType());
      });
}
