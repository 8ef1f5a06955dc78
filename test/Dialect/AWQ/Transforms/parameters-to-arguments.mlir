// RUN: awq-opt %s -split-input-file -awq-parameters-to-arguments -verify-diagnostics | FileCheck %s

// Calls pass parameters on; each entry names its own, in the order of first use.

// CHECK-NOT: ml_program.global
// CHECK-LABEL: func.func private @layers.0(
// CHECK-SAME:    %[[X:.*]]: tensor<?x8xf32>, %[[W:.*]]: tensor<8x8xf32>) -> tensor<?x8xf32>
// CHECK:         awq.linear %[[X]], %[[W]]
// CHECK-LABEL: func.func @forward(
// CHECK-SAME:    %[[X:.*]]: tensor<?x8xf32>,
// CHECK-SAME:    %[[B:.*]]: tensor<8x8xf32> {awq.parameter = "b"},
// CHECK-SAME:    %[[A:.*]]: tensor<8x8xf32> {awq.parameter = "a"})
// CHECK:         %[[Y:.*]] = call @layers.1(%[[X]], %[[B]])
// CHECK:         call @layers.0(%[[Y]], %[[A]])
// CHECK-LABEL: func.func @head(
// CHECK-SAME:    %{{.*}}: tensor<8x8xf32> {awq.parameter = "a"})
ml_program.global private @a(#ml_program.extern<tensor<8x8xf32>>) : tensor<8x8xf32>
ml_program.global private @b(#ml_program.extern<tensor<8x8xf32>>) : tensor<8x8xf32>
func.func private @layers.0(%x: tensor<?x8xf32>) -> tensor<?x8xf32> {
  %w = ml_program.global_load_const @a : tensor<8x8xf32>
  %y = awq.linear %x, %w : (tensor<?x8xf32>, tensor<8x8xf32>) -> tensor<?x8xf32>
  return %y : tensor<?x8xf32>
}
func.func private @layers.1(%x: tensor<?x8xf32>) -> tensor<?x8xf32> {
  %w = ml_program.global_load_const @b : tensor<8x8xf32>
  %y = awq.linear %x, %w : (tensor<?x8xf32>, tensor<8x8xf32>) -> tensor<?x8xf32>
  return %y : tensor<?x8xf32>
}
func.func @forward(%x: tensor<?x8xf32>) -> tensor<?x8xf32> {
  %y = call @layers.1(%x) : (tensor<?x8xf32>) -> tensor<?x8xf32>
  %z = call @layers.0(%y) : (tensor<?x8xf32>) -> tensor<?x8xf32>
  return %z : tensor<?x8xf32>
}
func.func @head(%x: tensor<?x8xf32>) -> tensor<?x8xf32> {
  %w = ml_program.global_load_const @a : tensor<8x8xf32>
  %y = awq.linear %x, %w : (tensor<?x8xf32>, tensor<8x8xf32>) -> tensor<?x8xf32>
  return %y : tensor<?x8xf32>
}

// -----

// Globals with a value in the module stay.

// CHECK: ml_program.global private @c(dense<1.000000e+00>
// CHECK-LABEL: func.func @inline_value()
// CHECK:         ml_program.global_load_const @c
ml_program.global private @c(dense<1.0> : tensor<2xf32>) : tensor<2xf32>
func.func @inline_value() -> tensor<2xf32> {
  %w = ml_program.global_load_const @c : tensor<2xf32>
  return %w : tensor<2xf32>
}

// -----

// expected-error @below {{calls itself: recursive functions are not supported}}
func.func @recursive() {
  call @recursive() : () -> ()
  return
}
