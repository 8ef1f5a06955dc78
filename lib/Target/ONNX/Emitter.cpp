//===- Emitter.cpp - types and values ------------------ -*- C++ -*-===//
//
// Part of the awq-mlir project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Emitter.h"

#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"

using namespace mlir;
using namespace awq;
using namespace awq::onnx;

bool onnx::isFloat(OnnxType type) {
  return type == OnnxType::F32 || type == OnnxType::F16 ||
         type == OnnxType::BF16 || type == OnnxType::F64;
}

bool onnx::isUnsigned(OnnxType type) {
  return type == OnnxType::U8 || type == OnnxType::U16 ||
         type == OnnxType::U32 || type == OnnxType::U64 ||
         type == OnnxType::Bool || type == OnnxType::U4 || type == OnnxType::U2;
}

bool onnx::isInteger(OnnxType type) {
  switch (type) {
  case OnnxType::I8:
  case OnnxType::I16:
  case OnnxType::I32:
  case OnnxType::I64:
  case OnnxType::I4:
  case OnnxType::I2:
    return true;
  default:
    return isUnsigned(type);
  }
}

DimExpr onnx::productOf(ArrayRef<DimExpr> shape) {
  DimExpr product = 1;
  for (const DimExpr &size : shape)
    product = product * size;
  return product;
}

std::optional<int64_t> onnx::countElements(ArrayRef<DimExpr> shape) {
  return productOf(shape).constant();
}

//===----------------------------------------------------------------------===//
// Types and values
//===----------------------------------------------------------------------===//

Type Emitter::elementType(OnnxType type) {
  switch (type) {
  case OnnxType::F32:
    return b.getF32Type();
  case OnnxType::F16:
    return b.getF16Type();
  case OnnxType::BF16:
    return b.getBF16Type();
  case OnnxType::F64:
    return b.getF64Type();
  case OnnxType::Bool:
    return b.getI1Type();
  case OnnxType::I8:
  case OnnxType::U8:
  // Elements of 4 and 2 bits take a byte each.
  case OnnxType::I4:
  case OnnxType::U4:
  case OnnxType::I2:
  case OnnxType::U2:
    return b.getI8Type();
  case OnnxType::I16:
  case OnnxType::U16:
    return b.getI16Type();
  case OnnxType::I32:
  case OnnxType::U32:
    return b.getI32Type();
  case OnnxType::I64:
  case OnnxType::U64:
    return b.getI64Type();
  default:
    return {};
  }
}

RankedTensorType Emitter::tensorType(OnnxType type, ArrayRef<DimExpr> shape) {
  SmallVector<int64_t> sizes;
  for (const DimExpr &size : shape)
    sizes.push_back(size.constant().value_or(ShapedType::kDynamic));
  return RankedTensorType::get(sizes, elementType(type));
}

Value Emitter::value(Tensor &tensor) {
  if (tensor.value)
    return tensor.value;
  RankedTensorType type = tensorType(tensor.type, tensor.shape);
  if (tensor.constant)
    return tensor.value = arith::ConstantOp::create(b, tensor.constant);
  if (!tensor.elements && tensor.initializer)
    return tensor.value = load(*tensor.initializer);
  assert(tensor.elements && "a tensor with neither a value nor elements");
  // All elements may have become numbers since.
  SmallVector<Value> values;
  SmallVector<Attribute> numbers;
  for (const DimExpr &element : *tensor.elements)
    if (auto number = element.constant())
      numbers.push_back(b.getIntegerAttr(type.getElementType(), *number));
  if (numbers.size() == tensor.elements->size())
    return tensor.value = arith::ConstantOp::create(
               b, DenseElementsAttr::get(type, numbers));
  for (const DimExpr &element : *tensor.elements) {
    Value index = dims.materialize(element);
    values.push_back(
        type.getElementType().isInteger(1)
            ? arith::CmpIOp::create(b, arith::CmpIPredicate::ne, index,
                                    arith::ConstantIndexOp::create(b, 0))
                  .getResult()
            : arith::IndexCastOp::create(b, type.getElementType(), index)
                  .getResult());
  }
  return tensor.value = tensor::FromElementsOp::create(b, type, values);
}

