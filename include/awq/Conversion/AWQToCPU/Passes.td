//===- Passes.td - awq to CPU kernels ----------------------*- tablegen -*-===//
//
// Part of the awq-mlir project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef AWQ_CONVERSION_AWQTOCPU_PASSES_TD
#define AWQ_CONVERSION_AWQTOCPU_PASSES_TD

include "mlir/Pass/PassBase.td"

def ConvertAWQToCPUPass : Pass<"convert-awq-to-cpu", "::mlir::ModuleOp"> {
  let summary = "Lowers linear layers to parallel vector code for CPUs";
  let description = [{
    Takes `awq.linear` and `awq.quantized_linear` (layouts `cpu_n16` and
    `cpu_n16b8`) with rank-2 f32 activations and static N and K; other ops are
    left for `convert-awq-to-linalg`. Runs on tensors, before bufferization: the
    operands become read-only buffers (`bufferization.to_buffer`), the result a
    new one, and an `scf.parallel` over fixed tiles of the result fills it.
    Tiles do not depend on the number of threads, so neither do results.

    * A float layer of one token is vector code that streams the weight once; of
      more tokens, one call of `awq_rt_sgemm_nt` (a serial BLAS) per tile.
    * A quantized layer never makes a float copy of its weight. Per group,
      `acc = sum_k q[k] x[k]` in 16 lanes, one lane a row, and then
      `y += s (acc - z sum_k x[k])`. Code j of a word is masked in place, which
      leaves `q 2^(4j)`, and meets activations that were multiplied by
      `2^(-4j)`: exact, and without a shift. Blocks of 4 tokens share the codes.

    Example:

    ```mlir
    %y = awq.linear %x, %w : (tensor<1x64xf32>, tensor<32x64xf32>) -> tensor<1x32xf32>
    // becomes
    %xb = bufferization.to_buffer %x read_only ... : tensor<1x64xf32> to memref<1x64xf32>
    %wb = bufferization.to_buffer %w read_only ... : tensor<32x64xf32> to memref<32x64xf32>
    %yb = memref.alloc() ... : memref<1x32xf32>
    scf.parallel (%n) = ...
    %a = vector.load %xb[...] : memref<1x64xf32>, vector<16xf32>
    %b = vector.load %wb[...] : memref<32x64xf32>, vector<16xf32>
    %p = arith.mulf %b, %a fastmath<contract> : vector<16xf32>
    %y = bufferization.to_tensor %yb restrict writable : memref<1x32xf32> to tensor<1x32xf32>
    ```
  }];
  let dependentDialects = [
    "::mlir::arith::ArithDialect", "::mlir::bufferization::BufferizationDialect",
    "::mlir::func::FuncDialect", "::mlir::LLVM::LLVMDialect",
    "::mlir::memref::MemRefDialect", "::mlir::scf::SCFDialect",
    "::mlir::vector::VectorDialect"];
}

def DropLoopBarriersPass : Pass<"awq-drop-loop-barriers"> {
  let summary = "Leaves one of the two barriers at the end of a parallel loop";
  let description = [{
    `convert-scf-to-openmp` makes a parallel region of each loop. The loop in it
    ends with a barrier, and right after it the region with another. A step of
    decoding has hundreds of loops of some microseconds each: this pass marks
    an `omp.wsloop` at the end of its `omp.parallel` as `nowait`, unless it
    combines results.

    Example:

    ```mlir
    func.func @fill(%buffer: memref<?xf32>, %value: f32, %lower: index, %upper: index, %step: index) {
      omp.parallel {
        omp.wsloop {
          omp.loop_nest (%i) : index = (%lower) to (%upper) step (%step) {
            memref.store %value, %buffer[%i] : memref<?xf32>
            omp.yield
          }
        }
        omp.terminator
      }
      return
    }
    // becomes
    func.func @fill(%buffer: memref<?xf32>, %value: f32, %lower: index, %upper: index, %step: index) {
      omp.parallel {
        omp.wsloop nowait {
          omp.loop_nest (%i) : index = (%lower) to (%upper) step (%step) {
            memref.store %value, %buffer[%i] : memref<?xf32>
            omp.yield
          }
        }
        omp.terminator
      }
      return
    }
    ```
  }];
}

def ExpandMathPass : Pass<"awq-expand-math"> {
  let summary = "Replaces exp and tanh by polynomials that vectorise";
  let description = [{
    f32 `math.exp` and `math.tanh`, scalar or vector, become arithmetic:
    exp within 2 units in the last place (0 below -86.6, infinity above
    88.72), tanh by exp(2x) away from 0 and by an odd polynomial near it,
    within 4 units. NaN stays NaN. Calls into libm would keep LLVM from
    vectorising the loop around them.

    Example:

    ```mlir
    %y = math.exp %x : vector<16xf32>
    // becomes
    %n = arith.mulf ..., %log2e fastmath<contract> : vector<16xf32>
    %r = arith.addf ..., ... fastmath<contract> : vector<16xf32>
    %power = arith.shli ..., ... : vector<16xi32>
    ```
  }];
  let dependentDialects = ["::mlir::arith::ArithDialect", "::mlir::math::MathDialect",
                           "::mlir::vector::VectorDialect"];
}

def InlineAllocaScopesPass : Pass<"awq-inline-alloca-scopes"> {
  let summary = "Inlines the alloca scopes that convert-scf-to-openmp makes";
  let description = [{
    `convert-scf-to-openmp` wraps each loop body in a `memref.alloca_scope`.
    Canonicalization inlines it only where no op can allocate on the stack, and
    counts calls among those that can, though a callee's stack is its own. A
    scope that is left has to have a single block, and conversion to `cf` then
    fails. This pass inlines every scope without an alloca of its own.

    Example:

    ```mlir
    func.func private @leaf()
    func.func @f() {
      memref.alloca_scope {
        func.call @leaf() : () -> ()
      }
      return
    }
    // becomes
    func.func private @leaf()
    func.func @f() {
      func.call @leaf() : () -> ()
      return
    }
    ```
  }];
}

def ParallelizeRowsPass : Pass<"awq-parallelize-rows"> {
  let summary = "Spreads structured ops over the tokens of a prompt";
  let description = [{
    Norms, activations and additions of a prompt touch as many bytes as its
    linears and would run on one thread. This pass tiles each linalg op on
    buffers whose outermost loop is parallel and of dynamic length, the tokens,
    into an `scf.parallel` over blocks of eight rows. Blocks are fixed, and
    reductions stay within a row, so the results do not depend on the number of
    threads. Ops of a single token have static shapes and are left alone, as
    are ops inside a parallel loop and ops with one loop only.

    Example:

    ```mlir
    linalg.add ins(%a, %b : memref<?x64xf32>, memref<?x64xf32>) outs(%c : memref<?x64xf32>)
    // becomes
    scf.parallel (%i) = (%c0) to (%tokens) step (%c8) {
      %a_rows = memref.subview %a[%i, 0] [..., 64] [1, 1] : ...
      %b_rows = memref.subview %b[%i, 0] [..., 64] [1, 1] : ...
      %c_rows = memref.subview %c[%i, 0] [..., 64] [1, 1] : ...
      linalg.add ins(%a_rows, %b_rows : ...) outs(%c_rows : ...)
    ```
  }];
  let dependentDialects = ["::mlir::affine::AffineDialect", "::mlir::arith::ArithDialect",
                           "::mlir::linalg::LinalgDialect", "::mlir::memref::MemRefDialect",
                           "::mlir::scf::SCFDialect"];
}

#endif // AWQ_CONVERSION_AWQTOCPU_PASSES_TD
