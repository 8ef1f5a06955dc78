//===- RuntimeAxes.h - axes that are inputs of the model -- -*- C++ -*-===//
//
// Part of the awq-mlir project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef AWQ_LIB_TARGET_ONNX_RUNTIMEAXES_H
#define AWQ_LIB_TARGET_ONNX_RUNTIMEAXES_H

#include "OpContext.h"

namespace awq::onnx {

/// Axes whose number is known, but not which ones they are. Each dimension asks
/// whether it is one of them; axes outside of the rank are none.
class RuntimeAxes {
public:
  /// Of a tensor of `rank`.
  RuntimeAxes(OpContext &op, llvm::ArrayRef<DimExpr> axes, int64_t rank);

  int64_t count() const { return places.size(); }
  /// An i1 a dimension.
  mlir::Value isAxis(int64_t dimension) const { return flags[dimension]; }
  /// `yes` if the dimension is an axis, else `no`.
  DimExpr pick(int64_t dimension, const DimExpr &yes, const DimExpr &no) const;
  mlir::Value pick(int64_t dimension, mlir::Value yes, mlir::Value no) const;
  /// The value of the axis that the dimension is, or `missing`.
  mlir::Value lookUp(int64_t dimension, mlir::ArrayRef<mlir::Value> values,
                     mlir::Value missing) const;

  /// `sizes` without those of the axes, which must be 1. Axes that are wrong
  /// make all sizes 0, so that nothing is read.
  Shape without(mlir::ArrayRef<DimExpr> sizes) const;
  /// The dimensions that are no axes take `sizes`, the axes have size 1.
  Shape with(mlir::ArrayRef<DimExpr> sizes) const;

private:
  /// Whether each axis is a dimension of its own.
  mlir::Value areDistinct() const;
  DimExpr opaque(mlir::Value index) const;

  OpContext &op;
  llvm::SmallVector<mlir::Value> places; ///< one an axis, not negative
  llvm::SmallVector<mlir::Value> flags;  ///< one a dimension
};

} // namespace awq::onnx

#endif // AWQ_LIB_TARGET_ONNX_RUNTIMEAXES_H
