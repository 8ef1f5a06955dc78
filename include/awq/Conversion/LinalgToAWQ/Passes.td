//===- Passes.td - linalg to awq and decoder ---------------*- tablegen -*-===//
//
// Part of the awq-mlir project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef AWQ_CONVERSION_LINALGTOAWQ_PASSES_TD
#define AWQ_CONVERSION_LINALGTOAWQ_PASSES_TD

include "mlir/Pass/PassBase.td"

def RaiseLinalgPass : Pass<"awq-raise-linalg"> {
  let summary = "Makes awq and decoder ops of the linalg that other compilers write";
  let description = [{
    Raises in place what is recognised in any function, of `func` or of another
    dialect: a layer, an encoder, a single linear. The function keeps its
    arguments and results, and what is not recognised stays linalg.
    `awq-raise-decoder` is for whole decoders, which it gives caches.

    * A product with a parameter becomes `awq.linear`, with its bias: matmul,
      batch_matmul and generic contractions, the weight [N, K] or [K, N],
      transposed by an op or not, repeated along a batch or not.
    * RMSNorm and LayerNorm become `decoder.rms_norm` and `decoder.layer_norm`,
      activations `decoder.activation`, and f(gate) * up `decoder.glu`.
    * Rotary embeddings of halves become `decoder.rotary`, on the cosines and
      sines that the function computes.
    * Attention of one sequence (a batch of 1) under a causal mask, perhaps with
      a window and a cap of the scores, becomes `decoder.attention`, its caches
      as long as the sequence. A mask that the function takes may hide more than
      that, so attention under one stays as it is, unless the option `unpadded`
      says that such masks hide nothing.

    Linears, norms and gates take rows [T, C], so [B, S, C] is collapsed before each and
    expanded behind it; reshapes between two of them cancel. Weights stay the
    constants, resources or globals that they were; a weight [K, N] is read
    through `linalg.transpose`, which no pass carries out before it needs to.
    Models in f16 and bf16 round where their ops end, and not within them.

    Broadcasts, transposes and concatenations that are written as bodies of
    `linalg.generic`, as they come from StableHLO, become indexing maps,
    `linalg.transpose` and `tensor.concat` first. Linears are named by
    `awq.name` or the location of the product, by their weight if that is a
    global, or else by their place in the function.

    A product with a parameter that is no linear, and an attention that is not
    understood, get a missed-optimisation remark that says why.

    Example:

    ```mlir
    #map = affine_map<(d0, d1, d2) -> (d0, d1, d2)>
    #channels = affine_map<(d0, d1, d2) -> (d2)>
    func.func @layer(%x: tensor<2x8x64xf32>) -> tensor<2x8x2xf32> {
      %zero = arith.constant 0.0 : f32
      %w = arith.constant dense<0.5> : tensor<2x64xf32>
      %b = arith.constant dense<[0.1, 0.2]> : tensor<2xf32>
      %rows = tensor.collapse_shape %x [[0, 1], [2]] : tensor<2x8x64xf32> into tensor<16x64xf32>
      %e0 = tensor.empty() : tensor<64x2xf32>
      %t = linalg.transpose ins(%w : tensor<2x64xf32>) outs(%e0 : tensor<64x2xf32>) permutation = [1, 0]
      %e1 = tensor.empty() : tensor<16x2xf32>
      %z = linalg.fill ins(%zero : f32) outs(%e1 : tensor<16x2xf32>) -> tensor<16x2xf32>
      %p = linalg.matmul ins(%rows, %t : tensor<16x64xf32>, tensor<64x2xf32>) outs(%z : tensor<16x2xf32>) -> tensor<16x2xf32>
      %y = tensor.expand_shape %p [[0, 1], [2]] output_shape [2, 8, 2] : tensor<16x2xf32> into tensor<2x8x2xf32>
      %e2 = tensor.empty() : tensor<2x8x2xf32>
      %s = linalg.generic {indexing_maps = [#map, #channels, #map], iterator_types = ["parallel", "parallel", "parallel"]}
          ins(%y, %b : tensor<2x8x2xf32>, tensor<2xf32>) outs(%e2 : tensor<2x8x2xf32>) {
      ^bb0(%l: f32, %r: f32, %out: f32):
        %a = arith.addf %l, %r : f32
        linalg.yield %a : f32
      } -> tensor<2x8x2xf32>
      return %s : tensor<2x8x2xf32>
    }
    // becomes
    func.func @layer(%x: tensor<2x8x64xf32>) -> tensor<2x8x2xf32> {
      ...
      %rows = tensor.collapse_shape %x [[0, 1], [2]] : tensor<2x8x64xf32> into tensor<16x64xf32>
      %y = awq.linear %rows, %w bias %b {awq.name = "layer.linear0"} : (tensor<16x64xf32>, tensor<2x64xf32>, tensor<2xf32>) -> tensor<16x2xf32>
      %s = tensor.expand_shape %y [[0, 1], [2]] output_shape [2, 8, 2] : tensor<16x2xf32> into tensor<2x8x2xf32>
      return %s : tensor<2x8x2xf32>
    }
    ```
  }];
  let options = [
    Option<"remarks", "remarks", "bool", "false",
           "Print the missed-optimisation remarks as diagnostics too">,
    Option<"unpadded", "unpadded", "bool", "false",
           "Masks that functions take are taken to hide nothing">
  ];
  let dependentDialects = [
    "::awq::AWQDialect", "::awq::decoder::DecoderDialect",
    "::mlir::arith::ArithDialect", "::mlir::linalg::LinalgDialect",
    "::mlir::tensor::TensorDialect"];
}

#endif // AWQ_CONVERSION_LINALGTOAWQ_PASSES_TD
