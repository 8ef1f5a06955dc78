//===- Decoder.h - LLVM IR to the steps of the machine -------- -*- C++ -*-===//
//
// Part of the awq-mlir project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef AWQ_LIB_EXECUTIONENGINE_GPUSIMULATOR_DECODER_H
#define AWQ_LIB_EXECUTIONENGINE_GPUSIMULATOR_DECODER_H

#include "DecodedKernel.h"
#include "Ops.h"

#include "llvm/ADT/DenseMap.h"
#include "llvm/ADT/SmallVector.h"
#include "llvm/ADT/StringRef.h"
#include "llvm/IR/Constants.h"
#include "llvm/IR/DataLayout.h"
#include "llvm/IR/Function.h"
#include "llvm/IR/Instructions.h"
#include "llvm/IR/Module.h"
#include "llvm/IR/ModuleSlotTracker.h"

#include <map>
#include <memory>
#include <optional>

namespace awq::gpusim {

/// A register of a value: 1, 32 or 64 bits per lane.
struct Component {
  int32_t offset = -1;
  int32_t bits = 32;
};
using Components = llvm::SmallVector<Component, 4>;

/// One register's worth of a type.
struct Leaf {
  /// Of the register: 1, 32 or 64.
  int32_t bits = 32;
  /// Of the value; 32 for a pair of 16-bit elements.
  unsigned width = 32;
  unsigned memoryBytes = 4;
  uint64_t memoryOffset = 0;
};

class Decoder {
public:
  explicit Decoder(const llvm::Function &function);
  /// Null after an unsupported instruction; see message().
  std::shared_ptr<DecodedKernel> run();
  const std::string &message() const { return error; }

private:
  // The function as a whole; Decoder.cpp.
  void layOutSharedMemory();
  void layOutParameters();
  void orderBlocks();
  void decodeTerminator(const llvm::BasicBlock &block);
  Edge makeEdge(const llvm::BasicBlock &from, const llvm::BasicBlock &to);
  void describeSite(const llvm::Instruction &instruction);
  bool fail(const llvm::Twine &what);

  // Registers and constants; DecodeValues.cpp.
  void flatten(llvm::Type *type, llvm::SmallVectorImpl<Leaf> &leaves,
               uint64_t offset = 0);
  static bool isPacked(llvm::Type *type);
  unsigned widthOf(llvm::Type *type) const;
  static unsigned storageBits(unsigned width) {
    return width == 1 ? 1 : width <= 32 ? 32 : 64;
  }
  /// A register for what is decoded now; recycle() may give it to others.
  Component allocate(int32_t bits);
  /// A register that nothing else will use.
  Component allocateFixed(int32_t bits);
  void recycle(const llvm::Instruction &instruction);
  void release(const Components &components);
  Components fresh(llvm::Type *type);
  Components &define(const llvm::Value &value);
  Component constant(uint64_t value, int32_t bits);
  Component addressConstant(AddressConstant::Base base, uint64_t value);
  void decodeConstant(const llvm::Constant &value, Components &out);
  void decodeAddress(const llvm::Constant &value, Components &out);
  uint64_t moduleOffset(const llvm::GlobalVariable &variable);
  bool writeInitializer(const llvm::Constant &value, uint64_t offset);
  const Components &get(const llvm::Value &value);
  int32_t operand(const llvm::User &user, unsigned index,
                  unsigned component = 0);
  unsigned flatIndex(llvm::Type *type, llvm::ArrayRef<unsigned> indices);
  /// The elements of a vector or scalar, one register each.
  Components explode(llvm::Type *type, const Components &value);
  Components implode(llvm::Type *type, const Components &elements);
  uint32_t addList(llvm::ArrayRef<int32_t> values);

  Op &emit(OpFunction run, int32_t d = -1, int32_t a = -1, int32_t b = -1,
           int32_t c = -1, int64_t imm = 0);
  Op &emitList(OpFunction run, llvm::ArrayRef<int32_t> list, int64_t imm = 0);
  void count(InstructionClass value, unsigned times = 1);

  // Arithmetic; DecodeArithmetic.cpp.
  void decodeInstruction(const llvm::Instruction &instruction);
  bool decodeBinary(const llvm::BinaryOperator &op);
  bool decodeIntegerBinary(IntegerOp op, llvm::Type *type,
                           const llvm::Value &result, const llvm::Value &x,
                           const llvm::Value &y);
  bool decodeFloat(FloatOp op, const llvm::Instruction &result,
                   llvm::ArrayRef<const llvm::Value *> operands);
  std::optional<FloatType> floatType(llvm::Type *type) const;
  bool decodeCompare(const llvm::CmpInst &compare);
  bool decodeSelect(const llvm::SelectInst &select);
  bool decodeCast(const llvm::CastInst &cast);
  Component castElement(unsigned opcode, llvm::Type *from, llvm::Type *to,
                        Component x);
  bool decodeBitcast(const llvm::Instruction &cast);

