//===- AWQOps.td - ops of the awq dialect ------------------*- tablegen -*-===//
//
// Part of the awq-mlir project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef AWQ_DIALECT_AWQ_IR_AWQOPS_TD
#define AWQ_DIALECT_AWQ_IR_AWQOPS_TD

include "awq/Dialect/AWQ/IR/AWQAttributes.td"
include "awq/Dialect/AWQ/IR/AWQDialect.td"
include "awq/Dialect/AWQ/IR/ChannelScalingInterface.td"
include "awq/Dialect/AWQ/IR/QuantizedWeightInterface.td"
include "mlir/IR/OpAsmInterface.td"
include "mlir/Interfaces/SideEffectInterfaces.td"

def AWQ_FloatTensor : RankedTensorOf<[F16, BF16, F32]>;
def AWQ_CodeTensor : RankedTensorOf<[I8, I32]>;

//===----------------------------------------------------------------------===//
// Linear layers
//===----------------------------------------------------------------------===//

def AWQ_LinearOp : AWQ_Op<"linear", [Pure,
    DeclareOpInterfaceMethods<AWQ_ChannelScalingOpInterface, ["getChannelEdits"]>]> {
  let summary = "A linear layer, y = x W^T + b";
  let description = [{
    `y[..., n] = sum_k x[..., k] * w[n, k] + b[n]`, accumulated in f32.
    The op that the AWQ passes scale and quantize.

    Constraints:
    * (C1) `weight` is [N, K] and K is the last dimension of `input`.
    * (C2) `result` has the shape of `input` with N as its last dimension.
    * (C3) `bias`, if present, is [N].

    Example:

    ```mlir
    %y = awq.linear %x, %w : (tensor<?x64xf32>, tensor<32x64xf32>) -> tensor<?x32xf32>
    %z = awq.linear %x, %w bias %b
      : (tensor<?x64xf32>, tensor<32x64xf32>, tensor<32xf32>) -> tensor<?x32xf32>
    ```
  }];
  let arguments = (ins AWQ_FloatTensor:$input, AWQ_FloatTensor:$weight,
                       Optional<AWQ_FloatTensor>:$bias);
  let results = (outs AWQ_FloatTensor:$result);
  let assemblyFormat = [{
    $input `,` $weight (`bias` $bias^)? attr-dict `:` functional-type(operands, results)
  }];
  let hasVerifier = 1;
}

def AWQ_QuantizedLinearOp : AWQ_Op<"quantized_linear", [Pure, AttrSizedOperandSegments,
    DeclareOpInterfaceMethods<AWQ_QuantizedWeightOpInterface>]> {
  let summary = "A linear layer with a quantized weight, y = x dequant(W)^T + b";
  let description = [{
    `y[..., n] = sum_k x[..., k] * (codes[n, k] - zeros[n, k / g]) * scales[n, k / g] + b[n]`
    where g is the scheme's group. A symmetric scheme has no `zeros` operand; its
    zero point is `2^(bits-1)`.

    Codes are either *plain*, one byte per code, or *packed* words whose
    `#awq.layout` says how; scales and zeros then follow that layout.

    Constraints:
    * (C1) plain codes are tensor<N x K x i8>, packed ones i32 with a layout.
    * (C2) `result` has the shape of `input` with N as its last dimension.
    * (C3) `bias`, if present, is [N].
    * (C4) the scheme's group divides K.
    * (C5) plain scales and zeros are [N, K / g].
    * (C6) `zeros` are present exactly if the scheme is asymmetric (but C8).
    * (C7) packed shapes are those that the layout defines for N and K; zeros
      are i8 if plain, else i32 (`autoawq_gemm`) or f32.
    * (C8) codes in `mma_n32k128` hold scales and zeros as well: there are no
      operands for them. All others have `scales`.

    Example:

    ```mlir
    %y = awq.quantized_linear %x, %q, %s zeros %z
      {scheme = #awq.scheme<bits = 4, group = 64, zero = asymmetric, scale = f16>}
      : (tensor<?x128xf32>, tensor<32x128xi8>, tensor<32x2xf16>, tensor<32x2xi8>)
      -> tensor<?x32xf32>
    ```
  }];
  let arguments = (ins AWQ_FloatTensor:$input, AWQ_CodeTensor:$codes,
                       Optional<AWQ_FloatTensor>:$scales,
                       Optional<RankedTensorOf<[I8, I32, F32]>>:$zeros,
                       Optional<AWQ_FloatTensor>:$bias, AWQ_SchemeAttr:$scheme);
  let results = (outs AWQ_FloatTensor:$result);
  let assemblyFormat = [{
    $input `,` $codes (`,` $scales^)? (`zeros` $zeros^)? (`bias` $bias^)? attr-dict
    `:` functional-type(operands, results)
  }];
  let hasVerifier = 1;
}

