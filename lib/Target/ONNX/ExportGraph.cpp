//===- ExportGraph.cpp - an ONNX graph under construction -----------------===//
//
// Part of the awq-mlir project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "ExportGraph.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/ADT/bit.h"

using namespace mlir;
using namespace awq;
using namespace awq::onnx;

//===----------------------------------------------------------------------===//
// Nodes
//===----------------------------------------------------------------------===//

std::string ExportGraph::unique(StringRef name) {
  std::string free = name.str();
  while (!taken.try_emplace(free, 0).second)
    free = name.str() + "_" + std::to_string(++taken[name]);
  return free;
}

std::string ExportGraph::resultName(StringRef op) {
  return unique(place.empty() ? op.str() : place + "." + op.str());
}

ExportGraph::Names ExportGraph::addNode(StringRef op, const Names &inputs,
                                        Names results,
                                        const Attributes &attributes,
                                        StringRef domain) {
  io::OnnxNodeSpec node;
  node.opType = op.str();
  node.domain = domain.str();
  node.name = results.front();
  node.inputs = inputs;
  node.outputs = results;
  node.attributes = attributes;
  if (!domain.empty())
    writer.addOpset(node.domain, 1);
  writer.addNode(node);
  return results;
}

std::string ExportGraph::add(StringRef op, const Names &inputs,
                             const Attributes &attributes) {
  return addNode(op, inputs, {resultName(op)}, attributes).front();
}

void ExportGraph::rename(const std::string &value, const std::string &wanted) {
  if (!writer.renameLastResult(value, wanted))
    addNode("Identity", {value}, {wanted}, {});
}

//===----------------------------------------------------------------------===//
// Constants
//===----------------------------------------------------------------------===//

std::string ExportGraph::ints(ArrayRef<int64_t> values) {
  std::string &name = vectors[values.vec()];
  if (!name.empty())
    return name;
  auto spell = [](int64_t value) { return std::to_string(value); };
  name = unique("ints." + llvm::join(llvm::map_range(values, spell), "."));
  writer.addConstant(name, io::OnnxType::I64, {int64_t(values.size())},
                     values.data(), values.size() * sizeof(int64_t));
  return name;
}

std::string ExportGraph::integer(int64_t value) {
  std::string &name = integers[value];
  if (name.empty()) {
    name = unique("int." + std::to_string(value));
    writer.addConstant(name, io::OnnxType::I64, {}, &value, sizeof value);
  }
  return name;
}

std::string ExportGraph::number(float value) {
  std::string &name = numbers[llvm::bit_cast<uint32_t>(value)];
  if (name.empty()) {
    name = unique("number." + std::to_string(numbers.size()));
    writer.addConstant(name, io::OnnxType::F32, {}, &value, sizeof value);
  }
  return name;
}

//===----------------------------------------------------------------------===//
// Nodes in the form that they are used in
//===----------------------------------------------------------------------===//

std::string ExportGraph::reshape(const std::string &value,
                                 ArrayRef<int64_t> shape) {
  return add("Reshape", {value, ints(shape)});
}

std::string ExportGraph::transpose(const std::string &value,
                                   ArrayRef<int64_t> order) {
  return add("Transpose", {value}, {{"perm", order.vec()}});
}

std::string ExportGraph::slice(const std::string &value, int64_t axis,
                               int64_t first, int64_t count) {
  return add("Slice",
             {value, ints({first}), ints({first + count}), ints({axis})});
}

std::string ExportGraph::concat(const Names &values, int64_t axis) {
  return add("Concat", values, {{"axis", axis}});
}

std::string ExportGraph::unsqueeze(const std::string &value,
                                   ArrayRef<int64_t> axes) {
  return add("Unsqueeze", {value, ints(axes)});
}

std::string ExportGraph::cast(const std::string &value, io::OnnxType type) {
  return add("Cast", {value}, {{"to", static_cast<int64_t>(type)}});
}

ExportGraph::Names ExportGraph::split(const std::string &value, int64_t axis,
                                      int64_t count) {
  Names results;
  for (int64_t i = 0; i < count; ++i)
    results.push_back(resultName("Split"));
  return addNode("Split", {value}, results,
                 {{"axis", axis}, {"num_outputs", count}});
}

std::string ExportGraph::multiply(const std::string &value, double factor) {
  if (factor == 1.0)
    return value;
  return add("Mul", {value, number(static_cast<float>(factor))});
}
