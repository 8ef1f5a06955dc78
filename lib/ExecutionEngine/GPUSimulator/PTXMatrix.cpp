//===- PTXMatrix.cpp - inline PTX for tensor cores and warps --------------===//
//
// Part of the awq-mlir project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "DecodeMatrix.h"
#include "PTXDecoder.h"

#include "llvm/ADT/StringSwitch.h"

using namespace llvm;
using namespace awq::gpusim;

bool PTXDecoder::decodeMatrix(const PTXStatement &statement) {
  StringRef op = statement.parts[0];
  bool load = op == "ldmatrix", store = op == "stmatrix";
  if (load || store) {
    if (!statement.has("m8n8") || !statement.has("b16") ||
        statement.operands.size() != 2)
      return false;
    const PTXOperand &registers = statement.operands[load ? 0 : 1];
    Component rows = address(statement.operands[load ? 1 : 0]);
    SmallVector<int32_t> list;
    for (const std::string &name : registers.parts)
      list.push_back((load ? write(name, 32) : read(name, 32)).offset);
    if (list.empty())
      list.push_back(
          (load ? write(registers.text, 32) : read(registers.text, 32)).offset);
    int64_t narrow = rows.bits == 32 ? AccessBits::narrowAddress : 0;
    decoder
        .emitList(load ? loadMatrix : storeMatrix, list,
                  narrow | int64_t(statement.has("trans")))
        .a = rows.offset;
    decoder.count(InstructionClass::MatrixLoad);
    return true;
  }
  if (op != "mma" || statement.operands.size() != 4 || !statement.has("row") ||
      !statement.has("col") || statement.parts.size() < 9)
    return false;
  MmaShape shape;
  size_t count = statement.parts.size();
  std::optional<MmaType> a = mmaType(statement.parts[count - 3]);
  std::optional<MmaType> b = mmaType(statement.parts[count - 2]);
  bool shaped = false;
  for (const std::string &part : statement.parts)
    shaped |= StringRef(part).starts_with("m16n8k") && mmaShape(part, shape);
  if (!a || !b || !shaped)
    return false;
  shape.a = *a;
  shape.b = *b;
  shape.halfSum = statement.parts.back() == "f16";
  shape.saturate = statement.has("satfinite");
  SmallVector<int32_t> list, inputs;
  for (unsigned i = 1; i < 4; ++i)
    for (const std::string &name : statement.operands[i].parts)
      inputs.push_back(read(name, 32).offset);
  for (const std::string &name : statement.operands[0].parts)
    list.push_back(write(name, 32).offset);
  list.append(inputs);
  unsigned registersB = shape.k * elementBitsOf(shape.b) / 128;
  if (list.size() != 3 * registersB + (shape.halfSum ? 4 : 8))
    return false;
  decoder.emitList(mma(shape), list, shape.pack());
  decoder.count(InstructionClass::Mma);
  return true;
}

