//===- ScalingGroups.cpp - what is scaled together -*- C++ -*-===//
//
// Part of the awq-mlir project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// A group starts at an op with channel edits. All uses of its result are
// followed through ops that commute with a diagonal, with the composed map from
// channels to the producer's channels. A channel can be scaled if each of its
// uses ends in an op that absorbs; where query, key and value are slices of one
// result, that are those of value.
//
//===----------------------------------------------------------------------===//

#include "awq/Dialect/AWQ/Transforms/ScalingGroups.h"

#include "awq/Dialect/AWQ/IR/Routing.h"
#include "awq/Dialect/AWQ/Transforms/ParameterStore.h"
#include "mlir/Dialect/MLProgram/IR/MLProgram.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/Interfaces/FunctionInterfaces.h"
#include "llvm/ADT/SetVector.h"

using namespace mlir;
using namespace awq;

//===----------------------------------------------------------------------===//
// Names and targets
//===----------------------------------------------------------------------===//

std::string awq::getParameterName(Value value) {
  while (Operation *op = value ? value.getDefiningOp() : nullptr) {
    if (auto load = dyn_cast<ml_program::GlobalLoadConstOp>(op))
      return load.getGlobal().getLeafReference().str();
    if (op->getNumOperands() == 0)
      return "";
    value = op->getOperand(0);
  }
  return "";
}

/// The name in a NameLoc, looked for through call sites and fusions.
static StringRef getLocationName(Location loc) {
  StringRef name;
  loc->walk([&](Location inner) {
    if (auto named = dyn_cast<NameLoc>(inner)) {
      name = named.getName().getValue();
      return WalkResult::interrupt();
    }
    return WalkResult::advance();
  });
  return name;
}

std::string awq::getOpName(Operation *op) {
  if (auto name = op->getAttrOfType<StringAttr>("awq.name"))
    return name.str();
  for (OpOperand &operand : op->getOpOperands()) {
    if (operand.getOperandNumber() == 0 || !isParameter(operand.get()))
      continue;
    // The weight is the first parameter after the input; "x.weight" and
    // "x.codes" both belong to x.
    if (std::string name = getParameterName(operand.get()); !name.empty())
      return StringRef(name).rsplit('.').first.str();
  }
  if (StringRef name = getLocationName(op->getLoc()); !name.empty())
    return name.str();
  // A symbol of any dialect: linears need not be in func.func.
  auto function = op->getParentOfType<FunctionOpInterface>();
  Operation *scope = function;
  if (!scope)
    scope = op->getParentOfType<ModuleOp>();
  int64_t ordinal = 0;
  scope->walk([&](Operation *other) {
    if (other == op)
      return WalkResult::interrupt();
    ordinal += other->getName() == op->getName();
    return WalkResult::advance();
  });
  StringRef scopeName = function ? function.getName() : "module";
  return (scopeName + "." + op->getName().stripDialect() + Twine(ordinal))
      .str();
}

TargetFilter TargetFilter::forModule(ModuleOp module,
                                     ArrayRef<std::string> skip) {
  TargetFilter filter;
  filter.skip.assign(skip.begin(), skip.end());
  for (auto function : module.getOps<func::FuncOp>())
    filter.layersOnly |= function->hasAttr("awq.layer");
  return filter;
}

bool TargetFilter::isTarget(Operation *op) const {
  if (!isa<LinearOp, QuantizedLinearOp>(op))
    return false;
  if (layersOnly && !op->getParentOfType<func::FuncOp>()->hasAttr("awq.layer"))
    return false;
  if (llvm::any_of(op->getUsers(), [](Operation *user) {
        return user->hasTrait<ReadsExactly>();
      }))
    return false;
  std::string name = getOpName(op);
  return llvm::none_of(skip, [&](const std::string &part) {
    return !part.empty() && StringRef(name).contains(part);
  });
}

//===----------------------------------------------------------------------===//
// Observers
//===----------------------------------------------------------------------===//

/// The operand of the op around a region whose channels are those of
/// `argument`; null if there is none.
static OpOperand *findSource(BlockArgument argument) {
  Operation *op = argument.getOwner()->getParentOp();
  auto scaling = dyn_cast<ChannelScalingOpInterface>(op);
  if (!scaling)
    return nullptr;
  for (OpOperand &operand : op->getOpOperands()) {
    ChannelUse use = scaling.getChannelUse(operand);
    if (use.kind == ChannelUse::Kind::Commutes && use.channelMap.empty() &&
        llvm::is_contained(use.results, argument))
      return &operand;
  }
  return nullptr;
}

