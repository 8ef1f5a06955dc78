//===- OnnxWriter.cpp - writing ONNX models as a stream -------------------===//
//
// Part of the awq-mlir project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "awq/IO/OnnxWriter.h"

#include "Schema.pb.h"
#include "awq/IO/FileError.h"

#include <algorithm>
#include <cassert>
#include <cerrno>
#include <cstdio>

using namespace awq;
using namespace awq::io;

/// Small tensors start at a cache line, those that a reader maps at a page.
static constexpr uint64_t lineBytes = 64, pageBytes = 4096;
/// What protobuf can hold in one message.
static constexpr uint64_t maxMessageBytes = (uint64_t(1) << 31) - 1;

struct OnnxWriter::State {
  ~State() {
    if (data)
      std::fclose(data);
  }

  onnx::WrittenModelProto model;
  std::string path, dataPath;
  std::FILE *data = nullptr; ///< null: tensors go into the model
  uint64_t offset = 0;       ///< in `data`
  uint64_t bytes = 0;        ///< of tensors
};

//===----------------------------------------------------------------------===//
// Opening
//===----------------------------------------------------------------------===//

/// The newest IR version that readers of the opset know.
static int64_t irVersion(int64_t opset) { return opset < 23 ? 10 : 11; }

OnnxWriter::OnnxWriter(const Header &header)
    : state(std::make_unique<State>()) {
  state->model.set_producer_name("awq-mlir");
  state->model.set_producer_version(header.producerVersion);
  state->model.mutable_graph()->set_name(header.graphName);
  for (const auto &[domain, version] : header.opsets)
    addOpset(domain, version);
}

Result<OnnxWriter> OnnxWriter::create(const std::string &path,
                                      const Header &header) {
  OnnxWriter writer(header);
  State &state = *writer.state;
  state.path = path;
  state.dataPath = path + ".data";
  state.data = std::fopen(state.dataPath.c_str(), "wbx");
  if (!state.data)
    return writeError("create the file", state.dataPath, errno);
  return writer;
}

OnnxWriter::OnnxWriter(OnnxWriter &&other) noexcept = default;
OnnxWriter &OnnxWriter::operator=(OnnxWriter &&other) noexcept = default;
OnnxWriter::~OnnxWriter() = default;

void OnnxWriter::addOpset(const std::string &domain, int64_t version) {
  for (const onnx::OpsetProto &opset : state->model.opset_import())
    if (opset.domain() == domain)
      return;
  onnx::OpsetProto *opset = state->model.add_opset_import();
  opset->set_domain(domain);
  opset->set_version(version);
  if (domain.empty())
    state->model.set_ir_version(irVersion(version));
}

//===----------------------------------------------------------------------===//
// The graph
//===----------------------------------------------------------------------===//

static void fill(onnx::ValueProto &proto, const OnnxValue &value) {
  proto.set_name(value.name);
  auto *tensor = proto.mutable_type()->mutable_tensor_type();
  tensor->set_elem_type(static_cast<int32_t>(value.type));
  if (!value.shape)
    return;
  onnx::ShapeProto *shape = tensor->mutable_shape();
  for (const OnnxDim &dim : *value.shape) {
    onnx::ShapeProto::Dim *added = shape->add_dim();
    if (dim.size)
      added->set_dim_value(*dim.size);
    else
      added->set_dim_param(dim.symbol);
  }
}

void OnnxWriter::addInput(const OnnxValue &value) {
  fill(*state->model.mutable_graph()->add_input(), value);
}

void OnnxWriter::addOutput(const OnnxValue &value) {
  fill(*state->model.mutable_graph()->add_output(), value);
}

namespace {
struct AttributeFiller {
  onnx::AttributeProto &proto;

  void operator()(int64_t value) const {
    proto.set_i(value);
    setKind(OnnxAttributeKind::Int);
  }
  void operator()(float value) const {
    proto.set_f(value);
    setKind(OnnxAttributeKind::Float);
  }
  void operator()(const std::string &value) const {
    proto.set_s(value);
    setKind(OnnxAttributeKind::String);
  }
  void operator()(const std::vector<int64_t> &values) const {
    for (int64_t value : values)
      proto.add_ints(value);
    setKind(OnnxAttributeKind::Ints);
  }

private:
  void setKind(OnnxAttributeKind kind) const {
    proto.set_type(static_cast<int32_t>(kind));
  }
};
} // namespace

