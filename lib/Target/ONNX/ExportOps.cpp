//===- ExportOps.cpp - embedding, norms, functions as ONNX ----------------===//
//
// Part of the awq-mlir project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Exporter.h"

#include "llvm/ADT/TypeSwitch.h"

using namespace mlir;
using namespace awq;
using namespace awq::onnx;
using decoder::ActivationKind;
using io::OnnxType;

//===----------------------------------------------------------------------===//
// Ops by kind
//===----------------------------------------------------------------------===//

void Exporter::convert(Operation &op) {
  llvm::TypeSwitch<Operation *>(&op)
      .Case([&](func::CallOp op) { convertCall(op); })
      .Case([&](decoder::EmbeddingOp op) { convertEmbedding(op); })
      .Case([&](decoder::RMSNormOp op) { convertRMSNorm(op); })
      .Case([&](decoder::LayerNormOp op) { convertLayerNorm(op); })
      .Case([&](decoder::RotaryTableOp op) {
        std::optional<int64_t> offset = positionOffset(op.getPosition());
        if (!offset)
          return failOp(op, "its first position is not that of the tokens");
        angles.emplace_back();
        angles.back().op = op;
        angles.back().offset = *offset;
        for (Value result : op->getResults())
          known[result].angles = &angles.back();
      })
      .Case([&](decoder::RotaryOp op) { convertRotary(op); })
      .Case([&](decoder::AttentionOp op) { convertAttention(op); })
      .Case([&](decoder::ActivationOp op) {
        std::string x = tensor(op.getInput());
        define(op.getResult(),
               activate(op, op.getKind(), x, op.getParameters()));
      })
      .Case([&](decoder::GLUOp op) {
        std::string gate = tensor(op.getGate());
        gate = activate(op, op.getKind(), gate, op.getParameters());
        define(op.getResult(), graph.add("Mul", {gate, tensor(op.getUp())}));
      })
      .Case([&](decoder::RouterOp op) { convertRouter(op); })
      .Case([&](decoder::ExpertsOp op) { convertExperts(op); })
      .Case([&](LinearOp op) { convertLinear(op); })
      .Case([&](QuantizedLinearOp op) { convertQuantizedLinear(op); })
      .Case([&](ScaleChannelsOp op) { convertScaleChannels(op); })
      .Case(
          [&](ObserveOp op) { define(op.getResult(), tensor(op.getInput())); })
      .Case([&](arith::AddFOp op) { convertElementwise(*op, "Add"); })
      .Case([&](arith::SubFOp op) { convertElementwise(*op, "Sub"); })
      .Case([&](arith::MulFOp op) { convertElementwise(*op, "Mul"); })
      .Case([&](arith::DivFOp op) { convertElementwise(*op, "Div"); })
      // What is narrower in the module is float32 in the graph already.
      .Case(
          [&](arith::ExtFOp op) { define(op.getResult(), tensor(op.getIn())); })
      .Case([&](tensor::ExpandShapeOp op) { convertExpandShape(op); })
      .Case([&](tensor::CollapseShapeOp op) { convertCollapseShape(op); })
      .Case([&](tensor::ExtractSliceOp op) { convertExtractSlice(op); })
      .Case([&](tensor::InsertSliceOp op) { convertInsertSlice(op); })
      .Case([&](linalg::BroadcastOp op) { convertBroadcast(op); })
      // Read where they are used.
      .Case<tensor::DimOp, tensor::EmptyOp, tensor::SplatOp, arith::ConstantOp,
            arith::AddIOp>([](Operation *) {})
      .Default(
          [&](Operation *op) { failOp(op, "there is no counterpart for it"); });
}

//===----------------------------------------------------------------------===//
// Embedding and norms
//===----------------------------------------------------------------------===//

void Exporter::convertEmbedding(decoder::EmbeddingOp op) {
  OnnxType type;
  std::string table = stored(op.getTable(), type);
  std::string rows = graph.add("Gather", {table, tensor(op.getIds())});
  if (type != OnnxType::F32)
    rows = graph.cast(rows, OnnxType::F32);
  define(op.getResult(), graph.multiply(rows, op.getScale().convertToDouble()));
}

/// Written as exporters write it, which runtimes fuse again; an operator of its
/// own from opset 23 on.
void Exporter::convertRMSNorm(decoder::RMSNormOp op) {
  std::string x = tensor(op.getInput());
  double offset = op.getOffset().convertToDouble();
  std::string weight;
  if (offset == 0.0) {
    weight = parameter(op.getWeight());
  } else {
    FailureOr<std::vector<float>> values = store.readFloats(op.getWeight());
    if (failed(values))
      return;
    for (float &value : *values)
      value += static_cast<float>(offset);
    weight = floats(graph.unique(parameterName(op.getWeight())),
                    shape(op.getWeight()), *values);
  }
  float epsilon = static_cast<float>(op.getEpsilon().convertToDouble());
  if (graph.opset() >= 23)
    return define(op.getResult(),
                  graph.add("RMSNormalization", {x, weight},
                            {{"axis", int64_t(-1)}, {"epsilon", epsilon}}));
  std::string squares = graph.add("Pow", {x, graph.number(2.0f)});
  std::string mean = graph.add("ReduceMean", {squares, graph.ints({-1})});
  std::string root =
      graph.add("Sqrt", {graph.add("Add", {mean, graph.number(epsilon)})});
  std::string normed = graph.add("Div", {x, root});
  define(op.getResult(), graph.add("Mul", {normed, weight}));
}

