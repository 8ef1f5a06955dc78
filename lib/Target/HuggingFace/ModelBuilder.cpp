//===- ModelBuilder.cpp - the functions of an imported model --------------===//
//
// Part of the awq-mlir project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "ModelBuilder.h"

#include "RotaryFrequencies.h"
#include "awq/Dialect/Decoder/IR/Decoder.h"
#include "awq/IO/JsonFields.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"

#include <cmath>

using namespace mlir;
using namespace awq;

ModelBuilder::ModelBuilder(ModuleOp module, const Architecture &architecture,
                           const io::HfConfig &config,
                           const AttentionSizes &sizes,
                           ParameterTable &parameters)
    : module(module), architecture(architecture), config(config),
      parameters(parameters), sizes(sizes),
      builder(module.getLoc(), module.getBodyRegion()) {}

void ModelBuilder::build() {
  io::JsonFields fields(config.fields, config.file, "", &config.defaults);
  const auto &rule = architecture.norm.epsilon;
  epsilon = std::holds_alternative<double>(rule)
                ? std::get<double>(rule)
                : fields.number(std::get<std::string>(rule), 0.0, 1.0);
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

//===----------------------------------------------------------------------===//
// Layers
//===----------------------------------------------------------------------===//

func::FuncOp ModelBuilder::buildLayer(int64_t layer) {
  const Architecture &arch = architecture;
  std::string name = arch.layerName(layer, "");
  enter(name);
  Type hidden = activations({config.hiddenSize});
  SmallVector<Type> inputs = {hidden};
  if (sizes.rotary > 0)
    inputs.append(2, activations({sizes.rotary / 2}));
  SmallVector<Type> caches = {cacheType(sizes.key), cacheType(sizes.value)};
  llvm::append_range(inputs, caches);
  inputs.push_back(builder.getIndexType());
  func::FuncOp function =
      startFunction("layers." + std::to_string(layer), /*isPrivate=*/true,
                    inputs, {hidden, caches[0], caches[1]});
  function->setAttr("awq.layer", builder.getI64IntegerAttr(layer));
  LayerArguments values;
  values.hidden = function.getArgument(0);
  if (sizes.rotary > 0)
    values.rotary = {function.getArgument(1), function.getArgument(2)};
  auto last = function.getArguments().take_back(3);
  values.keyCache = last[0];
  values.valueCache = last[1];
  values.position = last[2];
  countTokens(values.hidden);

  auto normIfThere = [&](const std::string &module, Value value) {
    return module.empty() ? value : norm(arch.layerName(layer, module), value);
  };
  Value normed = normIfThere(arch.attentionNorm, values.hidden);
  SmallVector<Value> attended = attention(layer, normed, values);
  Value first = normIfThere(arch.attentionOutputNorm, attended[0]);
  Value middle = values.hidden, fed;
  bool parallel = get(evaluate(arch.parallel, config));
  if (parallel && arch.mlpNorm.empty()) {
    fed = normed;
  } else {
    if (!parallel) {
      enter(name);
      middle = add(values.hidden, first);
    }
    fed = normIfThere(arch.mlpNorm, middle);
  }
  Value second = normIfThere(arch.mlpOutputNorm, feedForward(layer, fed));
  enter(name);
  Value result =
      parallel ? add(values.hidden, add(first, second)) : add(middle, second);
  func::ReturnOp::create(builder, ValueRange{result, attended[1], attended[2]});
  return function;
}

//===----------------------------------------------------------------------===//
// The whole model
//===----------------------------------------------------------------------===//

Value ModelBuilder::embed(Value ids, Value position) {
  Type type = activations({config.hiddenSize});
  Value table = parameters.loadFloat(
      builder, builder.getLoc(), architecture.embedding + ".weight",
      {config.vocabSize, config.hiddenSize}, 1.0 / 64);
  double scale = architecture.scalesEmbedding
                     ? std::sqrt(static_cast<double>(config.hiddenSize))
                     : 1.0;
  Value hidden = decoder::EmbeddingOp::create(builder, type, ids, table,
                                              builder.getF64FloatAttr(scale));
  if (architecture.positions.empty())
    return hidden;
  // The positions of the tokens are consecutive rows.
  enter(architecture.positions);
  int64_t offset = architecture.positionsOffset;
  Value rows = parameters.loadFloat(
      builder, builder.getLoc(), architecture.positions + ".weight",
      {config.maxPosition + offset, config.hiddenSize}, 1.0 / 64);
  Value first = arith::AddIOp::create(
      builder, position,
      arith::ConstantIndexOp::create(builder, offset).getResult());
  Value embedded = tensor::ExtractSliceOp::create(
      builder, rows, SmallVector<OpFoldResult>{first, builder.getIndexAttr(0)},
      SmallVector<OpFoldResult>{tokens,
                                builder.getIndexAttr(config.hiddenSize)},
      SmallVector<OpFoldResult>(2, builder.getIndexAttr(1)));
  if (embedded.getType() != type)
    embedded = arith::ExtFOp::create(builder, type, embedded);
  return add(hidden, embedded);
}

ModelBuilder::RotaryTables
ModelBuilder::rotaryTables(const io::RopeConfig &rope, Value position) {
  RotaryFrequencies rotary = computeRotaryFrequencies(rope, sizes.rotary);
  auto type = RankedTensorType::get({sizes.rotary / 2}, builder.getF32Type());
  Value frequencies = arith::ConstantOp::create(
      builder, DenseElementsAttr::get(type, ArrayRef<float>(rotary.inverse)));
  auto angles = decoder::RotaryTableOp::create(builder, frequencies, position,
                                               tokens, rotary.scaling);
  return {angles.getCosines(), angles.getSines()};
}

void ModelBuilder::buildForward(ArrayRef<func::FuncOp> layers) {
  enter(architecture.embedding);
  Type caches[] = {cacheType(sizes.key), cacheType(sizes.value)};
  SmallVector<Type> inputs = {
      RankedTensorType::get({ShapedType::kDynamic}, builder.getI32Type()),
      builder.getIndexType()};
  SmallVector<Type> results = {activations({config.hiddenSize})};
  for (size_t i = 0; i < layers.size(); ++i) {
    llvm::append_range(inputs, caches);
    llvm::append_range(results, caches);
  }
  func::FuncOp function =
      startFunction("forward", /*isPrivate=*/false, inputs, results);
  Value position = function.getArgument(1);
  countTokens(function.getArgument(0));
  Value hidden = embed(function.getArgument(0), position);
  enter(architecture.embedding);
  RotaryTables global, local;
  if (sizes.rotary > 0)
    global = rotaryTables(config.rope, position);
  if (sizes.rotary > 0 && config.localRope)
    local = rotaryTables(*config.localRope, position);

  SmallVector<Value> returned = {Value()};
  for (auto [index, layer] : llvm::enumerate(layers)) {
    enter(architecture.layerName(index, ""));
    bool isLocal =
        local.cosines && get(layerWindow(architecture, config, index)) > 0;
    const RotaryTables &tables = isLocal ? local : global;
    SmallVector<Value> operands = {hidden};
    if (tables.cosines)
      operands.append({tables.cosines, tables.sines});
    operands.append({function.getArgument(2 + 2 * index),
                     function.getArgument(3 + 2 * index), position});
    auto call = func::CallOp::create(builder, layer, operands);
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
  if (auto scale = get(optionalNumber(architecture.logitScale, config)))
    logits = multiply(logits, *scale);
  auto cap = get(optionalNumber(architecture.logitSoftcap, config, 0.0));
  if (cap && *cap > 0.0) {
    Value bent = decoder::ActivationOp::create(
        builder, logits.getType(), multiply(logits, 1.0 / *cap), ValueRange(),
        decoder::ActivationKindAttr::get(builder.getContext(),
                                         decoder::ActivationKind::Tanh));
    logits = multiply(bent, *cap);
  }
  func::ReturnOp::create(builder, logits);
}
