//===- RecognizeScores.cpp - scores and masks ------------- -*- C++ -*-===//
//
// Part of the awq-mlir project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "awq/Dialect/Decoder/Transforms/Scores.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"

using namespace mlir;
using namespace awq::decoder;

ElementRef awq::decoder::readUse(ElementReader &reader, const Scalar &scalar,
                                 ArrayRef<ElementRef> places) {
  if (scalar.user)
    return scalar.isUserAligned
               ? reader.readScalar(scalar.use, scalar.user, places)
               : reader.f.unknown();
  if (!scalar.isLeaf())
    return reader.readScalar(scalar.value, scalar.owner, places);
  auto type = dyn_cast<RankedTensorType>(scalar.value.getType());
  if (!type || type.getRank() != int64_t(places.size()))
    return reader.f.unknown();
  return reader.read(scalar.value, places);
}

//===----------------------------------------------------------------------===//
// Masks
//===----------------------------------------------------------------------===//

/// What hides a key, added to its score; exporters write -inf, the lowest float
/// of a type, or -10000.
static constexpr double hidden = -9999.0;

/// Where an addend lets a key be seen: where it is zero and not very low.
static ElementRef seenBy(const ElementRef &added, Formulas &formulas) {
  if (added->kind == Element::Number) {
    if (added->number == 0.0)
      return formulas.truth(true);
    return added->number <= hidden ? formulas.truth(false) : formulas.unknown();
  }
  if (added->kind == Element::Select)
    return formulas.select(added->parts[0], seenBy(added->parts[1], formulas),
                           seenBy(added->parts[2], formulas));
  if (added->kind == Element::Call && added->name == "add")
    return formulas.logicalAnd(seenBy(added->parts[0], formulas),
                               seenBy(added->parts[1], formulas));
  return formulas.unknown();
}

/// The conditions of nested conjunctions.
static bool collectConditions(const ElementRef &seen,
                              SmallVectorImpl<Linear> &conditions) {
  switch (seen->kind) {
  case Element::Truth:
    return seen->number != 0.0;
  case Element::AtLeastZero:
    conditions.push_back(seen->linear);
    return true;
  case Element::And:
    return collectConditions(seen->parts[0], conditions) &&
           collectConditions(seen->parts[1], conditions);
  default:
    return false;
  }
}

/// Some exporters write the mask of a first prompt and leave it out for a
/// single token: new <= 1 or (mask without past). In both cases it is the mask
/// of the tokens that there are.
static ElementRef withoutSingleToken(const ElementRef &seen,
                                     const Linear &news) {
  if (seen->kind != Element::Or)
    return seen;
  Linear single = Linear(1) - news;
  for (int i : {0, 1})
    if (seen->parts[i]->kind == Element::AtLeastZero &&
        seen->parts[i]->linear == single)
      return seen->parts[1 - i];
  return seen;
}

/// Query q and key k are the two variables made last.
static bool readMask(const ElementRef &seen, const Linear &past,
                     const Linear &news, Variable firstVariable,
                     Scores &scores) {
  SmallVector<Linear> conditions;
  ElementRef ofPrompt = withoutSingleToken(seen, news);
  Linear before = ofPrompt == seen ? past : Linear(0);
  if (!collectConditions(ofPrompt, conditions))
    return false;
  for (const Linear &condition : conditions) {
    // q + past - k >= 0, or k - q - past + window - 1 >= 0.
    SmallVector<std::pair<Variable, int64_t>> others;
    Linear rest = condition;
    rest.constant = 0;
    int64_t sign = 0;
    for (auto [variable, factor] : condition.factors) {
      if (variable < firstVariable)
        continue;
      others.push_back({variable, factor});
    }
    if (others.size() != 2 || others[0].second + others[1].second != 0)
      return false;
    // The query's variable is older than the key's.
    sign = others[0].second;
    Linear expected = Linear::variable(others[0].first) -
                      Linear::variable(others[1].first) + before;
    if (sign == 1 && rest == expected && condition.constant == 0) {
      scores.isCausal = true;
    } else if (sign == -1 && rest == expected * -1 && condition.constant >= 0) {
      int64_t window = condition.constant + 1;
      scores.window =
          scores.window == 0 ? window : std::min(scores.window, window);
    } else {
      return false;
    }
  }
  return true;
}

//===----------------------------------------------------------------------===//
// Scores
//===----------------------------------------------------------------------===//

std::optional<Scores> awq::decoder::matchScores(const Scalar &scalar,
                                                ElementReader &reader,
                                                const Linear &past,
                                                const Linear &news,
                                                std::string &why) {
  auto refuse = [&](const Twine &text) -> std::optional<Scores> {
    why = text.str();
    return std::nullopt;
  };
  Formulas &formulas = reader.f;
  Variable query = formulas.addVariable(news);
  Variable key = formulas.addVariable(past + news);
  SmallVector<ElementRef> places = {formulas.integer(0), formulas.integer(0),
                                    formulas.integer(Linear::variable(query)),
                                    formulas.integer(Linear::variable(key))};
  Scores scores;
  ElementRef seen = formulas.truth(true);
  std::optional<Scalar> product;
  SmallVector<Scalar> worklist = {scalar};
  while (!worklist.empty()) {
    Scalar term = worklist.pop_back_val();
    ElementRef value = readUse(reader, term, places);
    if (!value->isUnknown()) {
      seen = formulas.logicalAnd(seen, seenBy(value, formulas));
      continue;
    }
    if (term.as<arith::SelectOp>() && term.isAligned) {
      // Where(mask, scores, -inf).
      std::optional<double> no = constantOf(term.operand(2));
      if (!no || *no > hidden)
        return refuse("chooses scores in an unknown way");
      Value condition = term.value.getDefiningOp()->getOperand(0);
      seen = formulas.logicalAnd(
          seen, reader.readScalar(condition, term.owner, places));
      worklist.push_back(term.operand(1));
      continue;
    }
    if (term.as<arith::AddFOp>()) {
      worklist.append({term.operand(0), term.operand(1)});
      continue;
    }
    if (product)
      return refuse("adds something to the scores that is no mask");
    product = term;
  }
  if (!product)
    return refuse("has no scores");
  if (!readMask(seen, past, news, query, scores))
    return refuse("has a mask that is neither causal nor a window: a key is "
                  "seen where " +
                  describe(seen));
  Product parts = productOf(*product);
  if (parts.factors.size() != 1 || !parts.divisors.empty())
    return refuse("has scores that are no multiple of a product");
  if (parts.factors[0].as<math::TanhOp>()) {
    scores.softcap = parts.number;
    Product inner = productOf(parts.factors[0].operand(0));
    if (inner.factors.size() != 1 || !inner.divisors.empty())
      return refuse("has scores that are no multiple of a product");
    scores.factor = inner.number * scores.softcap;
    parts = inner;
  } else {
    scores.factor = parts.number;
  }
  if (!parts.factors[0].isLeaf())
    return refuse("has scores that are no product of queries and keys");
  scores.tensor = parts.factors[0].value;
  return scores;
}
