//===- RecognizeNorms.cpp - norms and softmax ------------- -*- C++ -*-===//
//
// Part of the awq-mlir project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "awq/Dialect/Decoder/Transforms/Recognizers.h"

#include "awq/Dialect/AWQ/Transforms/ParameterStore.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"

using namespace mlir;
using namespace awq;
using namespace awq::decoder;

/// A tensor without the size of 1 that keeps a reduced dimension.
static Value stripKeptDimension(Value tensor) {
  tensor = stripTensor(tensor);
  if (auto expand = tensor.getDefiningOp<tensor::ExpandShapeOp>())
    return stripTensor(expand.getSrc());
  if (auto reshape = tensor.getDefiningOp<tensor::ReshapeOp>())
    return stripTensor(reshape.getSource());
  return tensor;
}

/// The elements that a leaf reduces with `Op` over their last dimension.
template <typename Op>
static std::optional<Scalar> reducedBy(const Scalar &scalar) {
  if (!scalar.isLeaf())
    return std::nullopt;
  Value tensor = stripKeptDimension(scalar.value);
  if (auto reduce = tensor.getDefiningOp<linalg::ReduceOp>()) {
    Value input = reduce.getInputs().front();
    int64_t last = cast<RankedTensorType>(input.getType()).getRank() - 1;
    if (reduce.getInputs().size() != 1 ||
        !llvm::equal(reduce.getDimensions(), ArrayRef<int64_t>{last}) ||
        !isa<Op>(reduce.getCombiner().front().front()))
      return std::nullopt;
    return scalarOf(input);
  }
  // torch-mlir reduces in a linalg.generic, sizes of 1 kept.
  // A maximum may come with its place, as a second result.
  auto generic = tensor.getDefiningOp<linalg::GenericOp>();
  if (!generic || generic.getNumReductionLoops() != 1 ||
      generic.getNumDpsInputs() != 1 || tensor != generic->getResult(0) ||
      generic.getIteratorTypesArray().back() != utils::IteratorType::reduction)
    return std::nullopt;
  Operation *last =
      generic.getBody()->getTerminator()->getOperand(0).getDefiningOp();
  OpOperand *input = generic.getDpsInputOperand(0);
  if (!isa_and_nonnull<Op>(last) ||
      !generic.getMatchingIndexingMap(input).isIdentity() ||
      !llvm::is_contained(last->getOperands(),
                          Value(generic.getBody()->getArgument(0))))
    return std::nullopt;
  return scalarOf(input->get());
}

/// The elements whose mean over the last dimension it is.
static std::optional<Scalar> meanOf(const Scalar &scalar) {
  Product product = productOf(scalar);
  if (product.factors.size() != 1 || !product.divisors.empty())
    return std::nullopt;
  std::optional<Scalar> term = reducedBy<arith::AddFOp>(product.factors[0]);
  if (!term || !term->tensor)
    return std::nullopt;
  int64_t size =
      cast<RankedTensorType>(term->tensor.getType()).getShape().back();
  if (ShapedType::isDynamic(size) ||
      std::abs(product.number * double(size) - 1.0) > 1e-5)
    return std::nullopt;
  return term;
}

/// x, if the scalar is x * x.
static std::optional<Scalar> squareRootOf(const Scalar &scalar) {
  if (scalar.as<arith::MulFOp>() && scalar.operand(0) == scalar.operand(1))
    return scalar.operand(0);
  if (scalar.as<math::PowFOp>() && constantOf(scalar.operand(1)) == 2.0)
    return scalar.operand(0);
  if (scalar.as<math::FPowIOp>()) {
    APInt exponent;
    if (matchPattern(scalar.value.getDefiningOp()->getOperand(1),
                     m_ConstantInt(&exponent)) &&
        exponent == 2)
      return scalar.operand(0);
  }
  return std::nullopt;
}

/// x and epsilon of mean(x^2) + epsilon.
static std::optional<std::pair<Scalar, double>>
meanSquareOf(const Scalar &scalar) {
  SmallVector<Scalar> terms = termsOf(scalar);
  if (terms.size() != 2)
    return std::nullopt;
  for (int i : {0, 1}) {
    std::optional<double> epsilon = constantOf(terms[i]);
    std::optional<Scalar> square =
        epsilon ? meanOf(terms[1 - i]) : std::nullopt;
    std::optional<Scalar> root = square ? squareRootOf(*square) : std::nullopt;
    if (root)
      return std::pair{*root, *epsilon};
  }
  return std::nullopt;
}

bool awq::decoder::isVectorParameter(Value tensor, int64_t channels) {
  auto type = dyn_cast<RankedTensorType>(tensor.getType());
  return type && isParameter(tensor) && type.hasStaticShape() &&
         type.getRank() > 0 && type.getShape().back() == channels &&
         type.getNumElements() == channels;
}

