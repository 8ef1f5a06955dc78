//===- RoutingInterface.td - tokens that part ways ---------*- tablegen -*-===//
//
// Part of the awq-mlir project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef AWQ_DIALECT_AWQ_IR_ROUTINGINTERFACE_TD
#define AWQ_DIALECT_AWQ_IR_ROUTINGINTERFACE_TD

include "mlir/IR/OpBase.td"

/// What the op makes of its operands is a choice, which a small error can turn
/// into another one: linears whose results it reads are not quantized.
def AWQ_ReadsExactly : NativeOpTrait<"ReadsExactly"> {
  let cppNamespace = "::awq";
}

def AWQ_RoutingOpInterface : OpInterface<"RoutingOpInterface"> {
  let cppNamespace = "::awq";
  let description = [{
    An op whose regions each work on the tokens that are sent there, such as a
    mixture of experts. What a region computes has as many rows as it got
    tokens, so it cannot leave the op as it is.
  }];
  let methods = [
    InterfaceMethod<[{
        Computes `inner`, a value [tokens, C] of one of the regions, once more
        before the op, as a value with a row for each token: for tokens that are
        not sent to the region the row is zero, or, with `allTokens`, what the
        region would make of them. `inner` must depend on the region's argument
        and on values outside of the op alone.
      }],
      "::mlir::Value", "observeInside",
      (ins "::mlir::OpBuilder &":$builder, "::mlir::Value":$inner,
           "bool":$allTokens)>
  ];
}

#endif // AWQ_DIALECT_AWQ_IR_ROUTINGINTERFACE_TD
