//===- Passes.td - decoder to linalg -----------------------*- tablegen -*-===//
//
// Part of the awq-mlir project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef AWQ_CONVERSION_DECODERTOLINALG_PASSES_TD
#define AWQ_CONVERSION_DECODERTOLINALG_PASSES_TD

include "mlir/Pass/PassBase.td"

def ConvertDecoderToLinalgPass : Pass<"convert-decoder-to-linalg"> {
  let summary = "Lowers the decoder dialect to linalg, scf and vector on tensors";
  let description = [{
    Needs static sizes of everything but the number of tokens and the capacity
    of the caches. Norms, embedding, rotary and activations become
    `linalg.generic`, computed in f32. Attention becomes an `scf.forall` over
    heads and query tokens whose inner loop runs over the visible rows of the
    caches only, with a running maximum and sum, so that no matrix of scores
    and no mask exists. The new keys and values are inserted into the caches
    first; a writable cache is updated in place by bufferization.
    A router becomes `linalg.generic` ops for the scores and an `scf.forall` over
    tokens that takes the best experts one by one. Experts become a counting sort
    of the tokens by expert and, for each expert that got any, the ops of its
    region on all of its tokens at once.

    With `portable`, for compilers that find loops, vectors and threads by
    themselves, everything is linalg on tensors: attention makes the matrix of
    scores over the rows that are in the caches by then, experts are chosen by one
    reduction after another, and each of them runs on all tokens.

    Leaves `math` ops (exp, tanh, erf, cos, sin, rsqrt) for `awq-expand-math`
    and upstream conversions.

    Example:

    ```mlir
    %y = decoder.activation %x {kind = #decoder.activation_kind<relu>} : tensor<?x64xf32>
    // becomes
    %y = linalg.generic {indexing_maps = ..., iterator_types = ["parallel", "parallel"]}
      ins(%x : tensor<?x64xf32>) outs(%empty : tensor<?x64xf32>) {
    ^bb0(%a: f32, %o: f32):
      %zero = arith.constant 0.000000e+00 : f32
      %r = arith.maximumf %a, %zero : f32
      linalg.yield %r : f32
    } -> tensor<?x64xf32>
    ```
  }];
  let options = [
    Option<"portable", "portable", "bool", "false",
           "Linalg on tensors alone: no loops, vectors or buffers">];
  let dependentDialects = [
    "::mlir::affine::AffineDialect", "::mlir::arith::ArithDialect",
    "::mlir::bufferization::BufferizationDialect", "::mlir::linalg::LinalgDialect",
    "::mlir::math::MathDialect", "::mlir::memref::MemRefDialect",
    "::mlir::scf::SCFDialect", "::mlir::tensor::TensorDialect",
    "::mlir::vector::VectorDialect"];
}

#endif // AWQ_CONVERSION_DECODERTOLINALG_PASSES_TD
