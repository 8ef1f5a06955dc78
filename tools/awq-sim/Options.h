//===- Options.h - the command line of awq-sim ---------------- -*- C++ -*-===//
//
// Part of the awq-mlir project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef AWQ_TOOLS_AWQ_SIM_OPTIONS_H
#define AWQ_TOOLS_AWQ_SIM_OPTIONS_H

#include "awq/ExecutionEngine/GPUSimulator/Driver.h"

#include <optional>

/// Parses the command line; nothing if it is wrong, which has then been said.
std::optional<awq::gpusim::SimulationRequest> parseOptions(int argc,
                                                           char **argv);

#endif // AWQ_TOOLS_AWQ_SIM_OPTIONS_H
