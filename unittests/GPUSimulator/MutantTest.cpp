//===- MutantTest.cpp - a defect put into a kernel must be reported -------===//
//
// Part of the awq-mlir project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "SampleKernels.h"

#include "llvm/IR/IRBuilder.h"
#include "llvm/IR/InstIterator.h"
#include "llvm/IR/Module.h"
#include "llvm/Transforms/Utils/BasicBlockUtils.h"

#include <gtest/gtest.h>

#include <cstdio>

using namespace awq::gpusim;
using namespace awq::gpusim::test;

namespace {

using Runner = Outcome (*)(const SimulatorOptions &, const Mutation &);

SimulatorOptions withRaces(CopyDelivery delivery) {
  SimulatorOptions options;
  options.races = true;
  options.delivery = delivery;
  return options;
}

/// Calls f for each call whose callee's name contains `what`.
template <typename F>
void eachCall(llvm::Module &module, const std::string &what, F f) {
  std::vector<llvm::CallInst *> found;
  for (llvm::Function &function : module)
    for (llvm::Instruction &instruction : llvm::instructions(function))
      if (auto *call = llvm::dyn_cast<llvm::CallInst>(&instruction))
        if (call->getCalledFunction() &&
            call->getCalledFunction()->getName().contains(what))
          found.push_back(call);
  ASSERT_FALSE(found.empty()) << what;
  for (llvm::CallInst *call : found)
    f(*call);
}

Mutation erase(const std::string &what) {
  return [what](llvm::Module &module) {
    EXPECT_NE(eraseCalls(module, what), 0u) << what;
  };
}

Mutation setOperand(const std::string &what, unsigned operand, int64_t value) {
  return [=](llvm::Module &module) {
    eachCall(module, what, [&](llvm::CallInst &call) {
      call.setArgOperand(operand,
                         llvm::ConstantInt::get(
                             call.getArgOperand(operand)->getType(), value));
    });
  };
}

/// Moves each barrier of the loop behind the copies that the iteration starts.
void delayBarrier(llvm::Module &module) {
  std::vector<llvm::Instruction *> barriers, commits;
  eachCall(module, "barrier.cta.sync",
           [&](llvm::CallInst &call) { barriers.push_back(&call); });
  eachCall(module, "cp.async.commit",
           [&](llvm::CallInst &call) { commits.push_back(&call); });
  ASSERT_GE(commits.size(), barriers.size());
  size_t prologue = commits.size() - barriers.size();
  for (size_t i = 0; i < barriers.size(); ++i)
    barriers[i]->moveAfter(commits[prologue + i]);
}

/// Three of four warps pass one barrier more than the last.
void addDivergentBarrier(llvm::Module &module) {
  llvm::CallInst *first = nullptr;
  eachCall(module, "barrier.cta.sync",
           [&](llvm::CallInst &call) { first = first ? first : &call; });
  llvm::Value *thread = nullptr;
  eachCall(module, "sreg.tid.x", [&](llvm::CallInst &call) { thread = &call; });
  llvm::IRBuilder<> builder(first);
  llvm::Value *some = builder.CreateICmpULT(thread, builder.getInt32(96));
  llvm::Instruction *then = llvm::SplitBlockAndInsertIfThen(
      some, first->getIterator(), /*Unreachable=*/false);
  first->clone()->insertBefore(then->getIterator());
}

/// Some lanes of a warp pass a barrier that others do not.
void addBarrierForLanes(llvm::Module &module) {
  llvm::CallInst *first = nullptr;
  eachCall(module, "barrier.cta.sync",
           [&](llvm::CallInst &call) { first = first ? first : &call; });
  llvm::Value *thread = nullptr;
  eachCall(module, "sreg.tid.x", [&](llvm::CallInst &call) { thread = &call; });
  llvm::IRBuilder<> builder(first);
  llvm::Value *some = builder.CreateICmpULT(thread, builder.getInt32(100));
  llvm::Instruction *then = llvm::SplitBlockAndInsertIfThen(
      some, first->getIterator(), /*Unreachable=*/false);
  first->moveBefore(then->getIterator());
}

/// The output begins one column late.
void shiftOutput(llvm::Module &module) {
  for (llvm::Function &function : module) {
    if (function.isDeclaration())
      continue;
    llvm::Argument *output = function.getArg(function.arg_size() - 1);
    llvm::IRBuilder<> builder(&*function.getEntryBlock().begin());
    auto *shifted = llvm::cast<llvm::Instruction>(
        builder.CreateConstGEP1_64(builder.getFloatTy(), output, 1));
    output->replaceUsesWithIf(
        shifted, [&](llvm::Use &use) { return use.getUser() != shifted; });
  }
}

struct Mutant {
  const char *kernel;
  const char *name;
  Runner run;
  Mutation mutation;
  /// The kind of finding that it must cause.
  const char *expected;
  CopyDelivery delivery = CopyDelivery::Late;
};

std::vector<Mutant> mutants() {
  return {
      {"w4_ring", "no cp.async.wait_group", runRing,
       erase("cp.async.wait.group"), "async-pending"},
      {"w4_ring", "waits for a group too few", runRing,
       setOperand("cp.async.wait.group", 0, 2), "async-pending"},
      {"w4_ring", "no barrier in the loop", runRing, erase("barrier.cta.sync"),
       "race-"},
      {"w4_ring", "barrier after the copies", runRing, delayBarrier, "race-"},
      {"w4_ring", "barrier for 96 of 128 threads", runRing, addDivergentBarrier,
       "barrier-after-exit"},
      {"w4_ring", "barrier for 100 of 128 threads", runRing, addBarrierForLanes,
       "divergent-aligned"},
      {"w4_ring", "output one column late", runRing, shiftOutput,
       "out-of-bounds-global"},
      {"w4_specialised", "expects too few bytes", runSpecialised,
       setOperand("arrive.expect.tx", 1, 3056), "deadlock"},
      {"w4_specialised", "producer ignores empty", runSpecialised,
       erase("llvm.nvvm.mbarrier.try.wait.parity"), "async-pending"},
      {"w4_specialised", "consumers ignore full", runSpecialised,
       erase("try_wait.parity.shared"), "async-pending"},
      {"w4_specialised", "consumers ignore full, copies at once",
       runSpecialised, erase("try_wait.parity.shared"), "race-",
       CopyDelivery::AtOnce},
      {"w4_specialised", "no wgmma.fence", runSpecialised, erase("wgmma.fence"),
       "wgmma-not-fenced"},
      {"w4_specialised", "no wgmma.wait_group", runSpecialised,
       erase("wgmma.wait_group"), "wgmma-result-early"},
      {"w4_specialised", "mbarriers used before a barrier", runSpecialised,
       erase("barrier.cta.sync"), "race-read-after-write"},
      {"exchange", "no synchronisation at all", runExchange,
       erase("barrier.cta.sync"), "race-within-warp"},
  };
}

TEST(Mutants, KernelsAsTheyAreAreClean) {
  for (CopyDelivery delivery : {CopyDelivery::Late, CopyDelivery::AtOnce})
    for (Runner run : {runRing, runSpecialised, runExchange}) {
      Outcome outcome = run(withRaces(delivery), nullptr);
      EXPECT_TRUE(outcome.report.clean()) << outcome.report.text(false);
      // Sums of 256 products in fp32.
      EXPECT_LT(outcome.error, 1e-6);
    }
}

TEST(Mutants, EachIsReported) {
  std::printf("%-15s %-40s %-28s %-8s %s\n", "kernel", "mutant", "reported",
              "result", "where");
  for (const Mutant &mutant : mutants()) {
    Outcome outcome = mutant.run(withRaces(mutant.delivery), mutant.mutation);
    EXPECT_TRUE(outcome.report.has(mutant.expected))
        << mutant.kernel << ", " << mutant.name << ": "
        << outcome.report.text(false);
    const Finding *shown = nullptr;
    for (const Finding &finding : outcome.report.findings)
      if (!shown && finding.kind.find(mutant.expected) == 0)
        shown = &finding;
    std::printf("%-15s %-40s %-28s %-8s %s\n", mutant.kernel, mutant.name,
                shown ? shown->kind.c_str() : "NOTHING",
                outcome.error < 1e-6 ? "right" : "wrong",
                shown ? (shown->location +
                         (shown->otherLocation.empty() ? "" : " with ") +
                         shown->otherLocation)
                            .c_str()
                      : "");
  }
}

/// A synchronisation of the warp is enough for an exchange within it.
TEST(Mutants, WarpBarrierIsEnoughWithinAWarp) {
  Outcome outcome =
      runExchange(withRaces(CopyDelivery::Late), [](llvm::Module &module) {
        eachCall(module, "barrier.cta.sync", [&](llvm::CallInst &call) {
          llvm::IRBuilder<> builder(&call);
          auto *type = llvm::FunctionType::get(builder.getVoidTy(),
                                               {builder.getInt32Ty()}, false);
          builder.CreateCall(
              module.getOrInsertFunction("llvm.nvvm.bar.warp.sync", type),
              {builder.getInt32(-1)});
          call.eraseFromParent();
        });
      });
  EXPECT_TRUE(outcome.report.clean()) << outcome.report.text(false);
  EXPECT_EQ(outcome.error, 0);
}

} // namespace
