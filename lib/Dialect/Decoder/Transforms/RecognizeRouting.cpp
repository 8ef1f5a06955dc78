//===- RecognizeRouting.cpp - routers of mixtures --------- -*- C++ -*-===//
//
// Part of the awq-mlir project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Routing.h"
#include "awq/Dialect/Decoder/Transforms/Recognizers.h"

#include "awq/Dialect/AWQ/Transforms/ParameterStore.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"

using namespace mlir;
using namespace awq;
using namespace awq::decoder;

Value awq::decoder::stripReshapes(Value tensor) {
  tensor = stripTensor(tensor);
  while (isa_and_nonnull<tensor::ExpandShapeOp, tensor::CollapseShapeOp,
                         tensor::ReshapeOp>(tensor.getDefiningOp()))
    tensor = stripTensor(tensor.getDefiningOp()->getOperand(0));
  return tensor;
}

//===----------------------------------------------------------------------===//
// The largest elements
//===----------------------------------------------------------------------===//

static Value stripIntegerCasts(Value value) {
  while (isa_and_nonnull<arith::IndexCastOp, arith::ExtSIOp, arith::ExtUIOp,
                         arith::TruncIOp>(value.getDefiningOp()))
    value = value.getDefiningOp()->getOperand(0);
  return value;
}

static bool isLoop(Value value, unsigned dim) {
  auto index = stripIntegerCasts(value).getDefiningOp<linalg::IndexOp>();
  return index && index.getDim() == dim;
}

/// The tensor of an element that is read in the row of the loops; `place` gets
/// its place there.
static Value readInRow(Value element, Value &place) {
  auto extract = element.getDefiningOp<tensor::ExtractOp>();
  if (!extract || extract.getIndices().empty())
    return {};
  unsigned last = extract.getIndices().size() - 1;
  for (unsigned i = 0; i < last; ++i)
    if (!isLoop(extract.getIndices()[i], i))
      return {};
  place = stripIntegerCasts(extract.getIndices()[last]);
  return extract.getTensor();
}

/// What the body of a tensor's op yields from a loop over the last dimension,
/// which begins with 0.
static scf::ForOp loopOf(Value tensor) {
  auto generic = tensor.getDefiningOp<linalg::GenericOp>();
  if (!generic || generic.getNumDpsInputs() != 0 ||
      generic.getNumReductionLoops() != 0 || generic.getNumResults() != 1)
    return {};
  Value yielded = generic.getBody()->getTerminator()->getOperand(0);
  auto loop = yielded.getDefiningOp<scf::ForOp>();
  if (!loop || loop.getInitArgs().size() != 1 ||
      getConstantIntValue(loop.getLowerBound()) != 0 ||
      getConstantIntValue(loop.getStep()) != 1 ||
      !matchPattern(loop.getInitArgs().front(), m_Zero()))
    return {};
  return loop;
}

/// How many elements of the row come before one: those that are larger, and
/// equal ones in front of it. The tensor of the elements.
static Value rankedTensor(Value ranks) {
  scf::ForOp loop = loopOf(ranks);
  if (!loop)
    return {};
  unsigned last = cast<RankedTensorType>(ranks.getType()).getRank() - 1;
  auto sum = loop.getBody()->getTerminator()->getOperand(0);
  auto add = sum.getDefiningOp<arith::AddIOp>();
  if (!add || add.getLhs() != loop.getRegionIterArg(0))
    return {};
  auto either = stripIntegerCasts(add.getRhs()).getDefiningOp<arith::OrIOp>();
  auto larger =
      either ? either.getLhs().getDefiningOp<arith::CmpFOp>() : arith::CmpFOp();
  auto both =
      either ? either.getRhs().getDefiningOp<arith::AndIOp>() : arith::AndIOp();
  auto equal =
      both ? both.getLhs().getDefiningOp<arith::CmpFOp>() : arith::CmpFOp();
  auto before =
      both ? both.getRhs().getDefiningOp<arith::CmpIOp>() : arith::CmpIOp();
  if (!larger || !equal || !before ||
      larger.getPredicate() != arith::CmpFPredicate::OGT ||
      equal.getPredicate() != arith::CmpFPredicate::OEQ ||
      larger.getLhs() != equal.getLhs() || larger.getRhs() != equal.getRhs() ||
      before.getPredicate() != arith::CmpIPredicate::ult ||
      before.getLhs() != loop.getInductionVar() ||
      !isLoop(before.getRhs(), last))
    return {};
  Value otherPlace, ownPlace;
  Value other = readInRow(larger.getLhs(), otherPlace),
        own = readInRow(larger.getRhs(), ownPlace);
  if (!other || other != own || otherPlace != loop.getInductionVar() ||
      !isLoop(ownPlace, last))
    return {};
  return own;
}

std::optional<TopKMatch> awq::decoder::matchTopK(Value places) {
  places = stripReshapes(places);
  scf::ForOp loop = loopOf(places);
  if (!loop)
    return std::nullopt;
  // The place whose rank is j.
  auto type = cast<RankedTensorType>(places.getType());
  unsigned last = type.getRank() - 1;
  auto select = loop.getBody()
                    ->getTerminator()
                    ->getOperand(0)
                    .getDefiningOp<arith::SelectOp>();
  if (!select || type.isDynamicDim(last) ||
      stripIntegerCasts(select.getTrueValue()) != loop.getInductionVar() ||
      select.getFalseValue() != loop.getRegionIterArg(0))
    return std::nullopt;
  auto test = select.getCondition().getDefiningOp<arith::CmpIOp>();
  if (!test || test.getPredicate() != arith::CmpIPredicate::eq ||
      !isLoop(test.getRhs(), last))
    return std::nullopt;
  Value place;
  Value ranks = readInRow(test.getLhs(), place);
  if (!ranks || place != loop.getInductionVar())
    return std::nullopt;
  Value scores = rankedTensor(ranks);
  auto scored =
      scores ? cast<RankedTensorType>(scores.getType()) : RankedTensorType();
  if (!scores || scored.isDynamicDim(last) ||
      getConstantIntValue(loop.getUpperBound()) != scored.getDimSize(last))
    return std::nullopt;
  return TopKMatch{scores, type.getDimSize(last)};
}

