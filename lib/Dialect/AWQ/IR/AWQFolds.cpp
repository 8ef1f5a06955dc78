//===- AWQFolds.cpp - folders of the awq dialect's ops
//----------------------------------------------===//
//
// Part of the awq-mlir project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

//
// Folders are the reference meaning of the parameter ops; the arithmetic is
// that of Dialect/AWQ/Utils. Large constants are left alone: they belong in
// files, and folding them would only copy them into the context.
//
//===----------------------------------------------------------------------===//

#include "awq/Dialect/AWQ/IR/AWQ.h"
#include "awq/Dialect/AWQ/Utils/Layouts.h"
#include "awq/Dialect/AWQ/Utils/Quantize.h"

#include <algorithm>

using namespace mlir;
using namespace awq;

/// Constants above this many elements are not folded.
static constexpr int64_t foldLimit = 1 << 16;

/// The elements of a small dense float constant as f32.
static std::optional<SmallVector<float>> getFloats(Attribute attr) {
  auto dense = dyn_cast_if_present<DenseFPElementsAttr>(attr);
  if (!dense || dense.getNumElements() > foldLimit)
    return std::nullopt;
  SmallVector<float> values;
  values.reserve(dense.getNumElements());
  for (APFloat value : dense.getValues<APFloat>()) {
    bool losesInfo;
    value.convert(APFloat::IEEEsingle(), APFloat::rmNearestTiesToEven,
                  &losesInfo);
    values.push_back(value.convertToFloat());
  }
  return values;
}

/// The elements of a small dense i8 constant as unsigned bytes.
static std::optional<SmallVector<uint8_t>> getBytes(Attribute attr) {
  auto dense = dyn_cast_if_present<DenseIntElementsAttr>(attr);
  if (!dense || dense.getNumElements() > foldLimit)
    return std::nullopt;
  SmallVector<uint8_t> values;
  values.reserve(dense.getNumElements());
  for (const APInt &value : dense.getValues<APInt>())
    values.push_back(value.getZExtValue());
  return values;
}

/// A dense constant of `type` with the given values, rounded to its element
/// type.
static DenseElementsAttr makeFloats(Type type, ArrayRef<float> values) {
  auto tensor = cast<RankedTensorType>(type);
  auto element = cast<FloatType>(tensor.getElementType());
  SmallVector<APFloat> rounded;
  rounded.reserve(values.size());
  for (float value : values) {
    APFloat number(value);
    bool losesInfo;
    number.convert(element.getFloatSemantics(), APFloat::rmNearestTiesToEven,
                   &losesInfo);
    rounded.push_back(number);
  }
  return DenseElementsAttr::get(tensor, rounded);
}

static DenseElementsAttr makeBytes(Type type, ArrayRef<uint8_t> values) {
  return DenseElementsAttr::getFromRawBuffer(
      cast<ShapedType>(type),
      ArrayRef(reinterpret_cast<const char *>(values.data()), values.size()));
}

//===----------------------------------------------------------------------===//
// QuantizeOp, DequantizeOp, RepackOp
//===----------------------------------------------------------------------===//

LogicalResult QuantizeOp::fold(FoldAdaptor adaptor,
                               SmallVectorImpl<OpFoldResult> &results) {
  std::optional<SmallVector<float>> weight = getFloats(adaptor.getWeight());
  if (!weight)
    return failure();
  auto type = cast<RankedTensorType>(getWeight().getType());
  Result<QuantizedMatrix> matrix =
      quantize(weight->data(), type.getDimSize(0), type.getDimSize(1),
               toQuantScheme(getScheme()));
  if (!matrix)
    return failure();
  results.push_back(makeBytes(getCodes().getType(), matrix->codes));
  results.push_back(makeFloats(getScales().getType(), matrix->scales));
  results.push_back(makeBytes(getZeros().getType(), matrix->zeros));
  return success();
}

OpFoldResult DequantizeOp::fold(FoldAdaptor adaptor) {
  std::optional<SmallVector<uint8_t>> codes = getBytes(adaptor.getCodes());
  std::optional<SmallVector<float>> scales = getFloats(adaptor.getScales());
  std::optional<SmallVector<uint8_t>> zeros = getBytes(adaptor.getZeros());
  if (!codes || !scales || !zeros)
    return {};
  auto type = cast<RankedTensorType>(getCodes().getType());
  SmallVector<float> weight(codes->size());
  dequantize(codes->data(), scales->data(), zeros->data(), type.getDimSize(0),
             type.getDimSize(1), toQuantScheme(getScheme()), weight.data());
  return makeFloats(getResult().getType(), weight);
}

OpFoldResult RepackOp::fold(FoldAdaptor adaptor) {
  std::optional<SmallVector<uint8_t>> codes = getBytes(adaptor.getCodes());
  auto wordsType = cast<RankedTensorType>(getWords().getType());
  const Layout *layout =
      findLayout(stringifyLayoutKind(getLayout(wordsType).getKind()));
  if (!codes || !layout)
    return {};
  auto type = cast<RankedTensorType>(getCodes().getType());
  int64_t n = type.getDimSize(0), k = type.getDimSize(1);
  if (layout->isRecords() || n % layout->rowMultiple != 0 ||
      k % layout->channelMultiple != 0)
    return {};
  // A code too wide for its slot would spill into its neighbour.
  if (*std::max_element(codes->begin(), codes->end()) >> layout->maxBits != 0)
    return {};
  SmallVector<int32_t> words(wordsType.getNumElements());
  layout->packCodes(codes->data(), n, k, words.data());
  return DenseElementsAttr::get(wordsType, ArrayRef<int32_t>(words));
}

//===----------------------------------------------------------------------===//
// ScaleChannelsOp, ClipGroupsOp
//===----------------------------------------------------------------------===//

OpFoldResult ScaleChannelsOp::fold(FoldAdaptor adaptor) {
  std::optional<SmallVector<float>> input = getFloats(adaptor.getInput());
  std::optional<SmallVector<float>> scale = getFloats(adaptor.getScale());
  if (!input || !scale)
    return {};
  auto type = cast<RankedTensorType>(getInput().getType());
  int64_t inner = 1, size = type.getDimSize(getAxis());
  for (int64_t dim : type.getShape().drop_front(getAxis() + 1))
    inner *= dim;
  float offset = getOffset().convertToDouble();
  for (auto [index, value] : llvm::enumerate(*input)) {
    float s = (*scale)[(index / inner) % size];
    value = getInverse() ? (value + offset) / s - offset : value * s;
  }
  return makeFloats(getResult().getType(), *input);
}

OpFoldResult ClipGroupsOp::fold(FoldAdaptor adaptor) {
  std::optional<SmallVector<float>> weight = getFloats(adaptor.getWeight());
  std::optional<SmallVector<float>> lo = getFloats(adaptor.getLo());
  std::optional<SmallVector<float>> hi = getFloats(adaptor.getHi());
  if (!weight || !lo || !hi || lo->empty())
    return {};
  size_t group = weight->size() / lo->size();
  for (auto [index, value] : llvm::enumerate(*weight))
    value =
        std::min(std::max(value, (*lo)[index / group]), (*hi)[index / group]);
  return makeFloats(getResult().getType(), *weight);
}
