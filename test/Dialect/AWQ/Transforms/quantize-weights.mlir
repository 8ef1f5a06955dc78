// RUN: awq-opt %s -awq-quantize-weights='bits=4 group=16 skip=lm_head' | FileCheck %s
// RUN: awq-opt %s -awq-quantize-weights='bits=4 group=16 symmetric skip=lm_head' | FileCheck %s --check-prefix=SYM
// RUN: awq-opt %s -awq-quantize-weights='bits=4 group=16 skip=lm_head' -mlir-print-op-generic | awq-opt | FileCheck %s

// Row 0 runs from -4 to 3.5 in steps of 0.5: scale 0.5, zero 8, codes 0 to 15.
// Row 1, clipped to [-1, 0.5], has scale 0.1 (in f16) and zero 10.
// CHECK-LABEL: func @f
// CHECK-DAG: %[[Q:.*]] = arith.constant dense<{{\[\[}}0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15], [0, 0, 0, 0, 0, 0, 5, 5, 10, 10, 15, 15, 15, 15, 15, 15]]> : tensor<2x16xi8>
// CHECK-DAG: %[[S:.*]] = arith.constant dense<{{\[\[}}5.000000e-01], [9.997550e-02]]> : tensor<2x1xf16>
// CHECK-DAG: %[[Z:.*]] = arith.constant dense<{{\[\[}}8], [10]]> : tensor<2x1xi8>
// CHECK: awq.quantized_linear %arg0, %[[Q]], %[[S]] zeros %[[Z]] {awq.name = "proj", scheme = #awq.scheme<bits = 4, group = 16, zero = asymmetric, scale = f16>}
// CHECK-NOT: awq.clip_groups
// CHECK: awq.linear {{.*}}lm_head

// SYM-LABEL: func @f
// SYM: awq.quantized_linear %{{[^ ]*}}, %{{[^ ]*}}, %{{[^ ]*}} {awq.name = "proj", scheme = #awq.scheme<bits = 4, group = 16, zero = symmetric, scale = f16>}
func.func @f(%x: tensor<?x16xf32>) -> tensor<?x2xf32> {
  %w = arith.constant dense<[
    [-4.0, -3.5, -3.0, -2.5, -2.0, -1.5, -1.0, -0.5, 0.0, 0.5, 1.0, 1.5, 2.0, 2.5, 3.0, 3.5],
    [-4.0, -3.5, -3.0, -2.5, -2.0, -1.5, -0.5, -0.5, 0.0, 0.0, 1.0, 1.5, 2.0, 2.5, 3.0, 3.5]]> : tensor<2x16xf32>
  %lo = arith.constant dense<[[-4.0], [-1.0]]> : tensor<2x1xf32>
  %hi = arith.constant dense<[[3.5], [0.5]]> : tensor<2x1xf32>
  %c = awq.clip_groups %w, %lo, %hi : tensor<2x16xf32>, tensor<2x1xf32>
  %y = awq.linear %x, %c {awq.name = "proj"} : (tensor<?x16xf32>, tensor<2x16xf32>) -> tensor<?x2xf32>
  %v = arith.constant dense<1.0> : tensor<2x2xf32>
  %z = awq.linear %y, %v {awq.name = "lm_head"} : (tensor<?x2xf32>, tensor<2x2xf32>) -> tensor<?x2xf32>
  return %z : tensor<?x2xf32>
}
