//===- DecodeArithmetic.cpp - arithmetic, comparisons and casts -----------===//
//
// Part of the awq-mlir project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Decoder.h"

#include "llvm/ADT/STLExtras.h"

using namespace llvm;
using namespace awq::gpusim;

std::optional<FloatType> Decoder::floatType(Type *type) const {
  type = type->getScalarType();
  if (type->isHalfTy())
    return FloatType::F16;
  if (type->isBFloatTy())
    return FloatType::BF16;
  if (type->isFloatTy())
    return FloatType::F32;
  if (type->isDoubleTy())
    return FloatType::F64;
  return std::nullopt;
}

static bool is16Bit(FloatType type) {
  return type == FloatType::F16 || type == FloatType::BF16;
}

static std::optional<IntegerOp> integerOpcode(unsigned opcode) {
  switch (opcode) {
  case Instruction::Add:
    return IntegerOp::Add;
  case Instruction::Sub:
    return IntegerOp::Sub;
  case Instruction::Mul:
    return IntegerOp::Mul;
  case Instruction::UDiv:
    return IntegerOp::UDiv;
  case Instruction::SDiv:
    return IntegerOp::SDiv;
  case Instruction::URem:
    return IntegerOp::URem;
  case Instruction::SRem:
    return IntegerOp::SRem;
  case Instruction::Shl:
    return IntegerOp::Shl;
  case Instruction::LShr:
    return IntegerOp::LShr;
  case Instruction::AShr:
    return IntegerOp::AShr;
  case Instruction::And:
    return IntegerOp::And;
  case Instruction::Or:
    return IntegerOp::Or;
  case Instruction::Xor:
    return IntegerOp::Xor;
  default:
    return std::nullopt;
  }
}

static std::optional<FloatOp> floatOpcode(unsigned opcode) {
  switch (opcode) {
  case Instruction::FAdd:
    return FloatOp::Add;
  case Instruction::FSub:
    return FloatOp::Sub;
  case Instruction::FMul:
    return FloatOp::Mul;
  case Instruction::FDiv:
    return FloatOp::Div;
  case Instruction::FRem:
    return FloatOp::Rem;
  default:
    return std::nullopt;
  }
}

bool Decoder::decodeIntegerBinary(IntegerOp op, Type *type, const Value &result,
                                  const Value &x, const Value &y) {
  Components a = get(x), b = get(y), d = define(result);
  bool bitwise =
      op == IntegerOp::And || op == IntegerOp::Or || op == IntegerOp::Xor;
  unsigned width = widthOf(type->getScalarType());
  for (size_t i = 0; i < d.size(); ++i) {
    if (isPacked(type) && !bitwise) {
      emit(packedIntegerOp(op), d[i].offset, a[i].offset, b[i].offset);
      continue;
    }
    bool narrow = !isPacked(type) && !bitwise && d[i].bits != 1 &&
                  width != unsigned(d[i].bits);
    emit(integerOp(op, d[i].bits, narrow), d[i].offset, a[i].offset,
         b[i].offset, -1, width);
  }
  count(InstructionClass::Integer, d.size());
  return true;
}

bool Decoder::decodeFloat(FloatOp op, const Instruction &result,
                          ArrayRef<const Value *> operands) {
  Type *type = result.getType();
  std::optional<FloatType> kind = floatType(type);
  if (!kind)
    return fail("floating point on this type: " + textOf(result));
  SmallVector<Components, 3> inputs;
  for (const Value *value : operands)
    inputs.push_back(get(*value));
  Components d = define(result);
  OpFunction run = floatOp(op, *kind);
  int64_t lowOnly = is16Bit(*kind) && !isPacked(type);
  for (size_t i = 0; i < d.size(); ++i)
    emit(run, d[i].offset, inputs[0][i].offset,
         inputs.size() > 1 ? inputs[1][i].offset : -1,
         inputs.size() > 2 ? inputs[2][i].offset : -1, lowOnly);
  count(is16Bit(*kind) ? InstructionClass::Half : InstructionClass::Float,
        d.size());
  return true;
}

