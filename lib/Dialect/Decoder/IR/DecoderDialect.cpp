//===- DecoderDialect.cpp - the decoder dialect
//----------------------------------------------===//
//
// Part of the awq-mlir project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "awq/Dialect/Decoder/IR/Decoder.h"

#include "awq/Dialect/AWQ/IR/VersionedBytecode.h"
#include "mlir/IR/DialectImplementation.h"
#include "llvm/ADT/TypeSwitch.h"

using namespace mlir;
using namespace awq::decoder;

#include "awq/Dialect/Decoder/IR/DecoderDialect.cpp.inc"
#include "awq/Dialect/Decoder/IR/DecoderEnums.cpp.inc"

#define GET_ATTRDEF_CLASSES
#include "awq/Dialect/Decoder/IR/DecoderAttributes.cpp.inc"

/// See VersionedBytecode for what changes it.
static constexpr uint64_t bytecodeVersion = 1;

void DecoderDialect::initialize() {
  addAttributes<
#define GET_ATTRDEF_LIST
#include "awq/Dialect/Decoder/IR/DecoderAttributes.cpp.inc"
      >();
  addOperations<
#define GET_OP_LIST
#include "awq/Dialect/Decoder/IR/DecoderOps.cpp.inc"
      >();
  addInterface<awq::VersionedBytecode>(bytecodeVersion);
}
