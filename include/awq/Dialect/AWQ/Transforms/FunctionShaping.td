//===- FunctionShaping.td - passes over functions ----------*- tablegen -*-===//
//
// Part of the awq-mlir project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
// Passes that give functions the arguments, results and copies that backends
// need. They compute nothing. Entries are alphabetical.

#ifndef AWQ_DIALECT_AWQ_TRANSFORMS_FUNCTIONSHAPING_TD
#define AWQ_DIALECT_AWQ_TRANSFORMS_FUNCTIONSHAPING_TD

include "mlir/Pass/PassBase.td"

def DropReturnedArgumentsPass : Pass<"awq-drop-returned-arguments", "::mlir::ModuleOp"> {
  let summary = "Drops results of public functions that are their arguments";
  let description = [{
    Upstream's `drop-equivalent-buffer-results` does this for private functions
    and their calls. A public function that no other calls loses the buffers
    among its results that are arguments: destinations, and caches updated in
    place. Runs on buffers, before deallocation, which would copy a returned
    argument.

    Example:

    ```mlir
    func.func @f(%d: memref<?x8xf32>) -> memref<?x8xf32> {
      return %d : memref<?x8xf32>
    }
    // becomes
    func.func @f(%d: memref<?x8xf32>) {
      return
    }
    ```
  }];
}

def InferArgumentRolesPass : Pass<"awq-infer-argument-roles", "::mlir::ModuleOp"> {
  let summary = "Writes down what each argument of a public function is for";
  let description = [{
    Sets the argument attribute `awq.role` on arguments of public functions that
    have none, from their uses, through calls: `k_cache` and `v_cache` are the
    caches of `decoder.attention` (with `awq.layer`, counted in the order of the
    arguments), `tokens` the ids of `decoder.embedding`, `position` an index that
    attention or a rotary table reads, `parameter` an argument with
    `awq.parameter`; all others are `input`. The first result of a function that
    takes tokens is `hidden_out`; a function that only takes such a value, apart
    from parameters, has `hidden` for its argument and `logits_out` for its result.

    A cache also gets `awq.writes`, from which whoever calls the function can tell
    how many rows it needs: four numbers for each `decoder.attention` that writes
    to it. The rows written are dimension `b` of argument `a`, or `b` itself if `a`
    is -1; the first of them is argument `c`, or `d` itself if `c` is -1. The
    attribute is absent if one of the writes does not follow from the arguments.

    Leaves the rest of the module alone. Later passes tell caches, which are
    updated in place, from activations by the role.

    Example:

    ```mlir
    func.func @f(%ids: tensor<?xi32>, %t: tensor<16x8xf32>) -> tensor<?x8xf32> {
      %x = decoder.embedding %ids, %t : (tensor<?xi32>, tensor<16x8xf32>) -> tensor<?x8xf32>
      return %x : tensor<?x8xf32>
    }
    // becomes
    func.func @f(%ids: tensor<?xi32> {awq.role = "tokens"}, %t: tensor<16x8xf32> {awq.role = "input"})
        -> (tensor<?x8xf32> {awq.role = "hidden_out"}) {
      %x = decoder.embedding %ids, %t : (tensor<?xi32>, tensor<16x8xf32>) -> tensor<?x8xf32>
      return %x : tensor<?x8xf32>
    }
    ```
  }];
}

def MergeLayersPass : Pass<"awq-merge-layers", "::mlir::ModuleOp"> {
  let summary = "Makes one function of the layers that are alike";
  let description = [{
    Removes what makes equal layers differ (their attributes `awq.layer` and
    `awq.name`) from private functions and their arguments, then replaces
    functions with equal bodies by the first of them, so that code size and
    compile time do not grow with depth. Needs parameters to be arguments
    (`awq-parameters-to-arguments`).

    Example:

    ```mlir
    func.func private @layers.0(%x: tensor<?x8xf32>, %w: tensor<8x8xf32>) -> tensor<?x8xf32>
        attributes {awq.layer = 0 : i64} {
      %y = awq.linear %x, %w {awq.name = "layers.0.proj"}
        : (tensor<?x8xf32>, tensor<8x8xf32>) -> tensor<?x8xf32>
      return %y : tensor<?x8xf32>
    }
    func.func private @layers.1(%x: tensor<?x8xf32>, %w: tensor<8x8xf32>) -> tensor<?x8xf32>
        attributes {awq.layer = 1 : i64} {
      %y = awq.linear %x, %w {awq.name = "layers.1.proj"}
        : (tensor<?x8xf32>, tensor<8x8xf32>) -> tensor<?x8xf32>
      return %y : tensor<?x8xf32>
    }
    func.func @forward(%x: tensor<?x8xf32>, %v: tensor<8x8xf32>, %w: tensor<8x8xf32>) -> tensor<?x8xf32> {
      %a = call @layers.0(%x, %v) : (tensor<?x8xf32>, tensor<8x8xf32>) -> tensor<?x8xf32>
      %b = call @layers.1(%a, %w) : (tensor<?x8xf32>, tensor<8x8xf32>) -> tensor<?x8xf32>
      return %b : tensor<?x8xf32>
    }
    // becomes
    func.func private @layers.0(%x: tensor<?x8xf32>, %w: tensor<8x8xf32>) -> tensor<?x8xf32> {
      %y = awq.linear %x, %w : (tensor<?x8xf32>, tensor<8x8xf32>) -> tensor<?x8xf32>
      return %y : tensor<?x8xf32>
    }
    func.func @forward(%x: tensor<?x8xf32>, %v: tensor<8x8xf32>, %w: tensor<8x8xf32>) -> tensor<?x8xf32> {
      %a = call @layers.0(%x, %v) : (tensor<?x8xf32>, tensor<8x8xf32>) -> tensor<?x8xf32>
      %b = call @layers.0(%a, %w) : (tensor<?x8xf32>, tensor<8x8xf32>) -> tensor<?x8xf32>
      return %b : tensor<?x8xf32>
    }
    ```
  }];
}

