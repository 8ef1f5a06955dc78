//===- EmitShapes.cpp - the emitter's changes of shape --- -*- C++ -*-===//
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

//===----------------------------------------------------------------------===//
// Reshape
//===----------------------------------------------------------------------===//

namespace {
/// Runs of dimensions that hold the same elements before and after.
struct Segment {
  int64_t inputBegin, inputEnd, outputBegin, outputEnd;
};
} // namespace

/// Splits two shapes where the products of their leading sizes are equal as
/// polynomials. Nothing if the whole products are not.
static std::optional<SmallVector<Segment>> split(ArrayRef<DimExpr> input,
                                                 ArrayRef<DimExpr> output) {
  auto prefixes = [](ArrayRef<DimExpr> shape) {
    SmallVector<DimExpr> products = {1};
    for (const DimExpr &size : shape)
      products.push_back(products.back() * size);
    return products;
  };
  SmallVector<DimExpr> before = prefixes(input), after = prefixes(output);
  if (before.back() != after.back())
    return std::nullopt;
  SmallVector<Segment> segments;
  int64_t i = 0, j = 0, inputs = input.size(), outputs = output.size();
  while (i < inputs && j < outputs) {
    // The nearest cut behind (i, j); sizes of 1 behind it belong to the next
    // run, or to the last one.
    int64_t nextI = -1, nextJ = -1;
    for (int64_t sum = 2; sum <= inputs - i + outputs - j && nextI < 0; ++sum)
      for (int64_t step = 1; step < sum; ++step) {
        int64_t x = i + step, y = j + sum - step;
        if (x > inputs || y > outputs || before[x] != after[y])
          continue;
        nextI = x;
        nextJ = y;
        break;
      }
    if (nextI < 0)
      break;
    segments.push_back({i, nextI, j, nextJ});
    i = nextI;
    j = nextJ;
  }
  if (segments.empty())
    return inputs == 0 || outputs == 0 ? std::optional(SmallVector<Segment>{})
                                       : std::nullopt;
  segments.back().inputEnd = inputs;
  segments.back().outputEnd = outputs;
  return segments;
}

/// LLVM 22's expand-strided-metadata crashes on a memref.expand_shape that
/// makes two dynamic sizes of one.
static bool isExpandable(ArrayRef<Segment> segments, ArrayRef<DimExpr> output) {
  return llvm::all_of(segments, [&](const Segment &segment) {
    int64_t dynamic = 0;
    for (int64_t i = segment.outputBegin; i < segment.outputEnd; ++i)
      dynamic += !output[i].constant();
    return dynamic < 2;
  });
}

static SmallVector<ReassociationIndices> group(ArrayRef<Segment> segments,
                                               bool ofInput) {
  SmallVector<ReassociationIndices> groups;
  for (const Segment &segment : segments) {
    int64_t begin = ofInput ? segment.inputBegin : segment.outputBegin;
    int64_t end = ofInput ? segment.inputEnd : segment.outputEnd;
    groups.push_back(llvm::to_vector<2>(llvm::seq(begin, end)));
  }
  return groups;
}

Tensor Emitter::reshape(const Tensor &input, Shape shape) {
  if (input.elements && input.elements->size() <= 256) {
    Tensor result = fromElements(input.type, std::move(shape), *input.elements);
    if (input.constant && countElements(result.shape))
      result.constant = DenseElementsAttr(input.constant)
                            .reshape(tensorType(result.type, result.shape));
    return result;
  }
  if (input.constant && countElements(shape))
    return fromConstant(input.type,
                        DenseElementsAttr(input.constant)
                            .reshape(tensorType(input.type, shape)));
  if (llvm::equal(input.shape, shape))
    return input;
  Value source = value(input);
  RankedTensorType type = tensorType(input.type, shape);
  std::optional<SmallVector<Segment>> segments = split(input.shape, shape);
  if (segments && isExpandable(*segments, shape)) {
    Shape middle;
    for (const Segment &segment : *segments)
      middle.push_back(
          productOf(ArrayRef(input.shape)
                        .slice(segment.inputBegin,
                               segment.inputEnd - segment.inputBegin)));
    if (middle.size() != input.shape.size())
      source = tensor::CollapseShapeOp::create(
          b, tensorType(input.type, middle), source, group(*segments, true));
    if (middle.size() != shape.size())
      source = tensor::ExpandShapeOp::create(
          b, type, source, group(*segments, false), dims.fold(shape));
    Tensor result = wrap(source, input.type, std::move(shape));
    result.initializer = input.initializer;
    return result;
  }
  Tensor sizes = fromElements(OnnxType::I64, {DimExpr(shape.size())},
                              std::vector<DimExpr>(shape.begin(), shape.end()));
  Value reshaped = tensor::ReshapeOp::create(b, type, source, value(sizes));
  return wrap(reshaped, input.type, std::move(shape));
}

