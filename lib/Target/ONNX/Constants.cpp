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

std::vector<char> onnx::unpackCodes(const uint8_t *bytes, int64_t count,
                                    int64_t bits) {
  std::vector<char> codes(count);
  for (int64_t i = 0; i < count; ++i) {
    int64_t place = i * bits;
    codes[i] = static_cast<char>((bytes[place / 8] >> (place % 8)) &
                                 ((1 << bits) - 1));
  }
  return codes;
}

std::vector<char> onnx::readCodes(const io::OnnxTensor &tensor, int shift) {
  int64_t bits = io::bitWidth(tensor.type);
  std::vector<char> codes =
      unpackCodes(tensor.data, tensor.elementCount(), bits);
  bool isSigned = !isUnsigned(tensor.type);
  for (char &code : codes) {
    int number = static_cast<uint8_t>(code);
    if (isSigned && number >= 1 << (bits - 1))
      number -= 1 << bits;
    code = static_cast<char>(number + shift);
  }
  return codes;
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
    bytes = readCodes(tensor, 0);
  else
    bytes.assign(tensor.data, tensor.data + tensor.bytes);
  return emitter.fromConstant(tensor.type,
                              DenseElementsAttr::getFromRawBuffer(type, bytes));
}
