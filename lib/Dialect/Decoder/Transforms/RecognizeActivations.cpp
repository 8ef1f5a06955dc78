//===- RecognizeActivations.cpp - activation functions ---- -*- C++ -*-===//
//
// Part of the awq-mlir project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "awq/Dialect/Decoder/Transforms/Recognizers.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/IR/Matchers.h"

#include <cmath>

using namespace mlir;
using namespace awq::decoder;

/// Whether a factor of a scalar is a number, as far as the type tells that it
/// is written in.
static bool isNear(const Scalar &scalar, double a, double b) {
  auto type = dyn_cast<FloatType>(getElementTypeOrSelf(scalar.value.getType()));
  double rounding = !type || type.getWidth() > 16 ? 1e-5 : 4e-3;
  return std::abs(a - b) <= rounding * std::abs(b);
}

/// factor and x of factor * x.
static std::optional<std::pair<double, Scalar>> scaled(const Scalar &scalar) {
  Product product = productOf(scalar);
  if (product.factors.size() != 1 || !product.divisors.empty())
    return std::nullopt;
  return std::pair{product.number, product.factors[0]};
}

/// x of 1 + x.
static std::optional<Scalar> onePlus(const Scalar &scalar) {
  SmallVector<Scalar> terms = termsOf(scalar);
  if (terms.size() != 2)
    return std::nullopt;
  if (constantOf(terms[0]) == 1.0)
    return terms[1];
  if (constantOf(terms[1]) == 1.0)
    return terms[0];
  return std::nullopt;
}

/// c and x of a divisor 1 + exp(-c x), as sigmoid(c x) has.
static std::optional<std::pair<double, Scalar>>
sigmoidDivisor(const Scalar &scalar) {
  std::optional<Scalar> power = onePlus(scalar);
  if (!power || !power->as<math::ExpOp>())
    return std::nullopt;
  auto inner = scaled(power->operand(0));
  if (!inner)
    return std::nullopt;
  inner->first = -inner->first;
  return inner;
}

/// Whether a scalar is pow(x, 3).
static bool isCube(const Scalar &scalar, const Scalar &x) {
  APInt exponent;
  if (scalar.as<math::FPowIOp>())
    return scalar.operand(0) == x &&
           matchPattern(scalar.value.getDefiningOp()->getOperand(1),
                        m_ConstantInt(&exponent)) &&
           exponent == 3;
  return scalar.as<math::PowFOp>() && constantOf(scalar.operand(1)) == 3.0 &&
         scalar.operand(0) == x;
}

/// x of tanh(sqrt(2 / pi) (x + 0.044715 x^3)).
static std::optional<Scalar> geluTanhArgument(const Scalar &scalar) {
  if (!scalar.as<math::TanhOp>())
    return std::nullopt;
  auto inner = scaled(scalar.operand(0));
  // torch-mlir writes 0.797724 for sqrt(2 / pi); what is meant is clear.
  constexpr double factor = 0.79788456080286535588;
  if (!inner || (std::abs(inner->first - factor) > 3e-4 &&
                 !isNear(scalar, inner->first, factor)))
    return std::nullopt;
  // x may be a sum itself, of a linear and its bias.
  if (!inner->second.as<arith::AddFOp>())
    return std::nullopt;
  for (unsigned i : {0u, 1u}) {
    Scalar x = inner->second.operand(i);
    Product cube = productOf(inner->second.operand(1 - i), x);
    if (!isNear(scalar, cube.number, 0.044715) || !cube.divisors.empty())
      continue;
    bool isPower = cube.factors.size() == 1 && isCube(cube.factors[0], x);
    bool isProduct = cube.factors.size() == 3 &&
                     llvm::all_of(cube.factors, [&](const Scalar &factor) {
                       return factor == x;
                     });
    if (isPower || isProduct)
      return x;
  }
  return std::nullopt;
}

/// x of x > 0 ? x : 0.
static std::optional<Scalar> selectedIfPositive(const Scalar &scalar) {
  auto select = scalar.as<arith::SelectOp>();
  auto test = select ? select.getCondition().getDefiningOp<arith::CmpFOp>()
                     : arith::CmpFOp();
  if (!test || test.getLhs() != select.getTrueValue() ||
      !matchPattern(test.getRhs(), m_AnyZeroFloat()) ||
      constantOf(scalar.operand(2)) != 0.0 ||
      !llvm::is_contained({arith::CmpFPredicate::OGT, arith::CmpFPredicate::UGT,
                           arith::CmpFPredicate::OGE,
                           arith::CmpFPredicate::UGE},
                          test.getPredicate()))
    return std::nullopt;
  return scalar.operand(1);
}

std::optional<ActivationMatch>
awq::decoder::matchActivation(const Scalar &scalar) {
  if (scalar.as<math::TanhOp>())
    return ActivationMatch{ActivationKind::Tanh, scalar.operand(0)};
  if (scalar.as<arith::MaximumFOp>())
    for (unsigned i : {0u, 1u})
      if (constantOf(scalar.operand(i)) == 0.0)
        return ActivationMatch{ActivationKind::Relu, scalar.operand(1 - i)};
  if (std::optional<Scalar> x = selectedIfPositive(scalar))
    return ActivationMatch{ActivationKind::Relu, *x};
  Product product = productOf(scalar);
  if (product.divisors.size() == 1) {
    auto inner = sigmoidDivisor(product.divisors[0]);
    if (!inner || !isNear(scalar, product.number, 1.0))
      return std::nullopt;
    if (product.factors.empty() && isNear(scalar, inner->first, 1.0))
      return ActivationMatch{ActivationKind::Sigmoid, inner->second};
    if (product.factors.size() != 1 || !(product.factors[0] == inner->second))
      return std::nullopt;
    if (isNear(scalar, inner->first, 1.0))
      return ActivationMatch{ActivationKind::Silu, inner->second};
    if (isNear(scalar, inner->first, 1.702))
      return ActivationMatch{ActivationKind::GeluQuick, inner->second};
    return std::nullopt;
  }
  // x / 2 * (1 + ...).
  if (product.factors.size() != 2 || !product.divisors.empty() ||
      !isNear(scalar, product.number, 0.5))
    return std::nullopt;
  for (int i : {0, 1}) {
    const Scalar &x = product.factors[i];
    std::optional<Scalar> rest = onePlus(product.factors[1 - i]);
    if (!rest)
      continue;
    if (rest->as<math::ErfOp>()) {
      auto inner = scaled(rest->operand(0));
      if (inner && inner->second == x &&
          isNear(scalar, inner->first, 0.70710678118654752440))
        return ActivationMatch{ActivationKind::Gelu, x};
    }
    if (std::optional<Scalar> argument = geluTanhArgument(*rest))
      if (*argument == x)
        return ActivationMatch{ActivationKind::GeluTanh, x};
  }
  return std::nullopt;
}
