//===- AWQDialect.td - the awq dialect --------------------*- tablegen -*-===//
//
// Part of the awq-mlir project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef AWQ_DIALECT_AWQ_IR_AWQDIALECT_TD
#define AWQ_DIALECT_AWQ_IR_AWQDIALECT_TD

include "mlir/IR/OpBase.td"

def AWQ_Dialect : Dialect {
  let name = "awq";
  let cppNamespace = "::awq";
  let summary = "Weight-only quantization of linear layers, scaled by activations";
  let description = [{
    What quantization is, independent of where a model came from and of the
    machine it will run on. A float layer is an `awq.linear`; a quantized one is
    an `awq.quantized_linear` that keeps the codes, scales and zero points as
    operands until a conversion chooses a kernel. Channel scaling, clipping and
    rounding are ops on the *parameters*, so that the module after any pass can
    be read, checked and evaluated without rounding.

    The number format is a `#awq.scheme`, the bit layout of packed words a
    `#awq.layout` on the tensor type. A weight is restored as
    `w = (q - z) * s`, with unsigned codes `q`.
  }];
  let useDefaultAttributePrinterParser = 1;
  let hasConstantMaterializer = 1;
}

class AWQ_Op<string mnemonic, list<Trait> traits = []>
    : Op<AWQ_Dialect, mnemonic, traits>;

#endif // AWQ_DIALECT_AWQ_IR_AWQDIALECT_TD
