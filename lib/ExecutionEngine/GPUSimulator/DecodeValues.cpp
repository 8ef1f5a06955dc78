//===- DecodeValues.cpp - registers for values, constants and globals -----===//
//
// Part of the awq-mlir project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Decoder.h"

#include "llvm/IR/Constants.h"
#include "llvm/IR/Operator.h"

#include <cstring>

using namespace llvm;
using namespace awq::gpusim;

static uint64_t lowBits(unsigned width) {
  return width >= 64 ? ~0ull : (1ull << width) - 1;
}

bool Decoder::isPacked(Type *type) {
  auto *vector = dyn_cast<FixedVectorType>(type);
  return vector && vector->getElementType()->getScalarSizeInBits() == 16 &&
         vector->getNumElements() % 2 == 0;
}

unsigned Decoder::widthOf(Type *type) const {
  if (type->isPointerTy())
    return 64;
  return static_cast<unsigned>(layout.getTypeSizeInBits(type).getFixedValue());
}

void Decoder::flatten(Type *type, SmallVectorImpl<Leaf> &leaves,
                      uint64_t offset) {
  if (auto *structure = dyn_cast<StructType>(type)) {
    const StructLayout *places = layout.getStructLayout(structure);
    for (unsigned i = 0; i < structure->getNumElements(); ++i)
      flatten(structure->getElementType(i), leaves,
              offset + places->getElementOffset(i));
    return;
  }
  if (auto *array = dyn_cast<ArrayType>(type)) {
    uint64_t stride = layout.getTypeAllocSize(array->getElementType());
    for (uint64_t i = 0; i < array->getNumElements(); ++i)
      flatten(array->getElementType(), leaves, offset + i * stride);
    return;
  }
  if (auto *vector = dyn_cast<FixedVectorType>(type)) {
    unsigned count = vector->getNumElements();
    if (isPacked(type)) {
      for (unsigned i = 0; i < count / 2; ++i)
        leaves.push_back({32, 32, 4, offset + 4 * i});
      return;
    }
    uint64_t stride = (widthOf(vector->getElementType()) + 7) / 8;
    for (unsigned i = 0; i < count; ++i)
      flatten(vector->getElementType(), leaves, offset + i * stride);
    return;
  }
  if (type->isVoidTy())
    return;
  unsigned width = widthOf(type);
  if (width > 64) {
    fail("a value of " + Twine(width) + " bits");
    width = 64;
  }
  leaves.push_back(
      {int32_t(storageBits(width)), width, (width + 7) / 8, offset});
}

Component Decoder::allocateFixed(int32_t bits) {
  // Masks are padded so that wide registers stay aligned for vector code.
  size_t bytes = bits == 1 ? 64 : bits == 64 ? 256 : 128;
  Component component{static_cast<int32_t>(kernel->initialRegisters.size()),
                      bits};
  kernel->initialRegisters.resize(kernel->initialRegisters.size() + bytes);
  return component;
}

Component Decoder::allocate(int32_t bits) {
  SmallVector<int32_t> &free = freeRegisters[bits];
  Component component =
      free.empty() ? allocateFixed(bits) : Component{free.pop_back_val(), bits};
  recent.push_back(component);
  return component;
}

/// Whether only instructions of its own block, but for the last, use a value:
/// lanes that are elsewhere then never need it.
static bool staysInBlock(const Instruction &value) {
  return all_of(value.users(), [&](const User *user) {
    const auto *instruction = cast<Instruction>(user);
    return instruction->getParent() == value.getParent() &&
           !isa<PHINode>(instruction) && !instruction->isTerminator();
  });
}

void Decoder::release(const Components &components) {
  for (const Component &component : components) {
    auto holder = holders.find(component.offset);
    if (holder == holders.end() || --holder->second)
      continue;
    holders.erase(holder);
    freeRegisters[component.bits].push_back(component.offset);
  }
}

