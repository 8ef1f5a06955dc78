//===- Passes.td - passes over the decoder dialect ---------*- tablegen -*-===//
//
// Part of the awq-mlir project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef AWQ_DIALECT_DECODER_TRANSFORMS_PASSES_TD
#define AWQ_DIALECT_DECODER_TRANSFORMS_PASSES_TD

include "mlir/Pass/PassBase.td"

def RaiseDecoderPass : Pass<"awq-raise-decoder", "::mlir::ModuleOp"> {
  let summary = "Makes decoder ops of the plain ops that an exporter wrote";
  let description = [{
    Takes a function over a batch of sequences, as importers of ONNX and of
    other compilers leave it: token ids [B, S], perhaps a mask, positions and
    caches, and logits [B, S, V] computed by linalg, tensor, arith and math ops.
    Follows it from the logits to the tokens and builds the model anew for one
    sequence, [T] tokens behind `position` others: `@forward`, `@head` and one
    private function per layer, as an import from Hugging Face has them. A graph
    without caches gets them.

    What is recognised is recognised by its structure, in every spelling that
    computes the same: linears (also of dequantized weights, which become
    `awq.quantized_linear`), norms, activations and gated units, repeated heads,
    attention with scale, window and cap of its scores. Masks and rotary tables
    are found by what their elements are as formulas in their indices: whatever
    computes `q + past - k >= 0` is the causal mask. The mask is taken to hide
    nothing, since one sequence has no padding.

    If something is not understood the function stays as it is, and a remark
    tells what, and where.

    test/Dialect/Decoder/Transforms/raise-decoder.mlir is a layer of a real export.

    Example: with `awq-raise-decoder{require}`, what is no decoder is an error.

    ```mlir
    // error: AWQ1144: the model is not understood as a decoder: has no argument of token ids
    func.func @main(%x: tensor<?x?x8xf32>) -> tensor<?x?x8xf32> {
      return %x : tensor<?x?x8xf32>
    }
    ```
  }];
  let options = [
    Option<"function", "function", "std::string", "\"main\"",
           "The function to raise; nothing happens if there is none">,
    Option<"require", "require", "bool", "false",
           "Whether a function that stays as it is is an error">
  ];
  let dependentDialects = [
    "::awq::AWQDialect", "::awq::decoder::DecoderDialect",
    "::mlir::arith::ArithDialect", "::mlir::func::FuncDialect",
    "::mlir::linalg::LinalgDialect", "::mlir::tensor::TensorDialect"];
}

#endif // AWQ_DIALECT_DECODER_TRANSFORMS_PASSES_TD
