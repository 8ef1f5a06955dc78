//===- Decoder.cpp - a function to blocks, registers and edges ------------===//
//
// Part of the awq-mlir project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Decoder.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/SmallPtrSet.h"
#include "llvm/Analysis/LoopInfo.h"
#include "llvm/IR/CFG.h"
#include "llvm/IR/DebugInfoMetadata.h"
#include "llvm/IR/Dominators.h"
#include "llvm/Support/raw_ostream.h"

using namespace llvm;
using namespace awq::gpusim;

Decoder::Decoder(const Function &function)
    : function(function), layout(function.getParent()->getDataLayout()),
      kernel(std::make_shared<DecodedKernel>()),
      numbers(function.getParent(), /*ShouldInitializeAllMetadata=*/false) {
  numbers.incorporateFunction(function);
}

bool Decoder::fail(const Twine &what) {
  if (error.empty())
    error = what.str();
  return false;
}

std::string awq::gpusim::locationOf(const Instruction &instruction) {
  const DILocation *location = instruction.getDebugLoc().get();
  if (!location || !location->getLine())
    return "";
  return (location->getFilename() + ":" + Twine(location->getLine()) + ":" +
          Twine(location->getColumn()))
      .str();
}

static std::string shorten(StringRef text) {
  std::string trimmed = text.ltrim().str();
  constexpr size_t longest = 140;
  if (trimmed.size() > longest)
    trimmed = trimmed.substr(0, longest) + "...";
  return trimmed;
}

std::string awq::gpusim::textOf(const Instruction &instruction) {
  std::string text;
  raw_string_ostream stream(text);
  instruction.print(stream, /*IsForDebug=*/true);
  return shorten(text);
}

void Decoder::describeSite(const Instruction &instruction) {
  site = static_cast<uint32_t>(kernel->sites.size());
  Site place;
  place.location = locationOf(instruction);
  if (place.location.empty()) {
    raw_string_ostream stream(place.text);
    instruction.print(stream, numbers, /*IsForDebug=*/true);
    place.text = shorten(place.text);
  }
  kernel->sites.push_back(std::move(place));
}

/// Whether some instruction of `function` uses `value`, maybe through
/// constants.
static bool isUsedIn(const Value &value, const Function &function) {
  SmallVector<const User *, 8> work(value.user_begin(), value.user_end());
  SmallPtrSet<const User *, 16> seen;
  while (!work.empty()) {
    const User *user = work.pop_back_val();
    if (!seen.insert(user).second)
      continue;
    if (const auto *instruction = dyn_cast<Instruction>(user)) {
      if (instruction->getFunction() == &function)
        return true;
      continue;
    }
    work.append(user->user_begin(), user->user_end());
  }
  return false;
}

/// Variables of known size first; the launch's dynamic part, which all
/// variables without a size share, comes after them.
void Decoder::layOutSharedMemory() {
  uint64_t end = 0, dynamicAlignment = 16;
  SmallVector<const GlobalVariable *> dynamic;
  for (const GlobalVariable &variable : function.getParent()->globals()) {
    if (variable.getAddressSpace() != 3 || !isUsedIn(variable, function))
      continue;
    uint64_t alignment =
        std::max<uint64_t>(16, variable.getAlign().valueOrOne().value());
    uint64_t bytes = layout.getTypeAllocSize(variable.getValueType());
    if (variable.isDeclaration() || bytes == 0) {
      dynamic.push_back(&variable);
      dynamicAlignment = std::max(dynamicAlignment, alignment);
      continue;
    }
    end = alignTo(end, Align(alignment));
    sharedOffsets[&variable] = end;
    end += bytes;
  }
  if (!dynamic.empty())
    end = alignTo(end, Align(dynamicAlignment));
  for (const GlobalVariable *variable : dynamic)
    sharedOffsets[variable] = end;
  kernel->sharedBytes = static_cast<unsigned>(end);
}

void Decoder::layOutParameters() {
  for (const Argument &argument : function.args()) {
    KernelParameter parameter;
    if (argument.hasByValAttr()) {
      Type *type = argument.getParamByValType();
      Component pointer = allocate(64);
      values[&argument] = {pointer};
      parameter.offset = pointer.offset;
      parameter.bits = 0;
      parameter.bytes = static_cast<unsigned>(layout.getTypeAllocSize(type));
      kernel->parameters.push_back(parameter);
      continue;
    }
    Components &components = define(argument);
    if (components.size() != 1) {
      fail("argument " + Twine(argument.getArgNo()) +
           " is passed in pieces; pass a pointer or a scalar");
      return;
    }
    parameter.offset = components[0].offset;
    parameter.bits = components[0].bits;
    parameter.bytes =
        static_cast<unsigned>(layout.getTypeStoreSize(argument.getType()));
    kernel->parameters.push_back(parameter);
  }
}

/// How many loops around `from` an edge to `to` leaves.
static unsigned loopsLeft(const LoopInfo &loops, const llvm::BasicBlock *from,
                          const llvm::BasicBlock *to) {
  unsigned count = 0;
  for (const Loop *loop = loops.getLoopFor(from); loop && !loop->contains(to);
       loop = loop->getParentLoop())
    ++count;
  return count;
}

