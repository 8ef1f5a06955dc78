// RUN: awq-opt %s -convert-awq-to-linalg | FileCheck %s

// CHECK-DAG: #[[X:.*]] = affine_map<(d0, d1, d2) -> (d0, d2)>
// CHECK-DAG: #[[W:.*]] = affine_map<(d0, d1, d2) -> (d1, d2)>
// CHECK-DAG: #[[Y:.*]] = affine_map<(d0, d1, d2) -> (d0, d1)>

// CHECK-LABEL: func @linear
// CHECK: linalg.generic {indexing_maps = [#[[X]], #[[W]], #[[Y]]], iterator_types = ["parallel", "parallel", "reduction"]}
// CHECK: arith.extf %{{.*}} : f16 to f32
// CHECK: linalg.generic
// CHECK: arith.addf
func.func @linear(%x: tensor<?x64xf32>, %w: tensor<32x64xf16>, %b: tensor<32xf32>) -> tensor<?x32xf32> {
  %y = awq.linear %x, %w bias %b : (tensor<?x64xf32>, tensor<32x64xf16>, tensor<32xf32>) -> tensor<?x32xf32>
  return %y : tensor<?x32xf32>
}

// CHECK-LABEL: func @plain_codes
// CHECK: %[[GROUP:.*]] = arith.divui %[[K:.*]], %c16
// CHECK: %[[CODE:.*]] = tensor.extract %{{.*}}[%[[N:.*]], %[[K]]] : tensor<4x32xi8>
// CHECK: tensor.extract %{{.*}}[%[[N]], %[[GROUP]]] : tensor<4x2xf16>
// CHECK: arith.extui %[[CODE]]
// CHECK: arith.subf
func.func @plain_codes(%x: tensor<?x32xf32>, %q: tensor<4x32xi8>, %s: tensor<4x2xf16>, %z: tensor<4x2xi8>) -> tensor<?x4xf32> {
  %y = awq.quantized_linear %x, %q, %s zeros %z {scheme = #awq.scheme<bits = 3, group = 16, zero = asymmetric, scale = f16>}
    : (tensor<?x32xf32>, tensor<4x32xi8>, tensor<4x2xf16>, tensor<4x2xi8>) -> tensor<?x4xf32>
  return %y : tensor<?x4xf32>
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
