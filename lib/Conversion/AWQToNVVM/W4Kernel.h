//===- W4Kernel.h - a fused dequantize-matmul kernel -*- C++ -*
//-------------------------------------------------===//
//
// Part of the awq-mlir project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef AWQ_LIB_CONVERSION_AWQTONVVM_W4KERNEL_H
#define AWQ_LIB_CONVERSION_AWQTONVVM_W4KERNEL_H

#include "mlir/Dialect/GPU/IR/GPUDialect.h"
#include <string>

namespace awq {

/// What distinguishes one kernel from another.
struct W4KernelSpec {
  int64_t n = 0;
  int64_t k = 0;
  unsigned bits = 4;
  /// Channels per group; K itself for whole-row groups.
  int64_t group = 64;
  bool symmetric = false;
  bool bias = false;

  /// The kernel's symbol, made of all of the above.
  std::string name() const;
};

/// Appends the kernel for `spec` to `module`; see convert-awq-to-nvvm for what
/// it computes and its arguments.
mlir::gpu::GPUFuncOp buildW4Kernel(mlir::gpu::GPUModuleOp module,
                                   mlir::Location loc,
                                   const W4KernelSpec &spec);

} // namespace awq

#endif // AWQ_LIB_CONVERSION_AWQTONVVM_W4KERNEL_H
