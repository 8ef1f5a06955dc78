//===- PTXMemory.cpp - inline PTX that moves data and orders it -----------===//
//
// Part of the awq-mlir project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "PTXDecoder.h"
#include "Races.h"

#include "llvm/ADT/StringSwitch.h"

using namespace llvm;
using namespace awq::gpusim;

namespace {
/// What the parts of a memory instruction's opcode say.
struct MemoryParts {
  unsigned space = 0;
  unsigned vector = 1;
  unsigned order = GlobalShadow::Relaxed;
  bool atomic = false;
  bool blockScope = false;
  std::optional<PTXType> type;
  std::optional<AtomicOp> op;
  bool known = true;
};
} // namespace

static std::optional<AtomicOp> atomicOp(StringRef part) {
  return StringSwitch<std::optional<AtomicOp>>(part)
      .Case("add", AtomicOp::Add)
      .Case("and", AtomicOp::And)
      .Case("or", AtomicOp::Or)
      .Case("xor", AtomicOp::Xor)
      .Case("min", AtomicOp::Min)
      .Case("max", AtomicOp::Max)
      .Case("exch", AtomicOp::Exchange)
      .Case("cas", AtomicOp::CompareExchange)
      .Case("inc", AtomicOp::Increment)
      .Case("dec", AtomicOp::Decrement)
      .Default(std::nullopt);
}

static void readPart(StringRef part, MemoryParts &parts) {
  if (part == "global")
    parts.space = 1;
  else if (part.starts_with("shared"))
    parts.space = 3;
  else if (part == "v2" || part == "v4" || part == "v8")
    parts.vector = part[1] - '0';
  else if (part == "acquire" || part == "release" || part == "acq_rel") {
    parts.atomic = true;
    parts.order = part == "acquire"   ? GlobalShadow::Acquire
                  : part == "release" ? GlobalShadow::Release
                                      : GlobalShadow::AcquireRelease;
  } else if (part == "relaxed" || part == "volatile")
    parts.atomic = true;
  else if (part == "cta")
    parts.blockScope = true;
  else if (part == "nc" || part == "gpu" || part == "sys" || part == "weak" ||
           part == "noftz" || part == "ca" || part == "cg" || part == "cs" ||
           part == "cv" || part == "lu" || part == "wb" || part == "wt" ||
           part.starts_with("L1::") || part.starts_with("L2::"))
    return;
  else if (std::optional<PTXType> type = ptxType(part))
    parts.type = type;
  else if (std::optional<AtomicOp> op = atomicOp(part))
    parts.op = op;
  else
    parts.known = false;
}

static MemoryParts readParts(const PTXStatement &statement) {
  MemoryParts parts;
  for (size_t i = 1; i < statement.parts.size(); ++i)
    readPart(statement.parts[i], parts);
  return parts;
}

bool PTXDecoder::decodeMemory(const PTXStatement &statement) {
  bool isLoad = statement.parts[0] == "ld";
  if ((!isLoad && statement.parts[0] != "st") || statement.operands.size() < 2)
    return false;
  MemoryParts parts = readParts(statement);
  const PTXOperand &value = statement.operands[isLoad ? 0 : 1];
  const PTXOperand &place = statement.operands[isLoad ? 1 : 0];
  if (!parts.known || !parts.type || parts.op ||
      place.kind != PTXOperand::Address ||
      (parts.type->isSigned && parts.type->width < 32))
    return false;
  SmallVector<std::string> names(value.parts.begin(), value.parts.end());
  if (value.kind == PTXOperand::Atom)
    names = {value.text};
  if (names.size() != parts.vector)
    return false;
  Component pointer = address(place);
  int32_t bits = parts.type->bits();
  unsigned bytes = parts.type->width / 8;
  if (parts.atomic && parts.vector == 1) {
    Component x = isLoad ? write(names[0], bits) : read(names[0], bits);
    Decoder::AtomicShape shape{parts.type->width, std::nullopt, false};
    return decoder.emitAtomic(isLoad ? AtomicOp::Load : AtomicOp::Store, shape,
                              isLoad ? x : Component{}, pointer, parts.space,
                              isLoad ? Component{} : x, {}, parts.order,
                              parts.blockScope);
  }
  if (parts.atomic)
    return false;
  SmallVector<int32_t> list;
  for (const std::string &name : names) {
    Component x = isLoad ? write(name, bits) : read(name, bits);
    list.append({x.offset, int32_t(bytes)});
  }
  unsigned total = bytes * parts.vector;
  decoder
      .emitList(isLoad ? load : store, list,
                AccessBits::make(total, total, parts.space, pointer.bits == 32))
      .a = pointer.offset;
  decoder.count(decoder.memoryClass(parts.space, !isLoad));
  return true;
}

