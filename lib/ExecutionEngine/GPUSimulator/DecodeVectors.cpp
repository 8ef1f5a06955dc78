//===- DecodeVectors.cpp - elements of vectors ----------------------------===//
//
// Part of the awq-mlir project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Decoder.h"

using namespace llvm;
using namespace awq::gpusim;

/// A dynamic index, as the ops that need one take it.
Component Decoder::indexAs64(const Value &index) {
  Component x = get(index)[0];
  if (x.bits == 64)
    return x;
  Component wide = allocate(64);
  emit(zeroExtendOrTruncate(x.bits, 64), wide.offset, x.offset, -1, -1,
       widthOf(index.getType()));
  return wide;
}

static SmallVector<int32_t> offsets(const Components &components) {
  SmallVector<int32_t> list;
  for (const Component &component : components)
    list.push_back(component.offset);
  return list;
}

bool Decoder::decodeExtractElement(const ExtractElementInst &extract) {
  Type *type = extract.getVectorOperandType();
  Components vector = get(*extract.getVectorOperand());
  const auto *index = dyn_cast<ConstantInt>(extract.getIndexOperand());
  if (!index) {
    Components elements = explode(type, vector);
    Component at = indexAs64(*extract.getIndexOperand());
    Components d = define(extract);
    Op &op = emitList(extractDynamic, offsets(elements), elements.size());
    op.d = d[0].offset;
    op.b = at.offset;
    op.c = d[0].bits;
    return true;
  }
  uint64_t i = index->getZExtValue();
  if (!isPacked(type)) {
    if (i >= vector.size())
      return fail("an element that the vector does not have");
    values[&extract] = {vector[i]};
    return true;
  }
  if (i / 2 >= vector.size())
    return fail("an element that the vector does not have");
  Components d = define(extract);
  emit(i % 2 ? highHalf : lowHalf, d[0].offset, vector[i / 2].offset);
  return true;
}

bool Decoder::decodeInsertElement(const InsertElementInst &insert) {
  Type *type = insert.getType();
  Components vector = get(*insert.getOperand(0));
  Component value = get(*insert.getOperand(1))[0];
  const auto *index = dyn_cast<ConstantInt>(insert.getOperand(2));
  if (!index) {
    Components elements = explode(type, vector), targets;
    Component at = indexAs64(*insert.getOperand(2));
    for (const Component &element : elements)
      targets.push_back(allocate(element.bits));
    SmallVector<int32_t> list = offsets(targets);
    list.append(offsets(elements));
    Op &op = emitList(insertDynamic, list);
    op.a = value.offset;
    op.b = at.offset;
    op.c = elements[0].bits;
    values[&insert] = implode(type, targets);
    return true;
  }
  uint64_t i = index->getZExtValue();
  if (i / (isPacked(type) ? 2 : 1) >= vector.size())
    return fail("an element that the vector does not have");
  if (!isPacked(type)) {
    vector[i] = value;
    values[&insert] = vector;
    return true;
  }
  Component other = allocate(32), pair = allocate(32);
  emit(i % 2 ? lowHalf : highHalf, other.offset, vector[i / 2].offset);
  emit(packHalves, pair.offset, i % 2 ? other.offset : value.offset,
       i % 2 ? value.offset : other.offset);
  vector[i / 2] = pair;
  values[&insert] = vector;
  return true;
}

bool Decoder::decodeShuffle(const ShuffleVectorInst &shuffle) {
  Type *type = shuffle.getOperand(0)->getType();
  Components elements = explode(type, Components(get(*shuffle.getOperand(0))));
  Components second = explode(type, Components(get(*shuffle.getOperand(1))));
  elements.append(second);
  Components picked;
  for (int index : shuffle.getShuffleMask())
    picked.push_back(elements[index < 0 ? 0 : index]);
  values[&shuffle] = implode(shuffle.getType(), picked);
  return true;
}

/// llvm.vector.reduce.*, from the first element on.
bool Decoder::decodeReduction(const CallInst &call, StringRef name) {
  bool withStart = name == "fadd" || name == "fmul";
  const Value &vector = *call.getArgOperand(withStart ? 1 : 0);
  Type *element = call.getType();
  Components elements = explode(vector.getType(), Components(get(vector)));
  Component sum = withStart ? get(*call.getArgOperand(0))[0] : elements[0];
  static const std::pair<StringRef, IntegerOp> integers[] = {
      {"add", IntegerOp::Add},   {"mul", IntegerOp::Mul},
      {"and", IntegerOp::And},   {"or", IntegerOp::Or},
      {"xor", IntegerOp::Xor},   {"umin", IntegerOp::UMin},
      {"umax", IntegerOp::UMax}, {"smin", IntegerOp::SMin},
      {"smax", IntegerOp::SMax}};
  static const std::pair<StringRef, FloatOp> floats[] = {
      {"fadd", FloatOp::Add},        {"fmul", FloatOp::Mul},
      {"fmin", FloatOp::Min},        {"fmax", FloatOp::Max},
      {"fminimum", FloatOp::MinNaN}, {"fmaximum", FloatOp::MaxNaN}};
  OpFunction run = nullptr;
  unsigned width = widthOf(element);
  int64_t imm = width;
  for (auto &[key, op] : integers)
    if (name == key)
      run =
          integerOp(op, sum.bits, sum.bits != 1 && width != unsigned(sum.bits));
  for (auto &[key, op] : floats)
    if (name == key && floatType(element)) {
      run = floatOp(op, *floatType(element));
      imm = width == 16;
    }
  if (!run)
    return false;
  for (size_t i = withStart ? 0 : 1; i < elements.size(); ++i) {
    Component next = allocate(sum.bits);
    emit(run, next.offset, sum.offset, elements[i].offset, -1, imm);
    sum = next;
  }
  values[&call] = {sum};
  count(element->isIntegerTy() ? InstructionClass::Integer
                               : InstructionClass::Float,
        elements.size());
  return true;
}