/// Weight w or offset + w of a norm, out of the factors that are left.
static bool takeWeight(Product &product, int64_t channels, NormMatch &norm) {
  for (auto it = product.factors.begin(); it != product.factors.end(); ++it) {
    Scalar factor = *it;
    double offset = 0.0;
    SmallVector<Scalar> terms = termsOf(factor);
    if (terms.size() == 2)
      for (int i : {0, 1})
        if (std::optional<double> number = constantOf(terms[i])) {
          offset = *number;
          factor = terms[1 - i];
          break;
        }
    if (!factor.isLeaf() || !isVectorParameter(factor.value, channels))
      continue;
    norm.weight = factor.value;
    norm.offset = offset;
    product.factors.erase(it);
    return true;
  }
  return false;
}

static int64_t channelsOf(const Scalar &scalar) {
  if (!scalar.tensor)
    return ShapedType::kDynamic;
  auto shape = cast<RankedTensorType>(scalar.tensor.getType()).getShape();
  return shape.empty() ? ShapedType::kDynamic : shape.back();
}

/// x of x - mean(x).
static std::optional<Scalar> centeredOf(const Scalar &scalar) {
  if (!scalar.as<arith::SubFOp>())
    return std::nullopt;
  Scalar x = scalar.operand(0);
  std::optional<Scalar> mean = meanOf(scalar.operand(1));
  if (!mean || !(*mean == x))
    return std::nullopt;
  return x;
}

std::optional<NormMatch> awq::decoder::matchNorm(const Scalar &scalar) {
  NormMatch norm;
  Scalar body = scalar;
  SmallVector<Scalar> terms = termsOf(scalar);
  if (terms.size() == 2)
    for (int i : {0, 1})
      if (terms[i].isLeaf() && isParameter(terms[i].value)) {
        norm.bias = terms[i].value;
        body = terms[1 - i];
      }
  Product product = productOf(body);
  std::optional<Scalar> variance = takeInverseRoot(product);
  auto square = variance ? meanSquareOf(*variance) : std::nullopt;
  if (!square)
    return std::nullopt;
  norm.epsilon = square->second;
  // x may be a product itself.
  product = productOf(body, square->first);
  (void)takeInverseRoot(product);
  if (!product.divisors.empty() || std::abs(product.number - 1.0) > 1e-9)
    return std::nullopt;
  // Of x, or of x - mean(x), which may be computed twice in different widths.
  auto it = llvm::find(product.factors, square->first);
  if (std::optional<Scalar> x = centeredOf(square->first);
      x && it == product.factors.end())
    it = llvm::find_if(product.factors, [&](const Scalar &factor) {
      std::optional<Scalar> other = centeredOf(factor);
      return other && *other == *x;
    });
  if (it == product.factors.end())
    return std::nullopt;
  product.factors.erase(it);
  norm.input = square->first;
  if (std::optional<Scalar> x = centeredOf(square->first)) {
    norm.isLayerNorm = true;
    norm.input = *x;
  }
  int64_t channels = channelsOf(norm.input);
  if (ShapedType::isDynamic(channels))
    return std::nullopt;
  takeWeight(product, channels, norm);
  if (!product.factors.empty() ||
      (norm.bias &&
       (!norm.isLayerNorm || !isVectorParameter(norm.bias, channels))))
    return std::nullopt;
  return norm;
}

//===----------------------------------------------------------------------===//
// Softmax
//===----------------------------------------------------------------------===//

std::optional<Scalar> awq::decoder::sumOverLast(const Scalar &scalar) {
  return reducedBy<arith::AddFOp>(scalar);
}

std::optional<Scalar> awq::decoder::matchSoftmax(Scalar scalar) {
  // Guards choose zero.
  while (scalar.as<arith::SelectOp>()) {
    if (constantOf(scalar.operand(1)) == 0.0)
      scalar = scalar.operand(2);
    else if (constantOf(scalar.operand(2)) == 0.0)
      scalar = scalar.operand(1);
    else
      return std::nullopt;
  }
  Product product = productOf(scalar);
  if (product.factors.size() != 1 || product.divisors.size() != 1 ||
      product.number != 1.0 || !product.factors[0].as<math::ExpOp>())
    return std::nullopt;
  std::optional<Scalar> sum = reducedBy<arith::AddFOp>(product.divisors[0]);
  if (!sum || !(*sum == product.factors[0]))
    return std::nullopt;
  Scalar shifted = product.factors[0].operand(0);
  if (!shifted.as<arith::SubFOp>())
    return std::nullopt;
  Scalar x = shifted.operand(0);
  std::optional<Scalar> most = reducedBy<arith::MaximumFOp>(shifted.operand(1));
  if (!most)
    most = reducedBy<arith::MaxNumFOp>(shifted.operand(1));
  if (!most || !(*most == x))
    return std::nullopt;
  return x;
}
