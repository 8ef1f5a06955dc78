//===- DecoderOps.td - ops of the decoder dialect ----------*- tablegen -*-===//
//
// Part of the awq-mlir project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef AWQ_DIALECT_DECODER_IR_DECODEROPS_TD
#define AWQ_DIALECT_DECODER_IR_DECODEROPS_TD

include "awq/Dialect/AWQ/IR/ChannelScalingInterface.td"
include "awq/Dialect/AWQ/IR/RoutingInterface.td"
include "awq/Dialect/Decoder/IR/DecoderAttributes.td"
include "mlir/IR/OpBase.td"
include "mlir/Interfaces/InferTypeOpInterface.td"
include "mlir/Interfaces/SideEffectInterfaces.td"

//===----------------------------------------------------------------------===//
// Embedding and norms
//===----------------------------------------------------------------------===//

def Decoder_EmbeddingOp : Decoder_Op<"embedding", [Pure]> {
  let summary = "Rows of a table, chosen by token";
  let description = [{
    `y[t, :] = table[ids[t], :] * scale`.

    Constraints:
    * (C1) `ids` is [T], `table` [V, H], the result [T, H].

    Example:

    ```mlir
    %x = decoder.embedding %ids, %table : (tensor<?xi32>, tensor<256x64xf32>) -> tensor<?x64xf32>
    ```
  }];
  let arguments = (ins RankedTensorOf<[I32]>:$ids, Decoder_FloatTensor:$table,
                       DefaultValuedAttr<F64Attr, "1.0">:$scale);
  let results = (outs Decoder_FloatTensor:$result);
  let assemblyFormat = "$ids `,` $table attr-dict `:` functional-type(operands, results)";
  let hasVerifier = 1;
}

def Decoder_RMSNormOp : Decoder_Op<"rms_norm", [Pure, AllTypesMatch<["input", "result"]>,
    DeclareOpInterfaceMethods<AWQ_ChannelScalingOpInterface, ["getChannelEdits"]>]> {
  let summary = "Root-mean-square normalisation over the last dimension";
  let description = [{
    `y = x / sqrt(mean(x^2) + epsilon) * (offset + weight)`, the mean over the last
    dimension, computed in f32. `offset` is 1 for models that store w - 1.

    Constraints:
    * (C1) `weight` is a vector as long as the last dimension of `input`.

    Example:

    ```mlir
    %y = decoder.rms_norm %x, %w {epsilon = 1.0e-05 : f64} : tensor<?x64xf32>, tensor<64xf32>
    ```
  }];
  let arguments = (ins Decoder_FloatTensor:$input, Decoder_FloatTensor:$weight,
                       F64Attr:$epsilon, DefaultValuedAttr<F64Attr, "0.0">:$offset);
  let results = (outs Decoder_FloatTensor:$result);
  let assemblyFormat = "$input `,` $weight attr-dict `:` type($input) `,` type($weight)";
  let hasVerifier = 1;
}

def Decoder_LayerNormOp : Decoder_Op<"layer_norm", [Pure, AllTypesMatch<["input", "result"]>,
    DeclareOpInterfaceMethods<AWQ_ChannelScalingOpInterface, ["getChannelEdits"]>]> {
  let summary = "Layer normalisation over the last dimension";
  let description = [{
    `y = (x - mean(x)) / sqrt(var(x) + epsilon) * weight + bias`, over the last
    dimension, computed in f32.

    Constraints:
    * (C1) `weight` and `bias` are vectors as long as the last dimension of `input`.

    Example:

    ```mlir
    %y = decoder.layer_norm %x, %w bias %b {epsilon = 1.0e-05 : f64}
      : (tensor<?x64xf32>, tensor<64xf32>, tensor<64xf32>) -> tensor<?x64xf32>
    ```
  }];
  let arguments = (ins Decoder_FloatTensor:$input, Decoder_FloatTensor:$weight,
                       Optional<Decoder_FloatTensor>:$bias, F64Attr:$epsilon);
  let results = (outs Decoder_FloatTensor:$result);
  let assemblyFormat = [{
    $input `,` $weight (`bias` $bias^)? attr-dict `:` functional-type(operands, results)
  }];
  let hasVerifier = 1;
}

//===----------------------------------------------------------------------===//
// Positions and attention
//===----------------------------------------------------------------------===//

