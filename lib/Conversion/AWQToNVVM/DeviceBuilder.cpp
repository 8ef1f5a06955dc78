//===- DeviceBuilder.cpp - builds the body of a GPU kernel ----------------===//
//
// Part of the awq-mlir project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "DeviceBuilder.h"

using namespace mlir;
using namespace awq;

/// All lanes of a warp.
static constexpr int32_t allLanes = -1;

//===----------------------------------------------------------------------===//
// Numbers
//===----------------------------------------------------------------------===//

Value DeviceBuilder::constant(int32_t value) {
  return LLVM::ConstantOp::create(*this, i32, getI32IntegerAttr(value));
}

Value DeviceBuilder::constant64(int64_t value) {
  return LLVM::ConstantOp::create(*this, i64, getI64IntegerAttr(value));
}

Value DeviceBuilder::real(float value) {
  return LLVM::ConstantOp::create(*this, f32, getF32FloatAttr(value));
}

Value DeviceBuilder::boolean(bool value) {
  return LLVM::ConstantOp::create(*this, i1, getBoolAttr(value));
}

Value DeviceBuilder::add(Value x, Value y) {
  return LLVM::AddOp::create(*this, x, y);
}
Value DeviceBuilder::sub(Value x, Value y) {
  return LLVM::SubOp::create(*this, x, y);
}
Value DeviceBuilder::mul(Value x, Value y) {
  return LLVM::MulOp::create(*this, x, y);
}
Value DeviceBuilder::div(Value x, Value y) {
  return LLVM::UDivOp::create(*this, x, y);
}
Value DeviceBuilder::rem(Value x, Value y) {
  return LLVM::URemOp::create(*this, x, y);
}
Value DeviceBuilder::both(Value x, Value y) {
  return LLVM::AndOp::create(*this, x, y);
}
Value DeviceBuilder::either(Value x, Value y) {
  return LLVM::OrOp::create(*this, x, y);
}
Value DeviceBuilder::shiftLeft(Value x, int32_t by) {
  return LLVM::ShlOp::create(*this, x, constant(by));
}
Value DeviceBuilder::shiftRight(Value x, int32_t by) {
  return LLVM::LShrOp::create(*this, x, constant(by));
}
Value DeviceBuilder::smaller(Value x, Value y) {
  return LLVM::UMinOp::create(*this, x, y);
}
Value DeviceBuilder::larger(Value x, Value y) {
  return LLVM::UMaxOp::create(*this, x, y);
}
Value DeviceBuilder::less(Value x, Value y) {
  return LLVM::ICmpOp::create(*this, LLVM::ICmpPredicate::ult, x, y);
}
Value DeviceBuilder::equal(Value x, Value y) {
  return LLVM::ICmpOp::create(*this, LLVM::ICmpPredicate::eq, x, y);
}
Value DeviceBuilder::different(Value x, Value y) {
  return LLVM::ICmpOp::create(*this, LLVM::ICmpPredicate::ne, x, y);
}
Value DeviceBuilder::above(Value x, int32_t y) {
  return LLVM::ICmpOp::create(*this, LLVM::ICmpPredicate::sgt, x, constant(y));
}
Value DeviceBuilder::notAbove(Value x, int32_t y) {
  return LLVM::ICmpOp::create(*this, LLVM::ICmpPredicate::sle, x, constant(y));
}
Value DeviceBuilder::select(Value condition, Value x, Value y) {
  return LLVM::SelectOp::create(*this, condition, x, y);
}
Value DeviceBuilder::widen(Value x, Type type) {
  return LLVM::ZExtOp::create(*this, type, x);
}
Value DeviceBuilder::narrow(Value x, Type type) {
  return LLVM::TruncOp::create(*this, type, x);
}
Value DeviceBuilder::bitcast(Value x, Type type) {
  return LLVM::BitcastOp::create(*this, type, x);
}
Value DeviceBuilder::fadd(Value x, Value y) {
  return LLVM::FAddOp::create(*this, x, y);
}
Value DeviceBuilder::fsub(Value x, Value y) {
  return LLVM::FSubOp::create(*this, x, y);
}
Value DeviceBuilder::fmul(Value x, Value y) {
  return LLVM::FMulOp::create(*this, x, y);
}
Value DeviceBuilder::fma(Value x, Value y, Value z) {
  return LLVM::FMAOp::create(*this, x, y, z);
}
Value DeviceBuilder::toF32(Value x) {
  return LLVM::FPExtOp::create(*this, f32, x);
}

