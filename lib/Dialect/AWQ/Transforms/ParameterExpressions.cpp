//===- ParameterExpressions.cpp - values of parameters ----------*- C++ -*-===//
//
// Part of the awq-mlir project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "PackedWeights.h"

#include "awq/Dialect/AWQ/IR/AWQ.h"
#include "awq/Dialect/AWQ/Transforms/ParameterStore.h"
#include "awq/Dialect/AWQ/Utils/Half.h"
#include "awq/Dialect/AWQ/Utils/Layouts.h"
#include "awq/Dialect/AWQ/Utils/Quantize.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/MLProgram/IR/MLProgram.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "llvm/ADT/TypeSwitch.h"

#include <algorithm>

using namespace mlir;
using namespace awq;

/// Whether a slice is known, and its numbers lie side by side in the source: it
/// is a part of one dimension, behind others of which it has one place each.
static bool isBlock(tensor::ExtractSliceOp op) {
  if (!op.getSourceType().hasStaticShape() ||
      llvm::any_of(op.getStaticOffsets(), ShapedType::isDynamic) ||
      llvm::any_of(op.getStaticSizes(), ShapedType::isDynamic) ||
      llvm::any_of(op.getStaticStrides(),
                   [](int64_t stride) { return stride != 1; }))
    return false;
  bool isWhole = true;
  for (auto [size, all] : llvm::reverse(
           llvm::zip(op.getStaticSizes(), op.getSourceType().getShape()))) {
    if (!isWhole && size != 1)
      return false;
    isWhole &= size == all;
  }
  return true;
}

/// Where the numbers of such a slice begin.
static int64_t blockOffset(tensor::ExtractSliceOp op) {
  int64_t offset = 0;
  for (auto [place, size] :
       llvm::zip(op.getStaticOffsets(), op.getSourceType().getShape()))
    offset = offset * size + place;
  return offset;
}

/// The numbers of such a slice, of those of its source.
template <typename T>
static FailureOr<std::vector<T>>
cutBlock(tensor::ExtractSliceOp op, const FailureOr<std::vector<T>> &all) {
  if (failed(all))
    return failure();
  auto begin = all->begin() + blockOffset(op);
  return std::vector<T>(begin, begin + op.getResultType().getNumElements());
}

/// Operands that carry numbers; empty for ops that are not parameter ops.
static SmallVector<Value> parameterOperands(Operation *op) {
  if (isa<ScaleChannelsOp, ClipGroupsOp, QuantizeOp, DequantizeOp, RepackOp,
          UnpackOp, tensor::CastOp, tensor::CollapseShapeOp, tensor::ConcatOp,
          arith::ExtFOp, arith::TruncFOp>(op))
    return llvm::to_vector(op->getOperands());
  if (auto expand = dyn_cast<tensor::ExpandShapeOp>(op))
    return {expand.getSrc()};
  if (auto transpose = dyn_cast<linalg::TransposeOp>(op))
    return {transpose.getInput()};
  if (auto slice = dyn_cast<tensor::ExtractSliceOp>(op);
      slice && isBlock(slice))
    return {slice.getSource()};
  return {};
}

static bool isLeaf(Operation *op) {
  return isa<arith::ConstantOp, ml_program::GlobalLoadConstOp>(op);
}

bool awq::isParameter(Value value) {
  Operation *op = value.getDefiningOp();
  auto type = dyn_cast<RankedTensorType>(value.getType());
  if (!op || !type || !type.hasStaticShape())
    return false;
  if (isLeaf(op))
    return true;
  SmallVector<Value> operands = parameterOperands(op);
  return !operands.empty() && llvm::all_of(operands, isParameter);
}

bool awq::isParameterExpression(Value value) {
  return isParameter(value) && !isLeaf(value.getDefiningOp());
}

void awq::eraseUnusedParameters(func::FuncOp function) {
  SmallVector<Operation *> ops;
  function.walk([&](Operation *op) {
    if (op->getNumResults() > 0 && llvm::all_of(op->getResults(), isParameter))
      ops.push_back(op);
  });
  for (Operation *op : llvm::reverse(ops))
    if (op->use_empty())
      op->erase();
}

