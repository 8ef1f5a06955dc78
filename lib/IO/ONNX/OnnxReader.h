//===- OnnxReader.h - reads an ONNX model part by part ----------*- C++ -*-===//
//
// Part of the awq-mlir project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef AWQ_LIB_IO_ONNX_ONNXREADER_H
#define AWQ_LIB_IO_ONNX_ONNXREADER_H

#include "Parts.h"
#include "Wire.h"

namespace awq::io {

/// Reads one model. Each part of the graph is outlined, parsed by protobuf and
/// turned into its struct before the next, so that the model is never in memory
/// as a whole in protobuf's form.
class OnnxReader {
public:
  explicit OnnxReader(MappedFile mapped);
  OnnxReader(const OnnxReader &) = delete;
  OnnxReader &operator=(const OnnxReader &) = delete;

  /// To be called once.
  Result<OnnxFile> read();

private:
  static constexpr int64_t maxIrVersion = 14; ///< that of ONNX 1.23
  enum Field : uint32_t {
    nodeField = 1,
    initializerField = 5,
    graphField = 7,
    inputField = 11,
    outputField = 12,
    valueField = 13,
    functionField = 25
  };

  template <typename Proto>
  Result<Proto> parse(OnnxMessage kind, uint64_t begin, uint64_t end,
                      std::string what, OnnxPartCounts *counts = nullptr);
  template <typename Proto, typename T, typename Convert>
  Status add(OnnxMessage kind, const WireField &part, const char *what,
             std::vector<T> &to, Convert convert);
  Status readModel();
  Status readParts();
  Status readGraph(const WireField &whole);
  Status readGraphPart(const WireField &part, OnnxGraph &graph);
  Status reserve(OnnxGraph &graph, const OnnxPartCounts &counts);
  Error explainForeign(const Error &otherwise) const;

  OnnxFile result;
  MappedFile file;
  std::string place; ///< the file's path, with which every place begins
  Outliner outliner;
  ExternalFiles external;
  TensorReader tensors;
  PartReader reader;
  PageDropper pages;
};

} // namespace awq::io

#endif // AWQ_LIB_IO_ONNX_ONNXREADER_H
