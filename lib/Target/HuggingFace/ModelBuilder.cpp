//===- ModelBuilder.cpp - the functions of an imported model --------------===//
//
// Part of the awq-mlir project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "ModelBuilder.h"

#include "RotaryFrequencies.h"
#include "awq/Dialect/AWQ/IR/AWQ.h"
#include "awq/Dialect/Decoder/IR/Decoder.h"
#include "awq/IO/JsonFields.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"

#include <cmath>

using namespace mlir;
using namespace awq;

ModelBuilder::ModelBuilder(ModuleOp module, const Architecture &architecture,
                           const io::HfConfig &config,
                           ParameterTable &parameters)
    : module(module), architecture(architecture), config(config),
      parameters(parameters), builder(module.getLoc(), module.getBodyRegion()) {
}

void ModelBuilder::build() {
  io::JsonFields fields(config.fields, config.file, "", &config.defaults);
  epsilon = fields.number(architecture.normEpsilon, 0.0, 1.0);
  readActivation(fields);
  if (Status status = fields.status(); !status)
    return parameters.fail(status.error());
  SmallVector<func::FuncOp> layers;
  for (int64_t layer = 0; layer < config.layers; ++layer) {
    layers.push_back(buildLayer(layer));
    if (!parameters)
      return;
  }
  buildForward(layers);
  buildHead();
}

//===----------------------------------------------------------------------===//
// Types, functions, names
//===----------------------------------------------------------------------===//

/// [tokens, channels...] of f32.
RankedTensorType ModelBuilder::activations(ArrayRef<int64_t> channels) {
  SmallVector<int64_t> shape = {ShapedType::kDynamic};
  shape.append(channels.begin(), channels.end());
  return RankedTensorType::get(shape, builder.getF32Type());
}

func::FuncOp ModelBuilder::startFunction(StringRef name, bool isPrivate,
                                         TypeRange inputs, TypeRange results) {
  builder.setInsertionPointToEnd(module.getBody());
  auto function = func::FuncOp::create(
      builder, name, builder.getFunctionType(inputs, results));
  if (isPrivate)
    function.setPrivate();
  builder.setInsertionPointToStart(function.addEntryBlock());
  return function;
}

void ModelBuilder::enter(const std::string &moduleName) {
  builder.setLoc(NameLoc::get(builder.getStringAttr(moduleName)));
}

/// The number of rows of the current function's first argument.
void ModelBuilder::countTokens(Value argument) {
  tokens = tensor::DimOp::create(builder, argument, int64_t(0));
}

/// Activation functions by transformers' names (activations.py, ACT2CLS).
void ModelBuilder::readActivation(io::JsonFields &fields) {
  using decoder::ActivationKind;
  static const std::pair<const char *, ActivationKind> kinds[] = {
      {"gelu", ActivationKind::Gelu},
      {"gelu_10", ActivationKind::Gelu10},
      {"gelu_accurate", ActivationKind::GeluTanh},
      {"gelu_fast", ActivationKind::GeluTanh},
      {"gelu_new", ActivationKind::GeluTanh},
      {"gelu_python", ActivationKind::Gelu},
      {"gelu_python_tanh", ActivationKind::GeluTanh},
      {"gelu_pytorch_tanh", ActivationKind::GeluTanh},
      {"hardswish", ActivationKind::HardSwish},
      {"laplace", ActivationKind::Laplace},
      {"leaky_relu", ActivationKind::LeakyRelu},
      {"linear", ActivationKind::Identity},
      {"mish", ActivationKind::Mish},
      {"prelu", ActivationKind::PRelu},
      {"quick_gelu", ActivationKind::GeluQuick},
      {"relu", ActivationKind::Relu},
      {"relu2", ActivationKind::Relu2},
      {"relu6", ActivationKind::Relu6},
      {"sigmoid", ActivationKind::Sigmoid},
      {"silu", ActivationKind::Silu},
      {"sqrtsoftplus", ActivationKind::SqrtSoftplus},
      {"swish", ActivationKind::Silu},
      {"tanh", ActivationKind::Tanh},
      {"xielu", ActivationKind::XIelu}};
  std::string name = fields.string(architecture.activation);
  std::string known;
  for (const auto &[spelling, kind] : kinds) {
    if (name == spelling) {
      activation = kind;
      if (decoder::getNumParameters(kind) > 0 &&
          architecture.activationModule.empty())
        fields.fail(ErrorKind::Unsupported, "AWQ1108", architecture.activation,
                    "the activation function \"" + name +
                        "\" has learned parameters, and nothing says where",
                    "name their module as \"activation_module\" in "
                    "layer.mlp of " +
                        architecture.file);
      return;
    }
    known += (known.empty() ? "" : ", ") + std::string(spelling);
  }
  fields.fail(ErrorKind::Unsupported, "AWQ1108", architecture.activation,
              "the activation function \"" + name + "\" is not supported",
              "supported are " + known);
}

