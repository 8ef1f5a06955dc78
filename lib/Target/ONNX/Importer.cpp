//===- Importer.cpp - the graph of a model ---------------- -*- C++ -*-===//
//
// Part of the awq-mlir project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Importer.h"

#include "Constants.h"
#include "awq/Dialect/AWQ/Transforms/ParameterStore.h"

#include "mlir/Dialect/MLProgram/IR/MLProgram.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/Verifier.h"

using namespace mlir;
using namespace awq;
using namespace awq::onnx;

Importer::Importer(ModuleOp module, const io::OnnxFile &file)
    : module(module), file(file), builder(module.getLoc(), module.getContext()),
      emitter(builder), opsets(&file.model().opsets) {}

//===----------------------------------------------------------------------===//
// Inputs and initializers
//===----------------------------------------------------------------------===//

Status Importer::bindSizes(const io::OnnxValue &input, Value argument,
                           bool expressions, Shape &shape) {
  auto isName = [](StringRef text) {
    return llvm::all_of(
        text, [](char c) { return llvm::isAlnum(c) || c == '_' || c == '.'; });
  };
  for (auto [i, size] : llvm::enumerate(*input.shape)) {
    if (size.size) {
      shape[i] = *size.size;
      continue;
    }
    if (!size.symbol.empty() && isName(size.symbol) == expressions)
      continue;
    if (!size.symbol.empty())
      if (auto known = emitter.dims.parse(size.symbol)) {
        shape[i] = *known;
        continue;
      }
    if (size.symbol.empty() && expressions)
      continue;
    Value index = tensor::DimOp::create(builder, argument, i);
    shape[i] = emitter.dims.opaque(index, /*isSize=*/true);
    if (!size.symbol.empty())
      emitter.dims.bind(size.symbol, shape[i]);
  }
  return {};
}

AffineMapAttr Importer::describeShape(const Shape &shape) {
  SmallVector<AffineExpr> sizes;
  for (const DimExpr &size : shape)
    sizes.push_back(size.toAffine(builder.getContext()));
  return AffineMapAttr::get(
      AffineMap::get(0, inputSymbols, sizes, builder.getContext()));
}

Status Importer::declareInputs() {
  const io::OnnxGraph &graph = file.model().graph;
  SmallVector<Type> types;
  for (const io::OnnxValue &input : graph.inputs) {
    auto fail = [&](const std::string &message) {
      return Error{ErrorKind::Unsupported, "AWQ1141", message,
                   file.path() + ", input '" + input.name + "'",
                   "export the model with inputs that are tensors of numbers "
                   "of known rank"};
    };
    if (!input.kind.empty() && input.kind != "tensor")
      return fail("an input that is a " + input.kind);
    Type element = emitter.elementType(input.type);
    if (!element)
      return fail("an input of " + io::name(input.type));
    if (!input.shape)
      return fail("an input whose rank is not declared");
    SmallVector<int64_t> sizes;
    for (const io::OnnxDim &size : *input.shape)
      sizes.push_back(size.size.value_or(ShapedType::kDynamic));
    types.push_back(RankedTensorType::get(sizes, element));
  }
  builder.setInsertionPointToEnd(module.getBody());
  function =
      func::FuncOp::create(builder, "main", builder.getFunctionType(types, {}));
  builder.setInsertionPointToStart(function.addEntryBlock());
  std::vector<Shape> shapes;
  for (const io::OnnxValue &input : graph.inputs)
    shapes.emplace_back(input.shape->size());
  // Names first, then the expressions of names.
  for (bool expressions : {false, true})
    for (auto [i, input] : llvm::enumerate(graph.inputs))
      if (Status status =
              bindSizes(input, function.getArgument(i), expressions, shapes[i]);
          !status)
        return status;
  inputSymbols = emitter.dims.size();
  for (auto [i, input] : llvm::enumerate(graph.inputs)) {
    function.setArgAttr(i, "awq.name", builder.getStringAttr(input.name));
    function.setArgAttr(i, "awq.shape", describeShape(shapes[i]));
    scope[input.name] =
        emitter.wrap(function.getArgument(i), input.type, std::move(shapes[i]));
  }
  return {};
}

/// The name in safetensors files; empty for types that those do not have.
static StringRef storedName(OnnxType type) {
  switch (type) {
  case OnnxType::F32:
    return "F32";
  case OnnxType::F16:
    return "F16";
  case OnnxType::BF16:
    return "BF16";
  case OnnxType::I8:
    return "I8";
  case OnnxType::U8:
    return "U8";
  case OnnxType::I32:
    return "I32";
  default:
    return "";
  }
}

