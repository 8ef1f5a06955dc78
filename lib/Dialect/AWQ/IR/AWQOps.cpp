//===- AWQOps.cpp - verifiers of the awq dialect's ops
//----------------------------------------------===//
//
// Part of the awq-mlir project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "awq/Dialect/AWQ/IR/AWQ.h"
#include "awq/Dialect/AWQ/Utils/RecordLayout.h"

#include "mlir/IR/Builders.h"
#include "mlir/IR/TypeUtilities.h"

using namespace mlir;
using namespace awq;

#define GET_OP_CLASSES
#include "awq/Dialect/AWQ/IR/AWQOps.cpp.inc"
#include "awq/Dialect/AWQ/IR/QuantizedWeightInterface.cpp.inc"

//===----------------------------------------------------------------------===//
// Shared checks
//===----------------------------------------------------------------------===//

static bool isMatrix(Type type, int64_t rows, int64_t columns) {
  auto tensor = cast<RankedTensorType>(type);
  return tensor.hasStaticShape() && tensor.getRank() == 2 &&
         tensor.getDimSize(0) == rows && tensor.getDimSize(1) == columns;
}

/// Checks that `result` is `input` with `n` as its last dimension (C2), and
/// that `bias`, if any, is [n] (C3).
static LogicalResult verifyLinearShapes(Operation *op, Type input, Type result,
                                        Value bias, int64_t n) {
  auto inputType = cast<RankedTensorType>(input);
  auto resultType = cast<RankedTensorType>(result);
  if (inputType.getRank() < 1)
    return op->emitOpError("needs an input of rank 1 or more");
  SmallVector<int64_t> expected(inputType.getShape());
  expected.back() = n;
  if (resultType.getShape() != ArrayRef(expected)) {
    InFlightDiagnostic diag =
        op->emitOpError("result must have the shape of the input with ")
        << n << " as its last dimension, found " << resultType;
    return diag;
  }
  if (!bias)
    return success();
  auto biasType = cast<RankedTensorType>(bias.getType());
  if (biasType.getRank() != 1 || biasType.getDimSize(0) != n)
    return op->emitOpError("bias must be a vector of ")
           << n << " elements, found " << biasType;
  return success();
}

/// Checks that the scheme's group divides `k`.
static LogicalResult verifyGroup(Operation *op, SchemeAttr scheme, int64_t k) {
  if (k == 0 || k % scheme.getGroupSize(k) != 0)
    return op->emitOpError("group ") << scheme.getGroup() << " must divide the "
                                     << k << " input channels";
  return success();
}

/// Checks that `layout` can hold [n, k] codes: words hold whole channels or
/// rows.
static LogicalResult verifyLayoutFits(Operation *op, LayoutAttr layout,
                                      int64_t n, int64_t k) {
  if (layout.getKind() == LayoutKind::AutoAWQGemm && n % 8 != 0)
    return op->emitOpError("layout ")
           << layout << " needs a multiple of 8 output channels, found " << n;
  return success();
}

/// Checks plain group scales and zero points, [n, k / g] each.
static LogicalResult verifyGroupParameters(Operation *op, SchemeAttr scheme,
                                           Type scales, Value zeros, int64_t n,
                                           int64_t k) {
  int64_t groups = scheme.getNumGroups(k);
  if (!isMatrix(scales, n, groups))
    return op->emitOpError("scales must be ")
           << n << "x" << groups << ", found " << scales;
  if (zeros && (!isMatrix(zeros.getType(), n, groups) ||
                !getElementTypeOrSelf(zeros.getType()).isInteger(8)))
    return op->emitOpError("zeros must be ")
           << n << "x" << groups << " of i8, found " << zeros.getType();
  return success();
}

//===----------------------------------------------------------------------===//
// LinearOp
//===----------------------------------------------------------------------===//

LogicalResult LinearOp::verify() {
  auto weight = cast<RankedTensorType>(getWeight().getType());
  auto input = cast<RankedTensorType>(getInput().getType());
  if (weight.getRank() != 2 || !weight.hasStaticShape()) // C1
    return emitOpError("weight must be a static [N, K] matrix, found ")
           << weight;
  if (input.getRank() < 1 ||
      input.getShape().back() != weight.getDimSize(1)) // C1
    return emitOpError("the input's last dimension must be the weight's ")
           << weight.getDimSize(1) << " input channels, found " << input;
  return verifyLinearShapes(*this, input, getResult().getType(), getBias(),
                            weight.getDimSize(0));
}

//===----------------------------------------------------------------------===//
// QuantizedLinearOp
//===----------------------------------------------------------------------===//

