// RUN: awq-opt %s -split-input-file -awq-results-to-destinations -verify-diagnostics | FileCheck %s
// RUN: awq-opt %s -awq-cpu-pipeline='to=bufferized step=false' -split-input-file -verify-diagnostics | FileCheck %s --check-prefix=BUFFER

// A cache is its own destination; the length of an activation follows from an
// argument's at each call.

// CHECK-LABEL: func.func private @layer(
// CHECK-SAME:    %[[X:[a-z0-9]+]]: tensor<?x8xf32> {bufferization.writable = false},
// CHECK-SAME:    %[[K:[a-z0-9]+]]: tensor<?x1x8xf32> {bufferization.writable = true},
// CHECK-SAME:    %[[V:[a-z0-9]+]]: tensor<?x1x8xf32> {bufferization.writable = true},
// CHECK-SAME:    %[[P:[a-z0-9]+]]: index,
// CHECK-SAME:    %[[D:[a-z0-9]+]]: tensor<?x8xf32> {bufferization.writable = true})
// CHECK:         %[[O:.*]], %[[K1:.*]], %[[V1:.*]] = decoder.attention
// CHECK:         %[[Y:.*]] = tensor.collapse_shape %[[O]]
// CHECK:         %[[R:.*]] = bufferization.materialize_in_destination %[[Y]] in %[[D]]
// CHECK:         return %[[R]], %[[K1]], %[[V1]]
// CHECK-LABEL: func.func @forward(
// CHECK-SAME:    %[[X:[a-z0-9]+]]: tensor<?x8xf32> {bufferization.writable = false},
// CHECK-SAME:    %[[K:[a-z0-9]+]]: tensor<?x1x8xf32> {bufferization.writable = true}
// CHECK-SAME:    %[[D:[a-z0-9]+]]: tensor<?x8xf32> {awq.role = "output", awq.sizes = array<i64: 0, 0>, bufferization.writable = true})
// CHECK:         %[[T:.*]] = tensor.dim %[[X]], %{{.*}}
// CHECK:         %[[E:.*]] = tensor.empty(%[[T]])
// CHECK:         call @layer(%[[X]], %[[K]], {{.*}}, %[[E]])

// No copy of a cache, no allocation of one.
// BUFFER-LABEL: func.func private @layer(
// BUFFER-NOT:     memref.alloc({{.*}}) {{.*}} : memref<?x1x8xf32>
// BUFFER:         memref.subview %{{.*}}[%{{.*}}, 0, 0]
// BUFFER:         return{{$}}
// BUFFER-LABEL: func.func @forward(
// BUFFER-NOT:     memref.copy
// BUFFER:         return{{$}}
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
func.func @forward(%x: tensor<?x8xf32>, %k: tensor<?x1x8xf32>, %v: tensor<?x1x8xf32>, %p: index)
    -> (tensor<?x8xf32>, tensor<?x1x8xf32>, tensor<?x1x8xf32>) {
  %a:3 = call @layer(%x, %k, %v, %p) : (tensor<?x8xf32>, tensor<?x1x8xf32>, tensor<?x1x8xf32>, index)
    -> (tensor<?x8xf32>, tensor<?x1x8xf32>, tensor<?x1x8xf32>)
  return %a#0, %a#1, %a#2 : tensor<?x8xf32>, tensor<?x1x8xf32>, tensor<?x1x8xf32>
}

// -----

// A result whose length no argument has stays a result.
// CHECK-LABEL: func.func @range(
// CHECK-SAME:    %{{[a-z0-9]+}}: index) -> tensor<?xf32>
func.func @range(%n: index) -> tensor<?xf32> {
  %y = tensor.empty(%n) : tensor<?xf32>
  return %y : tensor<?xf32>
}

// -----

func.func private @filter(%x: tensor<8xf32>, %n: index) -> tensor<?xf32> {
  %y = tensor.empty(%n) : tensor<?xf32>
  return %y : tensor<?xf32>
}
func.func @caller(%x: tensor<8xf32>, %n: index) -> tensor<?xf32> {
  // expected-error @below {{needs the length of a result of 'filter', which does not follow from an argument's}}
  %y = call @filter(%x, %n) : (tensor<8xf32>, index) -> tensor<?xf32>
  return %y : tensor<?xf32>
}

// -----

// expected-error @below {{must have one block to get destinations}}
func.func @blocks(%x: tensor<8xf32>) -> tensor<8xf32> {
  cf.br ^next
^next:
  return %x : tensor<8xf32>
}
