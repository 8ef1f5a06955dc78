//===- FindScalingGroups.cpp - annotates what is scaled together -*- C++
//-*-===//
//
// Part of the awq-mlir project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "awq/Dialect/AWQ/Transforms/Passes.h"
#include "awq/Dialect/AWQ/Transforms/ScalingGroups.h"
#include "mlir/IR/Remarks.h"
#include "llvm/Support/raw_ostream.h"

namespace awq {
#define GEN_PASS_DEF_FINDSCALINGGROUPSPASS
#include "awq/Dialect/AWQ/Transforms/Passes.h.inc"
} // namespace awq

using namespace mlir;
using namespace awq;

static constexpr llvm::StringLiteral kProduces = "awq.produces";
static constexpr llvm::StringLiteral kGroup = "awq.group";

/// "producer -> reader, reader", with a note where channels are tied, or only
/// some are scaled.
static std::string describe(const ScalingGroup &group) {
  std::string text = group.name + " -> ";
  llvm::interleave(
      group.absorbers,
      [&](const Absorber &absorber) {
        text += awq::getOpName(absorber.getOp());
      },
      [&] { text += ", "; });
  int64_t scaled = group.scaled.count();
  if (scaled < group.channels)
    text += " (" + std::to_string(scaled) + " of " +
            std::to_string(group.channels) + " channels)";
  for (const Absorber &absorber : group.absorbers)
    if (int64_t channels = absorber.producerOf.size(); channels > scaled)
      text += " (" + std::to_string(channels) + " channels tied to " +
              std::to_string(scaled) + ")";
  return text;
}

namespace {

struct FindScalingGroups
    : public awq::impl::FindScalingGroupsPassBase<FindScalingGroups> {
  using FindScalingGroupsPassBase::FindScalingGroupsPassBase;

  void runOnOperation() override {
    ModuleOp module = getOperation();
    TargetFilter filter =
        TargetFilter::forModule(module, llvm::to_vector(skip));
    int64_t count = 0;
    for (auto function : module.getOps<func::FuncOp>()) {
      function.walk([](Operation *op) {
        op->removeAttr(kProduces);
        op->removeAttr(kGroup);
      });
      ScalingGroups groups(function, filter);
      for (const ScalingGroup &group : groups.groups())
        count += annotate(group);
      for (const MissedGroup &missed : groups.missed())
        remarkMissed(missed);
      for (const MissedGroup &unread : groups.withoutReaders())
        remarkToOptimizer(unread);
    }
    if (report)
      llvm::errs() << count << " scaling groups\n";
  }

private:
  /// Whether the group counts: some of its readers will be quantized.
  bool annotate(const ScalingGroup &group) {
    if (!group.hasTarget()) {
      note(group.getProducer(),
           "not counted, no reader is to be quantized: " + describe(group));
      return false;
    }
    auto name = StringAttr::get(&getContext(), group.name);
    group.getProducer()->setAttr(kProduces, name);
    for (const Absorber &absorber : group.absorbers)
      absorber.getOp()->setAttr(kGroup, name);
    note(group.getProducer(), "scaling group: " + describe(group));
    return true;
  }

  void note(Operation *op, const std::string &text) {
    if (remarks)
      op->emitRemark(text);
    if (report)
      llvm::errs() << text << "\n";
  }

  static std::string describeMissed(const MissedGroup &missed) {
    return "no scaling group: '" +
           missed.blocker->getName().getStringRef().str() + "' blocks, " +
           missed.reason;
  }

  /// A missed-optimisation remark, seen with -remarks-filter-missed.
  static void remarkToOptimizer(const MissedGroup &missed) {
    remark::missed(missed.op->getLoc(),
                   remark::RemarkOpts::name("ScalingGroup")
                       .category("awq-find-scaling-groups"))
        << awq::getOpName(missed.op) + ": " + describeMissed(missed);
  }

  void remarkMissed(const MissedGroup &missed) {
    std::string text = describeMissed(missed);
    remarkToOptimizer(missed);
    if (remarks)
      missed.op->emitRemark(text).attachNote(missed.blocker->getLoc())
          << "blocked here";
    if (report)
      llvm::errs() << awq::getOpName(missed.op) << ": " << text << "\n";
  }
};

} // namespace
