//===- DecodedKernel.h - a kernel as the machine runs it ------ -*- C++ -*-===//
//
// Part of the awq-mlir project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// A register is 32 lanes of a value: an i1 is one 32-bit mask, a value of up to
// 32 bits a uint32_t per lane (zero-extended), a wider one or a pointer a
// uint64_t per lane. Two 16-bit elements of a vector share a uint32_t, so that
// packed arithmetic, bit casts and PTX operands cost nothing. Aggregates are
// lists of registers. A register is named by its offset in the warp's file.
//
//===----------------------------------------------------------------------===//

#ifndef AWQ_LIB_EXECUTIONENGINE_GPUSIMULATOR_DECODEDKERNEL_H
#define AWQ_LIB_EXECUTIONENGINE_GPUSIMULATOR_DECODEDKERNEL_H

#include "awq/ExecutionEngine/GPUSimulator/Report.h"

#include <array>
#include <cstdint>
#include <string>
#include <vector>

namespace awq::gpusim {

constexpr unsigned warpLanes = 32;
constexpr uint32_t allLanes = ~0u;

struct Warp;
struct Op;
using OpFunction = void (*)(Warp &, const Op &);

/// One step. What the operands mean is said at each OpFunction; -1 stands for
/// an absent one.
struct Op {
  OpFunction run = nullptr;
  int32_t d = -1, a = -1, b = -1, c = -1;
  int64_t imm = 0;
  /// Index into DecodedKernel::sites.
  uint32_t site = 0;
  /// Operands of ops that have many: a range of DecodedKernel::lists.
  uint32_t list = 0;
  uint32_t listSize = 0;
};

/// A way from one basic block to another, with the copies its phis need.
struct Edge {
  struct Copy {
    int32_t to, from;
    /// 1, 32 or 64.
    int32_t bits;
  };
  int32_t block = 0;
  std::vector<Copy> copies;
  /// Where values wait when a copy's source is another's target.
  int32_t scratch = -1;
};

enum class Terminator : uint8_t { Return, Branch, Conditional, Switch, Trap };

/// Blocks are numbered in a reverse post-order in which a loop is contiguous;
/// lanes that diverged meet again because the lowest pending block runs first.
struct BasicBlock {
  std::vector<Op> ops;
  Terminator terminator = Terminator::Return;
  int32_t condition = -1;
  /// Bits of the condition's register: 1 for Conditional.
  int32_t conditionBits = 1;
  /// Conditional: true, false. Switch: the default, then one per case.
  std::vector<Edge> successors;
  std::vector<uint64_t> cases;
  uint32_t site = 0;
  std::array<uint16_t, instructionClasses> classes{};
};

/// Where an op comes from.
struct Site {
  /// file:line:column, or empty without debug info.
  std::string location;
  /// Without a location: the instruction, shortened.
  std::string text;

  const std::string &str() const { return location.empty() ? text : location; }
};

struct KernelParameter {
  int32_t offset = 0;
  /// 1, 32 or 64: how lanes hold it. 0: a struct passed by value; the register
  /// gets the address of its bytes.
  int32_t bits = 32;
  unsigned bytes = 0;
  unsigned alignment = 1;
};

/// A register whose constant is an address, known only at launch.
struct AddressConstant {
  enum Base : uint8_t { Shared, Module } base = Shared;
  int32_t offset = 0;
  uint64_t value = 0;
};

/// A global variable of the module outside of shared memory.
struct ModuleVariable {
  std::string name;
  uint64_t offset = 0;
  uint64_t bytes = 0;
  bool readOnly = false;
};

struct DecodedKernel {
  std::string name;
  std::vector<BasicBlock> blocks;
  std::vector<int32_t> lists;
  std::vector<Site> sites;
  std::vector<KernelParameter> parameters;
  std::vector<uint8_t> initialRegisters;
  std::vector<AddressConstant> addresses;
  std::vector<uint8_t> moduleBytes;
  std::vector<ModuleVariable> variables;
  /// Private memory of a lane (alloca).
  unsigned frameBytes = 0;
  unsigned sharedBytes = 0;
  /// Defects seen without running.
  std::vector<Finding> staticFindings;
};

} // namespace awq::gpusim

#endif // AWQ_LIB_EXECUTIONENGINE_GPUSIMULATOR_DECODEDKERNEL_H
