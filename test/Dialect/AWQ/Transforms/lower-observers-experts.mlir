// RUN: awq-opt %s -awq-lower-observers | FileCheck %s
// RUN: awq-opt %s -awq-lower-observers=all-tokens | FileCheck %s --check-prefix=ALL

// What the second expert makes of its tokens is computed once more: its number
// becomes 0, that of the only expert, and tokens of other experts get zeros.

// CHECK-LABEL: func.func @inside(
// CHECK-SAME: %[[X:.*]]: tensor<?x4xf32>, %[[W:.*]]: tensor<?x2xf32>, %[[I:.*]]: tensor<?x2xi32>, %[[A:.*]]: tensor<8x4xf32>, %[[B:.*]]: tensor<4x8xf32>)
// CHECK-SAME: -> (tensor<?x4xf32>, tensor<?x8xf32> {awq.site = "b.input"})
// CHECK: %[[ONE:.*]] = arith.constant 1.000000e+00 : f32
// CHECK: %[[WEIGHTS:.*]] = tensor.splat %[[ONE]][%{{.*}}] : tensor<?x2xf32>
// CHECK: %[[NUMBER:.*]] = arith.constant 1 : i32
// CHECK: %[[NUMBERS:.*]] = tensor.splat %[[NUMBER]][%{{.*}}] : tensor<?x2xi32>
// CHECK: %[[SHIFTED:.*]] = arith.subi %[[I]], %[[NUMBERS]] : tensor<?x2xi32>
// CHECK: %[[SEEN:.*]] = decoder.experts %[[X]], %[[WEIGHTS]], %[[SHIFTED]] : (tensor<?x4xf32>, tensor<?x2xf32>, tensor<?x2xi32>) -> tensor<?x8xf32> {
// CHECK-NEXT: ^bb0(%[[T:.*]]: tensor<?x4xf32>):
// CHECK-NEXT: %[[U:.*]] = awq.linear %[[T]], %[[A]]
// CHECK-NEXT: decoder.yield %[[U]] : tensor<?x8xf32>
// CHECK-NEXT: }
// CHECK: %[[Y:.*]] = decoder.experts %[[X]], %[[W]], %[[I]]
// CHECK-NOT: awq.observe
// CHECK: return %[[Y]], %[[SEEN]]

// ALL-LABEL: func.func @inside(
// ALL-DAG: %[[ZERO:.*]] = arith.constant 0 : i32
// ALL: %[[NUMBERS:.*]] = tensor.splat %[[ZERO]][%{{.*}}] : tensor<?x1xi32>
// ALL: decoder.experts %{{.*}}, %{{.*}}, %[[NUMBERS]] : (tensor<?x4xf32>, tensor<?x1xf32>, tensor<?x1xi32>) -> tensor<?x8xf32>
func.func @inside(%x: tensor<?x4xf32>, %w: tensor<?x2xf32>, %i: tensor<?x2xi32>, %a: tensor<8x4xf32>,
                  %b: tensor<4x8xf32>) -> tensor<?x4xf32> {
  %y = decoder.experts %x, %w, %i : (tensor<?x4xf32>, tensor<?x2xf32>, tensor<?x2xi32>) -> tensor<?x4xf32> {
  ^bb0(%t: tensor<?x4xf32>):
    decoder.yield %t : tensor<?x4xf32>
  }, {
  ^bb0(%t: tensor<?x4xf32>):
    %u = awq.linear %t, %a : (tensor<?x4xf32>, tensor<8x4xf32>) -> tensor<?x8xf32>
    %o = awq.observe %u "b.input" : tensor<?x8xf32>
    %v = awq.linear %o, %b : (tensor<?x8xf32>, tensor<4x8xf32>) -> tensor<?x4xf32>
    decoder.yield %v : tensor<?x4xf32>
  }
  return %y : tensor<?x4xf32>
}
