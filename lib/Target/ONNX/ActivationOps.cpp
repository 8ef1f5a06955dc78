//===- ActivationOps.cpp - what stands between linears -------- -*- C++ -*-===//
//
// Part of the awq-mlir project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "UnaryOps.h"

#include "mlir/Dialect/Math/IR/Math.h"

using namespace mlir;
using namespace awq;
using namespace awq::onnx;

static Value sigmoidOf(ImplicitLocOpBuilder &b, Value x) {
  Value one = constantElement(b, x.getType(), 1.0);
  Value power = math::ExpOp::create(b, arith::NegFOp::create(b, x));
  return arith::DivFOp::create(b, one, arith::AddFOp::create(b, one, power));
}

static Status sigmoid(OpContext &op) {
  return mapUnary(op, [](ImplicitLocOpBuilder &b, ValueRange in) {
    return sigmoidOf(b, in[0]);
  });
}

/// x * sigmoid(alpha * x).
static Tensor swishOf(OpContext &op, const Tensor &x) {
  double alpha = op.getFloat("alpha", 1.0);
  return op.e.map(
      {x}, x.type, [&](ImplicitLocOpBuilder &b, ValueRange in) -> Value {
        Value scaled = in[0];
        if (alpha != 1.0)
          scaled = arith::MulFOp::create(
              b, scaled, constantElement(b, scaled.getType(), alpha));
        return arith::MulFOp::create(b, in[0], sigmoidOf(b, scaled));
      });
}

static Status swish(OpContext &op) {
  Tensor &x = op.input(0);
  if (op.ok() && !isFloat(x.type))
    return op.invalid("input 0 is a tensor of " + io::name(x.type));
  return op.set(swishOf(op, x));
}

static Status swiGLU(OpContext &op) {
  Tensor gate = op.input(0), up = op.input(1);
  if (op.ok() && (!isFloat(gate.type) || up.type != gate.type))
    return op.invalid("inputs of " + io::name(gate.type) + " and " +
                      io::name(up.type));
  if (op.ok() && !op.e.broadcast({gate.shape, up.shape}))
    return op.invalid("inputs of different shapes");
  if (!op.ok())
    return op.status();
  return op.set(op.e.multiply(swishOf(op, gate), up));
}

static Value geluOf(ImplicitLocOpBuilder &b, Value x) {
  Type type = x.getType();
  Value scaled = arith::MulFOp::create(
      b, x, constantElement(b, type, 0.70710678118654752440));
  Value sum = arith::AddFOp::create(b, math::ErfOp::create(b, scaled),
                                    constantElement(b, type, 1.0));
  Value half = arith::MulFOp::create(b, x, constantElement(b, type, 0.5));
  return arith::MulFOp::create(b, half, sum);
}

static Value geluTanhOf(ImplicitLocOpBuilder &b, Value x) {
  Type type = x.getType();
  Value cube = arith::MulFOp::create(b, arith::MulFOp::create(b, x, x), x);
  Value inner = arith::AddFOp::create(
      b, x, arith::MulFOp::create(b, cube, constantElement(b, type, 0.044715)));
  inner = arith::MulFOp::create(
      b, inner, constantElement(b, type, 0.79788456080286535588));
  Value sum = arith::AddFOp::create(b, math::TanhOp::create(b, inner),
                                    constantElement(b, type, 1.0));
  Value half = arith::MulFOp::create(b, x, constantElement(b, type, 0.5));
  return arith::MulFOp::create(b, half, sum);
}

static Status gelu(OpContext &op) {
  std::string kind = op.getString("approximate", "none");
  if (kind != "none" && kind != "tanh")
    return op.invalid("attribute 'approximate' is '" + kind + "'");
  return mapUnary(op, [&](ImplicitLocOpBuilder &b, ValueRange in) {
    return kind == "tanh" ? geluTanhOf(b, in[0]) : geluOf(b, in[0]);
  });
}

static Status relu(OpContext &op) {
  bool isUnsignedInput = isUnsigned(op.input(0).type);
  return mapUnary(
      op,
      [&](ImplicitLocOpBuilder &b, ValueRange in) -> Value {
        Value zero = constantElement(b, in[0].getType(), 0.0);
        if (isa<FloatType>(in[0].getType()))
          return arith::MaximumFOp::create(b, in[0], zero);
        if (isUnsignedInput)
          return in[0];
        return arith::MaxSIOp::create(b, in[0], zero);
      },
      true);
}

