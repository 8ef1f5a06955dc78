// Lanes exchange values through shared memory, then run a loop that diverges.
//
// Part of the awq-mlir project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// exchange.ll is what the pipeline in lower.sh makes of this.

#sm = #gpu.address_space<workgroup>
module attributes {gpu.container_module} {
gpu.module @kernels {
  gpu.func @exchange(%I: memref<128xf32>, %O: memref<128xf32>) workgroup(%s: memref<128xf32, #sm>) kernel attributes {known_block_size = array<i32: 128, 1, 1>} {
    %t = gpu.thread_id x
    %c1 = arith.constant 1 : index
    %c31 = arith.constant 31 : index
    %c32 = arith.constant 32 : index
    %c0 = arith.constant 0 : index
    %v = memref.load %I[%t] : memref<128xf32>
    memref.store %v, %s[%t] : memref<128xf32, #sm>
    gpu.barrier
    // Reverse the values of each warp.
    %l = arith.remui %t, %c32 : index
    %w = arith.subi %t, %l : index
    %r = arith.subi %c31, %l : index
    %a = arith.addi %w, %r : index
    %x = memref.load %s[%a] : memref<128xf32, #sm>
    // Lanes of a warp run the loop a different number of times.
    %c4 = arith.constant 4 : index
    %n = arith.remui %l, %c4 : index
    %two = arith.constant 2.0 : f32
    %y = scf.for %i = %c0 to %n step %c1 iter_args(%q = %x) -> f32 {
      %z = arith.mulf %q, %two : f32
      memref.store %z, %O[%t] : memref<128xf32>
      scf.yield %z : f32
    }
    memref.store %y, %O[%t] : memref<128xf32>
    gpu.return
  }
}
}
