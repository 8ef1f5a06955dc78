//===- NVVMPipeline.h - the order of passes for GPUs --*- C++ -*
//-------------------------------------------------===//
//
// Part of the awq-mlir project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef AWQ_PIPELINES_NVVMPIPELINE_H
#define AWQ_PIPELINES_NVVMPIPELINE_H

#include "awq/Support/Error.h"
#include "mlir/IR/BuiltinOps.h"
#include "mlir/Pass/PassManager.h"
#include "mlir/Pass/PassOptions.h"

#include <string>
#include <vector>

namespace awq {

struct NVVMPipelineOptions
    : public mlir::PassPipelineOptions<NVVMPipelineOptions> {
  Option<std::string> chip{*this, "chip",
                           llvm::cl::desc("GPU architecture: sm_80, sm_86, "
                                          "sm_89 or sm_90a"),
                           llvm::cl::init("sm_80")};
  Option<std::string> mode{
      *this, "mode",
      llvm::cl::desc("how codes become numbers: "
                     "subnormal, exact, planes or dequantize"),
      llvm::cl::init("subnormal")};
  Option<bool> batchInvariant{
      *this, "batch-invariant",
      llvm::cl::desc("one kernel for any number of tokens"),
      llvm::cl::init(false)};
  Option<int64_t> tokens{
      *this, "tokens",
      llvm::cl::desc("make only the kernel for so many tokens; 0: kernels for "
                     "any number"),
      llvm::cl::init(0)};
  Option<std::string> activations{
      *this, "activations", llvm::cl::desc("type of activations: f16 or bf16"),
      llvm::cl::init("f16")};
  Option<bool> fuse{
      *this, "fuse",
      llvm::cl::desc("join linears with the same input, and have them compute "
                     "norms, gates, rotary embeddings and additions too"),
      llvm::cl::init(true)};
  Option<std::string> format{*this, "format",
                             llvm::cl::desc("what kernels become: llvm (LLVM "
                                            "IR) or isa (PTX)"),
                             llvm::cl::init("isa")};
};

/// Appends the passes that make a gpu.binary of the module's quantized
/// linears. The chip must be one that findChip knows.
void buildNVVMPipeline(mlir::OpPassManager &manager,
                       const NVVMPipelineOptions &options);

/// Registers what gpu-module-to-binary needs to translate kernels.
void registerNVVMTranslations(mlir::DialectRegistry &registry);

/// Registers awq-nvvm-pipeline.
void registerNVVMPipeline();

/// What kernels are made for.
struct KernelFolderOptions {
  std::string chip = "sm_80";
  /// As in convert-awq-to-nvvm.
  std::string mode = "subnormal";
  std::string activations = "f16";
  bool batchInvariant = false;
  /// As in NVVMPipelineOptions.
  bool fuse = true;
  /// Whether an existing folder of kernels is replaced.
  bool force = false;
};

/// Compiles the quantized linears of `module` into the folder
/// `output`: kernels.ptx, kernels.cubin if there is a ptxas, and manifest.json
/// with name, shape and resources of each kernel. Errors: AWQ1510 (a pass),
/// AWQ1530 (chip), AWQ1531 (nothing is quantized), AWQ1532 and AWQ1533
/// (ptxas), and those of io::AtomicDirectory.
struct KernelReport {
  std::string name;
  int64_t registers = 0;
  int64_t spillBytes = 0;
  int64_t sharedBytes = 0;
};
struct KernelFolderReport {
  std::vector<KernelReport> kernels;
  /// Whether ptxas was found and took the PTX; resources are known only then.
  bool assembled = false;
};
Result<KernelFolderReport> writeKernelFolder(mlir::ModuleOp module,
                                             const KernelFolderOptions &options,
                                             const std::string &output);

} // namespace awq

#endif // AWQ_PIPELINES_NVVMPIPELINE_H
