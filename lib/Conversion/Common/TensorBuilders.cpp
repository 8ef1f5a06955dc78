//===- TensorBuilders.cpp - shared by conversions ---------------*- C++ -*-===//
//
// Part of the awq-mlir project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "awq/Conversion/Common/TensorBuilders.h"

#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"

using namespace mlir;

Value awq::castFloat(OpBuilder &builder, Location loc, Value value, Type type) {
  unsigned from = getElementTypeOrSelf(value.getType()).getIntOrFloatBitWidth();
  Type element = getElementTypeOrSelf(type);
  if (getElementTypeOrSelf(value.getType()) == element)
    return value;
  Type result = element;
  if (auto vector = dyn_cast<VectorType>(value.getType()))
    result = vector.clone(element);
  if (from < element.getIntOrFloatBitWidth())
    return arith::ExtFOp::create(builder, loc, result, value);
  if (from > element.getIntOrFloatBitWidth())
    return arith::TruncFOp::create(builder, loc, result, value);
  // f16 <-> bf16: exact to f32, then rounded.
  Value wide = castFloat(builder, loc, value, builder.getF32Type());
  return castFloat(builder, loc, wide, element);
}

Value awq::constantF32(OpBuilder &builder, Location loc, double value,
                       Type type) {
  TypedAttr attr = builder.getF32FloatAttr(static_cast<float>(value));
  if (auto vector = dyn_cast_or_null<VectorType>(type))
    attr = DenseElementsAttr::get(vector, attr);
  return arith::ConstantOp::create(builder, loc, attr);
}

Value awq::constantIndex(OpBuilder &builder, Location loc, int64_t value) {
  return arith::ConstantIndexOp::create(builder, loc, value);
}

Value awq::emptyLike(OpBuilder &builder, Location loc, Value like,
                     Type elementType) {
  return tensor::EmptyOp::create(
      builder, loc, tensor::getMixedSizes(builder, loc, like), elementType);
}

Value awq::zeros(OpBuilder &builder, Location loc, ArrayRef<OpFoldResult> sizes,
                 Type elementType) {
  Value empty = tensor::EmptyOp::create(builder, loc, sizes, elementType);
  Value zero =
      arith::ConstantOp::create(builder, loc, builder.getZeroAttr(elementType));
  return linalg::FillOp::create(builder, loc, zero, empty).getResult(0);
}

arith::FastMathFlagsAttr awq::reassociate(OpBuilder &builder) {
  return arith::FastMathFlagsAttr::get(builder.getContext(),
                                       arith::FastMathFlags::reassoc |
                                           arith::FastMathFlags::contract);
}

SmallVector<awq::LaneChunk> awq::splitIntoLanes(int64_t size, Type element) {
  SmallVector<LaneChunk> chunks;
  for (int64_t offset = 0; offset < size; offset += vectorLanes)
    chunks.push_back(
        {offset,
         VectorType::get({std::min(vectorLanes, size - offset)}, element)});
  return chunks;
}

Value awq::multiplyAdd(OpBuilder &builder, Location loc, Value a, Value b,
                       Value c) {
  auto contract = arith::FastMathFlagsAttr::get(builder.getContext(),
                                                arith::FastMathFlags::contract);
  Value product = arith::MulFOp::create(builder, loc, a, b, contract);
  return arith::AddFOp::create(builder, loc, product, c, contract);
}

Value awq::sumLanes(OpBuilder &builder, Location loc, Value vector) {
  return vector::ReductionOp::create(builder, loc, vector::CombiningKind::ADD,
                                     vector, reassociate(builder).getValue());
}

Value awq::buildGeneric(OpBuilder &builder, Location loc, ValueRange inputs,
                        Value output, ArrayRef<AffineMap> maps,
                        unsigned reductions, ScalarBody body) {
  unsigned loops = maps.back().getNumDims();
  SmallVector<utils::IteratorType> iterators(loops,
                                             utils::IteratorType::parallel);
  for (unsigned i = loops - reductions; i < loops; ++i)
    iterators[i] = utils::IteratorType::reduction;
  auto generic = linalg::GenericOp::create(
      builder, loc, TypeRange(output.getType()), inputs, ValueRange(output),
      maps, iterators,
      [&](OpBuilder &nested, Location nestedLoc, ValueRange arguments) {
        linalg::YieldOp::create(nested, nestedLoc,
                                body(nested, nestedLoc, arguments));
      });
  return generic.getResult(0);
}
