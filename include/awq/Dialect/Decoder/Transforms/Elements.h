//===- Elements.h - what one element of a tensor is ------ -*- C++ -*-===//
//
// Part of the awq-mlir project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Exporters spell masks, positions and rotary tables in many ways: ranges,
// comparisons, gathers, reshapes. What an element of such a tensor *is*, as a
// formula in its indices, is the same in all of them: a key is seen if
// q + past - k >= 0; a table holds cos((past + t) * f). An Element is that
// formula, found by walking from one element to the elements that it is
// computed from.
//
//===----------------------------------------------------------------------===//

#ifndef AWQ_DIALECT_DECODER_TRANSFORMS_ELEMENTS_H
#define AWQ_DIALECT_DECODER_TRANSFORMS_ELEMENTS_H

#include "mlir/IR/Value.h"
#include "llvm/ADT/ArrayRef.h"
#include "llvm/ADT/SmallVector.h"

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace awq::decoder {

/// A variable of a formula; see Formulas.
using Variable = unsigned;
/// The number of tokens in the caches, and of new ones.
inline constexpr Variable pastTokens = 0, newTokens = 1;

/// An integer: a sum of variables with integer factors, and a number.
struct Linear {
  std::map<Variable, int64_t> factors;
  int64_t constant = 0;

  Linear(int64_t constant = 0) : constant(constant) {}
  static Linear variable(Variable v) {
    Linear result;
    result.factors[v] = 1;
    return result;
  }
  bool isConstant() const { return factors.empty(); }
  Linear operator+(const Linear &other) const;
  Linear operator-(const Linear &other) const { return *this + other * -1; }
  Linear operator*(int64_t factor) const;
  bool operator==(const Linear &other) const {
    return factors == other.factors && constant == other.constant;
  }
  /// Exactly; nothing if there is a rest.
  std::optional<Linear> dividedBy(int64_t divisor) const;
};

struct Element;
using ElementRef = std::shared_ptr<const Element>;

/// A formula. Floats are exact reals as far as doubles go: roundings to
/// narrower types are left out.
struct Element {
  enum Kind {
    Unknown,
    Integer,     ///< `linear`
    Number,      ///< `number`
    Truth,       ///< `number` is 0 or 1
    AtLeastZero, ///< linear >= 0
    And,
    Or,
    Not,
    Select,  ///< parts: condition, yes, no
    ToFloat, ///< the integer parts[0]
    Call,    ///< the function `name` of parts
    Lookup   ///< an element of the constant `table` at parts
  } kind = Unknown;
  Linear linear;
  double number = 0.0;
  std::string name;
  mlir::Value table;
  std::vector<ElementRef> parts;

  bool isUnknown() const { return kind == Unknown; }
  std::optional<int64_t> integer() const {
    if (kind == Integer && linear.isConstant())
      return linear.constant;
    return std::nullopt;
  }
};

/// The formula as text, for remarks: variables are past, new, i2, i3, ...
std::string describe(const ElementRef &element);

/// Makes formulas, simplified: numbers are computed, comparisons decided where
/// the variables' ranges allow it, arithmetic drawn into selections.
class Formulas {
public:
  Formulas();

  /// A variable that runs over 0 .. size - 1.
  Variable addVariable(Linear size);

  ElementRef unknown() const { return nothing; }
  ElementRef integer(Linear linear) const;
  ElementRef number(double value) const;
  ElementRef truth(bool value) const;
  ElementRef lookup(mlir::Value table, std::vector<ElementRef> indices) const;

  ElementRef add(const ElementRef &a, const ElementRef &b) const;
  ElementRef subtract(const ElementRef &a, const ElementRef &b) const;
  ElementRef multiply(const ElementRef &a, const ElementRef &b) const;
  /// Of integers, rounded to minus infinity, and the rest, where that is an
  /// integer whatever the variables are.
  ElementRef floorDivide(const ElementRef &a, const ElementRef &b) const;
  ElementRef floorRemainder(const ElementRef &a, const ElementRef &b) const;
  ElementRef minimum(const ElementRef &a, const ElementRef &b) const;
  ElementRef maximum(const ElementRef &a, const ElementRef &b) const;
  /// a >= b, for integers; and the others.
  ElementRef atLeast(const ElementRef &a, const ElementRef &b) const;
  ElementRef equal(const ElementRef &a, const ElementRef &b) const;
  ElementRef logicalAnd(const ElementRef &a, const ElementRef &b) const;
  ElementRef logicalOr(const ElementRef &a, const ElementRef &b) const;
  ElementRef logicalNot(const ElementRef &a) const;
  ElementRef select(const ElementRef &condition, const ElementRef &yes,
                    const ElementRef &no) const;
  ElementRef toFloat(const ElementRef &a) const;
  /// An integer or truth as an integer.
  ElementRef toInteger(const ElementRef &a) const;
  /// A function of floats: "add", "sub", "mul", "div", "pow", "max", "min",
  /// "neg", "exp", "log", "sqrt", "rsqrt", "tanh", "cos", "sin", "abs".
  ElementRef call(const std::string &name, std::vector<ElementRef> parts) const;

  /// Whether an integer is one variable that runs over 0 .. size - 1.
  bool runsOver(const Linear &linear, const Linear &size) const;

  /// The smallest value that an integer can take, if there is one.
  std::optional<int64_t> lowest(const Linear &linear) const;

private:
  ElementRef make(Element element) const {
    return std::make_shared<const Element>(std::move(element));
  }
  /// `function` of both outcomes, where `a` is a selection.
  template <typename Function>
  ElementRef intoSelect(const ElementRef &a, Function function) const;

  ElementRef nothing;
  /// Size of the range of each variable; of the first two, nothing.
  std::vector<std::optional<Linear>> sizes;
};

} // namespace awq::decoder

#endif // AWQ_DIALECT_DECODER_TRANSFORMS_ELEMENTS_H
