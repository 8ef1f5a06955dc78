//===- ExportTranslation.cpp - awq-translate's --export-onnx --------------===//
//
// Part of the awq-mlir project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "awq/Dialect/AWQ/IR/AWQ.h"
#include "awq/Dialect/AWQ/Transforms/Diagnostics.h"
#include "awq/Dialect/Decoder/IR/Decoder.h"
#include "awq/Target/ONNX/Export.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/MLProgram/IR/MLProgram.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/Tools/mlir-translate/Translation.h"

using namespace mlir;
using namespace awq;

void awq::registerONNXExport(const ONNXExportOptions &options, int *exitCode) {
  TranslateFromMLIRRegistration registration(
      "export-onnx", "export a decoder as an ONNX model of one file",
      [&options, exitCode](Operation *op,
                           llvm::raw_ostream &output) -> LogicalResult {
        auto module = dyn_cast<ModuleOp>(op);
        Result<std::string> model =
            module
                ? exportONNX(module, options)
                : Result<std::string>(Error{ErrorKind::Unsupported, "AWQ1151",
                                            "the input is no module", "", ""});
        if (model) {
          output << *model;
          return success();
        }
        if (exitCode)
          *exitCode = model.error().exitCode();
        return awq::emitError(op->getLoc(), model.error());
      },
      [](DialectRegistry &registry) {
        registry
            .insert<AWQDialect, decoder::DecoderDialect, arith::ArithDialect,
                    func::FuncDialect, linalg::LinalgDialect,
                    ml_program::MLProgramDialect, tensor::TensorDialect>();
      });
}