  // Vectors and aggregates; DecodeVectors.cpp.
  bool decodeExtractElement(const llvm::ExtractElementInst &extract);
  bool decodeInsertElement(const llvm::InsertElementInst &insert);
  bool decodeShuffle(const llvm::ShuffleVectorInst &shuffle);
  bool decodeReduction(const llvm::CallInst &call, llvm::StringRef name);
  Component indexAs64(const llvm::Value &index);

  // Memory; DecodeMemory.cpp.
  bool decodeGep(const llvm::GetElementPtrInst &gep);
  bool decodeLoad(const llvm::LoadInst &load);
  bool decodeStore(const llvm::StoreInst &store);
  bool memoryList(llvm::Type *type, const Components &value,
                  llvm::SmallVectorImpl<int32_t> &list, uint64_t &bytes);
  bool decodeAlloca(const llvm::AllocaInst &alloca);
  bool decodeAtomic(const llvm::AtomicRMWInst &atomic);
  bool decodeCompareExchange(const llvm::AtomicCmpXchgInst &exchange);
  struct AtomicShape {
    unsigned width = 32;
    std::optional<FloatType> kind;
    bool packed = false;
  };
  bool emitAtomic(AtomicOp op, const AtomicShape &shape, Component result,
                  Component pointer, unsigned space, Component value,
                  Component other, unsigned order, bool blockScope);
  bool emitAtomic(AtomicOp op, llvm::Type *type, Component result,
                  Component pointer, unsigned space, Component value,
                  Component other, unsigned order, bool blockScope);
  unsigned orderOf(llvm::AtomicOrdering ordering) const;
  bool isBlockScope(llvm::SyncScope::ID scope) const;
  InstructionClass memoryClass(unsigned space, bool store) const;

  // Calls; DecodeCalls.cpp, DecodeNVVM.cpp, DecodeMatrixCalls.cpp.
  bool decodeCall(const llvm::CallInst &call);
  bool decodeGenericIntrinsic(const llvm::CallInst &call, llvm::StringRef name);
  bool decodeIntegerIntrinsic(const llvm::CallInst &call, llvm::StringRef name);
  bool decodeMath(const llvm::CallInst &call, llvm::StringRef name);
  bool decodeNVVM(const llvm::CallInst &call, llvm::StringRef name);
  bool decodeSpecialRegister(const llvm::CallInst &call, llvm::StringRef name);
  bool decodeBarrier(const llvm::CallInst &call, llvm::StringRef name);
  bool decodeWarpCollective(const llvm::CallInst &call, llvm::StringRef name);
  bool decodeMBarrier(const llvm::CallInst &call, llvm::StringRef name);
  bool decodeAsyncCopy(const llvm::CallInst &call, llvm::StringRef name);
  bool decodeFence(const llvm::CallInst &call, llvm::StringRef name);
  bool decodeNVVMMath(const llvm::CallInst &call, llvm::StringRef name);
  bool decodeMatrix(const llvm::CallInst &call, llvm::StringRef name);
  bool decodeWgmmaSync(const llvm::CallInst &call, llvm::StringRef name);

  // Inline PTX; DecodePTX.cpp.
  friend class PTXDecoder;
  bool decodeInlineAsm(const llvm::CallInst &call);

  const llvm::Function &function;
  const llvm::DataLayout &layout;
  std::shared_ptr<DecodedKernel> kernel;
  /// Numbers of unnamed values: to find them for each instruction anew would
  /// take longer than all the rest.
  llvm::ModuleSlotTracker numbers;
  llvm::DenseMap<const llvm::Value *, Components> values;
  /// Registers for reuse by their bits; those given out for the instruction
  /// that is decoded now; and how many values live in each that may be reused.
  std::map<int32_t, llvm::SmallVector<int32_t>> freeRegisters;
  Components recent;
  llvm::DenseMap<int32_t, unsigned> holders;
  /// Uses that are not decoded yet, of values that only their block uses.
  llvm::DenseMap<const llvm::Value *, unsigned> usesLeft;
  std::map<std::pair<uint64_t, int32_t>, int32_t> constants;
  std::map<std::pair<int, uint64_t>, int32_t> addresses;
  llvm::DenseMap<const llvm::GlobalVariable *, uint64_t> sharedOffsets;
  llvm::DenseMap<const llvm::GlobalVariable *, uint64_t> moduleOffsets;
  llvm::SmallVector<const llvm::BasicBlock *, 32> order;
  llvm::DenseMap<const llvm::BasicBlock *, int32_t> blockNumbers;
  BasicBlock *current = nullptr;
  uint32_t site = 0;
  std::string error;
};

/// Adds a finding for each use of a wgmma's result that wgmma.wait_group does
/// not come before on every path.
void checkWgmmaResults(const llvm::Function &function,
                       std::vector<Finding> &findings);

/// file:line:column of an instruction, or empty.
std::string locationOf(const llvm::Instruction &instruction);
/// The instruction as text, shortened.
std::string textOf(const llvm::Instruction &instruction);

} // namespace awq::gpusim

#endif // AWQ_LIB_EXECUTIONENGINE_GPUSIMULATOR_DECODER_H
