//===- Loops.h - loops inside of an element's computation -- -*- C++ -*-===//
//
// Part of the awq-mlir project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef AWQ_LIB_TARGET_ONNX_LOOPS_H
#define AWQ_LIB_TARGET_ONNX_LOOPS_H

#include "OpContext.h"

namespace awq::onnx {

/// From begin to, not including, end.
struct Interval {
  mlir::Value begin, end;
};

/// What a loop's body makes of the values that are carried on.
using LoopBody = llvm::function_ref<llvm::SmallVector<mlir::Value>(
    mlir::ImplicitLocOpBuilder &, mlir::ValueRange places,
    mlir::ValueRange carried)>;
/// The same of one value.
using SingleLoopBody = llvm::function_ref<mlir::Value(
    mlir::ImplicitLocOpBuilder &, mlir::ValueRange places,
    mlir::Value carried)>;

/// Nested loops, one an interval, the last one innermost; without intervals the
/// body alone.
llvm::SmallVector<mlir::Value> loopOver(mlir::ImplicitLocOpBuilder &b,
                                        llvm::ArrayRef<Interval> intervals,
                                        mlir::ValueRange inits, LoopBody body);
mlir::Value loopOver(mlir::ImplicitLocOpBuilder &b,
                     llvm::ArrayRef<Interval> intervals, mlir::Value init,
                     SingleLoopBody body);

/// All places of a shape. The builder is the emitter's own.
llvm::SmallVector<Interval> placesOf(Emitter &e, llvm::ArrayRef<DimExpr> shape);

} // namespace awq::onnx

#endif // AWQ_LIB_TARGET_ONNX_LOOPS_H
