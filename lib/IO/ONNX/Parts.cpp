//===- Parts.cpp - the parts of an ONNX model -----------------------------===//
//
// Part of the awq-mlir project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Parts.h"

#include "../Utf8.h"
#include "OnnxChecks.h"
#include "OnnxError.h"

#include <algorithm>
#include <array>
#include <unordered_set>

using namespace awq;
using namespace awq::io;
using google::protobuf::RepeatedPtrField;

/// The standard operators' domain has two names.
static std::string plainDomain(const std::string &domain) {
  return domain == "ai.onnx" ? "" : domain;
}

Result<OnnxOpsets>
io::readOpsets(const RepeatedPtrField<onnx::OpsetProto> &protos,
               const std::string &where) {
  OnnxOpsets opsets;
  for (const onnx::OpsetProto &proto : protos) {
    if (Status status = checkName(proto.domain(), "an imported domain", where);
        !status)
      return status.error();
    std::string domain = plainDomain(proto.domain());
    if (proto.version() < 1)
      return malformedOnnx("AWQ1066",
                           "the operators of domain " + printable(domain) +
                               " are imported in version " +
                               std::to_string(proto.version()),
                           where);
    if (!opsets.emplace(domain, proto.version()).second)
      return malformedOnnx("AWQ1066",
                           "the operators of domain " + printable(domain) +
                               " are imported twice",
                           where);
  }
  return opsets;
}

Result<OnnxEntries>
io::readEntries(const RepeatedPtrField<onnx::EntryProto> &protos,
                const std::string &where) {
  OnnxEntries entries;
  for (const onnx::EntryProto &proto : protos) {
    if (Status status = checkName(proto.key(), "a metadata key", where);
        !status)
      return status.error();
    if (findInvalidUtf8(proto.value()) != std::string::npos)
      return malformedOnnx(
          "AWQ1068",
          "the metadata " + printable(proto.key()) + " are not UTF-8", where);
    entries.emplace(proto.key(), proto.value());
  }
  return entries;
}

/// Copies names that may be empty.
static Status readNames(const RepeatedPtrField<std::string> &from,
                        const char *role, std::vector<std::string> &to,
                        const std::string &where) {
  for (const std::string &name : from)
    if (Status status = checkName(name, role, where); !status)
      return status;
  to.assign(from.begin(), from.end());
  return {};
}

//===----------------------------------------------------------------------===//
// Attributes
//===----------------------------------------------------------------------===//

/// How many values of each kind the message has.
static std::array<int, 15> countValues(const onnx::AttributeProto &proto) {
  return {0,
          proto.has_f(),
          proto.has_i(),
          proto.has_s(),
          proto.has_t(),
          proto.has_g(),
          proto.floats_size(),
          proto.ints_size(),
          proto.strings_size(),
          proto.tensors_size(),
          proto.graphs_size(),
          proto.has_sparse_tensor(),
          proto.sparse_tensors_size(),
          proto.has_tp(),
          proto.type_protos_size()};
}

static Status checkAttribute(const onnx::AttributeProto &proto,
                             const std::string &where) {
  auto malformed = [&](const std::string &text) {
    return malformedOnnx("AWQ1073", text, where);
  };
  std::array<int, 15> counts = countValues(proto);
  int type = proto.type();
  if (type <= 0 || type >= int(counts.size()))
    return malformed("there is no type " + std::to_string(type) +
                     " of attributes");
  bool reference = !proto.ref_attr_name().empty();
  for (int other = 1; other < int(counts.size()); ++other)
    if (counts[other] && (other != type || reference))
      return malformed("the attribute, of type " + std::to_string(type) +
                       (reference ? ", stands for another, but has a value"
                                  : ", has a value of type ") +
                       (reference ? "" : std::to_string(other)));
  auto kind = static_cast<OnnxAttributeKind>(type);
  if (kind == OnnxAttributeKind::SparseTensor ||
      kind == OnnxAttributeKind::SparseTensors)
    return Error{ErrorKind::Unsupported, "AWQ1078",
                 "the attribute holds a sparse tensor", where,
                 "export the model with dense tensors"};
  // Writers may leave out a number of 0 or an empty text, but nothing else.
  bool needsValue = kind == OnnxAttributeKind::Tensor ||
                    kind == OnnxAttributeKind::Graph ||
                    kind == OnnxAttributeKind::TypeProto;
  if (needsValue && !counts[type] && !reference)
    return malformed("the attribute has no value");
  return {};
}

