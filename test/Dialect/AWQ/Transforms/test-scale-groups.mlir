// RUN: awq-opt %s -awq-test-scale-groups=seed=1 | FileCheck %s
// RUN: awq-opt %s -awq-test-scale-groups=seed=1 -awq-materialize-parameters | FileCheck %s --check-prefix=PLAIN

// Every group's producer and readers are scaled, and no activation is.
// CHECK-LABEL: func @mlp
// CHECK: %[[G:.*]] = awq.scale_channels %{{.*}} {axis = 0 : i64, inverse} : tensor<4xf32>, tensor<4xf32>
// CHECK: decoder.rms_norm %arg0, %[[G]]
// CHECK: awq.scale_channels %{{.*}} {axis = 1 : i64} : tensor<4x4xf32>
// CHECK: awq.linear
// CHECK: awq.scale_channels %{{.*}} {axis = 0 : i64, inverse} : tensor<4x4xf32>
// CHECK: awq.linear
// CHECK: decoder.glu
// CHECK: awq.scale_channels %{{.*}} {axis = 1 : i64} : tensor<4x4xf32>
// CHECK: awq.linear

// PLAIN-NOT: awq.scale_channels
func.func @mlp(%x: tensor<?x4xf32>) -> tensor<?x4xf32> {
  %g = arith.constant dense<1.0> : tensor<4xf32>
  %w = arith.constant dense<0.5> : tensor<4x4xf32>
  %n = decoder.rms_norm %x, %g {epsilon = 1.0e-05 : f64} : tensor<?x4xf32>, tensor<4xf32>
  %gate = awq.linear %n, %w : (tensor<?x4xf32>, tensor<4x4xf32>) -> tensor<?x4xf32>
  %up = awq.linear %n, %w : (tensor<?x4xf32>, tensor<4x4xf32>) -> tensor<?x4xf32>
  %f = decoder.glu %gate, %up {kind = #decoder.activation_kind<silu>} : tensor<?x4xf32>
  %y = awq.linear %f, %w : (tensor<?x4xf32>, tensor<4x4xf32>) -> tensor<?x4xf32>
  return %y : tensor<?x4xf32>
}
