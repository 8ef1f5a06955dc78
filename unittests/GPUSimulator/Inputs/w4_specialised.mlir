// A 4-bit matmul for sm_90a: a producer warp with bulk copies and mbarriers, four consumer
// warps with wgmma whose weights come from registers. D[8][64] = X[8][256] * W[64][256]^T.
//
// Part of the awq-mlir project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// w4_specialised.ll is what the pipeline in lower.sh makes of this.

module attributes {gpu.container_module} {
gpu.module @kernels {
  llvm.mlir.global internal @smem() {addr_space = 3 : i32, alignment = 1024 : i64} : !llvm.array<6208 x i8>
  gpu.func @w4_specialised(%W: !llvm.ptr<1>, %X: !llvm.ptr<1>, %S: !llvm.ptr<1>, %O: !llvm.ptr<1>) kernel attributes {known_block_size = array<i32: 160, 1, 1>} {
    %c0 = llvm.mlir.constant(0 : i32) : i32
    %c1 = llvm.mlir.constant(1 : i32) : i32
    %c2 = llvm.mlir.constant(2 : i32) : i32
    %c3 = llvm.mlir.constant(3 : i32) : i32
    %c4 = llvm.mlir.constant(4 : i32) : i32
    %c5 = llvm.mlir.constant(5 : i32) : i32
    %c6 = llvm.mlir.constant(6 : i32) : i32
    %c7 = llvm.mlir.constant(7 : i32) : i32
    %c8 = llvm.mlir.constant(8 : i32) : i32
    %c16 = llvm.mlir.constant(16 : i32) : i32
    %c32 = llvm.mlir.constant(32 : i32) : i32
    %c64 = llvm.mlir.constant(64 : i32) : i32
    %c128 = llvm.mlir.constant(128 : i32) : i32
    %c512 = llvm.mlir.constant(512 : i32) : i32
    %c1024 = llvm.mlir.constant(1024 : i32) : i32
    %c2048 = llvm.mlir.constant(2048 : i32) : i32
    %c3072 = llvm.mlir.constant(3072 : i32) : i32
    %c6144 = llvm.mlir.constant(6144 : i32) : i32
    %c31 = llvm.mlir.constant(31 : i32) : i32

    %sm = llvm.mlir.addressof @smem : !llvm.ptr<3>
    %tid = nvvm.read.ptx.sreg.tid.x : i32
    %warp = llvm.udiv %tid, %c32 : i32
    %lane = llvm.urem %tid, %c32 : i32
    %z = llvm.icmp "eq" %tid, %c0 : i32
    %mbase = llvm.getelementptr %sm[6144] : (!llvm.ptr<3>) -> !llvm.ptr<3>, i8
    scf.if %z {
      scf.for %i = %c0 to %c2 step %c1 : i32 {
        %f = llvm.getelementptr %mbase[%i] : (!llvm.ptr<3>, i32) -> !llvm.ptr<3>, i64
        %i2 = llvm.add %i, %c2 : i32
        %e = llvm.getelementptr %mbase[%i2] : (!llvm.ptr<3>, i32) -> !llvm.ptr<3>, i64
        nvvm.mbarrier.init %f, %c1 : !llvm.ptr<3>, i32
        nvvm.mbarrier.init %e, %c128 : !llvm.ptr<3>, i32
      }
      nvvm.fence.mbarrier.init
    }
    nvvm.barrier0
    nvvm.griddepcontrol wait
    %isprod = llvm.icmp "eq" %warp, %c4 : i32
    scf.if %isprod {
      %el = nvvm.elect.sync -> i1
      scf.if %el {
        %pol = nvvm.inline_ptx "createpolicy.fractional.L2::evict_first.b64 {$w0}, 1.0;" -> i64
        scf.for %it = %c0 to %c4 step %c1 : i32 {
          %s = llvm.urem %it, %c2 : i32
          %s2 = llvm.add %s, %c2 : i32
          %full = llvm.getelementptr %mbase[%s] : (!llvm.ptr<3>, i32) -> !llvm.ptr<3>, i64
          %empty = llvm.getelementptr %mbase[%s2] : (!llvm.ptr<3>, i32) -> !llvm.ptr<3>, i64
          %rnd = llvm.udiv %it, %c2 : i32
          %par0 = llvm.urem %rnd, %c2 : i32
          %par = llvm.xor %par0, %c1 : i32
          scf.while : () -> () {
            %ok = nvvm.mbarrier.try_wait %empty, %par : !llvm.ptr<3>, i32 -> i1
            %one = llvm.mlir.constant(true) : i1
            %nok = llvm.xor %ok, %one : i1
            scf.condition(%nok)
          } do {
            scf.yield
          }
          nvvm.mbarrier.arrive.expect_tx %full, %c3072 : !llvm.ptr<3>, i32
          %so = llvm.mul %s, %c3072 : i32
          %dw = llvm.getelementptr %sm[%so] : (!llvm.ptr<3>, i32) -> !llvm.ptr<3>, i8
          %dx = llvm.getelementptr %dw[2048] : (!llvm.ptr<3>) -> !llvm.ptr<3>, i8
          %wo = llvm.mul %it, %c2048 : i32
          %xo = llvm.mul %it, %c1024 : i32
          %gw = llvm.getelementptr %W[%wo] : (!llvm.ptr<1>, i32) -> !llvm.ptr<1>, i8
          %gx = llvm.getelementptr %X[%xo] : (!llvm.ptr<1>, i32) -> !llvm.ptr<1>, i8
          %dwc = llvm.addrspacecast %dw : !llvm.ptr<3> to !llvm.ptr<7>
          %dxc = llvm.addrspacecast %dx : !llvm.ptr<3> to !llvm.ptr<7>
          nvvm.cp.async.bulk.shared.cluster.global %dwc, %gw, %full, %c2048 l2_cache_hint = %pol : !llvm.ptr<7>, !llvm.ptr<1>
          nvvm.cp.async.bulk.shared.cluster.global %dxc, %gx, %full, %c1024 : !llvm.ptr<7>, !llvm.ptr<1>
        }
      }
      nvvm.griddepcontrol launch_dependents
    } else {
      %g = llvm.udiv %lane, %c4 : i32
      %t = llvm.urem %lane, %c4 : i32
      %w16 = llvm.mul %warp, %c16 : i32
      %r0 = llvm.add %w16, %g : i32
      %r1 = llvm.add %r0, %c8 : i32
      %f0 = llvm.mlir.constant(0.0 : f32) : f32
      %mA = llvm.mlir.constant(983055 : i32) : i32
      %magic = llvm.mlir.constant(1677747200 : i32) : i32
      %off = llvm.mlir.constant(dense<1032.0> : vector<2xf16>) : vector<2xf16>
      %acc:4 = scf.for %it = %c0 to %c4 step %c1 iter_args(%a0 = %f0, %a1 = %f0, %a2 = %f0, %a3 = %f0) -> (f32, f32, f32, f32) : i32 {
        %s = llvm.urem %it, %c2 : i32
        %s2 = llvm.add %s, %c2 : i32
        %full = llvm.getelementptr %mbase[%s] : (!llvm.ptr<3>, i32) -> !llvm.ptr<3>, i64
        %empty = llvm.getelementptr %mbase[%s2] : (!llvm.ptr<3>, i32) -> !llvm.ptr<3>, i64
        %rnd = llvm.udiv %it, %c2 : i32
        %par = llvm.urem %rnd, %c2 : i32
        %tick = llvm.mlir.constant(10000000 : i32) : i32
        nvvm.mbarrier.try_wait.parity %full, %par, %tick : !llvm.ptr<3>, i32, i32
        %so = llvm.mul %s, %c3072 : i32
        %dw = llvm.getelementptr %sm[%so] : (!llvm.ptr<3>, i32) -> !llvm.ptr<3>, i8
        %dx = llvm.getelementptr %dw[2048] : (!llvm.ptr<3>) -> !llvm.ptr<3>, i8
        %xa = llvm.ptrtoint %dx : !llvm.ptr<3> to i32
        %i0 = llvm.mul %r0, %c4 : i32
        %i1 = llvm.mul %r1, %c4 : i32
        %i0b = llvm.add %i0, %it : i32
        %i1b = llvm.add %i1, %it : i32
        %p0 = llvm.getelementptr %S[%i0b] : (!llvm.ptr<1>, i32) -> !llvm.ptr<1>, f16
        %p1 = llvm.getelementptr %S[%i1b] : (!llvm.ptr<1>, i32) -> !llvm.ptr<1>, f16
        %s0 = llvm.load %p0 : !llvm.ptr<1> -> f16
        %s1 = llvm.load %p1 : !llvm.ptr<1> -> f16
        %sv0 = vector.broadcast %s0 : f16 to vector<2xf16>
        %sv1 = vector.broadcast %s1 : f16 to vector<2xf16>
        %q0p = llvm.getelementptr %dw[0] : (!llvm.ptr<3>) -> !llvm.ptr<3>, i8
        %q0pp = llvm.getelementptr %q0p[%tid] : (!llvm.ptr<3>, i32) -> !llvm.ptr<3>, i32
        %q0_0 = llvm.load %q0pp : !llvm.ptr<3> -> i32
        %m0_0 = llvm.and %q0_0, %mA : i32
        %o0_0 = llvm.or %m0_0, %magic : i32
        %v0_0 = llvm.bitcast %o0_0 : i32 to vector<2xf16>
        %d0_0 = arith.subf %v0_0, %off : vector<2xf16>
        %e0_0 = arith.mulf %d0_0, %sv0 : vector<2xf16>
        %w0_0 = llvm.bitcast %e0_0 : vector<2xf16> to i32
        %sh0_1 = llvm.mlir.constant(4 : i32) : i32
        %q0_1 = llvm.lshr %q0_0, %sh0_1 : i32
        %m0_1 = llvm.and %q0_1, %mA : i32
        %o0_1 = llvm.or %m0_1, %magic : i32
        %v0_1 = llvm.bitcast %o0_1 : i32 to vector<2xf16>
        %d0_1 = arith.subf %v0_1, %off : vector<2xf16>
        %e0_1 = arith.mulf %d0_1, %sv1 : vector<2xf16>
        %w0_1 = llvm.bitcast %e0_1 : vector<2xf16> to i32
        %sh0_2 = llvm.mlir.constant(8 : i32) : i32
        %q0_2 = llvm.lshr %q0_0, %sh0_2 : i32
        %m0_2 = llvm.and %q0_2, %mA : i32
        %o0_2 = llvm.or %m0_2, %magic : i32
        %v0_2 = llvm.bitcast %o0_2 : i32 to vector<2xf16>
        %d0_2 = arith.subf %v0_2, %off : vector<2xf16>
        %e0_2 = arith.mulf %d0_2, %sv0 : vector<2xf16>
        %w0_2 = llvm.bitcast %e0_2 : vector<2xf16> to i32
        %sh0_3 = llvm.mlir.constant(12 : i32) : i32
        %q0_3 = llvm.lshr %q0_0, %sh0_3 : i32
        %m0_3 = llvm.and %q0_3, %mA : i32
        %o0_3 = llvm.or %m0_3, %magic : i32
        %v0_3 = llvm.bitcast %o0_3 : i32 to vector<2xf16>
        %d0_3 = arith.subf %v0_3, %off : vector<2xf16>
        %e0_3 = arith.mulf %d0_3, %sv1 : vector<2xf16>
        %w0_3 = llvm.bitcast %e0_3 : vector<2xf16> to i32
        %q1p = llvm.getelementptr %dw[512] : (!llvm.ptr<3>) -> !llvm.ptr<3>, i8
        %q1pp = llvm.getelementptr %q1p[%tid] : (!llvm.ptr<3>, i32) -> !llvm.ptr<3>, i32
        %q1_0 = llvm.load %q1pp : !llvm.ptr<3> -> i32
        %m1_0 = llvm.and %q1_0, %mA : i32
        %o1_0 = llvm.or %m1_0, %magic : i32
        %v1_0 = llvm.bitcast %o1_0 : i32 to vector<2xf16>
        %d1_0 = arith.subf %v1_0, %off : vector<2xf16>
        %e1_0 = arith.mulf %d1_0, %sv0 : vector<2xf16>
        %w1_0 = llvm.bitcast %e1_0 : vector<2xf16> to i32
        %sh1_1 = llvm.mlir.constant(4 : i32) : i32
        %q1_1 = llvm.lshr %q1_0, %sh1_1 : i32
        %m1_1 = llvm.and %q1_1, %mA : i32
        %o1_1 = llvm.or %m1_1, %magic : i32
        %v1_1 = llvm.bitcast %o1_1 : i32 to vector<2xf16>
        %d1_1 = arith.subf %v1_1, %off : vector<2xf16>
        %e1_1 = arith.mulf %d1_1, %sv1 : vector<2xf16>
        %w1_1 = llvm.bitcast %e1_1 : vector<2xf16> to i32
        %sh1_2 = llvm.mlir.constant(8 : i32) : i32
        %q1_2 = llvm.lshr %q1_0, %sh1_2 : i32
        %m1_2 = llvm.and %q1_2, %mA : i32
        %o1_2 = llvm.or %m1_2, %magic : i32
        %v1_2 = llvm.bitcast %o1_2 : i32 to vector<2xf16>
        %d1_2 = arith.subf %v1_2, %off : vector<2xf16>
        %e1_2 = arith.mulf %d1_2, %sv0 : vector<2xf16>
        %w1_2 = llvm.bitcast %e1_2 : vector<2xf16> to i32
        %sh1_3 = llvm.mlir.constant(12 : i32) : i32
        %q1_3 = llvm.lshr %q1_0, %sh1_3 : i32
        %m1_3 = llvm.and %q1_3, %mA : i32
        %o1_3 = llvm.or %m1_3, %magic : i32
        %v1_3 = llvm.bitcast %o1_3 : i32 to vector<2xf16>
        %d1_3 = arith.subf %v1_3, %off : vector<2xf16>
        %e1_3 = arith.mulf %d1_3, %sv1 : vector<2xf16>
        %w1_3 = llvm.bitcast %e1_3 : vector<2xf16> to i32
        %q2p = llvm.getelementptr %dw[1024] : (!llvm.ptr<3>) -> !llvm.ptr<3>, i8
        %q2pp = llvm.getelementptr %q2p[%tid] : (!llvm.ptr<3>, i32) -> !llvm.ptr<3>, i32
        %q2_0 = llvm.load %q2pp : !llvm.ptr<3> -> i32
        %m2_0 = llvm.and %q2_0, %mA : i32
        %o2_0 = llvm.or %m2_0, %magic : i32
        %v2_0 = llvm.bitcast %o2_0 : i32 to vector<2xf16>
        %d2_0 = arith.subf %v2_0, %off : vector<2xf16>
        %e2_0 = arith.mulf %d2_0, %sv0 : vector<2xf16>
        %w2_0 = llvm.bitcast %e2_0 : vector<2xf16> to i32
        %sh2_1 = llvm.mlir.constant(4 : i32) : i32
        %q2_1 = llvm.lshr %q2_0, %sh2_1 : i32
        %m2_1 = llvm.and %q2_1, %mA : i32
        %o2_1 = llvm.or %m2_1, %magic : i32
        %v2_1 = llvm.bitcast %o2_1 : i32 to vector<2xf16>
        %d2_1 = arith.subf %v2_1, %off : vector<2xf16>
        %e2_1 = arith.mulf %d2_1, %sv1 : vector<2xf16>
        %w2_1 = llvm.bitcast %e2_1 : vector<2xf16> to i32
        %sh2_2 = llvm.mlir.constant(8 : i32) : i32
        %q2_2 = llvm.lshr %q2_0, %sh2_2 : i32
        %m2_2 = llvm.and %q2_2, %mA : i32
        %o2_2 = llvm.or %m2_2, %magic : i32
        %v2_2 = llvm.bitcast %o2_2 : i32 to vector<2xf16>
        %d2_2 = arith.subf %v2_2, %off : vector<2xf16>
        %e2_2 = arith.mulf %d2_2, %sv0 : vector<2xf16>
        %w2_2 = llvm.bitcast %e2_2 : vector<2xf16> to i32
        %sh2_3 = llvm.mlir.constant(12 : i32) : i32
        %q2_3 = llvm.lshr %q2_0, %sh2_3 : i32
        %m2_3 = llvm.and %q2_3, %mA : i32
        %o2_3 = llvm.or %m2_3, %magic : i32
        %v2_3 = llvm.bitcast %o2_3 : i32 to vector<2xf16>
        %d2_3 = arith.subf %v2_3, %off : vector<2xf16>
        %e2_3 = arith.mulf %d2_3, %sv1 : vector<2xf16>
        %w2_3 = llvm.bitcast %e2_3 : vector<2xf16> to i32
        %q3p = llvm.getelementptr %dw[1536] : (!llvm.ptr<3>) -> !llvm.ptr<3>, i8
        %q3pp = llvm.getelementptr %q3p[%tid] : (!llvm.ptr<3>, i32) -> !llvm.ptr<3>, i32
        %q3_0 = llvm.load %q3pp : !llvm.ptr<3> -> i32
        %m3_0 = llvm.and %q3_0, %mA : i32
        %o3_0 = llvm.or %m3_0, %magic : i32
        %v3_0 = llvm.bitcast %o3_0 : i32 to vector<2xf16>
        %d3_0 = arith.subf %v3_0, %off : vector<2xf16>
        %e3_0 = arith.mulf %d3_0, %sv0 : vector<2xf16>
        %w3_0 = llvm.bitcast %e3_0 : vector<2xf16> to i32
        %sh3_1 = llvm.mlir.constant(4 : i32) : i32
        %q3_1 = llvm.lshr %q3_0, %sh3_1 : i32
        %m3_1 = llvm.and %q3_1, %mA : i32
        %o3_1 = llvm.or %m3_1, %magic : i32
        %v3_1 = llvm.bitcast %o3_1 : i32 to vector<2xf16>
        %d3_1 = arith.subf %v3_1, %off : vector<2xf16>
        %e3_1 = arith.mulf %d3_1, %sv1 : vector<2xf16>
        %w3_1 = llvm.bitcast %e3_1 : vector<2xf16> to i32
        %sh3_2 = llvm.mlir.constant(8 : i32) : i32
        %q3_2 = llvm.lshr %q3_0, %sh3_2 : i32
        %m3_2 = llvm.and %q3_2, %mA : i32
        %o3_2 = llvm.or %m3_2, %magic : i32
        %v3_2 = llvm.bitcast %o3_2 : i32 to vector<2xf16>
        %d3_2 = arith.subf %v3_2, %off : vector<2xf16>
        %e3_2 = arith.mulf %d3_2, %sv0 : vector<2xf16>
        %w3_2 = llvm.bitcast %e3_2 : vector<2xf16> to i32
        %sh3_3 = llvm.mlir.constant(12 : i32) : i32
        %q3_3 = llvm.lshr %q3_0, %sh3_3 : i32
        %m3_3 = llvm.and %q3_3, %mA : i32
        %o3_3 = llvm.or %m3_3, %magic : i32
        %v3_3 = llvm.bitcast %o3_3 : i32 to vector<2xf16>
        %d3_3 = arith.subf %v3_3, %off : vector<2xf16>
        %e3_3 = arith.mulf %d3_3, %sv1 : vector<2xf16>
        %w3_3 = llvm.bitcast %e3_3 : vector<2xf16> to i32
        nvvm.wgmma.fence.aligned
        %xk0 = llvm.mlir.constant(0 : i32) : i32
        %xa0 = llvm.add %xa, %xk0 : i32
        %xs0 = llvm.lshr %xa0, %c4 : i32
        %xm0 = llvm.mlir.constant(16383 : i32) : i32
        %xq0 = llvm.and %xs0, %xm0 : i32
        %xl0 = llvm.zext %xq0 : i32 to i64
        %hi0 = llvm.mlir.constant(274878431232 : i64) : i64
        %ds0 = llvm.or %xl0, %hi0 : i64
        %on0 = llvm.mlir.constant(1 : i32) : i32
        %rr0 = llvm.inline_asm has_side_effects asm_dialect = att "{ .reg .pred p; setp.ne.b32 p, $9, 0; wgmma.mma_async.sync.aligned.m64n8k16.f32.f16.f16 {$0, $1, $2, $3}, {$4, $5, $6, $7}, $8, p, 1, 1, 0; }", "=f,=f,=f,=f,r,r,r,r,l,n,0,1,2,3" %w0_0, %w0_1, %w0_2, %w0_3, %ds0, %on0, %a0, %a1, %a2, %a3 : (i32, i32, i32, i32, i64, i32, f32, f32, f32, f32) -> !llvm.struct<(f32, f32, f32, f32)>
        %x0_0 = llvm.extractvalue %rr0[0] : !llvm.struct<(f32, f32, f32, f32)>
        %x0_1 = llvm.extractvalue %rr0[1] : !llvm.struct<(f32, f32, f32, f32)>
        %x0_2 = llvm.extractvalue %rr0[2] : !llvm.struct<(f32, f32, f32, f32)>
        %x0_3 = llvm.extractvalue %rr0[3] : !llvm.struct<(f32, f32, f32, f32)>
        %xk1 = llvm.mlir.constant(256 : i32) : i32
        %xa1 = llvm.add %xa, %xk1 : i32
        %xs1 = llvm.lshr %xa1, %c4 : i32
        %xm1 = llvm.mlir.constant(16383 : i32) : i32
        %xq1 = llvm.and %xs1, %xm1 : i32
        %xl1 = llvm.zext %xq1 : i32 to i64
        %hi1 = llvm.mlir.constant(274878431232 : i64) : i64
        %ds1 = llvm.or %xl1, %hi1 : i64
        %on1 = llvm.mlir.constant(1 : i32) : i32
        %rr1 = llvm.inline_asm has_side_effects asm_dialect = att "{ .reg .pred p; setp.ne.b32 p, $9, 0; wgmma.mma_async.sync.aligned.m64n8k16.f32.f16.f16 {$0, $1, $2, $3}, {$4, $5, $6, $7}, $8, p, 1, 1, 0; }", "=f,=f,=f,=f,r,r,r,r,l,n,0,1,2,3" %w1_0, %w1_1, %w1_2, %w1_3, %ds1, %on1, %x0_0, %x0_1, %x0_2, %x0_3 : (i32, i32, i32, i32, i64, i32, f32, f32, f32, f32) -> !llvm.struct<(f32, f32, f32, f32)>
        %x1_0 = llvm.extractvalue %rr1[0] : !llvm.struct<(f32, f32, f32, f32)>
        %x1_1 = llvm.extractvalue %rr1[1] : !llvm.struct<(f32, f32, f32, f32)>
        %x1_2 = llvm.extractvalue %rr1[2] : !llvm.struct<(f32, f32, f32, f32)>
        %x1_3 = llvm.extractvalue %rr1[3] : !llvm.struct<(f32, f32, f32, f32)>
        %xk2 = llvm.mlir.constant(512 : i32) : i32
        %xa2 = llvm.add %xa, %xk2 : i32
        %xs2 = llvm.lshr %xa2, %c4 : i32
        %xm2 = llvm.mlir.constant(16383 : i32) : i32
        %xq2 = llvm.and %xs2, %xm2 : i32
        %xl2 = llvm.zext %xq2 : i32 to i64
        %hi2 = llvm.mlir.constant(274878431232 : i64) : i64
        %ds2 = llvm.or %xl2, %hi2 : i64
        %on2 = llvm.mlir.constant(1 : i32) : i32
        %rr2 = llvm.inline_asm has_side_effects asm_dialect = att "{ .reg .pred p; setp.ne.b32 p, $9, 0; wgmma.mma_async.sync.aligned.m64n8k16.f32.f16.f16 {$0, $1, $2, $3}, {$4, $5, $6, $7}, $8, p, 1, 1, 0; }", "=f,=f,=f,=f,r,r,r,r,l,n,0,1,2,3" %w2_0, %w2_1, %w2_2, %w2_3, %ds2, %on2, %x1_0, %x1_1, %x1_2, %x1_3 : (i32, i32, i32, i32, i64, i32, f32, f32, f32, f32) -> !llvm.struct<(f32, f32, f32, f32)>
        %x2_0 = llvm.extractvalue %rr2[0] : !llvm.struct<(f32, f32, f32, f32)>
        %x2_1 = llvm.extractvalue %rr2[1] : !llvm.struct<(f32, f32, f32, f32)>
        %x2_2 = llvm.extractvalue %rr2[2] : !llvm.struct<(f32, f32, f32, f32)>
        %x2_3 = llvm.extractvalue %rr2[3] : !llvm.struct<(f32, f32, f32, f32)>
        %xk3 = llvm.mlir.constant(768 : i32) : i32
        %xa3 = llvm.add %xa, %xk3 : i32
        %xs3 = llvm.lshr %xa3, %c4 : i32
        %xm3 = llvm.mlir.constant(16383 : i32) : i32
        %xq3 = llvm.and %xs3, %xm3 : i32
        %xl3 = llvm.zext %xq3 : i32 to i64
        %hi3 = llvm.mlir.constant(274878431232 : i64) : i64
        %ds3 = llvm.or %xl3, %hi3 : i64
        %on3 = llvm.mlir.constant(1 : i32) : i32
        %rr3 = llvm.inline_asm has_side_effects asm_dialect = att "{ .reg .pred p; setp.ne.b32 p, $9, 0; wgmma.mma_async.sync.aligned.m64n8k16.f32.f16.f16 {$0, $1, $2, $3}, {$4, $5, $6, $7}, $8, p, 1, 1, 0; }", "=f,=f,=f,=f,r,r,r,r,l,n,0,1,2,3" %w3_0, %w3_1, %w3_2, %w3_3, %ds3, %on3, %x2_0, %x2_1, %x2_2, %x2_3 : (i32, i32, i32, i32, i64, i32, f32, f32, f32, f32) -> !llvm.struct<(f32, f32, f32, f32)>
        %x3_0 = llvm.extractvalue %rr3[0] : !llvm.struct<(f32, f32, f32, f32)>
        %x3_1 = llvm.extractvalue %rr3[1] : !llvm.struct<(f32, f32, f32, f32)>
        %x3_2 = llvm.extractvalue %rr3[2] : !llvm.struct<(f32, f32, f32, f32)>
        %x3_3 = llvm.extractvalue %rr3[3] : !llvm.struct<(f32, f32, f32, f32)>
        nvvm.wgmma.commit.group.sync.aligned
        nvvm.wgmma.wait.group.sync.aligned 0
        %st = nvvm.mbarrier.arrive %empty : !llvm.ptr<3> -> i64
        scf.yield %x3_0, %x3_1, %x3_2, %x3_3 : f32, f32, f32, f32
      }
      %t2 = llvm.mul %t, %c2 : i32
      %t3 = llvm.add %t2, %c1 : i32
      %y0 = llvm.mul %t2, %c64 : i32
      %yy0 = llvm.add %y0, %r0 : i32
      %po0 = llvm.getelementptr %O[%yy0] : (!llvm.ptr<1>, i32) -> !llvm.ptr<1>, f32
      llvm.store %acc#0, %po0 : f32, !llvm.ptr<1>
      %y1 = llvm.mul %t3, %c64 : i32
      %yy1 = llvm.add %y1, %r0 : i32
      %po1 = llvm.getelementptr %O[%yy1] : (!llvm.ptr<1>, i32) -> !llvm.ptr<1>, f32
      llvm.store %acc#1, %po1 : f32, !llvm.ptr<1>
      %y2 = llvm.mul %t2, %c64 : i32
      %yy2 = llvm.add %y2, %r1 : i32
      %po2 = llvm.getelementptr %O[%yy2] : (!llvm.ptr<1>, i32) -> !llvm.ptr<1>, f32
      llvm.store %acc#2, %po2 : f32, !llvm.ptr<1>
      %y3 = llvm.mul %t3, %c64 : i32
      %yy3 = llvm.add %y3, %r1 : i32
      %po3 = llvm.getelementptr %O[%yy3] : (!llvm.ptr<1>, i32) -> !llvm.ptr<1>, f32
      llvm.store %acc#3, %po3 : f32, !llvm.ptr<1>
    }
    gpu.return
  }
}
}
