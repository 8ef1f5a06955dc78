//===- Passes.td - passes over the awq dialect -------------*- tablegen -*-===//
//
// Part of the awq-mlir project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
// Entries are alphabetical. Those that shape functions for the backends are in
// FunctionShaping.td.

#ifndef AWQ_DIALECT_AWQ_TRANSFORMS_PASSES_TD
#define AWQ_DIALECT_AWQ_TRANSFORMS_PASSES_TD

include "awq/Dialect/AWQ/Transforms/FunctionShaping.td"
include "mlir/Pass/PassBase.td"

def ApplyScalesPass : Pass<"awq-apply-scales", "::mlir::func::FuncOp"> {
  let summary = "Folds scalings of activations into the constants that produce them";
  let description = [{
    Each inverse `awq.scale_channels` on the result of an op with channel edits (a
    norm, a linear) moves onto that op's constants, as `awq.scale_channels` on
    the *parameters*: the norm's weight and bias, the rows of the linear and its
    bias. With the offset of norms that multiply by `1 + w`. No number is
    computed and no file is written. A scaling that cannot be folded stays, with
    a remark that says why.

    Example:

    ```mlir
    %w = arith.constant dense<[2.0, 3.0]> : tensor<2xf32>
    %s = arith.constant dense<[4.0, 0.5]> : tensor<2xf32>
    %y = decoder.rms_norm %x, %w {epsilon = 1.0e-05 : f64} : tensor<?x2xf32>, tensor<2xf32>
    %z = awq.scale_channels %y, %s {axis = 1 : i64, inverse} : tensor<?x2xf32>, tensor<2xf32>
    // becomes
    %w = arith.constant dense<[2.0, 3.0]> : tensor<2xf32>
    %s = arith.constant dense<[4.0, 0.5]> : tensor<2xf32>
    %v = awq.scale_channels %w, %s {axis = 0 : i64, inverse} : tensor<2xf32>, tensor<2xf32>
    %z = decoder.rms_norm %x, %v {epsilon = 1.0e-05 : f64} : tensor<?x2xf32>, tensor<2xf32>
    ```
  }];
  let options = [
    Option<"autoAwq", "autoawq", "bool", "false", "in AutoAWQ's arithmetic, each step in f16">];
  let dependentDialects = ["::mlir::arith::ArithDialect", "::awq::AWQDialect"];
}

def FindScalingGroupsPass : Pass<"awq-find-scaling-groups", "::mlir::ModuleOp"> {
  let summary = "Finds which channels can be scaled together";
  let description = [{
    From def-use chains and the channel-scaling interface alone: for each op with
    constants to edit, follows all uses of its result to the linears that
    contract its channels. If every use ends in one, it is a scaling group: the
    producer gets `awq.produces = "name"`, the readers `awq.group = "name"`.
    Groups without a linear that is to be quantized are reported, not counted.
    What cannot be scaled becomes a missed-optimisation remark that names the op
    in the way and the reason.

    The linears to be quantized are those in functions with the attribute
    `awq.layer`, or all if there are no such functions, except `skip`.

    Example:

    ```mlir
    %g = arith.constant dense<1.0> : tensor<4xf32>
    %w = arith.constant dense<0.5> : tensor<2x4xf32>
    %n = decoder.rms_norm %x, %g {epsilon = 1.0e-05 : f64} : tensor<?x4xf32>, tensor<4xf32>
    %a = awq.linear %n, %w : (tensor<?x4xf32>, tensor<2x4xf32>) -> tensor<?x2xf32>
    %b = awq.linear %n, %w : (tensor<?x4xf32>, tensor<2x4xf32>) -> tensor<?x2xf32>
    // becomes
    %n = decoder.rms_norm %x, %g {awq.produces = "f.rms_norm0", ...
    %a = awq.linear %n, %w {awq.group = "f.rms_norm0"} : ...
    %b = awq.linear %n, %w {awq.group = "f.rms_norm0"} : ...
    ```
  }];
  let options = [
    Option<"remarks", "remarks", "bool", "false", "emit found and missed groups as remarks">,
    Option<"report", "report", "bool", "false", "print found and missed groups to the error stream">,
    ListOption<"skip", "skip", "std::string", "linears whose name contains one of these stay float">];
}

