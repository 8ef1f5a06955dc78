//===- OpContext.cpp - one node while it is imported ---- -*- C++ -*-===//
//
// Part of the awq-mlir project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "OpContext.h"

using namespace mlir;
using namespace awq;
using namespace awq::onnx;

std::string onnx::describe(const io::OnnxNode &node, int64_t version) {
  std::string domain = node.domain.empty() ? "ai.onnx" : node.domain;
  std::string name = node.name;
  if (name.empty() && !node.outputs.empty())
    name = "of output " + node.outputs.front();
  return domain + "::" + node.opType + "-" + std::to_string(version) +
         " at node " + name;
}

Error OpContext::invalid(const Twine &message) const {
  return Error{ErrorKind::Malformed, "AWQ1142", message.str(),
               describe(node, version),
               "onnx.checker with full_check tells whether the model is valid; "
               "export it again if it is not"};
}

Error OpContext::unsupported(const Twine &message) const {
  return Error{ErrorKind::Unsupported, "AWQ1141", message.str(),
               describe(node, version),
               "export the model with other options, or report the op"};
}

Tensor &OpContext::input(size_t index) {
  if (has(index))
    return inputs[index];
  note(invalid("input " + Twine(index) + " is missing"));
  if (index >= inputs.size())
    inputs.resize(index + 1);
  inputs[index] = e.scalar(OnnxType::F32, 0.0);
  return inputs[index];
}

int64_t OpContext::axis(int64_t axis, int64_t rank) {
  if (axis < -rank || axis >= rank) {
    note(
        invalid("axis " + Twine(axis) + " of a tensor of rank " + Twine(rank)));
    return 0;
  }
  return axis < 0 ? axis + rank : axis;
}

std::vector<DimExpr> OpContext::sizes(size_t index) {
  if (auto elements = e.elements(input(index)))
    return *elements;
  note(unsupported("input " + Twine(index) +
                   " is no integer tensor of at most 64 elements"));
  return {};
}

bool OpContext::isKnown(size_t index) {
  if (!has(index))
    return true;
  auto elements = e.elements(inputs[index]);
  return elements && llvm::all_of(*elements, [](const DimExpr &element) {
           return element.constant().has_value();
         });
}

std::vector<int64_t> OpContext::constants(size_t index) {
  std::vector<int64_t> numbers;
  for (const DimExpr &element : sizes(index)) {
    std::optional<int64_t> number = element.constant();
    if (!number)
      note(unsupported("input " + Twine(index) + " is no constant"));
    numbers.push_back(number.value_or(0));
  }
  return numbers;
}

double OpContext::constantNumber(size_t index) {
  if (std::optional<double> number = Emitter::splat(input(index)))
    return *number;
  Tensor &tensor = input(index);
  if (tensor.elements && tensor.elements->size() == 1)
    if (auto number = tensor.elements->front().constant())
      return *number;
  note(unsupported("input " + Twine(index) + " is no constant"));
  return 0.0;
}

std::optional<std::vector<int64_t>> OpContext::axes(size_t inputIndex,
                                                    int64_t rank) {
  std::vector<int64_t> result;
  if (has(inputIndex))
    result = constants(inputIndex);
  else if (hasAttribute("axes"))
    result = getInts("axes");
  else
    return std::nullopt;
  std::vector<bool> seen(rank, false);
  for (int64_t &value : result) {
    value = axis(value, rank);
    if (!ok())
      return result;
    if (seen[value])
      note(invalid("axis " + Twine(value) + " is listed twice"));
    seen[value] = true;
  }
  return result;
}

const io::OnnxAttribute *OpContext::find(StringRef name,
                                         io::OnnxAttributeKind kind) {
  const io::OnnxAttribute *attribute = node.find(name.str());
  if (attribute && attribute->kind != kind) {
    note(invalid("attribute '" + name + "' has the wrong type"));
    return nullptr;
  }
  return attribute;
}

int64_t OpContext::getInt(StringRef name, int64_t missing) {
  const auto *attribute = find(name, io::OnnxAttributeKind::Int);
  return attribute && !attribute->ints.empty() ? attribute->ints.front()
                                               : missing;
}

double OpContext::getFloat(StringRef name, double missing) {
  const auto *attribute = find(name, io::OnnxAttributeKind::Float);
  return attribute && !attribute->floats.empty() ? attribute->floats.front()
                                                 : missing;
}

std::string OpContext::getString(StringRef name, StringRef missing) {
  const auto *attribute = find(name, io::OnnxAttributeKind::String);
  return attribute && !attribute->strings.empty() ? attribute->strings.front()
                                                  : missing.str();
}

std::vector<int64_t> OpContext::getInts(StringRef name) {
  const auto *attribute = find(name, io::OnnxAttributeKind::Ints);
  return attribute ? attribute->ints : std::vector<int64_t>();
}

void OpContext::put(Tensor tensor, size_t output) {
  if (output < outputs.size())
    outputs[output] = std::move(tensor);
}

Status OpContext::set(Tensor tensor, size_t output) {
  put(std::move(tensor), output);
  return failure;
}