Value Importer::loadParameter(const io::OnnxTensor &tensor) {
  Value &loaded = parameters[tensor.name];
  if (loaded)
    return loaded;
  RankedTensorType type =
      RankedTensorType::get(tensor.shape, emitter.elementType(tensor.type));
  OpBuilder top = OpBuilder::atBlockBegin(module.getBody());
  ml_program::GlobalOp::create(
      top, builder.getLoc(), tensor.name, type, /*is_mutable=*/false,
      ml_program::ExternAttr::get(builder.getContext(), type),
      builder.getStringAttr("private"));
  NamedAttribute fields[] = {
      builder.getNamedAttr("dtype",
                           builder.getStringAttr(storedName(tensor.type))),
      builder.getNamedAttr("offset", builder.getI64IntegerAttr(tensor.offset)),
      builder.getNamedAttr("shape",
                           builder.getDenseI64ArrayAttr(tensor.shape))};
  places[tensor.file].push_back(
      builder.getNamedAttr(tensor.name, builder.getDictionaryAttr(fields)));
  loaded = ml_program::GlobalLoadConstOp::create(
      builder, type, SymbolRefAttr::get(builder.getContext(), tensor.name));
  return loaded;
}

void Importer::declareInitializers() {
  emitter.load = [this](const io::OnnxTensor &tensor) {
    return loadParameter(tensor);
  };
  for (const io::OnnxTensor &tensor : file.model().graph.initializers) {
    bool staysOutside = !tensor.file.empty() && !tensor.name.empty() &&
                        !storedName(tensor.type).empty();
    Tensor value;
    if (staysOutside) {
      value.type = tensor.type;
      value.shape.assign(tensor.shape.begin(), tensor.shape.end());
    } else if (Result<Tensor> constant = makeConstant(emitter, tensor)) {
      value = *constant;
    } else {
      // Refused when something reads it.
      continue;
    }
    value.initializer = &tensor;
    scope[tensor.name] = value;
  }
}

//===----------------------------------------------------------------------===//
// Nodes
//===----------------------------------------------------------------------===//

std::optional<int64_t> Importer::versionOf(const io::OnnxNode &node) const {
  auto it = opsets->find(node.domain);
  if (it == opsets->end())
    return std::nullopt;
  return it->second;
}

/// "model.layers.0.mlp.up_proj" from what exporters leave in a node: the last
/// of the name scopes that dynamo writes, or the path in a node's name.
static std::string moduleOf(const io::OnnxNode &node) {
  auto scopes = node.metadata.find("pkg.torch.onnx.name_scopes");
  if (scopes != node.metadata.end()) {
    // ['', 'model', 'model.layers.0', 'linear_3']: the last is the op.
    SmallVector<StringRef> quoted;
    StringRef(scopes->second).split(quoted, '\'');
    std::string module;
    for (size_t i = 1; i + 3 < quoted.size(); i += 2)
      module = quoted[i].str();
    return module;
  }
  StringRef path(node.name);
  if (!path.consume_front("/"))
    return "";
  std::string module = path.rsplit('/').first.str();
  std::replace(module.begin(), module.end(), '/', '.');
  return path.contains('/') ? module : "";
}

Location Importer::locationOf(const io::OnnxNode &node) {
  std::string name = moduleOf(node);
  if (name.empty())
    name = node.name.empty() ? node.opType : node.name;
  return NameLoc::get(builder.getStringAttr(name));
}

Result<std::vector<Tensor>> Importer::readInputs(const io::OnnxNode &node) {
  std::vector<Tensor> inputs;
  for (const std::string &name : node.inputs) {
    if (name.empty()) {
      inputs.emplace_back();
      continue;
    }
    auto it = scope.find(name);
    if (it == scope.end()) {
      return Error{ErrorKind::Unsupported, "AWQ1141",
                   "reads '" + name + "', whose type has no counterpart here",
                   describe(node, versionOf(node).value_or(0)),
                   "export the model with other options"};
    }
    inputs.push_back(it->second);
  }
  return inputs;
}

Status Importer::importNode(const io::OnnxNode &node) {
  builder.setLoc(locationOf(node));
  for (const io::OnnxFunction &function : file.model().functions)
    if (function.domain == node.domain && function.name == node.opType &&
        function.overload == node.overload)
      return importCall(node, function);
  std::optional<int64_t> version = versionOf(node);
  // The genai builder writes SimplifiedLayerNormalization without a domain.
  const OpEntry *entry = findOp(node.domain, node.opType);
  if (!entry || !version || *version < entry->since || *version > entry->until)
    return Error{ErrorKind::Unsupported, "AWQ1140",
                 "unsupported op " + describe(node, version.value_or(0)),
                 file.path(),
                 entry ? "this op is understood from opset " +
                             std::to_string(entry->since) + " to " +
                             std::to_string(entry->until)
                       : "docs/ONNX.md lists the ops that are understood"};
  Result<std::vector<Tensor>> inputs = readInputs(node);
  if (!inputs)
    return inputs.error();
  OpContext op(emitter, node, *version, std::move(*inputs));
  Status status = entry->handler(op);
  if (status)
    status = op.status();
  if (emitter.takeMisfit() && status)
    status = op.invalid("inputs whose shapes do not fit together");
  if (!status) {
    Error error = status.error();
    error.where = file.path() + ", " + error.where;
    return error;
  }
  for (auto [name, tensor] : llvm::zip(node.outputs, op.outputs))
    if (!name.empty() && tensor)
      scope[name] = std::move(tensor);
  return {};
}