Value DeviceBuilder::fdiv(Value x, Value y) {
  return LLVM::FDivOp::create(*this, x, y);
}

/// `value` through an intrinsic of NVVM for f32.
static DeviceBuilder::Value callNVVM(DeviceBuilder &b, StringRef name,
                                     DeviceBuilder::Value value) {
  return LLVM::CallIntrinsicOp::create(
             b, b.f32, b.getStringAttr(("llvm.nvvm." + name).str()),
             ValueRange{value})
      .getResult(0);
}

Value DeviceBuilder::squareRoot(Value x) {
  return callNVVM(*this, "sqrt.rn.f", x);
}

Value DeviceBuilder::fless(Value x, Value y) {
  return LLVM::FCmpOp::create(*this, LLVM::FCmpPredicate::olt, x, y);
}

Value DeviceBuilder::sigmoid(Value x) {
  constexpr float log2E = 1.44269504f;
  Value power = callNVVM(*this, "ex2.approx.ftz.f32", fmul(x, real(-log2E)));
  return callNVVM(*this, "rcp.approx.ftz.f", fadd(real(1.0f), power));
}
Value DeviceBuilder::fromF32(Value x, Type type) {
  return LLVM::FPTruncOp::create(*this, type, x);
}

Value DeviceBuilder::inlinePTX(Type type, ValueRange operands, StringRef text,
                               StringRef constraints, bool hasEffects) {
  return LLVM::InlineAsmOp::create(*this, type, operands, text, constraints,
                                   hasEffects, /*is_align_stack=*/false,
                                   LLVM::TailCallKind::None,
                                   /*asm_dialect=*/nullptr,
                                   /*operand_attrs=*/nullptr)
      .getResult(0);
}

Value DeviceBuilder::pinned(Value x) {
  bool isWide = x.getType() == i64;
  return inlinePTX(x.getType(), x,
                   isWide ? "mov.b64 $0, $1;" : "mov.b32 $0, $1;",
                   isWide ? "=l,l" : "=r,r", /*hasEffects=*/true);
}

//===----------------------------------------------------------------------===//
// Memory
//===----------------------------------------------------------------------===//

Value DeviceBuilder::at(Value base, Value bytes) {
  return LLVM::GEPOp::create(*this, base.getType(), i8, base,
                             ArrayRef<LLVM::GEPArg>{bytes});
}

Value DeviceBuilder::at(Value base, int64_t bytes) {
  if (bytes == 0)
    return base;
  return LLVM::GEPOp::create(
      *this, base.getType(), i8, base,
      ArrayRef<LLVM::GEPArg>{static_cast<int32_t>(bytes)});
}

Value DeviceBuilder::load(Type type, Value address, unsigned alignment) {
  Value value = LLVM::LoadOp::create(*this, type, address, alignment);
  // Of a vector of which only elements are used LLVM would load each by itself,
  // or some together, and have bank conflicts that the whole has not.
  return isa<VectorType>(type) ? LLVM::FreezeOp::create(*this, value) : value;
}

void DeviceBuilder::store(Value value, Value address, unsigned alignment) {
  LLVM::StoreOp::create(*this, value, address, alignment);
}

