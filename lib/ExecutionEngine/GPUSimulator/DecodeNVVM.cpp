//===- DecodeNVVM.cpp - NVVM intrinsics -----------------------------------===//
//
// Part of the awq-mlir project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Decoder.h"

#include "llvm/ADT/StringSwitch.h"

using namespace llvm;
using namespace awq::gpusim;

static std::optional<uint64_t> constantArgument(const CallInst &call,
                                                unsigned index) {
  if (const auto *value = dyn_cast<ConstantInt>(call.getArgOperand(index)))
    return value->getZExtValue();
  return std::nullopt;
}

bool Decoder::decodeNVVM(const CallInst &call, StringRef name) {
  if (name.consume_front("read.ptx.sreg."))
    return decodeSpecialRegister(call, name);
  if (name.starts_with("barrier."))
    return decodeBarrier(call, name);
  if (name.starts_with("mbarrier."))
    return decodeMBarrier(call, name);
  if (name.starts_with("cp.async."))
    return decodeAsyncCopy(call, name);
  if (name.starts_with("fence.") || name.starts_with("membar."))
    return decodeFence(call, name);
  if (name.starts_with("ldmatrix.") || name.starts_with("stmatrix.") ||
      name.starts_with("mma."))
    return decodeMatrix(call, name);
  if (name.starts_with("wgmma."))
    return decodeWgmmaSync(call, name);
  if (name == "griddepcontrol.wait" ||
      name == "griddepcontrol.launch.dependents") {
    emit(name.ends_with("wait") ? gridWait : gridLaunchDependents);
    count(InstructionClass::Synchronization);
    return true;
  }
  // Register budgets and hints change no value.
  if (name.starts_with("setmaxnreg.") || name.starts_with("prefetch.") ||
      name == "nanosleep") {
    emit(awq::gpusim::sleep);
    count(InstructionClass::Special);
    return true;
  }
  if (decodeWarpCollective(call, name)) {
    count(InstructionClass::Collective);
    return true;
  }
  return decodeNVVMMath(call, name);
}

bool Decoder::decodeSpecialRegister(const CallInst &call, StringRef name) {
  using R = SpecialRegister;
  int which = StringSwitch<int>(name)
                  .Case("tid.x", int(R::TidX))
                  .Case("tid.y", int(R::TidY))
                  .Case("tid.z", int(R::TidZ))
                  .Case("ctaid.x", int(R::CtaidX))
                  .Case("ctaid.y", int(R::CtaidY))
                  .Case("ctaid.z", int(R::CtaidZ))
                  .Case("ntid.x", int(R::NtidX))
                  .Case("ntid.y", int(R::NtidY))
                  .Case("ntid.z", int(R::NtidZ))
                  .Case("nctaid.x", int(R::NctaidX))
                  .Case("nctaid.y", int(R::NctaidY))
                  .Case("nctaid.z", int(R::NctaidZ))
                  .Case("laneid", int(R::LaneId))
                  .Case("warpid", int(R::WarpId))
                  .Case("warpsize", int(R::WarpSize))
                  .Case("lanemask.eq", int(R::LaneMaskEq))
                  .Case("lanemask.lt", int(R::LaneMaskLt))
                  .Case("lanemask.le", int(R::LaneMaskLe))
                  .Case("lanemask.gt", int(R::LaneMaskGt))
                  .Case("lanemask.ge", int(R::LaneMaskGe))
                  .Case("smid", int(R::SmId))
                  .Case("nsmid", int(R::NumSms))
                  .Case("clock", int(R::Clock))
                  .Case("dynamic_smem_size", int(R::DynamicSharedSize))
                  .Case("cluster.ctarank", int(R::Zero))
                  .Case("cluster.ctaid.x", int(R::Zero))
                  .Case("cluster.nctarank", int(R::One))
                  .Case("cluster.nctaid.x", int(R::One))
                  .Default(-1);
  if (which < 0 || !call.getType()->isIntegerTy(32))
    return false;
  emit(readSpecial, define(call)[0].offset, -1, -1, -1, which);
  count(InstructionClass::Special);
  return true;
}

