//===- ActivationToLinalg.cpp - activations and gates to linalg -*- C++ -*-===//
//
// Part of the awq-mlir project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Patterns.h"

#include "awq/Conversion/Common/TensorBuilders.h"
#include "awq/Dialect/Decoder/IR/Decoder.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/PatternMatch.h"

using namespace mlir;
using awq::decoder::ActivationKind;

/// 1 / (1 + exp(-x)): for large -x exp overflows to infinity and gives 0.
static Value sigmoid(OpBuilder &b, Location loc, Value x) {
  Value one = awq::constantF32(b, loc, 1.0);
  Value exp = math::ExpOp::create(b, loc, arith::NegFOp::create(b, loc, x));
  return arith::DivFOp::create(b, loc, one,
                               arith::AddFOp::create(b, loc, one, exp));
}

/// x/2 * (1 + inner).
static Value halfTimesOnePlus(OpBuilder &b, Location loc, Value x,
                              Value inner) {
  Value half = arith::MulFOp::create(b, loc, awq::constantF32(b, loc, 0.5), x);
  Value sum =
      arith::AddFOp::create(b, loc, awq::constantF32(b, loc, 1.0), inner);
  return arith::MulFOp::create(b, loc, half, sum);
}

static Value geluTanh(OpBuilder &b, Location loc, Value x) {
  Value square = arith::MulFOp::create(b, loc, x, x);
  Value cube = arith::MulFOp::create(b, loc, square, x);
  Value scaled =
      arith::MulFOp::create(b, loc, awq::constantF32(b, loc, 0.044715), cube);
  Value sum = arith::AddFOp::create(b, loc, x, scaled);
  Value angle = arith::MulFOp::create(
      b, loc, awq::constantF32(b, loc, 0.7978845608028654), sum);
  return halfTimesOnePlus(b, loc, x, math::TanhOp::create(b, loc, angle));
}

/// tanh(log(1 + e)) with e = exp(x) is (e^2 + 2e) / (e^2 + 2e + 2). e is
/// clamped where the quotient has reached 1, before its square overflows.
static Value mish(OpBuilder &b, Location loc, Value x) {
  Value clamped =
      arith::MinimumFOp::create(b, loc, x, awq::constantF32(b, loc, 20.0));
  Value e = math::ExpOp::create(b, loc, clamped);
  Value two = awq::constantF32(b, loc, 2.0);
  Value numerator =
      arith::MulFOp::create(b, loc, e, arith::AddFOp::create(b, loc, e, two));
  Value denominator = arith::AddFOp::create(b, loc, numerator, two);
  return arith::MulFOp::create(
      b, loc, x, arith::DivFOp::create(b, loc, numerator, denominator));
}

static Value gelu(OpBuilder &b, Location loc, Value x) {
  Value scaled = arith::MulFOp::create(
      b, loc, x, awq::constantF32(b, loc, 0.7071067811865476));
  return halfTimesOnePlus(b, loc, x, math::ErfOp::create(b, loc, scaled));
}

/// min(max(x, low), high).
static Value clamp(OpBuilder &b, Location loc, Value x, double low,
                   double high) {
  Value raised =
      arith::MaximumFOp::create(b, loc, x, awq::constantF32(b, loc, low));
  return arith::MinimumFOp::create(b, loc, raised,
                                   awq::constantF32(b, loc, high));
}

/// The Gaussian distribution's function with mean and deviation as MEGA has
/// them (arXiv 2209.10655): (1 + erf((x - mu) / (sigma sqrt(2)))) / 2.
static Value laplace(OpBuilder &b, Location loc, Value x) {
  Value centred =
      arith::SubFOp::create(b, loc, x, awq::constantF32(b, loc, 0.707107));
  Value scaled = arith::DivFOp::create(
      b, loc, centred, awq::constantF32(b, loc, 0.282095 * 1.4142135623730951));
  return halfTimesOnePlus(b, loc, awq::constantF32(b, loc, 1.0),
                          math::ErfOp::create(b, loc, scaled));
}

