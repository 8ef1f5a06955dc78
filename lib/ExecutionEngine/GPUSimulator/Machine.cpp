//===- Machine.cpp - one launch: scheduling blocks and warps --------------===//
//
// Part of the awq-mlir project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Machine.h"

#include "Lanes.h"
#include "Ops.h"

#include <algorithm>
#include <cstring>
#include <numeric>

using namespace awq::gpusim;

Machine::Machine(const DecodedKernel &kernel, const LaunchConfig &config,
                 const SimulatorOptions &options)
    : kernel(kernel), config(config), options(options),
      sharedBytes(kernel.sharedBytes + config.dynamicSharedBytes),
      blockRuns(kernel.blocks.size()), blockLanes(kernel.blocks.size()),
      random(options.seed) {}

bool Machine::prepare(DeviceMemory &memory,
                      const std::vector<Argument> &arguments) {
  uint64_t blocks = config.grid.total();
  unsigned slots = static_cast<unsigned>(
      std::min<uint64_t>(blocks, std::max(1u, options.residentBlocks)));
  if (slots &&
      !arenas.reserve(slots, sharedBytes, registerBytes() * warpsPerBlock()))
    return false;
  for (unsigned i = 0; i < slots; ++i) {
    resident.push_back(std::make_unique<ThreadBlock>());
    resident.back()->shared = arenas.arena(i);
    resident.back()->registerFile = arenas.ownMemory(i);
    resident.back()->done = true;
  }
  for (const DeviceBuffer &buffer : memory.buffers())
    ranges.push_back({buffer.address(), buffer.address() + buffer.bytes,
                      buffer.name, buffer.readOnly, buffer.fromPreviousKernel});
  moduleBytes = kernel.moduleBytes;
  uint64_t base = reinterpret_cast<uint64_t>(moduleBytes.data());
  for (const ModuleVariable &variable : kernel.variables)
    ranges.push_back({base + variable.offset,
                      base + variable.offset + variable.bytes, variable.name,
                      variable.readOnly, false});
  // Arguments by value live in constant memory.
  for (size_t i = 0; i < arguments.size(); ++i) {
    parameterBytes.push_back(arguments[i].data());
    // A vector's storage is aligned to 16 only; tensor maps want 64.
    std::vector<uint8_t> &bytes = parameterBytes.back();
    size_t size = bytes.size();
    bytes.resize(size + 64);
    uint64_t start = reinterpret_cast<uint64_t>(bytes.data());
    size_t shift = (64 - start % 64) % 64;
    std::memmove(bytes.data() + shift, bytes.data(), size);
    if (kernel.parameters[i].bits == 0)
      ranges.push_back({start + shift, start + shift + size,
                        "a kernel argument", true, false});
  }
  std::sort(ranges.begin(), ranges.end(),
            [](const MemoryRange &x, const MemoryRange &y) {
              return x.begin < y.begin;
            });
  initialRegisters = kernel.initialRegisters;
  for (const AddressConstant &constant : kernel.addresses)
    if (constant.base == AddressConstant::Module)
      std::fill_n(
          reinterpret_cast<uint64_t *>(&initialRegisters[constant.offset]),
          warpLanes, base + constant.value);
  return true;
}

/// Fills in what only the block's place in memory and the launch decide.
void Machine::bindAddresses(Warp &warp) {
  for (const AddressConstant &constant : kernel.addresses)
    if (constant.base == AddressConstant::Shared)
      std::fill_n(reg<uint64_t>(warp, constant.offset), warpLanes,
                  warp.block->sharedBase() + constant.value);
  for (size_t i = 0; i < kernel.parameters.size(); ++i) {
    const KernelParameter &parameter = kernel.parameters[i];
    const std::vector<uint8_t> &stored = parameterBytes[i];
    uint64_t start = reinterpret_cast<uint64_t>(stored.data());
    const uint8_t *bytes = stored.data() + (64 - start % 64) % 64;
    uint64_t value = 0;
    if (parameter.bits == 0)
      value = reinterpret_cast<uint64_t>(bytes);
    else
      std::memcpy(&value, bytes, std::min(parameter.bytes, 8u));
    if (parameter.bits == 1)
      maskReg(warp, parameter.offset) = value & 1 ? allLanes : 0;
    else if (parameter.bits == 32)
      std::fill_n(reg<uint32_t>(warp, parameter.offset), warpLanes,
                  static_cast<uint32_t>(value));
    else
      std::fill_n(reg<uint64_t>(warp, parameter.offset), warpLanes, value);
  }
}