def Decoder_RotaryTableOp : Decoder_Op<"rotary_table", [Pure,
    AllTypesMatch<["cosines", "sines"]>]> {
  let summary = "Cosines and sines of the rotary embedding";
  let description = [{
    `cos[t, i] = cos((position + t) * inv_freq[i]) * scaling` and the same for sin,
    for t in 0 .. count-1, in f32. Every variant of rotary scaling is a vector of
    inverse frequencies and a factor.

    Constraints:
    * (C1) `inv_freq` is [R/2]; both results are [count, R/2].

    Example:

    ```mlir
    %cos, %sin = decoder.rotary_table %inv_freq, %position, %count
      : tensor<32xf32> -> tensor<?x32xf32>
    ```
  }];
  let arguments = (ins RankedTensorOf<[F32]>:$invFreq, Index:$position, Index:$count,
                       DefaultValuedAttr<F64Attr, "1.0">:$scaling);
  let results = (outs RankedTensorOf<[F32]>:$cosines, RankedTensorOf<[F32]>:$sines);
  let assemblyFormat = [{
    $invFreq `,` $position `,` $count attr-dict `:` type($invFreq) `->` type($cosines)
  }];
  let builders = [OpBuilder<(ins "::mlir::Value":$invFreq, "::mlir::Value":$position,
                                 "::mlir::Value":$count, "double":$scaling)>];
  let hasVerifier = 1;
}

def Decoder_RotaryOp : Decoder_Op<"rotary", [Pure, AllTypesMatch<["input", "result"]>,
    AllTypesMatch<["cosines", "sines"]>,
    DeclareOpInterfaceMethods<AWQ_ChannelScalingOpInterface>]> {
  let summary = "Rotary position embedding";
  let description = [{
    Rotates pairs of the first R channels of each head of `input` [T, heads, D]:
    channels i and i + R/2, or 2i and 2i + 1 if `interleaved`, by the angle whose
    cosine and sine are `cosines[t, i]` and `sines[t, i]` [T, R/2]. Channels from R
    on pass through.

    Constraints:
    * (C1) `input` is [T, heads, D]; `cosines` and `sines` are [T, R/2] with R <= D.

    Example:

    ```mlir
    %y = decoder.rotary %x, %cos, %sin : tensor<?x4x16xf32>, tensor<?x8xf32>
    ```
  }];
  let arguments = (ins Decoder_FloatTensor:$input, RankedTensorOf<[F32]>:$cosines,
                       RankedTensorOf<[F32]>:$sines, UnitAttr:$interleaved);
  let results = (outs Decoder_FloatTensor:$result);
  let assemblyFormat = [{
    $input `,` $cosines `,` $sines attr-dict `:` type($input) `,` type($cosines)
  }];
  let hasVerifier = 1;
}