Status PartReader::contents(const onnx::AttributeProto &proto,
                            OnnxAttribute &attribute,
                            const std::string &where) {
  auto addTensor = [&](const onnx::TensorProto &tensor) -> Status {
    Result<OnnxTensor> read = tensors.read(tensor, where);
    if (!read)
      return read.error();
    attribute.tensors.push_back(std::move(*read));
    return {};
  };
  auto addGraph = [&](const onnx::GraphProto &nested) -> Status {
    Result<OnnxGraph> read = graph(nested, where);
    if (!read)
      return read.error();
    attribute.graphs.push_back(std::make_shared<OnnxGraph>(std::move(*read)));
    return {};
  };
  switch (attribute.kind) {
  case OnnxAttributeKind::Float:
    attribute.floats = {proto.f()};
    break;
  case OnnxAttributeKind::Int:
    attribute.ints = {proto.i()};
    break;
  case OnnxAttributeKind::String:
    attribute.strings = {proto.s()};
    break;
  case OnnxAttributeKind::Floats:
    attribute.floats.assign(proto.floats().begin(), proto.floats().end());
    break;
  case OnnxAttributeKind::Ints:
    attribute.ints.assign(proto.ints().begin(), proto.ints().end());
    break;
  case OnnxAttributeKind::Strings:
    attribute.strings.assign(proto.strings().begin(), proto.strings().end());
    break;
  case OnnxAttributeKind::Tensor:
    return addTensor(proto.t());
  case OnnxAttributeKind::Graph:
    return addGraph(proto.g());
  case OnnxAttributeKind::Tensors:
    for (const onnx::TensorProto &tensor : proto.tensors())
      if (Status status = addTensor(tensor); !status)
        return status;
    break;
  case OnnxAttributeKind::Graphs:
    for (const onnx::GraphProto &nested : proto.graphs())
      if (Status status = addGraph(nested); !status)
        return status;
    break;
  default: // only that it is there
    break;
  }
  return {};
}

Result<OnnxAttribute> PartReader::attribute(const onnx::AttributeProto &proto,
                                            const std::string &place) {
  if (Status status = requireName(proto.name(), "an attribute's name", place);
      !status)
    return status.error();
  std::string where = place + ", attribute " + printable(proto.name());
  if (Status status =
          checkName(proto.ref_attr_name(),
                    "the attribute that this one stands for", where);
      !status)
    return status.error();
  if (Status status = checkAttribute(proto, where); !status)
    return status.error();
  OnnxAttribute result;
  result.name = proto.name();
  result.kind = static_cast<OnnxAttributeKind>(proto.type());
  result.reference = proto.ref_attr_name();
  if (result.reference.empty())
    if (Status status = contents(proto, result, where); !status)
      return status.error();
  return result;
}

//===----------------------------------------------------------------------===//
// Nodes and values
//===----------------------------------------------------------------------===//

Result<OnnxNode> PartReader::node(const onnx::NodeProto &proto,
                                  const std::string &place, size_t number) {
  std::string where = nodePlace(place, proto.name(), proto.op_type(), number);
  OnnxNode node;
  for (const Status &status :
       {requireName(proto.op_type(), "the node's operator", where),
        checkName(proto.name(), "the node's name", where),
        checkName(proto.domain(), "the node's domain", where),
        checkName(proto.overload(), "the node's overload", where),
        readNames(proto.input(), "an input's name", node.inputs, where),
        readNames(proto.output(), "an output's name", node.outputs, where)})
    if (!status)
      return status.error();
  node.name = proto.name();
  node.domain = plainDomain(proto.domain());
  node.opType = proto.op_type();
  node.overload = proto.overload();
  for (const onnx::AttributeProto &each : proto.attribute()) {
    Result<OnnxAttribute> read = attribute(each, where);
    if (!read)
      return read.error();
    std::string key = read->name;
    if (!node.attributes.emplace(key, std::move(*read)).second)
      return malformedOnnx(
          "AWQ1073", "the attribute " + printable(key) + " is given twice",
          where);
  }
  Result<OnnxEntries> entries = readEntries(proto.metadata_props(), where);
  if (!entries)
    return entries.error();
  node.metadata = std::move(*entries);
  return node;
}

Result<OnnxTensor> PartReader::initializer(const onnx::TensorProto &proto,
                                           const std::string &place,
                                           size_t number) {
  if (Status status =
          requireName(proto.name(), "the initializer's name",
                      place + ", initializer #" + std::to_string(number));
      !status)
    return status.error();
  return tensors.read(proto, place + ", tensor " + printable(proto.name()));
}

static Status readShape(const onnx::ShapeProto &proto,
                        std::vector<OnnxDim> &shape, const std::string &where) {
  if (Status status = checkRank(proto.dim_size(), where); !status)
    return status;
  for (const onnx::ShapeProto::Dim &dim : proto.dim()) {
    OnnxDim &result = shape.emplace_back();
    if (dim.has_dim_value() && dim.dim_value() < 0)
      return malformedOnnx("AWQ1086",
                           "the dimension " + std::to_string(dim.dim_value()) +
                               " is negative",
                           where);
    if (dim.has_dim_value())
      result.size = dim.dim_value();
    if (Status status = checkName(dim.dim_param(), "a dimension's name", where);
        !status)
      return status;
    result.symbol = dim.dim_param();
  }
  return {};
}

