//===- WgmmaResults.cpp - results of wgmma must not be touched too early --===//
//
// Part of the awq-mlir project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Decoder.h"

#include "llvm/ADT/SmallPtrSet.h"
#include "llvm/IR/CFG.h"
#include "llvm/IR/InlineAsm.h"

#include <optional>
#include <set>

using namespace llvm;
using namespace awq::gpusim;

static bool isWgmma(const Instruction &instruction) {
  const auto *call = dyn_cast<CallInst>(&instruction);
  if (!call || !call->isInlineAsm())
    return false;
  StringRef text = cast<InlineAsm>(call->getCalledOperand())->getAsmString();
  return text.contains("wgmma.mma_async");
}

/// The groups that may be in flight after a wait, if it is one.
static std::optional<uint64_t> groupsLeft(const Instruction &instruction) {
  const auto *call = dyn_cast<CallInst>(&instruction);
  if (!call)
    return std::nullopt;
  if (!call->isInlineAsm()) {
    if (!call->getCalledFunction() ||
        call->getCalledFunction()->getName() !=
            "llvm.nvvm.wgmma.wait_group.sync.aligned")
      return std::nullopt;
    const auto *left = dyn_cast<ConstantInt>(call->getArgOperand(0));
    return left ? std::optional(left->getZExtValue()) : std::nullopt;
  }
  StringRef text = cast<InlineAsm>(call->getCalledOperand())->getAsmString();
  uint64_t left = 0;
  if (!text.consume_front("wgmma.wait_group.sync.aligned ") ||
      text.consumeInteger(10, left))
    return std::nullopt;
  return left;
}

static StringRef calledIntrinsic(const Instruction &instruction) {
  const auto *call = dyn_cast<CallInst>(&instruction);
  if (!call || !call->getCalledFunction())
    return "";
  return call->getCalledFunction()->getName();
}

/// The instructions that use the accumulators in flight for something else
/// than another wgmma; names for the same registers are followed.
static SmallPtrSet<const Instruction *, 16> realUses(const Instruction &start) {
  SmallPtrSet<const Instruction *, 16> uses;
  SmallPtrSet<const Value *, 16> seen;
  SmallVector<const Value *> work = {&start};
  while (!work.empty()) {
    const Value *value = work.pop_back_val();
    if (!seen.insert(value).second)
      continue;
    for (const User *user : value->users()) {
      const auto *instruction = dyn_cast<Instruction>(user);
      if (!instruction || isWgmma(*instruction))
        continue;
      if (isa<ExtractValueInst, InsertValueInst, PHINode, FreezeInst>(
              instruction))
        work.push_back(instruction);
      else
        uses.insert(instruction);
    }
  }
  return uses;
}

namespace {
/// Where execution is after a wgmma, and how many groups were committed since.
struct Point {
  const llvm::BasicBlock *block;
  llvm::BasicBlock::const_iterator at;
  unsigned commits;
};
} // namespace

/// Follows every path from a wgmma to the wait that ends it.
static const Instruction *
firstEarlyUse(const Instruction &start,
              const SmallPtrSet<const Instruction *, 16> &uses) {
  constexpr unsigned manyCommits = 9;
  std::set<std::pair<const llvm::BasicBlock *, unsigned>> seen;
  SmallVector<Point> work = {
      {start.getParent(), std::next(start.getIterator()), 0}};
  while (!work.empty()) {
    Point point = work.pop_back_val();
    bool finished = false;
    for (auto at = point.at, end = point.block->end(); at != end; ++at) {
      // A wait may name the results itself, so that nothing that uses them
      // gets ahead of it.
      std::optional<uint64_t> left = groupsLeft(*at);
      if (left && point.commits > *left) {
        finished = true;
        break;
      }
      if (uses.count(&*at))
        return &*at;
      if (calledIntrinsic(*at) == "llvm.nvvm.wgmma.commit_group.sync.aligned")
        point.commits = std::min(point.commits + 1, manyCommits);
    }
    if (finished)
      continue;
    for (const llvm::BasicBlock *next : successors(point.block))
      if (seen.insert({next, point.commits}).second)
        work.push_back({next, next->begin(), point.commits});
  }
  return nullptr;
}

/// The instruction that makes a register which `start` reads, if no wgmma.fence
/// comes between the two. Only the wgmma's own block is looked at.
static const Instruction *unfencedOperand(const Instruction &start) {
  const auto &call = cast<CallInst>(start);
  SmallPtrSet<const Value *, 8> operands;
  for (const Use &operand : call.args())
    if (operand->getType()->isIntegerTy(32))
      operands.insert(operand);
  for (auto at = start.getReverseIterator(), end = start.getParent()->rend();
       at != end; ++at) {
    if (calledIntrinsic(*at) == "llvm.nvvm.wgmma.fence.sync.aligned")
      return nullptr;
    if (operands.count(&*at))
      return &*at;
  }
  return nullptr;
}

static std::string placeOf(const Instruction &at) {
  std::string location = locationOf(at);
  return location.empty() ? textOf(at) : location;
}

static Finding makeFinding(const char *kind, const char *message,
                           const Instruction &at, const Instruction &other) {
  Finding finding;
  finding.kind = kind;
  finding.message = message;
  finding.location = placeOf(at);
  finding.otherLocation = placeOf(other);
  return finding;
}

void awq::gpusim::checkWgmmaResults(const Function &function,
                                    std::vector<Finding> &findings) {
  for (const llvm::BasicBlock &block : function)
    for (const Instruction &instruction : block) {
      if (!isWgmma(instruction))
        continue;
      if (const Instruction *made = unfencedOperand(instruction))
        findings.push_back(makeFinding(
            "wgmma-not-fenced",
            "no wgmma.fence comes between the last change of its registers and "
            "this wgmma",
            instruction, *made));
      if (const Instruction *use =
              firstEarlyUse(instruction, realUses(instruction)))
        findings.push_back(
            makeFinding("wgmma-result-early",
                        "a result of wgmma is used although on some path no "
                        "wgmma.wait_group comes before",
                        *use, instruction));
    }
}
