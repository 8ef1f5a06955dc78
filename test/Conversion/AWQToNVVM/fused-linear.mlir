// RUN: awq-opt %s --convert-awq-to-nvvm="tokens=8" --split-input-file | FileCheck %s

#scheme = #awq.scheme<bits = 4, group = 128, zero = asymmetric, scale = f16>

// One kernel, for the number of tokens that the pass is told.
// CHECK-LABEL: func.func @turned
// CHECK: awq.kernels = [{{{[^{]*}}kernel = @awq_kernels::@awq_w4_g128_bias_turn_m8, max_tokens = 8 : i64, mode = "subnormal", pack = @awq_kernels::@awq_pack_norm_g128_m8, {{[^{]*}}}],
func.func @turned(%x: tensor<?x256xf32>, %q: tensor<64x256xi8>, %s: tensor<64x2xf16>, %z: tensor<64x2xi8>,
                  %b: tensor<64xf32>, %g: tensor<256xf32>, %c: tensor<?x16xf32>, %d: tensor<?x16xf32>) -> tensor<?x64xf32> {
  %y = awq.fused_linear %x, %q, %s zeros %z bias %b norm %g rotary %c, %d
    {norm_epsilon = 1.0e-05 : f64, turn = #awq.rotary<heads = 1, head_size = 32>, scheme = #scheme}
    : (tensor<?x256xf32>, tensor<64x256xi8>, tensor<64x2xf16>, tensor<64x2xi8>, tensor<64xf32>,
       tensor<256xf32>, tensor<?x16xf32>, tensor<?x16xf32>) -> tensor<?x64xf32>
  return %y : tensor<?x64xf32>
}

// The norm's weight, and its epsilon at the end.
// CHECK: gpu.func @awq_pack_norm_g128_m8(%{{.*}}: !llvm.ptr<1>, %{{.*}}: !llvm.ptr<1>, %{{.*}}: !llvm.ptr<1>, %{{.*}}: i32, %{{.*}}: i32, %{{.*}}: f32) kernel
// CHECK: llvm.call_intrinsic "llvm.nvvm.sqrt.rn.f"
// Activations, records, bias, cosines, sines, Y, partial sums, tickets; M, N, K,
// rows that turn, rows of a head, pairs.
// CHECK: gpu.func @awq_w4_g128_bias_turn_m8({{(%[a-z0-9]+: !llvm.ptr<1>, ){8}(%[a-z0-9]+: i32(, )?){6}[)]}} kernel
// CHECK-NOT: gpu.func

// -----

#scheme = #awq.scheme<bits = 4, group = 128, zero = asymmetric, scale = f16>

// CHECK-LABEL: func.func @gated
func.func @gated(%x: tensor<?x256xf32>, %q: tensor<64x256xi8>, %s: tensor<64x2xf16>, %z: tensor<64x2xi8>,
                 %r: tensor<?x32xf32>) -> tensor<?x32xf32> {
  %y = awq.fused_linear %x, %q, %s zeros %z residual %r {gate = #awq.gate<silu>, scheme = #scheme}
    : (tensor<?x256xf32>, tensor<64x256xi8>, tensor<64x2xf16>, tensor<64x2xi8>, tensor<?x32xf32>) -> tensor<?x32xf32>
  return %y : tensor<?x32xf32>
}

// CHECK: gpu.func @awq_pack_g128_m8(%{{.*}}: !llvm.ptr<1>, %{{.*}}: !llvm.ptr<1>, %{{.*}}: i32, %{{.*}}: i32) kernel
// Activations, records, residual, Y, partial sums, tickets; M, N, K.
// CHECK: gpu.func @awq_w4_g128_silu_residual_m8({{(%[a-z0-9]+: !llvm.ptr<1>, ){6}(%[a-z0-9]+: i32(, )?){3}[)]}} kernel
// CHECK: llvm.call_intrinsic "llvm.nvvm.ex2.approx.ftz.f32"
// CHECK: llvm.call_intrinsic "llvm.nvvm.rcp.approx.ftz.f"