/// log(1 + exp(x)) = max(x, 0) + log1p(exp(-|x|)), so that nothing overflows.
static Value softplus(OpBuilder &b, Location loc, Value x) {
  Value size = math::AbsFOp::create(b, loc, x);
  Value tail = math::Log1pOp::create(
      b, loc, math::ExpOp::create(b, loc, arith::NegFOp::create(b, loc, size)));
  Value positive =
      arith::MaximumFOp::create(b, loc, x, awq::constantF32(b, loc, 0.0));
  return arith::AddFOp::create(b, loc, positive, tail);
}

/// max(x, 0) + slope min(x, 0).
static Value leakyRelu(OpBuilder &b, Location loc, Value x, Value slope) {
  Value zero = awq::constantF32(b, loc, 0.0);
  Value negative = arith::MulFOp::create(
      b, loc, arith::MinimumFOp::create(b, loc, x, zero), slope);
  return arith::AddFOp::create(
      b, loc, arith::MaximumFOp::create(b, loc, x, zero), negative);
}

/// xIELU (arXiv 2411.13010) with the two factors made of its parameters.
static Value xielu(OpBuilder &b, Location loc, Value x, ValueRange factors) {
  Value positiveFactor = factors[0], negativeFactor = factors[1];
  Value beta = factors[2], epsilon = factors[3];
  Value linear = arith::MulFOp::create(b, loc, beta, x);
  Value square = arith::MulFOp::create(
      b, loc, arith::MulFOp::create(b, loc, positiveFactor, x), x);
  Value power = math::ExpM1Op::create(
      b, loc, arith::MinimumFOp::create(b, loc, x, epsilon));
  Value bend = arith::MulFOp::create(
      b, loc, arith::SubFOp::create(b, loc, power, x), negativeFactor);
  Value isPositive = arith::CmpFOp::create(b, loc, arith::CmpFPredicate::OGT, x,
                                           awq::constantF32(b, loc, 0.0));
  Value term = arith::SelectOp::create(b, loc, isPositive, square, bend);
  return arith::AddFOp::create(b, loc, term, linear);
}

/// What f needs of its learned parameters, as f32 scalars: themselves, or for
/// xIELU the factors that are the same for all elements.
static SmallVector<Value> readParameters(OpBuilder &b, Location loc,
                                         ActivationKind kind,
                                         ValueRange parameters) {
  SmallVector<Value> scalars;
  for (Value parameter : parameters) {
    SmallVector<Value> first(
        cast<RankedTensorType>(parameter.getType()).getRank(),
        awq::constantIndex(b, loc, 0));
    scalars.push_back(awq::castFloat(
        b, loc, tensor::ExtractOp::create(b, loc, parameter, first),
        b.getF32Type()));
  }
  if (kind == ActivationKind::XIelu) {
    scalars[0] = softplus(b, loc, scalars[0]);
    scalars[1] =
        arith::AddFOp::create(b, loc, scalars[2], softplus(b, loc, scalars[1]));
  }
  return scalars;
}

