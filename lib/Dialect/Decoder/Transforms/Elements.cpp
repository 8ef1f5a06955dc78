//===- Elements.cpp - formulas, simplified ---------------- -*- C++ -*-===//
//
// Part of the awq-mlir project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "awq/Dialect/Decoder/Transforms/Elements.h"

#include <algorithm>
#include <cmath>

using namespace awq::decoder;

Linear Linear::operator+(const Linear &other) const {
  Linear result = *this;
  result.constant += other.constant;
  for (auto [variable, factor] : other.factors) {
    int64_t &sum = result.factors[variable];
    sum += factor;
    if (sum == 0)
      result.factors.erase(variable);
  }
  return result;
}

std::optional<Linear> Linear::dividedBy(int64_t divisor) const {
  Linear result;
  for (auto [variable, factor] : factors) {
    if (factor % divisor != 0)
      return std::nullopt;
    result.factors[variable] = factor / divisor;
  }
  if (constant % divisor != 0)
    return std::nullopt;
  result.constant = constant / divisor;
  return result;
}

Linear Linear::operator*(int64_t factor) const {
  Linear result;
  if (factor == 0)
    return result;
  result.constant = constant * factor;
  for (auto [variable, own] : factors)
    result.factors[variable] = own * factor;
  return result;
}

Formulas::Formulas()
    : nothing(std::make_shared<const Element>()),
      sizes{std::nullopt, std::nullopt} {}

Variable Formulas::addVariable(Linear size) {
  sizes.push_back(std::move(size));
  return sizes.size() - 1;
}

bool Formulas::runsOver(const Linear &linear, const Linear &size) const {
  if (linear.constant != 0 || linear.factors.size() != 1)
    return false;
  auto [variable, factor] = *linear.factors.begin();
  return factor == 1 && sizes[variable] && *sizes[variable] == size;
}

std::optional<int64_t> Formulas::lowest(const Linear &linear) const {
  // Replace each index by the end of its range that makes the sum smaller.
  Linear bound = linear;
  for (auto [variable, factor] : linear.factors) {
    if (!sizes[variable])
      continue;
    bound.factors.erase(variable);
    if (factor < 0)
      bound = bound + (*sizes[variable] - Linear(1)) * factor;
  }
  int64_t result = bound.constant;
  for (auto [variable, factor] : bound.factors) {
    if (factor < 0)
      return std::nullopt;
    // There is at least one new token.
    if (variable == newTokens)
      result += factor;
  }
  return result;
}

//===----------------------------------------------------------------------===//
// Leaves
//===----------------------------------------------------------------------===//

ElementRef Formulas::integer(Linear linear) const {
  Element element;
  element.kind = Element::Integer;
  element.linear = std::move(linear);
  return make(std::move(element));
}

ElementRef Formulas::number(double value) const {
  Element element;
  element.kind = Element::Number;
  element.number = value;
  return make(std::move(element));
}

ElementRef Formulas::truth(bool value) const {
  Element element;
  element.kind = Element::Truth;
  element.number = value;
  return make(std::move(element));
}

ElementRef Formulas::lookup(mlir::Value table,
                            std::vector<ElementRef> indices) const {
  Element element;
  element.kind = Element::Lookup;
  element.table = table;
  element.parts = std::move(indices);
  return make(std::move(element));
}

template <typename Function>
ElementRef Formulas::intoSelect(const ElementRef &a, Function function) const {
  return select(a->parts[0], function(a->parts[1]), function(a->parts[2]));
}

//===----------------------------------------------------------------------===//
// Integers
//===----------------------------------------------------------------------===//

ElementRef Formulas::add(const ElementRef &a, const ElementRef &b) const {
  if (a->kind == Element::Integer && b->kind == Element::Integer)
    return integer(a->linear + b->linear);
  if (a->kind == Element::Select && b->kind == Element::Integer)
    return intoSelect(a, [&](const ElementRef &part) { return add(part, b); });
  if (b->kind == Element::Select && a->kind == Element::Integer)
    return intoSelect(b, [&](const ElementRef &part) { return add(a, part); });
  return nothing;
}

