//===- AWQToNVVM.cpp - a kernel per distinct quantized linear
//-------------------------------------------------===//
//
// Part of the awq-mlir project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "awq/Conversion/AWQToNVVM/Passes.h"

#include "W4Kernel.h"
#include "awq/Dialect/AWQ/IR/AWQ.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/GPU/IR/GPUDialect.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/LLVMIR/NVVMDialect.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "llvm/ADT/StringMap.h"

namespace awq {
#define GEN_PASS_DEF_CONVERTAWQTONVVMPASS
#include "awq/Conversion/AWQToNVVM/Passes.h.inc"
} // namespace awq

using namespace mlir;
using namespace awq;

static constexpr llvm::StringLiteral kernelModuleName = "awq_kernels";

/// What kernel `op` needs, or an error that says why there is none.
static FailureOr<W4KernelSpec> getSpec(QuantizedLinearOp op) {
  W4KernelSpec spec;
  spec.n = op.getOutputChannels();
  spec.k = op.getInputChannels();
  spec.bits = op.getScheme().getBits();
  spec.group = op.getScheme().getGroupSize(spec.k);
  spec.symmetric = op.getScheme().isSymmetric();
  spec.bias = static_cast<bool>(op.getBias());
  if (spec.bits > 4)
    return op.emitOpError("has no kernel for codes of ")
           << spec.bits << " bits; quantize to 4 bits or fewer";
  if (spec.k % 64 != 0)
    return op.emitOpError("has no kernel for ")
           << spec.k << " input channels; they must be a multiple of 64";
  if (spec.group % 16 != 0)
    return op.emitOpError("has no kernel for groups of ")
           << spec.group << "; they must be a multiple of 16";
  return spec;
}

namespace {
struct ConvertAWQToNVVM
    : public awq::impl::ConvertAWQToNVVMPassBase<ConvertAWQToNVVM> {
  void runOnOperation() override {
    ModuleOp module = getOperation();
    SmallVector<QuantizedLinearOp> linears;
    module.walk([&](QuantizedLinearOp op) { linears.push_back(op); });
    if (linears.empty())
      return;

    OpBuilder builder = OpBuilder::atBlockEnd(module.getBody());
    auto kernels =
        gpu::GPUModuleOp::create(builder, module.getLoc(), kernelModuleName);
    // Host code may refer to kernels of a module that says so.
    module->setAttr(gpu::GPUDialect::getContainerModuleAttrName(),
                    builder.getUnitAttr());

    llvm::StringMap<gpu::GPUFuncOp> built;
    for (QuantizedLinearOp op : linears) {
      FailureOr<W4KernelSpec> spec = getSpec(op);
      if (failed(spec))
        return signalPassFailure();
      gpu::GPUFuncOp &kernel = built[spec->name()];
      if (!kernel)
        kernel = buildW4Kernel(kernels, op.getLoc(), *spec);
      op->setAttr("awq.kernel", SymbolRefAttr::get(kernels.getSymNameAttr(),
                                                   FlatSymbolRefAttr::get(
                                                       kernel.getNameAttr())));
    }
  }
};
} // namespace
