//===- AWQToLinalg.cpp - awq to scalar linalg -------------------*- C++ -*-===//
//
// Part of the awq-mlir project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Patterns.h"

#include "awq/Conversion/AWQToLinalg/Passes.h"
#include "awq/Dialect/AWQ/IR/AWQ.h"
#include "mlir/Dialect/Affine/IR/AffineOps.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/Dialect/Tensor/Transforms/Transforms.h"
#include "mlir/Transforms/DialectConversion.h"

namespace awq {
#define GEN_PASS_DEF_CONVERTAWQTOLINALGPASS
#include "awq/Conversion/AWQToLinalg/Passes.h.inc"
} // namespace awq

using namespace mlir;

void awq::populateAWQToLinalgPatterns(RewritePatternSet &patterns) {
  populateLinearToLinalgPatterns(patterns);
  populateParametersToLinalgPatterns(patterns);
  populateQuantizedLinearToLinalgPatterns(patterns);
  tensor::populateDecomposeTensorConcatPatterns(patterns);
}

namespace {
struct ConvertAWQToLinalgPass
    : awq::impl::ConvertAWQToLinalgPassBase<ConvertAWQToLinalgPass> {
  void runOnOperation() override {
    RewritePatternSet patterns(&getContext());
    awq::populateAWQToLinalgPatterns(patterns);
    ConversionTarget target(getContext());
    target.addIllegalDialect<awq::AWQDialect>();
    target.addLegalOp<awq::QuantizeOp, awq::RepackOp>();
    target.addIllegalOp<tensor::ConcatOp>();
    target.markUnknownOpDynamicallyLegal([](Operation *) { return true; });
    if (failed(applyPartialConversion(getOperation(), target,
                                      std::move(patterns))))
      signalPassFailure();
  }
};
} // namespace