void Exporter::convertLayerNorm(decoder::LayerNormOp op) {
  Names inputs = {tensor(op.getInput()), parameter(op.getWeight())};
  if (op.getBias())
    inputs.push_back(parameter(op.getBias()));
  float epsilon = static_cast<float>(op.getEpsilon().convertToDouble());
  define(op.getResult(),
         graph.add("LayerNormalization", inputs,
                   {{"axis", int64_t(-1)}, {"epsilon", epsilon}}));
}

//===----------------------------------------------------------------------===//
// Element by element
//===----------------------------------------------------------------------===//

void Exporter::convertElementwise(Operation &op, StringRef name) {
  Names inputs;
  for (Value operand : op.getOperands()) {
    auto splat = operand.getDefiningOp<tensor::SplatOp>();
    FloatAttr number;
    if (!splat)
      inputs.push_back(tensor(operand));
    else if (matchPattern(splat.getInput(), m_Constant(&number)))
      inputs.push_back(
          graph.number(static_cast<float>(number.getValueAsDouble())));
    else
      return failOp(splat, "its number is not constant");
  }
  define(op.getResult(0), graph.add(name, inputs));
}

void Exporter::convertScaleChannels(ScaleChannelsOp op) {
  int64_t rank = shape(op.getInput()).size();
  if (op.getAxis() != uint64_t(rank) - 1 ||
      op.getOffset().convertToDouble() != 0.0)
    return failOp(op, "it scales another than the last dimension");
  std::string x = tensor(op.getInput());
  define(op.getResult(), graph.add(op.getInverse() ? "Div" : "Mul",
                                   {x, parameter(op.getScale())}));
}

//===----------------------------------------------------------------------===//
// Activation functions
//===----------------------------------------------------------------------===//

/// softplus(a_p) x^2 + beta x if x > 0, else
/// (beta + softplus(a_n)) (exp(min(x, eps)) - 1 - x) + beta x.
std::string Exporter::xielu(const std::string &x, OperandRange parameters) {
  auto one = [&](unsigned i) {
    return graph.reshape(parameter(parameters[i]), {1});
  };
  std::string positive = graph.add("Softplus", {one(0)});
  std::string beta = one(2), epsilon = one(3);
  std::string negative =
      graph.add("Add", {beta, graph.add("Softplus", {one(1)})});
  std::string line = graph.add("Mul", {beta, x});
  std::string above = graph.add("Mul", {positive, graph.add("Mul", {x, x})});
  std::string power = graph.add("Exp", {graph.add("Min", {x, epsilon})});
  std::string bent =
      graph.add("Sub", {graph.add("Sub", {power, graph.number(1.0f)}), x});
  std::string below = graph.add("Mul", {negative, bent});
  std::string isAbove = graph.add("Greater", {x, graph.number(0.0f)});
  std::string chosen = graph.add("Where", {isAbove, above, below});
  return graph.add("Add", {chosen, line});
}

std::string Exporter::activate(Operation *op, ActivationKind kind,
                               const std::string &x, OperandRange parameters) {
  ExportGraph &g = graph;
  auto times = [&](const std::string &a, const std::string &b) {
    return g.add("Mul", {a, b});
  };
  auto clip = [&](const std::string &value, float low, float high) {
    return g.add("Clip", {value, g.number(low), g.number(high)});
  };
  std::string none = "none", tanh = "tanh";
  switch (kind) {
  case ActivationKind::Identity:
    return x;
  case ActivationKind::Relu:
    return g.add("Relu", {x});
  case ActivationKind::Relu2: {
    std::string positive = g.add("Relu", {x});
    return times(positive, positive);
  }
  case ActivationKind::Silu:
    return times(x, g.add("Sigmoid", {x}));
  case ActivationKind::Gelu:
    return g.add("Gelu", {x}, {{"approximate", none}});
  case ActivationKind::GeluTanh:
    return g.add("Gelu", {x}, {{"approximate", tanh}});
  case ActivationKind::GeluQuick:
    return times(x, g.add("Sigmoid", {g.multiply(x, 1.702)}));
  case ActivationKind::Sigmoid:
    return g.add("Sigmoid", {x});
  case ActivationKind::Tanh:
    return g.add("Tanh", {x});
  case ActivationKind::Mish:
    return g.add("Mish", {x});
  case ActivationKind::Gelu10:
    return clip(g.add("Gelu", {x}, {{"approximate", none}}), -10.0f, 10.0f);
  case ActivationKind::HardSwish:
    return g.add("HardSwish", {x});
  case ActivationKind::Laplace: {
    // (1 + erf((x - mu) / (sigma sqrt(2)))) / 2
    std::string shifted = g.add("Sub", {x, g.number(0.707107f)});
    std::string bent = g.add(
        "Erf", {g.multiply(shifted, 1.0 / (0.282095 * 1.4142135623730951))});
    return g.multiply(g.add("Add", {bent, g.number(1.0f)}), 0.5);
  }
  case ActivationKind::LeakyRelu:
    return g.add("LeakyRelu", {x}, {{"alpha", 0.01f}});
  case ActivationKind::Relu6:
    return clip(x, 0.0f, 6.0f);
  case ActivationKind::SqrtSoftplus:
    return g.add("Sqrt", {g.add("Softplus", {x})});
  case ActivationKind::PRelu:
    return g.add("PRelu", {x, g.reshape(parameter(parameters[0]), {1})});
  case ActivationKind::XIelu:
    return xielu(x, parameters);
  }
  failOp(op, "its function has no counterpart");
  return x;
}
