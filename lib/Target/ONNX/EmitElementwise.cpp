//===- EmitElementwise.cpp - the emitter's elementwise ops ---- -*- C++ -*-===//
//
// Part of the awq-mlir project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Emitter.h"

#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"

#include <cmath>

using namespace mlir;
using namespace awq;
using namespace awq::onnx;

Value onnx::widen(ImplicitLocOpBuilder &b, Value value) {
  auto type = dyn_cast<FloatType>(value.getType());
  if (!type || type.getWidth() >= 32)
    return value;
  return arith::ExtFOp::create(b, b.getF32Type(), value);
}

/// The other way, after `widen`.
static Value narrow(ImplicitLocOpBuilder &b, Value value, Type type) {
  if (value.getType() == type)
    return value;
  return arith::TruncFOp::create(b, type, value);
}

std::optional<Shape> Emitter::broadcast(ArrayRef<Shape> shapes) {
  Shape result;
  for (const Shape &shape : shapes)
    if (shape.size() > result.size())
      result.insert(result.begin(), shape.size() - result.size(), 1);
  for (const Shape &shape : shapes)
    for (auto [i, size] : llvm::enumerate(shape)) {
      DimExpr &merged = result[result.size() - shape.size() + i];
      if (merged == size || size.is(1))
        continue;
      if (merged.is(1)) {
        merged = size;
        continue;
      }
      if (merged.constant() && size.constant())
        return std::nullopt;
      dims.require(merged, size, /*broadcasts=*/true);
      if (size.constant())
        merged = size;
      else if (!merged.constant())
        // Equal, or one of them is 1 at run time.
        merged = dims.max(merged, size);
    }
  return result;
}

Tensor Emitter::map(ArrayRef<Tensor> inputs, OnnxType result, Body body) {
  SmallVector<Shape> shapes;
  for (const Tensor &input : inputs)
    shapes.push_back(input.shape);
  std::optional<Shape> shape = broadcast(shapes);
  if (!shape) {
    misfit = true;
    return inputs.front();
  }
  return mapTo(inputs, result, *shape, body);
}

Value Emitter::readElement(ImplicitLocOpBuilder &nested, Value tensor,
                           ValueRange indices) {
  return tensor::ExtractOp::create(nested, tensor, indices);
}

/// The number that a scalar of constants is, if its ops can be folded.
static TypedAttr foldScalar(Value value) {
  Operation *op = value.getDefiningOp();
  if (!op)
    return {};
  if (auto constant = dyn_cast<arith::ConstantOp>(op))
    return constant.getValue();
  SmallVector<Attribute> operands;
  for (Value operand : op->getOperands()) {
    operands.push_back(foldScalar(operand));
    if (!operands.back())
      return {};
  }
  SmallVector<OpFoldResult> results;
  if (op->getNumResults() != 1 || failed(op->fold(operands, results)) ||
      results.size() != 1)
    return {};
  if (auto folded = dyn_cast<Attribute>(results.front()))
    return dyn_cast<TypedAttr>(folded);
  return foldScalar(llvm::cast<Value>(results.front()));
}

Tensor Emitter::mapConstants(ArrayRef<Tensor> inputs, OnnxType result,
                             Shape shape, Body body) {
  Type element = elementType(result);
  SmallVector<Value> elements;
  for (const Tensor &input : inputs)
    elements.push_back(
        widen(b, arith::ConstantOp::create(
                     b, llvm::cast<TypedAttr>(
                            input.constant.getSplatValue<Attribute>()))));
  Value computed = narrow(b, body(b, elements), element);
  std::optional<int64_t> count = countElements(shape);
  if (TypedAttr number = foldScalar(computed); number && count)
    return fromConstant(
        result, DenseElementsAttr::get(tensorType(result, shape), number));
  Value filled =
      linalg::FillOp::create(b, computed, empty(result, shape)).getResult(0);
  return wrap(filled, result, std::move(shape));
}

