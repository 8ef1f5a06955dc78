//===- SimulatedRun.h - runs quantized linears of a file --------*- C++ -*-===//
//
// Part of the awq-mlir project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef AWQ_EXECUTIONENGINE_SIMULATEDLINEARS_SIMULATEDRUN_H
#define AWQ_EXECUTIONENGINE_SIMULATEDLINEARS_SIMULATEDRUN_H

#include "awq/ExecutionEngine/Runtime/Model.h"
#include "awq/ExecutionEngine/SimulatedLinears/SimulatedLinear.h"

namespace awq::gpusim {

struct SimulatedRunOptions {
  /// The function to run; if empty, the only one there is.
  std::string entry;
  KernelOptions kernels;
  /// Blocks in x; 0 fills four multiprocessors.
  unsigned blocks = 0;
  SimulatorOptions simulator;
};

/// Runs a function of a .mlir or .mlirbc file whose body is quantized linears,
/// what they can be fused with, slices and reshapes: each linear on its GPU
/// kernel, on tensors named like the arguments (`awq.name`,
/// else "arg<i>"); results are called "result<i>". Activations are rounded to
/// the kernels' type. Errors: AWQ1520 (no function to choose), AWQ1521 (an
/// argument is missing or does not fit), AWQ1540 (an op that is no quantized
/// linear, or one that the simulator cannot feed), AWQ1541 (the simulator finds
/// a defect), and those of loadModule, compileKernels and launch.
Result<runtime::TensorMap> runOnSimulator(const std::string &path,
                                          const runtime::TensorMap &inputs,
                                          const SimulatedRunOptions &options);

} // namespace awq::gpusim

#endif // AWQ_EXECUTIONENGINE_SIMULATEDLINEARS_SIMULATEDRUN_H