OpOperand &awq::traceRegionArgument(OpOperand &use) {
  OpOperand *traced = &use;
  while (auto argument = dyn_cast<BlockArgument>(traced->get())) {
    OpOperand *source = findSource(argument);
    if (!source)
      break;
    traced = source;
  }
  return *traced;
}

ObserveOp awq::findObserver(OpOperand &use) {
  return traceRegionArgument(use).get().getDefiningOp<ObserveOp>();
}

//===----------------------------------------------------------------------===//
// The search
//===----------------------------------------------------------------------===//

/// The channels of the producer that some absorber reads.
static llvm::BitVector findRead(const ScalingGroup &group) {
  llvm::BitVector read(group.channels);
  for (const Absorber &absorber : group.absorbers) {
    if (absorber.producerOf.empty())
      read.set();
    for (int64_t channel : absorber.producerOf)
      read.set(channel);
  }
  return read;
}

namespace {

/// The place of each op in the text of its function, regions included.
using ProgramOrder = llvm::DenseMap<Operation *, unsigned>;

/// Follows one producer's result to all its readers.
class Closure {
public:
  Closure(OpResult produced, const TargetFilter &filter,
          const ProgramOrder &order)
      : filter(filter), order(order) {
    group.produced = produced;
    group.channels = getNumChannels(produced);
    pending.push_back({produced, {}});
    seen.insert(produced);
  }

  void run() {
    while (!pending.empty()) {
      auto [value, producerOf] = pending.pop_back_val();
      for (OpOperand &use : value.getUses())
        follow(use, producerOf);
    }
    // Uses are listed last first; readers are wanted in program order.
    llvm::stable_sort(group.absorbers,
                      [&](const Absorber &a, const Absorber &b) {
                        return isBefore(a.getOp(), b.getOp());
                      });
    group.scaled = findRead(group);
    chooseBlocker();
  }

  ScalingGroup group;
  Operation *blocker = nullptr;
  std::string reason;

private:
  bool isBefore(Operation *a, Operation *b) const {
    return order.lookup(a) < order.lookup(b);
  }

  /// An op that blocks channels of the producer; all if there are none.
  struct Obstacle {
    Operation *op;
    std::string reason;
    SmallVector<int64_t> channels;
  };

  void block(Operation *op, std::string why, ArrayRef<int64_t> producerOf) {
    obstacles.push_back({op, std::move(why), llvm::to_vector(producerOf)});
  }

  /// The first op that blocks a channel which readers absorb. What stands in
  /// the way of other channels does not matter, unless there are no readers.
  void chooseBlocker() {
    for (Obstacle &obstacle : obstacles) {
      bool matters = obstacle.channels.empty() || group.scaled.none() ||
                     llvm::any_of(obstacle.channels, [&](int64_t channel) {
                       return group.scaled.test(channel);
                     });
      if (!matters || (blocker && isBefore(blocker, obstacle.op)))
        continue;
      blocker = obstacle.op;
      reason = std::move(obstacle.reason);
    }
  }

  void follow(OpOperand &use, ArrayRef<int64_t> producerOf) {
    Operation *op = use.getOwner();
    // Scaling changes no sizes.
    if (isa<tensor::DimOp>(op))
      return;
    auto scaling = dyn_cast<ChannelScalingOpInterface>(op);
    if (!scaling)
      return block(op,
                   op->hasTrait<OpTrait::IsTerminator>()
                       ? "the value leaves the function"
                       : "nothing is known about how it treats channels",
                   producerOf);
    ChannelUse channels = scaling.getChannelUse(use);
    switch (channels.kind) {
    case ChannelUse::Kind::Blocks:
      return block(op, channels.reason, producerOf);
    case ChannelUse::Kind::Absorbs:
      return absorb(use, channels, producerOf);
    case ChannelUse::Kind::Commutes:
      for (Value result : channels.results) {
        if (!seen.insert(result).second)
          return block(op, "it would be scaled through two operands", {});
        pending.push_back({result, compose(producerOf, channels)});
      }
    }
  }

