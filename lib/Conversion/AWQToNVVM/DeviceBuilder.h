//===- DeviceBuilder.h - builds the body of a GPU kernel --------*- C++ -*-===//
//
// Part of the awq-mlir project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef AWQ_LIB_CONVERSION_AWQTONVVM_DEVICEBUILDER_H
#define AWQ_LIB_CONVERSION_AWQTONVVM_DEVICEBUILDER_H

#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/LLVMIR/NVVMDialect.h"
#include "mlir/IR/ImplicitLocOpBuilder.h"

namespace awq {

/// A variable of the kernel: a stack slot that LLVM turns into a register.
/// Loops and branches need no lists of carried values with it.
struct Variable {
  mlir::Value slot;
  mlir::Type type;
};

/// An OpBuilder with the vocabulary of a CUDA thread: 32-bit integer
/// arithmetic, addresses in bytes, branches and loops. It emits the LLVM and
/// NVVM dialects.
class DeviceBuilder : public mlir::ImplicitLocOpBuilder {
public:
  using Value = mlir::Value;
  using ImplicitLocOpBuilder::ImplicitLocOpBuilder;

  mlir::Type i1 = getI1Type(), i8 = getI8Type(), i16 = getI16Type(),
             i32 = getI32Type(), i64 = getI64Type(), f16 = getF16Type(),
             bf16 = getBF16Type(), f32 = getF32Type();
  mlir::VectorType halfPair = mlir::VectorType::get({2}, f16);
  mlir::Type globalPointer = mlir::LLVM::LLVMPointerType::get(getContext(), 1);
  mlir::Type sharedPointer = mlir::LLVM::LLVMPointerType::get(getContext(), 3);

  //===--- Numbers ---------------------------------------------------------===/
  Value constant(int32_t value);
  Value constant64(int64_t value);
  Value real(float value);
  Value boolean(bool value);
  Value add(Value x, Value y);
  Value add(Value x, int32_t y) { return add(x, constant(y)); }
  Value sub(Value x, Value y);
  Value sub(Value x, int32_t y) { return sub(x, constant(y)); }
  Value mul(Value x, Value y);
  Value mul(Value x, int32_t y) { return mul(x, constant(y)); }
  Value div(Value x, Value y);
  Value div(Value x, int32_t y) { return div(x, constant(y)); }
  Value rem(Value x, Value y);
  Value rem(Value x, int32_t y) { return rem(x, constant(y)); }
  Value both(Value x, Value y);
  Value both(Value x, int32_t y) { return both(x, constant(y)); }
  Value either(Value x, Value y);
  Value either(Value x, int32_t y) { return either(x, constant(y)); }
  Value shiftLeft(Value x, int32_t by);
  Value shiftRight(Value x, int32_t by);
  Value smaller(Value x, Value y);
  Value larger(Value x, Value y);
  /// ceil(x / y)
  Value divideUp(Value x, int32_t y) { return div(add(x, y - 1), y); }
  Value less(Value x, Value y);
  Value less(Value x, int32_t y) { return less(x, constant(y)); }
  Value equal(Value x, Value y);
  Value equal(Value x, int32_t y) { return equal(x, constant(y)); }
  Value different(Value x, Value y);
  /// x > y and x <= y, both signed.
  Value above(Value x, int32_t y);
  Value notAbove(Value x, int32_t y);
  Value select(Value condition, Value x, Value y);
  Value widen(Value x, mlir::Type type);
  Value narrow(Value x, mlir::Type type);
  Value bitcast(Value x, mlir::Type type);
  Value fadd(Value x, Value y);
  Value fsub(Value x, Value y);
  Value fmul(Value x, Value y);
  /// x * y + z, rounded once.
  Value fma(Value x, Value y, Value z);
  Value toF32(Value x);
  /// x / y, rounded to nearest.
  Value fdiv(Value x, Value y);
  /// The root, rounded to nearest.
  Value squareRoot(Value x);
  /// x < y, false for NaNs.
  Value fless(Value x, Value y);
  /// 1 / (1 + exp(-x)), with an error of about 2^-21 of the result.
  Value sigmoid(Value x);
  Value fromF32(Value x, mlir::Type type);

  /// `x` (i32 or i64), taken here: what is made of it does not move out of
  /// loops. For what a loop needs so seldom that registers are better used
  /// otherwise.
  Value pinned(Value x);

  /// What a piece of PTX makes of `operands`, for instructions that LLVM has no
  /// operation for. With effects it stays where it is.
  Value inlinePTX(mlir::Type type, mlir::ValueRange operands,
                  llvm::StringRef text, llvm::StringRef constraints,
                  bool hasEffects = false);

  //===--- Memory ----------------------------------------------------------===/
  /// The address `bytes` (i32 or i64) after `base`.
  Value at(Value base, Value bytes);
  Value at(Value base, int64_t bytes);
  Value load(mlir::Type type, Value address, unsigned alignment);
  void store(Value value, Value address, unsigned alignment);
  Value extract(Value vectorOrStruct, int64_t position);
  /// A vector of `values`.
  Value makeVector(mlir::ValueRange values);

  //===--- Control ---------------------------------------------------------===/
  /// A variable that holds `initial`.
  Variable variable(Value initial);
  Value get(const Variable &variable);
  void set(const Variable &variable, Value value);
  /// A block at the end of the function, to branch to.
  mlir::Block *newBlock();
  void branch(mlir::Block *to);
  void branch(Value condition, mlir::Block *yes, mlir::Block *no);
  void startBlock(mlir::Block *block) { setInsertionPointToEnd(block); }
  void ifThen(Value condition, llvm::function_ref<void()> body);
  /// for (i = from; i < to; i += by), unsigned.
  void forRange(Value from, Value to, Value by,
                llvm::function_ref<void(Value)> body);

  //===--- Threads ---------------------------------------------------------===/
  Value threadX();
  Value blockX();
  Value blockY();
  Value gridX();
  Value gridY();
  /// Waits for all threads of the block.
  void barrier();
  /// The value of lane (this lane ^ `with`).
  Value shuffleXor(Value value, int32_t with);
  /// The value of lane 0.
  Value fromFirstLane(Value value);
};

} // namespace awq

#endif // AWQ_LIB_CONVERSION_AWQTONVVM_DEVICEBUILDER_H
