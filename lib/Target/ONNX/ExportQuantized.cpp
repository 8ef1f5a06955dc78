//===- ExportQuantized.cpp - quantized weights as ONNX --------------------===//
//
// Part of the awq-mlir project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Exporter.h"

#include "awq/Dialect/AWQ/Transforms/ScalingGroups.h"
#include "awq/Dialect/AWQ/Utils/Layouts.h"

using namespace mlir;
using namespace awq;
using namespace awq::onnx;
using io::OnnxType;

/// What the kernels of MatMulNBits take, in powers of two.
static constexpr int64_t smallestBlock = 16, largestBlock = 256;

//===----------------------------------------------------------------------===//
// Reading
//===----------------------------------------------------------------------===//

static int64_t elements(int64_t rows, int64_t columns) {
  return rows * columns;
}

std::optional<Exporter::Quantized>
Exporter::readQuantized(QuantizedLinearOp op) {
  SchemeAttr scheme = op.getScheme();
  Quantized weight;
  weight.n = width(op.getResult());
  weight.k = width(op.getInput());
  weight.group = scheme.getGroupSize(weight.k);
  // Codes of fewer bits are smaller numbers; so are their zero points.
  weight.bits = scheme.getBits() <= 4 ? 4 : 8;
  uint8_t middle = uint8_t(1) << (scheme.getBits() - 1);
  weight.symmetric =
      scheme.isSymmetric() && int(scheme.getBits()) == weight.bits;
  int64_t n = weight.n, k = weight.k, groups = weight.groups();
  auto type = cast<RankedTensorType>(op.getCodes().getType());
  FailureOr<std::vector<float>> scales = std::vector<float>();
  if (auto layout = dyn_cast_or_null<LayoutAttr>(type.getEncoding())) {
    const Layout &gemm = *findLayout("autoawq_gemm");
    if (layout.getKind() != LayoutKind::AutoAWQGemm) {
      failOp(op, "its codes are packed for a machine; export the module as it "
                 "was before awq-pack-weights");
      return std::nullopt;
    }
    auto words = store.readWords(op.getCodes());
    scales = store.readFloats(op.getScales());
    if (failed(words) || failed(scales))
      return std::nullopt;
    weight.codes.resize(elements(n, k));
    gemm.unpackCodes(words->data(), n, k, weight.codes.data());
    weight.zeros.assign(elements(n, groups), middle);
    if (op.getZeros()) {
      auto packed = store.readWords(op.getZeros());
      if (failed(packed))
        return std::nullopt;
      gemm.unpackZeros(packed->data(), n, groups, weight.zeros.data());
    }
    // [groups, n] in this layout.
    weight.scales.resize(elements(n, groups));
    for (int64_t row = 0; row < n; ++row)
      for (int64_t g = 0; g < groups; ++g)
        weight.scales[row * groups + g] = (*scales)[g * n + row];
    return weight;
  }
  auto codes = store.readBytes(op.getCodes());
  scales = store.readFloats(op.getScales());
  if (failed(codes) || failed(scales))
    return std::nullopt;
  weight.codes = std::move(*codes);
  weight.scales = std::move(*scales);
  weight.zeros.assign(elements(n, groups), middle);
  if (op.getZeros()) {
    auto zeros = store.readBytes(op.getZeros());
    if (failed(zeros))
      return std::nullopt;
    weight.zeros = std::move(*zeros);
  }
  return weight;
}

//===----------------------------------------------------------------------===//
// MatMulNBits
//===----------------------------------------------------------------------===//

/// Numbers of 4 bits, two to a byte, the first in the low one; each row is
/// rounded up to whole bytes.
static std::vector<uint8_t> packRows(ArrayRef<uint8_t> values, int64_t rows) {
  int64_t columns = values.size() / rows, bytes = (columns + 1) / 2;
  std::vector<uint8_t> packed(rows * bytes);
  for (int64_t r = 0; r < rows; ++r)
    for (int64_t c = 0; c < columns; ++c)
      packed[r * bytes + c / 2] |= values[r * columns + c] << (c % 2 * 4);
  return packed;
}

/// Each element `times` times.
template <typename T>
static std::vector<T> repeated(ArrayRef<T> values, int64_t times) {
  std::vector<T> result;
  result.reserve(values.size() * times);
  for (T value : values)
    result.insert(result.end(), times, value);
  return result;
}

/// The operator's blocks are powers of two: a group of 96 is three of 32.
static int64_t blockSize(int64_t group) {
  int64_t block = group & -group;
  return std::min(block, largestBlock);
}

static Status checkBlock(int64_t group, StringRef name) {
  if (blockSize(group) >= smallestBlock)
    return {};
  return Error{ErrorKind::Unsupported, "AWQ1153",
               "MatMulNBits has blocks of 16 to 256 weights, and groups of " +
                   std::to_string(group) + " cannot be made of them",
               name.str(),
               "use --format qdq, or quantize with another group size"};
}

