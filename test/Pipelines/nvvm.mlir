// RUN: awq-opt %s --awq-nvvm-pipeline="chip=sm_80" | FileCheck %s --check-prefixes=CHECK,SM80
// RUN: awq-opt %s --awq-nvvm-pipeline="chip=sm_90a" | FileCheck %s --check-prefixes=CHECK,SM90

// CHECK: gpu.binary @awq_kernels
// SM80: .target sm_80
// SM90: .target sm_90a
// CHECK: .entry awq_w4_g64_m8(
// SM80: .maxntid 128
// SM90: .maxntid 160
// SM80: cp.async.cg.shared.global
// SM80: cp.async.wait_group
// SM90: cp.async.bulk.shared::cluster.global.mbarrier::complete_tx::bytes
// SM90: griddepcontrol.wait
// SM90: mbarrier.try_wait
// Weights come from shared memory 16 bytes at a time and go to the tensor core
// as they are, but for a mask. The short product is for the zero points.
// CHECK: mma.sync.aligned.m16n8k8.row.col.f32.f16.f16.f32
// CHECK: ld.shared.v4.b32
// CHECK: and.b32 {{[^;]*}}, 983055;
// CHECK: mma.sync.aligned.m16n8k16.row.col.f32.f16.f16.f32
// CHECK: atom.{{[^;]*}}global.add.u32
// CHECK-NOT: .local
func.func @linear(%x: tensor<?x128xf32>, %q: tensor<32x128xi8>, %s: tensor<32x2xf16>,
                  %z: tensor<32x2xi8>) -> tensor<?x32xf32> {
  %y = awq.quantized_linear %x, %q, %s zeros %z
    {scheme = #awq.scheme<bits = 4, group = 64, zero = asymmetric, scale = f16>}
    : (tensor<?x128xf32>, tensor<32x128xi8>, tensor<32x2xf16>, tensor<32x2xi8>)
    -> tensor<?x32xf32>
  return %y : tensor<?x32xf32>
}
