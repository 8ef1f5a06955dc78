// RUN: awq-opt %s -convert-awq-to-linalg | FileCheck %s

// CHECK-DAG: #[[X:.*]] = affine_map<(d0, d1, d2) -> (d0, d2)>
// CHECK-DAG: #[[W:.*]] = affine_map<(d0, d1, d2) -> (d1, d2)>
// CHECK-DAG: #[[Y:.*]] = affine_map<(d0, d1, d2) -> (d0, d1)>
// CHECK-DAG: #[[PLAINX:.*]] = affine_map<(d0, d1, d2, d3) -> (d0, d2, d3)>
// CHECK-DAG: #[[PLAINQ:.*]] = affine_map<(d0, d1, d2, d3) -> (d1, d2, d3)>
// CHECK-DAG: #[[PLAINS:.*]] = affine_map<(d0, d1, d2, d3) -> (d1, d2)>
// CHECK-DAG: #[[PLAINY:.*]] = affine_map<(d0, d1, d2, d3) -> (d0, d1)>
// CHECK-DAG: #[[WORDX:.*]] = affine_map<(d0, d1, d2, d3, d4) -> (d0, d3, d4)>
// CHECK-DAG: #[[WORDQ:.*]] = affine_map<(d0, d1, d2, d3, d4) -> (d3, d4, d1)>
// CHECK-DAG: #[[WORDS:.*]] = affine_map<(d0, d1, d2, d3, d4) -> (d3, d1, d2)>
// CHECK-DAG: #[[WORDZ:.*]] = affine_map<(d0, d1, d2, d3, d4) -> (d3, d1)>
// CHECK-DAG: #[[SHIFT:.*]] = affine_map<(d0, d1, d2, d3, d4) -> (d2)>
// CHECK-DAG: #[[WORDY:.*]] = affine_map<(d0, d1, d2, d3, d4) -> (d0, d1, d2)>

// CHECK-LABEL: func @linear
// CHECK: linalg.generic {indexing_maps = [#[[X]], #[[W]], #[[Y]]], iterator_types = ["parallel", "parallel", "reduction"]}
// CHECK: arith.extf %{{.*}} : f16 to f32
// CHECK: linalg.generic
// CHECK: arith.addf
func.func @linear(%x: tensor<?x64xf32>, %w: tensor<32x64xf16>, %b: tensor<32xf32>) -> tensor<?x32xf32> {
  %y = awq.linear %x, %w bias %b : (tensor<?x64xf32>, tensor<32x64xf16>, tensor<32xf32>) -> tensor<?x32xf32>
  return %y : tensor<?x32xf32>
}

