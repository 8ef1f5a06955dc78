// RUN: awq-opt %s -awq-test-scale-groups=seed=3 | FileCheck %s

// The norm's weight is divided by s, and the columns of the router and of every
// expert's gate and up are multiplied by it. An up's rows are divided by
// factors of their own, which its down takes up.
// CHECK-LABEL: func @mixture
// CHECK: %[[S:.*]] = arith.constant dense<[{{.*}}]> : tensor<4xf32>
// CHECK: %[[G:.*]] = awq.scale_channels %{{.*}}, %[[S]] {axis = 0 : i64, inverse}
// CHECK: %[[N:.*]] = decoder.rms_norm %{{.*}}, %[[G]]
// CHECK: %[[R:.*]] = awq.scale_channels %{{.*}}, %[[S]] {axis = 1 : i64} : tensor<2x4xf32>
// CHECK: awq.linear %[[N]], %[[R]] {awq.name = "router"}
// CHECK: decoder.experts %[[N]]
// CHECK: ^bb0(%[[T:.*]]: tensor<?x4xf32>):
// CHECK: %[[GATE0:.*]] = awq.scale_channels %{{.*}}, %[[S]] {axis = 1 : i64} : tensor<4x4xf32>
// CHECK: awq.linear %[[T]], %[[GATE0]] {awq.name = "0.gate"}
// CHECK: %[[COLUMNS:.*]] = awq.scale_channels %{{.*}}, %[[S]] {axis = 1 : i64} : tensor<4x4xf32>
// CHECK: %[[Q:.*]] = arith.constant
// CHECK: %[[UP0:.*]] = awq.scale_channels %[[COLUMNS]], %[[Q]] {axis = 0 : i64, inverse}
// CHECK: awq.linear %[[T]], %[[UP0]] {awq.name = "0.up"}
// CHECK: %[[DOWN0:.*]] = awq.scale_channels %{{.*}}, %[[Q]] {axis = 1 : i64} : tensor<4x4xf32>
// CHECK: awq.linear %{{.*}}, %[[DOWN0]] {awq.name = "0.down"}
// CHECK: ^bb0(%[[V:.*]]: tensor<?x4xf32>):
// CHECK: %[[GATE1:.*]] = awq.scale_channels %{{.*}}, %[[S]] {axis = 1 : i64} : tensor<4x4xf32>
// CHECK: awq.linear %[[V]], %[[GATE1]] {awq.name = "1.gate"}
func.func @mixture(%x: tensor<?x4xf32>) -> tensor<?x4xf32> {
  %g = arith.constant dense<1.0> : tensor<4xf32>
  %w = arith.constant dense<0.5> : tensor<4x4xf32>
  %r = arith.constant dense<0.5> : tensor<2x4xf32>
  %n = decoder.rms_norm %x, %g {awq.name = "norm", epsilon = 1.0e-05 : f64} : tensor<?x4xf32>, tensor<4xf32>
  %l = awq.linear %n, %r {awq.name = "router"} : (tensor<?x4xf32>, tensor<2x4xf32>) -> tensor<?x2xf32>
  %p, %i = decoder.router %l {scoring = #decoder.router_scoring<softmax>, top_k = 1 : i64}
    : tensor<?x2xf32> -> tensor<?x1xf32>, tensor<?x1xi32>
  %y = decoder.experts %n, %p, %i : (tensor<?x4xf32>, tensor<?x1xf32>, tensor<?x1xi32>) -> tensor<?x4xf32> {
  ^bb0(%t: tensor<?x4xf32>):
    %a = awq.linear %t, %w {awq.name = "0.gate"} : (tensor<?x4xf32>, tensor<4x4xf32>) -> tensor<?x4xf32>
    %b = awq.linear %t, %w {awq.name = "0.up"} : (tensor<?x4xf32>, tensor<4x4xf32>) -> tensor<?x4xf32>
    %c = decoder.glu %a, %b {kind = #decoder.activation_kind<silu>} : tensor<?x4xf32>
    %d = awq.linear %c, %w {awq.name = "0.down"} : (tensor<?x4xf32>, tensor<4x4xf32>) -> tensor<?x4xf32>
    decoder.yield %d : tensor<?x4xf32>
  }, {
  ^bb0(%t: tensor<?x4xf32>):
    %a = awq.linear %t, %w {awq.name = "1.gate"} : (tensor<?x4xf32>, tensor<4x4xf32>) -> tensor<?x4xf32>
    %b = awq.linear %t, %w {awq.name = "1.up"} : (tensor<?x4xf32>, tensor<4x4xf32>) -> tensor<?x4xf32>
    %c = decoder.glu %a, %b {kind = #decoder.activation_kind<silu>} : tensor<?x4xf32>
    %d = awq.linear %c, %w {awq.name = "1.down"} : (tensor<?x4xf32>, tensor<4x4xf32>) -> tensor<?x4xf32>
    decoder.yield %d : tensor<?x4xf32>
  }
  return %y : tensor<?x4xf32>
}