bool Decoder::decodeBarrier(const CallInst &call, StringRef name) {
  if (!name.consume_front("barrier.cta."))
    return false;
  int64_t flags = 0;
  if (name.consume_front("arrive."))
    flags |= 1;
  else if (!name.consume_front("sync."))
    return false;
  if (!name.consume_front("aligned."))
    flags |= 2;
  int32_t id = operand(call, 0);
  int32_t threads = name == "count" ? operand(call, 1) : -1;
  emit(blockBarrier, -1, id, threads, -1, flags);
  count(InstructionClass::Synchronization);
  return true;
}

bool Decoder::decodeFence(const CallInst &call, StringRef name) {
  count(InstructionClass::Synchronization);
  if (name.starts_with("fence.proxy.async")) {
    emit(proxyFence);
    return true;
  }
  if (name == "membar.cta" || name == "membar.gl" || name == "membar.sys") {
    emit(fence, -1, -1, -1, -1, name == "membar.cta");
    return true;
  }
  // mbarriers are visible when initialised; within a block a barrier orders
  // their use, which the race detector checks.
  return name.starts_with("fence.mbarrier_init");
}

bool Decoder::decodeWarpCollective(const CallInst &call, StringRef name) {
  if (name == "bar.warp.sync") {
    emit(warpBarrier, -1, operand(call, 0));
    return true;
  }
  if (name == "activemask") {
    emit(readSpecial, define(call)[0].offset, -1, -1, -1,
         int64_t(SpecialRegister::ActiveMask));
    return true;
  }
  if (name == "elect.sync") {
    int32_t members = operand(call, 0);
    Components d = define(call);
    emit(elect, d[0].offset, members, d[1].offset);
    return true;
  }
  if (name == "match.any.sync.i32") {
    int32_t members = operand(call, 0), value = operand(call, 1);
    emit(matchAny, define(call)[0].offset, members, value);
    return true;
  }
  if (name.consume_front("vote.") && name.consume_back(".sync")) {
    int mode = StringSwitch<int>(name)
                   .Case("all", 0)
                   .Case("any", 1)
                   .Case("uni", 2)
                   .Case("ballot", 3)
                   .Default(-1);
    int32_t members = operand(call, 0), predicate = operand(call, 1);
    if (mode < 0)
      return false;
    emit(vote, define(call)[0].offset, members, predicate, -1, mode);
    return true;
  }
  if (name.consume_front("redux.sync.")) {
    int op = StringSwitch<int>(name)
                 .Case("add", int(ReduxOp::Add))
                 .Case("umin", int(ReduxOp::UMin))
                 .Case("umax", int(ReduxOp::UMax))
                 .Case("min", int(ReduxOp::SMin))
                 .Case("max", int(ReduxOp::SMax))
                 .Case("and", int(ReduxOp::And))
                 .Case("or", int(ReduxOp::Or))
                 .Case("xor", int(ReduxOp::Xor))
                 .Default(-1);
    if (op < 0)
      return false;
    int32_t value = operand(call, 0), members = operand(call, 1);
    emit(redux, define(call)[0].offset, members, value, -1, op);
    return true;
  }
  if (!name.consume_front("shfl.sync."))
    return false;
  auto [kind, type] = name.split('.');
  int mode = StringSwitch<int>(kind)
                 .Case("up", int(ShuffleMode::Up))
                 .Case("down", int(ShuffleMode::Down))
                 .Case("bfly", int(ShuffleMode::Butterfly))
                 .Case("idx", int(ShuffleMode::Index))
                 .Default(-1);
  if (mode < 0)
    return false;
  int32_t members = operand(call, 0);
  SmallVector<int32_t> list = {operand(call, 1), operand(call, 2),
                               operand(call, 3)};
  Components d = define(call);
  Op &op = emitList(shuffle, list, mode);
  op.a = members;
  op.d = d[0].offset;
  op.b = type.ends_with("p") ? d[1].offset : -1;
  return true;
}

