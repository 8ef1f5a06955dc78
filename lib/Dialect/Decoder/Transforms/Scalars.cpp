//===- Scalars.cpp - expressions across elementwise ops --- -*- C++ -*-===//
//
// Part of the awq-mlir project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "awq/Dialect/Decoder/Transforms/Scalars.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/Matchers.h"

#include <cmath>

using namespace mlir;
using namespace awq::decoder;

/// The tensor that a body reads at the place of its loops, or at 0 where its
/// size is 1; sizes that may be 1 at run time are looked up: x[size == 1 ? 0 :
/// i].
Value awq::decoder::readInPlace(Value value) {
  auto extract = value.getDefiningOp<tensor::ExtractOp>();
  if (!extract)
    return {};
  for (auto [i, place] : llvm::enumerate(extract.getIndices())) {
    if (auto select = place.getDefiningOp<arith::SelectOp>();
        select && matchPattern(select.getTrueValue(), m_Zero()))
      place = select.getFalseValue();
    else if (auto least = place.getDefiningOp<arith::MinSIOp>())
      place = least.getLhs();
    auto index = place.getDefiningOp<linalg::IndexOp>();
    bool isOnly = extract.getTensor().getType().getDimSize(i) == 1 &&
                  matchPattern(place, m_Zero());
    if (!isOnly && (!index || index.getDim() != i))
      return {};
  }
  return extract.getTensor();
}

/// Whether a body reads tensors in the place of its loops, and no others.
static bool readsOnlyInPlace(linalg::GenericOp op) {
  bool reads = false;
  for (auto extract : op.getBody()->getOps<tensor::ExtractOp>()) {
    Value tensor = readInPlace(extract);
    if (!tensor || cast<RankedTensorType>(tensor.getType()).getRank() !=
                       int64_t(op.getNumLoops()))
      return false;
    reads = true;
  }
  return reads;
}

bool awq::decoder::isElementwise(linalg::GenericOp op) {
  return op.getNumResults() == 1 && op.getNumReductionLoops() == 0 &&
         (op.getNumDpsInputs() > 0 || readsOnlyInPlace(op)) &&
         op.getMatchingIndexingMap(op.getDpsInitOperand(0)).isIdentity();
}

/// The input of an op that yields its element, unchanged but for its width.
static Value copiedInput(linalg::GenericOp op) {
  if (!isElementwise(op))
    return {};
  if (op.getNumDpsInputs() == 0) {
    // A broadcast to sizes that are the input's, as far as they are known.
    Value read = readInPlace(op.getBody()->getTerminator()->getOperand(0));
    return read && cast<RankedTensorType>(read.getType()).getShape() ==
                       cast<RankedTensorType>(op.getType(0)).getShape()
               ? read
               : Value();
  }
  if (op.getNumDpsInputs() != 1)
    return {};
  OpOperand *input = op.getDpsInputOperand(0);
  if (!op.getMatchingIndexingMap(input).isIdentity())
    return {};
  Value yielded = op.getBody()->getTerminator()->getOperand(0);
  while (
      isa_and_nonnull<arith::ExtFOp, arith::TruncFOp>(yielded.getDefiningOp()))
    yielded = yielded.getDefiningOp()->getOperand(0);
  return yielded == op.getBody()->getArgument(0) ? input->get() : Value();
}

Value awq::decoder::stripTensor(Value tensor) {
  while (Operation *op = tensor.getDefiningOp()) {
    Value source;
    if (auto cast = dyn_cast<tensor::CastOp>(op))
      source = cast.getSource();
    else if (auto generic = dyn_cast<linalg::GenericOp>(op))
      source = copiedInput(generic);
    else if (isa<arith::ExtFOp, arith::TruncFOp>(op))
      source = op->getOperand(0);
    if (!source)
      break;
    tensor = source;
  }
  return tensor;
}

/// A scalar in a body, seen from the ops that it comes from.
static Scalar resolve(Value value, linalg::GenericOp owner, bool isAligned) {
  while (isa_and_nonnull<arith::ExtFOp, arith::TruncFOp>(value.getDefiningOp()))
    value = value.getDefiningOp()->getOperand(0);
  auto argument = dyn_cast<BlockArgument>(value);
  if (Value tensor = readInPlace(value);
      tensor && cast<RankedTensorType>(tensor.getType()).getRank() ==
                    int64_t(owner.getNumLoops())) {
    Scalar inner = scalarOf(tensor);
    inner.isAligned &= isAligned;
    return inner;
  }
  if (!argument || argument.getOwner() != owner.getBody())
    return {value, owner, Value(), isAligned};
  OpOperand &operand = owner->getOpOperand(argument.getArgNumber());
  isAligned &= owner.getMatchingIndexingMap(&operand).isIdentity();
  Scalar inner = scalarOf(operand.get());
  inner.isAligned &= isAligned;
  return inner;
}

