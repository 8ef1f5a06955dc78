//===- BuildMlp.cpp - feed-forward blocks of an imported model ------------===//
//
// Part of the awq-mlir project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "ModelBuilder.h"

#include "awq/Dialect/Decoder/IR/Decoder.h"
#include "awq/IO/JsonFields.h"

#include "mlir/Dialect/Arith/IR/Arith.h"

using namespace mlir;
using namespace awq;

//===----------------------------------------------------------------------===//
// Activation functions
//===----------------------------------------------------------------------===//

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
  std::string name = fields.string(architecture.mlp.activation);
  std::string known;
  for (const auto &[spelling, kind] : kinds) {
    if (name == spelling) {
      activation = kind;
      if (decoder::getNumParameters(kind) > 0 &&
          architecture.mlp.activationModule.empty())
        fields.fail(ErrorKind::Unsupported, "AWQ1108",
                    architecture.mlp.activation,
                    "the activation function \"" + name +
                        "\" has learned parameters, and nothing says where",
                    "name their module as \"activation_module\" in "
                    "layer.mlp of " +
                        architecture.file);
      return;
    }
    known += (known.empty() ? "" : ", ") + std::string(spelling);
  }
  fields.fail(ErrorKind::Unsupported, "AWQ1108", architecture.mlp.activation,
              "the activation function \"" + name + "\" is not supported",
              "supported are " + known);
}

