//===- TensorFields.cpp - where ONNX tensors have their elements ----------===//
//
// Part of the awq-mlir project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "TensorFields.h"

using namespace awq;
using namespace awq::io;

const char *io::nameOf(DataField field) {
  switch (field) {
  case DataField::FloatData:
    return "float_data";
  case DataField::Int32Data:
    return "int32_data";
  case DataField::StringData:
    return "string_data";
  case DataField::Int64Data:
    return "int64_data";
  case DataField::RawData:
    return "raw_data";
  case DataField::DoubleData:
    return "double_data";
  case DataField::Uint64Data:
    return "uint64_data";
  case DataField::None:
    break;
  }
  return nullptr;
}

DataField io::fieldOf(OnnxType type) {
  switch (type) {
  case OnnxType::F32:
  case OnnxType::C64:
    return DataField::FloatData;
  case OnnxType::F64:
  case OnnxType::C128:
    return DataField::DoubleData;
  case OnnxType::I64:
    return DataField::Int64Data;
  case OnnxType::U32:
  case OnnxType::U64:
    return DataField::Uint64Data;
  case OnnxType::String:
    return DataField::StringData;
  default:
    return DataField::Int32Data;
  }
}

uint64_t io::widthOf(DataField field) {
  return field == DataField::FloatData    ? 4
         : field == DataField::DoubleData ? 8
                                          : 0;
}

WireType io::loneType(DataField field) {
  if (field == DataField::RawData || field == DataField::StringData)
    return WireType::Bytes;
  uint64_t width = widthOf(field);
  return width == 4   ? WireType::Fixed32
         : width == 8 ? WireType::Fixed64
                      : WireType::Varint;
}

DataField io::dataField(uint32_t number) {
  auto field = static_cast<DataField>(number);
  return number < 16 && nameOf(field) ? field : DataField::None;
}

std::pair<int64_t, int64_t> io::rangeOf(OnnxType type) {
  switch (type) {
  case OnnxType::Bool:
    return {0, 1};
  case OnnxType::U8:
    return {0, 255};
  case OnnxType::I8:
    return {-128, 127};
  case OnnxType::I16:
    return {-32768, 32767};
  case OnnxType::U16:
  case OnnxType::F16:
  case OnnxType::BF16:
    return {0, 65535};
  case OnnxType::I32:
    return {INT32_MIN, INT32_MAX};
  default:
    // A byte, of an 8-bit float or of several packed elements. Some writers
    // extend its sign.
    return {-128, 255};
  }
}
