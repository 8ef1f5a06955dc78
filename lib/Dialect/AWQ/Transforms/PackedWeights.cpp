//===- PackedWeights.cpp - numbers of packed weights -----------*- C++ -*-===//
//
// Part of the awq-mlir project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "PackedWeights.h"

#include "awq/Dialect/AWQ/Utils/Half.h"
#include "awq/Dialect/AWQ/Utils/Layouts.h"

#include <cstring>

using namespace mlir;
using namespace awq;

template <typename T>
static std::vector<char> toBytes(const std::vector<T> &v) {
  std::vector<char> bytes(v.size() * sizeof(T));
  std::memcpy(bytes.data(), v.data(), bytes.size());
  return bytes;
}

/// The bytes that a parameter has in a packed array of `type`.
static FailureOr<std::vector<char>> readArray(Value value, PackedType type,
                                              ParameterStore &store) {
  if (type == PackedType::I32) {
    FailureOr<std::vector<uint32_t>> words = store.readWords(value);
    if (failed(words))
      return failure();
    return toBytes(*words);
  }
  FailureOr<std::vector<float>> floats = store.readFloats(value);
  if (failed(floats))
    return failure();
  if (type == PackedType::F32)
    return toBytes(*floats);
  std::vector<uint16_t> halves(floats->size());
  floatToHalf(floats->data(), halves.data(), halves.size());
  return toBytes(halves);
}

static FailureOr<const Layout *> getWeightLayout(const PackedWeight &weight) {
  LayoutAttr attr = getLayout(weight.codes.getType());
  if (const Layout *layout =
          awq::findLayout(stringifyLayoutKind(attr.getKind())))
    return layout;
  return weight.op->emitError("codes in layout ")
         << attr << " cannot be unpacked";
}

FailureOr<std::vector<uint8_t>>
PackedWeight::readCodes(ParameterStore &store) const {
  FailureOr<const Layout *> layout = getWeightLayout(*this);
  if (failed(layout))
    return failure();
  FailureOr<std::vector<char>> bytes =
      readArray(codes, (*layout)->codesShape(n, k).type, store);
  if (failed(bytes))
    return failure();
  std::vector<uint8_t> result(n * k);
  (*layout)->unpackCodes(bytes->data(), n, k, result.data());
  return result;
}

FailureOr<std::vector<float>>
PackedWeight::readScales(ParameterStore &store) const {
  FailureOr<const Layout *> layout = getWeightLayout(*this);
  if (failed(layout))
    return failure();
  int64_t groups = scheme.getNumGroups(k);
  FailureOr<std::vector<char>> bytes =
      readArray(scales, (*layout)->scalesShape(n, groups).type, store);
  if (failed(bytes))
    return failure();
  std::vector<float> result(n * groups);
  (*layout)->unpackScales(bytes->data(), n, groups, result.data());
  return result;
}

FailureOr<std::vector<uint8_t>>
PackedWeight::readZeros(ParameterStore &store) const {
  int64_t groups = scheme.getNumGroups(k);
  std::vector<uint8_t> result(n * groups,
                              toQuantScheme(scheme).symmetricZero());
  if (!zeros)
    return result;
  FailureOr<const Layout *> layout = getWeightLayout(*this);
  if (failed(layout))
    return failure();
  FailureOr<std::vector<char>> bytes =
      readArray(zeros, (*layout)->zerosShape(n, groups).type, store);
  if (failed(bytes))
    return failure();
  (*layout)->unpackZeros(bytes->data(), n, groups, result.data());
  return result;
}

PackedWeight awq::getPackedWeight(QuantizedWeightOpInterface op) {
  return {op,
          op.getCodes(),
          op.getScales(),
          op.getZeros(),
          op.getScheme(),
          op.getOutputChannels(),
          op.getInputChannels()};
}

PackedWeight awq::getPackedWeight(UnpackOp op) {
  auto codes = cast<RankedTensorType>(op.getCodes().getType());
  return {op,
          op.getPacked(),
          op.getPackedScales(),
          op.getPackedZeros(),
          op.getScheme(),
          codes.getDimSize(0),
          codes.getDimSize(1)};
}
