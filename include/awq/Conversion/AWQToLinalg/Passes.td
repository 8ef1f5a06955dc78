//===- Passes.td - awq to linalg ---------------------------*- tablegen -*-===//
//
// Part of the awq-mlir project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef AWQ_CONVERSION_AWQTOLINALG_PASSES_TD
#define AWQ_CONVERSION_AWQTOLINALG_PASSES_TD

include "mlir/Pass/PassBase.td"

def ConvertAWQToLinalgPass : Pass<"convert-awq-to-linalg"> {
  let summary = "Lowers the awq dialect to scalar linalg, for any number format";
  let description = [{
    The exact and portable lowering, and the reference for the others: linear
    layers become a `linalg.generic` contraction accumulated in f32; a quantized
    one restores each weight, `(q - z) * s`, where it is used. Takes any width
    of codes and any group, plain codes and every layout that
    `#awq.layout` names except `mma_n32k128`. Observers disappear.
    `tensor.concat`, which joins parameters and activations and does not
    bufferize, becomes insertions.
    `awq.quantize` and `awq.repack` make parameters and are left: a program that
    runs holds their results, not their operands.

    Example:

    ```mlir
    %y = awq.scale_channels %x, %s {axis = 1 : i64} : tensor<?x64xf32>, tensor<64xf32>
    // becomes
    #full = affine_map<(d0, d1) -> (d0, d1)>
    #channel = affine_map<(d0, d1) -> (d1)>
    %y = linalg.generic {indexing_maps = [#full, #channel, #full], ...
      ins(%x, %s : tensor<?x64xf32>, tensor<64xf32>) outs(%empty : tensor<?x64xf32>) {
    %p = arith.mulf %a, %b : f32
    linalg.yield %p : f32
    ```
  }];
  let dependentDialects = [
    "::mlir::affine::AffineDialect", "::mlir::arith::ArithDialect",
    "::mlir::linalg::LinalgDialect", "::mlir::math::MathDialect",
    "::mlir::tensor::TensorDialect"];
}

#endif // AWQ_CONVERSION_AWQTOLINALG_PASSES_TD
