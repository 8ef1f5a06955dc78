//===- Provenance.h - where values and sizes come from ---------*- C++ -*-===//
//
// Part of the awq-mlir project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Questions about a module of functions of one block each, answered from
// def-use chains through calls.
//
//===----------------------------------------------------------------------===//

#ifndef AWQ_LIB_DIALECT_AWQ_TRANSFORMS_PROVENANCE_H
#define AWQ_LIB_DIALECT_AWQ_TRANSFORMS_PROVENANCE_H

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "llvm/ADT/STLFunctionalExtras.h"

#include <optional>

namespace awq {

/// What the uses of a function argument say it is for.
enum class ArgumentUse { Other, Tokens, Position, KeyCache, ValueCache };

/// Looks at the uses of `argument`, and into the functions it is passed to.
ArgumentUse classifyArgument(mlir::BlockArgument argument);

/// Whether the argument is a cache of decoder.attention.
bool isCache(mlir::BlockArgument argument);

/// One decoder.attention that writes to a cache: `rows` rows from row
/// `position` on. Each is an argument's (dimension), or a constant.
struct CacheWrite {
  /// The argument whose dimension `rows` is; -1 if `rows` is the number itself.
  int64_t rowsArgument = -1, rows = 0;
  /// The position's argument; -1 if `position` is the number itself.
  int64_t positionArgument = -1, position = 0;
};

/// All writes to the cache `argument`, also in functions that it is passed to;
/// nothing if one of them does not follow from the arguments.
std::optional<llvm::SmallVector<CacheWrite>>
findCacheWrites(mlir::BlockArgument argument);

/// The argument of the function whose buffer `value` updates: its chain of
/// destinations ends there. Nothing if it is a new value.
std::optional<mlir::BlockArgument> findDestinationArgument(mlir::Value value);

/// A dimension of a function argument.
struct ArgumentDimension {
  unsigned argument;
  int64_t dimension;
};

/// The argument's dimension that always equals dimension `dimension` of
/// `value`, if there is one that can be seen.
std::optional<ArgumentDimension> traceDimension(mlir::Value value,
                                                int64_t dimension);

/// Whether the first dimension of each result of `op` that is not a cache is
/// the first dimension of its operands that are neither caches nor of a static
/// shape: a decoder or awq op on activations, or an elementwise op.
bool keepsTokens(mlir::Operation *op);

/// Whether a result (operand) of decoder.attention is a cache.
bool isCacheResult(mlir::OpResult result);
bool isCacheOperand(mlir::OpOperand &operand);

/// The function that is called, with a body; null if there is none.
mlir::func::FuncOp getCallee(mlir::func::CallOp call);

/// Visits all functions with a body of `module`, callees before their callers.
/// Fails with a diagnostic if calls are recursive or `visit` fails.
mlir::LogicalResult walkCalleesFirst(
    mlir::ModuleOp module,
    llvm::function_ref<mlir::LogicalResult(mlir::func::FuncOp)> visit);

} // namespace awq

#endif // AWQ_LIB_DIALECT_AWQ_TRANSFORMS_PROVENANCE_H
