//===- Atomics.cpp - atomic updates, ordered loads and stores, fences -----===//
//
// Part of the awq-mlir project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Lanes.h"
#include "MemoryAccess.h"
#include "Numbers.h"
#include "Ops.h"

#include <cstring>

using namespace awq::gpusim;

namespace {

template <typename T>
T integerUpdate(AtomicOp op, T old, T value, T other) {
  using S = std::make_signed_t<T>;
  switch (op) {
  case AtomicOp::Add:
    return old + value;
  case AtomicOp::And:
    return old & value;
  case AtomicOp::Or:
    return old | value;
  case AtomicOp::Xor:
    return old ^ value;
  case AtomicOp::Min:
    return S(old) < S(value) ? old : value;
  case AtomicOp::Max:
    return S(old) < S(value) ? value : old;
  case AtomicOp::UMin:
    return old < value ? old : value;
  case AtomicOp::UMax:
    return old < value ? value : old;
  case AtomicOp::Exchange:
  case AtomicOp::Store:
    return value;
  case AtomicOp::CompareExchange:
    return old == value ? other : old;
  case AtomicOp::Increment:
    return old >= value ? T(0) : T(old + 1);
  case AtomicOp::Decrement:
    return old == 0 || old > value ? value : T(old - 1);
  case AtomicOp::FAdd:
  case AtomicOp::Load:
    return old;
  }
  return old;
}

uint16_t addHalves(FloatType type, uint16_t x, uint16_t y) {
  if (type == FloatType::F16)
    return floatToHalf(halfToFloat(x) + halfToFloat(y));
  double sum =
      multiplyAddOdd<double, uint64_t>(bfloatToFloat(x), 1.0, bfloatToFloat(y));
  return floatToBfloat(doubleToFloatOdd(sum));
}

uint64_t floatAdd(FloatType type, bool packed, uint64_t old, uint64_t value) {
  if (type == FloatType::F64)
    return bitCast<uint64_t>(bitCast<double>(old) + bitCast<double>(value));
  if (type == FloatType::F32)
    return bitCast<uint32_t>(bitCast<float>(uint32_t(old)) +
                             bitCast<float>(uint32_t(value)));
  uint64_t sum = addHalves(type, uint16_t(old), uint16_t(value));
  if (packed)
    sum |= uint64_t(addHalves(type, uint16_t(old >> 16), uint16_t(value >> 16)))
           << 16;
  return sum;
}

uint64_t readOperand(Warp &warp, int32_t offset, unsigned bytes,
                     unsigned lane) {
  if (offset < 0)
    return 0;
  return bytes == 8 ? reg<uint64_t>(warp, offset)[lane]
                    : reg<uint32_t>(warp, offset)[lane];
}

uint64_t updated(const Op &o, unsigned bytes, uint64_t old, uint64_t value,
                 uint64_t other) {
  auto op = static_cast<AtomicOp>(o.imm >> AtomicBits::opShift & 15);
  if (op == AtomicOp::FAdd)
    return floatAdd(static_cast<FloatType>(o.imm >> AtomicBits::typeShift & 3),
                    o.imm & AtomicBits::packed, old, value);
  switch (bytes) {
  case 8:
    return integerUpdate<uint64_t>(op, old, value, other);
  case 2:
    return integerUpdate<uint16_t>(op, uint16_t(old), uint16_t(value),
                                   uint16_t(other));
  case 1:
    return integerUpdate<uint8_t>(op, uint8_t(old), uint8_t(value),
                                  uint8_t(other));
  default:
    return integerUpdate<uint32_t>(op, uint32_t(old), uint32_t(value),
                                   uint32_t(other));
  }
}

} // namespace

void awq::gpusim::atomic(Warp &warp, const Op &o) {
  Machine &machine = *warp.machine;
  auto op = static_cast<AtomicOp>(o.imm >> AtomicBits::opShift & 15);
  bool reads = op != AtomicOp::Store, changes = op != AtomicOp::Load;
  auto order =
      static_cast<GlobalShadow::Order>(o.imm >> AtomicBits::orderShift & 3);
  Access access;
  access.bytes = o.imm & 0xffff;
  access.alignment = o.imm >> AccessBits::alignShift & 0xffff;
  access.space = o.imm >> AccessBits::spaceShift & 0xff;
  access.kind = AccessKind::AtomicUpdate;
  access.site = o.site;
  bool narrow = o.imm & AccessBits::narrowAddress;
  eachLane(warp.mask, [&](unsigned lane) {
    uint64_t address = addressAt(warp, o.a, narrow, lane);
    if (machine.options.races && !machine.isShared(address) && reads)
      machine.globalShadow.synchronize(warp, address, true, false, order,
                                       o.imm & AtomicBits::blockScope);
    if (!checkLane(warp, access, lane, address))
      return;
    uint64_t old = 0;
    auto *memory = reinterpret_cast<uint8_t *>(address);
    std::memcpy(&old, memory, access.bytes);
    uint64_t next = updated(o, access.bytes, old,
                            readOperand(warp, o.b, access.bytes, lane),
                            readOperand(warp, o.c, access.bytes, lane));
    if (changes && next != old)
      machine.noteProgress();
    std::memcpy(memory, &next, access.bytes);
    if (machine.options.races && !machine.isShared(address) && changes)
      machine.globalShadow.synchronize(warp, address, reads, true, order,
                                       o.imm & AtomicBits::blockScope);
    if (o.d >= 0 && access.bytes == 8)
      reg<uint64_t>(warp, o.d)[lane] = old;
    else if (o.d >= 0)
      reg<uint32_t>(warp, o.d)[lane] = static_cast<uint32_t>(old);
  });
  // Whoever polls lets others run before the next look.
  if (op == AtomicOp::Load || op == AtomicOp::CompareExchange)
    warp.spinning = true;
}

void awq::gpusim::fence(Warp &warp, const Op &o) {
  if (warp.machine->options.races)
    warp.machine->globalShadow.fence(warp, o.imm & 1);
}

void awq::gpusim::proxyFence(Warp &warp, const Op &o) {
  if (warp.machine->options.races) {
    warp.clock.now.proxied = warp.clock.now.own;
    ++warp.clock.now.own[warp.index];
  }
}
