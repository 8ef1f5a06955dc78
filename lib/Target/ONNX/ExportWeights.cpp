//===- ExportWeights.cpp - parameters and float linears as ONNX -----------===//
//
// Part of the awq-mlir project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Tables and weights keep the type that they are stored in, with a Cast behind
// them; vectors (norms, biases) are written as float32.
//
//===----------------------------------------------------------------------===//

#include "Exporter.h"

#include "mlir/Dialect/MLProgram/IR/MLProgram.h"

#include <cstring>

using namespace mlir;
using namespace awq;
using namespace awq::onnx;
using io::OnnxType;

static StringRef symbolOf(Value value) {
  auto load = value.getDefiningOp<ml_program::GlobalLoadConstOp>();
  return load ? load.getGlobal().getLeafReference().getValue() : StringRef();
}

void Exporter::findTables() {
  module.walk([&](decoder::EmbeddingOp op) {
    if (StringRef symbol = symbolOf(op.getTable()); !symbol.empty())
      tables.insert(symbol);
  });
}

//===----------------------------------------------------------------------===//
// Parameters
//===----------------------------------------------------------------------===//

void Exporter::tensorOf(const std::string &name, OnnxType type,
                        const std::vector<int64_t> &shape, const void *data,
                        uint64_t bytes) {
  if (!status)
    return;
  if (Status added = writer.addTensor(name, type, shape, data, bytes); !added)
    fail(added.error());
}

std::string Exporter::floats(StringRef name, ArrayRef<int64_t> shape,
                             ArrayRef<float> values) {
  tensorOf(name.str(), OnnxType::F32, shape.vec(), values.data(),
           values.size() * sizeof(float));
  return name.str();
}

/// After its symbol, or the op that reads it.
std::string Exporter::parameterName(Value value) {
  StringRef symbol = symbolOf(value);
  return symbol.empty() ? "constant" : symbol.str();
}

std::string Exporter::parameter(Value value) {
  StringRef symbol = symbolOf(value);
  std::string key = symbol.empty() ? "" : symbol.str() + " float32";
  if (auto found = written.find(key); !key.empty() && found != written.end())
    return found->second;
  FailureOr<std::vector<float>> values = store.readFloats(value);
  if (failed(values))
    return "";
  std::string name =
      floats(graph.unique(parameterName(value)), shape(value), *values);
  if (!key.empty())
    written[key] = name;
  return name;
}

static OnnxType onnxType(Type type) {
  return type.isF16()    ? OnnxType::F16
         : type.isBF16() ? OnnxType::BF16
                         : OnnxType::F32;
}

std::string Exporter::stored(Value value, OnnxType &type) {
  type = onnxType(getElementTypeOrSelf(value.getType()));
  StringRef symbol = symbolOf(value);
  std::string key = symbol.empty() ? "" : symbol.str() + " stored";
  if (auto found = written.find(key); !key.empty() && found != written.end())
    return found->second;
  std::vector<char> storage;
  FailureOr<ArrayRef<char>> bytes = store.view(value, storage);
  if (failed(bytes))
    return "";
  std::string name = graph.unique(parameterName(value));
  tensorOf(name, type, shape(value).vec(), bytes->data(), bytes->size());
  if (!key.empty())
    written[key] = name;
  return name;
}

//===----------------------------------------------------------------------===//
// Linears
//===----------------------------------------------------------------------===//

/// Elements [rows, columns] of `width` bytes as [columns, rows].
static std::vector<char> transposed(ArrayRef<char> bytes, int64_t rows,
                                    int64_t columns, int64_t width) {
  std::vector<char> result(bytes.size());
  constexpr int64_t tile = 32;
  for (int64_t r0 = 0; r0 < rows; r0 += tile)
    for (int64_t c0 = 0; c0 < columns; c0 += tile)
      for (int64_t r = r0; r < std::min(r0 + tile, rows); ++r)
        for (int64_t c = c0; c < std::min(c0 + tile, columns); ++c)
          std::memcpy(&result[(c * rows + r) * width],
                      &bytes[(r * columns + c) * width], width);
  return result;
}

std::string Exporter::transposedWeight(Value weight, StringRef name) {
  OnnxType type = onnxType(getElementTypeOrSelf(weight.getType()));
  // What the embedding reads as well is there once.
  std::string result;
  if (tables.contains(symbolOf(weight))) {
    result = graph.transpose(stored(weight, type), {1, 0});
  } else {
    std::vector<char> storage;
    FailureOr<ArrayRef<char>> bytes = store.view(weight, storage);
    if (failed(bytes))
      return "";
    int64_t n = shape(weight)[0], k = shape(weight)[1];
    std::vector<char> turned = transposed(*bytes, n, k, io::bitWidth(type) / 8);
    result = graph.unique((name + ".MatMul.weight").str());
    tensorOf(result, type, {k, n}, turned.data(), turned.size());
  }
  return type == OnnxType::F32 ? result : graph.cast(result, OnnxType::F32);
}

void Exporter::addBias(Operation *op, std::string product, Value bias) {
  if (bias)
    product = graph.add("Add", {product, parameter(bias)});
  define(op->getResult(0), product);
}

static std::string nameOf(Operation *op) {
  auto name = op->getAttrOfType<StringAttr>("awq.name");
  return name ? name.getValue().str() : "linear";
}

void Exporter::convertLinear(LinearOp op) {
  std::string x = tensor(op.getInput());
  if (!isParameter(op.getWeight()))
    return failOp(op, "its weight is no parameter");
  std::string weight = transposedWeight(op.getWeight(), nameOf(op));
  addBias(op, graph.add("MatMul", {x, weight}), op.getBias());
}

void Exporter::convertQuantizedLinear(QuantizedLinearOp op) {
  std::string x = tensor(op.getInput()), name = nameOf(op);
  std::optional<Quantized> weight = readQuantized(op);
  if (!weight)
    return;
  std::string product;
  if (format == WeightFormat::MatMulNBits) {
    product = nBitsProduct(op, std::move(*weight), name);
  } else {
    std::string matrix = format == WeightFormat::QDQ
                             ? qdqWeight(*weight, name)
                             : dequantized(*weight, name);
    product = graph.add("MatMul", {x, matrix});
  }
  addBias(op, product, op.getBias());
}