def ParametersToArgumentsPass : Pass<"awq-parameters-to-arguments", "::mlir::ModuleOp"> {
  let summary = "Turns parameters in files into function arguments";
  let description = [{
    Each `ml_program.global_load_const` of an extern global becomes an argument
    of its function. Callers of private functions pass it on; a public function
    gets one argument for each parameter that it needs, directly or through
    calls, after its other arguments, in the order of first use, with
    `awq.parameter` naming the tensor. The globals disappear.

    Private functions must not be recursive and be called by `func.call` only.

    Example:

    ```mlir
    ml_program.global private @w(#ml_program.extern<tensor<4x8xf32>>) : tensor<4x8xf32>
    func.func @f(%x: tensor<?x8xf32>) -> tensor<?x4xf32> {
      %w = ml_program.global_load_const @w : tensor<4x8xf32>
      %y = awq.linear %x, %w : (tensor<?x8xf32>, tensor<4x8xf32>) -> tensor<?x4xf32>
      return %y : tensor<?x4xf32>
    }
    // becomes
    func.func @f(%x: tensor<?x8xf32>, %w: tensor<4x8xf32> {awq.parameter = "w"}) -> tensor<?x4xf32> {
      %y = awq.linear %x, %w : (tensor<?x8xf32>, tensor<4x8xf32>) -> tensor<?x4xf32>
      return %y : tensor<?x4xf32>
    }
    ```
  }];
}

def ResultsToDestinationsPass : Pass<"awq-results-to-destinations", "::mlir::ModuleOp"> {
  let summary = "Gives each tensor result a destination argument";
  let description = [{
    A function with a tensor result that is not an updated cache gets one more
    argument of the result's type, after all others, into which the result is
    materialized; callers pass a `tensor.empty`. After bufferization such a
    result is its destination and disappears, also where its length is
    dynamic. Caches (results that are arguments, updated in place) keep their
    argument as destination. A result of a public function whose sizes follow
    from no argument stays a result: its caller gets the buffer.

    On public functions, destinations and caches are marked
    `bufferization.writable`, all other arguments not writable; a destination
    has `awq.role = "output"`, or the `awq.role` of its result, the result's
    `awq.name`, and in `awq.sizes` an argument and its dimension for each of its dynamic sizes.

    Needs functions of one block.

    Example:

    ```mlir
    func.func @f(%x: tensor<?x8xf32>) -> tensor<?x8xf32> {
      %y = math.exp %x : tensor<?x8xf32>
      return %y : tensor<?x8xf32>
    }
    // becomes
    func.func @f(%x: tensor<?x8xf32> {bufferization.writable = false},
                 %d: tensor<?x8xf32> {awq.role = "output", awq.sizes = array<i64: 0, 0>,
                                      bufferization.writable = true})
        -> tensor<?x8xf32> {
      %y = math.exp %x : tensor<?x8xf32>
      %r = bufferization.materialize_in_destination %y in %d
        : (tensor<?x8xf32>, tensor<?x8xf32>) -> tensor<?x8xf32>
      return %r : tensor<?x8xf32>
    }
    ```
  }];
  let dependentDialects = ["::mlir::arith::ArithDialect",
                           "::mlir::bufferization::BufferizationDialect",
                           "::mlir::tensor::TensorDialect"];
}

def SpecializeTokensPass : Pass<"awq-specialize-tokens", "::mlir::ModuleOp"> {
  let summary = "Clones a function for a fixed number of tokens";
  let description = [{
    Clones the public function `entry` as `name`, and the functions it calls,
    with `tokens` in the place of the dynamic number of tokens: the dynamic
    first dimension of activations. Caches (`awq.role`) keep their dynamic
    capacity. Types are refined through decoder and awq ops, elementwise ops,
    calls and what upstream canonicalization knows; a `tensor.cast` remains
    where nothing is known. Nothing happens if there is no function `entry`.

    Example: `awq-specialize-tokens{entry=f name=f_step tokens=1}`

    ```mlir
    func.func @f(%x: tensor<?x8xf32>) -> tensor<?x8xf32> {
      %y = decoder.activation %x {kind = #decoder.activation_kind<silu>} : tensor<?x8xf32>
      return %y : tensor<?x8xf32>
    }
    // becomes
    func.func @f(%x: tensor<?x8xf32>) -> tensor<?x8xf32> {
      %y = decoder.activation %x {kind = #decoder.activation_kind<silu>} : tensor<?x8xf32>
      return %y : tensor<?x8xf32>
    }
    func.func @f_step(%x: tensor<1x8xf32>) -> tensor<1x8xf32> {
      %y = decoder.activation %x {kind = #decoder.activation_kind<silu>} : tensor<1x8xf32>
      return %y : tensor<1x8xf32>
    }
    ```
  }];
  let options = [
    Option<"entry", "entry", "std::string", "\"forward\"", "the function to clone">,
    Option<"name", "name", "std::string", "\"step\"", "the name of the clone">,
    Option<"tokens", "tokens", "int64_t", "1", "the number of tokens">];
  let dependentDialects = ["::mlir::tensor::TensorDialect"];
}

#endif // AWQ_DIALECT_AWQ_TRANSFORMS_FUNCTIONSHAPING_TD
