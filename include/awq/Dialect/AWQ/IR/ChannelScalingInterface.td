//===- ChannelScalingInterface.td - channel scaling --------*- tablegen -*-===//
//
// Part of the awq-mlir project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef AWQ_DIALECT_AWQ_IR_CHANNELSCALINGINTERFACE_TD
#define AWQ_DIALECT_AWQ_IR_CHANNELSCALINGINTERFACE_TD

include "mlir/IR/OpBase.td"

def AWQ_ChannelScalingOpInterface : OpInterface<"ChannelScalingOpInterface"> {
  let cppNamespace = "::awq";
  let description = [{
    How a positive diagonal on the channels of a value passes through an op.
    The channels of a value are the row-major flattening of all its dimensions
    but the first, which counts tokens.

    Scaling the channels of a value by 1/s and the columns of everything that
    reads it by s leaves the model's function unchanged exactly if every use
    ends in an op that *absorbs* the factor, through ops that *commute* with it.
    No pass knows an architecture: it asks the ops.
  }];
  let methods = [
    InterfaceMethod<[{
        What happens to a diagonal on the channels of `operand`: it is absorbed
        by a weight of this op, commutes to a result or to arguments of its
        regions, or is blocked for a reason that can be shown to a user.
      }],
      "::awq::ChannelUse", "getChannelUse", (ins "::mlir::OpOperand &":$operand)>,
    InterfaceMethod<[{
        The constants of this op to edit so that the channels of `result` come
        out divided by s; empty if the op has none.
      }],
      "::llvm::SmallVector<::awq::ChannelEdit>", "getChannelEdits",
      (ins "::mlir::OpResult":$result),
      /*methodBody=*/"", /*defaultImplementation=*/"return {};">
  ];
}

#endif // AWQ_DIALECT_AWQ_IR_CHANNELSCALINGINTERFACE_TD