bool Decoder::decodeMBarrier(const CallInst &call, StringRef name) {
  name.consume_front("mbarrier.");
  if (name.contains("space.cluster") || name.contains("drop"))
    return false;
  count(InstructionClass::Synchronization);
  int32_t barrier = operand(call, 0);
  if (name.starts_with("init")) {
    emit(mbarrierInit, -1, barrier, operand(call, 1));
    return true;
  }
  if (name.starts_with("inval")) {
    emit(mbarrierInval, -1, barrier);
    return true;
  }
  bool test = name.consume_front("test.wait");
  if (test || name.consume_front("try.wait")) {
    bool parity = name.starts_with(".parity");
    int32_t phase = operand(call, 1);
    emit(mbarrierWait, define(call)[0].offset, barrier, phase, -1,
         (test ? MBarrierBits::test : 0) | (parity ? MBarrierBits::parity : 0));
    return true;
  }
  int64_t flags;
  int32_t value = call.arg_size() > 1 ? operand(call, 1) : -1;
  if (name.starts_with("arrive.expect.tx"))
    flags = MBarrierBits::expectTx;
  else if (name.starts_with("expect.tx"))
    flags = MBarrierBits::expectTx | MBarrierBits::noArrive;
  else if (name.starts_with("complete.tx"))
    flags = MBarrierBits::completeTx;
  else if (name == "arrive" || name == "arrive.shared")
    flags = 0;
  else if (name.starts_with("arrive.scope") ||
           name.starts_with("arrive.relaxed"))
    flags = MBarrierBits::count;
  else
    return false;
  int32_t state = call.getType()->isVoidTy() ? -1 : define(call)[0].offset;
  emit(mbarrierArrive, state, barrier, value, -1, flags);
  return true;
}

bool Decoder::decodeAsyncCopy(const CallInst &call, StringRef name) {
  name.consume_front("cp.async.");
  if (name == "commit.group" || name == "wait.all")
    emit(cpAsyncCommit);
  if (name == "wait.group" || name == "wait.all") {
    uint64_t left = 0;
    if (name == "wait.group") {
      std::optional<uint64_t> given = constantArgument(call, 0);
      if (!given)
        return false;
      left = *given;
    }
    emit(cpAsyncWait, -1, -1, -1, -1, left);
  }
  if (name == "commit.group" || name.starts_with("wait.")) {
    count(InstructionClass::Synchronization);
    return true;
  }
  if (name.starts_with("mbarrier.arrive")) {
    emit(cpAsyncArrive, -1, operand(call, 0), -1, -1, name.contains("noinc"));
    count(InstructionClass::Synchronization);
    return true;
  }
  count(InstructionClass::AsyncCopy);
  StringRef rest = name;
  if (rest.consume_front("ca.shared.global.") ||
      rest.consume_front("cg.shared.global.")) {
    bool partial = rest.consume_back(".s");
    unsigned bytes;
    if (rest.getAsInteger(10, bytes))
      return false;
    int32_t to = operand(call, 0), from = operand(call, 1);
    emit(cpAsync, -1, to, from, partial ? operand(call, 2) : -1, bytes);
    return true;
  }
  if (name == "bulk.global.to.shared.cluster" ||
      name == "bulk.global.to.shared.cta") {
    // The cluster's form has flags; a multicast is not modelled.
    if (name.ends_with("cluster") && constantArgument(call, 6).value_or(1))
      return false;
    SmallVector<int32_t> list;
    for (unsigned i = 0; i < 4; ++i)
      list.push_back(operand(call, i));
    emitList(bulkLoad, list);
    return true;
  }
  if (name == "bulk.shared.cta.to.global") {
    SmallVector<int32_t> list;
    for (unsigned i = 0; i < 3; ++i)
      list.push_back(operand(call, i));
    emitList(bulkStore, list);
    return true;
  }
  if (name == "bulk.commit.group") {
    emit(bulkCommit);
    return true;
  }
  if (name.starts_with("bulk.wait.group")) {
    std::optional<uint64_t> left = constantArgument(call, 0);
    if (left)
      emit(bulkWait, -1, -1, -1, -1, *left);
    return left.has_value();
  }
  // A prefetch has no effect that can be seen.
  if (name.starts_with("bulk.prefetch"))
    return true;
  if (name.starts_with("bulk.tensor.g2s.tile.") ||
      name.starts_with("bulk.tensor.g2s.cta.tile.")) {
    StringRef suffix = name.rsplit('.').second;
    unsigned rank;
    if (suffix.consumeInteger(10, rank) || suffix != "d")
      return false;
    SmallVector<int32_t> list;
    for (unsigned i = 0; i < 3 + rank; ++i)
      list.push_back(operand(call, i));
    // to, mbarrier, map, coordinates; after them multicast and cache operands
    // with their flags.
    unsigned last = call.arg_size() - 1;
    bool cta = name.contains(".cta.");
    if (!cta && (constantArgument(call, last - 2).value_or(1) ||
                 constantArgument(call, last).value_or(1)))
      return false;
    emitList(tensorLoad, list, rank);
    return true;
  }
  if (name.starts_with("bulk.tensor.s2g.tile.")) {
    StringRef suffix = name.rsplit('.').second;
    unsigned rank;
    if (suffix.consumeInteger(10, rank) || suffix != "d")
      return false;
    SmallVector<int32_t> list;
    for (unsigned i = 0; i < 2 + rank; ++i)
      list.push_back(operand(call, i));
    emitList(tensorStore, list, rank);
    return true;
  }
  return false;
}