def Decoder_AttentionOp : Decoder_Op<"attention", [Pure,
    AllTypesMatch<["keyCache", "newKeyCache"]>, AllTypesMatch<["valueCache", "newValueCache"]>,
    DeclareOpInterfaceMethods<AWQ_ChannelScalingOpInterface>]> {
  let summary = "Causal grouped-query attention with a key-value cache";
  let description = [{
    Writes `key` and `value` of the T new tokens to rows position .. position + T - 1
    of the caches and yields, for query t at p = position + t and head h,

    ```
    c[j] = cap(scale * dot(query[t, h], keys[j, h'])) + slopes[h] * (j - p)
    a[j] = softmax_j(c[j])                                   first <= j <= p
    out[t, h] = sum_j a[j] * values[j, h']
    ```

    where h' = h / (Hq / Hkv), first is max(0, p - window + 1) or 0 if `window` is 0,
    and cap(x) = softcap * tanh(x / softcap), or x if `softcap` is 0. The term with
    `slopes` is ALiBi's; without the operand there is none. The caches are
    destinations: their results are the operands, updated, so that they bufferize
    in place.

    Constraints:
    * (C1) `query` is [T, Hq, D], `key` [T, Hkv, D], `value` [T, Hkv, Dv], with
      static heads and sizes, none of them 0.
    * (C2) Hkv divides Hq.
    * (C3) `keyCache` is [S, Hkv, D], `valueCache` [S, Hkv, Dv].
    * (C4) `out` is [T, Hq, Dv].
    * (C5) `window` and `softcap` are not negative.
    * (C6) `slopes`, if present, is [Hq].

    Example:

    ```mlir
    %out, %k1, %v1 = decoder.attention %q, %k, %v, %k0, %v0, %position {scale = 0.25 : f64}
      : (tensor<?x4x16xf32>, tensor<?x2x16xf32>, tensor<?x2x16xf32>,
         tensor<?x2x16xf32>, tensor<?x2x16xf32>)
      -> (tensor<?x4x16xf32>, tensor<?x2x16xf32>, tensor<?x2x16xf32>)
    %biased, %k2, %v2 = decoder.attention %q, %k, %v, %k1, %v1, %position slopes %m {scale = 0.25 : f64}
      : (tensor<?x4x16xf32>, tensor<?x2x16xf32>, tensor<?x2x16xf32>,
         tensor<?x2x16xf32>, tensor<?x2x16xf32>, tensor<4xf32>)
      -> (tensor<?x4x16xf32>, tensor<?x2x16xf32>, tensor<?x2x16xf32>)
    ```
  }];
  let arguments = (ins Decoder_FloatTensor:$query, Decoder_FloatTensor:$key,
                       Decoder_FloatTensor:$value, Decoder_FloatTensor:$keyCache,
                       Decoder_FloatTensor:$valueCache, Index:$position,
                       Optional<RankedTensorOf<[F32]>>:$slopes, F64Attr:$scale,
                       DefaultValuedAttr<I64Attr, "0">:$window,
                       DefaultValuedAttr<F64Attr, "0.0">:$softcap);
  let results = (outs Decoder_FloatTensor:$out, Decoder_FloatTensor:$newKeyCache,
                      Decoder_FloatTensor:$newValueCache);
  let assemblyFormat = [{
    $query `,` $key `,` $value `,` $keyCache `,` $valueCache `,` $position
    (`slopes` $slopes^)? attr-dict `:` `(` type($query) `,` type($key) `,` type($value)
    `,` type($keyCache) `,` type($valueCache) (`,` type($slopes)^)? `)` `->` `(`
    type($out) `,` type($newKeyCache) `,` type($newValueCache) `)`
  }];
  let hasVerifier = 1;
}

//===----------------------------------------------------------------------===//
// Feed-forward
//===----------------------------------------------------------------------===//

def Decoder_ActivationOp : Decoder_Op<"activation", [Pure, AllTypesMatch<["input", "result"]>,
    DeclareOpInterfaceMethods<AWQ_ChannelScalingOpInterface>]> {
  let summary = "A scalar activation function";
  let description = [{
    | kind            | f(x)                                             |
    |-----------------|--------------------------------------------------|
    | `identity`      | x                                                |
    | `relu`          | max(x, 0)                                        |
    | `relu2`         | max(x, 0)^2                                      |
    | `silu`          | x * sigmoid(x)                                   |
    | `gelu`          | x/2 * (1 + erf(x / sqrt(2)))                     |
    | `gelu_tanh`     | x/2 * (1 + tanh(sqrt(2/pi) (x + 0.044715 x^3)))  |
    | `gelu_quick`    | x * sigmoid(1.702 x)                             |
    | `sigmoid`       | 1 / (1 + exp(-x))                                |
    | `tanh`          | tanh(x)                                          |
    | `mish`          | x * tanh(log(1 + exp(x)))                        |
    | `gelu_10`       | min(max(gelu(x), -10), 10)                       |
    | `hard_swish`    | x * min(max(x + 3, 0), 6) / 6                    |
    | `laplace`       | (1 + erf((x - mu) / (sigma sqrt(2)))) / 2, with mu = 0.707107 and sigma = 0.282095 |
    | `leaky_relu`    | max(x, 0) + 0.01 min(x, 0)                       |
    | `relu6`         | min(max(x, 0), 6)                                |
    | `sqrt_softplus` | sqrt(log(1 + exp(x)))                            |
    | `prelu`         | max(x, 0) + w min(x, 0)                          |
    | `xielu`         | softplus(a_p) x^2 + beta x if x > 0, else (beta + softplus(a_n)) (exp(min(x, eps)) - 1 - x) + beta x |

    The last two have learned `parameters`: w; a_p, a_n, beta and eps.

    Constraints:
    * (C1) there are as many `parameters` as `kind` has: 1 for `prelu`, 4 for
      `xielu`, none for the others.
    * (C2) each parameter has one element.

    Example:

    ```mlir
    %y = decoder.activation %x {kind = #decoder.activation_kind<silu>} : tensor<?x64xf32>
    %z = decoder.activation %x parameters(%w) {kind = #decoder.activation_kind<prelu>}
      : tensor<?x64xf32>, tensor<1xf32>
    ```
  }];
  let arguments = (ins Decoder_FloatTensor:$input, Variadic<Decoder_FloatTensor>:$parameters,
                       Decoder_ActivationKindAttr:$kind);
  let results = (outs Decoder_FloatTensor:$result);
  let assemblyFormat = [{
    $input (`parameters` `(` $parameters^ `)`)? attr-dict `:` type($input)
    (`,` type($parameters)^)?
  }];
  let hasVerifier = 1;
}

