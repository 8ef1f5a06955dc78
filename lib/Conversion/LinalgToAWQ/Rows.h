//===- Rows.h - tensors as rows of channels --------------------*- C++ -*-===//
//
// Part of the awq-mlir project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// What AWQ scales and quantizes are rows [T, C]: an activation [B, S, C]
// becomes [B * S, C] for each raised op and is split again behind it. The
// reshapes between two raised ops cancel.
//
//===----------------------------------------------------------------------===//

#ifndef AWQ_LIB_CONVERSION_LINALGTOAWQ_ROWS_H
#define AWQ_LIB_CONVERSION_LINALGTOAWQ_ROWS_H

#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/IR/PatternMatch.h"

namespace awq {

/// Whether a tensor holds activations that decoder ops take: f32, f16 or bf16,
/// with at least two dimensions and a last one that is known.
bool hasRows(mlir::Value tensor);

/// A tensor [..., C] as [T, C].
mlir::Value toRows(mlir::OpBuilder &b, mlir::Location loc, mlir::Value tensor);

/// Rows [T, C] with the sizes of `result`, a result of `op`, whose last
/// dimension is C too.
mlir::Value fromRows(mlir::OpBuilder &b, mlir::Location loc, mlir::Value rows,
                     mlir::linalg::LinalgOp op);

/// A rewrite of elementwise ops that give rows of channels.
struct RowsPattern : mlir::OpRewritePattern<mlir::linalg::GenericOp> {
  using OpRewritePattern::OpRewritePattern;

  mlir::LogicalResult
  matchAndRewrite(mlir::linalg::GenericOp op,
                  mlir::PatternRewriter &rewriter) const final;

protected:
  virtual mlir::LogicalResult raise(mlir::linalg::GenericOp op,
                                    mlir::PatternRewriter &rewriter) const = 0;
};

/// Floats extended or rounded to an element type.
mlir::Value castElements(mlir::OpBuilder &b, mlir::Location loc,
                         mlir::Value tensor, mlir::Type element);

/// Whether two tensors have the same static and dynamic sizes by their types.
bool haveSameShape(mlir::Value a, mlir::Value b);

/// A parameter [1, ..., 1, C] as [C].
mlir::Value toVector(mlir::OpBuilder &b, mlir::Location loc,
                     mlir::Value parameter);

} // namespace awq

#endif // AWQ_LIB_CONVERSION_LINALGTOAWQ_ROWS_H
