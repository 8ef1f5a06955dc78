// RUN: awq-opt %s -awq-materialize-parameters -split-input-file | FileCheck %s

// CHECK-LABEL: func @scale
// CHECK: %[[W:.*]] = arith.constant dense<[5.000000e-01, 6.000000e+00]> : tensor<2xf32>
// CHECK-NOT: awq.scale_channels
// CHECK: decoder.rms_norm %{{.*}}, %[[W]]
func.func @scale(%x: tensor<?x2xf32>) -> tensor<?x2xf32> {
  %w = arith.constant dense<[2.0, 3.0]> : tensor<2xf32>
  %s = arith.constant dense<[4.0, 0.5]> : tensor<2xf32>
  %v = awq.scale_channels %w, %s {axis = 0 : i64, inverse} : tensor<2xf32>, tensor<2xf32>
  %y = decoder.rms_norm %x, %v {epsilon = 1.0e-05 : f64} : tensor<?x2xf32>, tensor<2xf32>
  return %y : tensor<?x2xf32>
}

// -----

// (1 + w) / s - 1
// CHECK-LABEL: func @offset
// CHECK: arith.constant dense<[-2.500000e-01, 7.000000e+00]> : tensor<2xf32>
func.func @offset(%x: tensor<?x2xf32>) -> tensor<?x2xf32> {
  %w = arith.constant dense<[2.0, 3.0]> : tensor<2xf32>
  %s = arith.constant dense<[4.0, 0.5]> : tensor<2xf32>
  %v = awq.scale_channels %w, %s {axis = 0 : i64, inverse, offset = 1.0 : f64} : tensor<2xf32>, tensor<2xf32>
  %y = decoder.rms_norm %x, %v {epsilon = 1.0e-05 : f64, offset = 1.0 : f64} : tensor<?x2xf32>, tensor<2xf32>
  return %y : tensor<?x2xf32>
}

// -----

// Cast, transpose, columns, clip: one constant.
// CHECK-LABEL: func @chain
// CHECK: %[[W:.*]] = arith.constant dense<{{\[\[}}1.000000e+01, 3.000000e+01], [2.000000e+01, 3.500000e+01]]> : tensor<2x2xf32>
// CHECK-NEXT: awq.linear %{{.*}}, %[[W]]
func.func @chain(%x: tensor<?x2xf32>) -> tensor<?x2xf32> {
  %w = arith.constant dense<[[1.0, 2.0], [3.0, 4.0]]> : tensor<2x2xf16>
  %s = arith.constant dense<10.0> : tensor<2xf32>
  %lo = arith.constant dense<-100.0> : tensor<2x1xf32>
  %hi = arith.constant dense<35.0> : tensor<2x1xf32>
  %e = arith.extf %w : tensor<2x2xf16> to tensor<2x2xf32>
  %empty = tensor.empty() : tensor<2x2xf32>
  %t = linalg.transpose ins(%e : tensor<2x2xf32>) outs(%empty : tensor<2x2xf32>) permutation = [1, 0]
  %v = awq.scale_channels %t, %s {axis = 1 : i64} : tensor<2x2xf32>, tensor<2xf32>
  %c = awq.clip_groups %v, %lo, %hi : tensor<2x2xf32>, tensor<2x1xf32>
  %y = awq.linear %x, %c : (tensor<?x2xf32>, tensor<2x2xf32>) -> tensor<?x2xf32>
  return %y : tensor<?x2xf32>
}

// -----