ElementRef Formulas::subtract(const ElementRef &a, const ElementRef &b) const {
  return add(a, multiply(b, integer(-1)));
}

ElementRef Formulas::multiply(const ElementRef &a, const ElementRef &b) const {
  if (auto factor = b->integer(); factor && a->kind == Element::Integer)
    return integer(a->linear * *factor);
  if (auto factor = a->integer(); factor && b->kind == Element::Integer)
    return integer(b->linear * *factor);
  if (a->kind == Element::Select && b->kind == Element::Integer)
    return intoSelect(
        a, [&](const ElementRef &part) { return multiply(part, b); });
  if (b->kind == Element::Select && a->kind == Element::Integer)
    return intoSelect(
        b, [&](const ElementRef &part) { return multiply(a, part); });
  return nothing;
}

ElementRef Formulas::floorDivide(const ElementRef &a,
                                 const ElementRef &b) const {
  if (a->kind != Element::Integer || b->kind != Element::Integer)
    return nothing;
  auto divisor = b->integer();
  if (!divisor && !a->linear.factors.empty() && !b->linear.factors.empty()) {
    // A multiple of the divisor.
    int64_t ratio =
        a->linear.factors.begin()->second / b->linear.factors.begin()->second;
    return b->linear * ratio == a->linear ? integer(ratio) : nothing;
  }
  if (!divisor || *divisor <= 0)
    return nothing;
  if (*divisor == 1)
    return a;
  if (std::optional<Linear> exact = a->linear.dividedBy(*divisor))
    return integer(*exact);
  if (auto number = a->integer()) {
    int64_t quotient = *number / *divisor;
    return integer(quotient - (*number % *divisor < 0 ? 1 : 0));
  }
  // A multiple of the divisor, and what is smaller than that.
  Linear multiple, rest = a->linear;
  for (auto [variable, factor] : a->linear.factors)
    if (factor % *divisor == 0) {
      multiple.factors[variable] = factor / *divisor;
      rest.factors.erase(variable);
    }
  auto least = lowest(rest), room = lowest(Linear(*divisor - 1) - rest);
  if (least && room && *least >= 0 && *room >= 0)
    return integer(multiple);
  return nothing;
}

ElementRef Formulas::floorRemainder(const ElementRef &a,
                                    const ElementRef &b) const {
  ElementRef quotient = floorDivide(a, b);
  return quotient->isUnknown() ? nothing : subtract(a, multiply(quotient, b));
}

ElementRef Formulas::minimum(const ElementRef &a, const ElementRef &b) const {
  ElementRef isSmaller = atLeast(b, a);
  if (isSmaller->kind == Element::Truth)
    return isSmaller->number != 0.0 ? a : b;
  if (a->kind == Element::Select)
    return intoSelect(a,
                      [&](const ElementRef &part) { return minimum(part, b); });
  return nothing;
}

ElementRef Formulas::maximum(const ElementRef &a, const ElementRef &b) const {
  ElementRef isLarger = atLeast(a, b);
  if (isLarger->kind == Element::Truth)
    return isLarger->number != 0.0 ? a : b;
  if (a->kind == Element::Select)
    return intoSelect(a,
                      [&](const ElementRef &part) { return maximum(part, b); });
  return nothing;
}

//===----------------------------------------------------------------------===//
// Truths
//===----------------------------------------------------------------------===//

ElementRef Formulas::atLeast(const ElementRef &a, const ElementRef &b) const {
  if (a->kind == Element::Select && b->kind == Element::Integer)
    return intoSelect(a,
                      [&](const ElementRef &part) { return atLeast(part, b); });
  if (b->kind == Element::Select && a->kind == Element::Integer)
    return intoSelect(b,
                      [&](const ElementRef &part) { return atLeast(a, part); });
  if (a->kind != Element::Integer || b->kind != Element::Integer)
    return nothing;
  Linear difference = a->linear - b->linear;
  if (auto low = lowest(difference); low && *low >= 0)
    return truth(true);
  if (auto low = lowest(difference * -1); low && *low > 0)
    return truth(false);
  Element element;
  element.kind = Element::AtLeastZero;
  element.linear = std::move(difference);
  return make(std::move(element));
}

