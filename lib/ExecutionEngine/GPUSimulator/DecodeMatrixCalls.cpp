//===- DecodeMatrixCalls.cpp - matrix intrinsics --------------------------===//
//
// Part of the awq-mlir project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "DecodeMatrix.h"

using namespace llvm;
using namespace awq::gpusim;

std::optional<MmaType> awq::gpusim::mmaType(StringRef name) {
  static const std::pair<StringRef, MmaType> types[] = {
      {"f16", MmaType::F16},   {"bf16", MmaType::BF16}, {"tf32", MmaType::TF32},
      {"e4m3", MmaType::E4M3}, {"e5m2", MmaType::E5M2}, {"s8", MmaType::S8},
      {"u8", MmaType::U8},     {"s4", MmaType::S4},     {"u4", MmaType::U4}};
  for (auto &[key, type] : types)
    if (name == key)
      return type;
  return std::nullopt;
}

bool awq::gpusim::mmaShape(StringRef text, MmaShape &shape) {
  return text.consume_front("m16n8k") && !text.getAsInteger(10, shape.k) &&
         shape.k <= 64;
}

/// Registers as a list, all components of some operands of the call.
static void append(SmallVectorImpl<int32_t> &list, const Components &add) {
  for (const Component &component : add)
    list.push_back(component.offset);
}

bool Decoder::decodeMatrix(const CallInst &call, StringRef name) {
  bool load = name.consume_front("ldmatrix.sync.aligned.m8n8.x");
  if (load || name.consume_front("stmatrix.sync.aligned.m8n8.x")) {
    bool transpose = name.contains(".trans.");
    if (!name.contains("b16"))
      return false;
    SmallVector<int32_t> list;
    if (load)
      append(list, define(call));
    else
      for (unsigned i = 1; i < call.arg_size(); ++i)
        append(list, get(*call.getArgOperand(i)));
    int32_t rows = operand(call, 0);
    emitList(load ? loadMatrix : storeMatrix, list, transpose).a = rows;
    count(InstructionClass::MatrixLoad);
    return true;
  }
  // mma.m16n8kK.row.col[.satfinite].TYPES
  if (!name.consume_front("mma."))
    return false;
  SmallVector<StringRef, 8> parts;
  name.split(parts, '.');
  MmaShape shape;
  if (parts.size() < 4 || !mmaShape(parts[0], shape) || parts[1] != "row" ||
      parts[2] != "col")
    return false;
  ArrayRef<StringRef> types = ArrayRef(parts).drop_front(3);
  if (types[0] == "satfinite") {
    shape.saturate = true;
    types = types.drop_front();
  }
  // f16 says the types of D and C; others say those of A and B.
  bool fromSums = types[0] == "f32" || types[0] == "f16";
  // Others say all four: D, A, B, C.
  if (types.size() == 4 && types[0] == types[3]) {
    std::optional<MmaType> a = mmaType(types[1]), b = mmaType(types[2]);
    if (!a || !b)
      return false;
    shape.a = *a;
    shape.b = *b;
    shape.halfSum = types[0] == "f16";
  } else if (fromSums && types.size() >= 2 && types[0] == types[1]) {
    shape.halfSum = types[0] == "f16";
  } else if (!fromSums) {
    std::optional<MmaType> a = mmaType(types[0]);
    std::optional<MmaType> b = mmaType(types.back());
    if (!a || !b)
      return false;
    shape.a = *a;
    shape.b = *b;
  } else {
    return false;
  }
  SmallVector<int32_t> list;
  for (const Use &argument : call.args())
    append(list, get(*argument.get()));
  SmallVector<int32_t> whole;
  append(whole, define(call));
  whole.append(list);
  unsigned b = shape.k * elementBitsOf(shape.b) / 128;
  if (whole.size() != 3 * b + (shape.halfSum ? 4 : 8))
    return false;
  emitList(mma(shape), whole, shape.pack());
  count(InstructionClass::Mma);
  return true;
}

bool Decoder::decodeWgmmaSync(const CallInst &call, StringRef name) {
  count(InstructionClass::Synchronization);
  if (name == "wgmma.fence.sync.aligned") {
    emit(wgmmaFence);
    return true;
  }
  if (name == "wgmma.commit_group.sync.aligned") {
    emit(wgmmaCommit);
    return true;
  }
  if (name != "wgmma.wait_group.sync.aligned")
    return false;
  const auto *left = dyn_cast<ConstantInt>(call.getArgOperand(0));
  if (left)
    emit(wgmmaWait, -1, -1, -1, -1, int64_t(left->getZExtValue()));
  return left != nullptr;
}
