//===- awq-test-onnx.cpp - opens ONNX models on behalf of the tests -------===//
//
// Part of the awq-mlir project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
//   awq-test-onnx PATH          the model as a line of JSON, or the whole
//   error;
//                               exit code of the error
//   awq-test-onnx --each        reads paths from its input; for each a line of
//                               JSON: path, exit code, error code or "ok",
//                               milliseconds of processor time, the most memory
//                               of the process so far in KiB, and the files
//                               that have the tensors
//
//===----------------------------------------------------------------------===//

#include "awq/IO/Onnx.h"
#include "awq/IO/Sha256.h"

#include <nlohmann/json.hpp>

#include <cstdio>
#include <ctime>
#include <fstream>
#include <iostream>
#include <set>
#include <string>

using namespace awq;
using namespace awq::io;
using nlohmann::json;

static json summary(const OnnxGraph &graph);
static json summary(const OnnxFunction &function);

/// Texts from files need not be UTF-8, JSON's must.
static std::string hex(const std::string &text) {
  std::string result;
  for (unsigned char c : text) {
    result += "0123456789abcdef"[c >> 4];
    result += "0123456789abcdef"[c & 15];
  }
  return result;
}

static json summary(const OnnxTensor &tensor) {
  json result = {
      {"name", tensor.name},   {"type", name(tensor.type)},
      {"shape", tensor.shape}, {"elements", tensor.elementCount()},
      {"bytes", tensor.bytes}, {"sha256", sha256(tensor.data, tensor.bytes)},
      {"file", tensor.file},   {"offset", tensor.offset}};
  for (const std::string &text : tensor.strings)
    result["strings"].push_back(hex(text));
  return result;
}

static json summary(const OnnxValue &value) {
  json result = {{"name", value.name},
                 {"type", name(value.type)},
                 {"kind", value.kind},
                 {"shape", nullptr}};
  if (!value.shape)
    return result;
  result["shape"] = json::array();
  for (const OnnxDim &dim : *value.shape)
    if (dim.size)
      result["shape"].push_back(*dim.size);
    else
      result["shape"].push_back(dim.symbol);
  return result;
}

static json summary(const OnnxAttribute &attribute) {
  json result = {{"kind", static_cast<int>(attribute.kind)}};
  if (!attribute.reference.empty())
    result["reference"] = attribute.reference;
  if (!attribute.floats.empty())
    result["floats"] = attribute.floats;
  if (!attribute.ints.empty())
    result["ints"] = attribute.ints;
  for (const std::string &text : attribute.strings)
    result["strings"].push_back(hex(text));
  for (const OnnxTensor &tensor : attribute.tensors)
    result["tensors"].push_back(summary(tensor));
  for (const auto &graph : attribute.graphs)
    result["graphs"].push_back(summary(*graph));
  return result;
}

static json summary(const OnnxNode &node) {
  json attributes = json::object();
  for (const auto &[key, attribute] : node.attributes)
    attributes[key] = summary(attribute);
  return {{"name", node.name},        {"domain", node.domain},
          {"op", node.opType},        {"overload", node.overload},
          {"inputs", node.inputs},    {"outputs", node.outputs},
          {"attributes", attributes}, {"metadata", node.metadata}};
}

template <typename T>
static json list(const std::vector<T> &items) {
  json result = json::array();
  for (const T &item : items)
    result.push_back(summary(item));
  return result;
}

static json summary(const OnnxFunction &function) {
  json defaults = json::object();
  for (const OnnxAttribute &attribute : function.defaults)
    defaults[attribute.name] = summary(attribute);
  return {{"domain", function.domain},     {"name", function.name},
          {"overload", function.overload}, {"inputs", function.inputs},
          {"outputs", function.outputs},   {"attributes", function.attributes},
          {"defaults", defaults},          {"opsets", function.opsets},
          {"nodes", list(function.nodes)}};
}

static json summary(const OnnxGraph &graph) {
  return {{"name", graph.name},
          {"nodes", list(graph.nodes)},
          {"initializers", list(graph.initializers)},
          {"inputs", list(graph.inputs)},
          {"outputs", list(graph.outputs)},
          {"values", list(graph.values)}};
}

static json summary(const OnnxModel &model) {
  return {
      {"ir", model.irVersion},         {"producer", model.producer},
      {"opsets", model.opsets},        {"metadata", model.metadata},
      {"graph", summary(model.graph)}, {"functions", list(model.functions)}};
}

static int openOne(const std::string &path) {
  Result<OnnxFile> file = OnnxFile::open(path);
  if (!file) {
    std::printf("%s\n", file.error().str().c_str());
    return file.error().exitCode();
  }
  std::printf("%s\n", summary(file->model())
                          .dump(-1, ' ', false, json::error_handler_t::strict)
                          .c_str());
  return 0;
}

/// Other than getrusage, knows nothing of the process that started this one.
static long long peakKiB() {
  std::ifstream status("/proc/self/status");
  for (std::string line; std::getline(status, line);)
    if (line.compare(0, 6, "VmHWM:") == 0)
      return std::stoll(line.substr(6));
  return 0;
}

static void collectFiles(const OnnxGraph &graph, std::set<std::string> &files) {
  for (const OnnxTensor &tensor : graph.initializers)
    files.insert(tensor.file);
  for (const OnnxNode &node : graph.nodes)
    for (const auto &[key, attribute] : node.attributes) {
      for (const OnnxTensor &tensor : attribute.tensors)
        files.insert(tensor.file);
      for (const auto &nested : attribute.graphs)
        collectFiles(*nested, files);
    }
}

static void openEach(const std::string &path) {
  std::clock_t begin = std::clock();
  json line = {{"path", path}, {"exit", 0}, {"code", "ok"}};
  {
    Result<OnnxFile> file = OnnxFile::open(path);
    if (file) {
      // Reads every byte, so that a wrong pointer is seen.
      summary(file->model());
      std::set<std::string> files;
      collectFiles(file->model().graph, files);
      files.erase("");
      line["files"] = files;
    } else {
      line["exit"] = file.error().exitCode();
      line["code"] = file.error().code;
    }
  }
  line["ms"] = (std::clock() - begin) * 1000 / CLOCKS_PER_SEC;
  line["peak"] = peakKiB();
  std::printf("%s\n", line.dump().c_str());
  std::fflush(stdout);
}

int main(int argc, char **argv) {
  if (argc != 2) {
    std::fprintf(stderr, "usage: awq-test-onnx PATH | --each\n");
    return static_cast<int>(ErrorKind::Usage);
  }
  if (std::string(argv[1]) != "--each")
    return openOne(argv[1]);
  for (std::string path; std::getline(std::cin, path);)
    openEach(path);
  return 0;
}
