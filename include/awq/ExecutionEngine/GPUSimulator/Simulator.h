//===- Simulator.h - runs GPU kernels without a GPU ----------- -*- C++ -*-===//
//
// Part of the awq-mlir project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Interprets the LLVM IR that goes to the NVPTX back end, one instruction for
// the 32 lanes of a warp at a time. docs/GPU.md says what is modelled.
//
//===----------------------------------------------------------------------===//

#ifndef AWQ_EXECUTIONENGINE_GPUSIMULATOR_SIMULATOR_H
#define AWQ_EXECUTIONENGINE_GPUSIMULATOR_SIMULATOR_H

#include "awq/ExecutionEngine/GPUSimulator/DeviceMemory.h"
#include "awq/ExecutionEngine/GPUSimulator/Report.h"
#include "awq/Support/Error.h"

#include <array>
#include <memory>
#include <string>
#include <vector>

namespace llvm {
class LLVMContext;
class Module;
} // namespace llvm

namespace awq::gpusim {

struct DecodedKernel;

/// A kernel that is ready to run, independent of the module it came from.
class Kernel {
public:
  explicit Kernel(std::shared_ptr<const DecodedKernel> decoded)
      : decoded(std::move(decoded)) {}

  const std::string &name() const;
  /// Bytes of each argument; pointers take 8.
  std::vector<unsigned> argumentBytes() const;
  /// Shared memory that the kernel declares, without the dynamic part.
  unsigned staticSharedBytes() const;
  const DecodedKernel &program() const { return *decoded; }

private:
  std::shared_ptr<const DecodedKernel> decoded;
};

/// Prepares one function of a module. Errors: AWQ1701 (no such kernel),
/// AWQ1702 (an instruction, intrinsic or inline PTX that is not modelled).
Result<Kernel> decodeKernel(const llvm::Module &module,
                            const std::string &kernel);

/// A module read from a file of LLVM IR, as text or bitcode.
class KernelFile {
public:
  /// Errors: AWQ1703 (cannot be read or parsed).
  static Result<KernelFile> open(const std::string &path);

  KernelFile(KernelFile &&) noexcept;
  KernelFile &operator=(KernelFile &&) noexcept;
  ~KernelFile();

  llvm::Module &module() { return *parsed; }
  /// The kernels that the module defines, in its order.
  std::vector<std::string> kernelNames() const;
  /// As decodeKernel; an empty name means the only kernel there is.
  Result<Kernel> kernel(const std::string &name) const;

private:
  KernelFile();
  std::string path;
  std::unique_ptr<llvm::LLVMContext> context;
  std::unique_ptr<llvm::Module> parsed;
};

struct Dim3 {
  unsigned x = 1, y = 1, z = 1;
  uint64_t total() const { return uint64_t(x) * y * z; }
};

/// When the bytes of bulk copies, and arrivals that follow asynchronous
/// copies, take effect. Each finds other defects.
enum class CopyDelivery {
  /// Only once no warp of the block can go on without them.
  Late,
  /// When they are issued.
  AtOnce
};

/// How the products of a tensor-core instruction are added up.
enum class MmaModel {
  /// One fused multiply-add in fp32 after the other, in the order of k.
  FusedF32,
  /// As the hardware is believed to do: in chunks of k, products and
  /// accumulator are aligned to the largest exponent, cut off below the
  /// accumulator's extra bits and added exactly; subnormal inputs are not
  /// normalised before the alignment. See docs/GPU.md.
  Aligned
};

struct SimulatorOptions {
  /// Report accesses that nothing orders.
  bool races = false;
  /// Count memory traffic; instructions are always counted.
  bool counters = false;
  CopyDelivery delivery = CopyDelivery::Late;
  MmaModel mma = MmaModel::FusedF32;
  /// MmaModel::Aligned: products added at once, and accumulator bits beyond
  /// fp32's 24.
  unsigned mmaChunk = 8;
  unsigned mmaExtraBits = 2;
  /// Blocks that make progress side by side.
  unsigned residentBlocks = 8;
  /// Basic blocks that a warp runs before others get their turn.
  unsigned slice = 4096;
  /// Rounds over all resident warps without any effect on memory before the
  /// launch counts as hung.
  unsigned patience = 2000;
  /// Different findings that are kept.
  unsigned maxFindings = 50;
  /// 0: warps and blocks run in order; else the seed of a random order.
  uint64_t seed = 0;
};

struct LaunchConfig {
  Dim3 grid;
  Dim3 block;
  unsigned dynamicSharedBytes = 0;
};

/// The bytes of one kernel argument.
class Argument {
public:
  static Argument pointer(const DeviceBuffer &buffer, uint64_t offset = 0) {
    return of<uint64_t>(buffer.address() + offset);
  }
  template <typename T>
  static Argument of(T value) {
    return bytes(&value, sizeof(T));
  }
  static Argument bytes(const void *data, size_t size);

  const std::vector<uint8_t> &data() const { return contents; }

private:
  std::vector<uint8_t> contents;
};

/// Runs a kernel. Defects of the kernel are findings of the report. Errors:
/// AWQ1704 (wrong arguments or launch configuration), AWQ1705 (no memory).
Result<Report> launch(const Kernel &kernel, DeviceMemory &memory,
                      const LaunchConfig &config,
                      const std::vector<Argument> &arguments,
                      const SimulatorOptions &options = {});

} // namespace awq::gpusim

#endif // AWQ_EXECUTIONENGINE_GPUSIMULATOR_SIMULATOR_H
