// RUN: awq-opt %s -awq-search-scales='bits=3 group=0 skip=router' | FileCheck %s
// RUN: awq-opt %s -awq-search-clips='bits=3 group=0 skip=router' | FileCheck %s --check-prefix=CLIPS

// One search for the linears of all experts, on the statistics of all tokens:
// channel 0 is sixteen times as active as the others. The router compensates.
// CHECK-LABEL: func @mixture
// CHECK: %[[N:.*]] = decoder.rms_norm
// CHECK: %[[M:.*]] = awq.scale_channels %[[N]], %[[S:.*]] {axis = 1 : i64, inverse}
// CHECK: %[[R:.*]] = awq.scale_channels %{{.*}}, %[[S]] {axis = 1 : i64} : tensor<2x4xf32>
// CHECK: awq.linear %[[M]], %[[R]] {awq.name = "router"}
// CHECK: %[[O:.*]] = awq.observe %[[M]] "site"
// CHECK: decoder.experts %[[O]],
// CHECK: %[[A:.*]] = awq.scale_channels %{{.*}}, %[[S]] {axis = 1 : i64} : tensor<4x4xf32>
// CHECK: awq.linear %{{.*}}, %[[A]] {awq.name = "0"}
// CHECK: %[[B:.*]] = awq.scale_channels %{{.*}}, %[[S]] {axis = 1 : i64} : tensor<4x4xf32>
// CHECK: awq.linear %{{.*}}, %[[B]] {awq.name = "1"}

// What no token activates costs nothing to clip.
// CLIPS: decoder.experts
// CLIPS: awq.linear %{{.*}}, %{{.*}} {awq.name = "0"}
// CLIPS: %[[C:.*]] = awq.clip_groups %{{.*}}, %{{.*}}, %{{.*}} : tensor<4x4xf32>, tensor<4x1xf32>
// CLIPS: awq.linear %{{.*}}, %[[C]] {awq.name = "1"}
func.func @mixture(%x: tensor<?x4xf32>) -> tensor<?x4xf32> {
  %g = arith.constant dense<1.0> : tensor<4xf32>
  %w = arith.constant dense<[[0.31, 0.55, -0.72, 0.0], [-0.17, 0.83, 0.26, 0.0], [0.9, -0.4, 0.7, 0.0], [0.1, 0.2, -0.6, 0.0]]> : tensor<4x4xf32>
  %v = arith.constant dense<[[-0.5, 0.45, 0.92, 8.0], [0.67, 0.13, -0.26, 8.0], [0.9, -0.4, 0.7, 8.0], [0.3, -0.2, -0.7, 8.0]]> : tensor<4x4xf32>
  %r = arith.constant dense<0.5> : tensor<2x4xf32>
  %n = decoder.rms_norm %x, %g {awq.name = "norm", epsilon = 1.0e-05 : f64} : tensor<?x4xf32>, tensor<4xf32>
  %l = awq.linear %n, %r {awq.name = "router"} : (tensor<?x4xf32>, tensor<2x4xf32>) -> tensor<?x2xf32>
  %p, %i = decoder.router %l {scoring = #decoder.router_scoring<softmax>, top_k = 1 : i64}
    : tensor<?x2xf32> -> tensor<?x1xf32>, tensor<?x1xi32>
  %o = awq.observe %n "site" {statistics = {fit = {tokens = 64 : i64,
      mean_abs = dense<[16.0, 1.0, 1.0, 0.0]> : tensor<4xf32>,
      max_abs = dense<[16.0, 1.0, 1.0, 0.0]> : tensor<4xf32>,
      mean_square = dense<[256.0, 1.0, 1.0, 0.0]> : tensor<4xf32>,
      gram = dense<[[16384.0, 0.0, 0.0, 0.0], [0.0, 64.0, 0.0, 0.0], [0.0, 0.0, 64.0, 0.0],
                    [0.0, 0.0, 0.0, 0.0]]> : tensor<4x4xf32>}}} : tensor<?x4xf32>
  %y = decoder.experts %o, %p, %i : (tensor<?x4xf32>, tensor<?x1xf32>, tensor<?x1xi32>) -> tensor<?x4xf32> {
  ^bb0(%t: tensor<?x4xf32>):
    %a = awq.linear %t, %w {awq.name = "0"} : (tensor<?x4xf32>, tensor<4x4xf32>) -> tensor<?x4xf32>
    decoder.yield %a : tensor<?x4xf32>
  }, {
  ^bb0(%t: tensor<?x4xf32>):
    %a = awq.linear %t, %v {awq.name = "1"} : (tensor<?x4xf32>, tensor<4x4xf32>) -> tensor<?x4xf32>
    decoder.yield %a : tensor<?x4xf32>
  }
  return %y : tensor<?x4xf32>
}
