//===- InitAllPasses.h - registration of passes -----------------*- C++ -*-===//
//
// Part of the awq-mlir project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef AWQ_INITALLPASSES_H
#define AWQ_INITALLPASSES_H

#include "awq/Conversion/AWQToCPU/Passes.h"
#include "awq/Conversion/AWQToLinalg/Passes.h"
#include "awq/Conversion/AWQToNVVM/Passes.h"
#include "awq/Conversion/DecoderToLinalg/Passes.h"
#include "awq/Conversion/EntryPointsToLLVM/Passes.h"
#include "awq/Conversion/LinalgToAWQ/Passes.h"
#include "awq/Conversion/ParametersToIREE/Passes.h"
#include "awq/Dialect/AWQ/Transforms/Passes.h"
#include "awq/Dialect/Decoder/Transforms/Passes.h"
#include "awq/Pipelines/CPUPipeline.h"
#include "awq/Pipelines/IREEPipeline.h"
#include "awq/Pipelines/NVVMPipeline.h"
#include "awq/Pipelines/QuantizePipeline.h"

namespace awq {

/// Registers the passes and pipelines of this project.
inline void registerAllPasses() {
  registerAWQPasses();
  registerAWQDecoderPasses();
  registerAWQToCPUPasses();
  registerAWQToLinalgPasses();
  registerAWQToNVVMPasses();
  registerDecoderToLinalgPasses();
  registerEntryPointsToLLVMPasses();
  registerParametersToIREEPasses();
  registerLinalgToAWQPasses();
  registerCPUPipeline();
  registerIREEPipeline();
  registerNVVMPipeline();
  registerQuantizePipeline();
}

} // namespace awq

#endif // AWQ_INITALLPASSES_H