/// f(x) for an f32 scalar, with what readParameters made.
static Value applyActivation(OpBuilder &b, Location loc, ActivationKind kind,
                             Value x, ValueRange parameters) {
  auto zero = [&] { return awq::constantF32(b, loc, 0.0); };
  switch (kind) {
  case ActivationKind::Identity:
    return x;
  case ActivationKind::Relu:
    return arith::MaximumFOp::create(b, loc, x, zero());
  case ActivationKind::Relu2: {
    Value relu = arith::MaximumFOp::create(b, loc, x, zero());
    return arith::MulFOp::create(b, loc, relu, relu);
  }
  case ActivationKind::Silu:
    return arith::MulFOp::create(b, loc, x, sigmoid(b, loc, x));
  case ActivationKind::Gelu:
    return gelu(b, loc, x);
  case ActivationKind::GeluTanh:
    return geluTanh(b, loc, x);
  case ActivationKind::GeluQuick: {
    Value scaled =
        arith::MulFOp::create(b, loc, x, awq::constantF32(b, loc, 1.702));
    return arith::MulFOp::create(b, loc, x, sigmoid(b, loc, scaled));
  }
  case ActivationKind::Sigmoid:
    return sigmoid(b, loc, x);
  case ActivationKind::Tanh:
    return math::TanhOp::create(b, loc, x);
  case ActivationKind::Mish:
    return mish(b, loc, x);
  case ActivationKind::Gelu10:
    return clamp(b, loc, gelu(b, loc, x), -10.0, 10.0);
  case ActivationKind::HardSwish: {
    Value shifted =
        arith::AddFOp::create(b, loc, x, awq::constantF32(b, loc, 3.0));
    Value gate = arith::DivFOp::create(b, loc, clamp(b, loc, shifted, 0.0, 6.0),
                                       awq::constantF32(b, loc, 6.0));
    return arith::MulFOp::create(b, loc, x, gate);
  }
  case ActivationKind::Laplace:
    return laplace(b, loc, x);
  case ActivationKind::LeakyRelu:
    return leakyRelu(b, loc, x, awq::constantF32(b, loc, 0.01));
  case ActivationKind::Relu6:
    return clamp(b, loc, x, 0.0, 6.0);
  case ActivationKind::SqrtSoftplus:
    return math::SqrtOp::create(b, loc, softplus(b, loc, x));
  case ActivationKind::PRelu:
    return leakyRelu(b, loc, x, parameters[0]);
  case ActivationKind::XIelu:
    return xielu(b, loc, x, parameters);
  }
  llvm_unreachable("the verifier admits no other kind");
}

/// Elementwise over `inputs`, of one type, in f32.
static Value buildElementwise(OpBuilder &b, Location loc, ValueRange inputs,
                              awq::ScalarBody body) {
  auto type = cast<RankedTensorType>(inputs.front().getType());
  Value empty = awq::emptyLike(b, loc, inputs.front(), type.getElementType());
  SmallVector<AffineMap> maps(inputs.size() + 1,
                              b.getMultiDimIdentityMap(type.getRank()));
  return awq::buildGeneric(
      b, loc, inputs, empty, maps, 0,
      [&](OpBuilder &nested, Location l, ValueRange arguments) {
        SmallVector<Value> wide;
        for (Value argument : arguments.drop_back())
          wide.push_back(
              awq::castFloat(nested, l, argument, nested.getF32Type()));
        return awq::castFloat(nested, l, body(nested, l, wide),
                              type.getElementType());
      });
}

namespace {

/// y = f(x)
struct LowerActivation : OpRewritePattern<awq::decoder::ActivationOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(awq::decoder::ActivationOp op,
                                PatternRewriter &rewriter) const override {
    SmallVector<Value> parameters =
        readParameters(rewriter, op.getLoc(), op.getKind(), op.getParameters());
    rewriter.replaceOp(
        op, buildElementwise(rewriter, op.getLoc(), op.getInput(),
                             [&](OpBuilder &b, Location loc, ValueRange in) {
                               return applyActivation(b, loc, op.getKind(),
                                                      in[0], parameters);
                             }));
    return success();
  }
};

/// y = f(gate) * up
struct LowerGLU : OpRewritePattern<awq::decoder::GLUOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(awq::decoder::GLUOp op,
                                PatternRewriter &rewriter) const override {
    SmallVector<Value> parameters =
        readParameters(rewriter, op.getLoc(), op.getKind(), op.getParameters());
    rewriter.replaceOp(
        op, buildElementwise(
                rewriter, op.getLoc(), {op.getGate(), op.getUp()},
                [&](OpBuilder &b, Location loc, ValueRange in) -> Value {
                  Value gate =
                      applyActivation(b, loc, op.getKind(), in[0], parameters);
                  return arith::MulFOp::create(b, loc, gate, in[1]);
                }));
    return success();
  }
};

} // namespace

void awq::populateActivationToLinalgPatterns(RewritePatternSet &patterns) {
  patterns.add<LowerActivation, LowerGLU>(patterns.getContext());
}
