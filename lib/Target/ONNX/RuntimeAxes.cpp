//===- RuntimeAxes.cpp - axes that are inputs of the model - -*- C++ -*-===//
//
// Part of the awq-mlir project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "RuntimeAxes.h"

using namespace mlir;
using namespace awq;
using namespace awq::onnx;

static Value equals(ImplicitLocOpBuilder &b, Value x, Value y) {
  return arith::CmpIOp::create(b, arith::CmpIPredicate::eq, x, y);
}

RuntimeAxes::RuntimeAxes(OpContext &op, ArrayRef<DimExpr> axes, int64_t rank)
    : op(op) {
  ImplicitLocOpBuilder &b = op.e.b;
  Value zero = arith::ConstantIndexOp::create(b, 0);
  Value bound = arith::ConstantIndexOp::create(b, rank);
  for (const DimExpr &axis : axes) {
    Value place = op.e.dims.materialize(axis);
    Value isNegative =
        arith::CmpIOp::create(b, arith::CmpIPredicate::slt, place, zero);
    Value fromEnd = arith::AddIOp::create(b, place, bound);
    places.push_back(arith::SelectOp::create(b, isNegative, fromEnd, place));
  }
  for (int64_t i = 0; i < rank; ++i) {
    Value dimension = arith::ConstantIndexOp::create(b, i);
    Value flag = arith::ConstantOp::create(b, b.getBoolAttr(false));
    for (Value place : places)
      flag = arith::OrIOp::create(b, flag, equals(b, place, dimension));
    flags.push_back(flag);
  }
}

DimExpr RuntimeAxes::opaque(Value index) const {
  return op.e.dims.opaque(index, /*isSize=*/true);
}

Value RuntimeAxes::pick(int64_t dimension, Value yes, Value no) const {
  return arith::SelectOp::create(op.e.b, flags[dimension], yes, no);
}

DimExpr RuntimeAxes::pick(int64_t dimension, const DimExpr &yes,
                          const DimExpr &no) const {
  if (yes == no)
    return yes;
  return opaque(
      pick(dimension, op.e.dims.materialize(yes), op.e.dims.materialize(no)));
}

Value RuntimeAxes::lookUp(int64_t dimension, ArrayRef<Value> values,
                          Value missing) const {
  ImplicitLocOpBuilder &b = op.e.b;
  Value own = arith::ConstantIndexOp::create(b, dimension);
  for (auto [place, value] : llvm::zip(places, values))
    missing = arith::SelectOp::create(b, equals(b, place, own), value, missing);
  return missing;
}

Value RuntimeAxes::areDistinct() const {
  ImplicitLocOpBuilder &b = op.e.b;
  Value seen = arith::ConstantIndexOp::create(b, 0);
  for (Value flag : flags)
    seen = arith::AddIOp::create(
        b, seen, arith::IndexCastUIOp::create(b, b.getIndexType(), flag));
  return equals(b, seen, arith::ConstantIndexOp::create(b, count()));
}

Shape RuntimeAxes::without(ArrayRef<DimExpr> sizes) const {
  ImplicitLocOpBuilder &b = op.e.b;
  Value one = arith::ConstantIndexOp::create(b, 1);
  // Size i of the result is that of the dimension with i others before it.
  SmallVector<Value> results(std::max<int64_t>(sizes.size() - count(), 0),
                             arith::ConstantIndexOp::create(b, 0));
  Value before = arith::ConstantIndexOp::create(b, 0);
  Value areValid = areDistinct();
  for (auto [d, size] : llvm::enumerate(sizes)) {
    Value isOne = equals(b, pick(d, op.e.dims.materialize(size), one), one);
    areValid = arith::AndIOp::create(b, areValid, isOne);
  }
  for (auto [d, size] : llvm::enumerate(sizes)) {
    Value own = op.e.dims.materialize(size);
    for (auto [i, result] : llvm::enumerate(results)) {
      Value isHere = equals(b, before, arith::ConstantIndexOp::create(b, i));
      Value isKept = arith::AndIOp::create(
          b, isHere,
          arith::XOrIOp::create(
              b, flags[d], arith::ConstantOp::create(b, b.getBoolAttr(true))));
      isKept = arith::AndIOp::create(b, isKept, areValid);
      result = arith::SelectOp::create(b, isKept, own, result);
    }
    before = pick(d, before, arith::AddIOp::create(b, before, one));
  }
  return llvm::map_to_vector<4>(results,
                                [&](Value size) { return opaque(size); });
}

Shape RuntimeAxes::with(ArrayRef<DimExpr> sizes) const {
  ImplicitLocOpBuilder &b = op.e.b;
  Value zero = arith::ConstantIndexOp::create(b, 0);
  Value one = arith::ConstantIndexOp::create(b, 1);
  Value before = zero, areValid = areDistinct();
  Shape result;
  for (size_t d = 0; d < flags.size(); ++d) {
    Value own = zero;
    for (auto [i, size] : llvm::enumerate(sizes)) {
      Value isHere = equals(b, before, arith::ConstantIndexOp::create(b, i));
      own =
          arith::SelectOp::create(b, isHere, op.e.dims.materialize(size), own);
    }
    Value size = pick(d, one, own);
    result.push_back(opaque(arith::SelectOp::create(b, areValid, size, zero)));
    before = pick(d, before, arith::AddIOp::create(b, before, one));
  }
  return result;
}
