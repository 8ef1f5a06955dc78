//===- AWQToNVVM.cpp - kernels of quantized linears -----------------------===//
//
// Part of the awq-mlir project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "awq/Conversion/AWQToNVVM/Passes.h"

#include "W4Selection.h"
#include "awq/Dialect/AWQ/IR/AWQ.h"
#include "awq/Support/TargetInfo.h"
#include "mlir/Dialect/GPU/IR/GPUDialect.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/LLVMIR/NVVMDialect.h"
#include "llvm/ADT/StringSwitch.h"

namespace awq {
#define GEN_PASS_DEF_CONVERTAWQTONVVMPASS
#include "awq/Conversion/AWQToNVVM/Passes.h.inc"
} // namespace awq

using namespace mlir;
using namespace awq;

static constexpr llvm::StringLiteral kernelModuleName = "awq_kernels";

/// The bucket that serves any number of tokens with batch-invariant kernels.
static constexpr size_t invariantBucket = 1;

/// The modes that pass option `mode` names, for few tokens and for more.
static std::optional<SmallVector<CodeMode>> modesOf(StringRef name) {
  using Modes = SmallVector<CodeMode>;
  return llvm::StringSwitch<std::optional<Modes>>(name)
      .Case("subnormal", Modes{CodeMode::Subnormal})
      .Case("exact", Modes{CodeMode::Exact})
      .Case("planes", Modes{CodeMode::Planes, CodeMode::Subnormal})
      .Case("dequantize", Modes{CodeMode::Dequantized})
      .Default(std::nullopt);
}

namespace {

struct ConvertAWQToNVVM
    : public awq::impl::ConvertAWQToNVVMPassBase<ConvertAWQToNVVM> {
  using ConvertAWQToNVVMPassBase::ConvertAWQToNVVMPassBase;

  void runOnOperation() override;

private:
  FailureOr<W4KernelSpec> getSpec(QuantizedWeightOpInterface op);
  SmallVector<W4KernelSpec> getBuckets(W4KernelSpec spec,
                                       ArrayRef<CodeMode> modes);
  Attribute makeKernels(const W4KernelSpec &spec, Location loc);
  Attribute describe(const W4KernelSpec &spec);

  gpu::GPUModuleOp kernels;
};

} // namespace

/// What kernels `op` needs, but for their mode and tile, or an error that says
/// why there are none.
FailureOr<W4KernelSpec>
ConvertAWQToNVVM::getSpec(QuantizedWeightOpInterface op) {
  QuantScheme scheme = toQuantScheme(op.getScheme());
  int64_t n = op.getOutputChannels(), k = op.getInputChannels();
  if (scheme.bits > 4)
    return op->emitOpError("has no kernel for codes of ")
           << scheme.bits << " bits; quantize to 4 bits or fewer";
  if (!RecordGeometry::hasRecords(scheme, k))
    return op->emitOpError("has no kernel for groups of ")
           << scheme.group
           << "; quantize with groups of 32, 64 or 128 or of whole rows";
  RecordGeometry records(scheme, n, k);
  W4KernelSpec spec;
  spec.type =
      activations == "bf16" ? ActivationType::BF16 : ActivationType::F16;
  spec.groups = records.groups;
  spec.bits = scheme.bits;
  spec.symmetric = scheme.symmetric;
  spec.bias = static_cast<bool>(op.getBias());
  if (auto fused = dyn_cast<FusedLinearOp>(op.getOperation()))
    spec.fusion = {static_cast<bool>(fused.getNorm()),
                   fused.getTurn().has_value(),
                   static_cast<bool>(fused.getResidual()), fused.getGate()};
  return spec;
}

/// The kernels for `spec` in these modes that the options ask for.
SmallVector<W4KernelSpec>
ConvertAWQToNVVM::getBuckets(W4KernelSpec spec, ArrayRef<CodeMode> modes) {
  SmallVector<W4KernelSpec> buckets;
  for (CodeMode each : modes) {
    spec.mode = each;
    buckets.append(tokenBuckets(spec, chip));
    // The first mode alone serves all tokens.
    if (batchInvariant)
      return {buckets[std::min(invariantBucket, buckets.size() - 1)]};
  }
  if (tokens == 0)
    return buckets;
  return {buckets[findBucket(buckets, tokens)]};
}