/// After an instruction: gives back the registers of what it used last, so that
/// a warp's registers stay in the processor's cache. A register is still never
/// both source and target of one instruction.
void Decoder::recycle(const Instruction &instruction) {
  for (const Component &component : recent)
    holders[component.offset] = 1;
  auto result = values.find(&instruction);
  if (result != values.end()) {
    bool stays = staysInBlock(instruction);
    for (const Component &component : result->second) {
      auto holder = holders.find(component.offset);
      if (holder == holders.end())
        continue;
      if (stays)
        ++holder->second;
      else
        holders.erase(holder);
    }
    if (stays)
      usesLeft[&instruction] = instruction.getNumUses();
    if (stays && instruction.use_empty())
      release(Components(result->second));
  }
  release(recent);
  recent.clear();
  for (const Use &use : instruction.operands()) {
    auto left = usesLeft.find(use.get());
    if (left != usesLeft.end() && --left->second == 0)
      release(Components(values[use.get()]));
  }
}

Components Decoder::fresh(Type *type) {
  SmallVector<Leaf> leaves;
  flatten(type, leaves);
  Components components;
  for (const Leaf &leaf : leaves)
    components.push_back(allocate(leaf.bits));
  return components;
}

Components &Decoder::define(const Value &value) {
  Components components = fresh(value.getType());
  return values[&value] = std::move(components);
}

Component Decoder::constant(uint64_t value, int32_t bits) {
  auto [known, isNew] = constants.try_emplace({value, bits}, 0);
  if (!isNew)
    return {known->second, bits};
  Component component = allocateFixed(bits);
  known->second = component.offset;
  uint8_t *bytes = &kernel->initialRegisters[component.offset];
  if (bits == 1) {
    uint32_t mask = value & 1 ? allLanes : 0;
    std::memcpy(bytes, &mask, 4);
  }
  for (unsigned lane = 0; bits != 1 && lane < warpLanes; ++lane)
    std::memcpy(bytes + lane * bits / 8, &value, bits / 8);
  return component;
}

Component Decoder::addressConstant(AddressConstant::Base base, uint64_t value) {
  auto [known, isNew] = addresses.try_emplace({base, value}, 0);
  if (isNew) {
    known->second = allocateFixed(64).offset;
    kernel->addresses.push_back({base, known->second, value});
  }
  return {known->second, 64};
}

/// Copies an initial value into the module's bytes.
bool Decoder::writeInitializer(const Constant &value, uint64_t offset) {
  uint8_t *to = kernel->moduleBytes.data() + offset;
  if (isa<UndefValue>(value) || value.isNullValue())
    return true;
  if (const auto *data = dyn_cast<ConstantDataSequential>(&value)) {
    StringRef raw = data->getRawDataValues();
    std::memcpy(to, raw.data(), raw.size());
    return true;
  }
  uint64_t bits = 0;
  if (const auto *integer = dyn_cast<ConstantInt>(&value))
    bits = integer->getZExtValue();
  else if (const auto *number = dyn_cast<ConstantFP>(&value))
    bits = number->getValueAPF().bitcastToAPInt().getZExtValue();
  else {
    Type *type = value.getType();
    unsigned count = 0;
    if (auto *structure = dyn_cast<StructType>(type))
      count = structure->getNumElements();
    else if (auto *array = dyn_cast<ArrayType>(type))
      count = static_cast<unsigned>(array->getNumElements());
    else
      return fail("the initial value of a global variable");
    for (unsigned i = 0; i < count; ++i) {
      uint64_t at =
          isa<StructType>(type)
              ? layout.getStructLayout(cast<StructType>(type))
                    ->getElementOffset(i)
                    .getFixedValue()
              : i * layout.getTypeAllocSize(type->getArrayElementType());
      if (!writeInitializer(*value.getAggregateElement(i), offset + at))
        return false;
    }
    return true;
  }
  std::memcpy(to, &bits, layout.getTypeStoreSize(value.getType()));
  return true;
}

