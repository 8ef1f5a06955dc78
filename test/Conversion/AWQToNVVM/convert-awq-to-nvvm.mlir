// RUN: awq-opt %s --convert-awq-to-nvvm --split-input-file --verify-diagnostics | FileCheck %s

#scheme = #awq.scheme<bits = 4, group = 64, zero = asymmetric, scale = f16>

// Two linears alike share a kernel.
// CHECK-LABEL: func.func @twins
func.func @twins(%x: tensor<?x128xf32>, %q: tensor<32x128xi8>, %s: tensor<32x2xf16>,
                 %z: tensor<32x2xi8>) -> (tensor<?x32xf32>, tensor<?x32xf32>) {
  // CHECK-COUNT-2: awq.quantized_linear {{.*}} {awq.kernel = @awq_kernels::@awq_w4_n32_k128_g64
  %y = awq.quantized_linear %x, %q, %s zeros %z {scheme = #scheme}
    : (tensor<?x128xf32>, tensor<32x128xi8>, tensor<32x2xf16>, tensor<32x2xi8>)
    -> tensor<?x32xf32>
  %t = awq.quantized_linear %x, %q, %s zeros %z {scheme = #scheme}
    : (tensor<?x128xf32>, tensor<32x128xi8>, tensor<32x2xf16>, tensor<32x2xi8>)
    -> tensor<?x32xf32>
  return %y, %t : tensor<?x32xf32>, tensor<?x32xf32>
}

// CHECK: gpu.module @awq_kernels
// CHECK: llvm.mlir.global internal @[[PARTIALS:.*]]() {addr_space = 3 : i32, alignment = 16 : i64} : !llvm.array<1024 x f32>
// CHECK: gpu.func @awq_w4_n32_k128_g64(%[[X:.*]]: !llvm.ptr<1>, %[[WORDS:.*]]: !llvm.ptr<1>, %[[SCALES:.*]]: !llvm.ptr<1>, %[[ZEROS:.*]]: !llvm.ptr<1>, %[[Y:.*]]: !llvm.ptr<1>, %[[M:.*]]: i32, %[[N:.*]]: i32, %[[K:.*]]: i32) kernel attributes {known_block_size = array<i32: 128, 1, 1>}
// Sixteen bytes of weights per lane and turn.
// CHECK: scf.for
// CHECK: llvm.load {{.*}} {alignment = 16 : i64} : !llvm.ptr<1> -> vector<4xi32>
// The weights become f16 in registers: 1024 + q by an or, then minus 1024 + z.
// CHECK: arith.andi
// CHECK: arith.ori
// CHECK: llvm.bitcast {{.*}} : i32 to vector<2xf16>
// CHECK: arith.subf {{.*}} : vector<2xf16>
// CHECK: arith.mulf {{.*}} : vector<2xf16>
// Four steps of 16 channels, two tiles of 8 tokens.
// CHECK-COUNT-8: nvvm.mma.sync
// CHECK-NOT: nvvm.mma.sync
// CHECK: gpu.barrier
// CHECK-NOT: gpu.func

// -----

#scheme = #awq.scheme<bits = 3, group = 32, zero = symmetric, scale = f16>

// Symmetric schemes take no zeros; groups of 32 change inside a block of 64
// channels, so that their constants are loaded for each step.
// CHECK-LABEL: func.func @symmetric
func.func @symmetric(%x: tensor<?x64xf32>, %q: tensor<24x64xi8>, %s: tensor<24x2xf16>,
                     %b: tensor<24xf32>) -> tensor<?x24xf32> {
  %y = awq.quantized_linear %x, %q, %s bias %b {scheme = #scheme}
    : (tensor<?x64xf32>, tensor<24x64xi8>, tensor<24x2xf16>, tensor<24xf32>) -> tensor<?x24xf32>
  return %y : tensor<?x24xf32>
}

// CHECK: gpu.func @awq_w3_n24_k64_g32_symmetric_bias(%{{.*}}: !llvm.ptr<1>, %{{.*}}: !llvm.ptr<1>, %{{.*}}: !llvm.ptr<1>, %{{.*}}: !llvm.ptr<1>, %{{.*}}: !llvm.ptr<1>, %{{.*}}: i32, %{{.*}}: i32, %{{.*}}: i32) kernel
// CHECK: arith.constant 4.000000e+00 : f16

// -----

// No quantized linear, no kernels.
// CHECK-LABEL: func.func @float
// CHECK-NOT: gpu.module
func.func @float(%x: tensor<?x64xf32>, %w: tensor<24x64xf32>) -> tensor<?x24xf32> {
  %y = awq.linear %x, %w : (tensor<?x64xf32>, tensor<24x64xf32>) -> tensor<?x24xf32>
  return %y : tensor<?x24xf32>
}