def FuseLinearsPass : Pass<"awq-fuse-linears", "::mlir::func::FuncOp"> {
  let summary = "Joins quantized linears that read the same value";
  let description = [{
    Quantized linears of one scheme with the same input become one whose rows are
    theirs, one after the other; slices of its result replace theirs. A kernel
    then reads the input once and is started once, and few rows (keys and values
    of grouped-query attention) share the work with many. The weights are joined
    as parameters, `awq.unpack` and `tensor.concat`: no number is computed before
    `awq-pack-weights` asks for it, so this runs before that pass.

    Linears are joined if all of them have a bias, or none, and if their weights
    are plain or in a checkpoint's layout; those packed for a kernel stay as they
    are. The name is that of all: `mlp.{gate_proj,up_proj}`. Float linears stay
    too: their weights lie in files and are not copied.

    Example:

    ```mlir
    %p = arith.constant dense<3> : tensor<4x16xi8>
    %s = arith.constant dense<0.5> : tensor<4x1xf16>
    %q = arith.constant dense<7> : tensor<2x16xi8>
    %t = arith.constant dense<0.25> : tensor<2x1xf16>
    %a = awq.quantized_linear %x, %p, %s {awq.name = "a",
      scheme = #awq.scheme<bits = 4, group = 0, zero = symmetric, scale = f16>}
      : (tensor<?x16xf32>, tensor<4x16xi8>, tensor<4x1xf16>) -> tensor<?x4xf32>
    %b = awq.quantized_linear %x, %q, %t {awq.name = "b",
      scheme = #awq.scheme<bits = 4, group = 0, zero = symmetric, scale = f16>}
      : (tensor<?x16xf32>, tensor<2x16xi8>, tensor<2x1xf16>) -> tensor<?x2xf32>
    // becomes
    %p = arith.constant dense<3> : tensor<4x16xi8>
    %s = arith.constant dense<0.5> : tensor<4x1xf16>
    %q = arith.constant dense<7> : tensor<2x16xi8>
    %t = arith.constant dense<0.25> : tensor<2x1xf16>
    %c = tensor.concat dim(0) %p, %q : (tensor<4x16xi8>, tensor<2x16xi8>) -> tensor<6x16xi8>
    %d = tensor.concat dim(0) %s, %t : (tensor<4x1xf16>, tensor<2x1xf16>) -> tensor<6x1xf16>
    %e = awq.quantized_linear %x, %c, %d {awq.name = "{a,b}",
      scheme = #awq.scheme<bits = 4, group = 0, zero = symmetric, scale = f16>}
      : (tensor<?x16xf32>, tensor<6x16xi8>, tensor<6x1xf16>) -> tensor<?x6xf32>
    %zero = arith.constant 0 : index
    %tokens = tensor.dim %e, %zero : tensor<?x6xf32>
    %a = tensor.extract_slice %e[0, 0] [%tokens, 4] [1, 1] : tensor<?x6xf32> to tensor<?x4xf32>
    %b = tensor.extract_slice %e[0, 4] [%tokens, 2] [1, 1] : tensor<?x6xf32> to tensor<?x2xf32>
    ```
  }];
  let dependentDialects = ["::mlir::arith::ArithDialect", "::mlir::tensor::TensorDialect",
                           "::awq::AWQDialect"];
}

def FuseIntoLinearsPass : Pass<"awq-fuse-into-linears", "::mlir::func::FuncOp"> {
  let summary = "Moves norms, gates, rotary embeddings and additions into linears";
  let description = [{
    Quantized linears become `awq.fused_linear`s that also compute

    * the `decoder.rms_norm` that makes their input, if none but quantized linears
      read it;
    * the `decoder.rotary` of their first rows, and of more that follow, taken as
      heads by slices (`awq-fuse-linears`) and `tensor.expand_shape`; by halves,
      of a multiple of 16 channels, all with the same cosines and sines;
    * the `decoder.glu` of the first and the second half of their rows, with a
      function that kernels have;
    * the `arith.addf` of their result and another value, if none but it reads
      the result.

    Other ops stay as they are. A linear that has nothing to fuse stays an
    `awq.quantized_linear`. For GPUs: a kernel of the CPU gains nothing.

    Example:

    ```mlir
    %n = decoder.rms_norm %x, %g {epsilon = 1.0e-05 : f64} : tensor<?x16xf32>, tensor<16xf32>
    %y = awq.quantized_linear %n, %q, %s {scheme = #awq.scheme<bits = 4, group = 0, zero = symmetric, scale = f16>}
      : (tensor<?x16xf32>, tensor<16x16xi8>, tensor<16x1xf16>) -> tensor<?x16xf32>
    %z = arith.addf %x, %y : tensor<?x16xf32>
    // becomes
    %z = awq.fused_linear %x, %q, %s norm %g residual %x {norm_epsilon = 1.0e-05 : f64,
      scheme = #awq.scheme<bits = 4, group = 0, zero = symmetric, scale = f16>}
      : (tensor<?x16xf32>, tensor<16x16xi8>, tensor<16x1xf16>, tensor<16xf32>, tensor<?x16xf32>)
      -> tensor<?x16xf32>
    ```
  }];
  let dependentDialects = ["::awq::AWQDialect", "::mlir::tensor::TensorDialect"];
}

