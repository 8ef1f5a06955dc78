//===- Parts.h - the parts of an ONNX model ---------------------*- C++ -*-===//
//
// Part of the awq-mlir project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef AWQ_LIB_IO_ONNX_PARTS_H
#define AWQ_LIB_IO_ONNX_PARTS_H

#include "Schema.pb.h"
#include "Tensors.h"

namespace awq::io {

using OnnxOpsets = std::map<std::string, int64_t, std::less<>>;
using OnnxEntries = std::map<std::string, std::string, std::less<>>;

/// AWQ1066 for a domain without a version or with two.
Result<OnnxOpsets>
readOpsets(const google::protobuf::RepeatedPtrField<onnx::OpsetProto> &protos,
           const std::string &where);

/// Of a key that is given twice, the first counts.
Result<OnnxEntries>
readEntries(const google::protobuf::RepeatedPtrField<onnx::EntryProto> &protos,
            const std::string &where);

/// Turns messages into the structs of Onnx.h, each checked on its own.
class PartReader {
public:
  explicit PartReader(TensorReader &tensors) : tensors(tensors) {}

  /// `place` is what the node lies in, `number` its index there.
  Result<OnnxNode> node(const onnx::NodeProto &proto, const std::string &place,
                        size_t number);
  Result<OnnxTensor> initializer(const onnx::TensorProto &proto,
                                 const std::string &place, size_t number);
  /// `role` is "input", "output" or "value".
  Result<OnnxValue> value(const onnx::ValueProto &proto,
                          const std::string &place, const std::string &role,
                          size_t number);
  Result<OnnxFunction> function(const onnx::FunctionProto &proto,
                                const std::string &place, size_t number);

  /// What is said of a graph as a whole; its contents are read apart.
  static Status graphHead(const onnx::GraphProto &proto, OnnxGraph &graph,
                          const std::string &place);
  /// Takes the initializers out of the inputs. AWQ1072 if one is there twice.
  static Status finishGraph(OnnxGraph &graph, const std::string &place);

private:
  Result<OnnxGraph> graph(const onnx::GraphProto &proto,
                          const std::string &place);
  Result<OnnxAttribute> attribute(const onnx::AttributeProto &proto,
                                  const std::string &where);
  Status contents(const onnx::AttributeProto &proto, OnnxAttribute &attribute,
                  const std::string &where);

  TensorReader &tensors;
};

} // namespace awq::io

#endif // AWQ_LIB_IO_ONNX_PARTS_H