Tensor Emitter::unsqueeze(const Tensor &input, ArrayRef<int64_t> axes) {
  Shape shape = input.shape;
  SmallVector<int64_t> sorted(axes);
  llvm::sort(sorted);
  for (int64_t axis : sorted)
    shape.insert(shape.begin() + axis, 1);
  return reshape(input, std::move(shape));
}

Tensor Emitter::squeeze(const Tensor &input, ArrayRef<int64_t> axes) {
  Shape shape;
  for (auto [i, size] : llvm::enumerate(input.shape))
    if (!llvm::is_contained(axes, int64_t(i)))
      shape.push_back(size);
  return reshape(input, std::move(shape));
}

//===----------------------------------------------------------------------===//
// Other changes of shape
//===----------------------------------------------------------------------===//

Tensor Emitter::transpose(const Tensor &input, ArrayRef<int64_t> permutation) {
  if (llvm::equal(permutation, llvm::seq<int64_t>(0, permutation.size())))
    return input;
  Shape shape;
  for (int64_t axis : permutation)
    shape.push_back(input.shape[axis]);
  auto transposed = linalg::TransposeOp::create(
      b, value(input), empty(input.type, shape), permutation);
  return wrap(transposed->getResult(0), input.type, std::move(shape));
}

Tensor Emitter::expand(const Tensor &input, Shape shape) {
  if (llvm::equal(input.shape, shape))
    return input;
  std::optional<int64_t> count = countElements(shape);
  if (input.elements && input.elements->size() == 1 && count && *count <= 256)
    return fromElements(input.type, std::move(shape),
                        std::vector<DimExpr>(*count, input.elements->front()));
  if (input.constant && input.constant.isSplat() && count)
    return fromConstant(
        input.type,
        DenseElementsAttr::get(tensorType(input.type, shape),
                               input.constant.getSplatValue<Attribute>()));
  return mapTo({input}, input.type, std::move(shape),
               [](ImplicitLocOpBuilder &, ValueRange in) { return in[0]; });
}

Tensor Emitter::slice(const Tensor &input, int64_t axis, DimExpr first,
                      DimExpr count, int64_t step) {
  Shape shape = input.shape;
  if (step == 1 && first.is(0) && count == shape[axis])
    return input;
  auto begin = first.constant(), number = count.constant();
  // Empty slices at the end are out of bounds for tensor.extract_slice.
  if (count.is(0) || shape[axis].is(0)) {
    shape[axis] = 0;
    Value none = empty(input.type, shape);
    return wrap(none, input.type, std::move(shape));
  }
  if (input.elements && input.rank() == 1 && begin && number) {
    std::vector<DimExpr> kept;
    for (int64_t i = 0; i < *number; ++i)
      kept.push_back((*input.elements)[*begin + i * step]);
    return fromElements(input.type, {count}, std::move(kept));
  }
  SmallVector<OpFoldResult> offsets(shape.size(), b.getIndexAttr(0)),
      strides(shape.size(), b.getIndexAttr(1));
  offsets[axis] = dims.fold(first);
  strides[axis] = b.getIndexAttr(step);
  shape[axis] = count;
  SmallVector<OpFoldResult> sizes = dims.fold(shape);
  Value sliced =
      tensor::ExtractSliceOp::create(b, value(input), offsets, sizes, strides);
  return wrap(sliced, input.type, std::move(shape));
}

Tensor Emitter::concat(ArrayRef<Tensor> inputs, int64_t axis) {
  if (inputs.size() == 1)
    return inputs.front();
  Shape shape = inputs.front().shape;
  bool known = inputs.front().rank() == 1;
  shape[axis] = 0;
  for (const Tensor &input : inputs) {
    known &= input.elements.has_value();
    misfit |= input.rank() != inputs.front().rank();
    for (int64_t i = 0; !misfit && i < input.rank(); ++i) {
      if (i == axis)
        continue;
      const DimExpr &expected = inputs.front().shape[i];
      misfit |= dims.isEqual(input.shape[i], expected) == false;
      dims.require(input.shape[i], expected, /*broadcasts=*/false);
    }
    if (misfit)
      return inputs.front();
    for (auto [i, size] : llvm::enumerate(input.shape))
      if (int64_t(i) == axis)
        shape[i] = shape[i] + size;
      else if (size.constant())
        shape[i] = size;
  }
  if (known) {
    std::vector<DimExpr> elements;
    for (const Tensor &input : inputs)
      llvm::append_range(elements, *input.elements);
    return fromElements(inputs.front().type, std::move(shape),
                        std::move(elements));
  }
  SmallVector<Value> values;
  for (const Tensor &input : inputs)
    if (!input.shape[axis].is(0))
      values.push_back(value(input));
  if (values.empty())
    return inputs.front();
  OnnxType type = inputs.front().type;
  Value joined = values.front();
  if (values.size() > 1)
    joined = tensor::ConcatOp::create(b, tensorType(type, shape), axis, values);
  return wrap(joined, type, std::move(shape));
}
