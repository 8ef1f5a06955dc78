//===- Export.h - from modules to ONNX models -------------------*- C++ -*-===//
//
// Part of the awq-mlir project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef AWQ_TARGET_ONNX_EXPORT_H
#define AWQ_TARGET_ONNX_EXPORT_H

#include "awq/Dialect/AWQ/Utils/QuantScheme.h"
#include "awq/Support/Error.h"

#include "mlir/IR/BuiltinOps.h"

#include <cstdint>
#include <string>

namespace awq {

struct ONNXExportOptions {
  /// How weights are written: "float", "matmulnbits", "qdq"; empty: matmulnbits
  /// for a quantized model, else float. docs/ONNX.md describes them.
  std::string format;
  /// The version of the standard operators, 21 to 23.
  int64_t opset = 21;
};

/// The decoder of `module` (@forward and @head, as importHuggingFace makes
/// them; linears float or quantized) as one ONNX model that holds its weights.
/// Errors: AWQ1150 (an op that cannot be expressed), AWQ1151 (no such decoder),
/// AWQ1152 (options that do not fit), AWQ1153 (a weight that the format cannot
/// hold), AWQ1155 (too large for one file), those of ParameterStore.
Result<std::string> exportONNX(mlir::ModuleOp module,
                               const ONNXExportOptions &options);

/// The same as the folder `destination`: model.onnx, model.onnx.data,
/// genai_config.json, and from the folder `source` what a tokenizer reads. It
/// appears complete or not at all, and one weight is in memory at a time.
/// Errors: those of exportONNX and AtomicDirectory, AWQ1156 (the folder is the
/// model's own).
Status exportONNXFolder(mlir::ModuleOp module, const std::string &source,
                        const std::string &destination, bool force,
                        const ONNXExportOptions &options);

/// Whether exportONNXFolder could write `module` when the linears of its layers
/// have been quantized by `scheme`: for callers who do long work before it. Ops
/// are not looked at. Errors: AWQ1151, AWQ1152, AWQ1153, AWQ1156, those of
/// AtomicDirectory.
Status checkONNXFolder(mlir::ModuleOp module, const std::string &source,
                       const std::string &destination, bool force,
                       const ONNXExportOptions &options,
                       const QuantScheme &scheme);

/// Registers awq-translate's --export-onnx. If an export fails, `exitCode` gets
/// the kind of its error. `options` must live as long as the tool.
void registerONNXExport(const ONNXExportOptions &options,
                        int *exitCode = nullptr);

} // namespace awq

#endif // AWQ_TARGET_ONNX_EXPORT_H
