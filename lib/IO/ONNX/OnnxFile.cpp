//===- OnnxFile.cpp - opening an ONNX model -------------------------------===//
//
// Part of the awq-mlir project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "OnnxReader.h"

#include "../Utf8.h"
#include "OnnxChecks.h"
#include "OnnxError.h"
#include "awq/IO/FileError.h"

#include <algorithm>

using namespace awq;
using namespace awq::io;

Result<OnnxFile> OnnxFile::open(const std::string &path) {
  Result<MappedFile> mapped = MappedFile::open(path);
  if (!mapped)
    return mapped.error();
  if (mapped->size() == 0)
    return malformedOnnx("AWQ1006", "the file is empty", path,
                         "the file is damaged or no ONNX model; fetch it "
                         "again");
  return OnnxReader(std::move(*mapped)).read();
}

OnnxReader::OnnxReader(MappedFile mapped)
    : file(std::move(mapped)), place(file.path()), outliner(file),
      external(parentOf(place)),
      tensors(file, external, outliner, result.owned), reader(tensors),
      pages(file) {}

Result<OnnxFile> OnnxReader::read() {
  result.source = place;
  result.contents = std::make_unique<OnnxModel>();
  if (Status status = readModel(); !status)
    return explainForeign(status.error());
  if (Status status = readParts(); !status)
    return status.error();
  if (Status status = external.checkOverlaps(); !status)
    return status.error();
  if (Status status = checkModel(*result.contents, place); !status)
    return status.error();
  // Moving a mapped file does not move its bytes.
  result.files = external.take();
  result.files.push_back(std::move(file));
  return std::move(result);
}

template <typename Proto>
Result<Proto> OnnxReader::parse(OnnxMessage kind, uint64_t begin, uint64_t end,
                                std::string what, OnnxPartCounts *counts) {
  Result<std::string> outline =
      outliner.outline(kind, begin, end, what, counts);
  if (!outline)
    return outline.error();
  Proto proto;
  if (!proto.ParsePartialFromString(*outline))
    return malformedOnnx("AWQ1060", "the message cannot be read",
                         place + ", byte " + std::to_string(begin) + " (" +
                             what + ")");
  return proto;
}

/// Names the formats that people pass by mistake; called only for what is no
/// ONNX model anyway.
Error OnnxReader::explainForeign(const Error &otherwise) const {
  static const char *const fromContainer[] = {"AWQ1060", "AWQ1061", "AWQ1063",
                                              "AWQ1064", "AWQ1067"};
  if (std::find(std::begin(fromContainer), std::end(fromContainer),
                otherwise.code) == std::end(fromContainer))
    return otherwise;
  std::string_view text(reinterpret_cast<const char *>(file.data()),
                        std::min<uint64_t>(file.size(), 256));
  auto begins = [&](std::string_view prefix) {
    return text.substr(0, prefix.size()) == prefix;
  };
  auto other = [&](const char *code, const char *message, const char *help) {
    return malformedOnnx(code, message, place, help);
  };
  if (begins("version https://git-lfs"))
    return other("AWQ1007",
                 "this is a Git LFS pointer, not the model itself; fetch the "
                 "file",
                 "run \"git lfs pull\" in the model's folder");
  if (begins("PK\x03\x04"))
    return other("AWQ1008", "this is a zip archive or a PyTorch checkpoint",
                 "unpack it, or export the model with torch.onnx.export");
  if (begins("\x80\x02") || begins("\x80\x04") || begins("\x80\x05"))
    return other("AWQ1008",
                 "this is a pickle; such files can run code and "
                 "are never read",
                 "export the model with torch.onnx.export");
  if (begins("GGUF"))
    return other("AWQ1009", "this is a GGUF file", "export the model to ONNX");
  if (text.size() >= 8 && text.substr(4, 4) == "ORTM")
    return other("AWQ1009", "this is a model in ONNX Runtime's own format",
                 "use the .onnx file that it was made from");
  // The header's length, far below 2^40, and its first character.
  if (text.size() > 8 && text.substr(5, 4) == std::string_view("\0\0\0{", 4))
    return other("AWQ1009", "this is a safetensors file",
                 "name the model's folder instead of the file");
  size_t start = text.find_first_not_of(" \t\r\n");
  std::string_view rest = text.substr(std::min(start, text.size()));
  if (rest.substr(0, 2) == "<!" || rest.substr(0, 5) == "<html")
    return other("AWQ1009", "this looks like a web page, not like a model",
                 "the download was answered by an error page; fetch it again");
  bool readable = std::all_of(text.begin(), text.end(), [](unsigned char c) {
    return c >= 0x20 ? c < 0x7f : c == '\t' || c == '\r' || c == '\n';
  });
  if (readable && text.size() > 1)
    return other("AWQ1009", "this is text, not an ONNX model",
                 "name the .onnx file");
  return otherwise;
}

