//===- Decoder.h - the decoder dialect --------------------------*- C++ -*-===//
//
// Part of the awq-mlir project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef AWQ_DIALECT_DECODER_IR_DECODER_H
#define AWQ_DIALECT_DECODER_IR_DECODER_H

#include "awq/Dialect/AWQ/IR/ChannelScaling.h"
#include "awq/Dialect/AWQ/IR/Routing.h"
#include "mlir/Bytecode/BytecodeOpInterface.h"
#include "mlir/IR/Builders.h"
#include "mlir/IR/BuiltinAttributes.h"
#include "mlir/IR/BuiltinTypes.h"
#include "mlir/IR/Dialect.h"
#include "mlir/IR/OpDefinition.h"
#include "mlir/IR/OpImplementation.h"
#include "mlir/Interfaces/InferTypeOpInterface.h"
#include "mlir/Interfaces/SideEffectInterfaces.h"

#include "awq/Dialect/Decoder/IR/DecoderDialect.h.inc"
#include "awq/Dialect/Decoder/IR/DecoderEnums.h.inc"

#define GET_ATTRDEF_CLASSES
#include "awq/Dialect/Decoder/IR/DecoderAttributes.h.inc"

#define GET_OP_CLASSES
#include "awq/Dialect/Decoder/IR/DecoderOps.h.inc"

namespace awq::decoder {

/// The number of learned parameters of an activation function.
unsigned getNumParameters(ActivationKind kind);

} // namespace awq::decoder

#endif // AWQ_DIALECT_DECODER_IR_DECODER_H
