//===- AWQAttributes.td - number formats and bit layouts ---*- tablegen -*-===//
//
// Part of the awq-mlir project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef AWQ_DIALECT_AWQ_IR_AWQATTRIBUTES_TD
#define AWQ_DIALECT_AWQ_IR_AWQATTRIBUTES_TD

include "awq/Dialect/AWQ/IR/AWQDialect.td"
include "mlir/IR/AttrTypeBase.td"
include "mlir/IR/EnumAttr.td"

def AWQ_ZeroPointKind
    : I32EnumAttr<"ZeroPointKind", "whether a group has a zero point of its own",
                  [I32EnumAttrCase<"Asymmetric", 0, "asymmetric">,
                   I32EnumAttrCase<"Symmetric", 1, "symmetric">]> {
  let cppNamespace = "::awq";
  let genSpecializedAttr = 0;
}

def AWQ_LayoutKind
    : I32EnumAttr<"LayoutKind", "how codes are packed into 32-bit words",
                  [I32EnumAttrCase<"AutoAWQGemm", 0, "autoawq_gemm">,
                   I32EnumAttrCase<"CpuN16", 1, "cpu_n16">,
                   I32EnumAttrCase<"CpuN16B8", 2, "cpu_n16b8">,
                   I32EnumAttrCase<"MmaN32K128", 3, "mma_n32k128">]> {
  let cppNamespace = "::awq";
  let genSpecializedAttr = 0;
}

def AWQ_GateFunction
    : I32EnumAttr<"GateFunction", "function of the gate in a gated linear unit",
                  [I32EnumAttrCase<"Relu", 0, "relu">,
                   I32EnumAttrCase<"Sigmoid", 1, "sigmoid">,
                   I32EnumAttrCase<"Silu", 2, "silu">,
                   I32EnumAttrCase<"GeluTanh", 3, "gelu_tanh">,
                   I32EnumAttrCase<"GeluQuick", 4, "gelu_quick">]> {
  let cppNamespace = "::awq";
  let genSpecializedAttr = 0;
}

def AWQ_GateFunctionAttr : EnumAttr<AWQ_Dialect, AWQ_GateFunction, "gate"> {
  let assemblyFormat = "`<` $value `>`";
}

def AWQ_SchemeAttr : AttrDef<AWQ_Dialect, "Scheme"> {
  let mnemonic = "scheme";
  let summary = "Number format of a quantized weight";
  let description = [{
    `bits` per code (C1: 2 to 8), `group` of input channels that share a scale
    and a zero point (C2: 0 for the whole row, else 16 to 1024), zero points
    (`symmetric` means the implied `2^(bits-1)`), and the type that scales are
    rounded to (C3: f16, bf16 or f32) before codes are derived.

    Example:

    ```mlir
    #awq.scheme<bits = 4, group = 64, zero = asymmetric, scale = f16>
    ```
  }];
  let parameters = (ins "unsigned":$bits, "int64_t":$group,
      EnumParameter<AWQ_ZeroPointKind>:$zero, "::mlir::Type":$scale);
  let assemblyFormat = "`<` struct(params) `>`";
  let genVerifyDecl = 1;
  let extraClassDeclaration = [{
    bool isSymmetric() const { return getZero() == ZeroPointKind::Symmetric; }
    /// Groups in a row of `k` input channels.
    int64_t getNumGroups(int64_t k) const {
      return getGroup() == 0 ? 1 : k / getGroup();
    }
    /// Input channels in one group of a row of `k`.
    int64_t getGroupSize(int64_t k) const {
      return getGroup() == 0 ? k : getGroup();
    }
  }];
}

def AWQ_LayoutAttr : AttrDef<AWQ_Dialect, "Layout"> {
  let mnemonic = "layout";
  let summary = "Bit layout of packed codes, as the encoding of their tensor type";
  let description = [{
    N is the number of output channels, K of input channels; words are i32.

    | layout         | shape                      | contents of a word |
    |----------------|----------------------------|--------------------|
    | `autoawq_gemm` | [K, N/8]                   | nibble i of word c is output 8c + [0,2,4,6,1,3,5,7][i] |
    | `cpu_n16`      | [ceil(N/16), K/8, 16]      | word r of a block: row r, inputs 8b..8b+7, low nibble first |
    | `cpu_n16b8`    | [ceil(N/16), K/4, 16]      | the same with bytes: inputs 4b..4b+3 |
    | `mma_n32k128`  | [words]                    | records of 32 rows and 128 channels for tensor cores: codes, scales and zero points |

    Example:

    ```mlir
    tensor<36x72x16xi32, #awq.layout<cpu_n16>>
    ```
  }];
  let parameters = (ins EnumParameter<AWQ_LayoutKind>:$kind);
  let assemblyFormat = "`<` $kind `>`";
}

def AWQ_RotaryAttr : AttrDef<AWQ_Dialect, "Rotary"> {
  let mnemonic = "rotary";
  let summary = "Rows of a linear whose results rotary embedding turns";
  let description = [{
    The first `heads` * `head_size` rows are heads that rotate. Both are
    positive, `head_size` a multiple of 16.

    Example:

    ```mlir
    #awq.rotary<heads = 12, head_size = 64>
    ```
  }];
  let parameters = (ins "int64_t":$heads, "int64_t":$head_size);
  let assemblyFormat = "`<` struct(params) `>`";
  let genVerifyDecl = 1;
  let extraClassDeclaration = [{
    int64_t getRows() const { return getHeads() * getHeadSize(); }
  }];
}

#endif // AWQ_DIALECT_AWQ_IR_AWQATTRIBUTES_TD
