//===- ExportPositions.cpp - rows, columns and positions of an export -----===//
//
// Part of the awq-mlir project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The attention mask has a column for each token of a sequence, old ones first,
// and 0 where a batch is padded. A token's position is the number of tokens
// before it, padding aside, so that padding on the left shifts nothing.
//
//===----------------------------------------------------------------------===//

#include "Exporter.h"

using namespace mlir;
using namespace awq;
using namespace awq::onnx;
using io::OnnxType;

std::string Exporter::total() {
  std::string &name = shared["total"];
  if (name.empty())
    name = graph.add("Shape", {"attention_mask"},
                     {{"start", int64_t(1)}, {"end", int64_t(2)}});
  return name;
}

std::string Exporter::past() {
  std::string &name = shared["past"];
  if (name.empty()) {
    std::string sequence = graph.add(
        "Shape", {"input_ids"}, {{"start", int64_t(1)}, {"end", int64_t(2)}});
    name = graph.add("Sub", {total(), sequence});
  }
  return name;
}

std::string Exporter::columns() {
  std::string &name = shared["columns"];
  if (name.empty())
    name =
        graph.add("Range", {graph.integer(0), graph.add("Squeeze", {total()}),
                            graph.integer(1)});
  return name;
}

std::string Exporter::rows() {
  std::string &name = shared["rows"];
  if (name.empty()) {
    std::string fresh =
        graph.add("Slice", {columns(), past(), total(), graph.ints({0})});
    name = graph.unsqueeze(fresh, {1});
  }
  return name;
}

std::string Exporter::positions() {
  std::string &name = shared["positions"];
  if (name.empty()) {
    std::string count =
        graph.add("CumSum", {"attention_mask", graph.integer(1)});
    std::string before = graph.add("Sub", {count, graph.integer(1)});
    // Padding has no token before it.
    std::string all = graph.add("Max", {before, graph.integer(0)});
    name = graph.add("Slice", {all, past(), total(), graph.ints({1})});
  }
  return name;
}

std::string Exporter::visible(int64_t window) {
  std::string &name = masks[window];
  if (!name.empty())
    return name;
  std::string causal = graph.add("LessOrEqual", {columns(), rows()});
  if (window > 0) {
    std::string edge = graph.add("Sub", {rows(), graph.integer(window)});
    std::string near = graph.add("Greater", {columns(), edge});
    causal = graph.add("And", {causal, near});
  }
  std::string tokens =
      graph.unsqueeze(graph.cast("attention_mask", OnnxType::Bool), {1, 2});
  name = graph.add("And", {tokens, causal});
  return name;
}

std::string Exporter::lastRows() {
  std::string &name = shared["last"];
  if (name.empty()) {
    std::string count =
        graph.add("ReduceSum", {"attention_mask", graph.ints({1})},
                  {{"keepdims", int64_t(0)}});
    name =
        graph.cast(graph.add("Sub", {count, graph.integer(1)}), OnnxType::I32);
  }
  return name;
}

std::string Exporter::totalRows() {
  std::string &name = shared["total_rows"];
  if (name.empty())
    name = graph.cast(graph.add("Squeeze", {total()}), OnnxType::I32);
  return name;
}
