// RUN: awq-opt %s -split-input-file -pass-pipeline='builtin.module(func.func(awq-apply-scales))' -verify-diagnostics | FileCheck %s

// CHECK-LABEL: func @norm
// CHECK: %[[G:.*]] = arith.constant dense<[2.0{{.*}}, 3.0{{.*}}]>
// CHECK: %[[S:.*]] = arith.constant dense<[4.0{{.*}}, 5.0{{.*}}]>
// CHECK: %[[V:.*]] = awq.scale_channels %[[G]], %[[S]] {axis = 0 : i64, inverse} : tensor<2xf32>, tensor<2xf32>
// CHECK: %[[Y:.*]] = decoder.rms_norm %{{.*}}, %[[V]]
// CHECK: return %[[Y]]
func.func @norm(%x: tensor<?x2xf32>) -> tensor<?x2xf32> {
  %g = arith.constant dense<[2.0, 3.0]> : tensor<2xf32>
  %y = decoder.rms_norm %x, %g {epsilon = 1.0e-05 : f64} : tensor<?x2xf32>, tensor<2xf32>
  %s = arith.constant dense<[4.0, 5.0]> : tensor<2xf32>
  %z = awq.scale_channels %y, %s {axis = 1 : i64, inverse} : tensor<?x2xf32>, tensor<2xf32>
  return %z : tensor<?x2xf32>
}

// -----

// A norm that multiplies by 1 + w: w becomes (1 + w) / s - 1.
// CHECK-LABEL: func @offset
// CHECK: awq.scale_channels %{{.*}}, %{{.*}} {axis = 0 : i64, inverse, offset = 1.0{{.*}} : f64}
// CHECK: decoder.rms_norm
func.func @offset(%x: tensor<?x2xf32>) -> tensor<?x2xf32> {
  %g = arith.constant dense<[2.0, 3.0]> : tensor<2xf32>
  %s = arith.constant dense<[4.0, 5.0]> : tensor<2xf32>
  %y = decoder.rms_norm %x, %g {epsilon = 1.0e-05 : f64, offset = 1.0 : f64} : tensor<?x2xf32>, tensor<2xf32>
  %z = awq.scale_channels %y, %s {axis = 1 : i64, inverse} : tensor<?x2xf32>, tensor<2xf32>
  return %z : tensor<?x2xf32>
}

// -----

// Rows of a linear and its bias; a 16-bit weight is widened first, so that
// scaling it rounds nothing.
// CHECK-LABEL: func @linear
// CHECK: %[[E:.*]] = arith.extf %{{.*}} : tensor<2x3xf16> to tensor<2x3xf32>
// CHECK: %[[W:.*]] = awq.scale_channels %[[E]], %{{.*}} {axis = 0 : i64, inverse} : tensor<2x3xf32>, tensor<2xf32>
// CHECK: %[[B:.*]] = awq.scale_channels %{{.*}}, %{{.*}} {axis = 0 : i64, inverse} : tensor<2xf32>, tensor<2xf32>
// CHECK: awq.linear %{{.*}}, %[[W]] bias %[[B]]
// CHECK-NOT: axis = 1
func.func @linear(%x: tensor<?x3xf32>) -> tensor<?x2xf32> {
  %w = arith.constant dense<1.0> : tensor<2x3xf16>
  %b = arith.constant dense<1.0> : tensor<2xf32>
  %s = arith.constant dense<[4.0, 5.0]> : tensor<2xf32>
  %y = awq.linear %x, %w bias %b : (tensor<?x3xf32>, tensor<2x3xf16>, tensor<2xf32>) -> tensor<?x2xf32>
  %z = awq.scale_channels %y, %s {axis = 1 : i64, inverse} : tensor<?x2xf32>, tensor<2xf32>
  return %z : tensor<?x2xf32>
}

// -----

// CHECK-LABEL: func @no_producer
// CHECK: awq.scale_channels %{{.*}} {axis = 1
func.func @no_producer(%x: tensor<?x2xf32>) -> tensor<?x2xf32> {
  %s = arith.constant dense<[4.0, 5.0]> : tensor<2xf32>
  // expected-remark @below {{stays: its input has no producer to edit}}
  %z = awq.scale_channels %x, %s {axis = 1 : i64, inverse} : tensor<?x2xf32>, tensor<2xf32>
  return %z : tensor<?x2xf32>
}

// -----

func.func @other_use(%x: tensor<?x2xf32>) -> (tensor<?x2xf32>, tensor<?x2xf32>) {
  %g = arith.constant dense<[2.0, 3.0]> : tensor<2xf32>
  %s = arith.constant dense<[4.0, 5.0]> : tensor<2xf32>
  %y = decoder.rms_norm %x, %g {epsilon = 1.0e-05 : f64} : tensor<?x2xf32>, tensor<2xf32>
  // expected-remark @below {{stays: the unscaled value has other uses}}
  %z = awq.scale_channels %y, %s {axis = 1 : i64, inverse} : tensor<?x2xf32>, tensor<2xf32>
  return %z, %y : tensor<?x2xf32>, tensor<?x2xf32>
}

// -----

func.func @not_constant(%x: tensor<?x2xf32>, %g: tensor<2xf32>) -> tensor<?x2xf32> {
  %s = arith.constant dense<[4.0, 5.0]> : tensor<2xf32>
  %y = decoder.rms_norm %x, %g {epsilon = 1.0e-05 : f64} : tensor<?x2xf32>, tensor<2xf32>
  // expected-remark @below {{stays: 'decoder.rms_norm' has no constants to edit}}
  %z = awq.scale_channels %y, %s {axis = 1 : i64, inverse} : tensor<?x2xf32>, tensor<2xf32>
  return %z : tensor<?x2xf32>
}
