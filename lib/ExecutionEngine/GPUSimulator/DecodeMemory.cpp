//===- DecodeMemory.cpp - addresses, loads, stores and atomics ------------===//
//
// Part of the awq-mlir project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Decoder.h"
#include "Races.h"

#include "llvm/IR/GetElementPtrTypeIterator.h"

using namespace llvm;
using namespace awq::gpusim;

InstructionClass Decoder::memoryClass(unsigned space, bool store) const {
  if (space == 3)
    return store ? InstructionClass::SharedStore : InstructionClass::SharedLoad;
  return store ? InstructionClass::GlobalStore : InstructionClass::GlobalLoad;
}

bool Decoder::decodeGep(const GetElementPtrInst &gep) {
  if (gep.getType()->isVectorTy())
    return fail("a vector of addresses");
  Component address = get(*gep.getPointerOperand())[0];
  int64_t offset = 0;
  for (auto it = gep_type_begin(gep), end = gep_type_end(gep); it != end;
       ++it) {
    const Value &index = *it.getOperand();
    if (StructType *structure = it.getStructTypeOrNull()) {
      uint64_t field = cast<ConstantInt>(index).getZExtValue();
      offset += layout.getStructLayout(structure)->getElementOffset(field);
      continue;
    }
    int64_t stride = it.getSequentialElementStride(layout).getFixedValue();
    if (const auto *constantIndex = dyn_cast<ConstantInt>(&index)) {
      offset += constantIndex->getSExtValue() * stride;
      continue;
    }
    Component x = get(index)[0];
    unsigned width = widthOf(index.getType());
    if (width != 32 && width != 64) {
      Component wide = allocate(64);
      emit(signExtend(x.bits, 64), wide.offset, x.offset, -1, 64, width);
      x = wide;
    }
    Component next = allocate(64);
    emit(x.bits == 64 ? addressAdd64 : addressAdd32, next.offset,
         address.offset, x.offset, -1, stride);
    count(InstructionClass::Integer);
    address = next;
  }
  if (offset) {
    Component next = allocate(64);
    emit(addressAddConstant, next.offset, address.offset, -1, -1, offset);
    address = next;
  }
  values[&gep] = {address};
  return true;
}

/// (register, bytes) of each piece; pieces must lie without holes.
bool Decoder::memoryList(Type *type, const Components &value,
                         SmallVectorImpl<int32_t> &list, uint64_t &bytes) {
  SmallVector<Leaf> leaves;
  flatten(type, leaves);
  bytes = 0;
  for (size_t i = 0; i < leaves.size(); ++i) {
    const Leaf &leaf = leaves[i];
    bool bit = leaf.bits == 1;
    if (bit && type->isVectorTy())
      return fail("a vector of i1 in memory");
    if (leaf.memoryOffset != bytes)
      return fail("a type with padding in memory");
    unsigned size = leaf.memoryBytes;
    if (size != 1 && size != 2 && size != 4 && size != 8)
      return fail("a value of " + Twine(leaf.width) + " bits in memory");
    list.push_back(value[i].offset);
    list.push_back(bit ? 0 : int32_t(size));
    bytes += size;
  }
  return true;
}

bool Decoder::decodeLoad(const LoadInst &op) {
  unsigned space = op.getPointerAddressSpace();
  Component pointer = get(*op.getPointerOperand())[0];
  Components d = define(op);
  count(memoryClass(space, false));
  bool scalar = d.size() == 1 && d[0].bits != 1;
  // Whoever reads volatile memory waits for another thread to write it.
  if (op.isAtomic() || (op.isVolatile() && scalar))
    return emitAtomic(AtomicOp::Load, op.getType(), d[0], pointer, space, {},
                      {}, orderOf(op.getOrdering()),
                      op.isAtomic() && isBlockScope(op.getSyncScopeID()));
  SmallVector<int32_t> list;
  uint64_t bytes;
  if (!memoryList(op.getType(), d, list, bytes))
    return false;
  Op &step = emitList(
      load, list, AccessBits::make(bytes, op.getAlign().value(), space, false));
  step.a = pointer.offset;
  return true;
}

bool Decoder::decodeStore(const StoreInst &op) {
  unsigned space = op.getPointerAddressSpace();
  Component pointer = get(*op.getPointerOperand())[0];
  Components value = get(*op.getValueOperand());
  count(memoryClass(space, true));
  if (op.isAtomic())
    return emitAtomic(AtomicOp::Store, op.getValueOperand()->getType(), {},
                      pointer, space, value[0], {}, orderOf(op.getOrdering()),
                      isBlockScope(op.getSyncScopeID()));
  SmallVector<int32_t> list;
  uint64_t bytes;
  if (!memoryList(op.getValueOperand()->getType(), value, list, bytes))
    return false;
  Op &step =
      emitList(store, list,
               AccessBits::make(bytes, op.getAlign().value(), space, false));
  step.a = pointer.offset;
  return true;
}

