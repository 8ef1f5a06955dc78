//===- ScalingGroups.h - what is scaled together -*- C++ -*-===//
//
// Part of the awq-mlir project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef AWQ_DIALECT_AWQ_TRANSFORMS_SCALINGGROUPS_H
#define AWQ_DIALECT_AWQ_TRANSFORMS_SCALINGGROUPS_H

#include "awq/Dialect/AWQ/IR/AWQ.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "llvm/ADT/BitVector.h"

#include <string>
#include <vector>

namespace awq {

/// A reader of scaled channels that compensates the scaling in its weight.
struct Absorber {
  /// The operand that reads the scaled value.
  mlir::OpOperand *input = nullptr;
  /// The weight that is multiplied by s along `axis`.
  mlir::OpOperand *weight = nullptr;
  int64_t axis = 0;
  /// Producer channel of each channel of the input; empty for the identity.
  llvm::SmallVector<int64_t> producerOf;
  /// Whether the weight is going to be quantized.
  bool target = false;

  mlir::Operation *getOp() const { return input->getOwner(); }
};

/// A producer whose channels can be divided by s while all readers multiply
/// their weights by s: the function computes the same. Channels that no reader
/// absorbs stay as they are.
struct ScalingGroup {
  /// The name of the producer (getOpName).
  std::string name;
  mlir::OpResult produced;
  /// Channels of `produced`.
  int64_t channels = 0;
  llvm::SmallVector<Absorber> absorbers;
  /// The channels of `produced` that are scaled.
  llvm::BitVector scaled;

  mlir::Operation *getProducer() const { return produced.getOwner(); }
  bool hasTarget() const {
    return llvm::any_of(absorbers, [](const Absorber &a) { return a.target; });
  }
};

/// A value that linears read, but that cannot be scaled.
struct MissedGroup {
  /// The op that could have produced scaled channels, or the reader for whose
  /// input no such op was found.
  mlir::Operation *op = nullptr;
  /// The op that stands in the way.
  mlir::Operation *blocker = nullptr;
  std::string reason;
};

/// Which linears are to be quantized.
struct TargetFilter {
  /// Linears with a name that contains one of these are not.
  llvm::SmallVector<std::string> skip;
  /// Only linears in functions with the attribute `awq.layer`; set by
  /// forModule() if the module has such functions.
  bool layersOnly = false;

  static TargetFilter forModule(mlir::ModuleOp module,
                                llvm::ArrayRef<std::string> skip = {});
  bool isTarget(mlir::Operation *linear) const;
};

/// The scaling groups of one function, from its def-use chains and the
/// ChannelScalingOpInterface alone.
class ScalingGroups {
public:
  ScalingGroups(mlir::func::FuncOp function, const TargetFilter &filter);

  /// In the order of their producers in the function.
  llvm::ArrayRef<ScalingGroup> groups() const { return found; }
  llvm::ArrayRef<MissedGroup> missed() const { return blocked; }
  /// Producers whose channels go through an op that blocks before any reader.
  llvm::ArrayRef<MissedGroup> withoutReaders() const { return unread; }

private:
  std::vector<ScalingGroup> found;
  std::vector<MissedGroup> blocked;
  std::vector<MissedGroup> unread;
};

/// The use through which `use` reads its value: its own, or if that is an
/// argument of a region whose channels are an operand's (tokens of an expert),
/// the use of that operand.
mlir::OpOperand &traceRegionArgument(mlir::OpOperand &use);

/// The observer whose statistics count for what `use` reads; null if there is
/// none. Those of all tokens stand for those that an expert gets.
ObserveOp findObserver(mlir::OpOperand &use);

/// The name of an op for users and files: its attribute `awq.name`, else the
/// name of its weight in the files up to the last dot, else its location's
/// name, else its own name and its ordinal in the function.
std::string getOpName(mlir::Operation *op);

/// The global that a parameter expression reads first; "" for constants.
std::string getParameterName(mlir::Value value);

} // namespace awq

#endif // AWQ_DIALECT_AWQ_TRANSFORMS_SCALINGGROUPS_H