/// Joins what `read` gives for each operand along the concatenated axis.
template <typename T>
static FailureOr<std::vector<T>>
concatenate(tensor::ConcatOp op,
            llvm::function_ref<FailureOr<std::vector<T>>(Value)> read) {
  int64_t outer = 1;
  for (int64_t dim : op.getResultType().getShape().take_front(op.getDim()))
    outer *= dim;
  std::vector<T> result(op.getResultType().getNumElements());
  if (result.empty())
    return result;
  int64_t row = result.size() / outer, column = 0;
  for (Value input : op.getInputs()) {
    FailureOr<std::vector<T>> part = read(input);
    if (failed(part))
      return failure();
    int64_t width = part->size() / outer;
    for (int64_t i = 0; i < outer; ++i)
      std::copy_n(part->begin() + i * width, width,
                  result.begin() + i * row + column);
    column += width;
  }
  return result;
}

/// Rounds to the element type that the IR gives the result.
static void roundTo(Type element, std::vector<float> &values) {
  if (element.isF16())
    std::transform(values.begin(), values.end(), values.begin(), roundToHalf);
  else if (element.isBF16())
    std::transform(values.begin(), values.end(), values.begin(), roundToBfloat);
}

/// y = x * s, or (x + offset) / s - offset, along one axis.
static void scaleAlong(std::vector<float> &values, ArrayRef<int64_t> shape,
                       ArrayRef<float> scales, ScaleChannelsOp op) {
  int64_t axis = op.getAxis(), inner = 1;
  for (int64_t dim : shape.drop_front(axis + 1))
    inner *= dim;
  float offset = op.getOffset().convertToDouble();
  Type element = getElementTypeOrSelf(op.getType());
  auto add = [&](float term) {
    for (float &value : values)
      value += term;
    roundTo(element, values);
  };
  if (offset != 0.0f)
    add(offset);
  for (size_t i = 0; i < values.size(); ++i) {
    float s = scales[i / inner % shape[axis]];
    values[i] = op.getInverse() ? values[i] / s : values[i] * s;
  }
  if (offset != 0.0f) {
    roundTo(element, values);
    add(-offset);
  }
}

/// Element i of the result comes from the input's element whose index is the
/// result's, permuted.
static std::vector<float> transpose(ArrayRef<float> values,
                                    ArrayRef<int64_t> resultShape,
                                    ArrayRef<int64_t> permutation) {
  int64_t rank = resultShape.size();
  SmallVector<int64_t> inputShape(rank), inputStride(rank, 1);
  for (int64_t d = 0; d < rank; ++d)
    inputShape[permutation[d]] = resultShape[d];
  for (int64_t d = rank - 2; d >= 0; --d)
    inputStride[d] = inputStride[d + 1] * inputShape[d + 1];
  std::vector<float> result(values.size());
  for (size_t i = 0; i < values.size(); ++i) {
    int64_t rest = i, source = 0;
    for (int64_t d = rank - 1; d >= 0; --d) {
      source += rest % resultShape[d] * inputStride[permutation[d]];
      rest /= resultShape[d];
    }
    result[i] = values[source];
  }
  return result;
}

FailureOr<std::vector<float>>
ParameterStore::evaluateDequantize(DequantizeOp op) {
  auto type = cast<RankedTensorType>(op.getType());
  FailureOr<std::vector<uint8_t>> codes = readBytes(op.getCodes());
  FailureOr<std::vector<float>> scales = readFloats(op.getScales());
  FailureOr<std::vector<uint8_t>> zeros = readBytes(op.getZeros());
  if (failed(codes) || failed(scales) || failed(zeros))
    return failure();
  std::vector<float> result(type.getNumElements());
  dequantize(codes->data(), scales->data(), zeros->data(), type.getDimSize(0),
             type.getDimSize(1), toQuantScheme(op.getScheme()), result.data());
  return result;
}

/// Evaluates the whole op: codes, scales and zeros come from one arithmetic.
static FailureOr<QuantizedMatrix> runQuantize(ParameterStore &store,
                                              QuantizeOp op) {
  FailureOr<std::vector<float>> weights = store.readFloats(op.getWeight());
  if (failed(weights))
    return failure();
  auto type = cast<RankedTensorType>(op.getWeight().getType());
  Result<QuantizedMatrix> matrix =
      quantize(weights->data(), type.getDimSize(0), type.getDimSize(1),
               toQuantScheme(op.getScheme()));
  if (!matrix)
    return awq::emitError(op.getLoc(), matrix.error());
  return std::move(*matrix);
}