Status OnnxReader::readModel() {
  OnnxPartCounts counts = {};
  Result<onnx::ModelProto> proto = parse<onnx::ModelProto>(
      OnnxMessage::Model, 0, file.size(), "the model", &counts);
  if (!proto)
    return proto.error();
  OnnxModel &model = *result.contents;
  model.irVersion = proto->ir_version();
  if (model.irVersion < 1)
    return malformedOnnx("AWQ1064",
                         proto->has_ir_version()
                             ? "there is no IR version " +
                                   std::to_string(model.irVersion)
                             : "the model has no IR version",
                         place, "the file is damaged or no ONNX model");
  if (model.irVersion > maxIrVersion)
    return Error{ErrorKind::Unsupported, "AWQ1065",
                 "the model has IR version " + std::to_string(model.irVersion) +
                     "; up to " + std::to_string(maxIrVersion) +
                     " are supported",
                 place, "export it for an older version of ONNX"};
  if (proto->training_info_size() != 0)
    return Error{ErrorKind::Unsupported, "AWQ1077",
                 "the model has training information", place,
                 "export the model for inference"};
  if (counts[graphField] == 0)
    return malformedOnnx("AWQ1067", "the model has no graph", place);
  Result<OnnxOpsets> opsets = readOpsets(proto->opset_import(), place);
  if (!opsets)
    return opsets.error();
  if (opsets->empty())
    return malformedOnnx("AWQ1066", "the model imports no operators", place);
  model.opsets = std::move(*opsets);
  Result<OnnxEntries> metadata = readEntries(proto->metadata_props(), place);
  if (!metadata)
    return metadata.error();
  model.metadata = std::move(*metadata);
  // Here as for graphs below: exactly what is needed, since growing step by
  // step would take up to three times as much for a while. The functions
  // themselves are charged when they are read.
  uint64_t functions = counts[functionField];
  if (Status status = outliner.afford(functions * sizeof(OnnxFunction), place);
      !status)
    return status;
  model.functions.reserve(functions);
  model.producer = proto->producer_name();
  if (!proto->producer_version().empty())
    model.producer += " " + proto->producer_version();
  return checkName(model.producer, "the producer's name", place);
}

Status OnnxReader::readParts() {
  std::vector<OnnxFunction> &functions = result.contents->functions;
  WireReader parts(file.data(), 0, file.size());
  WireField part;
  while (parts.next(part)) {
    Status status;
    if (part.number == graphField)
      status = readGraph(part);
    else if (part.number == functionField)
      status = add<onnx::FunctionProto>(
          OnnxMessage::Function, part, "function ", functions,
          [&](const onnx::FunctionProto &proto) {
            return reader.function(proto, place, functions.size());
          });
    if (!status)
      return status;
    pages.passed(part.start);
  }
  return {};
}

/// Reads a part of the graph as a `Proto` and appends what `convert` makes.
template <typename Proto, typename T, typename Convert>
Status OnnxReader::add(OnnxMessage kind, const WireField &part,
                       const char *what, std::vector<T> &to, Convert convert) {
  Result<Proto> proto = parse<Proto>(kind, part.begin, part.end,
                                     what + std::to_string(to.size()));
  if (!proto)
    return proto.error();
  Result<T> read = convert(*proto);
  if (!read)
    return read.error();
  to.push_back(std::move(*read));
  return {};
}

Status OnnxReader::readGraphPart(const WireField &part, OnnxGraph &graph) {
  auto value = [&](const char *role, const std::vector<OnnxValue> &before) {
    return [this, role, &before](const onnx::ValueProto &proto) {
      return reader.value(proto, place, role, before.size());
    };
  };
  switch (part.number) {
  case nodeField:
    return add<onnx::NodeProto>(OnnxMessage::Node, part, "node ", graph.nodes,
                                [&](const onnx::NodeProto &proto) {
                                  return reader.node(proto, place,
                                                     graph.nodes.size());
                                });
  case initializerField:
    return add<onnx::TensorProto>(
        OnnxMessage::Tensor, part, "initializer ", graph.initializers,
        [&](const onnx::TensorProto &proto) {
          return reader.initializer(proto, place, graph.initializers.size());
        });
  case inputField:
    return add<onnx::ValueProto>(OnnxMessage::Value, part, "input ",
                                 graph.inputs, value("input", graph.inputs));
  case outputField:
    return add<onnx::ValueProto>(OnnxMessage::Value, part, "output ",
                                 graph.outputs, value("output", graph.outputs));
  case valueField:
    return add<onnx::ValueProto>(OnnxMessage::Value, part, "value ",
                                 graph.values, value("value", graph.values));
  default:
    return {};
  }
}

Status OnnxReader::readGraph(const WireField &whole) {
  OnnxPartCounts counts = {};
  Result<onnx::GraphProto> proto = parse<onnx::GraphProto>(
      OnnxMessage::Graph, whole.begin, whole.end, "the graph", &counts);
  if (!proto)
    return proto.error();
  OnnxGraph &graph = result.contents->graph;
  if (Status status = PartReader::graphHead(*proto, graph, place); !status)
    return status;
  if (Status status = reserve(graph, counts); !status)
    return status;
  WireReader parts(file.data(), whole.begin, whole.end);
  WireField part;
  while (parts.next(part)) {
    if (Status status = readGraphPart(part, graph); !status)
      return status;
    pages.passed(part.start);
  }
  return PartReader::finishGraph(graph, place);
}

Status OnnxReader::reserve(OnnxGraph &graph, const OnnxPartCounts &counts) {
  if (Status status =
          outliner.afford(counts[nodeField] * sizeof(OnnxNode) +
                              counts[initializerField] * sizeof(OnnxTensor) +
                              counts[valueField] * sizeof(OnnxValue),
                          place);
      !status)
    return status;
  graph.nodes.reserve(counts[nodeField]);
  graph.initializers.reserve(counts[initializerField]);
  graph.values.reserve(counts[valueField]);
  return {};
}