ElementRef Formulas::equal(const ElementRef &a, const ElementRef &b) const {
  if (a->kind == Element::Select &&
      (b->kind == Element::Integer || b->kind == Element::Number))
    return intoSelect(a,
                      [&](const ElementRef &part) { return equal(part, b); });
  if (a->kind == Element::Number && b->kind == Element::Number)
    return truth(a->number == b->number);
  return logicalAnd(atLeast(a, b), atLeast(b, a));
}

/// Puts parts together into a node of a kind.
static Element combine(Element::Kind kind, std::vector<ElementRef> parts) {
  Element element;
  element.kind = kind;
  element.parts = std::move(parts);
  return element;
}

ElementRef Formulas::logicalAnd(const ElementRef &a,
                                const ElementRef &b) const {
  if (a->kind == Element::Truth)
    return a->number != 0.0 ? b : a;
  if (b->kind == Element::Truth)
    return b->number != 0.0 ? a : b;
  if (a->isUnknown() || b->isUnknown())
    return nothing;
  return make(combine(Element::And, {a, b}));
}

ElementRef Formulas::logicalOr(const ElementRef &a, const ElementRef &b) const {
  if (a->kind == Element::Truth)
    return a->number != 0.0 ? a : b;
  if (b->kind == Element::Truth)
    return b->number != 0.0 ? b : a;
  if (a->isUnknown() || b->isUnknown())
    return nothing;
  return make(combine(Element::Or, {a, b}));
}

ElementRef Formulas::logicalNot(const ElementRef &a) const {
  switch (a->kind) {
  case Element::Truth:
    return truth(a->number == 0.0);
  case Element::AtLeastZero:
    // not (x >= 0) is -1 - x >= 0.
    return atLeast(integer(Linear(-1) - a->linear), integer(0));
  case Element::Not:
    return a->parts[0];
  case Element::And:
    return logicalOr(logicalNot(a->parts[0]), logicalNot(a->parts[1]));
  case Element::Or:
    return logicalAnd(logicalNot(a->parts[0]), logicalNot(a->parts[1]));
  default:
    return nothing;
  }
}

ElementRef Formulas::select(const ElementRef &condition, const ElementRef &yes,
                            const ElementRef &no) const {
  if (condition->kind == Element::Truth)
    return condition->number != 0.0 ? yes : no;
  if (condition->isUnknown() || yes->isUnknown() || no->isUnknown())
    return nothing;
  if (yes->kind == Element::Truth && no->kind == Element::Truth) {
    if (yes->number == no->number)
      return yes;
    return yes->number != 0.0 ? condition : logicalNot(condition);
  }
  if (yes->kind == Element::Truth)
    return yes->number != 0.0 ? logicalOr(condition, no)
                              : logicalAnd(logicalNot(condition), no);
  if (no->kind == Element::Truth)
    return no->number != 0.0 ? logicalOr(logicalNot(condition), yes)
                             : logicalAnd(condition, yes);
  if (yes->kind == Element::Integer && no->kind == Element::Integer &&
      yes->linear == no->linear)
    return yes;
  if (yes->kind == Element::Number && no->kind == Element::Number &&
      yes->number == no->number)
    return yes;
  return make(combine(Element::Select, {condition, yes, no}));
}

//===----------------------------------------------------------------------===//
// Floats
//===----------------------------------------------------------------------===//

static bool isTruth(const ElementRef &a) {
  return a->kind == Element::Truth || a->kind == Element::AtLeastZero ||
         a->kind == Element::And || a->kind == Element::Or ||
         a->kind == Element::Not;
}

ElementRef Formulas::toInteger(const ElementRef &a) const {
  if (isTruth(a))
    return select(a, integer(1), integer(0));
  return a;
}

ElementRef Formulas::toFloat(const ElementRef &a) const {
  if (isTruth(a))
    return select(a, number(1.0), number(0.0));
  if (auto known = a->integer())
    return number(static_cast<double>(*known));
  if (a->kind == Element::Select)
    return intoSelect(a, [&](const ElementRef &part) { return toFloat(part); });
  if (a->isUnknown())
    return nothing;
  return make(combine(Element::ToFloat, {a}));
}