/// With transformers' names (activations.py). The last two parameters of xIELU
/// are buffers, which a checkpoint may leave out.
SmallVector<Value> ModelBuilder::activationParameters(int64_t layer) {
  if (decoder::getNumParameters(activation) == 0)
    return {};
  std::string name =
      architecture.layerName(layer, architecture.mlp.activationModule);
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

//===----------------------------------------------------------------------===//
// MLPs
//===----------------------------------------------------------------------===//

Value ModelBuilder::glu(const std::string &down, Value gate, Value up,
                        int64_t layer) {
  SmallVector<Value> learned = activationParameters(layer);
  enter(down.substr(0, down.rfind('.')));
  return decoder::GLUOp::create(
      builder, gate.getType(), gate, up, learned,
      decoder::ActivationKindAttr::get(builder.getContext(), activation));
}

Value ModelBuilder::gated(int64_t layer, const LinearModule &gate,
                          const LinearModule &up, const LinearModule &down,
                          Value input, int64_t inner) {
  Value gates = project(layer, gate, input, inner);
  Value ups = project(layer, up, input, inner);
  Value product =
      glu(architecture.layerName(layer, down.module), gates, ups, layer);
  return project(layer, down, product, config.hiddenSize);
}

Value ModelBuilder::mlp(int64_t layer, Value input) {
  const MlpStyle &style = architecture.mlp;
  int64_t inner = config.intermediateSize;
  std::string down = architecture.layerName(layer, style.down.module);
  Value product;
  if (!style.gateUp.module.empty()) {
    Value both = project(layer, style.gateUp, input, 2 * inner);
    product = glu(down, slice(both, 1, 0, inner), slice(both, 1, inner, inner),
                  layer);
  } else if (style.kind == MlpStyle::Kind::Glu) {
    return gated(layer, style.gate, style.up, style.down, input, inner);
  } else {
    Value up = project(layer, style.up, input, inner);
    SmallVector<Value> learned = activationParameters(layer);
    enter(down.substr(0, down.rfind('.')));
    product = decoder::ActivationOp::create(
        builder, up.getType(), up, learned,
        decoder::ActivationKindAttr::get(builder.getContext(), activation));
  }
  return project(layer, style.down, product, config.hiddenSize);
}

//===----------------------------------------------------------------------===//
// Mixtures of experts
//===----------------------------------------------------------------------===//

/// Each is a region with linears of its own.
static constexpr int64_t mostExperts = 4096;

/// The module of one expert.
static LinearModule ofExpert(LinearModule linear, int64_t expert) {
  static constexpr llvm::StringLiteral mark = "{expert}";
  size_t place = linear.module.find(mark.str());
  if (place != std::string::npos)
    linear.module.replace(place, mark.size(), std::to_string(expert));
  return linear;
}

void ModelBuilder::route(int64_t layer, Value input, int64_t count,
                         Value &weights, Value &indices) {
  const ExpertsStyle &style = *architecture.experts;
  int64_t chosen = get(
      require(style.perToken, config, "the number of experts of each token"));
  Value logits = project(layer, style.router, input, count);
  enter(architecture.layerName(layer, style.router.module));
  Value correction;
  if (!style.routerCorrection.empty())
    correction = parameters.loadFloat(
        builder, builder.getLoc(),
        architecture.layerName(layer, style.routerCorrection), {count}, 0.0);
  int64_t groups = 1, kept = 1;
  if (holds(style.groupsWhen, config.fields, config.defaults)) {
    groups = get(evaluate(style.groups, config)).value_or(1);
    kept = get(evaluate(style.keptGroups, config)).value_or(1);
  }
  bool sigmoid = style.scoring == ExpertsStyle::Scoring::Sigmoid;
  bool max = style.groupScore == ExpertsStyle::GroupScore::Max;
  if (count > mostExperts || groups < 1 || count % groups != 0 || kept < 1 ||
      kept > groups || chosen < 1 || chosen > count / groups * kept ||
      (!max && groups > 1 && count / groups < 2))
    return parameters.fail(
        {ErrorKind::Malformed, "AWQ1105",
         std::to_string(chosen) + " of " + std::to_string(count) +
             " experts cannot be chosen from " + std::to_string(kept) + " of " +
             std::to_string(groups) + " groups",
         config.file, "correct the numbers of experts and of their groups"});
  MLIRContext *context = builder.getContext();
  auto op = decoder::RouterOp::create(
      builder,
      TypeRange{activations({chosen}),
                RankedTensorType::get({ShapedType::kDynamic, chosen},
                                      builder.getI32Type())},
      logits, correction, builder.getI64IntegerAttr(chosen),
      decoder::RouterScoringAttr::get(
          context, sigmoid ? decoder::RouterScoring::Sigmoid
                           : decoder::RouterScoring::Softmax),
      get(evaluate(style.normalize, config)) ? builder.getUnitAttr()
                                             : UnitAttr(),
      builder.getF64FloatAttr(
          get(optionalNumber(style.scale, config)).value_or(1.0)),
      builder.getI64IntegerAttr(groups), builder.getI64IntegerAttr(kept),
      decoder::GroupScoreAttr::get(
          context, max || groups == 1 ? decoder::GroupScore::Max
                                      : decoder::GroupScore::SumOfTopTwo));
  weights = op.getWeights();
  indices = op.getIndices();
}

Value ModelBuilder::experts(int64_t layer, Value input) {
  const ExpertsStyle &style = *architecture.experts;
  int64_t count = get(require(style.count, config, "the number of experts"));
  int64_t inner =
      get(require(style.inner, config, "the inner size of an expert"));
  auto shared = get(evaluate(style.sharedInner, config));
  if (shared && *shared != 0)
    shared = get(require(style.sharedInner, config,
                         "the inner size of the shared experts"));
  Value weights, indices;
  route(layer, input, count, weights, indices);
  if (!parameters)
    return input;
  std::string down =
      architecture.layerName(layer, ofExpert(style.down, 0).module);
  enter(down.substr(0, down.rfind('.')));
  auto op = decoder::ExpertsOp::create(builder, input.getType(), input, weights,
                                       indices, static_cast<unsigned>(count));
  for (int64_t expert = 0; expert < count && parameters; ++expert) {
    OpBuilder::InsertionGuard guard(builder);
    Block *block = builder.createBlock(&op.getExperts()[expert], {},
                                       {input.getType()}, {builder.getLoc()});
    Value result =
        gated(layer, ofExpert(style.gate, expert), ofExpert(style.up, expert),
              ofExpert(style.down, expert), block->getArgument(0), inner);
    decoder::YieldOp::create(builder, result);
  }
  if (!shared || *shared == 0)
    return op.getResult();
  Value common = gated(layer, style.sharedGate, style.sharedUp,
                       style.sharedDown, input, *shared);
  return add(op.getResult(), common);
}

Value ModelBuilder::feedForward(int64_t layer, Value input) {
  return get(hasExperts(architecture, config, layer)) ? experts(layer, input)
                                                      : mlp(layer, input);
}
