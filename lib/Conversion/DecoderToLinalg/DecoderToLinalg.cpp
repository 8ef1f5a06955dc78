//===- DecoderToLinalg.cpp - decoder to linalg ------------------*- C++ -*-===//
//
// Part of the awq-mlir project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Patterns.h"

#include "awq/Conversion/DecoderToLinalg/Passes.h"
#include "awq/Dialect/Decoder/IR/Decoder.h"
#include "mlir/Dialect/Affine/IR/AffineOps.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Bufferization/IR/Bufferization.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "mlir/Transforms/DialectConversion.h"

namespace awq {
#define GEN_PASS_DEF_CONVERTDECODERTOLINALGPASS
#include "awq/Conversion/DecoderToLinalg/Passes.h.inc"
} // namespace awq

using namespace mlir;

void awq::populateDecoderToLinalgPatterns(RewritePatternSet &patterns,
                                          bool portable) {
  populateActivationToLinalgPatterns(patterns);
  populateNormToLinalgPatterns(patterns);
  populateRotaryToLinalgPatterns(patterns);
  if (portable) {
    populatePortableAttentionPatterns(patterns);
    populatePortableExpertsPatterns(patterns);
    populatePortableRouterPatterns(patterns);
    return;
  }
  populateAttentionToLinalgPatterns(patterns);
  populateExpertsToLinalgPatterns(patterns);
  populateRouterToLinalgPatterns(patterns);
}

namespace {
struct ConvertDecoderToLinalgPass
    : awq::impl::ConvertDecoderToLinalgPassBase<ConvertDecoderToLinalgPass> {
  using ConvertDecoderToLinalgPassBase::ConvertDecoderToLinalgPassBase;

  void runOnOperation() override {
    RewritePatternSet patterns(&getContext());
    awq::populateDecoderToLinalgPatterns(patterns, portable);
    ConversionTarget target(getContext());
    target.addIllegalDialect<awq::decoder::DecoderDialect>();
    target.markUnknownOpDynamicallyLegal([](Operation *) { return true; });
    if (failed(applyPartialConversion(getOperation(), target,
                                      std::move(patterns))))
      signalPassFailure();
  }
};
} // namespace
