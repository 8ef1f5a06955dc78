//===- KernelMutantTest.cpp - kernels without one of their waits ----------===//
//
// Part of the awq-mlir project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Removes, one at a time, each barrier, wait, fence and mbarrier operation from
// the LLVM IR of the kernels. The simulator must complain, or the result be
// wrong, under one of several schedules. What survives has its reason in the
// table `explained`. AWQ_SIMULATED_MUTANTS=all takes every kernel,
// all:CHIP those of one chip.
//
//===----------------------------------------------------------------------===//

#include "FusedProblem.h"
#include "TestKernels.h"

#include "llvm/IR/Constants.h"
#include "llvm/IR/InlineAsm.h"
#include "llvm/IR/InstIterator.h"
#include "llvm/IR/Instructions.h"
#include "llvm/IR/Module.h"

#include <gtest/gtest.h>

#include <cstdio>
#include <cstdlib>
#include <iterator>

using namespace awq;
using namespace awq::gpusim;
using namespace awq::gpusim::test;

namespace {

/// Operations that survive, and why they are there nevertheless.
struct Explanation {
  const char *operation;
  const char *reason;
};

constexpr Explanation explained[] = {
    {"griddepcontrol.launch.dependents",
     "lets the next kernel start early; without it that one starts late"},
    {"bar.warp.sync",
     "lanes of a warp may run apart on a GPU, so that lane 0 would speak for "
     "lanes that are not there yet; the simulator's lanes run together"},
    {"wgmma.commit_group.sync.aligned", "its products join the next group, for "
                                        "which the last wait waits too; only "
                                        "registers are free later"},
    {"wgmma.wait_group.sync.aligned", "frees the registers of fragments early; "
                                      "results have a wait of their own"},
    {"fence.mbarrier_init.release.cluster",
     "shows new mbarriers to bulk copies, which may act before the stores of a "
     "thread on a GPU; the simulator has no such delay"},
};

const char *explain(llvm::StringRef operation) {
  for (const Explanation &each : explained)
    if (operation == each.operation)
      return each.reason;
  return nullptr;
}

/// What is removed, or empty for an instruction that orders nothing.
std::string operationOf(const llvm::Instruction &instruction) {
  if (llvm::isa<llvm::FenceInst>(instruction))
    return "fence";
  auto *call = llvm::dyn_cast<llvm::CallInst>(&instruction);
  if (!call)
    return "";
  std::string text;
  if (call->isInlineAsm())
    text = llvm::cast<llvm::InlineAsm>(call->getCalledOperand())
               ->getAsmString()
               .str();
  else if (const llvm::Function *callee = call->getCalledFunction())
    text = callee->getName().str();
  llvm::StringRef name(text);
  for (const char *word : {"barrier", "wait", "fence", "commit", "bar.warp",
                           "griddepcontrol", "membar"})
    if (name.contains(word)) {
      name.consume_front("llvm.nvvm.");
      return name.str();
    }
  return "";
}

std::vector<llvm::Instruction *> sitesOf(llvm::Function &function) {
  std::vector<llvm::Instruction *> sites;
  for (llvm::Instruction &instruction : llvm::instructions(function))
    if (!operationOf(instruction).empty())
      sites.push_back(&instruction);
  return sites;
}

void erase(llvm::Instruction &instruction) {
  llvm::Type *type = instruction.getType();
  if (auto *call = llvm::dyn_cast<llvm::CallInst>(&instruction);
      call && call->isInlineAsm() && type->isStructTy()) {
    // A wait through which values go: they go on, but nobody waits.
    auto *text = llvm::cast<llvm::InlineAsm>(call->getCalledOperand());
    call->setCalledOperand(llvm::InlineAsm::get(text->getFunctionType(), "",
                                                text->getConstraintString(),
                                                text->hasSideEffects()));
    return;
  }
  if (type->isIntegerTy(1))
    instruction.replaceAllUsesWith(llvm::ConstantInt::getTrue(type));
  else if (!type->isVoidTy())
    instruction.replaceAllUsesWith(llvm::Constant::getNullValue(type));
  instruction.eraseFromParent();
}

/// A run that passes through all of a kernel: tiles shared by blocks, blocks
/// with several segments, all stages of the ring several times, odd ends.
struct Trial {
  FusedProblem problem;
  unsigned blocks;
  std::vector<double> exact;
};

std::vector<Trial> makeTrials(const LinearKind &kind, bool bf16,
                              const LinearKernels &launch) {
  int64_t tokens = launch.maxTokens, twoTiles = launch.tileRows + 72;
  std::mt19937 random(7);
  QuantScheme scheme;
  scheme.group = kind.group;
  scheme.symmetric = kind.symmetric;
  std::vector<Trial> trials;
  for (auto [m, n, k, blocks] :
       {std::tuple(tokens, twoTiles, 1664, 1u),
        std::tuple(tokens, twoTiles, 1664, 3u),
        std::tuple(tokens + 3, launch.tileRows + 8, 896, 2u)})
    trials.push_back(
        {FusedProblem(kind,
                      LinearProblem(scheme, m, n, k, kind.bias, bf16, random),
                      random),
         blocks,
         {}});
  for (Trial &trial : trials)
    trial.exact = trial.problem.exact();
  return trials;
}

std::vector<SimulatorOptions> makeSchedules() {
  std::vector<SimulatorOptions> schedules;
  for (uint64_t seed : {0, 1, 2})
    for (CopyDelivery delivery : {CopyDelivery::Late, CopyDelivery::AtOnce}) {
      SimulatorOptions options;
      options.races = true;
      options.seed = seed;
      options.delivery = delivery;
      schedules.push_back(options);
    }
  return schedules;
}

/// What is wrong with the program: a kind of finding, or "wrong result", or
/// nothing.
std::string defectOf(const LinearProgram &program,
                     const std::vector<Trial> &trials) {
  for (const Trial &trial : trials)
    for (const SimulatorOptions &options : makeSchedules()) {
      const LinearProblem &problem = trial.problem.linear;
      SimulatedLinear linear(program, problem.weight(), problem.m, trial.blocks,
                             trial.problem.fusion());
      std::vector<uint16_t> y(problem.m * trial.problem.columns());
      Result<Report> report = linear.run(problem.x.data(), y.data(), options);
      if (!report)
        return report.error().str();
      if (!report->findings.empty())
        return report->findings[0].kind;
      if (!report->completed)
        return "not completed";
      if (!linear.hasCleanTickets())
        return "tickets left";
      if (problem.worstRow(trial.exact, y) > trial.problem.errorBound())
        return "wrong result";
    }
  return "";
}

KernelModule parse(const CompiledKernels &compiled) {
  Result<KernelModule> module = KernelModule::parse(compiled.bitcode);
  if (!module) {
    ADD_FAILURE() << module.error().str();
    std::abort();
  }
  return std::move(*module);
}

LinearProgram load(const KernelModule &module, const LinearKernels &launch) {
  Result<LinearProgram> program = LinearProgram::load(module, launch);
  if (!program) {
    ADD_FAILURE() << program.error().str();
    std::abort();
  }
  return *program;
}

struct Tally {
  unsigned mutants = 0, reported = 0, explained = 0;
};

/// Mutates one kernel of the pair at each of its sites.
void mutate(const CompiledKernels &compiled, const LinearKernels &launch,
            const std::string &kernel, const std::vector<Trial> &trials,
            const std::string &chip, Tally &tally) {
  KernelModule original = parse(compiled);
  size_t count = sitesOf(*original.module().getFunction(kernel)).size();
  for (size_t i = 0; i < count; ++i) {
    KernelModule module = parse(compiled);
    llvm::Instruction *site = sitesOf(*module.module().getFunction(kernel))[i];
    std::string operation = operationOf(*site);
    erase(*site);
    std::string defect = defectOf(load(module, launch), trials);
    const char *reason = explain(operation);
    ++tally.mutants;
    tally.reported += !defect.empty();
    tally.explained += defect.empty() && reason;
    std::printf("%-7s %-34s %2zu %-42s %s\n", chip.c_str(), kernel.c_str(), i,
                operation.c_str(),
                !defect.empty() ? defect.c_str()
                : reason        ? (std::string("survives: ") + reason).c_str()
                                : "SURVIVES");
    EXPECT_TRUE(!defect.empty() || reason)
        << kernel << " for " << chip << " without " << operation << ", number "
        << i << ", behaves as before";
  }
}

void mutateKind(const KernelOptions &options, const LinearKind &kind,
                unsigned bucket, Tally &tally) {
  CompiledKernels compiled = compileKinds({kind}, options);
  const LinearKernels &launch = compiled.linears[0][bucket];
  std::vector<Trial> trials =
      makeTrials(kind, options.activations == "bf16", launch);
  std::string defect = defectOf(load(parse(compiled), launch), trials);
  ASSERT_EQ(defect, "") << launch.kernel << " for " << options.chip;
  // What is fused changes nothing in how a linear copies and computes.
  if (!kind.isFused())
    mutate(compiled, launch, launch.kernel, trials, options.chip, tally);
  mutate(compiled, launch, launch.pack, trials, options.chip, tally);
}

TEST(KernelMutants, NoneSurvivesUnexplained) {
  const char *extent = std::getenv("AWQ_SIMULATED_MUTANTS");
  auto [which, only] = llvm::StringRef(extent ? extent : "").split(':');
  bool all = which == "all";
  Tally tally;
  std::printf("%-7s %-34s %2s %-42s %s\n", "chip", "kernel", "", "removed",
              "consequence");
#ifdef __SANITIZE_ADDRESS__
  const std::vector<const char *> mutated = {"sm_90a"};
#else
  const std::vector<const char *> mutated(std::begin(chips), std::end(chips));
#endif
  for (const char *chip : mutated) {
    if (!only.empty() && only != chip)
      continue;
    for (const char *mode : modes)
      for (const char *type : activationTypes) {
        KernelOptions options{chip, mode, type};
        std::vector<LinearKind> kinds = allKinds();
        // The norm is the one part of a fused linear that synchronises.
        LinearKind fused;
        fused.norm = true;
        kinds.push_back(fused);
        for (size_t i = 0; i < kinds.size(); ++i)
          for (unsigned bucket = 0; bucket < bucketCount(mode); ++bucket) {
            // Without "all": the synchronisation of a kernel depends on how it
            // copies and computes, not on what it computes, and hardly on how
            // many tokens at a time. Bucket 3 of sm_90a is by wgmma.
            bool usual = llvm::StringRef(type) == "f16" &&
                         llvm::StringRef(mode) != "exact" && bucket % 3 == 0;
            // It differs where kernels wait for each other.
            if (llvm::StringRef(mode) == "dequantize")
              usual &= llvm::StringRef(chip) == "sm_90a";
            bool once = !kinds[i].isFused() || bucket == 0;
            if (all || (kinds[i].group == 128 && !kinds[i].symmetric &&
                        !kinds[i].bias && usual && once))
              mutateKind(options, kinds[i], bucket, tally);
          }
      }
  }
  std::printf("%u mutants: %u reported, %u explained\n", tally.mutants,
              tally.reported, tally.explained);
}

} // namespace
