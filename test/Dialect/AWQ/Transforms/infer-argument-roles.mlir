// RUN: awq-opt %s -awq-infer-argument-roles | FileCheck %s

func.func private @layer(%x: tensor<?x8xf32>, %k: tensor<?x1x8xf32>, %v: tensor<?x1x8xf32>, %p: index)
    -> (tensor<?x8xf32>, tensor<?x1x8xf32>, tensor<?x1x8xf32>) {
  %c0 = arith.constant 0 : index
  %t = tensor.dim %x, %c0 : tensor<?x8xf32>
  %h = tensor.expand_shape %x [[0], [1, 2]] output_shape [%t, 1, 8] : tensor<?x8xf32> into tensor<?x1x8xf32>
  %o, %k1, %v1 = decoder.attention %h, %h, %h, %k, %v, %p {scale = 1.0 : f64}
    : (tensor<?x1x8xf32>, tensor<?x1x8xf32>, tensor<?x1x8xf32>, tensor<?x1x8xf32>, tensor<?x1x8xf32>)
    -> (tensor<?x1x8xf32>, tensor<?x1x8xf32>, tensor<?x1x8xf32>)
  %y = tensor.collapse_shape %o [[0], [1, 2]] : tensor<?x1x8xf32> into tensor<?x8xf32>
  return %y, %k1, %v1 : tensor<?x8xf32>, tensor<?x1x8xf32>, tensor<?x1x8xf32>
}

// Uses are found through calls; layers are counted.