FailureOr<std::vector<uint8_t>> ParameterStore::evaluateBytes(OpResult value) {
  Operation *op = value.getOwner();
  bool isCodes = value.getResultNumber() == 0;
  if (auto concat = dyn_cast<tensor::ConcatOp>(op))
    return concatenate<uint8_t>(concat,
                                [&](Value part) { return readBytes(part); });
  if (auto slice = dyn_cast<tensor::ExtractSliceOp>(op))
    return cutBlock(slice, readBytes(slice.getSource()));
  if (auto unpack = dyn_cast<UnpackOp>(op)) {
    PackedWeight weight = getPackedWeight(unpack);
    return isCodes ? weight.readCodes(*this) : weight.readZeros(*this);
  }
  auto quantize = dyn_cast<QuantizeOp>(op);
  if (!quantize)
    return op->emitError("is no parameter op on integers");
  FailureOr<QuantizedMatrix> matrix = runQuantize(*this, quantize);
  if (failed(matrix))
    return failure();
  return isCodes ? std::move(matrix->codes) : std::move(matrix->zeros);
}

FailureOr<std::vector<uint32_t>> ParameterStore::evaluateRepack(RepackOp op) {
  auto type = cast<RankedTensorType>(op.getCodes().getType());
  const Layout *layout =
      findLayout(stringifyLayoutKind(getLayout(op.getType()).getKind()));
  if (!layout)
    return op.emitError("this layout cannot be packed ahead of time");
  FailureOr<std::vector<uint8_t>> codes = readBytes(op.getCodes());
  if (failed(codes))
    return failure();
  int64_t n = type.getDimSize(0), k = type.getDimSize(1);
  std::vector<uint32_t> words(layout->codesShape(n, k).elements());
  layout->packCodes(codes->data(), n, k, words.data());
  return words;
}

FailureOr<std::vector<float>> ParameterStore::evaluateClip(ClipGroupsOp op) {
  FailureOr<std::vector<float>> values = readFloats(op.getWeight());
  FailureOr<std::vector<float>> lo = readFloats(op.getLo());
  FailureOr<std::vector<float>> hi = readFloats(op.getHi());
  if (failed(values) || failed(lo) || failed(hi))
    return failure();
  size_t group = values->size() / std::max<size_t>(lo->size(), 1);
  for (size_t i = 0; i < values->size(); ++i)
    (*values)[i] =
        std::min(std::max((*values)[i], (*lo)[i / group]), (*hi)[i / group]);
  return values;
}

/// Only the slice is read, where its source lies somewhere as it is: experts
/// are slices of one tensor, and are asked for one after the other.
FailureOr<std::vector<float>>
ParameterStore::evaluateSlice(tensor::ExtractSliceOp op) {
  if (!isParameterExpression(op.getSource()))
    return readLeafFloats(op.getSource(), blockOffset(op),
                          op.getResultType().getNumElements());
  return cutBlock(op, readFloats(op.getSource()));
}

FailureOr<std::vector<float>> ParameterStore::evaluate(OpResult value) {
  Operation *op = value.getOwner();
  auto type = cast<RankedTensorType>(value.getType());
  FailureOr<std::vector<float>> values;
  if (auto dequantize = dyn_cast<DequantizeOp>(op)) {
    values = evaluateDequantize(dequantize);
  } else if (auto quantize = dyn_cast<QuantizeOp>(op)) {
    FailureOr<QuantizedMatrix> matrix = runQuantize(*this, quantize);
    if (failed(matrix))
      return failure();
    values = std::move(matrix->scales);
  } else if (auto clip = dyn_cast<ClipGroupsOp>(op)) {
    values = evaluateClip(clip);
  } else if (auto unpack = dyn_cast<UnpackOp>(op)) {
    values = getPackedWeight(unpack).readScales(*this);
  } else if (auto concat = dyn_cast<tensor::ConcatOp>(op)) {
    values = concatenate<float>(concat,
                                [&](Value part) { return readFloats(part); });
  } else if (auto slice = dyn_cast<tensor::ExtractSliceOp>(op)) {
    values = evaluateSlice(slice);
  } else {
    values = readFloats(parameterOperands(op).front());
    if (failed(values))
      return failure();
    if (auto scale = dyn_cast<ScaleChannelsOp>(op)) {
      FailureOr<std::vector<float>> scales = readFloats(scale.getScale());
      if (failed(scales))
        return failure();
      scaleAlong(*values, type.getShape(), *scales, scale);
    } else if (auto transposeOp = dyn_cast<linalg::TransposeOp>(op)) {
      values =
          transpose(*values, type.getShape(), transposeOp.getPermutation());
    }
    // Casts and reshapes keep the numbers in their order.
  }
  if (succeeded(values))
    roundTo(type.getElementType(), *values);
  return values;
}