bool Decoder::decodeBinary(const BinaryOperator &op) {
  if (std::optional<IntegerOp> integer = integerOpcode(op.getOpcode()))
    return decodeIntegerBinary(*integer, op.getType(), op, *op.getOperand(0),
                               *op.getOperand(1));
  if (std::optional<FloatOp> number = floatOpcode(op.getOpcode()))
    return decodeFloat(*number, op, {op.getOperand(0), op.getOperand(1)});
  return fail(textOf(op));
}

static FloatPredicate floatPredicate(CmpInst::Predicate predicate) {
  switch (predicate) {
  case CmpInst::FCMP_OEQ:
    return FloatPredicate::OEQ;
  case CmpInst::FCMP_OGT:
    return FloatPredicate::OGT;
  case CmpInst::FCMP_OGE:
    return FloatPredicate::OGE;
  case CmpInst::FCMP_OLT:
    return FloatPredicate::OLT;
  case CmpInst::FCMP_OLE:
    return FloatPredicate::OLE;
  case CmpInst::FCMP_ONE:
    return FloatPredicate::ONE;
  case CmpInst::FCMP_ORD:
    return FloatPredicate::ORD;
  case CmpInst::FCMP_UNO:
    return FloatPredicate::UNO;
  case CmpInst::FCMP_UEQ:
    return FloatPredicate::UEQ;
  case CmpInst::FCMP_UGT:
    return FloatPredicate::UGT;
  case CmpInst::FCMP_UGE:
    return FloatPredicate::UGE;
  case CmpInst::FCMP_ULT:
    return FloatPredicate::ULT;
  case CmpInst::FCMP_ULE:
    return FloatPredicate::ULE;
  default:
    return FloatPredicate::UNE;
  }
}

/// After the operands were swapped where needed.
static IntegerPredicate integerPredicate(CmpInst::Predicate predicate) {
  switch (predicate) {
  case CmpInst::ICMP_EQ:
    return IntegerPredicate::EQ;
  case CmpInst::ICMP_NE:
    return IntegerPredicate::NE;
  case CmpInst::ICMP_ULT:
    return IntegerPredicate::ULT;
  case CmpInst::ICMP_ULE:
    return IntegerPredicate::ULE;
  case CmpInst::ICMP_SLT:
    return IntegerPredicate::SLT;
  default:
    return IntegerPredicate::SLE;
  }
}

bool Decoder::decodeCompare(const CmpInst &compare) {
  Type *type = compare.getOperand(0)->getType();
  CmpInst::Predicate predicate = compare.getPredicate();
  if (predicate == CmpInst::FCMP_TRUE || predicate == CmpInst::FCMP_FALSE)
    return fail(textOf(compare));
  Components x = explode(type, Components(get(*compare.getOperand(0))));
  Components y = explode(type, Components(get(*compare.getOperand(1))));
  Components d = define(compare);
  unsigned width = widthOf(type->getScalarType());
  bool swap = predicate == CmpInst::ICMP_UGT ||
              predicate == CmpInst::ICMP_UGE ||
              predicate == CmpInst::ICMP_SGT || predicate == CmpInst::ICMP_SGE;
  if (swap) {
    std::swap(x, y);
    predicate = CmpInst::getSwappedPredicate(predicate);
  }
  for (size_t i = 0; i < d.size(); ++i) {
    if (isa<FCmpInst>(compare)) {
      std::optional<FloatType> kind = floatType(type);
      if (!kind)
        return fail(textOf(compare));
      emit(floatCompare(*kind), d[i].offset, x[i].offset, y[i].offset, -1,
           int64_t(floatPredicate(predicate)));
      continue;
    }
    bool narrow = x[i].bits != 1 && width != unsigned(x[i].bits);
    emit(integerCompare(integerPredicate(predicate), x[i].bits, narrow),
         d[i].offset, x[i].offset, y[i].offset, -1, width);
  }
  count(isa<FCmpInst>(compare) ? InstructionClass::Float
                               : InstructionClass::Integer,
        d.size());
  return true;
}

