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
    Adds a `gpu.module @awq_kernels` with the kernels that the module's quantized
    linears need, and notes on each op, as `awq.kernels`, which ones those are
    and how to launch them: entries for up to 8, 16, 32, 64 and 128 tokens. Where
    registers do not suffice for the sums of a group beside those of all, scales
    are multiplied into the weights instead: the entry's mode is then `scaled`.
    On sm_90a those for more than 16 tokens multiply by wgmma.
    All numbers that a launch needs are in the entry.
    The ops stay: launching is the host side's affair. docs/GPUKernels.md
    explains the kernels.

    A kernel computes Y = X dequant(W)^T + b; M, N and K are arguments. Weights
    are the A operand of `mma.sync.m16n8k16` and come as records of the layout
    `mma_n32k128`. `mode` is how a code becomes an f16: `subnormal` takes it as
    it is and corrects the sums, `exact` subtracts the zero point first. `planes`
    adds kernels for up to 2 and up to 4 tokens in front of those of `subnormal`:
    they multiply bytes of codes by bytes of activations, exactly, and take half
    as many instructions; a token with an infinity or a NaN becomes NaN.
    Activations are packed by a kernel of their own, once for all linears that
    read them.

    With one kernel and one grid, the bits of a token's results depend neither on
    the other tokens nor on its place among them. Kernels for different numbers
    of tokens add up in different orders: `batch-invariant` leaves only the one
    for 16 tokens (mode `planes`: 4), which then serves any number of them.

    Needs codes of at most 4 bits, and groups of 32, 64, a multiple of 128, or
    the whole row.

    Arguments of a decode kernel: packed activations, records, bias [N] if there
    is one, Y [M, N], partial sums, tickets (all pointers to global memory),
    then M, N, K as i32. Partial sums take `partial_bytes` for each block of the
    grid, tickets 32 bytes for each 256 rows and each block in y; tickets are
    zero before the first launch, and every launch leaves them so. The grid is
    any number of blocks in x (best `blocks_per_sm` for each SM) and one block in
    y for each `max_tokens` tokens.

    Arguments of a pack kernel: X [M, K], packed activations, M, K. The grid is
    M rounded up to `max_tokens` blocks of 256 threads. For each `max_tokens`
    tokens the packed form takes `activation_bytes` for each 128 channels, then
    `token_scale_bytes`.

    `awq.launches` says which of the kernels to launch: pairs of a number of
    tokens up to which, and a place in `awq.kernels`. The last pair has 0 for all
    numbers above. Choices come from a table by chip, tokens, N and K; a kernel
    that is launched for more tokens than it takes gets a block in y for each
    `max_tokens` of them.

    Example:

    ```mlir
    %y = awq.quantized_linear %x, %q, %s zeros %z
      {scheme = #awq.scheme<bits = 4, group = 64, zero = asymmetric, scale = f16>}
      : (tensor<?x128xf32>, tensor<32x128xi8>, tensor<32x2xf16>, tensor<32x2xi8>)
      -> tensor<?x32xf32>
    // becomes
    %y = awq.quantized_linear %x, %q, %s zeros %z
      {awq.kernels = [{..., kernel = @awq_kernels::@awq_w4_g64_m8, max_tokens = 8 : i64,
         pack = @awq_kernels::@awq_pack_g64_m8, ...
    gpu.module @awq_kernels {
      gpu.func @awq_pack_g64_m8(...) kernel ...
      gpu.func @awq_w4_g64_m8(...) kernel ...
      nvvm.mma.sync ...
    ```
  }];
  let options = [
    Option<"chip", "chip", "std::string", "\"sm_80\"", "GPU architecture, which chooses the tiles">,
    Option<"mode", "mode", "std::string", "\"subnormal\"", "how codes become numbers: subnormal, exact, planes or dequantize">,
    Option<"batchInvariant", "batch-invariant", "bool", "false", "one kernel for any number of tokens">,
    Option<"tokens", "tokens", "int64_t", "0", "make only the kernel for so many tokens; 0: kernels for any number">,
    Option<"activations", "activations", "std::string", "\"f16\"", "type of activations, bias and results: f16 or bf16">];
  let dependentDialects = [
    "::mlir::gpu::GPUDialect", "::mlir::LLVM::LLVMDialect",
    "::mlir::NVVM::NVVMDialect"];
}

#endif // AWQ_CONVERSION_AWQTONVVM_PASSES_TD