//===----------------------------------------------------------------------===//
// Parts of a layer
//===----------------------------------------------------------------------===//

Value ModelBuilder::norm(const std::string &moduleName, Value input) {
  enter(moduleName);
  int64_t channels = cast<RankedTensorType>(input.getType()).getShape().back();
  Value weight =
      parameters.loadFloat(builder, builder.getLoc(), moduleName + ".weight",
                           {channels}, 1.0 - architecture.normOffset);
  FloatAttr eps = builder.getF64FloatAttr(epsilon);
  if (architecture.norm == Architecture::Norm::Rms)
    return decoder::RMSNormOp::create(
        builder, input.getType(), input, weight, eps,
        builder.getF64FloatAttr(architecture.normOffset));
  Value bias;
  if (architecture.normBias)
    bias = parameters.loadFloat(builder, builder.getLoc(), moduleName + ".bias",
                                {channels}, 0.0);
  return decoder::LayerNormOp::create(builder, input.getType(), input, weight,
                                      bias, eps);
}

Value ModelBuilder::linear(const LinearModule &linear,
                           const std::string &moduleName, Value input,
                           int64_t outputs, bool isHead,
                           const std::string &weightName) {
  enter(moduleName);
  Location loc = builder.getLoc();
  auto type = cast<RankedTensorType>(input.getType());
  int64_t inputs = type.getShape().back();
  Result<bool> biased = hasBias(linear, config);
  if (!biased)
    parameters.fail(biased.error());
  bool quantized =
      weightName.empty() && parameters.isQuantized(moduleName, isHead);
  RankedTensorType resultType = activations({outputs});
  auto loadBias = [&]() -> Value {
    if (!biased || !*biased)
      return {};
    return parameters.loadFloat(builder, loc, moduleName + ".bias", {outputs},
                                0.0);
  };
  Operation *op;
  if (quantized && parameters) {
    ParameterTable::QuantizedWeight weight =
        parameters.loadQuantized(builder, loc, moduleName, outputs, inputs);
    if (!parameters)
      return tensor::EmptyOp::create(builder, resultType, ValueRange{tokens});
    op = QuantizedLinearOp::create(builder, resultType, input, weight.codes,
                                   weight.scales, weight.zeros, loadBias(),
                                   cast<SchemeAttr>(weight.scheme));
  } else {
    Value weight = parameters.loadFloat(
        builder, loc, weightName.empty() ? moduleName + ".weight" : weightName,
        {outputs, inputs}, 1.0 / 64);
    op = LinearOp::create(builder, resultType, input, weight, loadBias());
  }
  op->setAttr("awq.name", builder.getStringAttr(moduleName));
  return op->getResult(0);
}

/// [T, heads * D] as [T, heads, D].
Value ModelBuilder::splitHeads(Value value, int64_t heads) {
  SmallVector<OpFoldResult> shape = {tokens, builder.getIndexAttr(heads),
                                     builder.getIndexAttr(config.headDim)};
  return tensor::ExpandShapeOp::create(
      builder, activations({heads, config.headDim}), value,
      ArrayRef<ReassociationIndices>{{0}, {1, 2}}, shape);
}

Value ModelBuilder::headsOf(int64_t layer, const LinearModule &module,
                            Value input, int64_t heads) {
  Value flat = linear(module, architecture.layerName(layer, module.module),
                      input, heads * config.headDim);
  return splitHeads(flat, heads);
}

