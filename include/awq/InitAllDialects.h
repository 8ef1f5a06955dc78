//===- InitAllDialects.h - registration of dialects -------------*- C++ -*-===//
//
// Part of the awq-mlir project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef AWQ_INITALLDIALECTS_H
#define AWQ_INITALLDIALECTS_H

#include "awq/Dialect/AWQ/IR/AWQ.h"
#include "awq/Dialect/Decoder/IR/Decoder.h"
#include "mlir/IR/DialectRegistry.h"

namespace awq {

/// Registers the dialects of this project, and makes upstream ops answer their
/// interfaces.
inline void registerAllDialects(mlir::DialectRegistry &registry) {
  registry.insert<AWQDialect, decoder::DecoderDialect>();
  registerChannelScalingExternalModels(registry);
}

} // namespace awq

#endif // AWQ_INITALLDIALECTS_H