/// wgmma.mma_async.sync.aligned.m64nNkK.f32.A.B {d}, a, b, p, scale-a,
/// scale-b[, tnspA], tnspB
bool PTXDecoder::decodeWgmma(const PTXStatement &statement) {
  StringRef op = statement.opcode;
  if (!op.consume_front("wgmma."))
    return false;
  if (op.starts_with("fence") || op.starts_with("commit_group")) {
    decoder.emit(op.starts_with("fence") ? wgmmaFence : wgmmaCommit);
    decoder.count(InstructionClass::Synchronization);
    return true;
  }
  uint64_t value = 0;
  if (op.starts_with("wait_group")) {
    if (!number(statement, 0, value))
      return false;
    decoder.emit(wgmmaWait, -1, -1, -1, -1, int64_t(value));
    decoder.count(InstructionClass::Synchronization);
    return true;
  }
  if (!op.consume_front("mma_async.sync.aligned.m64n") ||
      statement.operands.size() < 6)
    return false;
  unsigned columns, k;
  if (op.consumeInteger(10, columns) || !op.consume_front("k") ||
      op.consumeInteger(10, k) || !op.consume_front(".f32."))
    return false;
  auto [nameA, nameB] = op.split('.');
  std::optional<MmaType> type = mmaType(nameA), other = mmaType(nameB);
  const PTXOperand &sums = statement.operands[0], &a = statement.operands[1];
  bool registers = a.kind == PTXOperand::Vector;
  if (!type || other != type || columns % 8 || columns > 256 ||
      k * elementBitsOf(*type) != 256 || sums.parts.size() != columns / 2 ||
      (registers && a.parts.size() != 4))
    return false;
  int64_t imm = int64_t(columns) | int64_t(*type) << 16 |
                (registers ? 0 : WgmmaBits::descriptorA);
  // Scales are 1 or -1; only matrices stored along K are modelled.
  for (unsigned i = 4; i < statement.operands.size(); ++i) {
    if (!number(statement, i, value))
      return false;
    int32_t given = int32_t(value);
    if (i >= 6 ? given != 0 : given != 1 && given != -1)
      return false;
    if (i < 6 && given == -1)
      imm |= i == 4 ? WgmmaBits::negateA : WgmmaBits::negateB;
  }
  SmallVector<int32_t> inputs, list;
  for (const std::string &name : sums.parts)
    inputs.push_back(read(name, 32).offset);
  if (registers)
    for (const std::string &name : a.parts)
      inputs.push_back(read(name, 32).offset);
  else
    inputs.push_back(read(a.text, 64).offset);
  inputs.push_back(operandAt(statement, 2, 64).offset);
  Component scale;
  if (statement.operands[3].text == "1" || statement.operands[3].text == "0") {
    scale = read(statement.operands[3].text, 32);
  } else {
    Component predicate = operandAt(statement, 3, 1);
    scale = decoder.allocate(32);
    decoder.emit(zeroExtendOrTruncate(1, 32), scale.offset, predicate.offset,
                 -1, -1, 1);
  }
  inputs.push_back(scale.offset);
  for (const std::string &name : sums.parts)
    list.push_back(write(name, 32).offset);
  list.append(inputs);
  decoder.emitList(wgmma, list, imm);
  decoder.count(InstructionClass::Mma);
  return true;
}

bool PTXDecoder::decodeWarp(const PTXStatement &statement) {
  StringRef op = statement.opcode;
  const std::vector<PTXOperand> &operands = statement.operands;
  if (op == "elect.sync" && operands.size() == 2) {
    const PTXOperand &to = operands[0];
    int32_t members = operandAt(statement, 1, 32).offset;
    bool pair = to.kind == PTXOperand::Pair;
    decoder.emit(elect, pair ? write(to.parts[0], 32).offset : -1, members,
                 write(pair ? to.parts[1] : to.text, 1).offset);
  } else if (op == "activemask.b32") {
    decoder.emit(readSpecial, write(operands[0].text, 32).offset, -1, -1, -1,
                 int64_t(SpecialRegister::ActiveMask));
  } else if (op.starts_with("shfl.sync.") && operands.size() == 5) {
    int mode = StringSwitch<int>(statement.parts[2])
                   .Case("up", int(ShuffleMode::Up))
                   .Case("down", int(ShuffleMode::Down))
                   .Case("bfly", int(ShuffleMode::Butterfly))
                   .Case("idx", int(ShuffleMode::Index))
                   .Default(-1);
    if (mode < 0)
      return false;
    SmallVector<int32_t> list;
    for (unsigned i = 1; i < 4; ++i)
      list.push_back(operandAt(statement, i, 32).offset);
    int32_t members = operandAt(statement, 4, 32).offset;
    const PTXOperand &to = operands[0];
    bool pair = to.kind == PTXOperand::Pair;
    int32_t d = write(pair ? to.parts[0] : to.text, 32).offset;
    int32_t inside = pair ? write(to.parts[1], 1).offset : -1;
    Op &step = decoder.emitList(shuffle, list, mode);
    step.a = members;
    step.d = d;
    step.b = inside;
  } else {
    return false;
  }
  decoder.count(InstructionClass::Collective);
  return true;
}
