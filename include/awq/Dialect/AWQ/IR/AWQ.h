//===- AWQ.h - the awq dialect ----------------------------------*- C++ -*-===//
//
// Part of the awq-mlir project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef AWQ_DIALECT_AWQ_IR_AWQ_H
#define AWQ_DIALECT_AWQ_IR_AWQ_H

#include "awq/Dialect/AWQ/IR/ChannelScaling.h"
#include "awq/Dialect/AWQ/Utils/QuantScheme.h"
#include "mlir/Bytecode/BytecodeOpInterface.h"
#include "mlir/IR/BuiltinAttributes.h"
#include "mlir/IR/BuiltinTypes.h"
#include "mlir/IR/Dialect.h"
#include "mlir/IR/OpDefinition.h"
#include "mlir/IR/OpImplementation.h"
#include "mlir/Interfaces/SideEffectInterfaces.h"

#include "awq/Dialect/AWQ/IR/AWQDialect.h.inc"
#include "awq/Dialect/AWQ/IR/AWQEnums.h.inc"

#define GET_ATTRDEF_CLASSES
#include "awq/Dialect/AWQ/IR/AWQAttributes.h.inc"

#include "awq/Dialect/AWQ/IR/QuantizedWeightInterface.h.inc"

#define GET_OP_CLASSES
#include "awq/Dialect/AWQ/IR/AWQOps.h.inc"

namespace awq {

/// The scheme as the arithmetic in Dialect/AWQ/Utils takes it.
QuantScheme toQuantScheme(SchemeAttr scheme);

/// The shape of the i32 words that hold [n, k] codes in `layout`, which is not
/// one of records.
llvm::SmallVector<int64_t> getPackedShape(LayoutAttr layout, int64_t n,
                                          int64_t k);

/// Checks codes, scales and zero points of `op` for a weight [n, k] (C1 and C4
/// to C8 of awq.quantized_linear).
llvm::LogicalResult verifyQuantizedWeight(QuantizedWeightOpInterface op,
                                          int64_t n, int64_t k);

/// The layout on a tensor type; null if there is none.
LayoutAttr getLayout(mlir::Type type);

} // namespace awq

#endif // AWQ_DIALECT_AWQ_IR_AWQ_H
