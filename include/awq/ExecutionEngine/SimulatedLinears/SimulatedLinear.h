//===- SimulatedLinear.h - quantized linears on the simulator ---*- C++ -*-===//
//
// Part of the awq-mlir project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Launches the kernels of a quantized linear as host code would: pack the
// activations, then stream the weights past them.
//
//===----------------------------------------------------------------------===//

#ifndef AWQ_EXECUTIONENGINE_SIMULATEDLINEARS_SIMULATEDLINEAR_H
#define AWQ_EXECUTIONENGINE_SIMULATEDLINEARS_SIMULATEDLINEAR_H

#include "awq/Dialect/AWQ/Utils/QuantScheme.h"
#include "awq/ExecutionEngine/GPUSimulator/Simulator.h"

#include <optional>

namespace mlir {
class ModuleOp;
} // namespace mlir

namespace awq::gpusim {

/// What kernels are made for; the options of awq-nvvm-pipeline.
struct KernelOptions {
  std::string chip = "sm_80";
  std::string mode = "subnormal";
  std::string activations = "f16";
  bool batchInvariant = false;
  /// Only the kernel for so many tokens is made; 0: kernels for any number.
  int64_t tokens = 0;
  /// Whether linears are joined and take in what surrounds them.
  bool fuse = true;
};

/// The kernels of a linear for up to `maxTokens` tokens, and their launch: an
/// entry of the attribute `awq.kernels`.
struct LinearKernels {
  std::string kernel, pack;
  /// The kernel that makes f16 of the weights, or empty, and the bytes of a
  /// record of these.
  std::string dequantize;
  int64_t recordBytes = 0;
  int64_t maxTokens = 0;
  int64_t blocksPerSM = 0;
  int64_t sharedBytes = 0;
  int64_t threads = 0;
  /// Of packed activations, for each block of tokens: of 128 channels, and of
  /// the tokens' factors behind all channels.
  int64_t activationBytes = 0, tokenScaleBytes = 0;
  /// Rows of W that a block computes at a time.
  int64_t tileRows = 0;
  /// Of partial sums, for each block of the grid.
  int64_t partialBytes = 0;
};

/// Tokens up to which (0: any number) an entry of a linear is launched.
struct LaunchRange {
  int64_t mostTokens = 0;
  int64_t entry = 0;
};

/// The kernels of all quantized linears of a module.
struct CompiledKernels {
  /// LLVM bitcode, as it goes to the NVPTX back end.
  std::string bitcode;
  /// For each quantized linear, fused or not, in the order of the module, an
  /// entry for each bucket of tokens, the smallest first.
  std::vector<std::vector<LinearKernels>> linears;
  /// For each of them, which of the entries to launch for how many tokens.
  std::vector<std::vector<LaunchRange>> launches;

  /// The kernels to launch linear `linear` with, for `tokens` tokens.
  const LinearKernels &select(size_t linear, int64_t tokens) const;
};

/// Runs the NVVM pipeline on `module`. Errors: AWQ1510 (a pass refuses it),
/// AWQ1531 (no quantized linear).
Result<CompiledKernels> compileKernels(mlir::ModuleOp module,
                                       const KernelOptions &options);

/// LLVM IR of kernels, in memory.
class KernelModule {
public:
  /// Errors: AWQ1703.
  static Result<KernelModule> parse(const std::string &bitcode);

  KernelModule(KernelModule &&) noexcept;
  ~KernelModule();

  llvm::Module &module() { return *parsed; }
  /// As decodeKernel.
  Result<Kernel> kernel(const std::string &name) const;
  /// Whether kernels start before the one in front of them has ended, and wait
  /// for it where they need its results.
  bool hasDependentLaunch() const;

private:
  KernelModule();
  std::unique_ptr<llvm::LLVMContext> context;
  std::unique_ptr<llvm::Module> parsed;
};

/// What the kernels of a linear are and how they are launched.
struct LinearProgram {
  Kernel pack, kernel;
  std::optional<Kernel> dequantize;
  LinearKernels launch;
  bool dependentLaunch = false;

  /// Errors: those of decodeKernel.
  static Result<LinearProgram> load(const KernelModule &module,
                                    const LinearKernels &launch);
};

/// A weight's records, and its bias; both stay the caller's.
struct LinearWeight {
  QuantScheme scheme;
  int64_t n = 0, k = 0;
  const void *records = nullptr;
  /// [n] of the activations' type, or null.
  const uint16_t *bias = nullptr;
};

/// What a fused linear computes besides; see awq.fused_linear. All memory stays
/// the caller's.
struct LinearFusion {
  /// The norm's weight [k] with its offset, or null.
  const float *norm = nullptr;
  float epsilon = 0;
  /// [m, half] each, or null.
  const float *cosines = nullptr, *sines = nullptr;
  int64_t turnedRows = 0, headSize = 0, half = 0;
  /// Whether results are half as many as rows.
  bool gate = false;
  /// Like the result, or null.
  const uint16_t *residual = nullptr;
};

/// The memory of a simulated GPU on which a linear of `m` tokens runs.
class SimulatedLinear {
public:
  SimulatedLinear(const LinearProgram &program, const LinearWeight &weight,
                  int64_t m, unsigned blocks, const LinearFusion &fusion = {});

  /// Computes y [m, n] = x [m, k] W^T + b, or [m, n / 2] with a gate, of 16-bit
  /// numbers of the kernels' activation type. The report is that of the first
  /// kernel that is not clean, or of the second. May be called again: tickets
  /// are left as they are.
  Result<Report> run(const uint16_t *x, uint16_t *y,
                     const SimulatorOptions &options);

  /// Whether all tickets are zero, as they must be after each run.
  bool hasCleanTickets() const;

private:
  Result<Report> runPack(const SimulatorOptions &options);
  Result<Report> runDequantize(const SimulatorOptions &options);
  Result<Report> runKernel(const SimulatorOptions &options);

  LinearProgram program;
  LinearWeight weight;
  LinearFusion fusion;
  int64_t m;
  unsigned blocks;
  /// Blocks in y: one for each 8 or 16 tokens.
  int64_t tokenBlocks;
  DeviceMemory memory;
  DeviceBuffer *input, *packed, *records, *output, *partials, *tickets;
  /// Null where the kernels take none.
  DeviceBuffer *dequantized = nullptr, *bias = nullptr, *norm = nullptr,
               *cosines = nullptr, *sines = nullptr, *residual = nullptr;
};

} // namespace awq::gpusim

#endif // AWQ_EXECUTIONENGINE_SIMULATEDLINEARS_SIMULATEDLINEAR_H