/// The kernels for one bucket of tokens and how to launch them.
Attribute ConvertAWQToNVVM::describe(const W4KernelSpec &spec) {
  Builder builder(&getContext());
  auto number = [&](StringRef name, int64_t value) {
    return builder.getNamedAttr(name, builder.getI64IntegerAttr(value));
  };
  auto symbol = [&](StringRef name, const std::string &kernel) {
    return builder.getNamedAttr(
        name,
        SymbolRefAttr::get(kernels.getSymNameAttr(),
                           FlatSymbolRefAttr::get(&getContext(), kernel)));
  };
  auto kernel = kernels.lookupSymbol<gpu::GPUFuncOp>(spec.name());
  SmallVector<NamedAttribute> entries = {
      number("activation_bytes", spec.activationBytes()),
      number("blocks_per_sm", spec.blocksPerSM(findChip(chip)->sharedBytes)),
      number("copied_ahead_bytes", spec.copiedAheadBytes()),
      symbol("kernel", spec.name()),
      number("max_tokens", spec.tokens()),
      builder.getNamedAttr("mode", builder.getStringAttr(modeName(spec.mode))),
      symbol("pack", spec.packName()),
      number("partial_bytes", spec.partialBytes()),
      number("shared_bytes", spec.sharedBytes()),
      number("threads", (*kernel.getKnownBlockSize())[0]),
      number("tile_rows", spec.tileRows()),
      number("token_scale_bytes", spec.tokenScaleBytes())};
  if (spec.isDequantized()) {
    entries.push_back(symbol("dequantize", spec.dequantizeName()));
    entries.push_back(number("record_bytes", spec.recordBytes()));
  }
  return builder.getDictionaryAttr(entries);
}

/// The kernels of `spec`, made if they are not there yet.
Attribute ConvertAWQToNVVM::makeKernels(const W4KernelSpec &spec,
                                        Location loc) {
  if (spec.isDequantized() && !kernels.lookupSymbol(spec.dequantizeName()))
    buildDequantizeKernel(kernels, loc, spec);
  if (!kernels.lookupSymbol(spec.packName()))
    buildPackKernel(kernels, loc, spec);
  if (!kernels.lookupSymbol(spec.name()))
    buildDecodeKernel(kernels, loc, spec);
  return describe(spec);
}

void ConvertAWQToNVVM::runOnOperation() {
  ModuleOp module = getOperation();
  std::optional<SmallVector<CodeMode>> modes = modesOf(mode);
  if (!modes) {
    module.emitError("there is no mode '")
        << mode << "'; choose subnormal, exact, planes or dequantize";
    return signalPassFailure();
  }
  if (activations != "f16" && activations != "bf16") {
    module.emitError("there are no kernels for activations of '")
        << activations << "'; choose f16 or bf16";
    return signalPassFailure();
  }
  if (Result<ChipInfo> info = findChip(chip); !info) {
    module.emitError(info.error().message) << "; " << info.error().help;
    return signalPassFailure();
  }
  SmallVector<QuantizedWeightOpInterface> linears;
  module.walk([&](QuantizedWeightOpInterface op) { linears.push_back(op); });
  if (linears.empty())
    return;

  OpBuilder builder = OpBuilder::atBlockEnd(module.getBody());
  kernels =
      gpu::GPUModuleOp::create(builder, module.getLoc(), kernelModuleName);
  // Host code may refer to kernels of a module that says so.
  module->setAttr(gpu::GPUDialect::getContainerModuleAttrName(),
                  builder.getUnitAttr());
  for (QuantizedWeightOpInterface op : linears) {
    FailureOr<W4KernelSpec> spec = getSpec(op);
    if (failed(spec))
      return signalPassFailure();
    SmallVector<Attribute> entries;
    SmallVector<W4KernelSpec> buckets = getBuckets(*spec, *modes);
    for (const W4KernelSpec &bucket : buckets)
      entries.push_back(makeKernels(bucket, op->getLoc()));
    SmallVector<Attribute> launches;
    for (const LaunchRange &range : selectLaunches(
             chip, op.getOutputChannels(), op.getInputChannels(), buckets))
      launches.push_back(
          builder.getDenseI64ArrayAttr({range.mostTokens, range.bucket}));
    op->setAttr("awq.launches", builder.getArrayAttr(launches));
    op->setAttr("awq.kernels", builder.getArrayAttr(entries));
  }
}
