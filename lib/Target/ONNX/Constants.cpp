//===- Constants.cpp - tensors in the model --------------- -*- C++ -*-===//
//
// Part of the awq-mlir project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Constants.h"

#include <cstring>

using namespace mlir;
using namespace awq;
using namespace awq::onnx;

/// Elements of 2 or 4 bits, one byte each, signed ones extended.
static std::vector<char> unpack(const io::OnnxTensor &tensor) {
  int64_t bits = io::bitWidth(tensor.type), count = tensor.elementCount();
  bool isSigned = tensor.type == OnnxType::I4 || tensor.type == OnnxType::I2;
  std::vector<char> bytes(count);
  for (int64_t i = 0; i < count; ++i) {
    int64_t place = i * bits;
    int code = (tensor.data[place / 8] >> (place % 8)) & ((1 << bits) - 1);
    if (isSigned && code >= 1 << (bits - 1))
      code -= 1 << bits;
    bytes[i] = static_cast<char>(code);
  }
  return bytes;
}

Result<Tensor> onnx::makeConstant(Emitter &emitter,
                                  const io::OnnxTensor &tensor) {
  Type element = emitter.elementType(tensor.type);
  if (!element)
    return Error{ErrorKind::Unsupported, "AWQ1141",
                 "a tensor of " + io::name(tensor.type), tensor.name,
                 "store it in another type"};
  auto type = RankedTensorType::get(tensor.shape, element);
  if (type.getNumElements() == 0)
    return emitter.fromConstant(
        tensor.type, DenseElementsAttr::get(type, ArrayRef<Attribute>()));
  if (tensor.type == OnnxType::Bool) {
    std::vector<char> flags(tensor.data, tensor.data + tensor.bytes);
    SmallVector<bool> bits;
    for (char flag : flags)
      bits.push_back(flag != 0);
    return emitter.fromConstant(tensor.type,
                                DenseElementsAttr::get(type, ArrayRef(bits)));
  }
  std::vector<char> bytes;
  if (io::bitWidth(tensor.type) < 8)
    bytes = unpack(tensor);
  else
    bytes.assign(tensor.data, tensor.data + tensor.bytes);
  return emitter.fromConstant(tensor.type,
                              DenseElementsAttr::getFromRawBuffer(type, bytes));
}