  void absorb(OpOperand &use, const ChannelUse &channels,
              ArrayRef<int64_t> producerOf) {
    Operation *op = use.getOwner();
    if (!isParameter(channels.weight->get()))
      return block(op, "its weight is not a constant", producerOf);
    group.absorbers.push_back({&use, channels.weight, channels.axis,
                               llvm::to_vector(producerOf),
                               filter.isTarget(op)});
  }

  static SmallVector<int64_t> compose(ArrayRef<int64_t> producerOf,
                                      const ChannelUse &channels) {
    if (producerOf.empty() || channels.channelMap.empty())
      return llvm::to_vector(producerOf.empty()
                                 ? ArrayRef<int64_t>(channels.channelMap)
                                 : producerOf);
    SmallVector<int64_t> composed;
    for (int64_t channel : channels.channelMap)
      composed.push_back(producerOf[channel]);
    return composed;
  }

  const TargetFilter &filter;
  const ProgramOrder &order;
  SmallVector<Obstacle> obstacles;
  SmallVector<std::pair<Value, SmallVector<int64_t>>> pending;
  llvm::DenseSet<Value> seen;
};

} // namespace

/// Why the channels that `input` reads cannot be scaled: walks back through
/// ops that commute, out of their regions too, to the op that does not.
static MissedGroup explain(Operation *reader, Value input) {
  while (true) {
    auto argument = dyn_cast<BlockArgument>(input);
    Operation *op =
        argument ? argument.getOwner()->getParentOp() : input.getDefiningOp();
    if (isa<func::FuncOp>(op))
      return {reader, reader, "its input is an argument of the function"};
    auto scaling = dyn_cast<ChannelScalingOpInterface>(op);
    if (!scaling)
      return {reader, op, "nothing is known about how it treats channels"};
    Value next;
    std::string reason = "it has no constant to edit";
    for (OpOperand &operand : op->getOpOperands()) {
      ChannelUse use = scaling.getChannelUse(operand);
      if (use.kind == ChannelUse::Kind::Commutes &&
          llvm::is_contained(use.results, input))
        next = operand.get();
      else if (use.kind == ChannelUse::Kind::Blocks &&
               operand.getOperandNumber() == 0)
        reason = use.reason;
    }
    if (!next)
      return {reader, op, reason};
    input = next;
  }
}

/// Whether the constants that scale `result` can be edited.
static bool hasEditableConstants(OpResult result, std::string &reason) {
  auto scaling = dyn_cast<ChannelScalingOpInterface>(result.getOwner());
  SmallVector<ChannelEdit> edits = scaling.getChannelEdits(result);
  for (const ChannelEdit &edit : edits) {
    if (isParameter(edit.operand->get()))
      continue;
    reason = "its constants are not parameters";
    return false;
  }
  return !edits.empty();
}

ScalingGroups::ScalingGroups(func::FuncOp function,
                             const TargetFilter &filter) {
  llvm::SetVector<Operation *> readers;
  llvm::DenseSet<Operation *> covered;
  ProgramOrder order;
  function.walk<WalkOrder::PreOrder>(
      [&](Operation *op) { order.try_emplace(op, order.size()); });
  function.walk([&](ChannelScalingOpInterface op) {
    if (isa<LinearOp>(op.getOperation()))
      readers.insert(op);
    for (OpResult result : op->getResults()) {
      std::string reason;
      // Scales are inserted along dimension 1.
      auto type = dyn_cast<RankedTensorType>(result.getType());
      if (!type || type.getRank() != 2 || type.isDynamicDim(1) ||
          op.getChannelEdits(result).empty())
        continue;
      Closure closure(result, filter, order);
      closure.run();
      if (closure.group.absorbers.empty()) {
        if (closure.blocker)
          unread.push_back({op, closure.blocker, closure.reason});
        continue;
      }
      if (!hasEditableConstants(result, reason)) {
        closure.blocker = op;
        closure.reason = reason;
      }
      for (const Absorber &absorber : closure.group.absorbers)
        covered.insert(absorber.getOp());
      if (closure.blocker) {
        blocked.push_back({op, closure.blocker, closure.reason});
        continue;
      }
      closure.group.name = getOpName(op);
      found.push_back(std::move(closure.group));
    }
  });
  for (Operation *reader : readers)
    if (!covered.contains(reader))
      blocked.push_back(explain(reader, reader->getOperand(0)));
}
