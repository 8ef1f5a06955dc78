//===- BlockWeights.cpp - weights in blocks of codes ------- -*- C++ -*-===//
//
// Part of the awq-mlir project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "BlockWeights.h"

#include "Constants.h"
#include "awq/Dialect/AWQ/IR/AWQ.h"

using namespace mlir;
using namespace awq;
using namespace awq::onnx;

std::vector<char> onnx::transposeBytes(const std::vector<char> &bytes,
                                       int64_t rows, int64_t columns) {
  if (bytes.empty())
    return {};
  std::vector<char> turned(bytes.size());
  for (int64_t i = 0; i < rows; ++i)
    for (int64_t j = 0; j < columns; ++j)
      turned[j * rows + i] = bytes[i * columns + j];
  return turned;
}

/// A constant of bytes.
static Value bytesConstant(Emitter &e, ArrayRef<int64_t> shape,
                           const std::vector<char> &bytes) {
  auto type = RankedTensorType::get(shape, e.b.getI8Type());
  return arith::ConstantOp::create(
      e.b, DenseElementsAttr::getFromRawBuffer(type, bytes));
}

std::optional<Tensor> BlockWeight::emit(Emitter &e) const {
  if (group < 16 || group > 1024 || columns % group != 0 || bits < 2 ||
      bits > 8 || scales.type == OnnxType::F64)
    return std::nullopt;
  int64_t groups = columns / group;
  std::vector<char> points = zeros;
  bool isSymmetric = points.empty();
  if (isSymmetric)
    points.assign(rows * groups, static_cast<char>(1 << (bits - 1)));
  auto scheme = SchemeAttr::get(e.b.getContext(), bits, group,
                                isSymmetric ? ZeroPointKind::Symmetric
                                            : ZeroPointKind::Asymmetric,
                                e.elementType(scales.type));
  Value scaleValues = e.value(e.reshape(scales, {rows, groups}));
  auto type = RankedTensorType::get({rows, columns}, e.b.getF32Type());
  Value weight = DequantizeOp::create(
      e.b, type, bytesConstant(e, {rows, columns}, codes), scaleValues,
      bytesConstant(e, {rows, groups}, points), scheme);
  return e.wrap(weight, OnnxType::F32, {rows, columns});
}

/// The bytes of an initializer of as many as `needed`; null if it is another.
static const uint8_t *bytesOf(OpContext &op, const Tensor &tensor,
                              int64_t needed, const char *what) {
  const io::OnnxTensor *source = tensor.initializer;
  if (!source || io::bitWidth(source->type) != 8) {
    op.note(op.unsupported(Twine(what) + " that are no constant bytes"));
    return nullptr;
  }
  if (source->bytes != uint64_t(needed)) {
    op.note(op.invalid(Twine(what) + " of " + Twine(source->bytes) +
                       " bytes, where " + Twine(needed) + " belong"));
    return nullptr;
  }
  return source->data;
}

BlockWeight onnx::readBlocks(OpContext &op, int64_t rows, int64_t columns,
                             int64_t block, int64_t bits, const Tensor &codes,
                             const Tensor &scales, const Tensor &zeros) {
  BlockWeight weight;
  if (rows <= 0 || columns <= 0 || block < 16 || block % 8 != 0 ||
      (bits != 2 && bits != 4 && bits != 8)) {
    op.note(op.unsupported("a weight of " + Twine(rows) + " x " +
                           Twine(columns) + " in blocks of " + Twine(block) +
                           " with " + Twine(bits) + " bits"));
    return weight;
  }
  if (columns % block != 0) {
    op.note(op.unsupported("blocks of " + Twine(block) + " in rows of " +
                           Twine(columns)));
    return weight;
  }
  int64_t groups = columns / block;
  if (countElements(scales.shape) != rows * groups || !isFloat(scales.type)) {
    op.note(op.invalid("scales that do not fit the weight"));
    return weight;
  }
  weight.rows = rows;
  weight.columns = columns;
  weight.group = block;
  weight.bits = bits;
  weight.scales = scales;
  if (const uint8_t *bytes =
          bytesOf(op, codes, rows * columns * bits / 8, "codes"))
    weight.codes = unpackCodes(bytes, rows * columns, bits);
  if (zeros && isFloat(zeros.type))
    op.note(op.unsupported("zero points that are floats"));
  if (!zeros || !op.ok())
    return weight;
  int64_t rowBytes = (groups * bits + 7) / 8;
  const uint8_t *points = bytesOf(op, zeros, rows * rowBytes, "zero points");
  for (int64_t row = 0; points && row < rows; ++row) {
    std::vector<char> line = unpackCodes(points + row * rowBytes, groups, bits);
    weight.zeros.insert(weight.zeros.end(), line.begin(), line.end());
  }
  return weight;
}
