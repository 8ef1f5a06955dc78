// RUN: awq-opt %s -awq-merge-layers | FileCheck %s

// Layers that differ in their attributes only become one function; one with
// another body stays.

// CHECK-LABEL: func.func private @layers.0(
// CHECK-NOT:     awq.name
// CHECK-NOT:   @layers.1(
// CHECK-LABEL: func.func private @layers.2(
// CHECK-LABEL: func.func @forward(
// CHECK:         call @layers.0
// CHECK:         call @layers.0
// CHECK:         call @layers.2
func.func private @layers.0(%x: tensor<?x8xf32>, %w: tensor<8x8xf32>) -> tensor<?x8xf32> attributes {awq.layer = 0 : i64} {
  %y = awq.linear %x, %w {awq.name = "layers.0.q_proj"} : (tensor<?x8xf32>, tensor<8x8xf32>) -> tensor<?x8xf32>
  return %y : tensor<?x8xf32>
}
func.func private @layers.1(%x: tensor<?x8xf32>, %w: tensor<8x8xf32>) -> tensor<?x8xf32> attributes {awq.layer = 1 : i64} {
  %y = awq.linear %x, %w {awq.name = "layers.1.q_proj"} : (tensor<?x8xf32>, tensor<8x8xf32>) -> tensor<?x8xf32>
  return %y : tensor<?x8xf32>
}
func.func private @layers.2(%x: tensor<?x8xf32>, %w: tensor<8x8xf32>) -> tensor<?x8xf32> attributes {awq.layer = 2 : i64} {
  %y = awq.linear %x, %w {awq.name = "layers.2.q_proj"} : (tensor<?x8xf32>, tensor<8x8xf32>) -> tensor<?x8xf32>
  %z = arith.addf %x, %y : tensor<?x8xf32>
  return %z : tensor<?x8xf32>
}
func.func @forward(%x: tensor<?x8xf32>, %a: tensor<8x8xf32>, %b: tensor<8x8xf32>, %c: tensor<8x8xf32>) -> tensor<?x8xf32> {
  %0 = call @layers.0(%x, %a) : (tensor<?x8xf32>, tensor<8x8xf32>) -> tensor<?x8xf32>
  %1 = call @layers.1(%0, %b) : (tensor<?x8xf32>, tensor<8x8xf32>) -> tensor<?x8xf32>
  %2 = call @layers.2(%1, %c) : (tensor<?x8xf32>, tensor<8x8xf32>) -> tensor<?x8xf32>
  return %2 : tensor<?x8xf32>
}
