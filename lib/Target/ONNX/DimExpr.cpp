//===- DimExpr.cpp - sizes as polynomials of symbols ---- -*- C++ -*-===//
//
// Part of the awq-mlir project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "DimExpr.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/StringExtras.h"

#include <algorithm>

using namespace mlir;
using namespace awq::onnx;

//===----------------------------------------------------------------------===//
// DimExpr
//===----------------------------------------------------------------------===//

std::optional<int64_t> DimExpr::constant() const {
  if (terms.empty())
    return 0;
  if (terms.size() == 1 && terms.begin()->first.empty())
    return terms.begin()->second;
  return std::nullopt;
}

/// Wraps around, as the run time does.
static int64_t wrap(uint64_t value) { return static_cast<int64_t>(value); }

AffineExpr DimExpr::toAffine(MLIRContext *context) const {
  AffineExpr sum = getAffineConstantExpr(0, context);
  for (const auto &[monomial, coefficient] : terms) {
    AffineExpr product = getAffineConstantExpr(coefficient, context);
    for (unsigned atom : monomial)
      product = getAffineSymbolExpr(atom, context) * product;
    sum = sum + product;
  }
  return sum;
}

static void addTerm(std::map<DimExpr::Monomial, int64_t> &terms,
                    const DimExpr::Monomial &monomial, int64_t coefficient) {
  auto [it, isNew] = terms.try_emplace(monomial, 0);
  it->second = wrap(uint64_t(it->second) + uint64_t(coefficient));
  if (it->second == 0)
    terms.erase(it);
}

DimExpr DimExpr::operator+(const DimExpr &other) const {
  DimExpr result = *this;
  for (const auto &[monomial, coefficient] : other.terms)
    addTerm(result.terms, monomial, coefficient);
  return result;
}

DimExpr DimExpr::operator-(const DimExpr &other) const {
  return *this + other * DimExpr(-1);
}

DimExpr DimExpr::operator*(const DimExpr &other) const {
  DimExpr result;
  for (const auto &[left, a] : terms)
    for (const auto &[right, b] : other.terms) {
      Monomial product;
      std::merge(left.begin(), left.end(), right.begin(), right.end(),
                 std::back_inserter(product));
      addTerm(result.terms, product, wrap(uint64_t(a) * uint64_t(b)));
    }
  return result;
}

//===----------------------------------------------------------------------===//
// Atoms and names
//===----------------------------------------------------------------------===//

DimExpr DimContext::opaque(Value index, bool isSize) {
  for (auto [i, atom] : llvm::enumerate(atoms))
    if (atom.kind == Atom::Opaque && atom.value == index)
      return DimExpr::atom(i);
  atoms.push_back({Atom::Opaque, index, {}, {}, isSize});
  return DimExpr::atom(atoms.size() - 1);
}

DimExpr DimContext::derived(Atom::Kind kind, const DimExpr &a,
                            const DimExpr &b) {
  for (auto [i, atom] : llvm::enumerate(atoms))
    if (atom.kind == kind && atom.a == a && atom.b == b)
      return DimExpr::atom(i);
  bool positive = kind == Atom::Max ? isNonNegative(a) || isNonNegative(b)
                                    : isNonNegative(a) && isNonNegative(b);
  atoms.push_back({kind, Value(), a, b, positive});
  return DimExpr::atom(atoms.size() - 1);
}

std::optional<DimExpr> DimContext::lookup(llvm::StringRef name) const {
  auto it = names.find(name.str());
  if (it == names.end())
    return std::nullopt;
  return it->second;
}

namespace {
/// Recursive descent over sums of products.
class Parser {
public:
  Parser(const DimContext &context, llvm::StringRef text)
      : context(context), rest(text) {}

  std::optional<DimExpr> parse() {
    std::optional<DimExpr> result = sum();
    return rest.trim().empty() ? result : std::nullopt;
  }

private:
  bool take(char c) {
    rest = rest.ltrim();
    return rest.consume_front(llvm::StringRef(&c, 1));
  }

  std::optional<DimExpr> sum() {
    std::optional<DimExpr> left = product();
    while (left) {
      bool plus = take('+');
      if (!plus && !take('-'))
        break;
      std::optional<DimExpr> right = product();
      if (!right)
        return std::nullopt;
      left = plus ? *left + *right : *left - *right;
    }
    return left;
  }

  std::optional<DimExpr> product() {
    std::optional<DimExpr> left = factor();
    while (left && take('*')) {
      std::optional<DimExpr> right = factor();
      if (!right)
        return std::nullopt;
      left = *left * *right;
    }
    return left;
  }

