//===- PTXArithmetic.cpp - inline PTX that computes -----------------------===//
//
// Part of the awq-mlir project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "PTXDecoder.h"

using namespace llvm;
using namespace awq::gpusim;

static std::optional<PTXType> lastType(const PTXStatement &statement) {
  return ptxType(statement.parts.back());
}

bool PTXDecoder::decodeMove(const PTXStatement &statement) {
  const std::string &op = statement.parts[0];
  if (statement.parts[0] == "createpolicy") {
    // A hint to the cache; any number will do.
    Component d = write(statement.operands[0].text, 64);
    decoder.emit(copy(64), d.offset, decoder.constant(0, 64).offset);
    return true;
  }
  if (op != "mov" || statement.operands.size() != 2)
    return false;
  std::optional<PTXType> type = lastType(statement);
  if (!type)
    return false;
  const PTXOperand &to = statement.operands[0], &from = statement.operands[1];
  if (to.kind == PTXOperand::Atom && from.kind == PTXOperand::Atom) {
    Component x = read(from.text, type->bits());
    decoder.emit(copy(type->bits()), write(to.text, type->bits()).offset,
                 x.offset);
    return true;
  }
  // mov.b32 of two halves, mov.b64 of two words, and back.
  bool pack = from.kind == PTXOperand::Vector && from.parts.size() == 2;
  bool unpack = to.kind == PTXOperand::Vector && to.parts.size() == 2;
  if ((!pack && !unpack) || (type->width != 32 && type->width != 64))
    return false;
  int32_t half = int32_t(type->width) / 2;
  SmallVector<int32_t> list;
  auto add = [&](Component x, int32_t width) {
    list.append({x.offset, x.bits, width});
  };
  if (pack) {
    list.push_back(1);
    Component low = read(from.parts[0], 32), high = read(from.parts[1], 32);
    add(write(to.text, type->bits()), int32_t(type->width));
    add(low, half);
    add(high, half);
  } else {
    list.push_back(2);
    Component whole = read(from.text, type->bits());
    add(write(to.parts[0], 32), half);
    add(write(to.parts[1], 32), half);
    add(whole, int32_t(type->width));
  }
  decoder.emitList(reinterpretBits, list);
  decoder.count(InstructionClass::Integer);
  return true;
}

bool PTXDecoder::decodeLogic(const PTXStatement &statement) {
  const std::string &op = statement.parts[0];
  if (op != "lop3" && op != "prmt" && op != "selp" && op != "not")
    return false;
  if (op == "not") {
    std::optional<PTXType> type = lastType(statement);
    if (!type)
      return false;
    Component x = operandAt(statement, 1, type->bits());
    Component d = write(statement.operands[0].text, type->bits());
    Component ones = decoder.constant(~0ull, type->bits());
    decoder.emit(integerOp(IntegerOp::Xor, type->bits(), false), d.offset,
                 x.offset, ones.offset);
    decoder.count(InstructionClass::Integer);
    return true;
  }
  if (op == "selp") {
    std::optional<PTXType> type = lastType(statement);
    if (!type)
      return false;
    Component x = operandAt(statement, 1, type->bits());
    Component y = operandAt(statement, 2, type->bits());
    Component condition = operandAt(statement, 3, 1);
    Component d = write(statement.operands[0].text, type->bits());
    decoder.emit(select(type->bits()), d.offset, x.offset, y.offset,
                 condition.offset);
    decoder.count(InstructionClass::Integer);
    return true;
  }
  if (!statement.has("b32") || statement.operands.size() < 4)
    return false;
  Component a = operandAt(statement, 1, 32), b = operandAt(statement, 2, 32),
            c = operandAt(statement, 3, 32);
  Component d = write(statement.operands[0].text, 32);
  uint64_t immediate = 0;
  if (op == "prmt") {
    static const char *modes[] = {"",    "f4e", "b4e", "rc8",
                                  "ecl", "ecr", "rc16"};
    for (unsigned i = 1; i < 7; ++i)
      if (statement.has(modes[i]))
        immediate = i;
  } else if (!number(statement, 4, immediate) || immediate > 255) {
    return false;
  }
  decoder.emit(op == "lop3" ? lop3 : permuteBytes, d.offset, a.offset, b.offset,
               c.offset, int64_t(immediate));
  decoder.count(InstructionClass::Integer);
  return true;
}

