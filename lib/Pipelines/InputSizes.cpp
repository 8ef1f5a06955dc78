//===- InputSizes.cpp - whether inputs fit together -------------*- C++ -*-===//
//
// Part of the awq-mlir project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "InputSizes.h"

#include "mlir/IR/AffineExpr.h"

using namespace mlir;
using namespace awq;

namespace {

/// What the symbols of an entry point's sizes stand for in one call.
class Symbols {
public:
  explicit Symbols(const EntrySignature &entry) : entry(entry) {}

  /// Takes values from the sizes that are symbols by themselves.
  Status bind(const ArgumentShapes &shapes);
  /// Compares the sizes that are expressions.
  Status checkExpressions(const ArgumentShapes &shapes) const;
  /// Compares the sizes of each set, but for those that are 1 if they may be.
  Status checkEqual(ArrayRef<AffineMap> sets, bool mayBroadcast) const;

private:
  struct Symbol {
    AffineExpr value;
    size_t argument, dimension;
  };

  std::optional<int64_t> evaluate(AffineExpr expr) const;
  std::string describe(size_t argument, size_t dimension) const {
    return "dimension " + std::to_string(dimension) + " of '" +
           entry.arguments[argument].name + "'";
  }
  std::string describe(AffineExpr expr) const;
  Error disagree(const std::string &left, int64_t leftSize,
                 const std::string &right, int64_t rightSize) const {
    return Error{ErrorKind::Usage, "AWQ1521",
                 left + " is " + std::to_string(leftSize) + ", but " + right +
                     " is " + std::to_string(rightSize),
                 "entry point '" + entry.name + "'",
                 "give inputs whose sizes fit together"};
  }

  const EntrySignature &entry;
  std::map<unsigned, Symbol> symbols;
};

} // namespace

std::optional<int64_t> Symbols::evaluate(AffineExpr expr) const {
  DenseMap<AffineExpr, AffineExpr> values;
  for (const auto &[position, symbol] : symbols)
    values[getAffineSymbolExpr(position, expr.getContext())] = symbol.value;
  auto value = dyn_cast<AffineConstantExpr>(expr.replace(values));
  return value ? std::optional(value.getValue()) : std::nullopt;
}

std::string Symbols::describe(AffineExpr expr) const {
  if (auto symbol = dyn_cast<AffineSymbolExpr>(expr)) {
    const Symbol &bound = symbols.at(symbol.getPosition());
    return describe(bound.argument, bound.dimension);
  }
  if (auto number = dyn_cast<AffineConstantExpr>(expr))
    return std::to_string(number.getValue());
  auto binary = cast<AffineBinaryOpExpr>(expr);
  bool isSum = expr.getKind() == AffineExprKind::Add;
  return describe(binary.getLHS()) + (isSum ? " + " : " * ") +
         describe(binary.getRHS());
}

/// Calls `check` with each size of an argument that is given and its
/// expression, until one fails.
static Status
forEachSize(const EntrySignature &entry, const ArgumentShapes &shapes,
            function_ref<Status(size_t, size_t, int64_t, AffineExpr)> check) {
  for (size_t i = 0; i < entry.arguments.size(); ++i) {
    AffineMap declared = entry.arguments[i].symbolicShape;
    if (!declared || !shapes[i] ||
        declared.getNumResults() != shapes[i]->size())
      continue;
    for (size_t d = 0; d < shapes[i]->size(); ++d)
      if (Status status = check(i, d, (*shapes[i])[d], declared.getResult(d));
          !status)
        return status;
  }
  return {};
}

Status Symbols::bind(const ArgumentShapes &shapes) {
  return forEachSize(
      entry, shapes,
      [&](size_t i, size_t d, int64_t size, AffineExpr expr) -> Status {
        auto symbol = dyn_cast<AffineSymbolExpr>(expr);
        if (!symbol)
          return {};
        AffineExpr value = getAffineConstantExpr(size, expr.getContext());
        auto [it, isNew] =
            symbols.try_emplace(symbol.getPosition(), Symbol{value, i, d});
        if (isNew || it->second.value == value)
          return {};
        return disagree(describe(i, d), size, describe(expr), *evaluate(expr));
      });
}

Status Symbols::checkExpressions(const ArgumentShapes &shapes) const {
  return forEachSize(
      entry, shapes,
      [&](size_t i, size_t d, int64_t size, AffineExpr expr) -> Status {
        std::optional<int64_t> expected = evaluate(expr);
        if (!expected || *expected == size)
          return {};
        return disagree(describe(i, d), size, describe(expr), *expected);
      });
}

Status Symbols::checkEqual(ArrayRef<AffineMap> sets, bool mayBroadcast) const {
  for (AffineMap set : sets) {
    AffineExpr first;
    std::optional<int64_t> expected;
    for (AffineExpr expr : set.getResults()) {
      std::optional<int64_t> size = evaluate(expr);
      if (!size || (mayBroadcast && size == 1))
        continue;
      if (expected && size != expected)
        return disagree(describe(first), *expected, describe(expr), *size);
      first = expr;
      expected = size;
    }
  }
  return {};
}

Status awq::checkInputSizes(const EntrySignature &entry,
                            const ArgumentShapes &shapes) {
  Symbols symbols(entry);
  if (Status status = symbols.bind(shapes); !status)
    return status;
  if (Status status = symbols.checkExpressions(shapes); !status)
    return status;
  if (Status status = symbols.checkEqual(entry.equalSizes, false); !status)
    return status;
  return symbols.checkEqual(entry.broadcastSizes, true);
}
