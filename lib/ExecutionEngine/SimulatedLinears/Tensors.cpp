//===- Tensors.cpp - numbers and shapes of tensors ------------------------===//
//
// Part of the awq-mlir project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Tensors.h"

#include "awq/Dialect/AWQ/Transforms/ParameterStore.h"
#include "awq/Dialect/AWQ/Utils/Half.h"

#include <cstring>

using namespace mlir;
using namespace awq;
using namespace awq::gpusim;
using runtime::Tensor;

bool awq::gpusim::fitsType(Type wanted, const Tensor &tensor) {
  auto type = dyn_cast<RankedTensorType>(wanted);
  bool fits = type && toDType(type.getElementType()) == tensor.dtype &&
              type.getRank() == int64_t(tensor.shape.size());
  for (int64_t i = 0; fits && i < type.getRank(); ++i)
    fits = type.isDynamicDim(i) || type.getDimSize(i) == tensor.shape[i];
  return fits;
}

std::vector<float> awq::gpusim::toFloats(const Tensor &tensor) {
  if (tensor.dtype == io::DType::F32) {
    std::vector<float> numbers(tensor.bytes.size() / 4);
    std::memcpy(numbers.data(), tensor.bytes.data(), numbers.size() * 4);
    return numbers;
  }
  std::vector<uint16_t> bits(tensor.bytes.size() / 2);
  std::memcpy(bits.data(), tensor.bytes.data(), bits.size() * 2);
  std::vector<float> numbers(bits.size());
  bool bf16 = tensor.dtype == io::DType::BF16;
  for (size_t i = 0; i < bits.size(); ++i)
    numbers[i] = bf16 ? bfloatToFloat(bits[i]) : halfToFloat(bits[i]);
  return numbers;
}

Tensor awq::gpusim::toTensor(const std::vector<float> &numbers, io::DType dtype,
                             std::vector<int64_t> shape) {
  Tensor tensor{dtype, std::move(shape), {}};
  size_t width = dtype == io::DType::F32 ? 4 : 2;
  tensor.bytes.resize(numbers.size() * width);
  if (width == 4) {
    std::memcpy(tensor.bytes.data(), numbers.data(), tensor.bytes.size());
    return tensor;
  }
  for (size_t i = 0; i < numbers.size(); ++i) {
    uint16_t bits = dtype == io::DType::BF16 ? floatToBfloat(numbers[i])
                                             : floatToHalf(numbers[i]);
    std::memcpy(tensor.bytes.data() + 2 * i, &bits, 2);
  }
  return tensor;
}

Tensor awq::gpusim::takeColumns(const Tensor &source, int64_t first,
                                int64_t count) {
  int64_t rows = source.shape[0], width = io::bitWidth(source.dtype) / 8;
  Tensor result{source.dtype, {rows, count}, {}};
  for (int64_t row = 0; row < rows; ++row) {
    const uint8_t *from =
        source.bytes.data() + (row * source.shape[1] + first) * width;
    result.bytes.insert(result.bytes.end(), from, from + count * width);
  }
  return result;
}

Tensor awq::gpusim::reshape(Tensor tensor, RankedTensorType type) {
  int64_t elements = 1, known = 1;
  for (int64_t size : tensor.shape)
    elements *= size;
  for (int64_t size : type.getShape())
    known *= ShapedType::isDynamic(size) ? 1 : size;
  tensor.shape.clear();
  for (int64_t size : type.getShape())
    tensor.shape.push_back(ShapedType::isDynamic(size) ? elements / known
                                                       : size);
  return tensor;
}