bool PTXDecoder::decodeCompare(const PTXStatement &statement) {
  if (statement.parts[0] != "setp" || statement.parts.size() != 3 ||
      statement.operands.size() != 3)
    return false;
  std::optional<PTXType> type = lastType(statement);
  StringRef how = statement.parts[1];
  if (!type || type->packed || type->predicate)
    return false;
  Component x = operandAt(statement, 1, type->bits());
  Component y = operandAt(statement, 2, type->bits());
  Component d = write(statement.operands[0].text, 1);
  decoder.count(InstructionClass::Integer);
  if (type->kind) {
    static const std::pair<StringRef, FloatPredicate> floats[] = {
        {"eq", FloatPredicate::OEQ},  {"ne", FloatPredicate::ONE},
        {"lt", FloatPredicate::OLT},  {"le", FloatPredicate::OLE},
        {"gt", FloatPredicate::OGT},  {"ge", FloatPredicate::OGE},
        {"neu", FloatPredicate::UNE}, {"equ", FloatPredicate::UEQ},
        {"nan", FloatPredicate::UNO}, {"num", FloatPredicate::ORD}};
    for (auto &[key, predicate] : floats)
      if (how == key) {
        decoder.emit(floatCompare(*type->kind), d.offset, x.offset, y.offset,
                     -1, int64_t(predicate));
        return true;
      }
    return false;
  }
  bool swap = how == "gt" || how == "ge" || how == "hi" || how == "hs";
  if (swap)
    std::swap(x, y);
  IntegerPredicate predicate;
  if (how == "eq")
    predicate = IntegerPredicate::EQ;
  else if (how == "ne")
    predicate = IntegerPredicate::NE;
  else if (how == "lt" || how == "gt" || how == "lo" || how == "hi")
    predicate = type->isSigned ? IntegerPredicate::SLT : IntegerPredicate::ULT;
  else if (how == "le" || how == "ge" || how == "ls" || how == "hs")
    predicate = type->isSigned ? IntegerPredicate::SLE : IntegerPredicate::ULE;
  else
    return false;
  decoder.emit(integerCompare(predicate, type->bits(),
                              int32_t(type->width) != type->bits()),
               d.offset, x.offset, y.offset, -1, type->width);
  return true;
}

bool PTXDecoder::decodeIntegerArithmetic(const PTXStatement &statement,
                                         const PTXType &type) {
  StringRef op = statement.parts[0];
  bool s = type.isSigned;
  bool high = statement.has("hi"), low = statement.has("lo");
  std::optional<IntegerOp> kind;
  if (op == "add")
    kind = IntegerOp::Add;
  else if (op == "sub")
    kind = IntegerOp::Sub;
  else if ((op == "mul" || op == "mad") && (low || high))
    kind = low ? IntegerOp::Mul : s ? IntegerOp::MulHighS : IntegerOp::MulHighU;
  else if (op == "and")
    kind = IntegerOp::And;
  else if (op == "or")
    kind = IntegerOp::Or;
  else if (op == "xor")
    kind = IntegerOp::Xor;
  else if (op == "shl")
    kind = IntegerOp::Shl;
  else if (op == "shr")
    kind = s ? IntegerOp::AShr : IntegerOp::LShr;
  else if (op == "min")
    kind = s ? IntegerOp::SMin : IntegerOp::UMin;
  else if (op == "max")
    kind = s ? IntegerOp::SMax : IntegerOp::UMax;
  else if (op == "div")
    kind = s ? IntegerOp::SDiv : IntegerOp::UDiv;
  else if (op == "rem")
    kind = s ? IntegerOp::SRem : IntegerOp::URem;
  if (!kind)
    return false;
  int32_t bits = type.bits();
  bool narrow = bits != 1 && int32_t(type.width) != bits;
  Component x = operandAt(statement, 1, bits),
            y = operandAt(statement, 2, bits);
  if (op != "mad") {
    Component d = write(statement.operands[0].text, bits);
    decoder.emit(integerOp(*kind, bits, narrow), d.offset, x.offset, y.offset,
                 -1, type.width);
  } else {
    Component z = operandAt(statement, 3, bits),
              product = decoder.allocate(bits);
    Component d = write(statement.operands[0].text, bits);
    decoder.emit(integerOp(*kind, bits, narrow), product.offset, x.offset,
                 y.offset, -1, type.width);
    decoder.emit(integerOp(IntegerOp::Add, bits, narrow), d.offset,
                 product.offset, z.offset, -1, type.width);
  }
  decoder.count(InstructionClass::Integer);
  return true;
}