std::optional<GatherMatch> awq::decoder::matchGather(Value tensor) {
  auto generic = stripTensor(tensor).getDefiningOp<linalg::GenericOp>();
  if (!generic || generic.getNumDpsInputs() != 0 ||
      generic.getNumReductionLoops() != 0)
    return std::nullopt;
  Value place, j;
  Value source =
      readInRow(generic.getBody()->getTerminator()->getOperand(0), place);
  Value places = source ? readInRow(place, j) : Value();
  if (!places || !isLoop(j, generic.getNumLoops() - 1))
    return std::nullopt;
  return GatherMatch{source, places};
}

//===----------------------------------------------------------------------===//
// Routers
//===----------------------------------------------------------------------===//

/// Products of what leaves are reshaped from, too.
static Product flatten(const Product &product) {
  Product flat;
  flat.number = product.number;
  auto add = [&](const Scalar &scalar, bool isDivisor) {
    Product inner;
    inner.factors = {scalar};
    if (scalar.isLeaf()) {
      Scalar source = scalarOf(stripReshapes(scalar.value));
      inner = source.isLeaf() ? Product{1.0, {source}, {}} : productOf(source);
    }
    flat.number =
        isDivisor ? flat.number / inner.number : flat.number * inner.number;
    (isDivisor ? flat.divisors : flat.factors).append(inner.factors);
    (isDivisor ? flat.factors : flat.divisors).append(inner.divisors);
  };
  for (const Scalar &factor : product.factors)
    add(factor, false);
  for (const Scalar &divisor : product.divisors)
    add(divisor, true);
  return flat;
}

/// Whether a divisor is the sum of the chosen scores, perhaps with a little
/// more against zero.
static bool isSumOf(const Scalar &divisor, Value chosen) {
  for (const Scalar &term : termsOf(divisor)) {
    if (std::optional<double> number = constantOf(term)) {
      if (*number < 0.0 || *number > 1e-6)
        return false;
      continue;
    }
    std::optional<Scalar> summed = sumOverLast(term);
    if (!summed || !summed->tensor || summed->tensor != chosen)
      return false;
  }
  return true;
}

/// The tensor that scores are chosen by, without a vector that steers the
/// choice.
static Value withoutBias(Value scores, int64_t experts, Value &bias) {
  SmallVector<Scalar> terms = termsOf(scalarOf(scores));
  if (terms.size() == 2)
    for (int i : {0, 1})
      if (terms[i].isLeaf() && isVectorParameter(terms[i].value, experts) &&
          terms[1 - i].tensor) {
        bias = terms[i].value;
        return terms[1 - i].tensor;
      }
  return stripTensor(scores);
}

std::optional<RouterMatch> awq::decoder::matchRouter(const Product &weights) {
  RouterMatch match;
  std::optional<GatherMatch> gather;
  if (weights.factors.size() == 1 && weights.divisors.empty()) {
    Scalar whole = weights.factors[0];
    if (whole.isLeaf())
      whole = scalarOf(stripReshapes(whole.value));
    if (std::optional<Scalar> x = matchSoftmax(whole); x && x->isLeaf())
      if ((gather = matchGather(x->value))) {
        match.scoring = RouterScoring::SoftmaxOfChosen;
        match.logits = stripTensor(gather->source);
        match.scale = weights.number;
      }
  }
  if (!gather) {
    Product flat = flatten(weights);
    if (flat.factors.size() != 1 || flat.divisors.size() > 1 ||
        !flat.factors[0].isLeaf())
      return std::nullopt;
    gather = matchGather(flat.factors[0].value);
    if (!gather)
      return std::nullopt;
    match.scale = flat.number;
    if (!flat.divisors.empty()) {
      if (!isSumOf(flat.divisors[0], flat.factors[0].value))
        return std::nullopt;
      match.isNormalized = true;
    }
    Scalar score = scalarOf(gather->source);
    std::optional<Scalar> x = matchSoftmax(score);
    if (auto sigmoid = x ? std::nullopt : matchActivation(score);
        sigmoid && sigmoid->kind == ActivationKind::Sigmoid) {
      x = sigmoid->input;
      match.scoring = RouterScoring::Sigmoid;
    }
    if (!x || !x->tensor)
      return std::nullopt;
    match.logits = x->tensor;
  }
  auto type = cast<RankedTensorType>(match.logits.getType());
  std::optional<TopKMatch> topK = matchTopK(gather->places);
  if (!topK || type.isDynamicDim(type.getRank() - 1))
    return std::nullopt;
  // The largest probabilities are those of the largest logits.
  Value by = withoutBias(topK->scores, type.getShape().back(), match.bias);
  if (by != stripTensor(gather->source) &&
      (match.bias || by != stripTensor(match.logits)))
    return std::nullopt;
  match.chosen = stripReshapes(gather->places);
  match.perToken = topK->k;
  return match;
}
