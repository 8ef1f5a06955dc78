// RUN: awq-opt %s --awq-raise-linalg -split-input-file | FileCheck %s

// What comes from StableHLO repeats each operand by an op of its own, makes
// numbers as tensors of one element, and turns weights by linalg.generic.
// CHECK-LABEL: func.func @stablehlo(
// CHECK-SAME:    %[[X:[a-z0-9]+]]: tensor<2x3x4xf32>
// CHECK-DAG:     %[[W:.*]] = arith.constant dense<{{.*}}> : tensor<2x4xf32>
// CHECK-DAG:     %[[B:.*]] = arith.constant dense<[1.000000e+00, 2.000000e+00]>
// CHECK:         %[[R:.*]] = tensor.collapse_shape %[[X]]
// CHECK:         %[[Y:.*]] = awq.linear %[[R]], %[[W]] bias %[[B]]
// CHECK-NOT:     linalg.transpose
// CHECK:         %[[H:.*]] = linalg.generic {{.*}} ins(%{{[^,]*}} : tensor<2x3x2xf32>)
// CHECK-NEXT:    ^bb0(%[[IN:.*]]: f32, %{{.*}}: f32):
// CHECK-NEXT:      %[[P:.*]] = arith.mulf %[[IN]], %cst
// CHECK-NEXT:      linalg.yield %[[P]]
// CHECK:         return %[[H]]
#id2 = affine_map<(d0, d1) -> (d0, d1)>
#turned = affine_map<(d0, d1) -> (d1, d0)>
#one = affine_map<(d0) -> (d0)>
#id3 = affine_map<(d0, d1, d2) -> (d0, d1, d2)>
#last = affine_map<(d0, d1, d2) -> (d2)>
#none = affine_map<(d0, d1, d2) -> ()>
func.func @stablehlo(%x: tensor<2x3x4xf32>) -> tensor<2x3x2xf32> {
  %w = arith.constant dense<[[1.0, 2.0, 3.0, 4.0], [5.0, 6.0, 7.0, 8.0]]> : tensor<2x4xf32>
  %b = arith.constant dense<[1.0, 2.0]> : tensor<2xf32>
  %zero = arith.constant 0.0 : f32
  %number = arith.constant 0.1 : f64
  %e0 = tensor.empty() : tensor<4x2xf32>
  %t = linalg.generic {indexing_maps = [#turned, #id2], iterator_types = ["parallel", "parallel"]}
      ins(%w : tensor<2x4xf32>) outs(%e0 : tensor<4x2xf32>) {
  ^bb0(%in: f32, %out: f32):
    linalg.yield %in : f32
  } -> tensor<4x2xf32>
  %rows = tensor.collapse_shape %x [[0, 1], [2]] : tensor<2x3x4xf32> into tensor<6x4xf32>
  %e1 = tensor.empty() : tensor<6x2xf32>
  %z = linalg.fill ins(%zero : f32) outs(%e1 : tensor<6x2xf32>) -> tensor<6x2xf32>
  %p = linalg.matmul ins(%rows, %t : tensor<6x4xf32>, tensor<4x2xf32>) outs(%z : tensor<6x2xf32>) -> tensor<6x2xf32>
  %y = tensor.expand_shape %p [[0, 1], [2]] output_shape [2, 3, 2] : tensor<6x2xf32> into tensor<2x3x2xf32>
  %e2 = tensor.empty() : tensor<2x3x2xf32>
  %repeated = linalg.generic {indexing_maps = [#last, #id3], iterator_types = ["parallel", "parallel", "parallel"]}
      ins(%b : tensor<2xf32>) outs(%e2 : tensor<2x3x2xf32>) {
  ^bb0(%in: f32, %out: f32):
    linalg.yield %in : f32
  } -> tensor<2x3x2xf32>
  %s = linalg.generic {indexing_maps = [#id3, #id3, #id3], iterator_types = ["parallel", "parallel", "parallel"]}
      ins(%y, %repeated : tensor<2x3x2xf32>, tensor<2x3x2xf32>) outs(%e2 : tensor<2x3x2xf32>) {
  ^bb0(%l: f32, %r: f32, %out: f32):
    %a = arith.addf %l, %r : f32
    linalg.yield %a : f32
  } -> tensor<2x3x2xf32>
  %e3 = tensor.empty() : tensor<1xf32>
  %n = linalg.generic {indexing_maps = [#one], iterator_types = ["parallel"]} outs(%e3 : tensor<1xf32>) {
  ^bb0(%out: f32):
    %f = arith.truncf %number : f64 to f32
    linalg.yield %f : f32
  } -> tensor<1xf32>
  %scalar = tensor.collapse_shape %n [] : tensor<1xf32> into tensor<f32>
  %numbers = linalg.generic {indexing_maps = [#none, #id3], iterator_types = ["parallel", "parallel", "parallel"]}
      ins(%scalar : tensor<f32>) outs(%e2 : tensor<2x3x2xf32>) {
  ^bb0(%in: f32, %out: f32):
    linalg.yield %in : f32
  } -> tensor<2x3x2xf32>
  %scaled = linalg.generic {indexing_maps = [#id3, #id3, #id3], iterator_types = ["parallel", "parallel", "parallel"]}
      ins(%s, %numbers : tensor<2x3x2xf32>, tensor<2x3x2xf32>) outs(%e2 : tensor<2x3x2xf32>) {
  ^bb0(%l: f32, %r: f32, %out: f32):
    %a = arith.mulf %l, %r : f32
    linalg.yield %a : f32
  } -> tensor<2x3x2xf32>
  return %scaled : tensor<2x3x2xf32>
}

// -----

// Three dimensions turned in a circle keep their order.
// CHECK-LABEL: func.func @circle(
// CHECK:         linalg.transpose ins(%{{.*}} : tensor<2x3x4xf32>) outs(%{{.*}} : tensor<4x2x3xf32>) permutation = [2, 0, 1]
#from = affine_map<(d0, d1, d2) -> (d1, d2, d0)>
#to = affine_map<(d0, d1, d2) -> (d0, d1, d2)>
func.func @circle(%x: tensor<2x3x4xf32>) -> tensor<4x2x3xf32> {
  %e = tensor.empty() : tensor<4x2x3xf32>
  %t = linalg.generic {indexing_maps = [#from, #to], iterator_types = ["parallel", "parallel", "parallel"]}
      ins(%x : tensor<2x3x4xf32>) outs(%e : tensor<4x2x3xf32>) {
  ^bb0(%in: f32, %out: f32):
    linalg.yield %in : f32
  } -> tensor<4x2x3xf32>
  return %t : tensor<4x2x3xf32>
}