def InsertObserversPass : Pass<"awq-insert-observers", "::mlir::ModuleOp"> {
  let summary = "Observes the values that quantized linears read";
  let description = [{
    Puts one `awq.observe` on each distinct value that linears to be quantized
    read (see `awq-find-scaling-groups`), named after the first of them. What an
    expert's linears read of its tokens is observed where the tokens come from:
    the operand of `decoder.experts`, once for all experts.

    Example:

    ```mlir
    %a = awq.linear %n, %w : (tensor<?x4xf32>, tensor<2x4xf32>) -> tensor<?x2xf32>
    // becomes
    %o = awq.observe %n "f.linear0.input" : tensor<?x4xf32>
    %a = awq.linear %o, %w : (tensor<?x4xf32>, tensor<2x4xf32>) -> tensor<?x2xf32>
    ```
  }];
  let options = [
    ListOption<"skip", "skip", "std::string", "linears whose name contains one of these stay float">];
  let dependentDialects = ["::awq::AWQDialect"];
}

def LowerObserversPass : Pass<"awq-lower-observers", "::mlir::ModuleOp"> {
  let summary = "Returns observed values from the function";
  let description = [{
    Each `awq.observe` becomes one more result of its function, with the result
    attribute `awq.site`: whoever runs the function gathers the statistics. Needs
    functions of one block that nobody calls.

    What is observed in a region that gets some of the tokens (RoutingOpInterface)
    is computed once more outside of it, with rows of zeros for the other tokens,
    or, with `all-tokens`, for all of them.

    Example:

    ```mlir
    func.func @f(%x: tensor<?x4xf32>) -> tensor<?x4xf32> {
      %o = awq.observe %x "site" : tensor<?x4xf32>
      return %o : tensor<?x4xf32>
    }
    // becomes
    func.func @f(%x: tensor<?x4xf32>) -> (tensor<?x4xf32>, tensor<?x4xf32> {awq.site = "site"}) {
      return %x, %x : tensor<?x4xf32>, tensor<?x4xf32>
    }
    ```
  }];
  let options = [
    Option<"allTokens", "all-tokens", "bool", "false", "send all tokens to each region that observes">];
  let dependentDialects = ["::mlir::arith::ArithDialect", "::mlir::tensor::TensorDialect"];
}

def MaterializeParametersPass : Pass<"awq-materialize-parameters", "::mlir::ModuleOp"> {
  let summary = "Computes parameter expressions";
  let description = [{
    Evaluates what ops read from parameter ops (`awq.scale_channels`,
    `awq.clip_groups`, `awq.quantize`, `awq.dequantize`, `awq.repack`, casts,
    transposes, reshapes of constants and globals), one tensor at a time, and
    replaces it by a new parameter: a constant if all its sources are constants,
    else an extern global in the side file.

    Example:

    ```mlir
    %w = arith.constant dense<[2.0, 3.0]> : tensor<2xf32>
    %s = arith.constant dense<[4.0, 0.5]> : tensor<2xf32>
    %v = awq.scale_channels %w, %s {axis = 0 : i64, inverse} : tensor<2xf32>, tensor<2xf32>
    %y = decoder.rms_norm %x, %v {epsilon = 1.0e-05 : f64} : tensor<?x2xf32>, tensor<2xf32>
    // becomes
    %v = arith.constant dense<[0.5, 6.0]> : tensor<2xf32>
    %y = decoder.rms_norm %x, %v {epsilon = 1.0e-05 : f64} : tensor<?x2xf32>, tensor<2xf32>
    ```
  }];
  let options = [
    Option<"sideFile", "side-file", "std::string", "\"\"", "safetensors file for new parameters, if the weights lie in files">];
  let dependentDialects = ["::mlir::arith::ArithDialect", "::mlir::ml_program::MLProgramDialect"];
}

