//===- NVVMPipeline.cpp - the order of passes for GPUs
//-------------------------------------------------===//
//
// Part of the awq-mlir project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "awq/Pipelines/NVVMPipeline.h"

#include "awq/Conversion/AWQToNVVM/Passes.h"
#include "awq/Dialect/AWQ/Transforms/Passes.h"
#include "awq/Support/TargetInfo.h"
#include "mlir/Conversion/GPUToNVVM/GPUToNVVMPass.h"
#include "mlir/Conversion/NVVMToLLVM/NVVMToLLVM.h"
#include "mlir/Conversion/ReconcileUnrealizedCasts/ReconcileUnrealizedCasts.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/GPU/IR/GPUDialect.h"
#include "mlir/Dialect/GPU/Transforms/Passes.h"
#include "mlir/Pass/PassRegistry.h"
#include "mlir/Target/LLVM/NVVM/Target.h"
#include "mlir/Target/LLVMIR/Dialect/Builtin/BuiltinToLLVMIRTranslation.h"
#include "mlir/Target/LLVMIR/Dialect/GPU/GPUToLLVMIRTranslation.h"
#include "mlir/Target/LLVMIR/Dialect/LLVMIR/LLVMToLLVMIRTranslation.h"
#include "mlir/Target/LLVMIR/Dialect/NVVM/NVVMToLLVMIRTranslation.h"
#include "mlir/Transforms/Passes.h"

using namespace mlir;

void awq::buildNVVMPipeline(OpPassManager &manager,
                            const NVVMPipelineOptions &options) {
  // Fewer and larger linears, and fewer kernels around them.
  if (options.fuse) {
    manager.addNestedPass<func::FuncOp>(createFuseLinearsPass());
    manager.addNestedPass<func::FuncOp>(createFuseIntoLinearsPass());
  }

  // The kernels that the quantized linears need.
  ConvertAWQToNVVMPassOptions kernelOptions;
  kernelOptions.chip = options.chip;
  kernelOptions.mode = options.mode;
  kernelOptions.batchInvariant = options.batchInvariant;
  kernelOptions.tokens = options.tokens;
  kernelOptions.activations = options.activations;
  manager.addPass(createConvertAWQToNVVMPass(kernelOptions));

  // The chip to compile for; the pass above refuses an unknown one.
  Result<ChipInfo> chip = findChip(options.chip);
  GpuNVVMAttachTargetOptions target;
  target.chip = options.chip;
  target.features = chip ? std::string(chip->ptxFeature) : "+ptx80";
  target.optLevel = 3;
  manager.addPass(createGpuNVVMAttachTarget(target));

  // Kernels to the LLVM and NVVM dialects.
  OpPassManager &kernels = manager.nest<gpu::GPUModuleOp>();
  ConvertGpuOpsToNVVMOpsOptions toNVVM;
  toNVVM.useBarePtrCallConv = true;
  toNVVM.indexBitwidth = 64;
  kernels.addPass(createConvertGpuOpsToNVVMOps(toNVVM));
  kernels.addPass(createConvertNVVMToLLVMPass());
  kernels.addPass(createCanonicalizerPass());
  kernels.addPass(createCSEPass());
  kernels.addPass(createReconcileUnrealizedCastsPass());

  // LLVM IR or PTX, inside a gpu.binary.
  GpuModuleToBinaryPassOptions binary;
  binary.compilationTarget = options.format;
  manager.addPass(createGpuModuleToBinaryPass(binary));
}

void awq::registerNVVMTranslations(DialectRegistry &registry) {
  registerBuiltinDialectTranslation(registry);
  registerGPUDialectTranslation(registry);
  registerLLVMDialectTranslation(registry);
  registerNVVMDialectTranslation(registry);
  NVVM::registerNVVMTargetInterfaceExternalModels(registry);
  gpu::registerOffloadingLLVMTranslationInterfaceExternalModels(registry);
}

void awq::registerNVVMPipeline() {
  PassPipelineRegistration<NVVMPipelineOptions>(
      "awq-nvvm-pipeline",
      "Kernels for NVIDIA GPUs out of the module's quantized linears",
      buildNVVMPipeline);
}