uint64_t Decoder::moduleOffset(const GlobalVariable &variable) {
  auto [known, isNew] = moduleOffsets.try_emplace(&variable, 0);
  if (!isNew)
    return known->second;
  constexpr size_t alignment = 256;
  size_t start =
      (kernel->moduleBytes.size() + alignment - 1) / alignment * alignment;
  known->second = start;
  uint64_t bytes = layout.getTypeAllocSize(variable.getValueType());
  kernel->moduleBytes.resize(start + bytes);
  kernel->variables.push_back(
      {variable.getName().str(), start, bytes,
       variable.isConstant() || variable.getAddressSpace() == 4});
  if (variable.hasInitializer())
    writeInitializer(*variable.getInitializer(), start);
  else
    fail("the global variable " + variable.getName() + " is not defined");
  return start;
}

void Decoder::decodeAddress(const Constant &value, Components &out) {
  APInt offset(64, 0);
  const Value *base = &value;
  while (const auto *expression = dyn_cast<ConstantExpr>(base)) {
    if (const auto *gep = dyn_cast<GEPOperator>(expression)) {
      APInt step(layout.getIndexTypeSizeInBits(gep->getType()), 0);
      if (!gep->accumulateConstantOffset(layout, step)) {
        fail("a constant address without a constant offset");
        return;
      }
      offset += step.sextOrTrunc(64);
    } else if (expression->getOpcode() != Instruction::AddrSpaceCast &&
               expression->getOpcode() != Instruction::BitCast) {
      break;
    }
    base = expression->getOperand(0);
  }
  if (const auto *variable = dyn_cast<GlobalVariable>(base)) {
    auto shared = sharedOffsets.find(variable);
    if (shared != sharedOffsets.end())
      out.push_back(addressConstant(AddressConstant::Shared,
                                    shared->second + offset.getSExtValue()));
    else
      out.push_back(
          addressConstant(AddressConstant::Module,
                          moduleOffset(*variable) + offset.getSExtValue()));
    return;
  }
  uint64_t start = 0;
  if (const auto *expression = dyn_cast<ConstantExpr>(base)) {
    const auto *integer = dyn_cast<ConstantInt>(expression->getOperand(0));
    if (expression->getOpcode() != Instruction::IntToPtr || !integer) {
      fail("a constant address");
      return;
    }
    start = integer->getZExtValue();
  }
  out.push_back(constant(start + offset.getSExtValue(), 64));
}

void Decoder::decodeConstant(const Constant &value, Components &out) {
  Type *type = value.getType();
  if (isPacked(type)) {
    auto bits = [&](unsigned i) -> uint64_t {
      const Constant *element = value.getAggregateElement(i);
      if (const auto *number = dyn_cast<ConstantFP>(element))
        return number->getValueAPF().bitcastToAPInt().getZExtValue();
      if (const auto *integer = dyn_cast<ConstantInt>(element))
        return integer->getZExtValue();
      return 0xffff;
    };
    for (unsigned i = 0; i < cast<FixedVectorType>(type)->getNumElements();
         i += 2)
      out.push_back(constant(bits(i) | bits(i + 1) << 16, 32));
    return;
  }
  if (type->isAggregateType() || type->isVectorTy()) {
    unsigned count = type->isStructTy() ? type->getStructNumElements()
                     : type->isArrayTy()
                         ? unsigned(type->getArrayNumElements())
                         : cast<FixedVectorType>(type)->getNumElements();
    for (unsigned i = 0; i < count; ++i)
      decodeConstant(*value.getAggregateElement(i), out);
    return;
  }
  if (type->isPointerTy() && !isa<UndefValue>(value)) {
    decodeAddress(value, out);
    return;
  }
  unsigned width = widthOf(type);
  int32_t bits = storageBits(width);
  if (const auto *integer = dyn_cast<ConstantInt>(&value)) {
    out.push_back(constant(integer->getZExtValue(), bits));
  } else if (const auto *number = dyn_cast<ConstantFP>(&value)) {
    out.push_back(
        constant(number->getValueAPF().bitcastToAPInt().getZExtValue(), bits));
  } else if (isa<UndefValue>(value)) {
    // Undefined and poison values show: all ones is NaN and far out of bounds.
    out.push_back(constant(lowBits(width), bits));
  } else if (const auto *expression = dyn_cast<ConstantExpr>(&value);
             expression && expression->getOpcode() == Instruction::PtrToInt) {
    Components address;
    decodeConstant(*expression->getOperand(0), address);
    if (address.empty() || width == 64) {
      out.append(address);
      return;
    }
    // The low bits of a shared address are its offset, known here.
    for (const AddressConstant &known : kernel->addresses)
      if (known.offset == address[0].offset &&
          known.base == AddressConstant::Shared) {
        out.push_back(constant(known.value & lowBits(width), bits));
        return;
      }
    fail("a pointer to global memory as an integer of " + Twine(width) +
         " bits");
  } else {
    fail("a constant expression");
  }
}

