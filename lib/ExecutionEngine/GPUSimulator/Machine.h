//===- Machine.h - one launch, its blocks and its findings ---- -*- C++ -*-===//
//
// Part of the awq-mlir project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef AWQ_LIB_EXECUTIONENGINE_GPUSIMULATOR_MACHINE_H
#define AWQ_LIB_EXECUTIONENGINE_GPUSIMULATOR_MACHINE_H

#include "SharedArenas.h"
#include "ThreadBlock.h"

#include <random>
#include <string>
#include <unordered_map>

namespace awq::gpusim {

/// A range of addresses that the kernel may touch.
struct MemoryRange {
  uint64_t begin = 0;
  uint64_t end = 0;
  std::string name;
  bool readOnly = false;
  bool fromPreviousKernel = false;
};

class Machine {
public:
  Machine(const DecodedKernel &kernel, const LaunchConfig &config,
          const SimulatorOptions &options);

  /// Maps shared memory; false when the address space does not allow it.
  bool prepare(DeviceMemory &memory, const std::vector<Argument> &arguments);
  Report run();

  void report(std::string_view kind, uint32_t site, std::string message);
  void report(std::string_view kind, uint32_t site, std::string message,
              uint32_t otherSite);

  /// The range that holds all of [address, address + bytes), or null.
  const MemoryRange *findRange(uint64_t address, uint64_t bytes);
  /// Which range lies at or just below the address, for messages.
  std::string describe(uint64_t address) const;

  bool isShared(uint64_t address) const { return arenas.contains(address); }
  void noteProgress() { ++progress; }
  const int32_t *list(const Op &op) const { return &kernel.lists[op.list]; }

  const DecodedKernel &kernel;
  const LaunchConfig config;
  const SimulatorOptions options;
  const unsigned sharedBytes;
  Counters counters;
  GlobalShadow globalShadow;
  SharedArenas arenas;

private:
  unsigned warpsPerBlock() const {
    return static_cast<unsigned>((config.block.total() + 31) / 32);
  }
  size_t registerBytes() const {
    return (kernel.initialRegisters.size() + 127) / 64 * 64;
  }
  void startBlock(ThreadBlock &block);
  void startWarp(ThreadBlock &block, unsigned index);
  void bindAddresses(Warp &warp);
  /// Runs each ready warp for a slice. False when the block hangs.
  bool stepBlock(ThreadBlock &block);
  /// Lets a block go on for a while; sets `hung`.
  void advanceBlock(ThreadBlock &block);
  void runWarp(Warp &warp);
  void finishWarp(Warp &warp);
  void finishBlock(ThreadBlock &block);
  void reportDeadlock(ThreadBlock &block);
  void addFinding(Finding finding, uint32_t site);
  /// Fills `order` with 0 .. count-1 in the order of this round.
  void chooseOrder(std::vector<unsigned> &order, unsigned count);

  // Control flow, see ControlFlow.cpp.
  bool leaveBlock(Warp &warp, const BasicBlock &block);
  bool branchOn(Warp &warp, const BasicBlock &block);
  bool switchOn(Warp &warp, const BasicBlock &block);
  void follow(Warp &warp, const Edge &edge, uint32_t mask);
  bool goTo(Warp &warp, const Edge &edge);
  bool pickPending(Warp &warp);
  void countBlock(const BasicBlock &block, uint32_t mask);

  std::vector<std::vector<uint8_t>> parameterBytes;
  std::vector<uint8_t> initialRegisters;
  std::vector<uint8_t> moduleBytes;
  std::vector<MemoryRange> ranges;
  size_t lastRange = 0;
  std::vector<std::unique_ptr<ThreadBlock>> resident;
  uint64_t nextBlock = 0;
  uint64_t progress = 0;
  bool hung = false;
  std::vector<Finding> findings;
  std::unordered_map<std::string, size_t> findingIndex;
  std::vector<uint64_t> blockRuns, blockLanes;
  std::mt19937_64 random;
};

/// printf into a string.
std::string format(const char *text, ...) __attribute__((format(printf, 1, 2)));

} // namespace awq::gpusim

#endif // AWQ_LIB_EXECUTIONENGINE_GPUSIMULATOR_MACHINE_H