Scalar awq::decoder::scalarOf(Value tensor) {
  tensor = stripTensor(tensor);
  auto generic = tensor.getDefiningOp<linalg::GenericOp>();
  if (!generic || !isElementwise(generic))
    return {tensor, {}, tensor, true};
  Value yielded = generic.getBody()->getTerminator()->getOperand(0);
  Scalar scalar = resolve(yielded, generic, true);
  // A broadcast stays, but of a number: its result has another shape than its
  // input.
  if (scalar.owner != generic && !scalar.isAligned && !constantOf(scalar))
    return {tensor, {}, tensor, true};
  if (scalar.owner == generic)
    scalar.tensor = tensor;
  return scalar;
}

Scalar Scalar::operand(unsigned index) const {
  Value operand = value.getDefiningOp()->getOperand(index);
  Scalar result = resolve(operand, owner, isAligned);
  result.use = operand;
  result.user = owner;
  result.isUserAligned = isAligned;
  return result;
}

std::optional<double> awq::decoder::constantOf(const Scalar &scalar) {
  auto asDouble = [](APFloat number) {
    bool lossy;
    number.convert(APFloat::IEEEdouble(), APFloat::rmNearestTiesToEven, &lossy);
    return number.convertToDouble();
  };
  FloatAttr number;
  if (!scalar.isLeaf()) {
    if (matchPattern(scalar.value, m_Constant(&number)))
      return number.getValueAsDouble();
    if (scalar.as<math::SqrtOp>())
      if (std::optional<double> square = constantOf(scalar.operand(0)))
        return std::sqrt(*square);
    return std::nullopt;
  }
  if (auto fill = scalar.value.getDefiningOp<linalg::FillOp>())
    if (matchPattern(fill.getInputs().front(), m_Constant(&number)))
      return number.getValueAsDouble();
  DenseElementsAttr elements;
  if (matchPattern(scalar.value, m_Constant(&elements)) && elements.isSplat() &&
      isa<FloatType>(elements.getElementType()))
    return asDouble(elements.getSplatValue<APFloat>());
  return std::nullopt;
}

static void collect(const Scalar &scalar, bool isDivisor, const Scalar &atom,
                    Product &product) {
  if (atom && scalar == atom) {
    (isDivisor ? product.divisors : product.factors).push_back(scalar);
    return;
  }
  if (std::optional<double> number = constantOf(scalar)) {
    product.number =
        isDivisor ? product.number / *number : product.number * *number;
    return;
  }
  if (scalar.as<arith::MulFOp>()) {
    collect(scalar.operand(0), isDivisor, atom, product);
    collect(scalar.operand(1), isDivisor, atom, product);
  } else if (scalar.as<arith::DivFOp>()) {
    collect(scalar.operand(0), isDivisor, atom, product);
    collect(scalar.operand(1), !isDivisor, atom, product);
  } else if (scalar.as<arith::NegFOp>()) {
    product.number = -product.number;
    collect(scalar.operand(0), isDivisor, atom, product);
  } else {
    (isDivisor ? product.divisors : product.factors).push_back(scalar);
  }
}

Product awq::decoder::productOf(const Scalar &scalar, const Scalar &atom) {
  Product product;
  collect(scalar, false, atom, product);
  return product;
}

SmallVector<Scalar> awq::decoder::termsOf(const Scalar &scalar) {
  if (!scalar.as<arith::AddFOp>())
    return {scalar};
  SmallVector<Scalar> terms = termsOf(scalar.operand(0));
  terms.append(termsOf(scalar.operand(1)));
  return terms;
}

std::optional<Scalar> awq::decoder::takeInverseRoot(Product &product) {
  for (auto it = product.factors.begin(); it != product.factors.end(); ++it) {
    if (it->as<math::RsqrtOp>()) {
      Scalar x = it->operand(0);
      product.factors.erase(it);
      return x;
    }
    auto power = it->as<math::PowFOp>();
    if (power && constantOf(it->operand(1)) == -0.5) {
      Scalar x = it->operand(0);
      product.factors.erase(it);
      return x;
    }
  }
  for (auto it = product.divisors.begin(); it != product.divisors.end(); ++it) {
    auto power = it->as<math::PowFOp>();
    if (!it->as<math::SqrtOp>() &&
        !(power && constantOf(it->operand(1)) == 0.5))
      continue;
    Scalar x = it->operand(0);
    product.divisors.erase(it);
    return x;
  }
  return std::nullopt;
}