Tensor Emitter::wrap(Value value, OnnxType type, Shape shape) {
  Tensor tensor;
  tensor.type = type;
  RankedTensorType wanted = tensorType(type, shape);
  tensor.shape = std::move(shape);
  tensor.value = value.getType() == wanted
                     ? value
                     : tensor::CastOp::create(b, wanted, value).getResult();
  return tensor;
}

static Attribute numberAttr(Builder &b, Type type, double number) {
  if (isa<FloatType>(type))
    return b.getFloatAttr(type, number);
  return b.getIntegerAttr(type, static_cast<int64_t>(number));
}

Value onnx::constantElement(ImplicitLocOpBuilder &b, Type type, double number) {
  return arith::ConstantOp::create(
      b, llvm::cast<TypedAttr>(numberAttr(b, type, number)));
}

Tensor Emitter::scalar(OnnxType type, double number) {
  auto tensor = RankedTensorType::get({}, elementType(type));
  return fromConstant(
      type, DenseElementsAttr::get(
                tensor, numberAttr(b, tensor.getElementType(), number)));
}

Tensor Emitter::fromElements(OnnxType type, Shape shape,
                             std::vector<DimExpr> elements) {
  Tensor tensor;
  tensor.type = type;
  tensor.shape = std::move(shape);
  tensor.elements = std::move(elements);
  return tensor;
}

Tensor Emitter::fromConstant(OnnxType type, DenseElementsAttr constant) {
  Tensor tensor;
  tensor.type = type;
  auto shape = llvm::cast<RankedTensorType>(constant.getType()).getShape();
  tensor.shape.assign(shape.begin(), shape.end());
  tensor.constant = constant;
  if (!isInteger(type) || constant.getNumElements() > 256)
    return tensor;
  tensor.elements.emplace();
  for (const APInt &element : constant.getValues<APInt>())
    tensor.elements->push_back(isUnsigned(type)
                                   ? int64_t(element.getZExtValue())
                                   : element.getSExtValue());
  return tensor;
}

std::optional<std::vector<DimExpr>> Emitter::elements(Tensor &tensor) {
  if (tensor.elements || !isInteger(tensor.type))
    return tensor.elements;
  std::optional<int64_t> count = countElements(tensor.shape);
  if (!count || *count > 64 || tensor.rank() > 1)
    return std::nullopt;
  Value source = value(tensor);
  std::vector<DimExpr> read;
  for (int64_t i = 0; i < *count; ++i) {
    SmallVector<Value> place;
    if (tensor.rank() == 1)
      place.push_back(arith::ConstantIndexOp::create(b, i));
    Value element = tensor::ExtractOp::create(b, source, place);
    Value index =
        isUnsigned(tensor.type)
            ? arith::IndexCastUIOp::create(b, b.getIndexType(), element)
                  .getResult()
            : arith::IndexCastOp::create(b, b.getIndexType(), element)
                  .getResult();
    read.push_back(dims.opaque(index, isUnsigned(tensor.type)));
  }
  tensor.elements = read;
  return read;
}

std::optional<double> Emitter::splat(const Tensor &tensor) {
  if (!tensor.constant || !tensor.constant.isSplat() ||
      tensor.constant.getNumElements() == 0)
    return std::nullopt;
  if (isa<FloatType>(tensor.constant.getElementType())) {
    APFloat number = tensor.constant.getSplatValue<APFloat>();
    bool lossy;
    number.convert(APFloat::IEEEdouble(), APFloat::rmNearestTiesToEven, &lossy);
    return number.convertToDouble();
  }
  APInt number = tensor.constant.getSplatValue<APInt>();
  return isUnsigned(tensor.type) ? double(number.getZExtValue())
                                 : double(number.getSExtValue());
}

Value Emitter::empty(OnnxType type, ArrayRef<DimExpr> shape) {
  return tensor::EmptyOp::create(b, dims.fold(shape), elementType(type));
}

Tensor Emitter::full(OnnxType type, Shape shape, const Tensor &element) {
  Value scalar;
  if (element.constant)
    scalar = arith::ConstantOp::create(
        b, llvm::cast<TypedAttr>(element.constant.getValues<Attribute>()[0]));
  else
    scalar = tensor::ExtractOp::create(
        b, value(element),
        SmallVector<Value>(element.rank(),
                           arith::ConstantIndexOp::create(b, 0)));
  Value filled =
      linalg::FillOp::create(b, scalar, empty(type, shape)).getResult(0);
  return wrap(filled, type, std::move(shape));
}
