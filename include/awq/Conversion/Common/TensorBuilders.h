//===- TensorBuilders.h - shared by conversions -----------------*- C++ -*-===//
//
// Part of the awq-mlir project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef AWQ_CONVERSION_COMMON_TENSORBUILDERS_H
#define AWQ_CONVERSION_COMMON_TENSORBUILDERS_H

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/IR/Builders.h"

namespace awq {

/// `value`, a float or a vector of floats, as element type `type`.
mlir::Value castFloat(mlir::OpBuilder &builder, mlir::Location loc,
                      mlir::Value value, mlir::Type type);

/// An f32 constant, splat if `type` is a vector.
mlir::Value constantF32(mlir::OpBuilder &builder, mlir::Location loc,
                        double value, mlir::Type type = {});

mlir::Value constantIndex(mlir::OpBuilder &builder, mlir::Location loc,
                          int64_t value);

/// A tensor.empty with the sizes of `like` and the given element type.
mlir::Value emptyLike(mlir::OpBuilder &builder, mlir::Location loc,
                      mlir::Value like, mlir::Type elementType);

/// A tensor of `sizes`, all zeros of `elementType`.
mlir::Value zeros(mlir::OpBuilder &builder, mlir::Location loc,
                  llvm::ArrayRef<mlir::OpFoldResult> sizes,
                  mlir::Type elementType);

/// Fast-math flags of sums whose order is free.
mlir::arith::FastMathFlagsAttr reassociate(mlir::OpBuilder &builder);

/// The width of the vectors that lowerings write: 16 f32 are one AVX-512
/// register, two of AVX2 or four of SSE, as LLVM sees fit.
inline constexpr int64_t vectorLanes = 16;

/// One run of at most `vectorLanes` consecutive elements.
struct LaneChunk {
  int64_t offset;
  mlir::VectorType type;
};

/// `size` elements as runs of `vectorLanes`, and a shorter last one.
llvm::SmallVector<LaneChunk> splitIntoLanes(int64_t size, mlir::Type element);

/// a * b + c, rounded once where the machine has a fused multiply-add and
/// twice where it has not.
mlir::Value multiplyAdd(mlir::OpBuilder &builder, mlir::Location loc,
                        mlir::Value a, mlir::Value b, mlir::Value c);

/// The sum of the lanes of `vector`, in any order.
mlir::Value sumLanes(mlir::OpBuilder &builder, mlir::Location loc,
                     mlir::Value vector);

/// Body of a linalg.generic: block arguments in, the one yielded value out.
using ScalarBody = llvm::function_ref<mlir::Value(
    mlir::OpBuilder &, mlir::Location, mlir::ValueRange)>;

/// A linalg.generic with one output and all loops parallel except the last
/// `reductions` ones. `maps` has one map per input and then the output's.
mlir::Value buildGeneric(mlir::OpBuilder &builder, mlir::Location loc,
                         mlir::ValueRange inputs, mlir::Value output,
                         llvm::ArrayRef<mlir::AffineMap> maps,
                         unsigned reductions, ScalarBody body);

} // namespace awq

#endif // AWQ_CONVERSION_COMMON_TENSORBUILDERS_H
