//===- Passes.td - awq to NVVM ---------------*- tablegen -* -------------------------------------------------===//
//
// Part of the awq-mlir project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef AWQ_CONVERSION_AWQTONVVM_PASSES_TD
#define AWQ_CONVERSION_AWQTONVVM_PASSES_TD

include "mlir/Pass/PassBase.td"

def ConvertAWQToNVVMPass : Pass<"convert-awq-to-nvvm", "::mlir::ModuleOp"> {
  let summary = "Makes a fused dequantize-matmul kernel per quantized linear";
  let description = [{
    Adds a `gpu.module @awq_kernels` with one kernel per distinct quantized
    linear (same N, K, scheme and bias) and notes the kernel on each op as
    `awq.kernel`. The ops stay: launching is the host side's affair.

    A kernel computes Y = X dequant(W)^T + b for up to 16 tokens. Weights are
    the A operand of `mma.sync.m16n8k16`, restored to f16 in registers from
    words in the layout `mma_n16k64`; activations are f16 [M, K] row-major and
    the B operand; sums are f32. A block of four warps owns 16 rows of W: the
    warps take turns in K by 64 channels and add up in shared memory. The grid
    is ceil(N/16) blocks of 128 threads.

    Arguments, pointers in global memory: X f16 [M, K]; words i32 of the layout
    mma_n16k64; scales f16 and, if asymmetric, zeros f16 [ceil(N/16), G, 16];
    bias f16 [N] if there is one; Y f16 [M, N]; then M, N, K as i32.

    Needs codes of at most 4 bits, K a multiple of 64 and groups that are
    multiples of 16.

    Example:

    ```mlir
    %y = awq.quantized_linear %x, %q, %s zeros %z
      {scheme = #awq.scheme<bits = 4, group = 64, zero = asymmetric, scale = f16>}
      : (tensor<?x128xf32>, tensor<32x128xi8>, tensor<32x2xf16>, tensor<32x2xi8>)
      -> tensor<?x32xf32>
    // becomes
    %y = awq.quantized_linear %x, %q, %s zeros %z
      {awq.kernel = @awq_kernels::@awq_w4_n32_k128_g64, scheme = ...} : ...
    gpu.module @awq_kernels {
      gpu.func @awq_w4_n32_k128_g64(...) kernel ...
      nvvm.mma.sync ...
    ```
  }];
  let dependentDialects = [
    "::mlir::arith::ArithDialect", "::mlir::gpu::GPUDialect",
    "::mlir::LLVM::LLVMDialect", "::mlir::NVVM::NVVMDialect",
    "::mlir::scf::SCFDialect", "::mlir::vector::VectorDialect"];
}

#endif // AWQ_CONVERSION_AWQTONVVM_PASSES_TD