def PackWeightsPass : Pass<"awq-pack-weights", "::mlir::ModuleOp"> {
  let summary = "Packs codes, scales and zero points for a kernel";
  let description = [{
    The parameters of each `awq.quantized_linear`, plain or packed otherwise, are
    written in `layout` (see `#awq.layout`), through unpacked codes. `cpu` stands
    for `cpu_n16` up to 4 bits and `cpu_n16b8` above. All other parameter
    expressions are computed, as by `awq-materialize-parameters`.

    Example: `awq-pack-weights{layout=cpu_n16}` turns

    ```mlir
    %q = arith.constant dense<7> : tensor<16x64xi8>
    %s = arith.constant dense<0.5> : tensor<16x1xf16>
    %z = arith.constant dense<8> : tensor<16x1xi8>
    %y = awq.quantized_linear %x, %q, %s zeros %z
      {scheme = #awq.scheme<bits = 4, group = 64, zero = asymmetric, scale = f16>}
      : (tensor<?x64xf32>, tensor<16x64xi8>, tensor<16x1xf16>, tensor<16x1xi8>) -> tensor<?x16xf32>
    // becomes
    %q = arith.constant dense<0x77777777> : tensor<1x8x16xi32, #awq.layout<cpu_n16>>
    %s = arith.constant dense<0.5> : tensor<1x1x16xf32>
    %z = arith.constant dense<8.0> : tensor<1x1x16xf32>
    %y = awq.quantized_linear %x, %q, %s zeros %z
      {scheme = #awq.scheme<bits = 4, group = 64, zero = asymmetric, scale = f16>}
      : (tensor<?x64xf32>, tensor<1x8x16xi32, #awq.layout<cpu_n16>>, tensor<1x1x16xf32>,
         tensor<1x1x16xf32>) -> tensor<?x16xf32>
    ```
  }];
  let options = [
    Option<"layout", "layout", "std::string", "\"cpu\"", "a name of #awq.layout, or cpu">,
    Option<"sideFile", "side-file", "std::string", "\"\"", "safetensors file for new parameters, if the weights lie in files">];
  let dependentDialects = ["::mlir::arith::ArithDialect", "::mlir::ml_program::MLProgramDialect"];
}

def QuantizeWeightsPass : Pass<"awq-quantize-weights", "::mlir::ModuleOp"> {
  let summary = "Rounds the weights of linears to codes";
  let description = [{
    Evaluates the weight of each linear to be quantized (see
    `awq-find-scaling-groups`), with its scalings and clips, rounds it as
    `awq.quantize` says, and replaces the `awq.linear` by an
    `awq.quantized_linear` with plain i8 codes, f16 scales and i8 zero points.

    With `refit`, the scales of each row are then fitted to its codes: they are
    those with the smallest error of the output, by the Gram matrix of the
    observed input, of the weight as it was before it was clipped. With `refine`,
    codes are moved off the nearest level where that makes this error smaller,
    then scales are fitted again, three times over. A linear keeps the scales of its ranges
    and the nearest codes if the guard part is against it. Both need observers,
    as `awq-search-clips`.

    Example: `awq-quantize-weights{bits=4 group=0}`

    ```mlir
    %w = arith.constant dense<[[-8.0, 7.0, 0.2, 2.6]]> : tensor<1x4xf32>
    %y = awq.linear %x, %w : (tensor<?x4xf32>, tensor<1x4xf32>) -> tensor<?x1xf32>
    // becomes
    %codes = arith.constant dense<[[0, 15, 8, 11]]> : tensor<1x4xi8>
    %scales = arith.constant dense<1.0> : tensor<1x1xf16>
    %zeros = arith.constant dense<8> : tensor<1x1xi8>
    %y = awq.quantized_linear %x, %codes, %scales zeros %zeros
      {scheme = #awq.scheme<bits = 4, group = 0, zero = asymmetric, scale = f16>}
      : (tensor<?x4xf32>, tensor<1x4xi8>, tensor<1x1xf16>, tensor<1x1xi8>) -> tensor<?x1xf32>
    ```
  }];
  let options = [
    Option<"bits", "bits", "int64_t", "4", "width of a code, 2 to 8">,
    Option<"group", "group", "int64_t", "64", "input channels that share a scale; 0 is the whole row">,
    Option<"symmetric", "symmetric", "bool", "false", "zero points are 2^(bits-1)">,
    Option<"refit", "refit", "bool", "false", "fit the scales to the codes">,
    Option<"refine", "refine", "bool", "false", "move codes where the output gains">,
    Option<"statistics", "statistics", "std::string", "\"\"", "statistics file for refit and refine; else the attributes of awq.observe are read">,
    Option<"autoAwq", "autoawq", "bool", "false", "in AutoAWQ's arithmetic, each step in f16">,
    ListOption<"skip", "skip", "std::string", "linears whose name contains one of these stay float">,
    Option<"sideFile", "side-file", "std::string", "\"\"", "safetensors file for new parameters, if the weights lie in files">];
  let dependentDialects = ["::mlir::arith::ArithDialect", "::mlir::ml_program::MLProgramDialect",
                           "::awq::AWQDialect"];
}

