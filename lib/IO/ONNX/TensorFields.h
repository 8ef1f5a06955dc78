//===- TensorFields.h - where ONNX tensors have elements --------*- C++ -*-===//
//
// Part of the awq-mlir project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef AWQ_LIB_IO_ONNX_TENSORFIELDS_H
#define AWQ_LIB_IO_ONNX_TENSORFIELDS_H

#include "Wire.h"
#include "awq/IO/Onnx.h"

#include <utility>

namespace awq::io {

/// The fields of TensorProto that hold elements.
enum class DataField : uint32_t {
  None = 0,
  FloatData = 4,
  Int32Data = 5,
  StringData = 6,
  Int64Data = 7,
  RawData = 9,
  DoubleData = 10,
  Uint64Data = 11
};

/// The one of that number, or None.
DataField dataField(uint32_t number);

/// The field's name; null for None.
const char *nameOf(DataField field);

/// The field that elements of this type are in when they are not raw.
DataField fieldOf(OnnxType type);

/// Bytes of a number in this field; 0 for varints, strings and raw data.
uint64_t widthOf(DataField field);

/// The wire type of one number that is written alone.
WireType loneType(DataField field);

/// The range that a number in int32_data must be in. All of 32 bits for INT32
/// itself, since protobuf's own parser keeps the low 32 bits of any number.
std::pair<int64_t, int64_t> rangeOf(OnnxType type);

} // namespace awq::io

#endif // AWQ_LIB_IO_ONNX_TENSORFIELDS_H