def AWQ_FusedLinearOp : AWQ_Op<"fused_linear", [Pure, AttrSizedOperandSegments,
    DeclareOpInterfaceMethods<AWQ_QuantizedWeightOpInterface, ["getRowOrder"]>]> {
  let summary = "A quantized linear with what comes before and after it";
  let description = [{
    What one kernel computes where a GPU would take several. With `x` the input
    of T tokens and each part only where it is given:

    1. `norm`, as in `decoder.rms_norm`: `x / sqrt(mean(x^2) + norm_epsilon) *
       (norm_offset + norm)`;
    2. `y = x dequant(W)^T + bias`, as in `awq.quantized_linear`;
    3. `rotary`, as in `decoder.rotary`: in each of the heads that `turn` names,
       channels i and i + R/2 are turned by the angle whose cosine and sine are
       `cosines[t, i]` and `sines[t, i]`; or
       `gate`, as in `decoder.glu`: `y = f(y[:, n]) * y[:, n + N/2]`, so that
       gates are the first half of the rows;
    4. `residual`: `y + residual`.

    Two rows that meet in step 3 are a *pair*. Codes in `mma_n32k128` have pairs
    8 rows apart, where one lane of a warp has both: rows 16b + i and 16b + 8 + i
    are a pair for i < 8. All other weights have their rows in the order of the
    formulas.

    Constraints:
    * (C1) codes, scales, zeros and bias are those of an `awq.quantized_linear`.
    * (C2) `input` is [T, K], `result` [T, N], or [T, N/2] with a `gate`.
    * (C3) `norm` is [K] and comes with `norm_epsilon`.
    * (C4) `cosines` and `sines` are [T, R/2] and come with `turn`; R is a
      multiple of 16 and at most `head_size`; the heads have at most N rows.
    * (C5) `gate` needs N to be a multiple of 16, and excludes `turn`.
    * (C6) `residual` has the shape of `result`.

    Example:

    ```mlir
    %y = awq.fused_linear %x, %q, %s norm %g residual %r
      {norm_epsilon = 1.0e-05 : f64, gate = #awq.gate<silu>,
       scheme = #awq.scheme<bits = 4, group = 64, zero = symmetric, scale = f16>}
      : (tensor<?x128xf32>, tensor<32x128xi8>, tensor<32x2xf16>, tensor<128xf32>,
         tensor<?x16xf32>) -> tensor<?x16xf32>
    ```
  }];
  let arguments = (ins AWQ_FloatTensor:$input, AWQ_CodeTensor:$codes,
                       Optional<AWQ_FloatTensor>:$scales,
                       Optional<RankedTensorOf<[I8, I32, F32]>>:$zeros,
                       Optional<AWQ_FloatTensor>:$bias,
                       Optional<AWQ_FloatTensor>:$norm,
                       Optional<RankedTensorOf<[F32]>>:$cosines,
                       Optional<RankedTensorOf<[F32]>>:$sines,
                       Optional<AWQ_FloatTensor>:$residual, AWQ_SchemeAttr:$scheme,
                       OptionalAttr<F64Attr>:$norm_epsilon,
                       DefaultValuedAttr<F64Attr, "0.0">:$norm_offset,
                       OptionalAttr<AWQ_RotaryAttr>:$turn,
                       OptionalAttr<AWQ_GateFunctionAttr>:$gate);
  let results = (outs AWQ_FloatTensor:$result);
  let assemblyFormat = [{
    $input `,` $codes (`,` $scales^)? (`zeros` $zeros^)? (`bias` $bias^)? (`norm` $norm^)?
    (`rotary` $cosines^ `,` $sines)? (`residual` $residual^)? attr-dict
    `:` functional-type(operands, results)
  }];
  let hasVerifier = 1;
}

//===----------------------------------------------------------------------===//
// Rounding
//===----------------------------------------------------------------------===//

