//===- Report.h - what a simulated launch did ----------------- -*- C++ -*-===//
//
// Part of the awq-mlir project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef AWQ_EXECUTIONENGINE_GPUSIMULATOR_REPORT_H
#define AWQ_EXECUTIONENGINE_GPUSIMULATOR_REPORT_H

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace awq::gpusim {

/// What an instruction of the LLVM IR costs a GPU, roughly.
enum class InstructionClass : uint8_t {
  Integer,
  Float,
  Half,
  Conversion,
  GlobalLoad,
  GlobalStore,
  SharedLoad,
  SharedStore,
  AsyncCopy,
  Atomic,
  MatrixLoad,
  Mma,
  Collective,
  Synchronization,
  Special,
  Control,
  Other
};
constexpr unsigned instructionClasses = 17;

/// The class's name as it appears in reports, e.g. "global_load".
std::string_view name(InstructionClass value);

/// One defect of the kernel. Equal defects at the same place are merged.
struct Finding {
  /// A short, stable name such as "race-read-after-write".
  std::string kind;
  std::string message;
  /// Where: file:line:column if the IR has debug info, else the instruction.
  std::string location;
  /// The other access of a race; empty for other kinds.
  std::string otherLocation;
  uint64_t count = 1;

  /// "location: kind: message (and otherLocation)".
  std::string str() const;
};

/// Bytes asked for by the lanes and 32-byte sectors touched for them.
struct GlobalTraffic {
  uint64_t requests = 0;
  uint64_t bytes = 0;
  uint64_t sectors = 0;

  /// Part of the sectors' bytes that was asked for; may exceed 1 when lanes
  /// read the same bytes.
  double efficiency() const {
    return sectors ? double(bytes) / (32.0 * double(sectors)) : 1.0;
  }
};

/// Passes through the 32 banks of shared memory, and the fewest possible.
struct SharedTraffic {
  uint64_t requests = 0;
  uint64_t bytes = 0;
  uint64_t wavefronts = 0;
  uint64_t idealWavefronts = 0;

  uint64_t conflicts() const { return wavefronts - idealWavefronts; }
};

/// What a launch executed. Memory traffic is counted only when
/// SimulatorOptions::counters is set.
struct Counters {
  std::array<uint64_t, instructionClasses> warpInstructions{};
  std::array<uint64_t, instructionClasses> threadInstructions{};
  GlobalTraffic globalLoads, globalStores, asyncCopies;
  SharedTraffic sharedLoads, sharedStores, asyncWrites;
  uint64_t bulkBytes = 0;
  uint64_t mma = 0;
  uint64_t wgmma = 0;
  /// Multiply-adds of all matrix instructions.
  uint64_t macs = 0;
  uint64_t branches = 0;
  uint64_t divergentBranches = 0;
  uint64_t threads = 0;
  uint64_t blocks = 0;

  uint64_t totalWarpInstructions() const;
};

/// Everything known after a launch.
struct Report {
  std::vector<Finding> findings;
  Counters counters;
  /// Whether every thread ran to its end.
  bool completed = false;

  bool clean() const { return completed && findings.empty(); }
  /// Whether a finding of this kind, or of a kind with this prefix, exists.
  bool has(std::string_view kindPrefix) const;
  /// One line per finding, then, if wanted, the counters.
  std::string text(bool withCounters) const;
  /// The same as JSON.
  std::string json() const;
};

} // namespace awq::gpusim

#endif // AWQ_EXECUTIONENGINE_GPUSIMULATOR_REPORT_H
