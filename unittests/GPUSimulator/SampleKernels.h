//===- SampleKernels.h - kernels, data and references --------- -*- C++ -*-===//
//
// Part of the awq-mlir project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef AWQ_UNITTESTS_GPUSIMULATOR_SAMPLEKERNELS_H
#define AWQ_UNITTESTS_GPUSIMULATOR_SAMPLEKERNELS_H

#include "awq/ExecutionEngine/GPUSimulator/Simulator.h"

#include <cstdint>
#include <functional>
#include <string>

namespace awq::gpusim::test {

/// Changes a module before it is decoded.
using Mutation = std::function<void(llvm::Module &)>;

/// How a run of a sample kernel went.
struct Outcome {
  Report report;
  /// Largest |result - reference| / sum of |products|; infinite for NaN.
  double error = 0;
};

/// Each runs its kernel of Inputs/, after `mutation` if there is one, on
/// random numbers. The references are computed in double.
Outcome runRing(const SimulatorOptions &options,
                const Mutation &mutation = nullptr);
Outcome runSpecialised(const SimulatorOptions &options,
                       const Mutation &mutation = nullptr);
Outcome runExchange(const SimulatorOptions &options,
                    const Mutation &mutation = nullptr);

/// Multiply-adds per second of processor time when the ring kernel runs often.
double speedOfRing(const SimulatorOptions &options);

/// f16 by arithmetic of our own: the simulator's conversions are under test.
double halfValue(uint16_t bits);
uint16_t nearestHalf(double value);

/// Removes the calls whose name, or inline assembly, contains `what`; a result
/// that is used becomes `true` or zero. Returns how many there were.
unsigned eraseCalls(llvm::Module &module, const std::string &what);

/// Decodes and runs a kernel given as text; fails the test on errors.
Report runText(const std::string &ir, DeviceMemory &memory,
               const LaunchConfig &config,
               const std::vector<Argument> &arguments,
               const SimulatorOptions &options = {});
/// The message of the error that decoding the text ends with, or empty.
std::string decodeError(const std::string &ir);

} // namespace awq::gpusim::test

#endif // AWQ_UNITTESTS_GPUSIMULATOR_SAMPLEKERNELS_H