def AWQ_QuantizeOp : AWQ_Op<"quantize", [Pure]> {
  let summary = "Rounds a weight to codes, scales and zero points";
  let description = [{
    Per row and group, with the range [lo, hi] of its weights:

    ```
    asymmetric: s = (hi - lo) / (2^b - 1),  z = clamp(rne(-lo / s), 0, 2^b - 1)
    symmetric:  s = max(|lo|, |hi|) / (2^(b-1) - 1),  z = 2^(b-1)
    q = clamp(rne(w / s) + z, 0, 2^b - 1)
    ```

    The scale is rounded to the scheme's type before it is used.

    Constraints:
    * (C1) `weight` is [N, K]; the scheme's group divides K.
    * (C2) `codes` is [N, K] of i8; `scales` and `zeros` are [N, K / g], the
      scales of the scheme's type. Symmetric schemes yield constant zeros.

    Example:

    ```mlir
    %q, %s, %z = awq.quantize %w
      {scheme = #awq.scheme<bits = 4, group = 64, zero = asymmetric, scale = f16>}
      : tensor<32x128xf32> -> tensor<32x128xi8>, tensor<32x2xf16>, tensor<32x2xi8>
    ```
  }];
  let arguments = (ins RankedTensorOf<[F16, BF16, F32]>:$weight, AWQ_SchemeAttr:$scheme);
  let results = (outs RankedTensorOf<[I8]>:$codes, AWQ_FloatTensor:$scales,
                      RankedTensorOf<[I8]>:$zeros);
  let assemblyFormat = [{
    $weight attr-dict `:` type($weight) `->` type(results)
  }];
  let hasVerifier = 1;
  let hasFolder = 1;
}

def AWQ_DequantizeOp : AWQ_Op<"dequantize", [Pure]> {
  let summary = "Restores a weight from codes, scales and zero points";
  let description = [{
    `w[n, k] = (codes[n, k] - zeros[n, k / g]) * scales[n, k / g]`, in f32, then
    rounded to the result's type.

    Constraints:
    * (C1) `codes` is [N, K]; the scheme's group divides K.
    * (C2) `scales` and `zeros` are [N, K / g].
    * (C3) `result` is [N, K].

    Example:

    ```mlir
    %w = awq.dequantize %q, %s, %z
      {scheme = #awq.scheme<bits = 4, group = 64, zero = asymmetric, scale = f16>}
      : tensor<32x128xi8>, tensor<32x2xf16>, tensor<32x2xi8> -> tensor<32x128xf32>
    ```
  }];
  let arguments = (ins RankedTensorOf<[I8]>:$codes, AWQ_FloatTensor:$scales,
                       RankedTensorOf<[I8]>:$zeros, AWQ_SchemeAttr:$scheme);
  let results = (outs AWQ_FloatTensor:$result);
  let assemblyFormat = [{
    $codes `,` $scales `,` $zeros attr-dict `:` type(operands) `->` type($result)
  }];
  let hasVerifier = 1;
  let hasFolder = 1;
}

def AWQ_RepackOp : AWQ_Op<"repack", [Pure]> {
  let summary = "The same codes in another bit layout";
  let description = [{
    Packs plain codes [N, K] into the words of the result's `#awq.layout`.
    Rows that a layout adds to fill its last block hold zero codes.

    Constraints:
    * (C1) `codes` is a plain tensor<N x K x i8>.
    * (C2) the result is an i32 tensor with a layout, of the shape that the
      layout defines for N and K.
    * (C3) the layout is one of codes alone, so not `mma_n32k128`.

    Example:

    ```mlir
    %p = awq.repack %q : tensor<32x128xi8> -> tensor<2x16x16xi32, #awq.layout<cpu_n16>>
    ```
  }];
  let arguments = (ins RankedTensorOf<[I8]>:$codes);
  let results = (outs RankedTensorOf<[I32]>:$words);
  let assemblyFormat = "$codes attr-dict `:` type($codes) `->` type($words)";
  let hasVerifier = 1;
  let hasFolder = 1;
}

def AWQ_UnpackOp : AWQ_Op<"unpack", [Pure]> {
  let summary = "Plain codes, scales and zero points of a packed weight";
  let description = [{
    Undoes a `#awq.layout`: the operands are those of an `awq.quantized_linear`
    whose codes are packed, the results what `awq.quantize` yields. Symmetric
    schemes yield constant zeros.

    Constraints:
    * (C1) `packed` has a layout, and not one of records.
    * (C2) `codes` is [N, K] of i8; the scheme's group divides K.
    * (C3) `scales` and `zeros` are [N, K / g].
    * (C4) the operands have the shapes and types that the layout defines for N
      and K; `packedZeros` is present exactly if the scheme is asymmetric.

    Example:

    ```mlir
    %q, %s, %z = awq.unpack %words, %t zeros %u
      {scheme = #awq.scheme<bits = 4, group = 64, zero = asymmetric, scale = f16>}
      : (tensor<128x4xi32, #awq.layout<autoawq_gemm>>, tensor<2x32xf16>, tensor<2x4xi32>)
      -> (tensor<32x128xi8>, tensor<32x2xf16>, tensor<32x2xi8>)
    ```
  }];
  let arguments = (ins RankedTensorOf<[I32]>:$packed, AWQ_FloatTensor:$packedScales,
                       Optional<RankedTensorOf<[I32, F16, F32]>>:$packedZeros,
                       AWQ_SchemeAttr:$scheme);
  let results = (outs RankedTensorOf<[I8]>:$codes, AWQ_FloatTensor:$scales,
                      RankedTensorOf<[I8]>:$zeros);
  let assemblyFormat = [{
    $packed `,` $packedScales (`zeros` $packedZeros^)? attr-dict
    `:` functional-type(operands, results)
  }];
  let hasVerifier = 1;
}

