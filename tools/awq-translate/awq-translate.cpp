//===- awq-translate.cpp - files to and from MLIR -------------------------===//
//
// Part of the awq-mlir project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "OutputErrors.h"
#include "awq/Target/HuggingFace/Import.h"
#if AWQ_ENABLE_ONNX
#include "awq/Target/ONNX/Export.h"
#include "awq/Target/ONNX/Import.h"
#endif

#include "mlir/Tools/mlir-translate/MlirTranslateMain.h"
#include "llvm/Support/CommandLine.h"

using namespace awq;

int main(int argc, char **argv) {
  reportOutputErrors();
  HuggingFaceImportOptions huggingFace;
  llvm::cl::opt<bool, /*ExternalStorage=*/true> splat(
      "hf-splat",
      llvm::cl::desc("with --import-hf: read config.json only and give every "
                     "parameter a splat value"),
      llvm::cl::location(huggingFace.splat));
  llvm::cl::opt<std::string, /*ExternalStorage=*/true> architecture(
      "hf-architecture",
      llvm::cl::desc("with --import-hf: the architecture file to use in place "
                     "of a built-in one"),
      llvm::cl::value_desc("file.json"),
      llvm::cl::location(huggingFace.architectureFile));
  int exitCode = 1;
  registerHuggingFaceImport(huggingFace, &exitCode);
#if AWQ_ENABLE_ONNX
  registerONNXImport(&exitCode);
  ONNXExportOptions onnx;
  llvm::cl::opt<std::string, /*ExternalStorage=*/true> onnxFormat(
      "onnx-format",
      llvm::cl::desc("with --export-onnx: float, matmulnbits or qdq (default: "
                     "matmulnbits for a quantized model, else float)"),
      llvm::cl::location(onnx.format));
  llvm::cl::opt<int64_t, /*ExternalStorage=*/true> onnxOpset(
      "onnx-opset",
      llvm::cl::desc("with --export-onnx: version of the standard operators, "
                     "21 to 23"),
      llvm::cl::location(onnx.opset), llvm::cl::init(21));
  registerONNXExport(onnx, &exitCode);
#endif
  if (succeeded(
          mlir::mlirTranslateMain(argc, argv, "awq-mlir translation tool")))
    return 0;
  return exitCode;
}