bool PTXDecoder::decodeAtomic(const PTXStatement &statement) {
  bool hasResult = statement.parts[0] == "atom";
  if (!hasResult && statement.parts[0] != "red")
    return false;
  MemoryParts parts = readParts(statement);
  size_t first = hasResult ? 1 : 0;
  if (!parts.known || !parts.type || !parts.op || parts.vector != 1 ||
      statement.operands.size() < first + 2)
    return false;
  AtomicOp op = *parts.op;
  if (parts.type->kind) {
    if (op != AtomicOp::Add)
      return false;
    op = AtomicOp::FAdd;
  } else if (!parts.type->isSigned && op == AtomicOp::Min) {
    op = AtomicOp::UMin;
  } else if (!parts.type->isSigned && op == AtomicOp::Max) {
    op = AtomicOp::UMax;
  }
  int32_t bits = parts.type->bits();
  Component pointer = address(statement.operands[first]);
  Component value = operandAt(statement, first + 1, bits), other;
  if (op == AtomicOp::CompareExchange)
    other = operandAt(statement, first + 2, bits);
  Component result;
  if (hasResult)
    result = write(statement.operands[0].text, bits);
  Decoder::AtomicShape shape{parts.type->width, parts.type->kind,
                             parts.type->packed};
  return decoder.emitAtomic(op, shape, result, pointer, parts.space, value,
                            other, parts.order, parts.blockScope);
}

bool PTXDecoder::decodeCpAsync(const PTXStatement &statement) {
  StringRef op = statement.opcode;
  if (!op.consume_front("cp.async.") || op.starts_with("bulk"))
    return false;
  uint64_t count = 0;
  if (op == "commit_group" || op == "wait_all") {
    decoder.emit(cpAsyncCommit);
    if (op == "wait_all")
      decoder.emit(cpAsyncWait);
  } else if (op == "wait_group") {
    if (!number(statement, 0, count))
      return false;
    decoder.emit(cpAsyncWait, -1, -1, -1, -1, int64_t(count));
  } else if (op.starts_with("mbarrier.arrive")) {
    Component barrier = address(statement.operands[0]);
    int64_t narrow = barrier.bits == 32 ? AccessBits::narrowAddress : 0;
    decoder.emit(cpAsyncArrive, -1, barrier.offset, -1, -1,
                 narrow | int64_t(statement.has("noinc")));
  } else if (op.starts_with("ca.shared") || op.starts_with("cg.shared")) {
    if (!number(statement, 2, count))
      return false;
    bool hint = op.contains("cache_hint");
    Component to = address(statement.operands[0]);
    Component from = read(statement.operands[1].text, 64);
    if (statement.operands[1].offset) {
      Component moved = decoder.allocate(64);
      decoder.emit(addressAddConstant, moved.offset, from.offset, -1, -1,
                   statement.operands[1].offset);
      from = moved;
    }
    size_t given = statement.operands.size() - (hint ? 1 : 0);
    int32_t taken = given > 3 ? operandAt(statement, 3, 32).offset : -1;
    int64_t narrow = to.bits == 32 ? AccessBits::narrowAddress : 0;
    decoder.emit(cpAsync, -1, to.offset, from.offset, taken,
                 narrow | int64_t(count));
    decoder.count(InstructionClass::AsyncCopy);
    return true;
  } else {
    return false;
  }
  decoder.count(InstructionClass::Synchronization);
  return true;
}

bool PTXDecoder::decodeBulk(const PTXStatement &statement) {
  StringRef op = statement.opcode;
  if (!op.consume_front("cp.async.bulk."))
    return false;
  decoder.count(InstructionClass::AsyncCopy);
  uint64_t left = 0;
  if (op == "commit_group") {
    decoder.emit(bulkCommit);
    return true;
  }
  if (op.starts_with("wait_group")) {
    if (!number(statement, 0, left))
      return false;
    decoder.emit(bulkWait, -1, -1, -1, -1, int64_t(left));
    return true;
  }
  if (op.starts_with("prefetch"))
    return true;
  bool toShared = op.starts_with("shared");
  bool tensor = op.consume_front("tensor.");
  if (op.contains("multicast") || statement.operands.size() < 2)
    return false;
  auto wide = [&](Component x) {
    return x.bits == 32 ? int64_t(AccessBits::narrowAddress) : 0;
  };
  if (tensor) {
    unsigned rank;
    if (op.consumeInteger(10, rank) || !op.consume_front("d.shared") ||
        !op.contains("global") || statement.operands.size() < 3 ||
        statement.operands[1].parts.size() != rank)
      return false;
    Component to = address(statement.operands[0]);
    Component barrier = address(statement.operands[2]);
    SmallVector<int32_t> list = {to.offset, barrier.offset,
                                 read(statement.operands[1].text, 64).offset};
    for (const std::string &coordinate : statement.operands[1].parts)
      list.push_back(read(coordinate, 32).offset);
    decoder.emitList(tensorLoad, list, int64_t(rank) | wide(to));
    return to.bits == barrier.bits;
  }
  if (toShared && statement.operands.size() >= 4) {
    Component to = address(statement.operands[0]);
    Component from = read(statement.operands[1].text, 64);
    Component bytes = operandAt(statement, 2, 32);
    Component barrier = address(statement.operands[3]);
    decoder.emitList(bulkLoad,
                     {to.offset, barrier.offset, from.offset, bytes.offset},
                     wide(to));
    return to.bits == barrier.bits;
  }
  if (op.starts_with("global.shared") && statement.operands.size() >= 3) {
    Component to = read(statement.operands[0].text, 64);
    Component from = address(statement.operands[1]);
    Component bytes = operandAt(statement, 2, 32);
    decoder.emitList(bulkStore, {to.offset, from.offset, bytes.offset},
                     wide(from));
    return true;
  }
  return false;
}

