//===- ToyOps.td - the toy dialect -------------------------*- tablegen -*-===//
//
// Part of the awq-mlir project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef TOY_OPS_TD
#define TOY_OPS_TD

include "mlir/IR/OpBase.td"
include "mlir/Interfaces/SideEffectInterfaces.td"

def Toy_Dialect : Dialect {
  let name = "toy";
  let cppNamespace = "::toy";
  let summary = "A compiler whose layers know their weights by name";
}

def DenseOp : Op<Toy_Dialect, "dense", [Pure]> {
  let summary = "A layer: y = x W^T, with the weight `layer`.weight [N, K]";
  let arguments = (ins AnyRankedTensor:$input, StrAttr:$layer);
  let results = (outs AnyRankedTensor:$output);
  let assemblyFormat = "$input $layer attr-dict `:` type($input) `->` type($output)";
}

#endif // TOY_OPS_TD
