//===- Onnx.h - reading ONNX models -----------------------------*- C++ -*-===//
//
// Part of the awq-mlir project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The format: one protobuf message (onnx/onnx-ml.proto of ONNX 1.23), and files
// beside it that hold the bytes of large tensors. What is read here is plain
// data, checked; no type of protobuf is seen outside this library.
// https://github.com/onnx/onnx/blob/main/docs/IR.md
//
//===----------------------------------------------------------------------===//

#ifndef AWQ_IO_ONNX_H
#define AWQ_IO_ONNX_H

#include "awq/IO/MappedFile.h"
#include "awq/Support/Error.h"

#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace awq::io {

/// TensorProto.DataType. Types of less than 8 bits are packed, the first
/// element in the low bits, each tensor rounded up to whole bytes.
enum class OnnxType : int32_t {
  Undefined = 0,
  F32 = 1,
  U8 = 2,
  I8 = 3,
  U16 = 4,
  I16 = 5,
  I32 = 6,
  I64 = 7,
  String = 8,
  Bool = 9,
  F16 = 10,
  F64 = 11,
  U32 = 12,
  U64 = 13,
  C64 = 14,
  C128 = 15,
  BF16 = 16,
  F8E4M3FN = 17,
  F8E4M3FNUZ = 18,
  F8E5M2 = 19,
  F8E5M2FNUZ = 20,
  U4 = 21,
  I4 = 22,
  F4E2M1 = 23,
  F8E8M0 = 24,
  U2 = 25,
  I2 = 26
};

/// Whether the number is one of the types above, Undefined aside.
bool isKnown(OnnxType type);

/// Bits of one element; 0 for Undefined and String.
int64_t bitWidth(OnnxType type);

/// ONNX's name of the type, e.g. "FLOAT16"; "type 99" for unknown numbers.
std::string name(OnnxType type);

/// A tensor's elements, row-major, little-endian, without padding.
struct OnnxTensor {
  std::string name;
  OnnxType type = OnnxType::Undefined;
  /// Dimensions, none negative; empty for a scalar.
  std::vector<int64_t> shape;
  /// The bytes; null for strings and tensors without elements. Valid while the
  /// OnnxFile lives. Not aligned.
  const uint8_t *data = nullptr;
  uint64_t bytes = 0;
  /// The elements of a string tensor.
  std::vector<std::string> strings;
  /// The file and the offset at which `data` lies there; empty if the bytes are
  /// only in memory (integers in typed fields) or are inline and under 1 KiB.
  std::string file;
  uint64_t offset = 0;

  int64_t elementCount() const;
};

/// One dimension of a value's declared shape: a size, a symbol such as
/// "batch" or "s69 + s70", or neither.
struct OnnxDim {
  std::optional<int64_t> size;
  std::string symbol;
};

/// A declared graph input, output or intermediate value.
struct OnnxValue {
  std::string name;
  /// Undefined for a value that is no tensor (see `kind`) or has no type.
  OnnxType type = OnnxType::Undefined;
  /// Nothing if no rank is declared.
  std::optional<std::vector<OnnxDim>> shape;
  /// "tensor", "sequence", "map", "optional", "sparse tensor", "opaque" or ""
  /// if no type is declared.
  std::string kind;
};

struct OnnxGraph;

/// AttributeProto.AttributeType, of those that ops have.
enum class OnnxAttributeKind {
  Float = 1,
  Int = 2,
  String = 3,
  Tensor = 4,
  Graph = 5,
  Floats = 6,
  Ints = 7,
  Strings = 8,
  Tensors = 9,
  Graphs = 10,
  SparseTensor = 11,
  SparseTensors = 12,
  TypeProto = 13,
  TypeProtos = 14
};

/// A node's attribute. Scalars are vectors of one element; only the vector of
/// `kind` is filled.
struct OnnxAttribute {
  std::string name;
  OnnxAttributeKind kind = OnnxAttributeKind::Int;
  std::vector<float> floats;
  std::vector<int64_t> ints;
  std::vector<std::string> strings;
  std::vector<OnnxTensor> tensors;
  std::vector<std::shared_ptr<OnnxGraph>> graphs;
  /// Inside a function: the function's attribute that this one stands for.
  std::string reference;
};

struct OnnxNode {
  std::string name;
  /// "" for the standard operators, also where the file has "ai.onnx".
  std::string domain;
  std::string opType;
  std::string overload;
  /// Names of values; "" for an optional input or output that is left out.
  std::vector<std::string> inputs, outputs;
  std::map<std::string, OnnxAttribute, std::less<>> attributes;
  /// metadata_props, e.g. "pkg.torch.onnx.name_scopes".
  std::map<std::string, std::string, std::less<>> metadata;

  const OnnxAttribute *find(std::string_view attribute) const;
};

struct OnnxGraph {
  std::string name;
  /// Each node reads only inputs, initializers and results of nodes before it
  /// (or, in a nested graph, of the graphs around it).
  std::vector<OnnxNode> nodes;
  std::vector<OnnxTensor> initializers;
  /// Those that are no initializers.
  std::vector<OnnxValue> inputs;
  std::vector<OnnxValue> outputs;
  std::vector<OnnxValue> values;
};

/// A model-local function (FunctionProto).
struct OnnxFunction {
  std::string domain, name, overload;
  std::vector<std::string> inputs, outputs;
  /// Attributes without and with default values.
  std::vector<std::string> attributes;
  std::vector<OnnxAttribute> defaults;
  std::map<std::string, int64_t, std::less<>> opsets;
  std::vector<OnnxNode> nodes;
};

struct OnnxModel {
  int64_t irVersion = 0;
  std::string producer;
  /// Domain ("" for ai.onnx) to version.
  std::map<std::string, int64_t, std::less<>> opsets;
  OnnxGraph graph;
  std::vector<OnnxFunction> functions;
  std::map<std::string, std::string, std::less<>> metadata;
};

/// An ONNX model and the files with its tensors, mapped. Movable.
///
/// Bytes of large tensors are never copied: inline `raw_data` stays where it is
/// in the mapped model, external data in their own mapped files. Those must lie
/// beneath the model's folder: no absolute path, no "..", no link of any kind.
class OnnxFile {
public:
  /// Errors: those of MappedFile::open and AWQ1006 to AWQ1009, AWQ1060 to
  /// AWQ1098.
  static Result<OnnxFile> open(const std::string &path);

  const OnnxModel &model() const { return *contents; }
  const std::string &path() const { return source; }

private:
  OnnxFile() = default;
  friend class OnnxReader;

  std::string source;
  std::unique_ptr<OnnxModel> contents;
  std::vector<MappedFile> files;
  /// Bytes of tensors that lie in no file as they are.
  std::deque<std::vector<uint8_t>> owned;
};

} // namespace awq::io

#endif // AWQ_IO_ONNX_H
