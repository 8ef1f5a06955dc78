//===- Scalars.h - expressions across elementwise ops ----- -*- C++ -*-===//
//
// Part of the awq-mlir project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// One exporter computes SiLU in one op, another in four. A Scalar looks through
// the borders of elementwise linalg.generic ops, so that both are the same
// expression of scalars.
//
//===----------------------------------------------------------------------===//

#ifndef AWQ_DIALECT_DECODER_TRANSFORMS_SCALARS_H
#define AWQ_DIALECT_DECODER_TRANSFORMS_SCALARS_H

#include "mlir/Dialect/Linalg/IR/Linalg.h"

#include <optional>

namespace awq::decoder {

/// A scalar of an elementwise expression, or a tensor that is computed in some
/// other way: a leaf. Casts between floats are looked through.
struct Scalar {
  /// In the body of `owner`; the tensor itself for a leaf.
  mlir::Value value;
  mlir::linalg::GenericOp owner;
  /// The tensor whose element it is; null for a value inside of a body.
  mlir::Value tensor;
  /// Whether the loops of `owner` are the dimensions of the expression's root.
  bool isAligned = true;
  /// Of an operand: what stands for it in the body of the op that uses it,
  /// before broadcasts are looked through, and whether that op's loops are the
  /// root's dimensions.
  mlir::Value use = {};
  mlir::linalg::GenericOp user = {};
  bool isUserAligned = true;

  bool isLeaf() const { return !owner; }
  bool operator==(const Scalar &other) const { return value == other.value; }
  explicit operator bool() const { return bool(value); }

  /// The op that computes it, if it is one of `Op` and no leaf.
  template <typename Op>
  Op as() const {
    return isLeaf() ? Op() : value.getDefiningOp<Op>();
  }
  /// An operand of the op that computes it.
  Scalar operand(unsigned index) const;
};

/// What an element of `tensor` is computed from.
Scalar scalarOf(mlir::Value tensor);

/// A tensor without casts of its type's sizes, of floats, and copies.
mlir::Value stripTensor(mlir::Value tensor);

/// The tensor that a scalar of a body is read from by tensor.extract, at the
/// place of the loops, or at 0 where a size is, or may be, 1.
mlir::Value readInPlace(mlir::Value scalar);

/// Whether all loops are parallel and each element is written once, in place.
bool isElementwise(mlir::linalg::GenericOp op);

/// The number, if it is one whatever the element.
std::optional<double> constantOf(const Scalar &scalar);

/// number * factors[0] * ... / divisors[0] / ...
struct Product {
  double number = 1.0;
  llvm::SmallVector<Scalar> factors, divisors;
};
/// Products inside of `atom` are left together.
Product productOf(const Scalar &scalar, const Scalar &atom = {});

/// The terms of nested additions; -x is a product.
llvm::SmallVector<Scalar> termsOf(const Scalar &scalar);

/// 1 / sqrt(x), or x / sqrt(x)-like: the x of a product's inverse square root,
/// which is removed from it.
std::optional<Scalar> takeInverseRoot(Product &product);

} // namespace awq::decoder

#endif // AWQ_DIALECT_DECODER_TRANSFORMS_SCALARS_H
