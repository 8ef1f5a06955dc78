// RUN: awq-opt %s -convert-decoder-to-linalg | FileCheck %s

// Softmax over all experts, then one task per token that takes the best of
// them two times and divides by the sum of the weights.
// CHECK-LABEL: func @softmax(
// CHECK-SAME: %[[L:.*]]: tensor<?x8xf32>
// CHECK: %[[MAX:.*]] = linalg.generic {{.*}} ins(%[[L]]
// CHECK: arith.maximumf
// CHECK: linalg.generic {{.*}} ins(%[[L]], %[[MAX]]
// CHECK: math.exp
// CHECK: linalg.generic
// CHECK: arith.addf
// CHECK: linalg.generic
// CHECK: arith.divf
// CHECK: scf.forall (%{{.*}}) in (%{{.*}}) shared_outs(%{{.*}} = %{{.*}}, %{{.*}} = %{{.*}}) -> (tensor<?x2xf32>, tensor<?x2xi32>)
// CHECK: scf.for {{.*}} -> (tensor<2xi32>, f32, index, f32)
// CHECK: scf.for {{.*}} -> (f32, index, i1)
// CHECK: scf.for {{.*}} -> (tensor<2xf32>, f32)
// CHECK: scf.for {{.*}} -> (tensor<2xf32>)
// CHECK: arith.divf
// CHECK: tensor.parallel_insert_slice
// CHECK: tensor.parallel_insert_slice
// CHECK-NOT: decoder.
func.func @softmax(%l: tensor<?x8xf32>) -> (tensor<?x2xf32>, tensor<?x2xi32>) {
  %w, %i = decoder.router %l {normalize, scoring = #decoder.router_scoring<softmax>, top_k = 2 : i64}
    : tensor<?x8xf32> -> tensor<?x2xf32>, tensor<?x2xi32>
  return %w, %i : tensor<?x2xf32>, tensor<?x2xi32>
}

// Scores of groups: the two largest of each, added. Keeping all groups needs
// none.
// CHECK-LABEL: func @groups
// CHECK: tensor.expand_shape %{{.*}} {{\[\[}}0], [1, 2]] output_shape [3, 4, 4] : tensor<3x16xf32> into tensor<3x4x4xf32>
// CHECK: linalg.generic {{.*}} iterator_types = ["parallel", "parallel", "reduction"]
// CHECK: arith.maximumf
// CHECK: arith.minimumf
// CHECK: arith.maximumf
// CHECK: scf.forall
// CHECK-LABEL: func @all_groups
// CHECK-NOT: tensor.expand_shape
func.func @groups(%l: tensor<3x16xf16>, %b: tensor<16xf32>) -> (tensor<3x4xf32>, tensor<3x4xi32>) {
  %w, %i = decoder.router %l bias %b
    {group_score = #decoder.group_score<sum_of_top_two>, groups = 4 : i64, kept_groups = 2 : i64,
     scoring = #decoder.router_scoring<sigmoid>, top_k = 4 : i64}
    : tensor<3x16xf16>, tensor<16xf32> -> tensor<3x4xf32>, tensor<3x4xi32>
  return %w, %i : tensor<3x4xf32>, tensor<3x4xi32>
}
func.func @all_groups(%l: tensor<3x16xf32>) -> (tensor<3x4xf32>, tensor<3x4xi32>) {
  %w, %i = decoder.router %l
    {groups = 4 : i64, kept_groups = 4 : i64, scoring = #decoder.router_scoring<sigmoid>, top_k = 4 : i64}
    : tensor<3x16xf32> -> tensor<3x4xf32>, tensor<3x4xi32>
  return %w, %i : tensor<3x4xf32>, tensor<3x4xi32>
}
