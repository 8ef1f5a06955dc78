//===- CompileKernels.cpp - from quantized linears to LLVM IR -------------===//
//
// Part of the awq-mlir project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "awq/Dialect/AWQ/IR/AWQ.h"
#include "awq/ExecutionEngine/SimulatedLinears/SimulatedLinear.h"
#include "awq/Pipelines/Compiler.h"
#include "awq/Pipelines/NVVMPipeline.h"
#include "mlir/Dialect/GPU/IR/GPUDialect.h"
#include "llvm/Bitcode/BitcodeReader.h"
#include "llvm/IR/LLVMContext.h"
#include "llvm/IR/Module.h"
#include "llvm/Support/MemoryBuffer.h"

using namespace mlir;
using namespace awq;
using namespace awq::gpusim;

static LinearKernels readLaunch(DictionaryAttr bucket) {
  auto name = [&](StringRef key) {
    return bucket.getAs<SymbolRefAttr>(key).getLeafReference().str();
  };
  auto number = [&](StringRef key) {
    return bucket.getAs<IntegerAttr>(key).getInt();
  };
  LinearKernels kernels;
  kernels.kernel = name("kernel");
  kernels.pack = name("pack");
  if (bucket.contains("dequantize")) {
    kernels.dequantize = name("dequantize");
    kernels.recordBytes = number("record_bytes");
  }
  kernels.maxTokens = number("max_tokens");
  kernels.blocksPerSM = number("blocks_per_sm");
  kernels.sharedBytes = number("shared_bytes");
  kernels.threads = number("threads");
  kernels.activationBytes = number("activation_bytes");
  kernels.tokenScaleBytes = number("token_scale_bytes");
  kernels.tileRows = number("tile_rows");
  kernels.partialBytes = number("partial_bytes");
  return kernels;
}

Result<CompiledKernels>
awq::gpusim::compileKernels(ModuleOp module, const KernelOptions &options) {
  NVVMPipelineOptions pipeline;
  pipeline.chip = options.chip;
  pipeline.mode = options.mode;
  pipeline.batchInvariant = options.batchInvariant;
  pipeline.tokens = options.tokens;
  pipeline.activations = options.activations;
  pipeline.fuse = options.fuse;
  pipeline.format = "llvm";
  if (Status status = runPasses(module, "nvvm",
                                [&](OpPassManager &manager) {
                                  buildNVVMPipeline(manager, pipeline);
                                });
      !status)
    return status.error();
  CompiledKernels compiled;
  module.walk([&](QuantizedWeightOpInterface op) {
    std::vector<LinearKernels> &buckets = compiled.linears.emplace_back();
    auto described = op->getAttrOfType<ArrayAttr>("awq.kernels");
    for (auto bucket : described.getAsRange<DictionaryAttr>())
      buckets.push_back(readLaunch(bucket));
    std::vector<LaunchRange> &launches = compiled.launches.emplace_back();
    for (auto range : op->getAttrOfType<ArrayAttr>("awq.launches")
                          .getAsRange<DenseI64ArrayAttr>())
      launches.push_back({range[0], range[1]});
  });
  module.walk([&](gpu::BinaryOp binary) {
    auto object = cast<gpu::ObjectAttr>(binary.getObjects()[0]);
    compiled.bitcode = object.getObject().getValue().str();
  });
  if (compiled.linears.empty())
    return Error{ErrorKind::Unsupported, "AWQ1531",
                 "the module has no quantized linear to make a kernel for", "",
                 "quantize it first: awq-mlir quantize"};
  return compiled;
}

const LinearKernels &CompiledKernels::select(size_t linear,
                                             int64_t tokens) const {
  const std::vector<LaunchRange> &ranges = launches[linear];
  auto range = llvm::find_if(ranges, [&](const LaunchRange &each) {
    return each.mostTokens == 0 || tokens <= each.mostTokens;
  });
  return linears[linear][range->entry];
}

KernelModule::KernelModule() : context(std::make_unique<llvm::LLVMContext>()) {}
KernelModule::KernelModule(KernelModule &&) noexcept = default;
KernelModule::~KernelModule() = default;

Result<KernelModule> KernelModule::parse(const std::string &bitcode) {
  KernelModule result;
  auto parsed = llvm::parseBitcodeFile(
      llvm::MemoryBufferRef(bitcode, "awq_kernels"), *result.context);
  if (!parsed)
    return Error{ErrorKind::Malformed, "AWQ1703",
                 "cannot read LLVM IR: " + llvm::toString(parsed.takeError()),
                 "awq_kernels", "report it with the input"};
  result.parsed = std::move(*parsed);
  return result;
}

Result<Kernel> KernelModule::kernel(const std::string &name) const {
  return decodeKernel(*parsed, name);
}

bool KernelModule::hasDependentLaunch() const {
  return parsed->getFunction("llvm.nvvm.griddepcontrol.wait");
}

Result<LinearProgram> LinearProgram::load(const KernelModule &module,
                                          const LinearKernels &launch) {
  Result<Kernel> pack = module.kernel(launch.pack);
  if (!pack)
    return pack.error();
  Result<Kernel> kernel = module.kernel(launch.kernel);
  if (!kernel)
    return kernel.error();
  LinearProgram program{*pack, *kernel, std::nullopt, launch,
                        module.hasDependentLaunch()};
  if (!launch.dequantize.empty()) {
    Result<Kernel> dequantize = module.kernel(launch.dequantize);
    if (!dequantize)
      return dequantize.error();
    program.dequantize = *dequantize;
  }
  return program;
}
