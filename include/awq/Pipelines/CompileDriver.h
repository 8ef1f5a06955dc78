//===- CompileDriver.h - what awq-compile does -----------------*- C++ -*-===//
//
// Part of the awq-mlir project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef AWQ_PIPELINES_COMPILEDRIVER_H
#define AWQ_PIPELINES_COMPILEDRIVER_H

#include "awq/ExecutionEngine/JIT/CodeGen.h"
#include "awq/Support/Error.h"

#include <cstdint>
#include <string>
#include <vector>

namespace awq {

/// A command line of awq-compile; see its --help for each field.
struct CompileRequest {
  std::string input;
  std::string output = "-";
  /// mlir, bundle, checkpoint, onnx, plan or ptx; empty: mlir if `compileTo` is
  /// given, checkpoint if `quantize` is, ptx for nvvm, else bundle.
  std::string emit;
  std::string compileTo;
  /// cpu, nvvm, or iree: a module for iree-compile.
  std::string target = "cpu";
  std::string chip = "sm_80";
  /// Arithmetic of kernels for GPUs, and the type of their activations: options
  /// of convert-awq-to-nvvm.
  std::string kernelMode = "subnormal";
  std::string activations = "f16";
  bool batchInvariant = false;
  bool fuse = true;
  /// See ONNXExportOptions.
  std::string onnxFormat;
  int64_t onnxOpset = 21;
  jit::TargetOptions cpu;
  /// awq, rtn or empty.
  std::string quantize;
  unsigned bits = 4;
  int64_t groupSize = 64;
  std::string calibration;
  std::string statistics;
  bool statisticsGram = false;
  bool autoAwq = false;
  unsigned scaleRatios = 20;
  bool plainScales = true;
  bool searchClips = true;
  bool refitScales = true;
  bool refineCodes = true;
  unsigned skipTokens = 0;
  double shrinkage = 0.5;
  /// Linears with one of these in their names stay float.
  std::vector<std::string> skip;
  /// See QuantizeOptions.
  std::string journal;
  bool resume = false;
  bool restart = false;
  /// jsonl, plain or none.
  std::string progress = "plain";
  int threads = 0;
  bool force = false;
};

/// Does it, and reports progress. Errors: AWQ1601 (options that do not go
/// together), AWQ1516 (a phase that does not exist), and those of the parts.
Status compile(const CompileRequest &request);

} // namespace awq

#endif // AWQ_PIPELINES_COMPILEDRIVER_H
