//===- ExportGraph.h - an ONNX graph under construction ---------*- C++ -*-===//
//
// Part of the awq-mlir project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef AWQ_LIB_TARGET_ONNX_EXPORTGRAPH_H
#define AWQ_LIB_TARGET_ONNX_EXPORTGRAPH_H

#include "awq/IO/OnnxWriter.h"

#include "mlir/Support/LLVM.h"
#include "llvm/ADT/StringMap.h"

#include <map>
#include <string>
#include <vector>

namespace awq::onnx {

/// Adds nodes to a model. Values are their names; each node's name tells the
/// module that it belongs to.
class ExportGraph {
public:
  using Attributes =
      std::vector<std::pair<std::string, io::OnnxNodeSpec::Value>>;
  using Names = std::vector<std::string>;

  static constexpr llvm::StringLiteral contrib = "com.microsoft";

  ExportGraph(io::OnnxWriter &writer, int64_t opset)
      : writer(writer), version(opset) {}

  int64_t opset() const { return version; }

  /// The module that the nodes to come belong to, "model.layers.0.mlp".
  void enter(llvm::StringRef moduleName) { place = moduleName.str(); }

  /// `name`, or `name` with a number behind it if it is taken.
  std::string unique(llvm::StringRef name);

  /// A node of the standard operators and its only result.
  std::string add(llvm::StringRef op, const Names &inputs,
                  const Attributes &attributes = {});
  /// A node with several results, or of onnxruntime's operators (`contrib`).
  Names addNode(llvm::StringRef op, const Names &inputs, Names results,
                const Attributes &attributes, llvm::StringRef domain = "");
  /// A new name for a result of a node of this kind.
  std::string resultName(llvm::StringRef op);
  /// Gives a value that nothing reads yet the name `wanted`.
  void rename(const std::string &value, const std::string &wanted);

  // Constants, one of each
  std::string ints(llvm::ArrayRef<int64_t> values);
  std::string integer(int64_t value);
  std::string number(float value);

  // Nodes in the form that they are used in
  std::string reshape(const std::string &value, llvm::ArrayRef<int64_t> shape);
  std::string transpose(const std::string &value,
                        llvm::ArrayRef<int64_t> order);
  std::string slice(const std::string &value, int64_t axis, int64_t first,
                    int64_t count);
  std::string concat(const Names &values, int64_t axis);
  std::string unsqueeze(const std::string &value, llvm::ArrayRef<int64_t> axes);
  std::string cast(const std::string &value, io::OnnxType type);
  /// `count` parts of equal size.
  Names split(const std::string &value, int64_t axis, int64_t count);
  /// Element by element.
  std::string multiply(const std::string &value, double factor);

private:
  io::OnnxWriter &writer;
  int64_t version;
  std::string place;
  llvm::StringMap<int64_t> taken;
  std::map<std::vector<int64_t>, std::string> vectors;
  std::map<int64_t, std::string> integers;
  std::map<uint32_t, std::string> numbers;
};

} // namespace awq::onnx

#endif // AWQ_LIB_TARGET_ONNX_EXPORTGRAPH_H