/// A reverse post-order that finishes a loop before what follows it: lanes
/// that have left the loop then wait for those that are still inside.
void Decoder::orderBlocks() {
  DominatorTree tree(const_cast<Function &>(function));
  LoopInfo loops(tree);
  struct Visit {
    const llvm::BasicBlock *block;
    SmallVector<const llvm::BasicBlock *, 4> successors;
    size_t next = 0;
  };
  SmallPtrSet<const llvm::BasicBlock *, 32> seen;
  SmallVector<Visit> stack;
  auto enter = [&](const llvm::BasicBlock *block) {
    seen.insert(block);
    Visit visit{block, {successors(block).begin(), successors(block).end()}};
    llvm::stable_sort(visit.successors, [&](auto *x, auto *y) {
      return loopsLeft(loops, block, x) > loopsLeft(loops, block, y);
    });
    stack.push_back(std::move(visit));
  };
  enter(&function.getEntryBlock());
  while (!stack.empty()) {
    Visit &visit = stack.back();
    if (visit.next < visit.successors.size()) {
      const llvm::BasicBlock *next = visit.successors[visit.next++];
      if (!seen.count(next))
        enter(next);
      continue;
    }
    order.push_back(visit.block);
    stack.pop_back();
  }
  std::reverse(order.begin(), order.end());
  for (auto [number, block] : enumerate(order))
    blockNumbers[block] = static_cast<int32_t>(number);
}

/// The copies of an edge; a scratch area when one's target is another's source.
Edge Decoder::makeEdge(const llvm::BasicBlock &from,
                       const llvm::BasicBlock &to) {
  Edge edge;
  edge.block = blockNumbers.lookup(&to);
  for (const PHINode &phi : to.phis()) {
    Components sources = get(*phi.getIncomingValueForBlock(&from));
    const Components &targets = values[&phi];
    for (auto [target, source] : zip(targets, sources))
      if (target.offset != source.offset)
        edge.copies.push_back({target.offset, source.offset, target.bits});
  }
  DenseSet<int32_t> targets;
  for (const Edge::Copy &copy : edge.copies)
    targets.insert(copy.to);
  bool overlaps = any_of(edge.copies, [&](const Edge::Copy &copy) {
    return targets.contains(copy.from);
  });
  if (overlaps) {
    edge.scratch = allocateFixed(64).offset;
    for (size_t i = 1; i < edge.copies.size(); ++i)
      allocateFixed(64);
  }
  return edge;
}

void Decoder::decodeTerminator(const llvm::BasicBlock &block) {
  const Instruction &end = *block.getTerminator();
  describeSite(end);
  current->site = site;
  count(InstructionClass::Control);
  if (isa<ReturnInst>(end)) {
    current->terminator = Terminator::Return;
  } else if (isa<UnreachableInst>(end)) {
    current->terminator = Terminator::Trap;
  } else if (const auto *branch = dyn_cast<BranchInst>(&end)) {
    bool conditional = branch->isConditional();
    current->terminator =
        conditional ? Terminator::Conditional : Terminator::Branch;
    if (conditional)
      current->condition = get(*branch->getCondition())[0].offset;
    // Not successors(), which begins with the false one.
    for (unsigned i = 0; i < branch->getNumSuccessors(); ++i)
      current->successors.push_back(makeEdge(block, *branch->getSuccessor(i)));
  } else if (const auto *choice = dyn_cast<SwitchInst>(&end)) {
    Component condition = get(*choice->getCondition())[0];
    if (condition.bits == 1) {
      fail("a switch on an i1");
      return;
    }
    current->terminator = Terminator::Switch;
    current->condition = condition.offset;
    current->conditionBits = condition.bits;
    current->successors.push_back(makeEdge(block, *choice->getDefaultDest()));
    for (auto way : choice->cases()) {
      current->cases.push_back(way.getCaseValue()->getZExtValue());
      current->successors.push_back(makeEdge(block, *way.getCaseSuccessor()));
    }
  } else {
    fail("terminator: " + textOf(end));
  }
}

std::shared_ptr<DecodedKernel> Decoder::run() {
  kernel->name = function.getName().str();
  // Site 0 is the kernel itself, for defects without a better place.
  kernel->sites.push_back({"", "kernel " + kernel->name});
  layOutSharedMemory();
  layOutParameters();
  orderBlocks();
  kernel->blocks.resize(order.size());
  for (const llvm::BasicBlock *block : order)
    for (const PHINode &phi : block->phis())
      define(phi);
  // Arguments and phis keep their registers.
  recent.clear();
  for (auto [number, block] : enumerate(order)) {
    current = &kernel->blocks[number];
    for (const Instruction &instruction : *block) {
      if (isa<PHINode>(instruction) || instruction.isTerminator())
        continue;
      decodeInstruction(instruction);
      if (!error.empty())
        return nullptr;
      recycle(instruction);
    }
  }
  for (auto [number, block] : enumerate(order)) {
    current = &kernel->blocks[number];
    decodeTerminator(*block);
  }
  if (!error.empty())
    return nullptr;
  checkWgmmaResults(function, kernel->staticFindings);
  return kernel;
}
