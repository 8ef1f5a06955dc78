//===- W4Epilogue.h - from sums to results ----------------------*- C++ -*-===//
//
// Part of the awq-mlir project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef AWQ_LIB_CONVERSION_AWQTONVVM_W4EPILOGUE_H
#define AWQ_LIB_CONVERSION_AWQTONVVM_W4EPILOGUE_H

#include "W4Record.h"

namespace awq {

/// What rotary embedding needs: the tables [M, half] of f32, how many rows
/// turn, the rows of a head, and the pairs in it.
struct TurnArguments {
  mlir::Value cosines, sines, rows, headSize, half;
};

/// The kernel's arguments that an epilogue needs. Bias and residual may be
/// null, and so may all of `turn`.
struct EpilogueArguments {
  mlir::Value bias, residual;
  TurnArguments turn;
  mlir::Value output, m, n;
};

/// Where the sums of a warp belong.
struct EpiloguePlace {
  /// The first of 32 rows of W, and the first of the kernel's tokens.
  mlir::Value firstRow, firstToken;
  /// Factors of the tokens, f32, in global memory.
  mlir::Value tokenScales;
  /// Scales of the 32 rows, as in a record, if groups are whole rows.
  mlir::Value rowScales = nullptr;
};

/// Writes the results of 32 rows and all tokens of a kernel.
class Epilogue {
public:
  Epilogue(DeviceBuilder &b, const W4KernelSpec &spec, LanePlace place,
           EpilogueArguments arguments)
      : b(b), spec(spec), place(place), arguments(arguments),
        type(spec.type == ActivationType::F16 ? b.f16 : b.bf16) {}

  /// `sums` are those of RecordMath::tokenSums.
  void store(const EpiloguePlace &at, llvm::ArrayRef<TokenSum> sums);

private:
  using Value = mlir::Value;

  /// What all tokens need of one of the lane's rows.
  struct Row {
    /// Whether there is such a row, the same for all lanes of a warp.
    Value exists;
    /// As f32; null if there is none.
    Value scale, bias;
    /// The row of W where g is 0; the records may have it elsewhere.
    Value channel;
  };
  /// What all tokens need of 16 rows, of which a lane has two.
  struct Atom {
    /// Whether the two rows turn; null if none do.
    Value turns;
    /// Their pair in the head, where g is 0.
    Value pair;
  };

  void placeRows(const EpiloguePlace &at);
  void loadRows(const EpiloguePlace &at);
  void storeToken(const EpiloguePlace &at, llvm::ArrayRef<TokenSum> sums);
  Value result(const TokenSum &sum, Value factor);
  void turn(const Atom &atom, Value token, Value &lower, Value &upper);
  Value applyGate(Value gate, Value up);
  void write(Value result, Value address, int64_t offset, Value residual);
  void storeColumns(llvm::ArrayRef<Value> exist, Value token, Value columns,
                    Value first, llvm::function_ref<Value(size_t)> makeResult);
  void storePairs(llvm::ArrayRef<Value> results, Value token);

  DeviceBuilder &b;
  const W4KernelSpec &spec;
  LanePlace place;
  EpilogueArguments arguments;
  mlir::Type type;
  llvm::SmallVector<Row, 4> rows;
  llvm::SmallVector<Atom, 2> atoms;
};

} // namespace awq

#endif // AWQ_LIB_CONVERSION_AWQTONVVM_W4EPILOGUE_H
