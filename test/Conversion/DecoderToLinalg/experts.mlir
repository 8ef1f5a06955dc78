// RUN: awq-opt %s -convert-decoder-to-linalg | FileCheck %s

// Pairs of token and choice are sorted: counted, summed up, put in their places.
// An expert that got any gathers its rows and runs on them; the weighted rows
// are added to the output.
// CHECK-LABEL: func @experts(
// CHECK-SAME: %[[X:.*]]: tensor<?x8xf16>, %[[W:.*]]: tensor<?x2xf32>, %[[I:.*]]: tensor<?x2xi32>
// CHECK: linalg.fill {{.*}} -> tensor<3xindex>
// CHECK: scf.for {{.*}} -> (tensor<3xindex>)
// CHECK: tensor.extract %[[I]]
// CHECK: arith.minui
// CHECK: scf.for {{.*}} -> (tensor<3xindex>, index)
// CHECK: scf.for {{.*}} -> (tensor<?xindex>, tensor<3xindex>)
// CHECK: %[[ZERO:.*]] = linalg.fill {{.*}} -> tensor<?x8xf32>
// CHECK: %[[FIRST:.*]] = scf.if %{{.*}} -> (tensor<?x8xf32>) {
// CHECK: %[[T:.*]] = linalg.generic
// CHECK: tensor.extract %[[X]]
// CHECK: awq.linear %[[T]]
// CHECK: scf.for {{.*}} iter_args(%{{.*}} = %[[ZERO]]) -> (tensor<?x8xf32>)
// CHECK: tensor.extract %[[W]]
// CHECK: tensor.insert_slice
// CHECK: } else {
// CHECK: scf.yield %[[ZERO]]
// CHECK: scf.if %{{.*}} -> (tensor<?x8xf32>) {
// CHECK: math.tanh
// CHECK: } else {
// CHECK: scf.yield %[[FIRST]]
// CHECK: arith.truncf %{{.*}} : f32 to f16
// CHECK-NOT: decoder.
func.func @experts(%x: tensor<?x8xf16>, %w: tensor<?x2xf32>, %i: tensor<?x2xi32>, %m: tensor<8x8xf16>)
    -> tensor<?x8xf16> {
  %y = decoder.experts %x, %w, %i
    : (tensor<?x8xf16>, tensor<?x2xf32>, tensor<?x2xi32>) -> tensor<?x8xf16> {
  ^bb0(%t: tensor<?x8xf16>):
    %a = awq.linear %t, %m : (tensor<?x8xf16>, tensor<8x8xf16>) -> tensor<?x8xf16>
    decoder.yield %a : tensor<?x8xf16>
  }, {
  ^bb0(%t: tensor<?x8xf16>):
    %a = decoder.activation %t {kind = #decoder.activation_kind<tanh>} : tensor<?x8xf16>
    decoder.yield %a : tensor<?x8xf16>
  }
  return %y : tensor<?x8xf16>
}