/// Attributes of a function's node, with those of the call put in.
static io::OnnxNode bindAttributes(const io::OnnxNode &inner,
                                   const io::OnnxNode &call,
                                   const io::OnnxFunction &function) {
  io::OnnxNode bound = inner;
  for (auto it = bound.attributes.begin(); it != bound.attributes.end();) {
    const std::string reference = it->second.reference;
    if (reference.empty()) {
      ++it;
      continue;
    }
    const io::OnnxAttribute *given = call.find(reference);
    for (const io::OnnxAttribute &missing : function.defaults)
      if (!given && missing.name == reference)
        given = &missing;
    if (!given) {
      it = bound.attributes.erase(it);
      continue;
    }
    std::string name = it->second.name;
    it->second = *given;
    it->second.name = name;
    ++it;
  }
  return bound;
}

Status Importer::importCall(const io::OnnxNode &node,
                            const io::OnnxFunction &callee) {
  if (depth >= 64)
    return Error{ErrorKind::Unsupported, "AWQ1141",
                 "functions that call each other 64 deep",
                 file.path() + ", " + describe(node, 0),
                 "export the model with other options"};
  Result<std::vector<Tensor>> inputs = readInputs(node);
  if (!inputs)
    return inputs.error();
  Scope inner;
  for (auto [name, tensor] : llvm::zip(callee.inputs, *inputs))
    if (tensor)
      inner[name] = tensor;
  std::swap(scope, inner);
  const auto *outerOpsets = opsets;
  opsets = &callee.opsets;
  ++depth;
  Status status;
  for (const io::OnnxNode &step : callee.nodes) {
    status = importNode(bindAttributes(step, node, callee));
    if (!status)
      break;
  }
  --depth;
  opsets = outerOpsets;
  std::swap(scope, inner);
  for (auto [name, result] : llvm::zip(node.outputs, callee.outputs))
    if (auto it = inner.find(result); !name.empty() && it != inner.end())
      scope[name] = it->second;
  return status;
}

//===----------------------------------------------------------------------===//
// The whole
//===----------------------------------------------------------------------===//

Status Importer::finish() {
  SmallVector<Value> results;
  SmallVector<Type> types;
  builder.setLoc(module.getLoc());
  for (const io::OnnxValue &output : file.model().graph.outputs) {
    io::OnnxNode reader;
    reader.inputs = {output.name};
    reader.opType = "output";
    Result<std::vector<Tensor>> read = readInputs(reader);
    if (!read)
      return read.error();
    Tensor &tensor = read->front();
    results.push_back(emitter.value(tensor));
    types.push_back(results.back().getType());
  }
  func::ReturnOp::create(builder, results);
  function.setType(builder.getFunctionType(function.getArgumentTypes(), types));
  for (auto [i, output] : llvm::enumerate(file.model().graph.outputs))
    function.setResultAttr(i, "awq.name", builder.getStringAttr(output.name));
  for (bool broadcasts : {false, true}) {
    std::vector<AffineMap> sizes =
        emitter.dims.requirements(inputSymbols, broadcasts);
    if (!sizes.empty())
      function->setAttr(broadcasts ? "awq.broadcast_sizes" : "awq.equal_sizes",
                        builder.getAffineMapArrayAttr(sizes));
  }
  SmallVector<Attribute> files;
  for (auto &[path, entries] : places) {
    NamedAttribute fields[] = {
        builder.getNamedAttr("file", builder.getStringAttr(path)),
        builder.getNamedAttr("tensors", builder.getDictionaryAttr(entries))};
    files.push_back(builder.getDictionaryAttr(fields));
  }
  if (!files.empty())
    module->setAttr(kParameterFilesAttr, builder.getArrayAttr(files));
  return {};
}

Status Importer::run() {
  if (Status status = declareInputs(); !status)
    return status;
  declareInitializers();
  for (const io::OnnxNode &node : file.model().graph.nodes)
    if (Status status = importNode(node); !status)
      return status;
  return finish();
}