namespace {
/// How one input of an elementwise op is read.
struct ElementSource {
  Value tensor;
  TypedAttr constant;   ///< of a scalar that is one
  bool byIndex = false; ///< some size may be 1 at run time only
  int operand = -1;
};
} // namespace

Tensor Emitter::mapTo(ArrayRef<Tensor> inputs, OnnxType result, Shape shape,
                      Body body) {
  if (llvm::all_of(inputs, [](const Tensor &input) {
        return input.constant && input.constant.isSplat();
      }))
    return mapConstants(inputs, result, std::move(shape), body);
  unsigned rank = shape.size();
  SmallVector<ElementSource> sources;
  SmallVector<Value> operands;
  SmallVector<AffineMap> maps;
  for (const Tensor &input : inputs) {
    ElementSource &source = sources.emplace_back();
    if (input.constant && input.constant.isSplat()) {
      source.constant =
          llvm::cast<TypedAttr>(input.constant.getSplatValue<Attribute>());
      continue;
    }
    source.tensor = value(input);
    SmallVector<AffineExpr> places;
    unsigned lead = rank - input.shape.size();
    for (auto [i, size] : llvm::enumerate(input.shape)) {
      bool same = size == shape[lead + i];
      source.byIndex |= !same && !size.is(1);
      places.push_back(same ? b.getAffineDimExpr(lead + i)
                            : b.getAffineConstantExpr(0));
    }
    if (source.byIndex)
      continue;
    source.operand = operands.size();
    operands.push_back(source.tensor);
    maps.push_back(AffineMap::get(rank, 0, places, b.getContext()));
  }
  Value output = empty(result, shape);
  maps.push_back(b.getMultiDimIdentityMap(rank));
  auto readByIndex = [&](ImplicitLocOpBuilder &nested, Value source) -> Value {
    auto type = llvm::cast<RankedTensorType>(source.getType());
    Value one = arith::ConstantIndexOp::create(nested, 1);
    SmallVector<Value> places;
    for (int64_t i = 0; i < type.getRank(); ++i) {
      // The only element of a size of 1, and never one outside.
      Value place = linalg::IndexOp::create(nested, rank - type.getRank() + i);
      Value size = tensor::DimOp::create(nested, source, i);
      Value last = arith::SubIOp::create(nested, size, one);
      places.push_back(arith::MinSIOp::create(nested, place, last));
    }
    return tensor::ExtractOp::create(nested, source, places);
  };
  SmallVector<utils::IteratorType> iterators(rank,
                                             utils::IteratorType::parallel);
  Type element = elementType(result);
  auto generic = linalg::GenericOp::create(
      b, TypeRange(output.getType()), operands, ValueRange(output), maps,
      iterators, [&](OpBuilder &inner, Location loc, ValueRange arguments) {
        ImplicitLocOpBuilder nested(loc, inner);
        SmallVector<Value> elements;
        for (const ElementSource &source : sources) {
          Value element =
              source.constant
                  ? arith::ConstantOp::create(nested, source.constant)
              : source.byIndex ? readByIndex(nested, source.tensor)
                               : Value(arguments[source.operand]);
          elements.push_back(widen(nested, element));
        }
        Value computed = body(nested, elements);
        linalg::YieldOp::create(nested, narrow(nested, computed, element));
      });
  return wrap(generic.getResult(0), result, std::move(shape));
}

Tensor Emitter::generate(OnnxType result, Shape shape, IndexBody body) {
  Value output = empty(result, shape);
  SmallVector<utils::IteratorType> iterators(shape.size(),
                                             utils::IteratorType::parallel);
  auto generic = linalg::GenericOp::create(
      b, TypeRange(output.getType()), ValueRange(), ValueRange(output),
      b.getMultiDimIdentityMap(shape.size()), iterators,
      [&](OpBuilder &inner, Location loc, ValueRange) {
        ImplicitLocOpBuilder nested(loc, inner);
        SmallVector<Value> places;
        for (size_t i = 0; i < shape.size(); ++i)
          places.push_back(linalg::IndexOp::create(nested, i));
        linalg::YieldOp::create(nested, body(nested, places));
      });
  return wrap(generic.getResult(0), result, std::move(shape));
}

