// RUN: awq-opt %s -awq-insert-observers='skip=router' | FileCheck %s
// RUN: awq-opt %s -awq-insert-observers='skip=router' | awq-opt -awq-insert-observers='skip=router' | FileCheck %s
// RUN: awq-opt %s -pass-pipeline='builtin.module(awq-insert-observers{skip=router,down},awq-lower-observers)' | FileCheck %s --check-prefix=LOWERED

// The hidden states are observed once, for the experts and for the linear
// beside them; the input of each down inside of its expert.
// CHECK-LABEL: func @mixture(
// CHECK-SAME: %[[X:.*]]: tensor<?x4xf32>
// CHECK: awq.linear %[[X]], %{{.*}} {awq.name = "router"}
// CHECK: %[[O:.*]] = awq.observe %[[X]] "0.up.input" : tensor<?x4xf32>
// CHECK: decoder.experts %[[O]],
// CHECK: ^bb0(%[[T:.*]]: tensor<?x4xf32>):
// CHECK-NEXT: %[[U:.*]] = awq.linear %[[T]], %{{.*}} {awq.name = "0.up"}
// CHECK-NEXT: %[[P:.*]] = awq.observe %[[U]] "0.down.input"
// CHECK-NEXT: awq.linear %[[P]], %{{.*}} {awq.name = "0.down"}
// CHECK: ^bb0(%[[V:.*]]: tensor<?x4xf32>):
// CHECK-NEXT: awq.linear %[[V]], %{{.*}} {awq.name = "1.up"}
// CHECK: awq.linear %[[O]], %{{.*}} {awq.name = "shared"}

// LOWERED: func @mixture(%[[X:.*]]: tensor<?x4xf32>) -> (tensor<?x4xf32>, tensor<?x4xf32> {awq.site = "0.up.input"})
// LOWERED: decoder.experts %[[X]],
// LOWERED: return %{{.*}}, %[[X]]
func.func @mixture(%x: tensor<?x4xf32>) -> tensor<?x4xf32> {
  %w = arith.constant dense<0.5> : tensor<4x4xf32>
  %r = arith.constant dense<0.5> : tensor<2x4xf32>
  %l = awq.linear %x, %r {awq.name = "router"} : (tensor<?x4xf32>, tensor<2x4xf32>) -> tensor<?x2xf32>
  %p, %i = decoder.router %l {scoring = #decoder.router_scoring<softmax>, top_k = 1 : i64}
    : tensor<?x2xf32> -> tensor<?x1xf32>, tensor<?x1xi32>
  %y = decoder.experts %x, %p, %i : (tensor<?x4xf32>, tensor<?x1xf32>, tensor<?x1xi32>) -> tensor<?x4xf32> {
  ^bb0(%t: tensor<?x4xf32>):
    %u = awq.linear %t, %w {awq.name = "0.up"} : (tensor<?x4xf32>, tensor<4x4xf32>) -> tensor<?x4xf32>
    %d = awq.linear %u, %w {awq.name = "0.down"} : (tensor<?x4xf32>, tensor<4x4xf32>) -> tensor<?x4xf32>
    decoder.yield %d : tensor<?x4xf32>
  }, {
  ^bb0(%t: tensor<?x4xf32>):
    %u = awq.linear %t, %w {awq.name = "1.up"} : (tensor<?x4xf32>, tensor<4x4xf32>) -> tensor<?x4xf32>
    %d = awq.linear %u, %w {awq.name = "1.down"} : (tensor<?x4xf32>, tensor<4x4xf32>) -> tensor<?x4xf32>
    decoder.yield %d : tensor<?x4xf32>
  }
  %s = awq.linear %x, %w {awq.name = "shared"} : (tensor<?x4xf32>, tensor<4x4xf32>) -> tensor<?x4xf32>
  %z = arith.addf %y, %s : tensor<?x4xf32>
  return %z : tensor<?x4xf32>
}