  std::optional<DimExpr> factor() {
    if (take('(')) {
      // The depth of an expression is bounded by what a name may hold.
      if (++depth > 32)
        return std::nullopt;
      std::optional<DimExpr> inner = sum();
      --depth;
      return take(')') ? inner : std::nullopt;
    }
    rest = rest.ltrim();
    llvm::StringRef word = rest.take_while(
        [](char c) { return llvm::isAlnum(c) || c == '_' || c == '.'; });
    rest = rest.drop_front(word.size());
    int64_t number;
    if (!word.empty() && !word.getAsInteger(10, number))
      return DimExpr(number);
    return context.lookup(word);
  }

  const DimContext &context;
  llvm::StringRef rest;
  unsigned depth = 0;
};
} // namespace

std::optional<DimExpr> DimContext::parse(llvm::StringRef text) const {
  if (std::optional<DimExpr> whole = lookup(text))
    return whole;
  return Parser(*this, text).parse();
}

//===----------------------------------------------------------------------===//
// Arithmetic
//===----------------------------------------------------------------------===//

/// a / b if that is exact whatever the symbols are: b is one monomial that
/// divides each term of a.
static std::optional<DimExpr> divideExactly(const DimExpr &a,
                                            const DimExpr &b) {
  if (b.getTerms().size() != 1)
    return std::nullopt;
  const auto &[divisor, factor] = *b.getTerms().begin();
  DimExpr result;
  for (const auto &[monomial, coefficient] : a.getTerms()) {
    if (coefficient % factor != 0 ||
        !std::includes(monomial.begin(), monomial.end(), divisor.begin(),
                       divisor.end()))
      return std::nullopt;
    DimExpr::Monomial quotient;
    std::set_difference(monomial.begin(), monomial.end(), divisor.begin(),
                        divisor.end(), std::back_inserter(quotient));
    DimExpr term(coefficient / factor);
    for (unsigned atom : quotient)
      term = term * DimExpr::atom(atom);
    result = result + term;
  }
  return result;
}

DimExpr DimContext::floorDiv(const DimExpr &a, const DimExpr &b) {
  auto x = a.constant(), y = b.constant();
  if (x && y && *y != 0) {
    int64_t quotient = *x / *y;
    return quotient - ((*x % *y != 0) && ((*x < 0) != (*y < 0)) ? 1 : 0);
  }
  if (!b.is(0))
    if (std::optional<DimExpr> exact = divideExactly(a, b))
      return *exact;
  return derived(Atom::FloorDiv, a, b);
}

DimExpr DimContext::floorMod(const DimExpr &a, const DimExpr &b) {
  auto x = a.constant(), y = b.constant();
  if (x && y && *y != 0)
    return *x - *floorDiv(a, b).constant() * *y;
  if (!b.is(0) && divideExactly(a, b))
    return 0;
  return derived(Atom::FloorMod, a, b);
}

DimExpr DimContext::truncDiv(const DimExpr &a, const DimExpr &b) {
  auto x = a.constant(), y = b.constant();
  if (x && y && *y != 0)
    return *x / *y;
  if (!b.is(0))
    if (std::optional<DimExpr> exact = divideExactly(a, b))
      return *exact;
  if (isNonNegative(a) && isNonNegative(b))
    return derived(Atom::FloorDiv, a, b);
  return derived(Atom::TruncDiv, a, b);
}

DimExpr DimContext::max(const DimExpr &a, const DimExpr &b) {
  if (auto less = isLess(a, b))
    return *less ? b : a;
  if (isNonNegative(a - b))
    return a;
  if (isNonNegative(b - a))
    return b;
  return derived(Atom::Max, std::min(a, b), std::max(a, b));
}

DimExpr DimContext::min(const DimExpr &a, const DimExpr &b) {
  if (auto less = isLess(a, b))
    return *less ? a : b;
  if (isNonNegative(a - b))
    return b;
  if (isNonNegative(b - a))
    return a;
  return derived(Atom::Min, std::min(a, b), std::max(a, b));
}

bool DimContext::hasElements(const DimExpr &expr) const {
  for (const auto &term : expr.getTerms())
    for (unsigned index : term.first) {
      const Atom &atom = atoms[index];
      if (atom.kind == Atom::Opaque
              ? !atom.isNonNegative
              : hasElements(atom.a) || hasElements(atom.b))
        return true;
    }
  return false;
}

bool DimContext::isNonNegative(const DimExpr &expr) const {
  for (const auto &[monomial, coefficient] : expr.getTerms()) {
    if (coefficient < 0)
      return false;
    for (unsigned index : monomial)
      if (!atoms[index].isNonNegative)
        return false;
  }
  return true;
}

std::optional<bool> DimContext::isLess(const DimExpr &a,
                                       const DimExpr &b) const {
  DimExpr difference = b - a;
  if (auto number = difference.constant())
    return *number > 0;
  if (isNonNegative(difference - DimExpr(1)))
    return true;
  if (isNonNegative(a - b))
    return false;
  return std::nullopt;
}

