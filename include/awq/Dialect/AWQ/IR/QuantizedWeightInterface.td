//===- QuantizedWeightInterface.td - ops with a quantized weight *- tablegen -*-===//
//
// Part of the awq-mlir project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef AWQ_DIALECT_AWQ_IR_QUANTIZEDWEIGHTINTERFACE_TD
#define AWQ_DIALECT_AWQ_IR_QUANTIZEDWEIGHTINTERFACE_TD

include "mlir/IR/OpBase.td"

def AWQ_QuantizedWeightOpInterface : OpInterface<"QuantizedWeightOpInterface"> {
  let cppNamespace = "::awq";
  let description = [{
    An op that multiplies its input by a quantized weight [N, K] that is plain or
    packed. What packs weights and what makes kernels of them asks for no more.
  }];
  let methods = [
    InterfaceMethod<"The input, [..., K].", "::mlir::Value", "getInput">,
    InterfaceMethod<"The codes, plain or packed.", "::mlir::Value", "getCodes">,
    InterfaceMethod<"The scales; null if the codes hold them.", "::mlir::Value", "getScales">,
    InterfaceMethod<"The zero points; null if there are none, or if the codes hold them.",
                    "::mlir::Value", "getZeros">,
    InterfaceMethod<"The bias, or null.", "::mlir::Value", "getBias">,
    InterfaceMethod<"The codes, to be replaced.", "::mlir::OpOperand &", "getCodesMutable">,
    InterfaceMethod<"The scales, to be replaced.", "::mlir::MutableOperandRange",
                    "getScalesMutable">,
    InterfaceMethod<"The zero points, to be replaced.", "::mlir::MutableOperandRange",
                    "getZerosMutable">,
    InterfaceMethod<"The number format.", "::awq::SchemeAttr", "getScheme">,
    InterfaceMethod<"The layout of packed codes; null if they are plain.",
                    "::awq::LayoutAttr", "getLayout">,
    InterfaceMethod<"K", "int64_t", "getInputChannels">,
    InterfaceMethod<"N, the rows of the weight.", "int64_t", "getOutputChannels">,
    InterfaceMethod<"The row of the plain weight that each packed row is; empty if they "
                    "are in the same order.",
                    "::llvm::SmallVector<int64_t>", "getRowOrder", (ins), /*methodBody=*/"",
                    /*defaultImplementation=*/"return {};">
  ];
}

#endif // AWQ_DIALECT_AWQ_IR_QUANTIZEDWEIGHTINTERFACE_TD
