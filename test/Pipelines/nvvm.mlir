// RUN: awq-opt %s --awq-nvvm-pipeline="chip=sm_80" | FileCheck %s --check-prefixes=CHECK,SM80
// RUN: awq-opt %s --awq-nvvm-pipeline="chip=sm_90a" | FileCheck %s --check-prefixes=CHECK,SM90

// CHECK: gpu.binary @awq_kernels
// SM80: .target sm_80
// SM90: .target sm_90a
// CHECK: .entry awq_w4_n32_k128_g64(
// CHECK: .maxntid 128
// The weights come as one vector load and go to the tensor core from registers.
// CHECK: ld.global.v4.b32
// CHECK: and.b32 {{.*}}, 983055;
// CHECK: or.b32 {{.*}}, 1677747200;
// CHECK: sub.rn.f16x2
// CHECK: mul.rn.f16x2
// CHECK: mma.sync.aligned.m16n8k16.row.col.f32.f16.f16.f32
// CHECK-NOT: .local
func.func @linear(%x: tensor<?x128xf32>, %q: tensor<32x128xi8>, %s: tensor<32x2xf16>,
                  %z: tensor<32x2xi8>) -> tensor<?x32xf32> {
  %y = awq.quantized_linear %x, %q, %s zeros %z
    {scheme = #awq.scheme<bits = 4, group = 64, zero = asymmetric, scale = f16>}
    : (tensor<?x128xf32>, tensor<32x128xi8>, tensor<32x2xf16>, tensor<32x2xi8>)
    -> tensor<?x32xf32>
  return %y : tensor<?x32xf32>
}