bool PTXDecoder::decodeMBarrier(const PTXStatement &statement) {
  StringRef op = statement.opcode;
  if (!op.consume_front("mbarrier.") || op.contains("cluster") ||
      op.contains("drop"))
    return false;
  decoder.count(InstructionClass::Synchronization);
  // The address is the first operand in brackets; what follows is the count,
  // the bytes, or the phase.
  size_t at = 0;
  while (at < statement.operands.size() &&
         statement.operands[at].kind != PTXOperand::Address)
    ++at;
  if (at == statement.operands.size())
    return false;
  Component barrier = address(statement.operands[at]);
  int64_t narrow = barrier.bits == 32 ? AccessBits::narrowAddress : 0;
  bool hasValue = at + 1 < statement.operands.size();
  if (op.starts_with("init")) {
    decoder.emit(mbarrierInit, -1, barrier.offset,
                 operandAt(statement, at + 1, 32).offset, -1, narrow);
    return true;
  }
  if (op.starts_with("inval")) {
    decoder.emit(mbarrierInval, -1, barrier.offset, -1, -1, narrow);
    return true;
  }
  if (op.starts_with("try_wait") || op.starts_with("test_wait")) {
    bool parity = statement.has("parity");
    Component phase = operandAt(statement, at + 1, parity ? 32 : 64);
    int64_t flags =
        (parity ? MBarrierBits::parity : 0) |
        (op.starts_with("test") && !waitLoop ? MBarrierBits::test : 0);
    Component done = write(statement.operands[0].text, 1);
    decoder.emit(mbarrierWait, waitLoop ? -1 : done.offset, barrier.offset,
                 phase.offset, -1, flags | narrow);
    return true;
  }
  int64_t flags;
  if (op.starts_with("arrive.expect_tx"))
    flags = MBarrierBits::expectTx;
  else if (op.starts_with("expect_tx"))
    flags = MBarrierBits::expectTx | MBarrierBits::noArrive;
  else if (op.starts_with("complete_tx"))
    flags = MBarrierBits::completeTx;
  else if (op.starts_with("arrive"))
    flags = hasValue ? MBarrierBits::count : 0;
  else
    return false;
  int32_t value = hasValue ? operandAt(statement, at + 1, 32).offset : -1;
  int32_t state = -1;
  if (at == 1 && statement.operands[0].text != "_")
    state = write(statement.operands[0].text, 64).offset;
  decoder.emit(mbarrierArrive, state, barrier.offset, value, -1,
               flags | narrow);
  return true;
}

bool PTXDecoder::decodeBarrier(const PTXStatement &statement) {
  StringRef op = statement.opcode;
  bool legacy = op.consume_front("bar.");
  if (!legacy && !op.consume_front("barrier."))
    return false;
  if (legacy && op == "warp.sync") {
    decoder.emit(warpBarrier, -1, operandAt(statement, 0, 32).offset);
    decoder.count(InstructionClass::Collective);
    return true;
  }
  op.consume_front("cta.");
  bool aligned = op.consume_back(".aligned") || legacy;
  if (op != "sync" && op != "arrive")
    return false;
  int32_t id = operandAt(statement, 0, 32).offset;
  int32_t threads =
      statement.operands.size() > 1 ? operandAt(statement, 1, 32).offset : -1;
  decoder.emit(blockBarrier, -1, id, threads, -1,
               (op == "arrive" ? 1 : 0) | (aligned ? 0 : 2));
  decoder.count(InstructionClass::Synchronization);
  return true;
}

bool PTXDecoder::decodeFence(const PTXStatement &statement) {
  StringRef op = statement.opcode;
  if (op.starts_with("fence.proxy.async")) {
    decoder.emit(proxyFence);
  } else if (op.starts_with("fence.mbarrier_init")) {
    // See Decoder::decodeFence.
  } else if (op.starts_with("membar.") || op.starts_with("fence.acq_rel.") ||
             op.starts_with("fence.sc.")) {
    decoder.emit(fence, -1, -1, -1, -1, op.ends_with(".cta"));
  } else if (op == "griddepcontrol.wait") {
    decoder.emit(gridWait);
  } else if (op == "griddepcontrol.launch_dependents") {
    decoder.emit(gridLaunchDependents);
  } else if (op.starts_with("setmaxnreg.") || op.starts_with("prefetch.") ||
             op.starts_with("nanosleep") || op.starts_with("discard.")) {
    decoder.emit(awq::gpusim::sleep);
  } else {
    return false;
  }
  decoder.count(InstructionClass::Synchronization);
  return true;
}
