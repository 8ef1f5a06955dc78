// A 4-bit matmul for sm_80: a ring of three cp.async stages, swizzled ldmatrix, mma.sync.
// C[16][64] = A[16][256] * dequant(Q), groups of 64; warp w of 4 owns columns 16w to 16w + 15.
//
// Part of the awq-mlir project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// w4_ring.ll is what the pipeline in lower.sh makes of this.

#sm = #gpu.address_space<workgroup>
module attributes {gpu.container_module} {
gpu.module @kernels {
  gpu.func @w4_ring(%A: memref<16x256xf16>, %Q: memref<16x4x32xi32>, %S: memref<4x64xf16>, %Z: memref<4x64xf16>, %C: memref<16x64xf32>)
      workgroup(%sA: memref<3x16x64xf16, #sm> {llvm.align = 128 : i64}, %sQ: memref<3x4x4x32xi32, #sm> {llvm.align = 128 : i64})
      kernel attributes {known_block_size = array<i32: 128, 1, 1>, known_grid_size = array<i32: 1, 1, 1>} {
    %c0 = arith.constant 0 : index
    %c1 = arith.constant 1 : index
    %c2 = arith.constant 2 : index
    %c3 = arith.constant 3 : index
    %c4 = arith.constant 4 : index
    %c7 = arith.constant 7 : index
    %c8 = arith.constant 8 : index
    %c16 = arith.constant 16 : index
    %c32 = arith.constant 32 : index
    %c64 = arith.constant 64 : index
    %tid = gpu.thread_id x upper_bound 128
    %lane = arith.remui %tid, %c32 : index
    %warp = arith.divui %tid, %c32 : index
    // What this thread copies: of a stage of A (16 rows of 8 units, exchanged by
    // the row) one unit of 8 halves; of a stage of Q four words.
    %ar = arith.divui %tid, %c8 : index
    %ac = arith.remui %tid, %c8 : index
    %ar7 = arith.andi %ar, %c7 : index
    %acs = arith.xori %ac, %ar7 : index
    %acg = arith.muli %ac, %c8 : index
    %acsw = arith.muli %acs, %c8 : index
    %qk = arith.divui %tid, %c32 : index
    %qn0 = arith.divui %lane, %c8 : index
    %ql0 = arith.remui %lane, %c8 : index
    %ql = arith.muli %ql0, %c4 : index
    // Fill two of the three stages.
    scf.for %st = %c0 to %c2 step %c1 {
      %kb = arith.muli %st, %c64 : index
      %kcol = arith.addi %kb, %acg : index
      %a0 = nvgpu.device_async_copy %A[%ar, %kcol], %sA[%st, %ar, %acsw], 8 {bypassL1} : memref<16x256xf16> to memref<3x16x64xf16, #sm>
      %kt0 = arith.muli %st, %c4 : index
      %kt = arith.addi %kt0, %qk : index
      %q0 = nvgpu.device_async_copy %Q[%kt, %qn0, %ql], %sQ[%st, %qk, %qn0, %ql], 4 {bypassL1} : memref<16x4x32xi32> to memref<3x4x4x32xi32, #sm>
      %g = nvgpu.device_async_create_group %a0, %q0
    }
    // The row and half whose address this lane gives to ldmatrix.
    %lr = arith.remui %lane, %c16 : index
    %lh = arith.divui %lane, %c16 : index
    %lr7 = arith.andi %lr, %c7 : index
    %gid = arith.divui %lane, %c4 : index
    %tig = arith.remui %lane, %c4 : index
    %nb = arith.muli %warp, %c16 : index
    %n0 = arith.addi %nb, %gid : index
    %n1 = arith.addi %n0, %c8 : index
    %zf = arith.constant dense<0.0> : vector<2x2xf32>
    %m0 = arith.constant 0x000f000f : i32
    %m1 = arith.constant 0x00f000f0 : i32
    %magic = arith.constant 0x64006400 : i32
    %s8 = arith.constant 8 : i32
    %k1024 = arith.constant 1024.0 : f16
    %k64 = arith.constant 64.0 : f16
    %inv16 = arith.constant dense<0.0625> : vector<2xf16>
    %acc:2 = scf.for %it = %c0 to %c4 step %c1 iter_args(%x0 = %zf, %x1 = %zf) -> (vector<2x2xf32>, vector<2x2xf32>) {
      // Stage `it` has arrived once only the newest group is in flight.
      nvvm.cp.async.wait.group 1
      gpu.barrier
      // Start stage it + 2, in the buffer that everyone has left.
      %nx = arith.addi %it, %c2 : index
      %more = arith.cmpi ult, %nx, %c4 : index
      scf.if %more {
        %st = arith.remui %nx, %c3 : index
        %kb = arith.muli %nx, %c64 : index
        %kcol = arith.addi %kb, %acg : index
        %a0 = nvgpu.device_async_copy %A[%ar, %kcol], %sA[%st, %ar, %acsw], 8 {bypassL1} : memref<16x256xf16> to memref<3x16x64xf16, #sm>
        %kt0 = arith.muli %nx, %c4 : index
        %kt = arith.addi %kt0, %qk : index
        %q0 = nvgpu.device_async_copy %Q[%kt, %qn0, %ql], %sQ[%st, %qk, %qn0, %ql], 4 {bypassL1} : memref<16x4x32xi32> to memref<3x4x4x32xi32, #sm>
      }
      nvvm.cp.async.commit.group
      %cs = arith.remui %it, %c3 : index
      %sc0 = memref.load %S[%it, %n0] : memref<4x64xf16>
      %sc1 = memref.load %S[%it, %n1] : memref<4x64xf16>
      %ze0 = memref.load %Z[%it, %n0] : memref<4x64xf16>
      %ze1 = memref.load %Z[%it, %n1] : memref<4x64xf16>
      %sv0 = vector.broadcast %sc0 : f16 to vector<2xf16>
      %sv1 = vector.broadcast %sc1 : f16 to vector<2xf16>
      %o0 = arith.addf %ze0, %k1024 : f16
      %o1 = arith.addf %ze1, %k1024 : f16
      %p0 = arith.addf %ze0, %k64 : f16
      %p1 = arith.addf %ze1, %k64 : f16
      %np0 = arith.negf %p0 : f16
      %np1 = arith.negf %p1 : f16
      %ov0 = vector.broadcast %o0 : f16 to vector<2xf16>
      %ov1 = vector.broadcast %o1 : f16 to vector<2xf16>
      %pv0 = vector.broadcast %np0 : f16 to vector<2xf16>
      %pv1 = vector.broadcast %np1 : f16 to vector<2xf16>
      %r:2 = scf.for %kk = %c0 to %c4 step %c1 iter_args(%y0 = %x0, %y1 = %x1) -> (vector<2x2xf32>, vector<2x2xf32>) {
        %ch0 = arith.muli %kk, %c2 : index
        %ch = arith.addi %ch0, %lh : index
        %chs = arith.xori %ch, %lr7 : index
        %col = arith.muli %chs, %c8 : index
        %fa = nvgpu.ldmatrix %sA[%cs, %lr, %col] {numTiles = 4 : i32, transpose = false} : memref<3x16x64xf16, #sm> -> vector<4x2xf16>
        %q = memref.load %sQ[%cs, %kk, %warp, %lane] : memref<3x4x4x32xi32, #sm>
        %qh = arith.shrui %q, %s8 : i32
        %b0a = arith.andi %q, %m0 : i32
        %b0b = arith.ori %b0a, %magic : i32
        %b1a = arith.andi %q, %m1 : i32
        %b1b = arith.ori %b1a, %magic : i32
        %b2a = arith.andi %qh, %m0 : i32
        %b2b = arith.ori %b2a, %magic : i32
        %b3a = arith.andi %qh, %m1 : i32
        %b3b = arith.ori %b3a, %magic : i32
        %v0 = llvm.bitcast %b0b : i32 to vector<2xf16>
        %v1 = llvm.bitcast %b1b : i32 to vector<2xf16>
        %v2 = llvm.bitcast %b2b : i32 to vector<2xf16>
        %v3 = llvm.bitcast %b3b : i32 to vector<2xf16>
        %w0 = arith.subf %v0, %ov0 : vector<2xf16>
        %w1 = llvm.intr.fma(%v1, %inv16, %pv0) : (vector<2xf16>, vector<2xf16>, vector<2xf16>) -> vector<2xf16>
        %w2 = arith.subf %v2, %ov1 : vector<2xf16>
        %w3 = llvm.intr.fma(%v3, %inv16, %pv1) : (vector<2xf16>, vector<2xf16>, vector<2xf16>) -> vector<2xf16>
        %d0 = arith.mulf %w0, %sv0 : vector<2xf16>
        %d1 = arith.mulf %w1, %sv0 : vector<2xf16>
        %d2 = arith.mulf %w2, %sv1 : vector<2xf16>
        %d3 = arith.mulf %w3, %sv1 : vector<2xf16>
        %z2 = arith.constant dense<0.0> : vector<2x2xf16>
        %f0 = vector.insert %d0, %z2 [0] : vector<2xf16> into vector<2x2xf16>
        %f1 = vector.insert %d1, %f0 [1] : vector<2xf16> into vector<2x2xf16>
        %h0 = vector.insert %d2, %z2 [0] : vector<2xf16> into vector<2x2xf16>
        %h1 = vector.insert %d3, %h0 [1] : vector<2xf16> into vector<2x2xf16>
        %t0 = nvgpu.mma.sync (%fa, %f1, %y0) {mmaShape = [16, 8, 16]} : (vector<4x2xf16>, vector<2x2xf16>, vector<2x2xf32>) -> vector<2x2xf32>
        %t1 = nvgpu.mma.sync (%fa, %h1, %y1) {mmaShape = [16, 8, 16]} : (vector<4x2xf16>, vector<2x2xf16>, vector<2x2xf32>) -> vector<2x2xf32>
        scf.yield %t0, %t1 : vector<2x2xf32>, vector<2x2xf32>
      }
      scf.yield %r#0, %r#1 : vector<2x2xf32>, vector<2x2xf32>
    }
    %g8 = arith.addi %gid, %c8 : index
    %tc = arith.muli %tig, %c2 : index
    %nc0 = arith.addi %nb, %tc : index
    %nc1 = arith.addi %nc0, %c8 : index
    %u00 = vector.extract %acc#0[0] : vector<2xf32> from vector<2x2xf32>
    %u01 = vector.extract %acc#0[1] : vector<2xf32> from vector<2x2xf32>
    %u10 = vector.extract %acc#1[0] : vector<2xf32> from vector<2x2xf32>
    %u11 = vector.extract %acc#1[1] : vector<2xf32> from vector<2x2xf32>
    vector.store %u00, %C[%gid, %nc0] : memref<16x64xf32>, vector<2xf32>
    vector.store %u01, %C[%g8, %nc0] : memref<16x64xf32>, vector<2xf32>
    vector.store %u10, %C[%gid, %nc1] : memref<16x64xf32>, vector<2xf32>
    vector.store %u11, %C[%g8, %nc1] : memref<16x64xf32>, vector<2xf32>
    gpu.return
  }
}
}
