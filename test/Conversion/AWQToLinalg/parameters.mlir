// RUN: awq-opt %s -convert-awq-to-linalg | FileCheck %s

// CHECK-DAG: #[[AXIS:.*]] = affine_map<(d0, d1) -> (d1)>
// CHECK-DAG: #[[GROUP:.*]] = affine_map<(d0, d1) -> (d0, d1 floordiv 16)>

// CHECK-LABEL: func @scale
// CHECK: linalg.generic {indexing_maps = [#{{.*}}, #[[AXIS]], #{{.*}}]
// CHECK: arith.mulf
func.func @scale(%x: tensor<?x64xf32>, %s: tensor<64xf32>) -> tensor<?x64xf32> {
  %y = awq.scale_channels %x, %s {axis = 1 : i64} : tensor<?x64xf32>, tensor<64xf32>
  return %y : tensor<?x64xf32>
}

// CHECK-LABEL: func @unscale_shifted
// CHECK: %[[SHIFTED:.*]] = arith.addf
// CHECK: %[[QUOTIENT:.*]] = arith.divf %[[SHIFTED]]
// CHECK: arith.subf %[[QUOTIENT]]
func.func @unscale_shifted(%x: tensor<64xf32>, %s: tensor<64xf32>) -> tensor<64xf32> {
  %y = awq.scale_channels %x, %s {axis = 0 : i64, inverse, offset = 1.0 : f64} : tensor<64xf32>, tensor<64xf32>
  return %y : tensor<64xf32>
}

// CHECK-LABEL: func @clip
// CHECK: linalg.generic {indexing_maps = [#{{.*}}, #[[GROUP]], #[[GROUP]], #{{.*}}]
// CHECK: arith.maximumf
// CHECK: arith.minimumf
func.func @clip(%w: tensor<4x32xf32>, %lo: tensor<4x2xf32>, %hi: tensor<4x2xf32>) -> tensor<4x32xf32> {
  %y = awq.clip_groups %w, %lo, %hi : tensor<4x32xf32>, tensor<4x2xf32>
  return %y : tensor<4x32xf32>
}

// CHECK-LABEL: func @dequantize
// CHECK: arith.uitofp
// CHECK: arith.subf
// CHECK: arith.mulf
func.func @dequantize(%q: tensor<4x32xi8>, %s: tensor<4x2xf16>, %z: tensor<4x2xi8>) -> tensor<4x32xf32> {
  %w = awq.dequantize %q, %s, %z {scheme = #awq.scheme<bits = 4, group = 16, zero = asymmetric, scale = f16>}
    : tensor<4x32xi8>, tensor<4x2xf16>, tensor<4x2xi8> -> tensor<4x32xf32>
  return %w : tensor<4x32xf32>
}

// CHECK-LABEL: func @observe
// CHECK-SAME: %[[X:.*]]: tensor<?x64xf32>
// CHECK-NEXT: return %[[X]]
func.func @observe(%x: tensor<?x64xf32>) -> tensor<?x64xf32> {
  %y = awq.observe %x "site" : tensor<?x64xf32>
  return %y : tensor<?x64xf32>
}