Status Exporter::checkBlocks(const QuantScheme &scheme) {
  Status first;
  module.walk([&](LinearOp op) {
    bool isInLayer = op->getParentOfType<func::FuncOp>()->hasAttr("awq.layer");
    if (format == WeightFormat::MatMulNBits && isInLayer && first)
      first = checkBlock(scheme.group > 0 ? scheme.group : width(op.getInput()),
                         getOpName(op));
  });
  return first;
}

std::string Exporter::nBitsProduct(QuantizedLinearOp op, Quantized weight,
                                   StringRef name) {
  int64_t block = blockSize(weight.group), n = weight.n, k = weight.k;
  if (Status status = checkBlock(weight.group, name); !status) {
    fail(status.error());
    return "";
  }
  int64_t parts = weight.group / block, blocks = k / block;
  bool nibbles = weight.bits == 4;
  std::string prefix = graph.unique((name + ".MatMul.weight").str());
  std::string x = tensor(op.getInput());
  Names inputs = {x, prefix + "_Q" + std::to_string(weight.bits),
                  prefix + "_scales"};
  if (nibbles)
    weight.codes = packRows(weight.codes, n);
  tensorOf(inputs[1], OnnxType::U8, {n, blocks, block * weight.bits / 8},
           weight.codes.data(), weight.codes.size());
  std::vector<float> scales = repeated<float>(weight.scales, parts);
  floats(inputs[2], {n, blocks}, scales);
  if (!weight.symmetric) {
    std::vector<uint8_t> zeros = repeated<uint8_t>(weight.zeros, parts);
    if (nibbles)
      zeros = packRows(zeros, n);
    inputs.push_back(prefix + "_zero_points");
    tensorOf(inputs[3], OnnxType::U8, {n, int64_t(zeros.size()) / n},
             zeros.data(), zeros.size());
  }
  return graph
      .addNode("MatMulNBits", inputs, {graph.resultName("MatMulNBits")},
               {{"K", k},
                {"N", n},
                {"bits", int64_t(weight.bits)},
                {"block_size", block}},
               ExportGraph::contrib)
      .front();
}

//===----------------------------------------------------------------------===//
// DequantizeLinear
//===----------------------------------------------------------------------===//

template <typename T>
static std::vector<T> transposed(ArrayRef<T> values, int64_t rows) {
  int64_t columns = values.size() / rows;
  std::vector<T> result(values.size());
  constexpr int64_t tile = 64;
  for (int64_t r0 = 0; r0 < rows; r0 += tile)
    for (int64_t c0 = 0; c0 < columns; c0 += tile)
      for (int64_t r = r0; r < std::min(r0 + tile, rows); ++r)
        for (int64_t c = c0; c < std::min(c0 + tile, columns); ++c)
          result[c * rows + r] = values[r * columns + c];
  return result;
}

/// Codes [K, N] with scales and zero points [K / group, N] along axis 0.
/// Symmetric ones are signed and have no zero points.
std::string Exporter::qdqWeight(const Quantized &weight, StringRef name) {
  std::string prefix = graph.unique((name + ".MatMul.weight_DQ").str());
  bool nibbles = weight.bits == 4, isSigned = weight.symmetric;
  OnnxType type = nibbles ? (isSigned ? OnnxType::I4 : OnnxType::U4)
                          : (isSigned ? OnnxType::I8 : OnnxType::U8);
  int64_t n = weight.n, k = weight.k, groups = weight.groups();
  std::vector<uint8_t> codes = transposed<uint8_t>(weight.codes, n);
  // q - 2^(b-1) in two's complement is q with its highest bit turned.
  uint8_t highest = uint8_t(1) << (weight.bits - 1);
  if (isSigned)
    for (uint8_t &code : codes)
      code ^= highest;
  if (nibbles)
    codes = packRows(codes, 1);
  Names inputs = {prefix + "_Q" + std::to_string(weight.bits),
                  prefix + "_scales"};
  tensorOf(inputs[0], type, {k, n}, codes.data(), codes.size());
  std::vector<float> scales = transposed<float>(weight.scales, n);
  floats(inputs[1], {groups, n}, scales);
  if (!isSigned) {
    std::vector<uint8_t> zeros = transposed<uint8_t>(weight.zeros, n);
    if (nibbles)
      zeros = packRows(zeros, 1);
    inputs.push_back(prefix + "_zero_points");
    tensorOf(inputs[2], type, {groups, n}, zeros.data(), zeros.size());
  }
  return graph.add("DequantizeLinear", inputs,
                   {{"axis", int64_t(0)}, {"block_size", weight.group}});
}

std::string Exporter::dequantized(const Quantized &weight, StringRef name) {
  int64_t n = weight.n, k = weight.k, groups = weight.groups();
  std::vector<float> values(elements(k, n));
  for (int64_t row = 0; row < n; ++row)
    for (int64_t column = 0; column < k; ++column) {
      int64_t group = row * groups + column / weight.group;
      int code = weight.codes[row * k + column];
      values[column * n + row] =
          static_cast<float>(code - weight.zeros[group]) * weight.scales[group];
    }
  return floats(graph.unique((name + ".MatMul.weight").str()), {k, n}, values);
}
