//===- Import.cpp - from ONNX models to modules ---------- -*- C++ -*-===//
//
// Part of the awq-mlir project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "awq/Target/ONNX/Import.h"

#include "Importer.h"
#include "awq/Dialect/AWQ/IR/AWQ.h"
#include "awq/Dialect/Decoder/IR/Decoder.h"

#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/MLProgram/IR/MLProgram.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/Verifier.h"

using namespace mlir;
using namespace awq;

Result<OwningOpRef<ModuleOp>> awq::importONNX(MLIRContext *context,
                                              const std::string &path) {
  Result<io::OnnxFile> file = io::OnnxFile::open(path);
  if (!file)
    return file.error();
  context->loadDialect<AWQDialect, decoder::DecoderDialect, arith::ArithDialect,
                       func::FuncDialect, linalg::LinalgDialect,
                       math::MathDialect, ml_program::MLProgramDialect,
                       scf::SCFDialect, tensor::TensorDialect>();
  Location loc = FileLineColLoc::get(context, path, 0, 0);
  OwningOpRef<ModuleOp> module = ModuleOp::create(loc);
  if (Status status = onnx::Importer(*module, *file).run(); !status)
    return status.error();
  if (failed(verify(*module)))
    return Error{ErrorKind::Internal, "AWQ1143",
                 "the imported module does not verify", path,
                 "please report this with the model"};
  return module;
}