//===----------------------------------------------------------------------===//
// Scaling, clipping, observing
//===----------------------------------------------------------------------===//

def AWQ_ScaleChannelsOp : AWQ_Op<"scale_channels", [Pure, AllTypesMatch<["input", "result"]>,
    DeclareOpInterfaceMethods<AWQ_ChannelScalingOpInterface>]> {
  let summary = "Multiplies or divides the channels along an axis";
  let description = [{
    `y = x * s`, with `inverse` `y = (x + offset) / s - offset`, where s runs along
    `axis`. On a parameter it records what `awq-apply-scales` decided, without
    rewriting the file that holds it; on an activation it is the explicit scaling
    that `awq-apply-scales` folds into a producer.

    The offset serves norms that multiply by `1 + w`. Every step is rounded to the
    element type.

    Constraints:
    * (C1) `axis` is a dimension of `input`.
    * (C2) `scale` is a vector as long as that dimension.
    * (C3) an `offset` is only allowed with `inverse`.

    Example:

    ```mlir
    %a = awq.scale_channels %w, %s {axis = 1 : i64} : tensor<32x64xf32>, tensor<64xf32>
    %b = awq.scale_channels %g, %s {axis = 0 : i64, inverse} : tensor<64xf32>, tensor<64xf32>
    ```
  }];
  let arguments = (ins AWQ_FloatTensor:$input, RankedTensorOf<[F32]>:$scale,
                       I64Attr:$axis, UnitAttr:$inverse,
                       DefaultValuedAttr<F64Attr, "0.0">:$offset);
  let results = (outs AWQ_FloatTensor:$result);
  let assemblyFormat = "$input `,` $scale attr-dict `:` type($input) `,` type($scale)";
  let hasVerifier = 1;
  let hasFolder = 1;
}

def AWQ_ClipGroupsOp : AWQ_Op<"clip_groups", [Pure, AllTypesMatch<["weight", "result"]>,
                                              AllTypesMatch<["lo", "hi"]>]> {
  let summary = "Clamps each group of a weight to its own range";
  let description = [{
    `y[n, k] = min(max(w[n, k], lo[n, k / g]), hi[n, k / g])`, with g = K / G.

    Constraints:
    * (C1) `weight` is [N, K], `lo` and `hi` are [N, G], and G divides K.

    Example:

    ```mlir
    %c = awq.clip_groups %w, %lo, %hi : tensor<32x128xf32>, tensor<32x2xf32>
    ```
  }];
  let arguments = (ins AWQ_FloatTensor:$weight, RankedTensorOf<[F32]>:$lo,
                       RankedTensorOf<[F32]>:$hi);
  let results = (outs AWQ_FloatTensor:$result);
  let assemblyFormat = "$weight `,` $lo `,` $hi attr-dict `:` type($weight) `,` type($lo)";
  let hasVerifier = 1;
  let hasFolder = 1;
}

def AWQ_ObserveOp : AWQ_Op<"observe", [AllTypesMatch<["input", "result"]>,
    DeclareOpInterfaceMethods<AWQ_ChannelScalingOpInterface>]> {
  let summary = "Identity that records calibration statistics under a name";
  let description = [{
    Yields its operand. While a model is calibrated, the values that pass are
    summarised per channel under `site`; at any other time the op folds away
    with `awq-remove-observers`.

    `statistics` holds the summary itself, for small modules: a dictionary with
    the keys `fit` and, optionally, `guard`, each a dictionary of `tokens` (an
    integer) and dense f32 tensors `mean_abs`, `max_abs`, `mean_square` [K] and
    `gram` [K, K], the sum of x x^T over the tokens.

    Example:

    ```mlir
    %y = awq.observe %x "layers.0.mlp.down_proj.input" : tensor<?x64xf32>
    ```
  }];
  let arguments = (ins AWQ_FloatTensor:$input, StrAttr:$site,
                       OptionalAttr<DictionaryAttr>:$statistics);
  let results = (outs AWQ_FloatTensor:$result);
  let assemblyFormat = "$input $site attr-dict `:` type($input)";
  let hasVerifier = 1;
}

#endif // AWQ_DIALECT_AWQ_IR_AWQOPS_TD