//===----------------------------------------------------------------------===//
// Casts and arithmetic
//===----------------------------------------------------------------------===//

/// An element of 8 bits or more as one of a type of 2 or 4 bits, which has a
/// byte of its own.
static Value wrapCode(ImplicitLocOpBuilder &b, Value value, OnnxType type) {
  int64_t bits = io::bitWidth(type);
  if (bits >= 8 || type == OnnxType::Bool)
    return value;
  Value above = constantElement(b, value.getType(), 8 - bits);
  value = arith::ShLIOp::create(b, value, above);
  if (isUnsigned(type))
    return arith::ShRUIOp::create(b, value, above);
  return arith::ShRSIOp::create(b, value, above);
}

static Value castFloat(ImplicitLocOpBuilder &b, Value value, FloatType to) {
  Type type = value.getType();
  unsigned have = type.getIntOrFloatBitWidth(), want = to.getWidth();
  if (type == to)
    return value;
  if (want > have)
    return arith::ExtFOp::create(b, to, value);
  if (want < have)
    return arith::TruncFOp::create(b, to, value);
  return arith::TruncFOp::create(
      b, to, arith::ExtFOp::create(b, b.getF32Type(), value));
}

static Value floatToInteger(ImplicitLocOpBuilder &b, Value value, Type to,
                            OnnxType target) {
  if (target == OnnxType::Bool) {
    Value zero = constantElement(b, value.getType(), 0.0);
    return arith::CmpFOp::create(b, arith::CmpFPredicate::UNE, value, zero);
  }
  // By way of 64 bits: what does not fit is cut off, as numpy does.
  Type wideType = b.getI64Type();
  Value wide = target == OnnxType::U64
                   ? arith::FPToUIOp::create(b, wideType, value).getResult()
                   : arith::FPToSIOp::create(b, wideType, value).getResult();
  if (to.isInteger(64))
    return wide;
  return wrapCode(b, arith::TruncIOp::create(b, to, wide), target);
}

static Value castInteger(ImplicitLocOpBuilder &b, Value value, OnnxType from,
                         Type to, OnnxType target) {
  Type type = value.getType();
  if (target == OnnxType::Bool) {
    if (from == OnnxType::Bool)
      return value;
    return arith::CmpIOp::create(b, arith::CmpIPredicate::ne, value,
                                 constantElement(b, type, 0));
  }
  unsigned have = type.getIntOrFloatBitWidth(),
           want = to.getIntOrFloatBitWidth();
  if (have > want)
    value = arith::TruncIOp::create(b, to, value);
  else if (have < want)
    value = isUnsigned(from) ? arith::ExtUIOp::create(b, to, value).getResult()
                             : arith::ExtSIOp::create(b, to, value).getResult();
  return from == target ? value : wrapCode(b, value, target);
}

Value onnx::castElement(ImplicitLocOpBuilder &b, Value value, OnnxType from,
                        Type to, OnnxType target) {
  auto wanted = dyn_cast<FloatType>(to);
  if (isa<FloatType>(value.getType()))
    return wanted ? castFloat(b, value, wanted)
                  : floatToInteger(b, value, to, target);
  if (!wanted)
    return castInteger(b, value, from, to, target);
  if (isUnsigned(from))
    return arith::UIToFPOp::create(b, to, value);
  return arith::SIToFPOp::create(b, to, value);
}

/// A number as it is in an integer type.
static int64_t wrapNumber(int64_t number, OnnxType type) {
  int64_t bits = io::bitWidth(type);
  if (bits >= 64)
    return number;
  uint64_t low = static_cast<uint64_t>(number) << (64 - bits);
  return isUnsigned(type) ? static_cast<int64_t>(low >> (64 - bits))
                          : static_cast<int64_t>(low) >> (64 - bits);
}