def Decoder_GLUOp : Decoder_Op<"glu", [Pure, AllTypesMatch<["gate", "up", "result"]>,
    DeclareOpInterfaceMethods<AWQ_ChannelScalingOpInterface>]> {
  let summary = "Gated linear unit, act(gate) * up";
  let description = [{
    `y = f(gate) * up`, with f and `parameters` as in `decoder.activation`.

    Constraints:
    * (C1) there are as many `parameters` as `kind` has.
    * (C2) each parameter has one element.

    Example:

    ```mlir
    %y = decoder.glu %gate, %up {kind = #decoder.activation_kind<silu>} : tensor<?x64xf32>
    ```
  }];
  let arguments = (ins Decoder_FloatTensor:$gate, Decoder_FloatTensor:$up,
                       Variadic<Decoder_FloatTensor>:$parameters,
                       Decoder_ActivationKindAttr:$kind);
  let results = (outs Decoder_FloatTensor:$result);
  let assemblyFormat = [{
    $gate `,` $up (`parameters` `(` $parameters^ `)`)? attr-dict `:` type($gate)
    (`,` type($parameters)^)?
  }];
  let hasVerifier = 1;
}

//===----------------------------------------------------------------------===//
// Mixtures of experts
//===----------------------------------------------------------------------===//

def Decoder_RouterOp : Decoder_Op<"router", [Pure, AWQ_ReadsExactly,
    DeclareOpInterfaceMethods<AWQ_ChannelScalingOpInterface>]> {
  let summary = "Chooses experts and their weights for each token";
  let description = [{
    From the logits of E experts (an `awq.linear` of the hidden states, so that it
    can absorb their scaling), for each token t, in f32:

    ```
    p[e] = softmax_e(logits[t, :])   scoring = softmax
           sigmoid(logits[t, e])               sigmoid
           logits[t, e]                        softmax_of_chosen
    c[e] = p[e] + bias[e]
    ```

    The experts are split into `groups` runs of E / groups. A group's score is the
    largest c in it, or the sum of its two largest (`group_score`); only experts of
    the `kept_groups` best groups can be chosen. The `top_k` experts of largest c
    are chosen, the best first; of equals, the one of lower number. Expert e gets
    the weight

    ```
    w = p[e] or, for softmax_of_chosen, exp(p[e]) / sum_chosen exp(p)
    w / (sum_chosen w + 1e-20)                  with `normalize`
    w * scale
    ```

    The bias steers the choice and not the weights.

    Constraints:
    * (C1) `logits` is [T, E] with static E, `bias` [E].
    * (C2) `weights` and `indices` are [T, top_k].
    * (C3) `top_k` is 1 to E.
    * (C4) `groups` divides E; `kept_groups` is 1 to `groups`; the groups kept
      hold at least `top_k` experts.
    * (C5) groups scored by `sum_of_top_two` hold at least two experts.

    Example:

    ```mlir
    %w, %i = decoder.router %logits {normalize, scoring = #decoder.router_scoring<softmax>, top_k = 2 : i64}
      : tensor<?x8xf32> -> tensor<?x2xf32>, tensor<?x2xi32>
    %v, %j = decoder.router %scores bias %b
      {group_score = #decoder.group_score<sum_of_top_two>, groups = 4 : i64, kept_groups = 2 : i64,
       normalize, scale = 2.5 : f64, scoring = #decoder.router_scoring<sigmoid>, top_k = 4 : i64}
      : tensor<?x16xf32>, tensor<16xf32> -> tensor<?x4xf32>, tensor<?x4xi32>
    ```
  }];
  let arguments = (ins Decoder_FloatTensor:$logits, Optional<Decoder_FloatTensor>:$bias,
                       I64Attr:$top_k, Decoder_RouterScoringAttr:$scoring,
                       UnitAttr:$normalize, DefaultValuedAttr<F64Attr, "1.0">:$scale,
                       DefaultValuedAttr<I64Attr, "1">:$groups,
                       DefaultValuedAttr<I64Attr, "1">:$kept_groups,
                       DefaultValuedAttr<Decoder_GroupScoreAttr,
                         "::awq::decoder::GroupScore::Max">:$group_score);
  let results = (outs RankedTensorOf<[F32]>:$weights, RankedTensorOf<[I32]>:$indices);
  let assemblyFormat = [{
    $logits (`bias` $bias^)? attr-dict `:` type($logits) (`,` type($bias)^)?
    `->` type($weights) `,` type($indices)
  }];
  let hasVerifier = 1;
}

