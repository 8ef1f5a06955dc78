// RUN: awq-opt %s -split-input-file -awq-specialize-tokens='entry=forward name=step tokens=1' -verify-diagnostics | FileCheck %s

// CHECK-LABEL: func.func private @layer(
// CHECK-SAME:    tensor<?x8xf32>
// CHECK-LABEL: func.func private @layer_step(
// CHECK-SAME:    %[[X:[a-z0-9]+]]: tensor<1x8xf32>, %[[C:[a-z0-9]+]]: tensor<1x4xf32>, %[[S:[a-z0-9]+]]: tensor<1x4xf32>,
// CHECK-SAME:    %[[K:[a-z0-9]+]]: tensor<?x1x8xf32>, %[[V:[a-z0-9]+]]: tensor<?x1x8xf32>
// CHECK-SAME:    -> (tensor<1x8xf32>, tensor<?x1x8xf32>, tensor<?x1x8xf32>)
// CHECK-NOT:     tensor.cast
// CHECK:         awq.linear {{.*}} -> tensor<1x8xf32>
// CHECK:         tensor.expand_shape {{.*}} into tensor<1x1x8xf32>
// CHECK:         decoder.rotary {{.*}} : tensor<1x1x8xf32>, tensor<1x4xf32>
// CHECK:         decoder.attention
// CHECK-SAME:      tensor<1x1x8xf32>, tensor<?x1x8xf32>, tensor<?x1x8xf32>)
// CHECK:         arith.addf {{.*}} : tensor<1x8xf32>
// CHECK-NOT:     tensor.cast
// CHECK-LABEL: func.func @forward(
// CHECK-LABEL: func.func @step(
// CHECK-SAME:    tensor<1xi32>, %{{.*}}: index, %{{.*}}: tensor<?x1x8xf32>
// CHECK-SAME:    -> (tensor<1x8xf32>, tensor<?x1x8xf32>, tensor<?x1x8xf32>)
// CHECK-NOT:     tensor.cast
// CHECK:         call @layer_step
// CHECK:         call @layer_step
func.func private @layer(%x: tensor<?x8xf32>, %cos: tensor<?x4xf32>, %sin: tensor<?x4xf32>, %k: tensor<?x1x8xf32>,
                         %v: tensor<?x1x8xf32>, %p: index, %w: tensor<8x8xf32>)
    -> (tensor<?x8xf32>, tensor<?x1x8xf32>, tensor<?x1x8xf32>) {
  %c0 = arith.constant 0 : index
  %t = tensor.dim %x, %c0 : tensor<?x8xf32>
  %q = awq.linear %x, %w : (tensor<?x8xf32>, tensor<8x8xf32>) -> tensor<?x8xf32>
  %h = tensor.expand_shape %q [[0], [1, 2]] output_shape [%t, 1, 8] : tensor<?x8xf32> into tensor<?x1x8xf32>
  %r = decoder.rotary %h, %cos, %sin : tensor<?x1x8xf32>, tensor<?x4xf32>
  %o, %k1, %v1 = decoder.attention %r, %r, %h, %k, %v, %p {scale = 1.0 : f64}
    : (tensor<?x1x8xf32>, tensor<?x1x8xf32>, tensor<?x1x8xf32>, tensor<?x1x8xf32>, tensor<?x1x8xf32>)
    -> (tensor<?x1x8xf32>, tensor<?x1x8xf32>, tensor<?x1x8xf32>)
  %y = tensor.collapse_shape %o [[0], [1, 2]] : tensor<?x1x8xf32> into tensor<?x8xf32>
  %z = arith.addf %x, %y : tensor<?x8xf32>
  return %z, %k1, %v1 : tensor<?x8xf32>, tensor<?x1x8xf32>, tensor<?x1x8xf32>
}
func.func @forward(%ids: tensor<?xi32>, %p: index, %k: tensor<?x1x8xf32>, %v: tensor<?x1x8xf32>,
                   %table: tensor<16x8xf32>, %freq: tensor<4xf32>, %w: tensor<8x8xf32>)
    -> (tensor<?x8xf32>, tensor<?x1x8xf32>, tensor<?x1x8xf32>) {
  %c0 = arith.constant 0 : index
  %t = tensor.dim %ids, %c0 : tensor<?xi32>
  %x = decoder.embedding %ids, %table : (tensor<?xi32>, tensor<16x8xf32>) -> tensor<?x8xf32>
  %cos, %sin = decoder.rotary_table %freq, %p, %t : tensor<4xf32> -> tensor<?x4xf32>
  %a:3 = call @layer(%x, %cos, %sin, %k, %v, %p, %w)
    : (tensor<?x8xf32>, tensor<?x4xf32>, tensor<?x4xf32>, tensor<?x1x8xf32>, tensor<?x1x8xf32>, index, tensor<8x8xf32>)
    -> (tensor<?x8xf32>, tensor<?x1x8xf32>, tensor<?x1x8xf32>)
  %b:3 = call @layer(%a#0, %cos, %sin, %a#1, %a#2, %p, %w)
    : (tensor<?x8xf32>, tensor<?x4xf32>, tensor<?x4xf32>, tensor<?x1x8xf32>, tensor<?x1x8xf32>, index, tensor<8x8xf32>)
    -> (tensor<?x8xf32>, tensor<?x1x8xf32>, tensor<?x1x8xf32>)
  return %b#0, %b#1, %b#2 : tensor<?x8xf32>, tensor<?x1x8xf32>, tensor<?x1x8xf32>
}

// -----

// The experts of a single token still get as many tokens as there are.
// CHECK-LABEL: func.func @step(
// CHECK-SAME:    %[[X:[a-z0-9]+]]: tensor<1x8xf32>
// CHECK-SAME:    -> tensor<1x8xf32>
// CHECK:         %[[W:.*]], %[[I:.*]] = decoder.router {{.*}} -> tensor<1x2xf32>, tensor<1x2xi32>
// CHECK:         decoder.experts %[[X]], %[[W]], %[[I]] : (tensor<1x8xf32>, tensor<1x2xf32>, tensor<1x2xi32>) -> tensor<1x8xf32> {
// CHECK-NEXT:    ^bb0(%[[T:.*]]: tensor<?x8xf32>):
// CHECK-NEXT:    awq.linear %[[T]]
func.func @forward(%x: tensor<?x8xf32>, %r: tensor<4x8xf32>, %w: tensor<8x8xf32>) -> tensor<?x8xf32> {
  %l = awq.linear %x, %r : (tensor<?x8xf32>, tensor<4x8xf32>) -> tensor<?x4xf32>
  %p, %i = decoder.router %l {scoring = #decoder.router_scoring<softmax>, top_k = 2 : i64}
    : tensor<?x4xf32> -> tensor<?x2xf32>, tensor<?x2xi32>
  %y = decoder.experts %x, %p, %i : (tensor<?x8xf32>, tensor<?x2xf32>, tensor<?x2xi32>) -> tensor<?x8xf32> {
  ^bb0(%t: tensor<?x8xf32>):
    %a = awq.linear %t, %w : (tensor<?x8xf32>, tensor<8x8xf32>) -> tensor<?x8xf32>
    decoder.yield %a : tensor<?x8xf32>
  }
  return %y : tensor<?x8xf32>
}

// -----

// expected-error @below {{there is already a function 'step'}}
func.func @forward(%x: tensor<?x8xf32>) -> tensor<?x8xf32> {
  return %x : tensor<?x8xf32>
}
func.func private @step()

// -----

// Without the entry nothing happens.

// CHECK-LABEL: func.func @other(
// CHECK-NOT:   @step
func.func @other(%x: tensor<?x8xf32>) -> tensor<?x8xf32> {
  return %x : tensor<?x8xf32>
}
