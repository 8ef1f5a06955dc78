//===- BuildParts.cpp - what the blocks of a model are made of ------------===//
//
// Part of the awq-mlir project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "ModelBuilder.h"

#include "awq/Dialect/AWQ/IR/AWQ.h"
#include "awq/Dialect/Decoder/IR/Decoder.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"

using namespace mlir;
using namespace awq;

/// [tokens, channels...] of f32.
RankedTensorType ModelBuilder::activations(ArrayRef<int64_t> channels) {
  SmallVector<int64_t> shape = {ShapedType::kDynamic};
  shape.append(channels.begin(), channels.end());
  return RankedTensorType::get(shape, builder.getF32Type());
}

void ModelBuilder::enter(const std::string &moduleName) {
  builder.setLoc(NameLoc::get(builder.getStringAttr(moduleName)));
}

/// The number of rows of the current function's first argument.
void ModelBuilder::countTokens(Value argument) {
  tokens = tensor::DimOp::create(builder, argument, int64_t(0));
}

//===----------------------------------------------------------------------===//
// Norms and linears
//===----------------------------------------------------------------------===//

Value ModelBuilder::rmsNorm(const std::string &moduleName, Value input,
                            double epsilon, double offset) {
  enter(moduleName);
  int64_t channels = cast<RankedTensorType>(input.getType()).getShape().back();
  Value weight =
      parameters.loadFloat(builder, builder.getLoc(), moduleName + ".weight",
                           {channels}, 1.0 - offset);
  return decoder::RMSNormOp::create(builder, input.getType(), input, weight,
                                    builder.getF64FloatAttr(epsilon),
                                    builder.getF64FloatAttr(offset));
}

Value ModelBuilder::norm(const std::string &moduleName, Value input) {
  const NormStyle &style = architecture.norm;
  if (style.kind == NormStyle::Kind::Rms)
    return rmsNorm(moduleName, input, epsilon, style.offset);
  enter(moduleName);
  int64_t channels = cast<RankedTensorType>(input.getType()).getShape().back();
  Value weight = parameters.loadFloat(builder, builder.getLoc(),
                                      moduleName + ".weight", {channels}, 1.0);
  Value bias;
  if (style.bias)
    bias = parameters.loadFloat(builder, builder.getLoc(), moduleName + ".bias",
                                {channels}, 0.0);
  return decoder::LayerNormOp::create(builder, input.getType(), input, weight,
                                      bias, builder.getF64FloatAttr(epsilon));
}

Value ModelBuilder::linear(const LinearModule &linear,
                           const std::string &moduleName, Value input,
                           int64_t outputs, bool isHead,
                           const std::string &weightName) {
  enter(moduleName);
  Location loc = builder.getLoc();
  auto type = cast<RankedTensorType>(input.getType());
  int64_t inputs = type.getShape().back();
  bool biased = get(evaluate(linear.bias, config));
  bool quantized =
      weightName.empty() && parameters.isQuantized(moduleName, isHead);
  RankedTensorType resultType = activations({outputs});
  auto loadBias = [&]() -> Value {
    if (!biased)
      return {};
    return parameters.loadFloat(builder, loc, moduleName + ".bias", {outputs},
                                0.0);
  };
  Operation *op;
  if (quantized && parameters) {
    ParameterTable::QuantizedWeight weight =
        parameters.loadQuantized(builder, loc, moduleName, outputs, inputs);
    if (!parameters)
      return tensor::EmptyOp::create(builder, resultType, ValueRange{tokens});
    op = QuantizedLinearOp::create(builder, resultType, input, weight.codes,
                                   weight.scales, weight.zeros, loadBias(),
                                   cast<SchemeAttr>(weight.scheme));
  } else {
    Value weight = parameters.loadFloat(
        builder, loc, weightName.empty() ? moduleName + ".weight" : weightName,
        {outputs, inputs}, 1.0 / 64);
    op = LinearOp::create(builder, resultType, input, weight, loadBias());
  }
  op->setAttr("awq.name", builder.getStringAttr(moduleName));
  return op->getResult(0);
}

//===----------------------------------------------------------------------===//
// Shapes and elementwise ops
//===----------------------------------------------------------------------===//

Value ModelBuilder::slice(Value value, int64_t dim, int64_t first,
                          int64_t count) {
  auto type = cast<RankedTensorType>(value.getType());
  SmallVector<OpFoldResult> offsets(type.getRank(), builder.getIndexAttr(0));
  SmallVector<OpFoldResult> strides(type.getRank(), builder.getIndexAttr(1));
  SmallVector<OpFoldResult> counts = {tokens};
  for (int64_t size : type.getShape().drop_front())
    counts.push_back(builder.getIndexAttr(size));
  offsets[dim] = builder.getIndexAttr(first);
  counts[dim] = builder.getIndexAttr(count);
  return tensor::ExtractSliceOp::create(builder, value, offsets, counts,
                                        strides);
}

Value ModelBuilder::split(Value value, ArrayRef<int64_t> shape) {
  SmallVector<OpFoldResult> sizes = {tokens};
  SmallVector<ReassociationIndices> dims = {{0}, {}};
  for (auto [index, size] : llvm::enumerate(shape)) {
    sizes.push_back(builder.getIndexAttr(size));
    dims.back().push_back(index + 1);
  }
  return tensor::ExpandShapeOp::create(builder, activations(shape), value, dims,
                                       sizes);
}

Value ModelBuilder::join(Value value, int64_t dim) {
  int64_t rank = cast<RankedTensorType>(value.getType()).getRank();
  SmallVector<ReassociationIndices> dims;
  for (int64_t d = 0; d < rank; ++d) {
    dims.push_back({d});
    if (d == dim)
      dims.back().push_back(++d);
  }
  return tensor::CollapseShapeOp::create(builder, value, dims);
}

Value ModelBuilder::add(Value a, Value b) {
  return arith::AddFOp::create(builder, a, b);
}

Value ModelBuilder::multiply(Value value, double factor) {
  if (factor == 1.0)
    return value;
  Value number = arith::ConstantOp::create(
      builder, builder.getF32FloatAttr(static_cast<float>(factor)));
  Value factors =
      tensor::SplatOp::create(builder, value.getType(), number, tokens);
  return arith::MulFOp::create(builder, value, factors);
}