bool Decoder::decodeSelect(const SelectInst &choice) {
  Type *type = choice.getType();
  Components condition = get(*choice.getCondition());
  Components x = get(*choice.getTrueValue()), y = get(*choice.getFalseValue());
  if (!choice.getCondition()->getType()->isVectorTy()) {
    Components d = define(choice);
    for (size_t i = 0; i < d.size(); ++i)
      emit(select(d[i].bits), d[i].offset, x[i].offset, y[i].offset,
           condition[0].offset);
    count(InstructionClass::Integer, d.size());
    return true;
  }
  x = explode(type, x);
  y = explode(type, y);
  Components elements;
  for (size_t i = 0; i < x.size(); ++i) {
    Component element = allocate(x[i].bits);
    emit(select(element.bits), element.offset, x[i].offset, y[i].offset,
         condition[i].offset);
    elements.push_back(element);
  }
  values[&choice] = implode(type, elements);
  count(InstructionClass::Integer, x.size());
  return true;
}

/// One element of a cast between scalar types.
Component Decoder::castElement(unsigned opcode, Type *from, Type *to,
                               Component x) {
  unsigned fromWidth = widthOf(from), toWidth = widthOf(to);
  Component d = allocate(storageBits(toWidth));
  std::optional<FloatType> fromFloat = floatType(from), toFloat = floatType(to);
  switch (opcode) {
  case Instruction::ZExt:
  case Instruction::Trunc:
  case Instruction::PtrToInt:
  case Instruction::IntToPtr:
    emit(zeroExtendOrTruncate(x.bits, d.bits), d.offset, x.offset, -1, -1,
         std::min(fromWidth, toWidth));
    return d;
  case Instruction::SExt:
    emit(signExtend(x.bits, d.bits), d.offset, x.offset, -1, int32_t(toWidth),
         fromWidth);
    return d;
  case Instruction::FPExt:
  case Instruction::FPTrunc:
    if (fromFloat && toFloat)
      emit(floatToFloat(*fromFloat, *toFloat), d.offset, x.offset);
    else
      fail("a cast between these float types");
    return d;
  case Instruction::UIToFP:
  case Instruction::SIToFP: {
    bool isSigned = opcode == Instruction::SIToFP;
    if (!toFloat) {
      fail("a cast to this float type");
      return d;
    }
    if (x.bits == 1) {
      Component wide = allocate(32);
      emit(isSigned ? signExtend(1, 32) : zeroExtendOrTruncate(1, 32),
           wide.offset, x.offset, -1, 32, 1);
      x = wide;
      fromWidth = 32;
    }
    emit(integerToFloat(isSigned, x.bits, *toFloat), d.offset, x.offset, -1, -1,
         fromWidth);
    return d;
  }
  case Instruction::FPToUI:
  case Instruction::FPToSI:
    if (!fromFloat || d.bits == 1)
      fail("a cast from this float type");
    else
      emit(floatToInteger(*fromFloat, opcode == Instruction::FPToSI, d.bits),
           d.offset, x.offset, -1, -1, toWidth);
    return d;
  default:
    fail("an unknown cast");
    return d;
  }
}

bool Decoder::decodeCast(const CastInst &cast) {
  Type *from = cast.getSrcTy(), *to = cast.getDestTy();
  unsigned opcode = cast.getOpcode();
  if (opcode == Instruction::BitCast)
    return decodeBitcast(cast);
  bool sameBits =
      widthOf(from->getScalarType()) == widthOf(to->getScalarType());
  if (opcode == Instruction::AddrSpaceCast ||
      (sameBits &&
       (opcode == Instruction::PtrToInt || opcode == Instruction::IntToPtr))) {
    Components same = get(*cast.getOperand(0));
    values[&cast] = same;
    return true;
  }
  Components elements;
  Components source = explode(from, Components(get(*cast.getOperand(0))));
  for (const Component &x : source)
    elements.push_back(
        castElement(opcode, from->getScalarType(), to->getScalarType(), x));
  values[&cast] = implode(to, elements);
  count(InstructionClass::Conversion, source.size());
  return true;
}