bool Decoder::decodeAlloca(const AllocaInst &op) {
  std::optional<TypeSize> bytes = op.getAllocationSize(layout);
  if (!bytes)
    return fail("an alloca of unknown size");
  unsigned start = (kernel->frameBytes + 15) / 16 * 16;
  kernel->frameBytes = start + unsigned(bytes->getFixedValue() + 15) / 16 * 16;
  Components d = define(op);
  emit(frameAddress, d[0].offset, -1, -1, -1, start);
  return true;
}

unsigned Decoder::orderOf(AtomicOrdering ordering) const {
  switch (ordering) {
  case AtomicOrdering::Acquire:
    return GlobalShadow::Acquire;
  case AtomicOrdering::Release:
    return GlobalShadow::Release;
  case AtomicOrdering::AcquireRelease:
  case AtomicOrdering::SequentiallyConsistent:
    return GlobalShadow::AcquireRelease;
  default:
    return GlobalShadow::Relaxed;
  }
}

bool Decoder::isBlockScope(SyncScope::ID scope) const {
  std::optional<StringRef> name = function.getContext().getSyncScopeName(scope);
  return name && (*name == "block" || *name == "singlethread");
}

bool Decoder::emitAtomic(AtomicOp op, Type *type, Component result,
                         Component pointer, unsigned space, Component value,
                         Component other, unsigned order, bool blockScope) {
  AtomicShape shape{widthOf(type), floatType(type), isPacked(type)};
  return emitAtomic(op, shape, result, pointer, space, value, other, order,
                    blockScope);
}

bool Decoder::emitAtomic(AtomicOp op, const AtomicShape &shape,
                         Component result, Component pointer, unsigned space,
                         Component value, Component other, unsigned order,
                         bool blockScope) {
  unsigned width = shape.width;
  if (width != 8 && width != 16 && width != 32 && width != 64)
    return fail("an atomic of " + Twine(width) + " bits");
  int64_t imm =
      AccessBits::make(width / 8, width / 8, space, pointer.bits == 32) |
      int64_t(op) << AtomicBits::opShift |
      int64_t(order) << AtomicBits::orderShift;
  if (blockScope)
    imm |= AtomicBits::blockScope;
  if (shape.kind)
    imm |= int64_t(*shape.kind) << AtomicBits::typeShift;
  if (shape.packed)
    imm |= AtomicBits::packed;
  emit(atomic, result.offset, pointer.offset, value.offset, other.offset, imm);
  count(InstructionClass::Atomic);
  return true;
}

bool Decoder::decodeAtomic(const AtomicRMWInst &op) {
  AtomicOp kind;
  switch (op.getOperation()) {
  case AtomicRMWInst::Xchg:
    kind = AtomicOp::Exchange;
    break;
  case AtomicRMWInst::Add:
    kind = AtomicOp::Add;
    break;
  case AtomicRMWInst::And:
    kind = AtomicOp::And;
    break;
  case AtomicRMWInst::Or:
    kind = AtomicOp::Or;
    break;
  case AtomicRMWInst::Xor:
    kind = AtomicOp::Xor;
    break;
  case AtomicRMWInst::Max:
    kind = AtomicOp::Max;
    break;
  case AtomicRMWInst::Min:
    kind = AtomicOp::Min;
    break;
  case AtomicRMWInst::UMax:
    kind = AtomicOp::UMax;
    break;
  case AtomicRMWInst::UMin:
    kind = AtomicOp::UMin;
    break;
  case AtomicRMWInst::FAdd:
    kind = AtomicOp::FAdd;
    break;
  case AtomicRMWInst::UIncWrap:
    kind = AtomicOp::Increment;
    break;
  case AtomicRMWInst::UDecWrap:
    kind = AtomicOp::Decrement;
    break;
  default:
    return fail(textOf(op));
  }
  Component pointer = get(*op.getPointerOperand())[0];
  Component value = get(*op.getValOperand())[0];
  Component d = define(op)[0];
  return emitAtomic(kind, op.getType(), d, pointer, op.getPointerAddressSpace(),
                    value, {}, orderOf(op.getOrdering()),
                    isBlockScope(op.getSyncScopeID()));
}

bool Decoder::decodeCompareExchange(const AtomicCmpXchgInst &op) {
  Type *type = op.getCompareOperand()->getType();
  Component pointer = get(*op.getPointerOperand())[0];
  Component expected = get(*op.getCompareOperand())[0];
  Component desired = get(*op.getNewValOperand())[0];
  Components d = define(op);
  if (!emitAtomic(AtomicOp::CompareExchange, type, d[0], pointer,
                  op.getPointerAddressSpace(), expected, desired,
                  orderOf(op.getMergedOrdering()),
                  isBlockScope(op.getSyncScopeID())))
    return false;
  emit(integerCompare(IntegerPredicate::EQ, d[0].bits, false), d[1].offset,
       d[0].offset, expected.offset, -1, d[0].bits);
  return true;
}
