//===- PTXDecoder.cpp - operands and predicates of inline PTX -------------===//
//
// Part of the awq-mlir project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "PTXDecoder.h"

#include "llvm/IR/InlineAsm.h"

using namespace llvm;
using namespace awq::gpusim;

bool Decoder::decodeInlineAsm(const CallInst &call) {
  return PTXDecoder(*this, call).run();
}

std::optional<PTXType> awq::gpusim::ptxType(StringRef name) {
  PTXType type;
  if (name == "pred") {
    type.predicate = true;
    type.width = 1;
    return type;
  }
  static const std::pair<StringRef, FloatType> floats[] = {
      {"f16", FloatType::F16},   {"bf16", FloatType::BF16},
      {"f16x2", FloatType::F16}, {"bf16x2", FloatType::BF16},
      {"f32", FloatType::F32},   {"f64", FloatType::F64}};
  for (auto &[key, kind] : floats) {
    if (name != key)
      continue;
    type.kind = kind;
    type.packed = name.ends_with("x2");
    type.width = type.packed || kind == FloatType::F32 ? 32
                 : kind == FloatType::F64              ? 64
                                                       : 16;
    return type;
  }
  if (name.size() < 2 || !StringRef("bus").contains(name[0]) ||
      name.drop_front().getAsInteger(10, type.width))
    return std::nullopt;
  if (type.width != 8 && type.width != 16 && type.width != 32 &&
      type.width != 64)
    return std::nullopt;
  type.isSigned = name[0] == 's';
  return type;
}

/// $0, $1 and so on: outputs first, then inputs; an input may be tied to an
/// output.
void PTXDecoder::bindOperands() {
  const auto *text = cast<InlineAsm>(call.getCalledOperand());
  InlineAsm::ConstraintInfoVector constraints = text->ParseConstraints();
  Components results;
  if (!call.getType()->isVoidTy())
    results = decoder.define(call);
  unsigned result = 0, argument = 0;
  for (const InlineAsm::ConstraintInfo &constraint : constraints) {
    Bound operand;
    if (constraint.Type == InlineAsm::isOutput && !constraint.isIndirect) {
      operand.isOutput = true;
      operand.output = results[result++];
    } else if (constraint.Type == InlineAsm::isInput) {
      Components value = decoder.get(*call.getArgOperand(argument++));
      if (value.size() != 1) {
        decoder.fail("an operand of inline PTX in several registers");
        return;
      }
      operand.input = value[0];
    } else if (constraint.Type == InlineAsm::isOutput) {
      decoder.fail("an indirect output of inline PTX");
      return;
    } else {
      continue;
    }
    bound.push_back(operand);
  }
  // Ties are counted among all operands.
  for (size_t i = 0; i < constraints.size() && i < bound.size(); ++i)
    if (constraints[i].hasMatchingInput())
      bound[i].input = bound[constraints[i].MatchingInput].input;
}

void PTXDecoder::declare(const PTXStatement &statement) {
  std::optional<PTXType> type =
      ptxType(StringRef(statement.parts[0]).ltrim('.'));
  if (!type) {
    decoder.fail("inline PTX: " + statement.text);
    return;
  }
  for (const PTXOperand &operand : statement.operands) {
    StringRef name = operand.text;
    auto [stem, range] = name.split('<');
    unsigned count;
    if (range.empty()) {
      locals[name] = decoder.allocate(type->bits());
    } else if (!range.trim('>').getAsInteger(10, count)) {
      for (unsigned i = 0; i < count; ++i)
        locals[(stem + Twine(i)).str()] = decoder.allocate(type->bits());
    }
  }
}

Component PTXDecoder::read(const std::string &name, int32_t bits) {
  StringRef text = name;
  Component found;
  unsigned index;
  if (text.starts_with("$") && !text.drop_front().getAsInteger(10, index) &&
      index < bound.size()) {
    const Bound &operand = bound[index];
    found =
        operand.isOutput && operand.written ? operand.output : operand.input;
    if (found.offset < 0)
      found = operand.output;
  } else if (auto local = locals.find(text); local != locals.end()) {
    found = local->second;
  } else if (std::optional<uint64_t> value = parsePTXNumber(name)) {
    return decoder.constant(bits == 32 ? *value & 0xffffffff : *value, bits);
  } else {
    decoder.fail("inline PTX operand: " + name);
    return decoder.constant(0, bits);
  }
  if (bits == 0 || found.bits == bits)
    return found;
  Component resized = decoder.allocate(bits);
  decoder.emit(zeroExtendOrTruncate(found.bits, bits), resized.offset,
               found.offset, -1, -1, std::min(found.bits, bits));
  return resized;
}

Component PTXDecoder::address(const PTXOperand &operand) {
  Component base = read(operand.text, 0);
  if (operand.offset == 0)
    return base;
  Component moved = decoder.allocate(base.bits);
  if (base.bits == 64)
    decoder.emit(addressAddConstant, moved.offset, base.offset, -1, -1,
                 operand.offset);
  else
    decoder.emit(integerOp(IntegerOp::Add, 32, false), moved.offset,
                 base.offset,
                 decoder.constant(uint32_t(operand.offset), 32).offset);
  return moved;
}