Result<OnnxValue> PartReader::value(const onnx::ValueProto &proto,
                                    const std::string &place,
                                    const std::string &role, size_t number) {
  OnnxValue value;
  if (Status status =
          requireName(proto.name(), "the " + role + "'s name",
                      place + ", " + role + " #" + std::to_string(number));
      !status)
    return status.error();
  value.name = proto.name();
  using Type = onnx::TypeProto;
  static const std::map<int, const char *> kinds = {
      {Type::kTensorType, "tensor"},
      {Type::kSequenceType, "sequence"},
      {Type::kMapType, "map"},
      {Type::kOpaqueType, "opaque"},
      {Type::kSparseTensorType, "sparse tensor"},
      {Type::kOptionalType, "optional"}};
  auto kind = kinds.find(proto.type().value_case());
  if (kind != kinds.end())
    value.kind = kind->second;
  if (!proto.type().has_tensor_type())
    return value;
  std::string where = place + ", " + role + " " + printable(value.name);
  const Type::Tensor &type = proto.type().tensor_type();
  if (Status status = checkElementType(type.elem_type(), where); !status)
    return status.error();
  value.type = static_cast<OnnxType>(type.elem_type());
  if (type.has_shape())
    if (Status status = readShape(type.shape(), value.shape.emplace(), where);
        !status)
      return status.error();
  return value;
}

//===----------------------------------------------------------------------===//
// Graphs and functions
//===----------------------------------------------------------------------===//

Status PartReader::graphHead(const onnx::GraphProto &proto, OnnxGraph &graph,
                             const std::string &place) {
  if (Status status = checkName(proto.name(), "the graph's name", place);
      !status)
    return status;
  graph.name = proto.name();
  if (proto.sparse_initializer_size() == 0)
    return {};
  return Error{ErrorKind::Unsupported, "AWQ1078",
               "the graph has sparse initializers", place,
               "export the model with dense tensors"};
}

Status PartReader::finishGraph(OnnxGraph &graph, const std::string &place) {
  std::unordered_set<std::string_view> names;
  for (const OnnxTensor &tensor : graph.initializers)
    if (!names.insert(tensor.name).second)
      return malformedOnnx("AWQ1072", "the initializer is there twice",
                           place + ", tensor " + printable(tensor.name));
  // Then the initializer is a default, which nobody replaces here.
  auto isInitializer = [&](const OnnxValue &input) {
    return names.count(input.name) != 0;
  };
  graph.inputs.erase(
      std::remove_if(graph.inputs.begin(), graph.inputs.end(), isInitializer),
      graph.inputs.end());
  return {};
}

/// Appends `result`, or passes its error on.
template <typename T>
static Status append(Result<T> result, std::vector<T> &to) {
  if (!result)
    return result.error();
  to.push_back(std::move(*result));
  return {};
}

Result<OnnxGraph> PartReader::graph(const onnx::GraphProto &proto,
                                    const std::string &place) {
  OnnxGraph graph;
  if (Status status = graphHead(proto, graph, place); !status)
    return status.error();
  for (const onnx::TensorProto &tensor : proto.initializer())
    if (Status status =
            append(initializer(tensor, place, graph.initializers.size()),
                   graph.initializers);
        !status)
      return status.error();
  for (const onnx::ValueProto &each : proto.input())
    if (Status status = append(value(each, place, "input", graph.inputs.size()),
                               graph.inputs);
        !status)
      return status.error();
  for (const onnx::ValueProto &each : proto.output())
    if (Status status = append(
            value(each, place, "output", graph.outputs.size()), graph.outputs);
        !status)
      return status.error();
  for (const onnx::ValueProto &each : proto.value_info())
    if (Status status = append(value(each, place, "value", graph.values.size()),
                               graph.values);
        !status)
      return status.error();
  for (const onnx::NodeProto &each : proto.node())
    if (Status status =
            append(node(each, place, graph.nodes.size()), graph.nodes);
        !status)
      return status.error();
  if (Status status = finishGraph(graph, place); !status)
    return status.error();
  return graph;
}

Result<OnnxFunction> PartReader::function(const onnx::FunctionProto &proto,
                                          const std::string &place,
                                          size_t number) {
  if (Status status =
          requireName(proto.name(), "the function's name",
                      place + ", function #" + std::to_string(number));
      !status)
    return status.error();
  std::string where = place + ", function " + printable(proto.name());
  OnnxFunction function;
  for (const Status &status :
       {checkName(proto.domain(), "the function's domain", where),
        checkName(proto.overload(), "the function's overload", where),
        readNames(proto.input(), "an input's name", function.inputs, where),
        readNames(proto.output(), "an output's name", function.outputs, where),
        readNames(proto.attribute(), "an attribute's name", function.attributes,
                  where)})
    if (!status)
      return status.error();
  function.domain = plainDomain(proto.domain());
  function.name = proto.name();
  function.overload = proto.overload();
  Result<OnnxOpsets> opsets = readOpsets(proto.opset_import(), where);
  if (!opsets)
    return opsets.error();
  function.opsets = std::move(*opsets);
  for (const onnx::AttributeProto &each : proto.attribute_proto())
    if (Status status = append(attribute(each, where), function.defaults);
        !status)
      return status.error();
  for (const onnx::NodeProto &each : proto.node())
    if (Status status =
            append(node(each, where, function.nodes.size()), function.nodes);
        !status)
      return status.error();
  return function;
}
