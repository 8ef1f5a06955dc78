//===- RouterScores.h - what experts are chosen by --------------*- C++ -*-===//
//
// Part of the awq-mlir project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef AWQ_LIB_CONVERSION_DECODERTOLINALG_ROUTERSCORES_H
#define AWQ_LIB_CONVERSION_DECODERTOLINALG_ROUTERSCORES_H

#include "awq/Conversion/Common/TensorBuilders.h"
#include "awq/Dialect/Decoder/IR/Decoder.h"
#include "mlir/IR/ImplicitLocOpBuilder.h"

namespace awq {

/// A row-wise reduction of the f32 tensor `input` over its last dimension.
mlir::Value reduceRows(mlir::ImplicitLocOpBuilder &b, mlir::Value input,
                       double init, ScalarBody combine);

/// Elementwise over `inputs`, the first of which is [..., E] and gives the
/// shape; vectors run along the last dimension, tensors of one dimension less
/// along the others.
mlir::Value mapScores(mlir::ImplicitLocOpBuilder &b, mlir::ValueRange inputs,
                      llvm::ArrayRef<mlir::AffineMap> maps, ScalarBody body);

/// The scores p [T, E] of `decoder.router`.
mlir::Value buildScores(mlir::ImplicitLocOpBuilder &b, decoder::RouterOp op);

/// The scores c [T, E] that the choice goes by: p with the bias.
mlir::Value addBias(mlir::ImplicitLocOpBuilder &b, decoder::RouterOp op,
                    mlir::Value scores);

/// The scores [T, groups] of the groups of experts, from c.
mlir::Value scoreGroups(mlir::ImplicitLocOpBuilder &b, decoder::RouterOp op,
                        mlir::Value choices);

} // namespace awq

#endif // AWQ_LIB_CONVERSION_DECODERTOLINALG_ROUTERSCORES_H