def RemoveObserversPass : Pass<"awq-remove-observers", "::mlir::func::FuncOp"> {
  let summary = "Replaces each awq.observe by its operand";
  let description = [{
    Ends calibration: statistics and sites are gone afterwards.

    Example:

    ```mlir
    %o = awq.observe %x "site" : tensor<?x4xf32>
    %y = decoder.activation %o {kind = #decoder.activation_kind<relu>} : tensor<?x4xf32>
    // becomes
    %y = decoder.activation %x {kind = #decoder.activation_kind<relu>} : tensor<?x4xf32>
    ```
  }];
}

def SearchClipsPass : Pass<"awq-search-clips", "::mlir::ModuleOp"> {
  let summary = "Finds narrower ranges for groups of weights";
  let description = [{
    For each linear to be quantized, searches per row and group the bounds that
    make the error of its output smallest, from the Gram matrix of the observed
    input, and inserts `awq.clip_groups` on the weight where the guard part
    agrees. Needs observers with statistics of the unscaled model; scalings of
    the weight's columns are taken out of them.

    Example: the largest weight belongs to a channel that is never active, so
    `awq-search-clips{bits=3 group=0}` clamps it.

    ```mlir
    %w = arith.constant dense<[[2.0, 0.55, -0.72, 0.9]]> : tensor<1x4xf32>
    %o = awq.observe %x "site" {statistics = {fit = {tokens = 64 : i64,
        mean_abs = dense<[0.0, 1.0, 1.0, 1.0]> : tensor<4xf32>,
        max_abs = dense<[0.0, 1.0, 1.0, 1.0]> : tensor<4xf32>,
        mean_square = dense<[0.0, 1.0, 1.0, 1.0]> : tensor<4xf32>,
        gram = dense<[[0.0, 0.0, 0.0, 0.0], [0.0, 64.0, 0.0, 0.0], [0.0, 0.0, 64.0, 0.0],
                      [0.0, 0.0, 0.0, 64.0]]> : tensor<4x4xf32>}}} : tensor<?x4xf32>
    %y = awq.linear %o, %w : (tensor<?x4xf32>, tensor<1x4xf32>) -> tensor<?x1xf32>
    // becomes
    %o = awq.observe ...
    %c = awq.clip_groups %w, %lo, %hi : tensor<1x4xf32>, tensor<1x1xf32>
    %y = awq.linear %o, %c : ...
    ```
  }];
  let options = [
    Option<"bits", "bits", "int64_t", "4", "width of a code, 2 to 8">,
    Option<"group", "group", "int64_t", "64", "input channels that share a scale; 0 is the whole row">,
    Option<"symmetric", "symmetric", "bool", "false", "zero points are 2^(bits-1)">,
    Option<"statistics", "statistics", "std::string", "\"\"", "statistics file; else the attributes of awq.observe are read">,
    Option<"autoAwq", "autoawq", "bool", "false", "in AutoAWQ's arithmetic, each step in f16">,
    ListOption<"skip", "skip", "std::string", "linears whose name contains one of these stay float">,
    Option<"sideFile", "side-file", "std::string", "\"\"", "safetensors file for new parameters, if the weights lie in files">];
  let dependentDialects = ["::mlir::arith::ArithDialect", "::mlir::ml_program::MLProgramDialect",
                           "::awq::AWQDialect"];
}

