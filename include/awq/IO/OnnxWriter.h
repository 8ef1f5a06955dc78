//===- OnnxWriter.h - writing ONNX models as a stream -----------*- C++ -*-===//
//
// Part of the awq-mlir project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef AWQ_IO_ONNXWRITER_H
#define AWQ_IO_ONNXWRITER_H

#include "awq/IO/Onnx.h"
#include "awq/Support/Error.h"

#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <variant>
#include <vector>

namespace awq::io {

/// A node to write. Of the attributes' types, those that ops in use have.
struct OnnxNodeSpec {
  using Value = std::variant<int64_t, float, std::string, std::vector<int64_t>>;

  std::string opType;
  std::string domain;
  /// Also the name of its first result.
  std::string name;
  /// Names of values; "" for an optional one that is left out.
  std::vector<std::string> inputs, outputs;
  std::vector<std::pair<std::string, Value>> attributes;
};

/// Writes one ONNX model. The graph is held in memory; the bytes of tensors go
/// to "<model>.data" beside the model as they come, each at an aligned offset,
/// or, without a file, into the model itself.
class OnnxWriter {
public:
  struct Header {
    std::string graphName;
    std::string producerVersion;
    /// Domain ("" for ai.onnx) and version.
    std::vector<std::pair<std::string, int64_t>> opsets;
  };

  /// A model of one piece, for serialize().
  explicit OnnxWriter(const Header &header);
  /// A model in the file `path` with its data beside it. Errors: AWQ1040.
  static Result<OnnxWriter> create(const std::string &path,
                                   const Header &header);
  OnnxWriter(OnnxWriter &&other) noexcept;
  OnnxWriter &operator=(OnnxWriter &&other) noexcept;
  ~OnnxWriter();

  /// A value that is given or asked for; tensors only.
  void addInput(const OnnxValue &value);
  void addOutput(const OnnxValue &value);
  void addNode(const OnnxNodeSpec &node);
  /// A tensor whose bytes stay in the model: sizes, axes, single numbers.
  void addConstant(const std::string &name, OnnxType type,
                   const std::vector<int64_t> &shape, const void *data,
                   uint64_t bytes);
  /// A tensor of the model. Errors: AWQ1041.
  Status addTensor(const std::string &name, OnnxType type,
                   const std::vector<int64_t> &shape, const void *data,
                   uint64_t bytes);

  /// Gives the first result of the last node another name. False if it has not
  /// the name `from`.
  bool renameLastResult(const std::string &from, const std::string &to);

  /// Imports a domain that the header does not name.
  void addOpset(const std::string &domain, int64_t version);

  /// Writes the model's file. Errors: AWQ1040, AWQ1041.
  Status finish();
  /// The model of one piece. Errors: AWQ1155 (larger than a message can be).
  Result<std::string> serialize() const;

  int64_t nodeCount() const;
  /// Bytes of tensors so far.
  uint64_t dataBytes() const;

private:
  struct State;
  std::unique_ptr<State> state;
};

} // namespace awq::io

#endif // AWQ_IO_ONNXWRITER_H