// CHECK-LABEL: func.func @forward(
// CHECK-SAME:    tensor<?xi32> {awq.role = "tokens"},
// CHECK-SAME:    index {awq.role = "position"},
// CHECK-SAME:    tensor<?x1x8xf32> {awq.layer = 0 : i64, awq.role = "k_cache", awq.writes = array<i64: 0, 0, 1, 0>},
// CHECK-SAME:    tensor<?x1x8xf32> {awq.layer = 0 : i64, awq.role = "v_cache", awq.writes = array<i64: 0, 0, 1, 0>},
// CHECK-SAME:    tensor<?x1x8xf32> {awq.layer = 1 : i64, awq.role = "k_cache", awq.writes = array<i64: 0, 0, 1, 0>},
// CHECK-SAME:    tensor<?x1x8xf32> {awq.layer = 1 : i64, awq.role = "v_cache", awq.writes = array<i64: 0, 0, 1, 0>},
// CHECK-SAME:    tensor<16x8xf32> {awq.parameter = "table", awq.role = "parameter"})
// CHECK-SAME:    -> (tensor<?x8xf32> {awq.role = "hidden_out"}, tensor
func.func @forward(%ids: tensor<?xi32>, %p: index, %k0: tensor<?x1x8xf32>, %v0: tensor<?x1x8xf32>,
                   %k1: tensor<?x1x8xf32>, %v1: tensor<?x1x8xf32>, %w: tensor<16x8xf32> {awq.parameter = "table"})
    -> (tensor<?x8xf32>, tensor<?x1x8xf32>, tensor<?x1x8xf32>, tensor<?x1x8xf32>, tensor<?x1x8xf32>) {
  %x = decoder.embedding %ids, %w : (tensor<?xi32>, tensor<16x8xf32>) -> tensor<?x8xf32>
  %a:3 = call @layer(%x, %k0, %v0, %p) : (tensor<?x8xf32>, tensor<?x1x8xf32>, tensor<?x1x8xf32>, index)
    -> (tensor<?x8xf32>, tensor<?x1x8xf32>, tensor<?x1x8xf32>)
  %b:3 = call @layer(%a#0, %k1, %v1, %p) : (tensor<?x8xf32>, tensor<?x1x8xf32>, tensor<?x1x8xf32>, index)
    -> (tensor<?x8xf32>, tensor<?x1x8xf32>, tensor<?x1x8xf32>)
  return %b#0, %a#1, %a#2, %b#1, %b#2
    : tensor<?x8xf32>, tensor<?x1x8xf32>, tensor<?x1x8xf32>, tensor<?x1x8xf32>, tensor<?x1x8xf32>
}

// CHECK-LABEL: func.func @head(
// CHECK-SAME:    tensor<?x8xf32> {awq.role = "hidden"},
// CHECK-SAME:    -> (tensor<?x16xf32> {awq.role = "logits_out"})
func.func @head(%x: tensor<?x8xf32>, %w: tensor<16x8xf32> {awq.parameter = "table"}) -> tensor<?x16xf32> {
  %y = awq.linear %x, %w : (tensor<?x8xf32>, tensor<16x8xf32>) -> tensor<?x16xf32>
  return %y : tensor<?x16xf32>
}

// Rows and positions are arguments' or constants; a cache may be written twice.

// CHECK-LABEL: func.func @twice(
// CHECK-SAME:    tensor<?x1x8xf32> {awq.role = "input"},
// CHECK-SAME:    tensor<2x1x8xf32> {awq.role = "input"},
// CHECK-SAME:    {awq.layer = 0 : i64, awq.role = "k_cache", awq.writes = array<i64: 0, 0, -1, 3, -1, 2, 4, 0>},
// CHECK-SAME:    {awq.layer = 0 : i64, awq.role = "v_cache", awq.writes = array<i64: 0, 0, -1, 3, -1, 2, 4, 0>},
// CHECK-SAME:    index {awq.role = "position"})
func.func @twice(%x: tensor<?x1x8xf32>, %y: tensor<2x1x8xf32>, %k: tensor<?x1x8xf32>, %v: tensor<?x1x8xf32>, %p: index)
    -> (tensor<?x1x8xf32>, tensor<?x1x8xf32>) {
  %c3 = arith.constant 3 : index
  %o, %k1, %v1 = decoder.attention %x, %x, %x, %k, %v, %c3 {scale = 1.0 : f64}
    : (tensor<?x1x8xf32>, tensor<?x1x8xf32>, tensor<?x1x8xf32>, tensor<?x1x8xf32>, tensor<?x1x8xf32>)
    -> (tensor<?x1x8xf32>, tensor<?x1x8xf32>, tensor<?x1x8xf32>)
  %q, %k2, %v2 = decoder.attention %y, %y, %y, %k1, %v1, %p {scale = 1.0 : f64}
    : (tensor<2x1x8xf32>, tensor<2x1x8xf32>, tensor<2x1x8xf32>, tensor<?x1x8xf32>, tensor<?x1x8xf32>)
    -> (tensor<2x1x8xf32>, tensor<?x1x8xf32>, tensor<?x1x8xf32>)
  return %k2, %v2 : tensor<?x1x8xf32>, tensor<?x1x8xf32>
}

// A position that is computed is not followed.

// CHECK-LABEL: func.func @computed(
// CHECK-SAME:    {awq.layer = 0 : i64, awq.role = "k_cache"}
// CHECK-SAME:    {awq.layer = 0 : i64, awq.role = "v_cache"}
func.func @computed(%x: tensor<?x1x8xf32>, %k: tensor<?x1x8xf32>, %v: tensor<?x1x8xf32>, %p: index)
    -> (tensor<?x1x8xf32>, tensor<?x1x8xf32>) {
  %p2 = arith.addi %p, %p : index
  %o, %k1, %v1 = decoder.attention %x, %x, %x, %k, %v, %p2 {scale = 1.0 : f64}
    : (tensor<?x1x8xf32>, tensor<?x1x8xf32>, tensor<?x1x8xf32>, tensor<?x1x8xf32>, tensor<?x1x8xf32>)
    -> (tensor<?x1x8xf32>, tensor<?x1x8xf32>, tensor<?x1x8xf32>)
  return %k1, %v1 : tensor<?x1x8xf32>, tensor<?x1x8xf32>
}

// A role that is given stays; what nothing is known of is an input.

// CHECK-LABEL: func.func @other(
// CHECK-SAME:    tensor<4xf32> {awq.role = "mask"},
// CHECK-SAME:    f32 {awq.role = "input"})
func.func @other(%x: tensor<4xf32> {awq.role = "mask"}, %s: f32) {
  return
}
