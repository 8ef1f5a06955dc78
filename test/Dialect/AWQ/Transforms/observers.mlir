// RUN: awq-opt %s -awq-insert-observers | FileCheck %s
// RUN: awq-opt %s -awq-insert-observers='skip=down' | FileCheck %s --check-prefix=SKIP
// RUN: awq-opt %s -pass-pipeline='builtin.module(awq-insert-observers,func.func(awq-remove-observers))' | FileCheck %s --check-prefix=REMOVED
// RUN: awq-opt %s -pass-pipeline='builtin.module(awq-insert-observers,awq-lower-observers)' | FileCheck %s --check-prefix=LOWERED

// One site for the two readers of a value.
// CHECK-LABEL: func @mlp
// CHECK: %[[O:.*]] = awq.observe %arg0 "gate.input" : tensor<?x4xf32>
// CHECK: awq.linear %[[O]], {{.*}}awq.name = "gate"
// CHECK: awq.linear %[[O]], {{.*}}awq.name = "up"
// CHECK: %[[F:.*]] = decoder.glu
// CHECK: %[[P:.*]] = awq.observe %[[F]] "down.input" : tensor<?x4xf32>
// CHECK: awq.linear %[[P]]

// SKIP: awq.observe {{.*}} "gate.input"
// SKIP-NOT: awq.observe

// REMOVED-NOT: awq.observe

// LOWERED: func @mlp(%[[X:.*]]: tensor<?x4xf32>) -> (tensor<?x4xf32>, tensor<?x4xf32> {awq.site = "gate.input"}, tensor<?x4xf32> {awq.site = "down.input"})
// LOWERED: awq.linear %[[X]],
// LOWERED: %[[F:.*]] = decoder.glu
// LOWERED: %[[Y:.*]] = awq.linear %[[F]],
// LOWERED: return %[[Y]], %[[X]], %[[F]]
func.func @mlp(%x: tensor<?x4xf32>) -> tensor<?x4xf32> {
  %w = arith.constant dense<0.5> : tensor<4x4xf32>
  %gate = awq.linear %x, %w {awq.name = "gate"} : (tensor<?x4xf32>, tensor<4x4xf32>) -> tensor<?x4xf32>
  %up = awq.linear %x, %w {awq.name = "up"} : (tensor<?x4xf32>, tensor<4x4xf32>) -> tensor<?x4xf32>
  %f = decoder.glu %gate, %up {kind = #decoder.activation_kind<silu>} : tensor<?x4xf32>
  %y = awq.linear %f, %w {awq.name = "down"} : (tensor<?x4xf32>, tensor<4x4xf32>) -> tensor<?x4xf32>
  return %y : tensor<?x4xf32>
}