bool Decoder::decodeNVVMMath(const CallInst &call, StringRef name) {
  if (name.starts_with("prmt")) {
    int64_t mode = StringSwitch<int64_t>(name)
                       .Case("prmt.f4e", 1)
                       .Case("prmt.b4e", 2)
                       .Case("prmt.rc8", 3)
                       .Case("prmt.ecl", 4)
                       .Case("prmt.ecr", 5)
                       .Case("prmt.rc16", 6)
                       .Default(0);
    // The replicating modes take one word only.
    bool one = call.arg_size() == 2;
    int32_t a = operand(call, 0), b = operand(call, one ? 0 : 1),
            c = operand(call, one ? 1 : 2);
    emit(permuteBytes, define(call)[0].offset, a, b, c, mode);
    count(InstructionClass::Integer);
    return true;
  }
  if (name.starts_with("ff2f16x2.rn") || name.starts_with("ff2bf16x2.rn")) {
    if (!name.ends_with(".rn"))
      return false;
    FloatType to =
        name.starts_with("ff2f16") ? FloatType::F16 : FloatType::BF16;
    // The first operand becomes the upper half.
    Component high = allocate(32), low = allocate(32);
    emit(floatToFloat(FloatType::F32, to), high.offset, operand(call, 0));
    emit(floatToFloat(FloatType::F32, to), low.offset, operand(call, 1));
    emit(packHalves, define(call)[0].offset, low.offset, high.offset);
    count(InstructionClass::Conversion);
    return true;
  }
  bool wideUnsigned = name == "mulhi.ull", wideSigned = name == "mulhi.ll";
  if (name == "mulhi.ui" || name == "mulhi.i" || wideUnsigned || wideSigned) {
    bool isSigned = name == "mulhi.i" || wideSigned;
    return decodeIntegerBinary(
        isSigned ? IntegerOp::MulHighS : IntegerOp::MulHighU, call.getType(),
        call, *call.getArgOperand(0), *call.getArgOperand(1));
  }
  static const std::pair<StringRef, FloatOp> functions[] = {
      {"ex2.approx", FloatOp::Exp2},
      {"lg2.approx", FloatOp::Log2},
      {"rcp.approx", FloatOp::Reciprocal},
      {"rcp.rn", FloatOp::Reciprocal},
      {"rsqrt.approx", FloatOp::Rsqrt},
      {"sqrt.approx", FloatOp::Sqrt},
      {"sqrt.rn", FloatOp::Sqrt},
      {"sqrt.f", FloatOp::Sqrt},
      {"sin.approx", FloatOp::Sin},
      {"cos.approx", FloatOp::Cos},
      {"tanh.approx", FloatOp::Tanh},
      {"fabs", FloatOp::Abs},
      {"fma.rn.relu", FloatOp::FmaRelu},
      {"fma.rn", FloatOp::Fma},
      {"add.rn", FloatOp::Add},
      {"mul.rn", FloatOp::Mul},
      {"div.rn", FloatOp::Div},
      {"div.approx", FloatOp::Div},
      {"fmin.nan", FloatOp::MinNaN},
      {"fmax.nan", FloatOp::MaxNaN},
      {"fmin", FloatOp::Min},
      {"fmax", FloatOp::Max}};
  // Approximate functions flush subnormals by themselves; elsewhere ftz, sat
  // and the like would change results.
  bool approximate = name.contains("approx");
  if (name.contains("sat") || name.contains("xorsign") ||
      (!approximate && name.contains("ftz")))
    return false;
  for (auto &[key, op] : functions) {
    if (!name.starts_with(key))
      continue;
    SmallVector<const Value *, 3> operands;
    for (const Use &argument : call.args())
      operands.push_back(argument.get());
    return decodeFloat(op, call, operands);
  }
  return false;
}
