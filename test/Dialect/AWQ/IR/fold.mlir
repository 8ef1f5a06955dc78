// RUN: awq-opt %s --canonicalize --split-input-file | FileCheck %s

#scheme = #awq.scheme<bits = 4, group = 0, zero = asymmetric, scale = f32>

// The range [-1, 2] gives the scale 3/15 = 0.2 and the zero point 5.
// CHECK-LABEL: func.func @quantize
// CHECK-DAG: %[[Q:.*]] = arith.constant dense<{{\[\[}}0, 5, 10, 15]]> : tensor<1x4xi8>
// CHECK-DAG: %[[S:.*]] = arith.constant dense<2.000000e-01> : tensor<1x1xf32>
// CHECK-DAG: %[[Z:.*]] = arith.constant dense<5> : tensor<1x1xi8>
// CHECK: return %[[Q]], %[[S]], %[[Z]]
func.func @quantize() -> (tensor<1x4xi8>, tensor<1x1xf32>, tensor<1x1xi8>) {
  %w = arith.constant dense<[[-1.0, 0.0, 1.0, 2.0]]> : tensor<1x4xf32>
  %q, %s, %z = awq.quantize %w {scheme = #scheme}
    : tensor<1x4xf32> -> tensor<1x4xi8>, tensor<1x1xf32>, tensor<1x1xi8>
  return %q, %s, %z : tensor<1x4xi8>, tensor<1x1xf32>, tensor<1x1xi8>
}

// -----

#scheme = #awq.scheme<bits = 4, group = 0, zero = asymmetric, scale = f32>

// CHECK-LABEL: func.func @dequantize
// CHECK: arith.constant dense<{{\[\[}}-2.500000e+00, 0.000000e+00, 2.500000e+00, 5.000000e+00]]> : tensor<1x4xf32>
func.func @dequantize() -> tensor<1x4xf32> {
  %q = arith.constant dense<[[0, 5, 10, 15]]> : tensor<1x4xi8>
  %s = arith.constant dense<0.5> : tensor<1x1xf32>
  %z = arith.constant dense<5> : tensor<1x1xi8>
  %w = awq.dequantize %q, %s, %z {scheme = #scheme}
    : tensor<1x4xi8>, tensor<1x1xf32>, tensor<1x1xi8> -> tensor<1x4xf32>
  return %w : tensor<1x4xf32>
}

// -----

// Word 0 of row 0 holds the codes of channels 0 to 7, the first in the lowest
// nibble: 0x87654321 = -2023406815.
// CHECK-LABEL: func.func @repack
// CHECK: dense<{{\[\[\[}}-2023406815, 0, {{.*}}]]]> : tensor<1x1x16xi32, #awq.layout<cpu_n16>>
func.func @repack() -> tensor<1x1x16xi32, #awq.layout<cpu_n16>> {
  %q = arith.constant dense<[[1, 2, 3, 4, 5, 6, 7, 8]]> : tensor<1x8xi8>
  %p = awq.repack %q : tensor<1x8xi8> -> tensor<1x1x16xi32, #awq.layout<cpu_n16>>
  return %p : tensor<1x1x16xi32, #awq.layout<cpu_n16>>
}

// -----

// A code of 16 does not fit a nibble: the op stays.
// CHECK-LABEL: func.func @repack_wide_code
// CHECK: awq.repack
func.func @repack_wide_code() -> tensor<1x1x16xi32, #awq.layout<cpu_n16>> {
  %q = arith.constant dense<[[16, 2, 3, 4, 5, 6, 7, 8]]> : tensor<1x8xi8>
  %p = awq.repack %q : tensor<1x8xi8> -> tensor<1x1x16xi32, #awq.layout<cpu_n16>>
  return %p : tensor<1x1x16xi32, #awq.layout<cpu_n16>>
}

// -----

// CHECK-LABEL: func.func @scale_columns
// CHECK: dense<{{\[\[}}2.000000e+00, 1.000000e+00], [6.000000e+00, 2.000000e+00]]>
func.func @scale_columns() -> tensor<2x2xf32> {
  %w = arith.constant dense<[[1.0, 2.0], [3.0, 4.0]]> : tensor<2x2xf32>
  %s = arith.constant dense<[2.0, 0.5]> : tensor<2xf32>
  %y = awq.scale_channels %w, %s {axis = 1 : i64} : tensor<2x2xf32>, tensor<2xf32>
  return %y : tensor<2x2xf32>
}

// -----

// (w + 1) / s - 1.
// CHECK-LABEL: func.func @scale_offset_norm
// CHECK: dense<[0.000000e+00, 7.000000e+00]>
func.func @scale_offset_norm() -> tensor<2xf32> {
  %w = arith.constant dense<[1.0, 3.0]> : tensor<2xf32>
  %s = arith.constant dense<[2.0, 0.5]> : tensor<2xf32>
  %y = awq.scale_channels %w, %s {axis = 0 : i64, inverse, offset = 1.0 : f64}
    : tensor<2xf32>, tensor<2xf32>
  return %y : tensor<2xf32>
}

// -----

// CHECK-LABEL: func.func @clip
// CHECK: dense<{{\[\[}}1.000000e+00, 1.500000e+00, 3.000000e+00, 3.000000e+00]]>
func.func @clip() -> tensor<1x4xf32> {
  %w = arith.constant dense<[[1.0, 2.0, 3.0, -4.0]]> : tensor<1x4xf32>
  %lo = arith.constant dense<[[0.0, 3.0]]> : tensor<1x2xf32>
  %hi = arith.constant dense<[[1.5, 5.0]]> : tensor<1x2xf32>
  %y = awq.clip_groups %w, %lo, %hi : tensor<1x4xf32>, tensor<1x2xf32>
  return %y : tensor<1x4xf32>
}
