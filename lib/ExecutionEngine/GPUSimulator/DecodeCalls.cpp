//===- DecodeCalls.cpp - calls that are not about NVIDIA GPUs -------------===//
//
// Part of the awq-mlir project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Decoder.h"

#include "llvm/IR/InlineAsm.h"
#include "llvm/IR/IntrinsicInst.h"

using namespace llvm;
using namespace awq::gpusim;

bool Decoder::decodeCall(const CallInst &call) {
  if (call.isInlineAsm())
    return decodeInlineAsm(call);
  const Function *callee = call.getCalledFunction();
  if (!callee)
    return fail("an indirect call");
  StringRef name = callee->getName();
  if (!callee->isIntrinsic() && !callee->isDeclaration())
    return fail("a call of the function " + name +
                "; inline it before simulation");
  bool known =
      name.starts_with("llvm.nvvm.") ? decodeNVVM(call, name.drop_front(10))
      : name.consume_front("llvm.")  ? decodeGenericIntrinsic(call, name)
                                     : decodeMath(call, name);
  if (known)
    return true;
  return fail((callee->isIntrinsic() ? "intrinsic " : "function ") +
              callee->getName());
}

/// Intrinsics that say something to the optimizer and do nothing.
static bool isAnnotation(StringRef name) {
  return name.starts_with("lifetime.") || name.starts_with("assume") ||
         name.starts_with("dbg.") || name.starts_with("donothing") ||
         name.starts_with("experimental.noalias.scope") ||
         name.starts_with("prefetch.");
}

bool Decoder::decodeGenericIntrinsic(const CallInst &call, StringRef name) {
  if (isAnnotation(name))
    return true;
  if (name == "trap" || name == "debugtrap") {
    emit(trap);
    return true;
  }
  StringRef reduction = name;
  if (reduction.consume_front("vector.reduce."))
    return decodeReduction(call, reduction.split('.').first);
  if (name.starts_with("memset.") || name.starts_with("memcpy.") ||
      name.starts_with("memmove.")) {
    const auto *bytes = dyn_cast<ConstantInt>(call.getArgOperand(2));
    if (!bytes || bytes->getZExtValue() > 0xffff)
      return fail("a copy or fill of unknown size");
    if (bytes->isZero())
      return true;
    int32_t to = operand(call, 0), other = operand(call, 1);
    emit(name.starts_with("memset.") ? setBytes : copyBytes, -1, to, other, -1,
         int64_t(bytes->getZExtValue()));
    count(InstructionClass::Other);
    return true;
  }
  if (name.starts_with("expect.") || name.starts_with("ssa.copy") ||
      name.starts_with("launder.") || name.starts_with("strip.")) {
    Components same = get(*call.getArgOperand(0));
    values[&call] = same;
    return true;
  }
  return decodeIntegerIntrinsic(call, name) || decodeMath(call, name);
}

bool Decoder::decodeIntegerIntrinsic(const CallInst &call, StringRef name) {
  StringRef stem = name.split('.').first;
  static const std::pair<StringRef, IntegerOp> binary[] = {
      {"umin", IntegerOp::UMin},
      {"umax", IntegerOp::UMax},
      {"smin", IntegerOp::SMin},
      {"smax", IntegerOp::SMax}};
  for (auto &[key, op] : binary)
    if (stem == key)
      return decodeIntegerBinary(op, call.getType(), call,
                                 *call.getArgOperand(0),
                                 *call.getArgOperand(1));
  static const std::pair<StringRef, BitOp> unary[] = {
      {"ctpop", BitOp::PopCount},     {"ctlz", BitOp::LeadingZeros},
      {"cttz", BitOp::TrailingZeros}, {"bitreverse", BitOp::Reverse},
      {"bswap", BitOp::SwapBytes},    {"abs", BitOp::Abs}};
  Type *type = call.getType();
  unsigned width = type->isVoidTy() ? 0 : widthOf(type->getScalarType());
  for (auto &[key, op] : unary) {
    if (stem != key)
      continue;
    if (width < 8)
      return fail(name + " on this type");
    Components x = explode(type, Components(get(*call.getArgOperand(0))));
    Components elements;
    for (const Component &element : x) {
      Component d = allocate(element.bits);
      emit(bitOp(op, d.bits), d.offset, element.offset, -1, -1, width);
      elements.push_back(d);
    }
    values[&call] = implode(type, elements);
    count(InstructionClass::Integer, x.size());
    return true;
  }
  if ((stem == "fshl" || stem == "fshr") && !type->isVectorTy()) {
    int32_t a = operand(call, 0), b = operand(call, 1), c = operand(call, 2);
    Components d = define(call);
    emit(funnelShift(stem == "fshl", d[0].bits), d[0].offset, a, b, c, width);
    count(InstructionClass::Integer);
    return true;
  }
  return false;
}

/// llvm.* and libdevice functions of floating point.
bool Decoder::decodeMath(const CallInst &call, StringRef name) {
  StringRef stem = name.split('.').first;
  if (stem.consume_front("__nv_"))
    stem.consume_back("f");
  static const std::pair<StringRef, FloatOp> functions[] = {
      {"fma", FloatOp::Fma},
      {"fmuladd", FloatOp::Fma},
      {"sqrt", FloatOp::Sqrt},
      {"rsqrt", FloatOp::Rsqrt},
      {"exp2", FloatOp::Exp2},
      {"exp", FloatOp::Exp},
      {"log2", FloatOp::Log2},
      {"log", FloatOp::Log},
      {"sin", FloatOp::Sin},
      {"cos", FloatOp::Cos},
      {"tanh", FloatOp::Tanh},
      {"fabs", FloatOp::Abs},
      {"copysign", FloatOp::CopySign},
      {"minnum", FloatOp::Min},
      {"maxnum", FloatOp::Max},
      {"minimumnum", FloatOp::Min},
      {"maximumnum", FloatOp::Max},
      {"fmin", FloatOp::Min},
      {"fmax", FloatOp::Max},
      {"minimum", FloatOp::MinNaN},
      {"maximum", FloatOp::MaxNaN},
      {"floor", FloatOp::Floor},
      {"ceil", FloatOp::Ceil},
      {"trunc", FloatOp::Trunc},
      {"rint", FloatOp::RoundEven},
      {"nearbyint", FloatOp::RoundEven},
      {"roundeven", FloatOp::RoundEven},
      {"round", FloatOp::Round}};
  for (auto &[key, op] : functions) {
    if (stem != key)
      continue;
    SmallVector<const Value *, 3> operands;
    for (const Use &argument : call.args())
      operands.push_back(argument.get());
    return decodeFloat(op, call, operands);
  }
  return false;
}