void OnnxWriter::addNode(const OnnxNodeSpec &node) {
  onnx::NodeProto *proto = state->model.mutable_graph()->add_node();
  proto->set_op_type(node.opType);
  proto->set_name(node.name);
  if (!node.domain.empty())
    proto->set_domain(node.domain);
  for (const std::string &input : node.inputs)
    proto->add_input(input);
  for (const std::string &output : node.outputs)
    proto->add_output(output);
  for (const auto &[name, value] : node.attributes) {
    onnx::AttributeProto *attribute = proto->add_attribute();
    attribute->set_name(name);
    std::visit(AttributeFiller{*attribute}, value);
  }
}

bool OnnxWriter::renameLastResult(const std::string &from,
                                  const std::string &to) {
  onnx::GraphProto &graph = *state->model.mutable_graph();
  if (graph.node().empty())
    return false;
  onnx::NodeProto &last = *graph.mutable_node(graph.node_size() - 1);
  if (last.output().empty() || last.output(0) != from)
    return false;
  last.set_output(0, to);
  return true;
}

//===----------------------------------------------------------------------===//
// Tensors
//===----------------------------------------------------------------------===//

static void describe(onnx::TensorProto &tensor, const std::string &name,
                     OnnxType type, const std::vector<int64_t> &shape) {
  tensor.set_name(name);
  tensor.set_data_type(static_cast<int32_t>(type));
  for (int64_t size : shape)
    tensor.add_dims(size);
}

void OnnxWriter::addConstant(const std::string &name, OnnxType type,
                             const std::vector<int64_t> &shape,
                             const void *data, uint64_t bytes) {
  onnx::TensorProto &tensor = *state->model.mutable_graph()->add_initializer();
  describe(tensor, name, type, shape);
  tensor.set_raw_data(data, bytes);
}

Status OnnxWriter::addTensor(const std::string &name, OnnxType type,
                             const std::vector<int64_t> &shape,
                             const void *data, uint64_t bytes) {
  State &s = *state;
  s.bytes += bytes;
  if (!s.data) {
    // What is too large anyway need not fill the memory.
    if (s.bytes <= maxMessageBytes)
      addConstant(name, type, shape, data, bytes);
    return {};
  }
  uint64_t alignment = bytes < pageBytes ? lineBytes : pageBytes;
  uint64_t begin = (s.offset + alignment - 1) / alignment * alignment;
  static constexpr char zeros[pageBytes] = {};
  if (std::fwrite(zeros, 1, begin - s.offset, s.data) != begin - s.offset ||
      std::fwrite(data, 1, bytes, s.data) != bytes)
    return writeError("write the file", s.dataPath, errno);
  s.offset = begin + bytes;
  onnx::TensorProto &tensor = *s.model.mutable_graph()->add_initializer();
  describe(tensor, name, type, shape);
  auto entry = [&](const char *key, const std::string &value) {
    onnx::EntryProto *added = tensor.add_external_data();
    added->set_key(key);
    added->set_value(value);
  };
  entry("location", s.dataPath.substr(s.dataPath.rfind('/') + 1));
  entry("offset", std::to_string(begin));
  entry("length", std::to_string(bytes));
  tensor.set_data_location(1); // EXTERNAL
  return {};
}

//===----------------------------------------------------------------------===//
// Finishing
//===----------------------------------------------------------------------===//

Result<std::string> OnnxWriter::serialize() const {
  if (state->bytes + state->model.ByteSizeLong() > maxMessageBytes)
    return Error{ErrorKind::Unsupported, "AWQ1155",
                 "the model is larger than 2 GB, which one ONNX file cannot "
                 "hold",
                 state->path,
                 "write a folder instead: awq-compile --emit=onnx -o OUT"};
  return state->model.SerializeAsString();
}

Status OnnxWriter::finish() {
  State &s = *state;
  assert(s.data && "a model of one piece is serialized");
  std::FILE *data = std::exchange(s.data, nullptr);
  if (std::fclose(data) != 0)
    return writeError("write the file", s.dataPath, errno);
  std::string bytes = s.model.SerializeAsString();
  std::FILE *file = std::fopen(s.path.c_str(), "wbx");
  if (!file)
    return writeError("create the file", s.path, errno);
  bool written =
      std::fwrite(bytes.data(), 1, bytes.size(), file) == bytes.size();
  int number = errno;
  if (std::fclose(file) == 0 && written)
    return {};
  return writeError("write the file", s.path, written ? errno : number);
}

int64_t OnnxWriter::nodeCount() const {
  return state->model.graph().node_size();
}

uint64_t OnnxWriter::dataBytes() const { return state->bytes; }