def Decoder_ExpertsOp : Decoder_Op<"experts", [RecursiveMemoryEffects, SingleBlock,
    DeclareOpInterfaceMethods<AWQ_ChannelScalingOpInterface>,
    DeclareOpInterfaceMethods<AWQ_RoutingOpInterface>]> {
  let summary = "A weighted sum of the experts that each token is sent to";
  let description = [{
    `y[t, :] = sum_j weights[t, j] * f_{indices[t, j]}(hidden[t, :])`, added up in
    f32. Region e computes f_e for the tokens that are sent to it, as many as there
    are, from its block argument; its linears are `awq.linear` ops like any other,
    with names, scales and codes of their own, and it yields as many rows as it got.
    An index outside 0 .. E - 1 adds nothing.

    Constraints:
    * (C1) `hidden` is [T, H] with static H; `weights` and `indices` are [T, k]
      with static k.
    * (C2) there is at least one expert; each takes one tensor<?xH> of the
      element type of `hidden`.
    * (C3) each expert yields one value, a tensor<?xN> of that element type; the
      result is [T, N] of it.

    Example:

    ```mlir
    %y = decoder.experts %x, %weights, %indices
      : (tensor<?x8xf32>, tensor<?x2xf32>, tensor<?x2xi32>) -> tensor<?x8xf32> {
    ^bb0(%t: tensor<?x8xf32>):
      %a = awq.linear %t, %w0 : (tensor<?x8xf32>, tensor<8x8xf32>) -> tensor<?x8xf32>
      decoder.yield %a : tensor<?x8xf32>
    }, {
    ^bb0(%t: tensor<?x8xf32>):
      %g = awq.linear %t, %w1 : (tensor<?x8xf32>, tensor<16x8xf32>) -> tensor<?x16xf32>
      %u = awq.linear %t, %w2 : (tensor<?x8xf32>, tensor<16x8xf32>) -> tensor<?x16xf32>
      %m = decoder.glu %g, %u {kind = #decoder.activation_kind<silu>} : tensor<?x16xf32>
      %b = awq.linear %m, %w3 : (tensor<?x16xf32>, tensor<8x16xf32>) -> tensor<?x8xf32>
      decoder.yield %b : tensor<?x8xf32>
    }
    ```
  }];
  let arguments = (ins Decoder_FloatTensor:$hidden, RankedTensorOf<[F32]>:$weights,
                       RankedTensorOf<[I32]>:$indices);
  let results = (outs Decoder_FloatTensor:$result);
  let regions = (region VariadicRegion<SizedRegion<1>>:$experts);
  let hasRegionVerifier = 1;
  let assemblyFormat = [{
    $hidden `,` $weights `,` $indices attr-dict `:` functional-type(operands, results) $experts
  }];
  let hasVerifier = 1;
}

def Decoder_YieldOp : Decoder_Op<"yield", [Pure, Terminator, HasParent<"ExpertsOp">,
    DeclareOpInterfaceMethods<AWQ_ChannelScalingOpInterface>]> {
  let summary = "What an expert makes of its tokens";
  let description = [{
    Ends a region of `decoder.experts`.

    Example:

    ```mlir
    %y = decoder.experts %x, %weights, %indices
      : (tensor<?x8xf32>, tensor<?x2xf32>, tensor<?x2xi32>) -> tensor<?x8xf32> {
    ^bb0(%t: tensor<?x8xf32>):
      decoder.yield %t : tensor<?x8xf32>
    }
    ```
  }];
  let arguments = (ins Decoder_FloatTensor:$value);
  let assemblyFormat = "$value attr-dict `:` type($value)";
}

#endif // AWQ_DIALECT_DECODER_IR_DECODEROPS_TD