/// Known elements in another integer type; nothing if some may not fit. Sizes
/// fit into 32 bits.
static std::optional<std::vector<DimExpr>>
castElements(ArrayRef<DimExpr> elements, OnnxType type) {
  std::vector<DimExpr> results;
  for (const DimExpr &element : elements) {
    if (auto number = element.constant())
      results.push_back(wrapNumber(*number, type));
    else if (io::bitWidth(type) >= 32)
      results.push_back(element);
    else
      return std::nullopt;
  }
  return results;
}

/// The tensor as a constant, if its elements are equal numbers.
Tensor Emitter::constantElements(const Tensor &input) {
  Tensor result = input;
  if (result.constant || input.elements->empty())
    return result;
  for (const DimExpr &element : *input.elements)
    if (!element.constant() || element != input.elements->front())
      return result;
  RankedTensorType type = tensorType(input.type, input.shape);
  result.constant = DenseElementsAttr::get(
      type, b.getIntegerAttr(type.getElementType(),
                             *input.elements->front().constant()));
  result.elements.reset();
  return result;
}

Tensor Emitter::cast(const Tensor &input, OnnxType type) {
  if (input.type == type)
    return input;
  // Integers that are sizes stay known, whatever they are stored as.
  if (input.elements && isInteger(type) && type != OnnxType::Bool &&
      input.type != OnnxType::Bool)
    if (auto elements = castElements(*input.elements, type))
      return fromElements(type, input.shape, std::move(*elements));
  if (input.elements && isFloat(type))
    if (Tensor numbers = constantElements(input); numbers.constant)
      return cast(numbers, type);
  std::optional<int64_t> count = countElements(input.shape);
  if (std::optional<double> number = splat(input);
      number && std::abs(*number) < 0x1p62 && isFloat(input.type) &&
      isInteger(type) && type != OnnxType::Bool && count && *count <= 256)
    return fromElements(
        type, input.shape,
        std::vector<DimExpr>(*count, wrapNumber(int64_t(*number), type)));
  Type to = elementType(type);
  bool isNarrow = isa<FloatType>(to) && to.getIntOrFloatBitWidth() < 32;
  Type computed = isNarrow ? b.getF32Type() : to;
  OnnxType from = input.type;
  return map({input}, type, [&](ImplicitLocOpBuilder &nested, ValueRange in) {
    return castElement(nested, in[0], from, computed, type);
  });
}

template <typename FloatOp, typename IntOp>
static Tensor binary(Emitter &emitter, const Tensor &a, const Tensor &b) {
  return emitter.map({a, b}, a.type,
                     [](ImplicitLocOpBuilder &nested, ValueRange in) -> Value {
                       if (isa<FloatType>(in[0].getType()))
                         return FloatOp::create(nested, in[0], in[1]);
                       return IntOp::create(nested, in[0], in[1]);
                     });
}

Tensor Emitter::add(const Tensor &a, const Tensor &other) {
  return binary<arith::AddFOp, arith::AddIOp>(*this, a, other);
}
Tensor Emitter::subtract(const Tensor &a, const Tensor &other) {
  return binary<arith::SubFOp, arith::SubIOp>(*this, a, other);
}
Tensor Emitter::multiply(const Tensor &a, const Tensor &other) {
  return binary<arith::MulFOp, arith::MulIOp>(*this, a, other);
}
Tensor Emitter::divide(const Tensor &a, const Tensor &other) {
  return binary<arith::DivFOp, arith::DivSIOp>(*this, a, other);
}
Tensor Emitter::multiply(const Tensor &a, double factor) {
  return multiply(a, scalar(a.type, factor));
}

Tensor Emitter::select(const Tensor &condition, const Tensor &yes,
                       const Tensor &no) {
  return map({condition, yes, no}, yes.type,
             [](ImplicitLocOpBuilder &nested, ValueRange in) -> Value {
               return arith::SelectOp::create(nested, in[0], in[1], in[2]);
             });
}