Component PTXDecoder::write(const std::string &name, int32_t bits) {
  StringRef text = name;
  unsigned index;
  if (text == "_")
    return decoder.allocate(bits);
  if (text.starts_with("$") && !text.drop_front().getAsInteger(10, index) &&
      index < bound.size() && bound[index].isOutput) {
    Bound &operand = bound[index];
    if (operand.output.bits != bits)
      decoder.fail("inline PTX writes " + Twine(bits) +
                   " bits to an operand of " + Twine(operand.output.bits));
    operand.written = true;
    return operand.output;
  }
  if (auto local = locals.find(text);
      local != locals.end() && local->second.bits == bits)
    return local->second;
  decoder.fail("inline PTX target: " + name);
  return decoder.allocate(bits);
}

Component PTXDecoder::operandAt(const PTXStatement &statement, size_t index,
                                int32_t bits) {
  if (index >= statement.operands.size()) {
    decoder.fail("inline PTX without enough operands: " + statement.text);
    return decoder.constant(0, bits ? bits : 32);
  }
  return read(statement.operands[index].text, bits);
}

/// An operand that must be a number, maybe one that LLVM IR passes in.
bool PTXDecoder::number(const PTXStatement &statement, size_t index,
                        uint64_t &value) {
  if (index >= statement.operands.size())
    return false;
  StringRef text = statement.operands[index].text;
  unsigned slot;
  if (text.starts_with("$") && !text.drop_front().getAsInteger(10, slot)) {
    unsigned outputs = 0;
    for (const Bound &operand : bound)
      outputs += operand.isOutput;
    if (slot < outputs || slot - outputs >= call.arg_size())
      return false;
    const auto *constant =
        dyn_cast<ConstantInt>(call.getArgOperand(slot - outputs));
    if (constant)
      value = constant->getZExtValue();
    return constant != nullptr;
  }
  std::optional<uint64_t> parsed = parsePTXNumber(text);
  value = parsed.value_or(0);
  return parsed.has_value();
}

bool PTXDecoder::decode(const PTXStatement &statement) {
  return decodeMove(statement) || decodeArithmetic(statement) ||
         decodeCompare(statement) || decodeLogic(statement) ||
         decodeConvert(statement) || decodeMemory(statement) ||
         decodeAtomic(statement) || decodeCpAsync(statement) ||
         decodeBulk(statement) || decodeMBarrier(statement) ||
         decodeBarrier(statement) || decodeFence(statement) ||
         decodeMatrix(statement) || decodeWgmma(statement) ||
         decodeWarp(statement);
}

bool PTXDecoder::decodeGuarded(const PTXStatement &statement) {
  if (statement.guard.empty())
    return decode(statement);
  Component predicate = read(statement.guard, 1);
  std::vector<Op> &ops = decoder.current->ops;
  size_t begin = ops.size();
  decoder.emit(beginGuard, -1, predicate.offset);
  bool known = decode(statement);
  decoder.emit(endGuard);
  int64_t count = int64_t(ops.size() - begin - 2);
  ops[begin].imm = count << 1 | int64_t(statement.negated);
  return known;
}

bool PTXDecoder::run() {
  const auto *text = cast<InlineAsm>(call.getCalledOperand());
  bindOperands();
  std::vector<PTXStatement> statements = parsePTX(text->getAsmString());
  bool anyGuard = false;
  for (const PTXStatement &statement : statements) {
    waitLoop |= statement.parts[0] == "bra";
    anyGuard |= !statement.guard.empty();
  }
  // Lanes that a predicate leaves out keep the tied input's value.
  for (Bound &operand : bound)
    if (anyGuard && operand.isOutput && operand.input.offset >= 0) {
      decoder.emit(copy(operand.output.bits), operand.output.offset,
                   operand.input.offset);
      operand.written = true;
    }
  for (const PTXStatement &statement : statements) {
    bool known = true;
    if (statement.opcode == ".reg")
      declare(statement);
    else if (statement.parts[0] != "bra")
      known = decodeGuarded(statement);
    else
      // Only the loop around a wait may branch, and nothing else be in it.
      known = statements.size() <= 5;
    if (!known)
      return decoder.fail("inline PTX: " + statement.text);
  }
  // Outputs that no statement wrote are the tied inputs.
  for (Bound &operand : bound)
    if (operand.isOutput && !operand.written && operand.input.offset >= 0)
      decoder.emit(copy(operand.output.bits), operand.output.offset,
                   operand.input.offset);
  bool waits = false;
  for (const PTXStatement &statement : statements)
    waits |= statement.has("try_wait") || statement.has("test_wait");
  if (waitLoop && !waits)
    return decoder.fail("inline PTX with branches: " + text->getAsmString());
  return decoder.error.empty();
}