bool PTXDecoder::decodeFloatArithmetic(const PTXStatement &statement,
                                       const PTXType &type) {
  StringRef op = statement.parts[0];
  static const std::pair<StringRef, FloatOp> binary[] = {
      {"add", FloatOp::Add}, {"sub", FloatOp::Sub}, {"mul", FloatOp::Mul},
      {"div", FloatOp::Div}, {"min", FloatOp::Min}, {"max", FloatOp::Max}};
  static const std::pair<StringRef, FloatOp> unary[] = {
      {"neg", FloatOp::Neg},        {"abs", FloatOp::Abs},
      {"ex2", FloatOp::Exp2},       {"lg2", FloatOp::Log2},
      {"rcp", FloatOp::Reciprocal}, {"rsqrt", FloatOp::Rsqrt},
      {"sqrt", FloatOp::Sqrt},      {"tanh", FloatOp::Tanh},
      {"sin", FloatOp::Sin},        {"cos", FloatOp::Cos}};
  bool approximate = statement.has("approx");
  for (const char *part : {"sat", "rz", "rm", "rp", "oob", "xorsign"})
    if (statement.has(part))
      return false;
  if (statement.has("ftz") && !approximate)
    return false;
  std::optional<FloatOp> kind;
  unsigned operands = 0;
  for (auto &[key, value] : binary)
    if (op == key) {
      kind = value;
      operands = 2;
    }
  for (auto &[key, value] : unary)
    if (op == key) {
      kind = value;
      operands = 1;
    }
  if (op == "fma") {
    kind = statement.has("relu") ? FloatOp::FmaRelu : FloatOp::Fma;
    operands = 3;
  }
  if (statement.has("NaN") && kind)
    kind = *kind == FloatOp::Min ? FloatOp::MinNaN : FloatOp::MaxNaN;
  if (!kind || statement.operands.size() != operands + 1)
    return false;
  int32_t inputs[3] = {-1, -1, -1};
  for (unsigned i = 0; i < operands; ++i)
    inputs[i] = operandAt(statement, i + 1, type.bits()).offset;
  Component d = write(statement.operands[0].text, type.bits());
  decoder.emit(floatOp(*kind, *type.kind), d.offset, inputs[0], inputs[1],
               inputs[2], type.width == 16);
  decoder.count(type.packed || type.width == 16 ? InstructionClass::Half
                                                : InstructionClass::Float);
  return true;
}

bool PTXDecoder::decodeArithmetic(const PTXStatement &statement) {
  std::optional<PTXType> type = lastType(statement);
  if (!type || statement.operands.size() < 2)
    return false;
  for (const PTXOperand &operand : statement.operands)
    if (operand.kind != PTXOperand::Atom)
      return false;
  return type->kind ? decodeFloatArithmetic(statement, *type)
                    : decodeIntegerArithmetic(statement, *type);
}

bool PTXDecoder::decodeConvert(const PTXStatement &statement) {
  if (statement.parts[0] != "cvt" || statement.parts.size() < 3)
    return false;
  size_t count = statement.parts.size();
  std::optional<PTXType> to = ptxType(statement.parts[count - 2]);
  std::optional<PTXType> from = ptxType(statement.parts[count - 1]);
  if (!to || !from || statement.has("ftz") || statement.has("sat") ||
      statement.has("rz") || statement.has("relu"))
    return false;
  decoder.count(InstructionClass::Conversion);
  if (to->packed && from->kind == FloatType::F32 && !from->packed) {
    Component x = operandAt(statement, 1, 32), y = operandAt(statement, 2, 32);
    Component high = decoder.allocate(32), low = decoder.allocate(32);
    decoder.emit(floatToFloat(FloatType::F32, *to->kind), high.offset,
                 x.offset);
    decoder.emit(floatToFloat(FloatType::F32, *to->kind), low.offset, y.offset);
    decoder.emit(packHalves, write(statement.operands[0].text, 32).offset,
                 low.offset, high.offset);
    return true;
  }
  if (to->packed || from->packed)
    return false;
  Component x = operandAt(statement, 1, from->bits());
  Component d = write(statement.operands[0].text, to->bits());
  if (to->kind && from->kind)
    decoder.emit(floatToFloat(*from->kind, *to->kind), d.offset, x.offset);
  else if (to->kind)
    decoder.emit(integerToFloat(from->isSigned, from->bits(), *to->kind),
                 d.offset, x.offset, -1, -1, from->width);
  else if (from->kind && statement.has("rni"))
    decoder.emit(floatToInteger(*from->kind, to->isSigned, to->bits()),
                 d.offset, x.offset, -1, -1, to->width | 256);
  else if (from->kind && statement.has("rzi"))
    decoder.emit(floatToInteger(*from->kind, to->isSigned, to->bits()),
                 d.offset, x.offset, -1, -1, to->width);
  else if (from->kind)
    return false;
  else if (from->isSigned && to->width > from->width)
    decoder.emit(signExtend(from->bits(), to->bits()), d.offset, x.offset, -1,
                 int32_t(to->width), from->width);
  else
    decoder.emit(zeroExtendOrTruncate(from->bits(), to->bits()), d.offset,
                 x.offset, -1, -1, std::min(from->width, to->width));
  return true;
}