LayoutAttr QuantizedLinearOp::getLayout() {
  return awq::getLayout(getCodes().getType());
}

int64_t QuantizedLinearOp::getInputChannels() {
  return cast<RankedTensorType>(getInput().getType()).getShape().back();
}

int64_t QuantizedLinearOp::getOutputChannels() {
  return cast<RankedTensorType>(getResult().getType()).getShape().back();
}

/// Checks records, which hold scales and zero points too (C7, C8).
static LogicalResult verifyRecords(Operation *op, SchemeAttr schemeAttr,
                                   Value codesValue, Value scales, Value zeros,
                                   int64_t n, int64_t k) {
  auto codes = cast<RankedTensorType>(codesValue.getType());
  LayoutAttr layout = getLayout(codes);
  if (scales || zeros)
    return op->emitOpError("codes in layout ")
           << layout << " hold their scales and zeros; remove the operands";
  QuantScheme scheme = toQuantScheme(schemeAttr);
  if (!RecordGeometry::hasRecords(scheme, k))
    return op->emitOpError("layout ")
           << layout << " needs groups of 32, 64, a multiple of 128 or the "
           << "whole row, found " << scheme.group;
  int64_t words = RecordGeometry(scheme, n, k).totalBytes() / 4;
  if (codes.getShape() != ArrayRef<int64_t>{words})
    return op->emitOpError("codes of ")
           << n << "x" << k << " in layout " << layout
           << " must have the shape [" << words << "], found " << codes;
  return success();
}

/// Checks the shapes of packed codes, scales and zero points of [n, k].
static LogicalResult verifyPacked(Operation *op, SchemeAttr scheme, Value codes,
                                  Value scales, Value zeros, int64_t n,
                                  int64_t k) {
  auto codesType = cast<RankedTensorType>(codes.getType());
  LayoutAttr layout = getLayout(codesType);
  if (!codesType.getElementType().isInteger(32))
    return op->emitOpError("packed codes must be i32 words, found ")
           << codesType;
  if (layout.getKind() == LayoutKind::MmaN32K128)
    return verifyRecords(op, scheme, codes, scales, zeros, n, k);
  if (failed(verifyLayoutFits(op, layout, n, k)))
    return failure();
  SmallVector<int64_t> words = getPackedShape(layout, n, k);
  if (codesType.getShape() != ArrayRef(words)) {
    InFlightDiagnostic diag = op->emitOpError("codes of ")
                              << n << "x" << k << " in layout " << layout
                              << " must have the shape [";
    llvm::interleaveComma(words, diag);
    return diag << "], found " << codesType;
  }
  int64_t groups = scheme.getNumGroups(k);
  SmallVector<int64_t> scaleShape, zeroShape;
  if (layout.getKind() == LayoutKind::AutoAWQGemm) {
    scaleShape = {groups, n};
    zeroShape = {groups, n / 8};
  } else {
    scaleShape = {(n + 15) / 16, groups, 16};
    zeroShape = scaleShape;
  }
  auto check = [&](StringRef what, Value value,
                   ArrayRef<int64_t> shape) -> LogicalResult {
    auto type = cast<RankedTensorType>(value.getType());
    if (type.getShape() == shape)
      return success();
    InFlightDiagnostic diag = op->emitOpError()
                              << what << " in layout " << layout
                              << " must have the shape [";
    llvm::interleaveComma(shape, diag);
    return diag << "], found " << type;
  };
  if (failed(check("scales", scales, scaleShape)))
    return failure();
  if (!zeros)
    return success();
  if (failed(check("zeros", zeros, zeroShape)))
    return failure();
  Builder builder(op->getContext());
  Type zeroType = layout.getKind() == LayoutKind::AutoAWQGemm
                      ? Type(builder.getI32Type())
                      : Type(builder.getF32Type());
  Type found = getElementTypeOrSelf(zeros.getType());
  if (found != zeroType)
    return op->emitOpError("zeros in layout ")
           << layout << " must be of " << zeroType << ", found " << found;
  return success();
}

/// Checks that zero points are there exactly if the scheme has some.
static LogicalResult verifyZerosPresent(Operation *op, SchemeAttr scheme,
                                        Value zeros) {
  if (scheme.isSymmetric() == static_cast<bool>(zeros))
    return op->emitOpError() << (zeros ? "a symmetric scheme has no zeros"
                                       : "an asymmetric scheme needs zeros");
  return success();
}