const Components &Decoder::get(const Value &value) {
  auto known = values.find(&value);
  if (known != values.end())
    return known->second;
  Components components;
  if (const auto *constantValue = dyn_cast<Constant>(&value)) {
    decodeConstant(*constantValue, components);
  } else {
    fail("a value that is used before it is defined: " + value.getName());
  }
  // After an error something must stand here.
  SmallVector<Leaf> leaves;
  flatten(value.getType(), leaves);
  while (components.size() < leaves.size())
    components.push_back(allocate(leaves[components.size()].bits));
  return values[&value] = std::move(components);
}

int32_t Decoder::operand(const User &user, unsigned index, unsigned component) {
  const Components &components = get(*user.getOperand(index));
  return component < components.size() ? components[component].offset : -1;
}

unsigned Decoder::flatIndex(Type *type, ArrayRef<unsigned> indices) {
  unsigned flat = 0;
  for (unsigned index : indices) {
    SmallVector<Leaf> before;
    if (auto *structure = dyn_cast<StructType>(type)) {
      for (unsigned i = 0; i < index; ++i)
        flatten(structure->getElementType(i), before);
      type = structure->getElementType(index);
    } else {
      type = type->getArrayElementType();
      for (unsigned i = 0; i < index; ++i)
        flatten(type, before);
    }
    flat += before.size();
  }
  return flat;
}

Components Decoder::explode(Type *type, const Components &value) {
  if (!isPacked(type))
    return value;
  Components elements;
  for (const Component &pair : value)
    for (OpFunction half : {lowHalf, highHalf}) {
      Component element = allocate(32);
      emit(half, element.offset, pair.offset);
      elements.push_back(element);
    }
  return elements;
}

Components Decoder::implode(Type *type, const Components &elements) {
  if (!isPacked(type))
    return elements;
  Components pairs;
  for (size_t i = 0; i + 1 < elements.size(); i += 2) {
    Component pair = allocate(32);
    emit(packHalves, pair.offset, elements[i].offset, elements[i + 1].offset);
    pairs.push_back(pair);
  }
  return pairs;
}

uint32_t Decoder::addList(ArrayRef<int32_t> list) {
  uint32_t start = static_cast<uint32_t>(kernel->lists.size());
  kernel->lists.insert(kernel->lists.end(), list.begin(), list.end());
  return start;
}

Op &Decoder::emit(OpFunction run, int32_t d, int32_t a, int32_t b, int32_t c,
                  int64_t imm) {
  if (!run)
    fail("an operation on this type");
  Op op;
  op.run = run;
  op.d = d;
  op.a = a;
  op.b = b;
  op.c = c;
  op.imm = imm;
  op.site = site;
  current->ops.push_back(op);
  return current->ops.back();
}

Op &Decoder::emitList(OpFunction run, ArrayRef<int32_t> list, int64_t imm) {
  uint32_t start = addList(list);
  Op &op = emit(run, -1, -1, -1, -1, imm);
  op.list = start;
  op.listSize = static_cast<uint32_t>(list.size());
  return op;
}

void Decoder::count(InstructionClass value, unsigned times) {
  current->classes[static_cast<unsigned>(value)] += times;
}
