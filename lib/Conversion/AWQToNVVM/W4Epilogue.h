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

/// The kernel's arguments that an epilogue needs; bias may be null.
struct EpilogueArguments {
  mlir::Value bias, output, m, n;
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
      : b(b), spec(spec), place(place), arguments(arguments) {}

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
  };

  void loadRows(const EpiloguePlace &at);
  void storeToken(const EpiloguePlace &at, llvm::ArrayRef<TokenSum> sums);

  DeviceBuilder &b;
  const W4KernelSpec &spec;
  LanePlace place;
  EpilogueArguments arguments;
  llvm::SmallVector<Row, 4> rows;
};

} // namespace awq

#endif // AWQ_LIB_CONVERSION_AWQTONVVM_W4EPILOGUE_H
