//===- Import.h - from ONNX models to modules -------------------*- C++ -*-===//
//
// Part of the awq-mlir project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef AWQ_TARGET_ONNX_IMPORT_H
#define AWQ_TARGET_ONNX_IMPORT_H

#include "awq/Support/Error.h"

#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/OwningOpRef.h"

#include <string>

namespace awq {

/// Imports an ONNX model as it stands: one function @main whose arguments and
/// results are the graph's (their names in `awq.name`), of linalg, tensor,
/// arith and math ops. Sizes are static where the graph's symbols tell them.
/// Large initializers become extern globals that are found where they lie, in
/// the model's own file or its external data (see docs/ONNX.md).
/// Errors: those of io::OnnxFile::open, AWQ1140 (an op that is not understood),
/// AWQ1141 (an op that is used in a way that is not), AWQ1142 (a node that
/// breaks its op's rules).
Result<mlir::OwningOpRef<mlir::ModuleOp>> importONNX(mlir::MLIRContext *context,
                                                     const std::string &path);

/// Registers awq-translate's --import-onnx. If an import fails, `exitCode` gets
/// the kind of its error.
void registerONNXImport(int *exitCode = nullptr);

} // namespace awq

#endif // AWQ_TARGET_ONNX_IMPORT_H
