//===- PTXDecoder.h - inline PTX to the steps of the machine -- -*- C++ -*-===//
//
// Part of the awq-mlir project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef AWQ_LIB_EXECUTIONENGINE_GPUSIMULATOR_PTXDECODER_H
#define AWQ_LIB_EXECUTIONENGINE_GPUSIMULATOR_PTXDECODER_H

#include "Decoder.h"
#include "PTXText.h"

#include "llvm/ADT/StringMap.h"

namespace awq::gpusim {

/// A PTX type suffix such as u32 or bf16x2.
struct PTXType {
  unsigned width = 32;
  std::optional<FloatType> kind;
  bool packed = false;
  bool isSigned = false;
  bool predicate = false;

  int32_t bits() const { return predicate ? 1 : width <= 32 ? 32 : 64; }
};
std::optional<PTXType> ptxType(llvm::StringRef name);

/// Decodes one inline assembly call. The instructions it knows are the closed
/// set that kernels use; any other is an error that quotes it.
class PTXDecoder {
public:
  PTXDecoder(Decoder &decoder, const llvm::CallInst &call)
      : decoder(decoder), call(call) {}
  bool run();

private:
  void bindOperands();
  void declare(const PTXStatement &statement);
  bool decodeGuarded(const PTXStatement &statement);
  bool decode(const PTXStatement &statement);

  // Operands.
  Component read(const std::string &name, int32_t bits);
  /// An address as it is: 32 bits for offsets in shared memory, else 64.
  Component address(const PTXOperand &operand);
  Component write(const std::string &name, int32_t bits);
  Component operandAt(const PTXStatement &statement, size_t index,
                      int32_t bits);
  bool number(const PTXStatement &statement, size_t index, uint64_t &value);

  // Families of instructions; false when not one of theirs.
  bool decodeMove(const PTXStatement &statement);
  bool decodeArithmetic(const PTXStatement &statement);
  bool decodeIntegerArithmetic(const PTXStatement &statement,
                               const PTXType &type);
  bool decodeFloatArithmetic(const PTXStatement &statement,
                             const PTXType &type);
  bool decodeConvert(const PTXStatement &statement);
  bool decodeCompare(const PTXStatement &statement);
  bool decodeLogic(const PTXStatement &statement);
  bool decodeMemory(const PTXStatement &statement);
  bool decodeAtomic(const PTXStatement &statement);
  bool decodeCpAsync(const PTXStatement &statement);
  bool decodeBulk(const PTXStatement &statement);
  bool decodeMBarrier(const PTXStatement &statement);
  bool decodeBarrier(const PTXStatement &statement);
  bool decodeFence(const PTXStatement &statement);
  bool decodeMatrix(const PTXStatement &statement);
  bool decodeWgmma(const PTXStatement &statement);
  bool decodeWarp(const PTXStatement &statement);

  struct Bound {
    Component input;
    Component output;
    bool isOutput = false;
    bool written = false;
  };

  Decoder &decoder;
  const llvm::CallInst &call;
  std::vector<Bound> bound;
  llvm::StringMap<Component> locals;
  /// Branches back to an mbarrier wait make it a blocking one.
  bool waitLoop = false;
};

} // namespace awq::gpusim

#endif // AWQ_LIB_EXECUTIONENGINE_GPUSIMULATOR_PTXDECODER_H