Value DeviceBuilder::extract(Value source, int64_t position) {
  if (isa<VectorType>(source.getType()))
    return LLVM::ExtractElementOp::create(
        *this, source, constant(static_cast<int32_t>(position)));
  return LLVM::ExtractValueOp::create(*this, source, position);
}

Value DeviceBuilder::makeVector(ValueRange values) {
  auto type = VectorType::get({static_cast<int64_t>(values.size())},
                              values.front().getType());
  Value result = LLVM::PoisonOp::create(*this, type);
  for (auto [i, value] : llvm::enumerate(values))
    result = LLVM::InsertElementOp::create(*this, result, value,
                                           constant(static_cast<int32_t>(i)));
  return result;
}

//===----------------------------------------------------------------------===//
// Control
//===----------------------------------------------------------------------===//

Variable DeviceBuilder::variable(Value initial) {
  Type type = initial.getType();
  Value slot;
  {
    // Slots at the start of the function are those that LLVM can promote.
    OpBuilder::InsertionGuard guard(*this);
    setInsertionPointToStart(&getBlock()->getParent()->front());
    slot = LLVM::AllocaOp::create(
        *this, LLVM::LLVMPointerType::get(getContext()), type, constant(1));
  }
  LLVM::StoreOp::create(*this, initial, slot);
  return {slot, type};
}

Value DeviceBuilder::get(const Variable &variable) {
  return LLVM::LoadOp::create(*this, variable.type, variable.slot);
}

void DeviceBuilder::set(const Variable &variable, Value value) {
  LLVM::StoreOp::create(*this, value, variable.slot);
}

Block *DeviceBuilder::newBlock() {
  OpBuilder::InsertionGuard guard(*this);
  Region *region = getBlock()->getParent();
  return createBlock(region, region->end());
}

void DeviceBuilder::branch(Block *to) { LLVM::BrOp::create(*this, to); }

void DeviceBuilder::branch(Value condition, Block *yes, Block *no) {
  LLVM::CondBrOp::create(*this, condition, yes, no);
}

void DeviceBuilder::ifThen(Value condition, llvm::function_ref<void()> body) {
  Block *then = newBlock();
  Block *after = newBlock();
  branch(condition, then, after);
  startBlock(then);
  body();
  branch(after);
  startBlock(after);
}

void DeviceBuilder::forRange(Value from, Value to, Value by,
                             llvm::function_ref<void(Value)> body) {
  Variable counter = variable(from);
  Block *head = newBlock(), *turn = newBlock(), *after = newBlock();
  branch(head);
  startBlock(head);
  branch(less(get(counter), to), turn, after);
  startBlock(turn);
  body(get(counter));
  set(counter, add(get(counter), by));
  branch(head);
  startBlock(after);
}

//===----------------------------------------------------------------------===//
// Threads
//===----------------------------------------------------------------------===//

Value DeviceBuilder::threadX() { return NVVM::ThreadIdXOp::create(*this, i32); }
Value DeviceBuilder::blockX() { return NVVM::BlockIdXOp::create(*this, i32); }
Value DeviceBuilder::blockY() { return NVVM::BlockIdYOp::create(*this, i32); }
Value DeviceBuilder::gridX() { return NVVM::GridDimXOp::create(*this, i32); }

Value DeviceBuilder::gridY() { return NVVM::GridDimYOp::create(*this, i32); }

void DeviceBuilder::barrier() { NVVM::Barrier0Op::create(*this); }

Value DeviceBuilder::shuffleXor(Value value, int32_t with) {
  return NVVM::ShflOp::create(*this, value.getType(), constant(allLanes), value,
                              constant(with), constant(31),
                              NVVM::ShflKind::bfly, UnitAttr());
}

Value DeviceBuilder::fromFirstLane(Value value) {
  return NVVM::ShflOp::create(*this, value.getType(), constant(allLanes), value,
                              constant(0), constant(31), NVVM::ShflKind::idx,
                              UnitAttr());
}
