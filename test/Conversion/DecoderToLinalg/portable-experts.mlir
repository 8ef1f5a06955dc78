// RUN: awq-opt %s -convert-decoder-to-linalg=portable | FileCheck %s

// Each expert runs on all tokens; its rows count where a choice is its number.
// CHECK-DAG: #[[ROW:.*]] = affine_map<(d0, d1, d2) -> (d0, d1)>
// CHECK-DAG: #[[CHOICE:.*]] = affine_map<(d0, d1, d2) -> (d0, d2)>
// CHECK-LABEL: func @experts(
// CHECK-SAME: %[[X:.*]]: tensor<3x8xf16>, %[[W:.*]]: tensor<3x2xf32>, %[[I:.*]]: tensor<3x2xi32>
// CHECK: %[[ZERO:.*]] = linalg.fill {{.*}} -> tensor<3x8xf32>
// CHECK: %[[ROWS:.*]] = tensor.cast %[[X]] : tensor<3x8xf16> to tensor<?x8xf16>
// CHECK: %[[A:.*]] = awq.linear %[[ROWS]]
// CHECK: %[[FIRST:.*]] = linalg.generic {indexing_maps = [#[[ROW]], #[[CHOICE]], #[[CHOICE]], #[[ROW]]], iterator_types = ["parallel", "parallel", "reduction"]} ins(%[[A]], %[[W]], %[[I]] : {{.*}}) outs(%[[ZERO]]
// CHECK-NEXT: ^bb0(%[[VALUE:.*]]: f16, %[[WEIGHT:.*]]: f32, %[[NUMBER:.*]]: i32, %[[OUT:.*]]: f32):
// CHECK: %[[WIDE:.*]] = arith.extf %[[VALUE]]
// CHECK: %[[TERM:.*]] = arith.mulf %[[WIDE]], %[[WEIGHT]]
// CHECK: %[[SUM:.*]] = arith.addf %[[OUT]], %[[TERM]]
// CHECK: %[[CHOSEN:.*]] = arith.cmpi eq, %[[NUMBER]], %c0_i32
// CHECK: arith.select %[[CHOSEN]], %[[SUM]], %[[OUT]]
// CHECK: math.tanh
// CHECK: linalg.generic {{.*}} outs(%[[FIRST]]
// CHECK: arith.cmpi eq, %{{.*}}, %c1_i32
// An expert that hands its tokens on.
// CHECK: linalg.generic {{.*}} ins(%{{.*}}, %[[W]], %[[I]] : tensor<?x8xf16>
// CHECK: arith.cmpi eq, %{{.*}}, %c2_i32
// CHECK: arith.truncf %{{.*}} : f32 to f16
// CHECK-NOT: {{(decoder|scf)\.}}
func.func @experts(%x: tensor<3x8xf16>, %w: tensor<3x2xf32>, %i: tensor<3x2xi32>, %m: tensor<8x8xf16>)
    -> tensor<3x8xf16> {
  %y = decoder.experts %x, %w, %i
    : (tensor<3x8xf16>, tensor<3x2xf32>, tensor<3x2xi32>) -> tensor<3x8xf16> {
  ^bb0(%t: tensor<?x8xf16>):
    %a = awq.linear %t, %m : (tensor<?x8xf16>, tensor<8x8xf16>) -> tensor<?x8xf16>
    decoder.yield %a : tensor<?x8xf16>
  }, {
  ^bb0(%t: tensor<?x8xf16>):
    %a = decoder.activation %t {kind = #decoder.activation_kind<tanh>} : tensor<?x8xf16>
    decoder.yield %a : tensor<?x8xf16>
  }, {
  ^bb0(%t: tensor<?x8xf16>):
    decoder.yield %t : tensor<?x8xf16>
  }
  return %y : tensor<3x8xf16>
}