// A group is a loop, and each channel in it: no index is computed.
// CHECK-LABEL: func @plain_codes
// CHECK-SAME: %[[X:.*]]: tensor<?x32xf32>, %[[Q:.*]]: tensor<4x32xi8>, %[[S:.*]]: tensor<4x2xf16>, %[[Z:.*]]: tensor<4x2xi8>
// CHECK: %[[XS:.*]] = tensor.expand_shape %[[X]] {{.*}} into tensor<?x2x16xf32>
// CHECK: %[[QS:.*]] = tensor.expand_shape %[[Q]] {{.*}} into tensor<4x2x16xi8>
// CHECK: linalg.generic {indexing_maps = [#[[PLAINX]], #[[PLAINQ]], #[[PLAINS]], #[[PLAINS]], #[[PLAINY]]], iterator_types = ["parallel", "parallel", "reduction", "reduction"]} ins(%[[XS]], %[[QS]], %[[S]], %[[Z]] :
// CHECK-NEXT: ^bb0(%[[IN:.*]]: f32, %[[CODE:.*]]: i8, %[[SCALE:.*]]: f16, %[[ZERO:.*]]: i8, %[[OUT:.*]]: f32):
// CHECK-NOT: linalg.index
// CHECK-DAG: arith.extui %[[CODE]]
// CHECK-DAG: arith.extui %[[ZERO]]
// CHECK: %[[LEVEL:.*]] = arith.subf
// CHECK: %[[WIDE:.*]] = arith.extf %[[SCALE]]
// CHECK: %[[WEIGHT:.*]] = arith.mulf %[[LEVEL]], %[[WIDE]]
// CHECK: arith.mulf %[[IN]], %[[WEIGHT]]
func.func @plain_codes(%x: tensor<?x32xf32>, %q: tensor<4x32xi8>, %s: tensor<4x2xf16>, %z: tensor<4x2xi8>) -> tensor<?x4xf32> {
  %y = awq.quantized_linear %x, %q, %s zeros %z {scheme = #awq.scheme<bits = 3, group = 16, zero = asymmetric, scale = f16>}
    : (tensor<?x32xf32>, tensor<4x32xi8>, tensor<4x2xf16>, tensor<4x2xi8>) -> tensor<?x4xf32>
  return %y : tensor<?x4xf32>
}

// Eight outputs of a word differ in how far it is shifted.
// CHECK-LABEL: func @words
// CHECK: tensor.expand_shape %{{.*}} : tensor<32x2xi32, #awq.layout<autoawq_gemm>> into tensor<2x16x2xi32>
// CHECK: tensor.expand_shape %{{.*}} : tensor<2x16xf16> into tensor<2x2x8xf16>
// CHECK: %[[SHIFTS:.*]] = arith.constant dense<[0, 16, 4, 20, 8, 24, 12, 28]> : tensor<8xi32>
// CHECK: %[[SUMS:.*]] = linalg.generic {indexing_maps = [#[[WORDX]], #[[WORDQ]], #[[WORDS]], #[[WORDZ]], #[[SHIFT]], #[[WORDY]]], iterator_types = ["parallel", "parallel", "parallel", "reduction", "reduction"]}
// CHECK-NEXT: ^bb0(%{{.*}}: f32, %[[WORD:.*]]: i32, %{{.*}}: f16, %[[ZEROS:.*]]: i32, %[[BY:.*]]: i32, %{{.*}}: f32):
// CHECK: arith.shrui %[[WORD]], %[[BY]]
// CHECK: arith.andi
// CHECK: arith.shrui %[[ZEROS]], %[[BY]]
// CHECK: arith.andi
// CHECK: tensor.collapse_shape %[[SUMS]] {{.*}} : tensor<?x2x8xf32> into tensor<?x16xf32>
func.func @words(%x: tensor<?x32xf32>, %q: tensor<32x2xi32, #awq.layout<autoawq_gemm>>, %s: tensor<2x16xf16>,
                 %z: tensor<2x2xi32, #awq.layout<autoawq_gemm>>) -> tensor<?x16xf32> {
  %y = awq.quantized_linear %x, %q, %s zeros %z {scheme = #awq.scheme<bits = 4, group = 16, zero = asymmetric, scale = f16>}
    : (tensor<?x32xf32>, tensor<32x2xi32, #awq.layout<autoawq_gemm>>, tensor<2x16xf16>,
       tensor<2x2xi32, #awq.layout<autoawq_gemm>>) -> tensor<?x16xf32>
  return %y : tensor<?x16xf32>
}

// A symmetric scheme has its zero point in the middle.
// CHECK-LABEL: func @packed
// CHECK: tensor.extract %{{.*}} : tensor<2x4x16xi32, #awq.layout<cpu_n16>>
// CHECK: arith.shrui
// CHECK: arith.andi %{{.*}}, %c15_i32
// CHECK: arith.subf %{{.*}}, %cst{{.*}} : f32
func.func @packed(%x: tensor<2x32xf32>, %q: tensor<2x4x16xi32, #awq.layout<cpu_n16>>, %s: tensor<2x1x16xf32>) -> tensor<2x17xf32> {
  %y = awq.quantized_linear %x, %q, %s {scheme = #awq.scheme<bits = 4, group = 0, zero = symmetric, scale = f16>}
    : (tensor<2x32xf32>, tensor<2x4x16xi32, #awq.layout<cpu_n16>>, tensor<2x1x16xf32>) -> tensor<2x17xf32>
  return %y : tensor<2x17xf32>
}