/// x where it is positive, else what `otherwise` makes of it.
static Status
rectify(OpContext &op,
        llvm::function_ref<Value(ImplicitLocOpBuilder &, Value)> otherwise) {
  return mapUnary(op, [&](ImplicitLocOpBuilder &b, ValueRange in) -> Value {
    Value zero = constantElement(b, in[0].getType(), 0.0);
    Value isPositive =
        arith::CmpFOp::create(b, arith::CmpFPredicate::OGE, in[0], zero);
    return arith::SelectOp::create(b, isPositive, in[0], otherwise(b, in[0]));
  });
}

static Status elu(OpContext &op) {
  double alpha = op.getFloat("alpha", 1.0);
  return rectify(op, [&](ImplicitLocOpBuilder &b, Value x) -> Value {
    return arith::MulFOp::create(b, math::ExpM1Op::create(b, x),
                                 constantElement(b, x.getType(), alpha));
  });
}

static Status leakyRelu(OpContext &op) {
  double alpha = op.getFloat("alpha", 0.01f);
  return rectify(op, [&](ImplicitLocOpBuilder &b, Value x) -> Value {
    return arith::MulFOp::create(b, x, constantElement(b, x.getType(), alpha));
  });
}

/// log(1 + exp(x)) without a sum that overflows.
static Value softplusOf(ImplicitLocOpBuilder &b, Value x) {
  Value power = math::ExpOp::create(
      b, arith::NegFOp::create(b, math::AbsFOp::create(b, x)));
  Value most =
      arith::MaximumFOp::create(b, x, constantElement(b, x.getType(), 0.0));
  return arith::AddFOp::create(b, most, math::Log1pOp::create(b, power));
}

static Status softplus(OpContext &op) {
  return mapUnary(op, [](ImplicitLocOpBuilder &b, ValueRange in) {
    return softplusOf(b, in[0]);
  });
}

static Status mish(OpContext &op) {
  return mapUnary(op, [](ImplicitLocOpBuilder &b, ValueRange in) -> Value {
    return arith::MulFOp::create(b, in[0],
                                 math::TanhOp::create(b, softplusOf(b, in[0])));
  });
}

/// max(0, min(1, alpha * x + beta)).
static Value hardSigmoidOf(ImplicitLocOpBuilder &b, Value x, double alpha,
                           double beta) {
  Type type = x.getType();
  Value line = arith::AddFOp::create(
      b, arith::MulFOp::create(b, x, constantElement(b, type, alpha)),
      constantElement(b, type, beta));
  line = arith::MinimumFOp::create(b, line, constantElement(b, type, 1.0));
  return arith::MaximumFOp::create(b, line, constantElement(b, type, 0.0));
}

static Status hardSigmoid(OpContext &op) {
  double alpha = op.getFloat("alpha", 0.2f), beta = op.getFloat("beta", 0.5);
  return mapUnary(op, [&](ImplicitLocOpBuilder &b, ValueRange in) {
    return hardSigmoidOf(b, in[0], alpha, beta);
  });
}

static Status hardSwish(OpContext &op) {
  return mapUnary(op, [](ImplicitLocOpBuilder &b, ValueRange in) -> Value {
    return arith::MulFOp::create(b, in[0],
                                 hardSigmoidOf(b, in[0], 1.0 / 6.0, 0.5));
  });
}

ArrayRef<OpEntry> onnx::activationOps() {
  static const OpEntry entries[] = {
      {"Elu", elu, 6},
      {"Gelu", gelu, 20},
      {"HardSigmoid", hardSigmoid, 6},
      {"HardSwish", hardSwish, 14},
      {"LeakyRelu", leakyRelu, 6},
      {"Mish", mish, 18},
      {"Relu", relu, 6},
      {"Sigmoid", sigmoid, 6},
      {"Softplus", softplus},
      {"SwiGLU", swiGLU, 28},
      {"Swish", swish, 24},
  };
  return entries;
}