LogicalResult awq::verifyQuantizedWeight(QuantizedWeightOpInterface op,
                                         int64_t n, int64_t k) {
  auto codes = cast<RankedTensorType>(op.getCodes().getType());
  LayoutAttr layout = op.getLayout();
  if (!layout && !codes.getElementType().isInteger(8)) // C1
    return op->emitOpError("codes without a layout must be i8, found ")
           << codes;
  if (!layout && !isMatrix(codes, n, k)) // C1
    return op->emitOpError("codes must be ")
           << n << "x" << k << ", found " << codes;
  if (failed(verifyGroup(op, op.getScheme(), k))) // C4
    return failure();
  auto verifyPackedOperands = [&] {
    return verifyPacked(op, op.getScheme(), op.getCodes(), op.getScales(),
                        op.getZeros(), n, k); // C7
  };
  if (layout && layout.getKind() == LayoutKind::MmaN32K128)
    return verifyPackedOperands();
  if (!op.getScales()) // C8
    return op->emitOpError("needs scales");
  if (failed(verifyZerosPresent(op, op.getScheme(), op.getZeros()))) // C6
    return failure();
  if (layout)
    return verifyPackedOperands();
  return verifyGroupParameters(op, op.getScheme(), op.getScales().getType(),
                               op.getZeros(), n, k); // C5
}

LogicalResult QuantizedLinearOp::verify() {
  auto input = cast<RankedTensorType>(getInput().getType());
  auto result = cast<RankedTensorType>(getResult().getType());
  if (input.getRank() < 1 || result.getRank() < 1 ||
      input.isDynamicDim(input.getRank() - 1) ||
      result.isDynamicDim(result.getRank() - 1))
    return emitOpError("input and result need static last dimensions");
  int64_t k = getInputChannels(), n = getOutputChannels();
  if (failed(verifyLinearShapes(*this, input, result, getBias(), n))) // C2, C3
    return failure();
  return verifyQuantizedWeight(*this, n, k);
}

//===----------------------------------------------------------------------===//
// QuantizeOp, DequantizeOp, RepackOp, UnpackOp
//===----------------------------------------------------------------------===//

LogicalResult QuantizeOp::verify() {
  auto weight = cast<RankedTensorType>(getWeight().getType());
  if (weight.getRank() != 2 || !weight.hasStaticShape()) // C1
    return emitOpError("weight must be a static [N, K] matrix, found ")
           << weight;
  int64_t n = weight.getDimSize(0), k = weight.getDimSize(1);
  if (failed(verifyGroup(*this, getScheme(), k)))
    return failure();
  if (!isMatrix(getCodes().getType(), n, k)) // C2
    return emitOpError("codes must be ")
           << n << "x" << k << ", found " << getCodes().getType();
  Type scaleType =
      cast<RankedTensorType>(getScales().getType()).getElementType();
  if (scaleType != getScheme().getScale())
    return emitOpError("scales must be of the scheme's type ")
           << getScheme().getScale() << ", found " << scaleType;
  return verifyGroupParameters(*this, getScheme(), getScales().getType(),
                               getZeros(), n, k);
}

LogicalResult DequantizeOp::verify() {
  auto codes = cast<RankedTensorType>(getCodes().getType());
  if (codes.getRank() != 2 || !codes.hasStaticShape()) // C1
    return emitOpError("codes must be a static [N, K] matrix, found ") << codes;
  int64_t n = codes.getDimSize(0), k = codes.getDimSize(1);
  if (failed(verifyGroup(*this, getScheme(), k)) ||
      failed(verifyGroupParameters(*this, getScheme(), getScales().getType(),
                                   getZeros(), n, k))) // C2
    return failure();
  if (!isMatrix(getResult().getType(), n, k)) // C3
    return emitOpError("result must be ")
           << n << "x" << k << ", found " << getResult().getType();
  return success();
}

LogicalResult RepackOp::verify() {
  auto codes = cast<RankedTensorType>(getCodes().getType());
  auto words = cast<RankedTensorType>(getWords().getType());
  if (codes.getRank() != 2 || !codes.hasStaticShape()) // C1
    return emitOpError("codes must be a static [N, K] matrix, found ") << codes;
  LayoutAttr layout = getLayout(words);
  if (!layout) // C2
    return emitOpError("the result needs a layout, found ") << words;
  if (layout.getKind() == LayoutKind::MmaN32K128) // C3
    return emitOpError("layout ")
           << layout
           << " holds scales and zeros too; pack the linear instead, by "
              "awq-pack-weights";
  if (failed(verifyLayoutFits(*this, layout, codes.getDimSize(0),
                              codes.getDimSize(1))))
    return failure();
  SmallVector<int64_t> shape =
      getPackedShape(layout, codes.getDimSize(0), codes.getDimSize(1));
  if (words.getShape() != ArrayRef(shape)) {
    InFlightDiagnostic diag = emitOpError("words in layout ")
                              << layout << " must have the shape [";
    llvm::interleaveComma(shape, diag);
    return diag << "], found " << words;
  }
  return success();
}