bool Decoder::decodeBitcast(const Instruction &cast) {
  Type *from = cast.getOperand(0)->getType(), *to = cast.getType();
  SmallVector<Leaf> fromLeaves, toLeaves;
  flatten(from, fromLeaves);
  flatten(to, toLeaves);
  Components source = get(*cast.getOperand(0));
  bool same = fromLeaves.size() == toLeaves.size() &&
              all_of(zip(fromLeaves, toLeaves), [](auto pair) {
                return std::get<0>(pair).width == std::get<1>(pair).width;
              });
  if (same) {
    values[&cast] = source;
    return true;
  }
  Components target = fresh(to);
  SmallVector<int32_t> list = {int32_t(target.size())};
  unsigned bits = 0;
  for (size_t i = 0; i < target.size(); ++i) {
    list.append({target[i].offset, target[i].bits, int32_t(toLeaves[i].width)});
    bits += toLeaves[i].width;
  }
  for (size_t i = 0; i < source.size(); ++i)
    list.append(
        {source[i].offset, source[i].bits, int32_t(fromLeaves[i].width)});
  if (bits > 1024)
    return fail("a bit cast of more than 1024 bits");
  emitList(reinterpretBits, list);
  values[&cast] = target;
  return true;
}

void Decoder::decodeInstruction(const Instruction &instruction) {
  describeSite(instruction);
  bool done = true;
  if (const auto *op = dyn_cast<BinaryOperator>(&instruction))
    done = decodeBinary(*op);
  else if (const auto *op = dyn_cast<CmpInst>(&instruction))
    done = decodeCompare(*op);
  else if (const auto *op = dyn_cast<SelectInst>(&instruction))
    done = decodeSelect(*op);
  else if (const auto *op = dyn_cast<CastInst>(&instruction))
    done = decodeCast(*op);
  else if (const auto *op = dyn_cast<CallInst>(&instruction))
    done = decodeCall(*op);
  else if (const auto *op = dyn_cast<GetElementPtrInst>(&instruction))
    done = decodeGep(*op);
  else if (const auto *op = dyn_cast<LoadInst>(&instruction))
    done = decodeLoad(*op);
  else if (const auto *op = dyn_cast<StoreInst>(&instruction))
    done = decodeStore(*op);
  else if (const auto *op = dyn_cast<AllocaInst>(&instruction))
    done = decodeAlloca(*op);
  else if (const auto *op = dyn_cast<AtomicRMWInst>(&instruction))
    done = decodeAtomic(*op);
  else if (const auto *op = dyn_cast<AtomicCmpXchgInst>(&instruction))
    done = decodeCompareExchange(*op);
  else if (const auto *op = dyn_cast<FenceInst>(&instruction)) {
    emit(fence, -1, -1, -1, -1, isBlockScope(op->getSyncScopeID()));
    count(InstructionClass::Synchronization);
  } else if (const auto *op = dyn_cast<ExtractElementInst>(&instruction))
    done = decodeExtractElement(*op);
  else if (const auto *op = dyn_cast<InsertElementInst>(&instruction))
    done = decodeInsertElement(*op);
  else if (const auto *op = dyn_cast<ShuffleVectorInst>(&instruction))
    done = decodeShuffle(*op);
  else if (const auto *op = dyn_cast<ExtractValueInst>(&instruction)) {
    Components whole = get(*op->getAggregateOperand());
    unsigned first =
        flatIndex(op->getAggregateOperand()->getType(), op->getIndices());
    SmallVector<Leaf> leaves;
    flatten(op->getType(), leaves);
    values[op] = Components(whole.begin() + first,
                            whole.begin() + first + leaves.size());
  } else if (const auto *op = dyn_cast<InsertValueInst>(&instruction)) {
    Components whole = get(*op->getAggregateOperand());
    Components part = get(*op->getInsertedValueOperand());
    unsigned first = flatIndex(op->getType(), op->getIndices());
    std::copy(part.begin(), part.end(), whole.begin() + first);
    values[op] = whole;
  } else if (isa<FreezeInst>(instruction)) {
    Components same = get(*instruction.getOperand(0));
    values[&instruction] = same;
  } else if (instruction.getOpcode() == Instruction::FNeg) {
    done = decodeFloat(FloatOp::Neg, instruction, {instruction.getOperand(0)});
  } else {
    done = fail("instruction: " + textOf(instruction));
  }
  if (!done)
    fail(textOf(instruction));
}