void Machine::startWarp(ThreadBlock &block, unsigned index) {
  Warp &warp = block.warps[index];
  uint64_t threads = config.block.total();
  uint64_t count = std::min<uint64_t>(warpLanes, threads - index * warpLanes);
  warp.initial = count == warpLanes ? allLanes : (1u << count) - 1;
  warp.alive = warp.mask = warp.initial;
  warp.blockIndex = warp.pc = 0;
  warp.state = WarpState::Ready;
  warp.diverged = warp.yield = warp.retry = warp.spinning = false;
  warp.gridWaited = false;
  warp.guardedMask = 0;
  warp.pending.assign(kernel.blocks.size(), 0);
  warp.openCopies.reset();
  warp.copyGroups.clear();
  warp.openStores.clear();
  warp.storeGroups.clear();
  warp.clock = WarpClock();
  warp.clock.now.own.assign(block.warps.size(), 0);
  warp.clock.now.own[index] = 1;
}

void Machine::startBlock(ThreadBlock &block) {
  block.linear = nextBlock++;
  block.index.x = static_cast<unsigned>(block.linear % config.grid.x);
  block.index.y =
      static_cast<unsigned>(block.linear / config.grid.x % config.grid.y);
  block.index.z =
      static_cast<unsigned>(block.linear / config.grid.x / config.grid.y);
  unsigned warps = warpsPerBlock();
  if (block.warps.empty()) {
    block.machine = this;
    block.frames.resize(size_t(kernel.frameBytes) * warpLanes * warps);
    block.warps.resize(warps);
    for (unsigned i = 0; i < warps; ++i) {
      Warp &warp = block.warps[i];
      warp.block = &block;
      warp.machine = this;
      warp.index = i;
      warp.registers = block.registerFile + i * registerBytes();
      warp.frame = block.frames.data() + size_t(kernel.frameBytes) * 32 * i;
      // Constants are never overwritten: once is enough for all blocks.
      std::memcpy(warp.registers, initialRegisters.data(),
                  initialRegisters.size());
      bindAddresses(warp);
    }
  }
  std::memset(block.shared, 0xff, sharedBytes);
  std::fill(block.frames.begin(), block.frames.end(), 0xff);
  block.barriers.fill(NamedBarrier());
  block.mbarriers.clear();
  block.clockSlots = warps;
  block.events.clear();
  block.asyncReads = 0;
  block.groups.assign((warps + 3) / 4, WarpGroup());
  if (options.races)
    block.shadow.reset(sharedBytes, warps);
  block.done = false;
  for (unsigned i = 0; i < warps; ++i)
    startWarp(block, i);
  ++counters.blocks;
  counters.threads += config.block.total();
  noteProgress();
}

unsigned ThreadBlock::liveWarps() const {
  unsigned count = 0;
  for (const Warp &warp : warps)
    count += warp.state != WarpState::Done;
  return count;
}

void Machine::runWarp(Warp &warp) {
  warp.yield = warp.spinning = false;
  for (unsigned budget = options.slice; budget; --budget) {
    const BasicBlock &block = kernel.blocks[warp.blockIndex];
    const Op *ops = block.ops.data();
    const uint32_t count = static_cast<uint32_t>(block.ops.size());
    while (warp.pc < count) {
      const Op &op = ops[warp.pc];
      op.run(warp, op);
      if (warp.retry)
        warp.retry = false;
      else
        ++warp.pc;
      if (warp.yield)
        return;
    }
    countBlock(block, warp.mask);
    if (!leaveBlock(warp, block)) {
      finishWarp(warp);
      return;
    }
    if (warp.spinning)
      return;
  }
}

void Machine::finishWarp(Warp &warp) {
  warp.state = WarpState::Done;
  noteProgress();
  bool waiting = warp.openCopies && !warp.openCopies->copies.empty();
  uint32_t site = waiting ? warp.openCopies->copies[0].site : 0;
  for (const auto &group : warp.copyGroups)
    if (!group->done && !group->copies.empty()) {
      waiting = true;
      site = group->copies[0].site;
    }
  if (waiting)
    report(
        "copy-not-waited", site,
        format("warp %u ends before this cp.async was waited for", warp.index));
  for (const auto &group : warp.storeGroups)
    if (!group.empty())
      report("copy-not-waited", group[0].site,
             format("warp %u ends before this bulk store was waited for",
                    warp.index));
  releaseAfterExit(*warp.block);
}

