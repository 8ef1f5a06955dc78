//===- DecoderAttributes.td - the decoder dialect and its enums -*- tablegen -*-===//
//
// Part of the awq-mlir project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef AWQ_DIALECT_DECODER_IR_DECODERATTRIBUTES_TD
#define AWQ_DIALECT_DECODER_IR_DECODERATTRIBUTES_TD

include "mlir/IR/AttrTypeBase.td"
include "mlir/IR/EnumAttr.td"
include "mlir/IR/OpBase.td"

def Decoder_Dialect : Dialect {
  let name = "decoder";
  let cppNamespace = "::awq::decoder";
  let summary = "The graph of a transformer decoder";
  let description = [{
    The ops of a decoder that are more than plain arithmetic, in the terms of
    ONNX opsets 23 and 24. Activations are [tokens, channels] or [tokens, heads,
    head size] of one sequence; the number of tokens is dynamic. Additions,
    reshapes and the like are upstream arith and tensor ops; so are factors of
    logits and residual branches, `arith.mulf` by a `tensor.splat`.
  }];
  let useDefaultAttributePrinterParser = 1;
}

class Decoder_Op<string mnemonic, list<Trait> traits = []>
    : Op<Decoder_Dialect, mnemonic, traits>;

def Decoder_FloatTensor : RankedTensorOf<[F16, BF16, F32]>;

def Decoder_ActivationKind
    : I32EnumAttr<"ActivationKind", "scalar activation function",
                  [I32EnumAttrCase<"Identity", 0, "identity">,
                   I32EnumAttrCase<"Relu", 1, "relu">,
                   I32EnumAttrCase<"Relu2", 2, "relu2">,
                   I32EnumAttrCase<"Silu", 3, "silu">,
                   I32EnumAttrCase<"Gelu", 4, "gelu">,
                   I32EnumAttrCase<"GeluTanh", 5, "gelu_tanh">,
                   I32EnumAttrCase<"GeluQuick", 6, "gelu_quick">,
                   I32EnumAttrCase<"Sigmoid", 7, "sigmoid">,
                   I32EnumAttrCase<"Tanh", 8, "tanh">,
                   I32EnumAttrCase<"Mish", 9, "mish">,
                   I32EnumAttrCase<"Gelu10", 10, "gelu_10">,
                   I32EnumAttrCase<"HardSwish", 11, "hard_swish">,
                   I32EnumAttrCase<"Laplace", 12, "laplace">,
                   I32EnumAttrCase<"LeakyRelu", 13, "leaky_relu">,
                   I32EnumAttrCase<"Relu6", 14, "relu6">,
                   I32EnumAttrCase<"SqrtSoftplus", 15, "sqrt_softplus">,
                   I32EnumAttrCase<"PRelu", 16, "prelu">,
                   I32EnumAttrCase<"XIelu", 17, "xielu">]> {
  let cppNamespace = "::awq::decoder";
  let genSpecializedAttr = 0;
}

def Decoder_ActivationKindAttr
    : EnumAttr<Decoder_Dialect, Decoder_ActivationKind, "activation_kind"> {
  let assemblyFormat = "`<` $value `>`";
}

def Decoder_RouterScoring
    : I32EnumAttr<"RouterScoring", "how logits become the scores of experts",
                  [I32EnumAttrCase<"Softmax", 0, "softmax">,
                   I32EnumAttrCase<"Sigmoid", 1, "sigmoid">,
                   I32EnumAttrCase<"SoftmaxOfChosen", 2, "softmax_of_chosen">]> {
  let cppNamespace = "::awq::decoder";
  let genSpecializedAttr = 0;
}

def Decoder_RouterScoringAttr
    : EnumAttr<Decoder_Dialect, Decoder_RouterScoring, "router_scoring"> {
  let assemblyFormat = "`<` $value `>`";
}

def Decoder_GroupScore
    : I32EnumAttr<"GroupScore", "how good a group of experts is",
                  [I32EnumAttrCase<"Max", 0, "max">,
                   I32EnumAttrCase<"SumOfTopTwo", 1, "sum_of_top_two">]> {
  let cppNamespace = "::awq::decoder";
  let genSpecializedAttr = 0;
}

def Decoder_GroupScoreAttr
    : EnumAttr<Decoder_Dialect, Decoder_GroupScore, "group_score"> {
  let assemblyFormat = "`<` $value `>`";
}

#endif // AWQ_DIALECT_DECODER_IR_DECODERATTRIBUTES_TD
