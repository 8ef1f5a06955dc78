//===- ChannelScaling.h - how diagonals pass through ops --------*- C++ -*-===//
//
// Part of the awq-mlir project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef AWQ_DIALECT_AWQ_IR_CHANNELSCALING_H
#define AWQ_DIALECT_AWQ_IR_CHANNELSCALING_H

#include "mlir/IR/OpDefinition.h"
#include "llvm/ADT/SmallVector.h"
#include <string>

namespace mlir {
class DialectRegistry;
} // namespace mlir

namespace awq {

/// What an op does to a positive diagonal on the channels of one operand.
struct ChannelUse {
  enum class Kind {
    Absorbs,  ///< the op contracts the channels with `weight` along `axis`
    Commutes, ///< the channels of `results` are scaled alike
    Blocks    ///< the op's value would change; `reason` says why
  };

  static ChannelUse absorbs(mlir::OpOperand &weight, int64_t axis) {
    return {Kind::Absorbs, &weight, axis, {}, {}, {}};
  }
  /// To a result of the op, or to arguments of its regions. `channelMap[c]` is
  /// the operand's channel that feeds channel c of each of them; empty for the
  /// identity.
  static ChannelUse commutes(mlir::ValueRange results,
                             llvm::ArrayRef<int64_t> channelMap = {}) {
    return {Kind::Commutes,
            nullptr,
            0,
            llvm::to_vector(results),
            llvm::SmallVector<int64_t>(channelMap),
            {}};
  }
  static ChannelUse blocks(std::string reason) {
    return {Kind::Blocks, nullptr, 0, {}, {}, std::move(reason)};
  }

  Kind kind;
  mlir::OpOperand *weight = nullptr;
  int64_t axis = 0;
  llvm::SmallVector<mlir::Value> results;
  llvm::SmallVector<int64_t> channelMap;
  std::string reason;
};

/// A constant operand to edit so that an op's result comes out divided by s:
/// p <- (p + offset) / s - offset along `axis`.
struct ChannelEdit {
  mlir::OpOperand *operand;
  int64_t axis = 0;
  double offset = 0.0;
};

/// Number of channels of a value: the product of all its dimensions but the
/// first. -1 if one of them is dynamic.
int64_t getNumChannels(mlir::Value value);

/// Makes arith and tensor ops answer the channel-scaling interface.
void registerChannelScalingExternalModels(mlir::DialectRegistry &registry);

} // namespace awq

#include "awq/Dialect/AWQ/IR/ChannelScalingInterface.h.inc"

#endif // AWQ_DIALECT_AWQ_IR_CHANNELSCALING_H
