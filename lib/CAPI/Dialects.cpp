//===- Dialects.cpp - awq-c/Dialects.h --------------------------*- C++ -*-===//
//
// Part of the awq-mlir project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "awq-c/Dialects.h"

#include "awq/InitAllDialects.h"
#include "mlir/CAPI/IR.h"
#include "mlir/CAPI/Registration.h"

MLIR_DEFINE_CAPI_DIALECT_REGISTRATION(AWQ, awq, awq::AWQDialect)
MLIR_DEFINE_CAPI_DIALECT_REGISTRATION(Decoder, decoder,
                                      awq::decoder::DecoderDialect)

void awqRegisterAllDialects(MlirDialectRegistry registry) {
  awq::registerAllDialects(*unwrap(registry));
}
