//===- EmitSums.cpp - the emitter's reductions ----------- -*- C++ -*-===//
//
// Part of the awq-mlir project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Emitter.h"

#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"

#include <limits>

using namespace mlir;
using namespace awq;
using namespace awq::onnx;

OnnxType onnx::sumType(OnnxType type) {
  return type == OnnxType::F16 || type == OnnxType::BF16 ? OnnxType::F32 : type;
}

Value Emitter::combine(ImplicitLocOpBuilder &nested, Reduction kind,
                       OnnxType type, Value left, Value right) {
  bool floats = isFloat(type), isUnsignedType = isUnsigned(type);
  switch (kind) {
  case Reduction::Sum:
    if (floats)
      return arith::AddFOp::create(nested, left, right);
    return arith::AddIOp::create(nested, left, right);
  case Reduction::Product:
    if (floats)
      return arith::MulFOp::create(nested, left, right);
    return arith::MulIOp::create(nested, left, right);
  case Reduction::Max:
    if (floats)
      return arith::MaximumFOp::create(nested, left, right);
    if (isUnsignedType)
      return arith::MaxUIOp::create(nested, left, right);
    return arith::MaxSIOp::create(nested, left, right);
  case Reduction::Min:
    if (floats)
      return arith::MinimumFOp::create(nested, left, right);
    if (isUnsignedType)
      return arith::MinUIOp::create(nested, left, right);
    return arith::MinSIOp::create(nested, left, right);
  }
  llvm_unreachable("no such reduction");
}

Value Emitter::neutral(Reduction kind, OnnxType type) {
  Type element = elementType(type);
  bool largest = kind == Reduction::Min;
  if (kind == Reduction::Sum || kind == Reduction::Product) {
    double number = kind == Reduction::Product ? 1.0 : 0.0;
    if (isa<FloatType>(element))
      return arith::ConstantOp::create(b, b.getFloatAttr(element, number));
    return arith::ConstantOp::create(b, b.getIntegerAttr(element, number));
  }
  if (isa<FloatType>(element)) {
    double infinity = std::numeric_limits<double>::infinity();
    return arith::ConstantOp::create(
        b, b.getFloatAttr(element, largest ? infinity : -infinity));
  }
  unsigned bits = element.getIntOrFloatBitWidth();
  APInt bound = isUnsigned(type) ? (largest ? APInt::getMaxValue(bits)
                                            : APInt::getMinValue(bits))
                                 : (largest ? APInt::getSignedMaxValue(bits)
                                            : APInt::getSignedMinValue(bits));
  return arith::ConstantOp::create(b, IntegerAttr::get(element, bound));
}

Tensor Emitter::reduce(Reduction kind, const Tensor &input,
                       ArrayRef<int64_t> axes) {
  if (axes.empty())
    return input;
  OnnxType sums = sumType(input.type);
  Shape kept, withOnes = input.shape;
  for (auto [i, size] : llvm::enumerate(input.shape))
    if (!llvm::is_contained(axes, int64_t(i)))
      kept.push_back(size);
  for (int64_t axis : axes)
    withOnes[axis] = 1;
  SmallVector<int64_t> sorted(axes);
  llvm::sort(sorted);
  Value source = value(cast(input, sums));
  Value init = linalg::FillOp::create(b, neutral(kind, sums), empty(sums, kept))
                   .getResult(0);
  auto reduced = linalg::ReduceOp::create(
      b, ValueRange(source), ValueRange(init), sorted,
      [&](OpBuilder &inner, Location loc, ValueRange in) {
        ImplicitLocOpBuilder nested(loc, inner);
        linalg::YieldOp::create(nested,
                                combine(nested, kind, sums, in[0], in[1]));
      });
  Tensor result = wrap(reduced->getResult(0), sums, std::move(kept));
  return reshape(cast(result, input.type), std::move(withOnes));
}

Tensor Emitter::mean(const Tensor &input, ArrayRef<int64_t> axes) {
  DimExpr count = 1;
  for (int64_t axis : axes)
    count = count * input.shape[axis];
  OnnxType sums = sumType(input.type);
  Tensor total = reduce(Reduction::Sum, cast(input, sums), axes);
  Tensor number = count.constant()
                      ? scalar(sums, *count.constant())
                      : cast(fromElements(OnnxType::I64, {}, {count}), sums);
  return cast(divide(total, number), input.type);
}