// The second of three experts, also where its source is computed; a splat.
// CHECK-LABEL: func @slice
// CHECK-DAG: arith.constant dense<{{\[\[}}3.000000e+00, 4.000000e+00]]> : tensor<1x2xf16>
// CHECK-DAG: arith.constant dense<{{\[\[}}6.000000e+00, 8.000000e+00]]> : tensor<1x2xf16>
// CHECK-DAG: arith.constant dense<5.000000e-01> : tensor<1x2xf16>
func.func @slice(%x: tensor<?x2xf16>) -> (tensor<?x1xf16>, tensor<?x1xf16>, tensor<?x1xf16>) {
  %w = arith.constant dense<[[[1.0, 2.0]], [[3.0, 4.0]], [[5.0, 6.0]]]> : tensor<3x1x2xf16>
  %half = arith.constant dense<0.5> : tensor<3x1x2xf16>
  %two = arith.constant dense<2.0> : tensor<2xf32>
  %v = awq.scale_channels %w, %two {axis = 2 : i64} : tensor<3x1x2xf16>, tensor<2xf32>
  %a = tensor.extract_slice %w[1, 0, 0] [1, 1, 2] [1, 1, 1] : tensor<3x1x2xf16> to tensor<1x2xf16>
  %b = tensor.extract_slice %v[1, 0, 0] [1, 1, 2] [1, 1, 1] : tensor<3x1x2xf16> to tensor<1x2xf16>
  %c = tensor.extract_slice %half[2, 0, 0] [1, 1, 2] [1, 1, 1] : tensor<3x1x2xf16> to tensor<1x2xf16>
  %p = awq.linear %x, %a : (tensor<?x2xf16>, tensor<1x2xf16>) -> tensor<?x1xf16>
  %q = awq.linear %x, %b : (tensor<?x2xf16>, tensor<1x2xf16>) -> tensor<?x1xf16>
  %r = awq.linear %x, %c : (tensor<?x2xf16>, tensor<1x2xf16>) -> tensor<?x1xf16>
  return %p, %q, %r : tensor<?x1xf16>, tensor<?x1xf16>, tensor<?x1xf16>
}

// -----

// Rounding and back; the splat global has no bytes in any file.
// CHECK-LABEL: func @round
// CHECK: %[[W:.*]] = arith.constant dense<1.500000e+00> : tensor<1x16xf32>
// CHECK-NEXT: awq.linear %{{.*}}, %[[W]]
ml_program.global private @w(dense<1.5> : tensor<1x16xf32>) : tensor<1x16xf32>
func.func @round(%x: tensor<?x16xf32>) -> tensor<?x1xf32> {
  %w = ml_program.global_load_const @w : tensor<1x16xf32>
  %q, %s, %z = awq.quantize %w {scheme = #awq.scheme<bits = 4, group = 16, zero = asymmetric, scale = f32>}
    : tensor<1x16xf32> -> tensor<1x16xi8>, tensor<1x1xf32>, tensor<1x1xi8>
  %d = awq.dequantize %q, %s, %z {scheme = #awq.scheme<bits = 4, group = 16, zero = asymmetric, scale = f32>}
    : tensor<1x16xi8>, tensor<1x1xf32>, tensor<1x1xi8> -> tensor<1x16xf32>
  %y = awq.linear %x, %d : (tensor<?x16xf32>, tensor<1x16xf32>) -> tensor<?x1xf32>
  return %y : tensor<?x1xf32>
}

// -----

// Columns side by side; no rows at all are no reason to divide by their number.
// CHECK-LABEL: func @concat
// CHECK-DAG: arith.constant dense<{{\[\[}}1.000000e+00, 3.000000e+00, 4.000000e+00], [2.000000e+00, 5.000000e+00, 6.000000e+00]]> : tensor<2x3xf32>
// CHECK-DAG: arith.constant dense<> : tensor<0x3xf32>
// CHECK-NOT: tensor.concat
// CHECK: return
func.func @concat(%x: tensor<?x3xf32>) -> (tensor<?x2xf32>, tensor<?x0xf32>) {
  %a = arith.constant dense<[[1.0], [2.0]]> : tensor<2x1xf32>
  %b = arith.constant dense<[[3.0, 4.0], [5.0, 6.0]]> : tensor<2x2xf32>
  %w = tensor.concat dim(1) %a, %b : (tensor<2x1xf32>, tensor<2x2xf32>) -> tensor<2x3xf32>
  %y = awq.linear %x, %w : (tensor<?x3xf32>, tensor<2x3xf32>) -> tensor<?x2xf32>
  %c = arith.constant dense<> : tensor<0x1xf32>
  %d = arith.constant dense<> : tensor<0x2xf32>
  %v = tensor.concat dim(1) %c, %d : (tensor<0x1xf32>, tensor<0x2xf32>) -> tensor<0x3xf32>
  %p = awq.clip_groups %v, %c, %c : tensor<0x3xf32>, tensor<0x1xf32>
  %z = awq.linear %x, %p : (tensor<?x3xf32>, tensor<0x3xf32>) -> tensor<?x0xf32>
  return %y, %z : tensor<?x2xf32>, tensor<?x0xf32>
}
