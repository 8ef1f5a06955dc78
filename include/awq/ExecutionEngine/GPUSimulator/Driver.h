//===- Driver.h - a kernel file and named tensors ------------- -*- C++ -*-===//
//
// Part of the awq-mlir project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef AWQ_EXECUTIONENGINE_GPUSIMULATOR_DRIVER_H
#define AWQ_EXECUTIONENGINE_GPUSIMULATOR_DRIVER_H

#include "awq/ExecutionEngine/GPUSimulator/Simulator.h"

namespace awq::gpusim {

/// One run of awq-sim.
struct SimulationRequest {
  /// A .ll or .bc file.
  std::string file;
  /// The kernel's name; may be empty if the file has one only.
  std::string kernel;
  /// Print the kernels of the file and their parameters instead of running.
  bool list = false;
  /// safetensors with the tensors that arguments name; may be empty.
  std::string input;
  /// Where the tensors go after the run; may be empty.
  std::string output;
  /// "X", "X,Y" or "X,Y,Z".
  std::string grid = "1";
  std::string block = "32";
  unsigned dynamicSharedBytes = 0;
  /// Per parameter: "NAME" is a tensor of the input, read and written in
  /// place; "NAME=F32[4,64]" a new one; "i32:7", "i64:7", "f32:0.5" a scalar.
  std::vector<std::string> arguments;
  /// "late" or "at-once".
  std::string delivery = "late";
  /// "fused" or "aligned".
  std::string mma = "fused";
  bool counters = false;
  bool json = false;
  SimulatorOptions options;
};

/// What awq-sim prints, and whether the kernel is free of defects.
struct SimulationResult {
  std::string text;
  bool clean = false;
};

/// Errors: those of KernelFile, decodeKernel and launch, of the safetensors
/// reader and writer, and AWQ1710 (bad argument), AWQ1711 (bad option).
Result<SimulationResult> simulate(const SimulationRequest &request);

} // namespace awq::gpusim

#endif // AWQ_EXECUTIONENGINE_GPUSIMULATOR_DRIVER_H
