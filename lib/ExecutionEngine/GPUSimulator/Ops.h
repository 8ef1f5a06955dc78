//===- Ops.h - what the decoder can make a warp do ------------ -*- C++ -*-===//
//
// Part of the awq-mlir project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef AWQ_LIB_EXECUTIONENGINE_GPUSIMULATOR_OPS_H
#define AWQ_LIB_EXECUTIONENGINE_GPUSIMULATOR_OPS_H

#include "DecodedKernel.h"

namespace awq::gpusim {

struct ThreadBlock;

//===- Integers (d = a op b) ----------------------------------------------===//
// `bits` is the register's: 1, 32 or 64. A value narrower than its register
// has its width in `imm`, and `narrow` is set.

enum class IntegerOp : uint8_t {
  Add,
  Sub,
  Mul,
  UDiv,
  SDiv,
  URem,
  SRem,
  Shl,
  LShr,
  AShr,
  And,
  Or,
  Xor,
  UMin,
  UMax,
  SMin,
  SMax,
  MulHighU,
  MulHighS
};
/// Null where the combination makes no sense.
OpFunction integerOp(IntegerOp op, unsigned bits, bool narrow);
/// On both 16-bit halves of a register.
OpFunction packedIntegerOp(IntegerOp op);

/// d = op a.
enum class BitOp : uint8_t {
  PopCount,
  LeadingZeros,
  TrailingZeros,
  Reverse,
  SwapBytes,
  Abs
};
OpFunction bitOp(BitOp op, unsigned bits);
/// d = high (or low) word of (a:b) shifted by c, llvm.fshl and llvm.fshr.
OpFunction funnelShift(bool left, unsigned bits);

enum class IntegerPredicate : uint8_t { EQ, NE, ULT, ULE, SLT, SLE };
OpFunction integerCompare(IntegerPredicate predicate, unsigned bits,
                          bool narrow);
/// d = c ? a : b.
OpFunction select(unsigned bits);
/// d = a.
OpFunction copy(unsigned bits);

//===- Widths of integers -------------------------------------------------===//
/// d = a, zero-extended or cut; imm is the target's width.
OpFunction zeroExtendOrTruncate(unsigned from, unsigned to);
/// d = a, sign-extended from width imm to width c (a number, not a register).
OpFunction signExtend(unsigned from, unsigned to);

//===- Pieces of registers ------------------------------------------------===//
void lowHalf(Warp &, const Op &);    ///< d = a & 0xffff
void highHalf(Warp &, const Op &);   ///< d = a >> 16
void packHalves(Warp &, const Op &); ///< d = a & 0xffff | b << 16
/// Registers as strings of bits: the list has the number of targets, then
/// (register, register bits, width) of each target, then of each source.
void reinterpretBits(Warp &, const Op &);
/// d = list[1 + b] for each lane, a dynamic index into imm elements; c is the
/// registers' bits.
void extractDynamic(Warp &, const Op &);
/// The list: targets, then sources. Target b[lane] gets a, others their source.
void insertDynamic(Warp &, const Op &);

//===- Floating point -----------------------------------------------------===//
enum class FloatType : uint8_t { F16, BF16, F32, F64 };
enum class FloatOp : uint8_t {
  Add,
  Sub,
  Mul,
  Div,
  Rem,
  Min,
  Max,
  MinNaN,
  MaxNaN,
  CopySign,
  // One operand.
  Neg,
  Abs,
  Sqrt,
  Rsqrt,
  Reciprocal,
  Exp2,
  Log2,
  Exp,
  Log,
  Sin,
  Cos,
  Tanh,
  Floor,
  Ceil,
  Trunc,
  RoundEven,
  Round,
  // Three operands.
  Fma,
  /// fma, then max with 0: fma.rn.relu.
  FmaRelu
};
/// d = op(a, b, c). Half types work on both halves of the register; imm 1
/// keeps the low one only.
OpFunction floatOp(FloatOp op, FloatType type);

enum class FloatPredicate : uint8_t {
  OEQ,
  OGT,
  OGE,
  OLT,
  OLE,
  ONE,
  ORD,
  UNO,
  UEQ,
  UGT,
  UGE,
  ULT,
  ULE,
  UNE
};
/// d = a predicate b; imm is the predicate. For packed halves imm also has
/// 16 for the high one.
OpFunction floatCompare(FloatType type);
/// d = a in another type, rounded to nearest even; imm 1 reads the high half.
OpFunction floatToFloat(FloatType from, FloatType to);
/// d = a; imm is the integer's width.
OpFunction integerToFloat(bool isSigned, unsigned bits, FloatType to);
/// d = a, rounded toward zero and saturated; imm is the integer's width, plus
/// 256 to round to nearest even instead.
OpFunction floatToInteger(FloatType from, bool isSigned, unsigned bits);

//===- Memory -------------------------------------------------------------===//
/// How an access's properties are packed in `imm`.
struct AccessBits {
  static constexpr int bytesShift = 0, alignShift = 16, spaceShift = 32;
  static constexpr int64_t narrowAddress = int64_t(1) << 40;
  static int64_t make(unsigned bytes, unsigned alignment, unsigned space,
                      bool narrow) {
    return int64_t(bytes) | int64_t(alignment) << alignShift |
           int64_t(space) << spaceShift | (narrow ? narrowAddress : 0);
  }
};
/// imm = AccessBits. The list: (register, bytes) per component; bytes 0 stands
/// for an i1 that takes one byte.
void load(Warp &, const Op &);
void store(Warp &, const Op &);
/// d = a + imm; d = a + b * imm (index 64 bits, or 32 bits sign-extended).
void addressAddConstant(Warp &, const Op &);
void addressAdd64(Warp &, const Op &);
void addressAdd32(Warp &, const Op &);
/// d = the lane's frame + imm.
void frameAddress(Warp &, const Op &);
/// Fills shared or global memory: memset and memcpy of imm bytes at a (from b).
void setBytes(Warp &, const Op &);
void copyBytes(Warp &, const Op &);

enum class AtomicOp : uint8_t {
  Add,
  And,
  Or,
  Xor,
  Min,
  Max,
  UMin,
  UMax,
  Exchange,
  CompareExchange,
  Increment,
  Decrement,
  FAdd,
  Load,
  Store
};
/// d = memory at a; memory = op(memory, b[, c]). imm = AccessBits plus the
/// fields below; one lane after the other. d may be -1.
struct AtomicBits {
  static constexpr int opShift = 44, orderShift = 48, typeShift = 52;
  static constexpr int64_t blockScope = int64_t(1) << 50;
  static constexpr int64_t packed = int64_t(1) << 51;
};
void atomic(Warp &, const Op &);
/// imm 1: reaches the block only.
void fence(Warp &, const Op &);
/// fence.proxy.async: shows ordinary stores to wgmma and bulk copies.
void proxyFence(Warp &, const Op &);

//===- Special registers --------------------------------------------------===//
enum class SpecialRegister : uint8_t {
  TidX,
  TidY,
  TidZ,
  CtaidX,
  CtaidY,
  CtaidZ,
  NtidX,
  NtidY,
  NtidZ,
  NctaidX,
  NctaidY,
  NctaidZ,
  LaneId,
  WarpId,
  LaneMaskLt,
  LaneMaskLe,
  LaneMaskEq,
  LaneMaskGe,
  LaneMaskGt,
  WarpSize,
  SmId,
  NumSms,
  ActiveMask,
  Clock,
  DynamicSharedSize,
  Zero,
  One
};
/// d = register imm.
void readSpecial(Warp &, const Op &);

//===- Warp collectives ---------------------------------------------------===//
enum class ShuffleMode : uint8_t { Up, Down, Butterfly, Index };
/// The list: value, lane operand, clamp operand; d the result, b the i1 result
/// or -1, a the member mask. imm: the mode, plus 16 for 64-bit values.
void shuffle(Warp &, const Op &);
/// d; a the member mask, b the i1. imm 0 all, 1 any, 2 uniform, 3 ballot.
void vote(Warp &, const Op &);
enum class ReduxOp : uint8_t { Add, UMin, UMax, SMin, SMax, And, Or, Xor };
/// d = reduction of b over the members a.
void redux(Warp &, const Op &);
/// d the leader's lane (or -1), b the i1 leader; a the member mask.
void elect(Warp &, const Op &);
/// d = lanes with the same b; a the member mask.
void matchAny(Warp &, const Op &);
/// a the member mask.
void warpBarrier(Warp &, const Op &);
/// d = bytes of a:b picked by c; imm the mode: 0 default, 1 f4e, 2 b4e, 3 rc8,
/// 4 ecl, 5 ecr, 6 rc16.
void permuteBytes(Warp &, const Op &);
/// d = the truth table imm applied to a, b, c.
void lop3(Warp &, const Op &);

//===- Predicated instructions of inline PTX ------------------------------===//
/// Keeps the lanes where a is set (imm & 1: clear) for the next imm >> 1 ops,
/// and skips these if there are none.
void beginGuard(Warp &, const Op &);
void endGuard(Warp &, const Op &);

//===- Barriers -----------------------------------------------------------===//
/// a the barrier's number, b the threads (or -1: all). imm 1: arrive only;
/// imm 2: not .aligned.
void blockBarrier(Warp &, const Op &);
void releaseAfterExit(ThreadBlock &block);

//===- mbarriers; imm AccessBits::narrowAddress for 32-bit addresses ------===//
void mbarrierInit(Warp &, const Op &);  ///< at a, count b
void mbarrierInval(Warp &, const Op &); ///< at a
struct MBarrierBits {
  static constexpr int64_t expectTx = 1, count = 2, noArrive = 4,
                           completeTx = 8, test = 16, parity = 32;
};
/// At a; b the count or bytes; d the state or -1. imm: MBarrierBits.
void mbarrierArrive(Warp &, const Op &);
/// At a; b the parity (32 bits) or state (64); d the i1, or -1 to wait until
/// the phase is over.
void mbarrierWait(Warp &, const Op &);
/// The arrival that follows this warp's cp.asyncs, at a. imm 1: noinc.
void cpAsyncArrive(Warp &, const Op &);

//===- Asynchronous copies ------------------------------------------------===//
/// To a from b; c the bytes taken or -1; imm the size, plus narrowAddress.
void cpAsync(Warp &, const Op &);
void cpAsyncCommit(Warp &, const Op &);
/// Until at most imm groups are in flight.
void cpAsyncWait(Warp &, const Op &);
/// The list: to, mbarrier, from, bytes.
void bulkLoad(Warp &, const Op &);
/// The list: to (global), from (shared), bytes.
void bulkStore(Warp &, const Op &);
void bulkCommit(Warp &, const Op &);
/// Until at most imm groups are in flight.
void bulkWait(Warp &, const Op &);
/// The list: to, mbarrier, tensor map, then imm coordinates.
void tensorLoad(Warp &, const Op &);
void tensorStore(Warp &, const Op &);

//===- Programmatic dependent launch --------------------------------------===//
void gridWait(Warp &, const Op &);
void gridLaunchDependents(Warp &, const Op &);

//===- Matrices -----------------------------------------------------------===//
/// From the rows at a; the list has the targets. imm:
/// AccessBits::narrowAddress, plus 1 for .trans.
void loadMatrix(Warp &, const Op &);
/// To the rows at a; the list has the sources. imm as above.
void storeMatrix(Warp &, const Op &);

enum class MmaType : uint8_t { F16, BF16, TF32, E4M3, E5M2, S8, U8, S4, U4 };
struct MmaShape {
  MmaType a = MmaType::F16, b = MmaType::F16;
  unsigned k = 16;
  /// f16 accumulators, two in a register.
  bool halfSum = false;
  bool saturate = false;

  int64_t pack() const {
    return int64_t(a) | int64_t(b) << 8 | int64_t(k) << 16 |
           int64_t(halfSum) << 32 | int64_t(saturate) << 33;
  }
};
/// mma.m16n8kK.row.col: the list has the targets, A, B and C registers.
OpFunction mma(const MmaShape &shape);

/// The list: the targets, the accumulators, then 4 registers of A (or one
/// descriptor), the descriptor of B, and the i32 scale-d. imm: WgmmaBits.
struct WgmmaBits {
  static constexpr int64_t descriptorA = int64_t(1) << 32,
                           negateA = int64_t(1) << 33,
                           negateB = int64_t(1) << 34,
                           transposeA = int64_t(1) << 35,
                           transposeB = int64_t(1) << 36;
};
void wgmma(Warp &, const Op &);
void wgmmaFence(Warp &, const Op &);
void wgmmaCommit(Warp &, const Op &);
void wgmmaWait(Warp &, const Op &);

/// imm nanoseconds of nothing: lets others run.
void sleep(Warp &, const Op &);
/// A kernel-defined trap.
void trap(Warp &, const Op &);

} // namespace awq::gpusim

#endif // AWQ_LIB_EXECUTIONENGINE_GPUSIMULATOR_OPS_H