void Machine::finishBlock(ThreadBlock &block) {
  for (const AsyncEvent &event : block.events)
    report("copy-not-waited", event.site,
           "the block ends before this asynchronous copy has arrived");
  for (const WarpGroup &group : block.groups) {
    const AsyncRead *open = group.open.empty() ? nullptr : &group.open[0];
    for (const auto &reads : group.groups)
      if (!reads.empty())
        open = &reads[0];
    if (open)
      report("wgmma-not-waited", open->site,
             "the block ends before this wgmma was waited for");
  }
  block.events.clear();
  block.done = true;
  noteProgress();
}

void Machine::reportDeadlock(ThreadBlock &block) {
  static constexpr const char *names[] = {"ready", "a barrier", "an mbarrier",
                                          "its warpgroup", "done"};
  std::string text = format("block %llu cannot go on:",
                            static_cast<unsigned long long>(block.linear));
  uint32_t site = 0;
  for (const Warp &warp : block.warps) {
    if (warp.state == WarpState::Done)
      continue;
    const BasicBlock &code = kernel.blocks[warp.blockIndex];
    // Ops that wait for others are behind the program counter already.
    uint32_t pc =
        warp.state == WarpState::AtMBarrier || !warp.pc ? warp.pc : warp.pc - 1;
    uint32_t at = pc < code.ops.size() ? code.ops[pc].site : code.site;
    text += format(" warp %u waits for %s at %s;", warp.index,
                   names[static_cast<unsigned>(warp.state)],
                   kernel.sites[at].str().c_str());
    site = at;
  }
  unsigned ended =
      static_cast<unsigned>(block.warps.size()) - block.liveWarps();
  for (const NamedBarrier &barrier : block.barriers)
    if (ended && !barrier.waiting.empty() && barrier.counted)
      text += format(" barrier %u has a count of %u threads, of which %u came: "
                     "%u warps have ended, and do not count as arrived;",
                     static_cast<unsigned>(&barrier - block.barriers.data()),
                     barrier.expected, barrier.arrived, ended);
  report("deadlock", site, text);
}

void Machine::chooseOrder(std::vector<unsigned> &order, unsigned count) {
  order.resize(count);
  std::iota(order.begin(), order.end(), 0u);
  if (options.seed)
    std::shuffle(order.begin(), order.end(), random);
}

void Machine::advanceBlock(ThreadBlock &block) {
  // A block's memory stays in the processor's cache while it goes on by itself.
  // A random order changes blocks more often, to show what depends on it.
  unsigned rounds = options.seed ? 1 : 16;
  while (rounds-- && !block.done && !hung) {
    uint64_t before = progress;
    hung = !stepBlock(block);
    if (progress == before)
      return;
  }
}

bool Machine::stepBlock(ThreadBlock &block) {
  bool ran = false, onlySpins = true;
  std::vector<unsigned> order;
  chooseOrder(order, static_cast<unsigned>(block.warps.size()));
  for (unsigned i : order) {
    Warp &warp = block.warps[i];
    if (warp.state != WarpState::Ready)
      continue;
    runWarp(warp);
    ran = true;
    onlySpins &= warp.state == WarpState::Ready && warp.spinning;
  }
  if (!block.liveWarps()) {
    finishBlock(block);
    return true;
  }
  if (ran && !onlySpins)
    return true;
  if (!block.events.empty()) {
    block.deliverOne();
    noteProgress();
    return true;
  }
  if (ran)
    return true;
  reportDeadlock(block);
  return false;
}

Report Machine::run() {
  for (const Finding &finding : kernel.staticFindings)
    findings.push_back(finding);
  unsigned idle = 0;
  bool live = config.block.total() != 0;
  std::vector<unsigned> order;
  while (live && !hung) {
    uint64_t before = progress;
    live = false;
    chooseOrder(order, static_cast<unsigned>(resident.size()));
    for (unsigned i : order) {
      ThreadBlock &block = *resident[i];
      if (block.done && nextBlock < config.grid.total())
        startBlock(block);
      if (block.done)
        continue;
      live = true;
      advanceBlock(block);
      if (hung)
        break;
    }
    idle = progress == before ? idle + 1 : 0;
    if (idle > options.patience) {
      for (auto &block : resident)
        if (!block->done) {
          reportDeadlock(*block);
          break;
        }
      hung = true;
    }
  }
  for (size_t i = 0; i < kernel.blocks.size(); ++i)
    for (unsigned c = 0; c < instructionClasses; ++c) {
      counters.warpInstructions[c] +=
          blockRuns[i] * kernel.blocks[i].classes[c];
      counters.threadInstructions[c] +=
          blockLanes[i] * kernel.blocks[i].classes[c];
    }
  Report result;
  result.findings = std::move(findings);
  result.counters = counters;
  result.completed = !hung;
  return result;
}