SmallVector<Value> ModelBuilder::attention(int64_t layer, Value input,
                                           const LayerArguments &arguments) {
  const Architecture &arch = architecture;
  Value query = headsOf(layer, arch.query, input, config.heads);
  Value key = headsOf(layer, arch.key, input, config.kvHeads);
  Value value = headsOf(layer, arch.value, input, config.kvHeads);
  if (!arch.queryNorm.empty())
    query = norm(arch.layerName(layer, arch.queryNorm), query);
  if (!arch.keyNorm.empty())
    key = norm(arch.layerName(layer, arch.keyNorm), key);

  // The module that holds the four projections.
  std::string name = arch.layerName(layer, arch.query.module);
  enter(name.substr(0, name.rfind('.')));
  auto rotate = [&](Value heads) -> Value {
    return decoder::RotaryOp::create(builder, heads.getType(), heads,
                                     arguments.cosines, arguments.sines,
                                     arch.rotaryInterleaved);
  };
  query = rotate(query);
  key = rotate(key);
  Result<int64_t> window = layerWindow(arch, config, layer);
  if (!window)
    parameters.fail(window.error());
  double scale = 1.0 / std::sqrt(static_cast<double>(config.headDim));
  auto op = decoder::AttentionOp::create(
      builder, query.getType(), arguments.keyCache.getType(),
      arguments.valueCache.getType(), query, key, value, arguments.keyCache,
      arguments.valueCache, arguments.position, /*slopes=*/Value(),
      builder.getF64FloatAttr(scale),
      builder.getI64IntegerAttr(window ? *window : 0),
      builder.getF64FloatAttr(0.0));
  Value joined = tensor::CollapseShapeOp::create(
      builder, activations({config.heads * config.headDim}), op.getOut(),
      ArrayRef<ReassociationIndices>{{0}, {1, 2}});
  Value output = linear(arch.output, arch.layerName(layer, arch.output.module),
                        joined, config.hiddenSize);
  return {output, op.getNewKeyCache(), op.getNewValueCache()};
}

/// With transformers' names (activations.py). The last two parameters of xIELU
/// are buffers, which a checkpoint may leave out.
SmallVector<Value> ModelBuilder::activationParameters(int64_t layer) {
  if (decoder::getNumParameters(activation) == 0)
    return {};
  std::string name =
      architecture.layerName(layer, architecture.activationModule);
  enter(name);
  auto load = [&](StringRef parameter, ArrayRef<int64_t> shape, double splat) {
    return parameters.loadFloat(builder, builder.getLoc(),
                                name + "." + parameter.str(), shape, splat);
  };
  auto loadBuffer = [&](StringRef buffer, double value) -> Value {
    if (!parameters.isMissing(name + "." + buffer.str()))
      return load(buffer, {}, value);
    auto type = RankedTensorType::get({}, builder.getF32Type());
    return arith::ConstantOp::create(
        builder, DenseElementsAttr::get(type, static_cast<float>(value)));
  };
  if (activation == decoder::ActivationKind::PRelu)
    return {load("weight", {1}, 0.25)};
  // log(expm1(0.8)) and log(expm1(0.8 - 0.5)): where training starts.
  return {load("alpha_p", {1}, 0.2034), load("alpha_n", {1}, -1.0502),
          loadBuffer("beta", 0.5), loadBuffer("eps", -1e-6)};
}

Value ModelBuilder::mlp(int64_t layer, Value input) {
  const Architecture &arch = architecture;
  auto project = [&](const LinearModule &module, Value from, int64_t outputs) {
    return linear(module, arch.layerName(layer, module.module), from, outputs);
  };
  auto kind =
      decoder::ActivationKindAttr::get(builder.getContext(), activation);
  std::string down = arch.layerName(layer, arch.down.module);
  std::string name = down.substr(0, down.rfind('.'));
  Value inner;
  if (arch.mlp == Architecture::Mlp::Glu) {
    Value gate = project(arch.gate, input, config.intermediateSize);
    Value up = project(arch.up, input, config.intermediateSize);
    SmallVector<Value> learned = activationParameters(layer);
    enter(name);
    inner = decoder::GLUOp::create(builder, gate.getType(), gate, up, learned,
                                   kind);
  } else {
    Value up = project(arch.up, input, config.intermediateSize);
    SmallVector<Value> learned = activationParameters(layer);
    enter(name);
    inner =
        decoder::ActivationOp::create(builder, up.getType(), up, learned, kind);
  }
  return project(arch.down, inner, config.hiddenSize);
}