std::optional<bool> DimContext::isEqual(const DimExpr &a,
                                        const DimExpr &b) const {
  if (auto number = (a - b).constant())
    return *number == 0;
  if (isLess(a, b) == true || isLess(b, a) == true)
    return false;
  return std::nullopt;
}

//===----------------------------------------------------------------------===//
// Values
//===----------------------------------------------------------------------===//

/// `value`, or 1 for 0: a machine stops at a division by zero.
static Value avoidZero(ImplicitLocOpBuilder &builder, const DimExpr &expr,
                       Value value) {
  if (expr.constant())
    return value;
  Value zero = arith::ConstantIndexOp::create(builder, 0);
  Value one = arith::ConstantIndexOp::create(builder, 1);
  Value isZero =
      arith::CmpIOp::create(builder, arith::CmpIPredicate::eq, value, zero);
  return arith::SelectOp::create(builder, isZero, one, value);
}

void DimContext::addOperands(const DimExpr &expr,
                             std::set<DimExpr> &operands) const {
  const auto &[monomial, coefficient] = *expr.getTerms().begin();
  bool isMax = expr.getTerms().size() == 1 && monomial.size() == 1 &&
               coefficient == 1 && atoms[monomial.front()].kind == Atom::Max;
  if (!isMax) {
    operands.insert(expr);
    return;
  }
  addOperands(atoms[monomial.front()].a, operands);
  addOperands(atoms[monomial.front()].b, operands);
}

void DimContext::require(const DimExpr &a, const DimExpr &b, bool broadcasts) {
  if (a.is(0) || b.is(0) || isEqual(a, b) == true)
    return;
  // The maximum is of sizes that are broadcast.
  std::set<DimExpr> sizes;
  addOperands(a, sizes);
  addOperands(b, sizes);
  required.insert({sizes, broadcasts || sizes.size() > 2});
}

std::vector<AffineMap> DimContext::requirements(unsigned atoms,
                                                bool broadcasts) const {
  auto isKnown = [&](const DimExpr &expr) {
    return llvm::all_of(expr.getTerms(), [&](const auto &term) {
      return term.first.empty() || term.first.back() < atoms;
    });
  };
  std::vector<AffineMap> maps;
  MLIRContext *context = builder.getContext();
  for (const auto &[sizes, isBroadcast] : required) {
    if (isBroadcast != broadcasts || !llvm::all_of(sizes, isKnown))
      continue;
    SmallVector<AffineExpr> results;
    for (const DimExpr &size : sizes)
      results.push_back(size.toAffine(context));
    maps.push_back(AffineMap::get(0, atoms, results, context));
  }
  return maps;
}

Value DimContext::materializeAtom(unsigned index) {
  const Atom &atom = atoms[index];
  if (atom.kind == Atom::Opaque)
    return atom.value;
  Value a = materialize(atom.a), b = materialize(atom.b);
  if (atom.kind != Atom::Max && atom.kind != Atom::Min)
    b = avoidZero(builder, atom.b, b);
  switch (atom.kind) {
  case Atom::FloorDiv:
    return arith::FloorDivSIOp::create(builder, a, b);
  case Atom::FloorMod: {
    Value quotient = arith::FloorDivSIOp::create(builder, a, b);
    return arith::SubIOp::create(builder, a,
                                 arith::MulIOp::create(builder, quotient, b));
  }
  case Atom::TruncDiv:
    return arith::DivSIOp::create(builder, a, b);
  case Atom::Max:
    return arith::MaxSIOp::create(builder, a, b);
  case Atom::Min:
    return arith::MinSIOp::create(builder, a, b);
  case Atom::Opaque:
    break;
  }
  llvm_unreachable("handled above");
}

Value DimContext::materialize(const DimExpr &expr) {
  if (auto it = built.find(expr); it != built.end())
    return it->second;
  Value sum;
  for (const auto &[monomial, coefficient] : expr.getTerms()) {
    Value product;
    auto multiply = [&](Value factor) {
      product =
          product ? arith::MulIOp::create(builder, product, factor) : factor;
    };
    for (unsigned index : monomial)
      multiply(expr == DimExpr::atom(index)
                   ? materializeAtom(index)
                   : materialize(DimExpr::atom(index)));
    if (coefficient != 1 || monomial.empty())
      multiply(arith::ConstantIndexOp::create(builder, coefficient));
    sum = sum ? arith::AddIOp::create(builder, sum, product) : product;
  }
  if (!sum)
    sum = arith::ConstantIndexOp::create(builder, 0);
  return built[expr] = sum;
}

OpFoldResult DimContext::fold(const DimExpr &expr) {
  if (auto number = expr.constant())
    return builder.getIndexAttr(*number);
  return materialize(expr);
}

SmallVector<OpFoldResult> DimContext::fold(ArrayRef<DimExpr> expressions) {
  SmallVector<OpFoldResult> folded;
  for (const DimExpr &expr : expressions)
    folded.push_back(fold(expr));
  return folded;
}
