//===- DimExpr.h - sizes as polynomials of symbols ------ -*- C++ -*-===//
//
// Part of the awq-mlir project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef AWQ_LIB_TARGET_ONNX_DIMEXPR_H
#define AWQ_LIB_TARGET_ONNX_DIMEXPR_H

#include "mlir/IR/AffineMap.h"
#include "mlir/IR/ImplicitLocOpBuilder.h"
#include "mlir/IR/Value.h"

#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

namespace awq::onnx {

/// A size, or an element of an integer tensor that sizes are computed from: a
/// polynomial with integer coefficients over the atoms of a DimContext. Two
/// expressions that are equal as polynomials compare equal, so that
/// `(a + b) * c` is `a * c + b * c`.
class DimExpr {
public:
  /// The atoms of one product, sorted; empty for the constant term.
  using Monomial = std::vector<unsigned>;

  DimExpr(int64_t value = 0) {
    if (value != 0)
      terms[{}] = value;
  }
  static DimExpr atom(unsigned index) {
    DimExpr result;
    result.terms[{index}] = 1;
    return result;
  }

  /// The number, if there is no atom in it.
  std::optional<int64_t> constant() const;
  bool is(int64_t value) const { return constant() == value; }

  DimExpr operator+(const DimExpr &other) const;
  DimExpr operator-(const DimExpr &other) const;
  DimExpr operator*(const DimExpr &other) const;
  bool operator==(const DimExpr &other) const { return terms == other.terms; }
  bool operator!=(const DimExpr &other) const { return terms != other.terms; }
  bool operator<(const DimExpr &other) const { return terms < other.terms; }

  const std::map<Monomial, int64_t> &getTerms() const { return terms; }
  /// The same with atoms as symbols of their numbers.
  mlir::AffineExpr toAffine(mlir::MLIRContext *context) const;

private:
  std::map<Monomial, int64_t> terms;
};

/// The symbols of one function and the values that they have there.
class DimContext {
public:
  explicit DimContext(mlir::ImplicitLocOpBuilder &builder) : builder(builder) {}

  /// A size known at run time only. Sizes are never negative.
  DimExpr opaque(mlir::Value index, bool isSize);

  /// Binds a name to an expression, or says what it is bound to.
  void bind(llvm::StringRef name, DimExpr value) { names[name.str()] = value; }
  std::optional<DimExpr> lookup(llvm::StringRef name) const;

  /// Parses what exporters write as a dimension: names, integers, + - * and
  /// parentheses ("s69 + s70"). Nothing if it has a name that is not bound.
  std::optional<DimExpr> parse(llvm::StringRef text) const;

  /// a / b rounded to minus infinity, and the rest with the sign of b.
  DimExpr floorDiv(const DimExpr &a, const DimExpr &b);
  DimExpr floorMod(const DimExpr &a, const DimExpr &b);
  /// a / b rounded to zero, as ONNX's Div.
  DimExpr truncDiv(const DimExpr &a, const DimExpr &b);
  DimExpr max(const DimExpr &a, const DimExpr &b);
  DimExpr min(const DimExpr &a, const DimExpr &b);

  /// How many atoms there are.
  unsigned size() const { return atoms.size(); }

  /// Whether there is a number in it that is no size, but was read from a
  /// tensor.
  bool hasElements(const DimExpr &expr) const;
  /// Whether the expression can only be >= 0.
  bool isNonNegative(const DimExpr &expr) const;
  /// Whether a < b, a == b; nothing if that depends on the symbols.
  std::optional<bool> isLess(const DimExpr &a, const DimExpr &b) const;
  std::optional<bool> isEqual(const DimExpr &a, const DimExpr &b) const;

  /// Notes that two sizes must be equal, or one of them 1 if `broadcasts`,
  /// which the symbols leave open.
  void require(const DimExpr &a, const DimExpr &b, bool broadcasts);
  /// What was noted of expressions in the first `atoms` atoms, as maps to
  /// sizes that must be equal to each other, but for those that are 1 if they
  /// are broadcast.
  std::vector<mlir::AffineMap> requirements(unsigned atoms,
                                            bool broadcasts) const;

  /// The value as an index, built at the builder's insertion point when it is
  /// first asked for.
  mlir::Value materialize(const DimExpr &expr);
  /// A constant or materialize().
  mlir::OpFoldResult fold(const DimExpr &expr);
  llvm::SmallVector<mlir::OpFoldResult>
  fold(llvm::ArrayRef<DimExpr> expressions);

private:
  /// What an atom is computed from; `a` and `b` only where the op has them.
  struct Atom {
    enum Kind { Opaque, FloorDiv, FloorMod, TruncDiv, Max, Min } kind;
    mlir::Value value;
    DimExpr a, b;
    bool isNonNegative;
  };
  DimExpr derived(Atom::Kind kind, const DimExpr &a, const DimExpr &b);
  mlir::Value materializeAtom(unsigned index);

  mlir::ImplicitLocOpBuilder &builder;
  std::deque<Atom> atoms;
  std::map<std::string, DimExpr> names;
  /// Adds what `expr` is the maximum of.
  void addOperands(const DimExpr &expr, std::set<DimExpr> &operands) const;

  /// Sizes that must be equal, and whether they may be 1 all the same.
  std::set<std::pair<std::set<DimExpr>, bool>> required;
  std::map<DimExpr, mlir::Value> built;
};

} // namespace awq::onnx

#endif // AWQ_LIB_TARGET_ONNX_DIMEXPR_H