Tensor Emitter::softmax(const Tensor &input, int64_t axis) {
  OnnxType type = sumType(input.type);
  Tensor wide = cast(input, type);
  Tensor shifted = subtract(wide, reduce(Reduction::Max, wide, {axis}));
  Tensor powers =
      map({shifted}, type, [](ImplicitLocOpBuilder &nested, ValueRange in) {
        return math::ExpOp::create(nested, in[0]);
      });
  Tensor total = reduce(Reduction::Sum, powers, {axis});
  return cast(divide(powers, total), input.type);
}

//===----------------------------------------------------------------------===//
// Sums of products
//===----------------------------------------------------------------------===//

Tensor Emitter::contract(ArrayRef<Tensor> inputs, ArrayRef<std::string> letters,
                         StringRef result, OnnxType sums) {
  // Loops: the result's letters, then those that are summed over.
  std::string loops = result.str();
  for (const std::string &word : letters)
    for (char letter : word)
      if (!StringRef(loops).contains(letter))
        loops += letter;
  std::vector<DimExpr> sizes(loops.size(), DimExpr(1));
  for (auto [input, word] : llvm::zip(inputs, letters))
    for (auto [size, letter] : llvm::zip(input.shape, word)) {
      DimExpr &known = sizes[loops.find(letter)];
      if (!known.is(1) && !size.is(1)) {
        misfit |= dims.isEqual(known, size) == false;
        dims.require(known, size, /*broadcasts=*/false);
      }
      if (known.is(1) || (size.constant() && !size.is(1)))
        known = size;
    }
  if (misfit)
    return inputs.front();
  SmallVector<AffineMap> maps;
  SmallVector<Value> values;
  for (auto [input, word] : llvm::zip(inputs, letters)) {
    SmallVector<AffineExpr> places;
    for (auto [size, letter] : llvm::zip(input.shape, word)) {
      size_t loop = loops.find(letter);
      places.push_back(size.is(1) && !sizes[loop].is(1)
                           ? b.getAffineConstantExpr(0)
                           : b.getAffineDimExpr(loop));
    }
    maps.push_back(AffineMap::get(loops.size(), 0, places, b.getContext()));
    values.push_back(value(input));
  }
  SmallVector<AffineExpr> places;
  SmallVector<utils::IteratorType> iterators;
  Shape shape;
  for (size_t i = 0; i < loops.size(); ++i) {
    iterators.push_back(i < result.size() ? utils::IteratorType::parallel
                                          : utils::IteratorType::reduction);
    if (i >= result.size())
      continue;
    places.push_back(b.getAffineDimExpr(i));
    shape.push_back(sizes[i]);
  }
  maps.push_back(AffineMap::get(loops.size(), 0, places, b.getContext()));
  OnnxType wide = sumType(sums);
  Value init = linalg::FillOp::create(b, neutral(Reduction::Sum, wide),
                                      empty(wide, shape))
                   .getResult(0);
  Type element = elementType(wide);
  auto generic = linalg::GenericOp::create(
      b, TypeRange(init.getType()), values, ValueRange(init), maps, iterators,
      [&](OpBuilder &inner, Location loc, ValueRange in) {
        ImplicitLocOpBuilder nested(loc, inner);
        Value product;
        for (auto [input, argument] : llvm::zip(inputs, in.drop_back())) {
          Value factor =
              castElement(nested, argument, input.type, element, wide);
          if (!product)
            product = factor;
          else if (isa<FloatType>(element))
            product = arith::MulFOp::create(nested, product, factor);
          else
            product = arith::MulIOp::create(nested, product, factor);
        }
        linalg::YieldOp::create(
            nested, combine(nested, Reduction::Sum, wide, in.back(), product));
      });
  // What the module is called survives printing without locations.
  if (auto name = dyn_cast<NameLoc>(b.getLoc()))
    generic->setAttr("awq.name", name.getName());
  return cast(wrap(generic.getResult(0), wide, std::move(shape)), sums);
}

Tensor Emitter::matmul(const Tensor &a, const Tensor &other) {
  // Batch dimensions are named from the right, so that they meet.
  auto letters = [](int64_t rank, const char *last) {
    std::string word;
    for (int64_t i = rank - 3; i >= 0; --i)
      word += static_cast<char>('A' + i);
    return word + last;
  };
  std::string left = letters(a.rank(), "mk"),
              right = letters(other.rank(), "kn"),
              result = letters(std::max(a.rank(), other.rank()), "mn");
  return contract({a, other}, {left, right}, result, a.type);
}
