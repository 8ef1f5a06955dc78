// RUN: awq-opt %s --awq-raise-linalg=remarks -split-input-file -verify-diagnostics | FileCheck %s

// CHECK-LABEL: func.func @two_parameters(
// CHECK:         linalg.matmul
// CHECK-NOT:     awq.linear
func.func @two_parameters() -> tensor<2x2xf32> {
  %zero = arith.constant 0.0 : f32
  %w = arith.constant dense<[[1.0, 2.0], [3.0, 4.0]]> : tensor<2x2xf32>
  %v = arith.constant dense<[[3.0, 2.0], [3.0, 4.0]]> : tensor<2x2xf32>
  %e = tensor.empty() : tensor<2x2xf32>
  %z = linalg.fill ins(%zero : f32) outs(%e : tensor<2x2xf32>) -> tensor<2x2xf32>
  // expected-remark @below {{stays as it is: multiplies two parameters}}
  %p = linalg.matmul ins(%w, %v : tensor<2x2xf32>, tensor<2x2xf32>) outs(%z : tensor<2x2xf32>) -> tensor<2x2xf32>
  return %p : tensor<2x2xf32>
}

// -----

// CHECK-LABEL: func.func @vector(
// CHECK:         linalg.generic
#x = affine_map<(d0, d1) -> (d0, d1)>
#w = affine_map<(d0, d1) -> (d1)>
#y = affine_map<(d0, d1) -> (d0)>
func.func @vector(%x: tensor<3x2xf32>) -> tensor<3xf32> {
  %zero = arith.constant 0.0 : f32
  %w = arith.constant dense<[1.0, 2.0]> : tensor<2xf32>
  %e = tensor.empty() : tensor<3xf32>
  %z = linalg.fill ins(%zero : f32) outs(%e : tensor<3xf32>) -> tensor<3xf32>
  // expected-remark @below {{stays as it is: has a weight that is no matrix}}
  %p = linalg.generic {indexing_maps = [#x, #w, #y], iterator_types = ["parallel", "reduction"]}
      ins(%x, %w : tensor<3x2xf32>, tensor<2xf32>) outs(%z : tensor<3xf32>) {
  ^bb0(%l: f32, %r: f32, %out: f32):
    %m = arith.mulf %l, %r : f32
    %a = arith.addf %out, %m : f32
    linalg.yield %a : f32
  } -> tensor<3xf32>
  return %p : tensor<3xf32>
}

// -----

// W x instead of x W: channels come first.
// CHECK-LABEL: func.func @columns(
// CHECK:         linalg.matmul
func.func @columns(%x: tensor<2x5xf32>) -> tensor<2x5xf32> {
  %zero = arith.constant 0.0 : f32
  %w = arith.constant dense<[[1.0, 2.0], [3.0, 4.0]]> : tensor<2x2xf32>
  %e = tensor.empty() : tensor<2x5xf32>
  %z = linalg.fill ins(%zero : f32) outs(%e : tensor<2x5xf32>) -> tensor<2x5xf32>
  // expected-remark @below {{stays as it is: gives channels that are not its last dimension}}
  %p = linalg.matmul ins(%w, %x : tensor<2x2xf32>, tensor<2x5xf32>) outs(%z : tensor<2x5xf32>) -> tensor<2x5xf32>
  return %p : tensor<2x5xf32>
}

// -----

// CHECK-LABEL: func.func @double(
// CHECK:         linalg.matmul
func.func @double(%x: tensor<5x2xf64>) -> tensor<5x2xf64> {
  %zero = arith.constant 0.0 : f64
  %w = arith.constant dense<[[1.0, 2.0], [3.0, 4.0]]> : tensor<2x2xf64>
  %e = tensor.empty() : tensor<5x2xf64>
  %z = linalg.fill ins(%zero : f64) outs(%e : tensor<5x2xf64>) -> tensor<5x2xf64>
  // expected-remark @below {{stays as it is: has activations of no type that a linear takes}}
  %p = linalg.matmul ins(%x, %w : tensor<5x2xf64>, tensor<2x2xf64>) outs(%z : tensor<5x2xf64>) -> tensor<5x2xf64>
  return %p : tensor<5x2xf64>
}

// -----

// One vector of weights for each of the batches.
// CHECK-LABEL: func.func @batches(
// CHECK:         linalg.generic
#x = affine_map<(d0, d1, d2) -> (d0, d2)>
#w = affine_map<(d0, d1, d2) -> (d0, d2)>
#y = affine_map<(d0, d1, d2) -> (d0, d1)>
func.func @batches(%x: tensor<2x3xf32>) -> tensor<2x4xf32> {
  %zero = arith.constant 0.0 : f32
  %w = arith.constant dense<[[1.0, 2.0, 3.0], [3.0, 4.0, 5.0]]> : tensor<2x3xf32>
  %e = tensor.empty() : tensor<2x4xf32>
  %z = linalg.fill ins(%zero : f32) outs(%e : tensor<2x4xf32>) -> tensor<2x4xf32>
  // expected-remark @below {{stays as it is: has a weight for each of its batches}}
  %p = linalg.generic {indexing_maps = [#x, #w, #y], iterator_types = ["parallel", "parallel", "reduction"]}
      ins(%x, %w : tensor<2x3xf32>, tensor<2x3xf32>) outs(%z : tensor<2x4xf32>) {
  ^bb0(%l: f32, %r: f32, %out: f32):
    %m = arith.mulf %l, %r : f32
    %a = arith.addf %out, %m : f32
    linalg.yield %a : f32
  } -> tensor<2x4xf32>
  return %p : tensor<2x4xf32>
}

// -----

// CHECK-LABEL: func.func @from_bias(
// CHECK:         linalg.matmul
func.func @from_bias(%x: tensor<2x2xf32>) -> tensor<2x2xf32> {
  %w = arith.constant dense<[[1.0, 2.0], [3.0, 4.0]]> : tensor<2x2xf32>
  // expected-remark @below {{stays as it is: does not begin at zero}}
  %p = linalg.matmul ins(%x, %w : tensor<2x2xf32>, tensor<2x2xf32>) outs(%x : tensor<2x2xf32>) -> tensor<2x2xf32>
  return %p : tensor<2x2xf32>
}

// -----

// CHECK-LABEL: func.func @joined(
// CHECK:         linalg.generic
#x = affine_map<(d0, d1, d2, d3) -> (d0, d2, d3)>
#w = affine_map<(d0, d1, d2, d3) -> (d1, d2, d3)>
#y = affine_map<(d0, d1, d2, d3) -> (d0, d1)>
func.func @joined(%x: tensor<5x1x2xf32>) -> tensor<5x2xf32> {
  %zero = arith.constant 0.0 : f32
  %w = arith.constant dense<[[[1.0, 2.0]], [[3.0, 4.0]]]> : tensor<2x1x2xf32>
  %e = tensor.empty() : tensor<5x2xf32>
  %z = linalg.fill ins(%zero : f32) outs(%e : tensor<5x2xf32>) -> tensor<5x2xf32>
  // expected-remark @below {{stays as it is: adds up over several dimensions}}
  %p = linalg.generic {indexing_maps = [#x, #w, #y], iterator_types = ["parallel", "parallel", "reduction", "reduction"]}
      ins(%x, %w : tensor<5x1x2xf32>, tensor<2x1x2xf32>) outs(%z : tensor<5x2xf32>) {
  ^bb0(%l: f32, %r: f32, %out: f32):
    %m = arith.mulf %l, %r : f32
    %a = arith.addf %out, %m : f32
    linalg.yield %a : f32
  } -> tensor<5x2xf32>
  return %p : tensor<5x2xf32>
}

// -----

// Two activations are no linear, and nothing is said of them.
// CHECK-LABEL: func.func @activations(
// CHECK:         linalg.matmul
func.func @activations(%x: tensor<2x2xf32>, %y: tensor<2x2xf32>) -> tensor<2x2xf32> {
  %zero = arith.constant 0.0 : f32
  %e = tensor.empty() : tensor<2x2xf32>
  %z = linalg.fill ins(%zero : f32) outs(%e : tensor<2x2xf32>) -> tensor<2x2xf32>
  %p = linalg.matmul ins(%x, %y : tensor<2x2xf32>, tensor<2x2xf32>) outs(%z : tensor<2x2xf32>) -> tensor<2x2xf32>
  return %p : tensor<2x2xf32>
}