def SearchScalesPass : Pass<"awq-search-scales", "::mlir::ModuleOp"> {
  let summary = "Finds channel scales that make quantization hurt least";
  let description = [{
    For each scaling group, tries the scales of AWQ (20 ratios, with and without
    the weights, and the identity) on the fit part of the statistics, lets the
    guard part confirm the best against plain rounding, and inserts
    `awq.scale_channels` on the producer's result (inverse) and on the weights of
    all readers: the function stays the same. All groups are searched on the
    weights as they are. Needs observers with statistics (Gram matrices). A group
    whose readers read different values, so that there is no one site to search
    on, stays unscaled with a remark.

    Example: `awq-search-scales{bits=3 group=0}`, where the first channel is sixteen
    times as active as the others.

    ```mlir
    %g = arith.constant dense<1.0> : tensor<4xf32>
    %w = arith.constant dense<[[0.31, 0.55, -0.72, 0.9], [-0.17, 0.83, 0.26, -0.94]]> : tensor<2x4xf32>
    %n = decoder.rms_norm %x, %g {epsilon = 1.0e-05 : f64} : tensor<?x4xf32>, tensor<4xf32>
    %o = awq.observe %n "site" {statistics = {fit = {tokens = 64 : i64,
        mean_abs = dense<[16.0, 1.0, 1.0, 1.0]> : tensor<4xf32>,
        max_abs = dense<[16.0, 1.0, 1.0, 1.0]> : tensor<4xf32>,
        mean_square = dense<[256.0, 1.0, 1.0, 1.0]> : tensor<4xf32>,
        gram = dense<[[16384.0, 0.0, 0.0, 0.0], [0.0, 64.0, 0.0, 0.0], [0.0, 0.0, 64.0, 0.0],
                      [0.0, 0.0, 0.0, 64.0]]> : tensor<4x4xf32>}}} : tensor<?x4xf32>
    %y = awq.linear %o, %w : (tensor<?x4xf32>, tensor<2x4xf32>) -> tensor<?x2xf32>
    // becomes
    %n = decoder.rms_norm %x, %g {epsilon = 1.000000e-05 : f64} : tensor<?x4xf32>, tensor<4xf32>
    %m = awq.scale_channels %n, %s {axis = 1 : i64, inverse} : tensor<?x4xf32>, tensor<4xf32>
    %o = awq.observe %m "site" ...
    %v = awq.scale_channels %w, %s {axis = 1 : i64} : tensor<2x4xf32>, tensor<4xf32>
    %y = awq.linear %o, %v : (tensor<?x4xf32>, tensor<2x4xf32>) -> tensor<?x2xf32>
    ```
  }];
  let options = [
    Option<"bits", "bits", "int64_t", "4", "width of a code, 2 to 8">,
    Option<"group", "group", "int64_t", "64", "input channels that share a scale; 0 is the whole row">,
    Option<"symmetric", "symmetric", "bool", "false", "zero points are 2^(bits-1)">,
    Option<"statistics", "statistics", "std::string", "\"\"", "statistics file; else the attributes of awq.observe are read">,
    Option<"remarks", "remarks", "bool", "false", "emit what was chosen as remarks">,
    Option<"autoAwq", "autoawq", "bool", "false", "in AutoAWQ's arithmetic, each step in f16">,
    ListOption<"skip", "skip", "std::string", "linears whose name contains one of these stay float">,
    Option<"sideFile", "side-file", "std::string", "\"\"", "safetensors file for new parameters, if the weights lie in files">];
  let dependentDialects = ["::mlir::arith::ArithDialect", "::mlir::ml_program::MLProgramDialect",
                           "::awq::AWQDialect"];
}

def VerifyLayoutsPass : Pass<"awq-verify-layouts"> {
  let summary = "Checks that only awq ops touch packed tensors";
  let description = [{
    MLIR does not guard tensor encodings: a cast between two of them verifies, a
    slice drops them. This pass fails on every op outside the awq dialect with an
    operand or result in an `#awq.layout`, except those that carry it along
    unseen: constants, loads of globals, calls and returns.

    Example:

    ```mlir
    // error: 'tensor.cast' op touches a tensor in layout #awq.layout<cpu_n16>
    %c = tensor.cast %w : tensor<1x8x16xi32, #awq.layout<cpu_n16>> to tensor<1x8x16xi32>
    ```
  }];
}

#endif // AWQ_DIALECT_AWQ_TRANSFORMS_PASSES_TD