/// The function of numbers; nothing for an unknown name.
static std::optional<double> compute(const std::string &name, double x,
                                     double y) {
  if (name == "add")
    return x + y;
  if (name == "sub")
    return x - y;
  if (name == "mul")
    return x * y;
  if (name == "div")
    return x / y;
  if (name == "pow")
    return std::pow(x, y);
  if (name == "max")
    return std::max(x, y);
  if (name == "min")
    return std::min(x, y);
  if (name == "neg")
    return -x;
  if (name == "exp")
    return std::exp(x);
  if (name == "log")
    return std::log(x);
  if (name == "sqrt")
    return std::sqrt(x);
  if (name == "rsqrt")
    return 1.0 / std::sqrt(x);
  if (name == "tanh")
    return std::tanh(x);
  if (name == "cos")
    return std::cos(x);
  if (name == "sin")
    return std::sin(x);
  if (name == "abs")
    return std::fabs(x);
  return std::nullopt;
}

ElementRef Formulas::call(const std::string &name,
                          std::vector<ElementRef> parts) const {
  bool areNumbers = true;
  for (const ElementRef &part : parts) {
    if (part->isUnknown())
      return nothing;
    areNumbers &= part->kind == Element::Number;
  }
  if (areNumbers)
    if (auto result = compute(name, parts[0]->number,
                              parts.size() > 1 ? parts[1]->number : 0.0))
      return number(*result);
  for (size_t i = 0; i < parts.size(); ++i) {
    if (parts[i]->kind != Element::Select)
      continue;
    bool othersAreNumbers = true;
    for (size_t j = 0; j < parts.size(); ++j)
      othersAreNumbers &= j == i || parts[j]->kind == Element::Number;
    if (othersAreNumbers)
      return intoSelect(parts[i], [&](const ElementRef &part) {
        std::vector<ElementRef> replaced = parts;
        replaced[i] = part;
        return call(name, std::move(replaced));
      });
  }
  if (parts.size() == 2) {
    auto isNumber = [&](size_t i, double value) {
      return parts[i]->kind == Element::Number && parts[i]->number == value;
    };
    if (name == "add" && isNumber(0, 0.0))
      return parts[1];
    if ((name == "add" || name == "sub") && isNumber(1, 0.0))
      return parts[0];
    if (name == "mul" && isNumber(0, 1.0))
      return parts[1];
    if ((name == "mul" || name == "div") && isNumber(1, 1.0))
      return parts[0];
  }
  Element element = combine(Element::Call, std::move(parts));
  element.name = name;
  return make(std::move(element));
}

//===----------------------------------------------------------------------===//
// Text
//===----------------------------------------------------------------------===//

static std::string describe(const Linear &linear) {
  std::string text;
  for (auto [variable, factor] : linear.factors) {
    if (!text.empty())
      text += " + ";
    if (factor != 1)
      text += std::to_string(factor) + " ";
    text += variable == pastTokens  ? "past"
            : variable == newTokens ? "new"
                                    : "i" + std::to_string(variable);
  }
  if (linear.constant != 0 || text.empty())
    text += (text.empty() ? "" : " + ") + std::to_string(linear.constant);
  return text;
}

std::string awq::decoder::describe(const ElementRef &element) {
  auto call = [&](const std::string &name) {
    std::string text = name + "(";
    for (size_t i = 0; i < element->parts.size(); ++i)
      text += (i ? ", " : "") + describe(element->parts[i]);
    return text + ")";
  };
  switch (element->kind) {
  case Element::Unknown:
    return "?";
  case Element::Integer:
    return ::describe(element->linear);
  case Element::Number:
    return std::to_string(element->number);
  case Element::Truth:
    return element->number != 0.0 ? "true" : "false";
  case Element::AtLeastZero:
    return "(" + ::describe(element->linear) + " >= 0)";
  case Element::And:
    return call("and");
  case Element::Or:
    return call("or");
  case Element::Not:
    return call("not");
  case Element::Select:
    return call("select");
  case Element::ToFloat:
    return call("float");
  case Element::Call:
    return call(element->name);
  case Element::Lookup:
    return call("table");
  }
  return "?";
}