LogicalResult UnpackOp::verify() {
  if (!getLayout(getPacked().getType())) // C1
    return emitOpError("needs packed codes with a layout, found ")
           << getPacked().getType();
  if (getLayout(getPacked().getType()).getKind() == LayoutKind::MmaN32K128)
    return emitOpError("needs a layout with scales of their own, found ")
           << getLayout(getPacked().getType());
  auto codes = cast<RankedTensorType>(getCodes().getType());
  if (codes.getRank() != 2 || !codes.hasStaticShape()) // C2
    return emitOpError("codes must be a static [N, K] matrix, found ") << codes;
  int64_t n = codes.getDimSize(0), k = codes.getDimSize(1);
  if (failed(verifyGroup(*this, getScheme(), k)) ||
      failed(verifyGroupParameters(*this, getScheme(), getScales().getType(),
                                   getZeros(), n, k)) || // C3
      failed(verifyZerosPresent(*this, getScheme(), getPackedZeros())))
    return failure();
  return verifyPacked(*this, getScheme(), getPacked(), getPackedScales(),
                      getPackedZeros(), n, k); // C4
}

//===----------------------------------------------------------------------===//
// ScaleChannelsOp, ClipGroupsOp, ObserveOp
//===----------------------------------------------------------------------===//

LogicalResult ScaleChannelsOp::verify() {
  auto input = cast<RankedTensorType>(getInput().getType());
  auto scale = cast<RankedTensorType>(getScale().getType());
  int64_t axis = getAxis();
  if (axis < 0 || axis >= input.getRank()) // C1
    return emitOpError("axis ") << axis << " is not a dimension of " << input;
  if (scale.getRank() != 1 || scale.isDynamicDim(0) ||
      scale.getDimSize(0) != input.getDimSize(axis)) // C2
    return emitOpError("scale must be a vector as long as dimension ")
           << axis << " of " << input << ", found " << scale;
  if (!getOffset().isZero() && !getInverse()) // C3
    return emitOpError("an offset is only allowed with inverse");
  return success();
}

LogicalResult ClipGroupsOp::verify() {
  auto weight = cast<RankedTensorType>(getWeight().getType());
  auto lo = cast<RankedTensorType>(getLo().getType());
  if (weight.getRank() != 2 || !weight.hasStaticShape() || lo.getRank() != 2 ||
      !lo.hasStaticShape() || lo.getDimSize(0) != weight.getDimSize(0) ||
      lo.getDimSize(1) == 0 ||
      weight.getDimSize(1) % lo.getDimSize(1) != 0) // C1
    return emitOpError("bounds must be [N, G] with G dividing K for a weight "
                       "[N, K], found ")
           << lo << " for " << weight;
  return success();
}

/// Checks one part, `fit` or `guard`, of an observer's statistics.
static LogicalResult verifyPart(ObserveOp op, NamedAttribute part,
                                int64_t channels) {
  auto values = dyn_cast<DictionaryAttr>(part.getValue());
  StringRef name = part.getName().getValue();
  if ((name != "fit" && name != "guard") || !values)
    return op.emitOpError("statistics hold the dictionaries fit and guard, "
                          "found ")
           << name;
  if (!isa_and_present<IntegerAttr>(values.get("tokens")))
    return op.emitOpError("statistics of ") << name << " need tokens";
  for (NamedAttribute entry : values) {
    if (entry.getName() == "tokens")
      continue;
    bool isGram = entry.getName() == "gram";
    auto numbers = dyn_cast<ElementsAttr>(entry.getValue());
    bool isRaw =
        isa<DenseElementsAttr, DenseResourceElementsAttr>(entry.getValue());
    SmallVector<int64_t> shape(isGram ? 2 : 1, channels);
    if (!isRaw || !numbers.getElementType().isF32() ||
        numbers.getShapedType().getShape() != ArrayRef(shape))
      return op.emitOpError()
             << name << "." << entry.getName().getValue()
             << " must be dense f32 of " << (isGram ? "KxK" : "K")
             << " for K = " << channels;
  }
  return success();
}

LogicalResult ObserveOp::verify() {
  if (getSite().empty())
    return emitOpError("needs a site name");
  std::optional<DictionaryAttr> statistics = getStatistics();
  if (!statistics)
    return success();
  int64_t channels = getNumChannels(getInput());
  for (NamedAttribute part : *statistics)
    if (failed(verifyPart(*this, part, channels)))
      return failure();
  return success();
}