//===----------------------------------------------------------------------===//
// Functions
//===----------------------------------------------------------------------===//

func::FuncOp ModelBuilder::buildLayer(int64_t layer) {
  const Architecture &arch = architecture;
  std::string name = arch.layerName(layer, "");
  enter(name);
  Type hidden = activations({config.hiddenSize});
  Type table = activations({config.headDim / 2});
  Type cache = activations({config.kvHeads, config.headDim});
  func::FuncOp function = startFunction(
      "layers." + std::to_string(layer), /*isPrivate=*/true,
      {hidden, table, table, cache, cache, builder.getIndexType()},
      {hidden, cache, cache});
  function->setAttr("awq.layer", builder.getI64IntegerAttr(layer));
  Block::BlockArgListType arguments = function.getArguments();
  LayerArguments values = {arguments[0], arguments[1], arguments[2],
                           arguments[3], arguments[4], arguments[5]};
  countTokens(values.hidden);
  Value normed = norm(arch.layerName(layer, arch.attentionNorm), values.hidden);
  SmallVector<Value> attended = attention(layer, normed, values);
  enter(name);
  Value middle = arith::AddFOp::create(builder, values.hidden, attended[0]);
  Value fed = mlp(layer, norm(arch.layerName(layer, arch.mlpNorm), middle));
  enter(name);
  Value result = arith::AddFOp::create(builder, middle, fed);
  func::ReturnOp::create(builder, ValueRange{result, attended[1], attended[2]});
  return function;
}

void ModelBuilder::buildForward(ArrayRef<func::FuncOp> layers) {
  enter(architecture.embedding);
  Type hiddenType = activations({config.hiddenSize});
  Type cache = activations({config.kvHeads, config.headDim});
  SmallVector<Type> inputs = {
      RankedTensorType::get({ShapedType::kDynamic}, builder.getI32Type()),
      builder.getIndexType()};
  SmallVector<Type> results = {hiddenType};
  inputs.append(2 * layers.size(), cache);
  results.append(2 * layers.size(), cache);
  func::FuncOp function =
      startFunction("forward", /*isPrivate=*/false, inputs, results);
  Value ids = function.getArgument(0);
  Value position = function.getArgument(1);
  countTokens(ids);
  Value table = parameters.loadFloat(
      builder, builder.getLoc(), architecture.embedding + ".weight",
      {config.vocabSize, config.hiddenSize}, 1.0 / 64);
  Value hidden = decoder::EmbeddingOp::create(builder, hiddenType, ids, table,
                                              builder.getF64FloatAttr(1.0));

  RotaryFrequencies rotary =
      computeRotaryFrequencies(config.rope, config.headDim);
  auto frequencyType =
      RankedTensorType::get({config.headDim / 2}, builder.getF32Type());
  Value frequencies = arith::ConstantOp::create(
      builder,
      DenseElementsAttr::get(frequencyType, ArrayRef<float>(rotary.inverse)));
  auto angles = decoder::RotaryTableOp::create(builder, frequencies, position,
                                               tokens, rotary.scaling);
  SmallVector<Value> returned = {Value()};
  for (auto [index, layer] : llvm::enumerate(layers)) {
    enter(architecture.layerName(index, ""));
    auto call = func::CallOp::create(
        builder, layer,
        ValueRange{hidden, angles.getCosines(), angles.getSines(),
                   function.getArgument(2 + 2 * index),
                   function.getArgument(3 + 2 * index), position});
    hidden = call.getResult(0);
    returned.append({call.getResult(1), call.getResult(2)});
  }
  returned.front() = hidden;
  func::ReturnOp::create(builder, returned);
}

void ModelBuilder::buildHead() {
  enter(architecture.head.module);
  func::FuncOp function = startFunction("head", /*isPrivate=*/false,
                                        {activations({config.hiddenSize})},
                                        {activations({config.vocabSize})});
  countTokens(function.getArgument(0));
  Value normed = norm(architecture.finalNorm, function.getArgument(0));
  std::string shared;
  if (config.tieWordEmbeddings)
    shared = architecture.embedding + ".weight";
  Value logits = linear(architecture.head, architecture.head.module, normed,
                        config.vocabSize, /*isHead=*/true, shared);
  func::ReturnOp::create(builder, logits);
}
