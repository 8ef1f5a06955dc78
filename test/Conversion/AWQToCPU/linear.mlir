// RUN: awq-opt %s -convert-awq-to-cpu -split-input-file | FileCheck %s

// One token: rows of the weight by vectors of 16, four at a time.
// CHECK-LABEL: func @one_token
// CHECK-DAG: %[[X:.*]] = bufferization.to_buffer %{{.*}} read_only {{.*}}: tensor<1x64xf32>
// CHECK-DAG: %[[W:.*]] = bufferization.to_buffer %{{.*}} read_only {{.*}}: tensor<40x64xf32>
// CHECK: %[[Y:.*]] = memref.alloc() {alignment = 64 : i64} : memref<1x40xf32>
// CHECK: scf.parallel
// CHECK: scf.for
// CHECK: scf.for
// CHECK: vector.load %[[X]]
// CHECK: memref.prefetch %[[W]][%{{.*}}, %{{.*}}], read, locality<2>, data
// CHECK-COUNT-4: vector.load %[[W]]
// CHECK-COUNT-4: vector.reduction <add>
// CHECK: bufferization.to_tensor %[[Y]] restrict writable
func.func @one_token(%x: tensor<1x64xf32>, %w: tensor<40x64xf32>) -> tensor<1x40xf32> {
  %y = awq.linear %x, %w : (tensor<1x64xf32>, tensor<40x64xf32>) -> tensor<1x40xf32>
  return %y : tensor<1x40xf32>
}

// -----

// More tokens: a call per fixed tile, and the bias after it.
// CHECK: func.func private @awq_rt_sgemm_nt(i64, i64, i64, !llvm.ptr, i64, !llvm.ptr, i64, !llvm.ptr, i64)
// CHECK-LABEL: func @tokens
// CHECK: scf.parallel (%{{.*}}, %{{.*}}) = (%c0{{.*}}, %c0{{.*}}) to (%c200{{.*}}, %{{.*}}) step (%c96{{.*}}, %c256{{.*}})
// CHECK: func.call @awq_rt_sgemm_nt
// CHECK: arith.addf
func.func @tokens(%x: tensor<?x64xf32>, %w: tensor<200x64xf32>, %b: tensor<200xf32>) -> tensor<?x200xf32> {
  %y = awq.linear %x, %w bias %b : (tensor<?x64xf32>, tensor<200x64xf32>, tensor<200xf32>) -> tensor<?x200xf32>
  return %y : tensor<?x200xf32>
}

// -----

// Half-precision weights are widened a tile at a time.
// CHECK-LABEL: func @half
// CHECK: scf.parallel
// CHECK: memref.alloc() : memref<96x64xf32>
// CHECK: arith.extf
// CHECK: func.call @awq_rt_sgemm_nt
func.func @half(%x: tensor<?x64xf32>, %w: tensor<200x64xf16>) -> tensor<?x200xf32> {
  %y = awq.linear %x, %w : (tensor<?x64xf32>, tensor<200x64xf16>) -> tensor<?x200xf32>
  return %y : tensor<?x200xf32>
}

// -----

// What it does not know stays for convert-awq-to-linalg.
// CHECK-LABEL: func @other
// CHECK: awq.linear
func.func @other(%x: tensor<2x3x64xf32>, %w: tensor<8x64xf32>) -> tensor<2x3x8xf32> {
  %y = awq.linear %x, %w : (tensor<2x3x64xf32>, tensor<8x64xf32>) -> tensor<2x3x8xf32>
  return %y : tensor<2x3x8xf32>
}
