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

// -----

// Two tensors joined by a choice in a body.
// CHECK-LABEL: func.func @joined(
// CHECK-SAME:    %[[A:[a-z0-9]+]]: tensor<1x2xf32>, %[[B:[a-z0-9]+]]: tensor<1x3xf32>
// CHECK:         tensor.concat dim(1) %[[A]], %[[B]]
#map = affine_map<(d0, d1) -> (d0, d1)>
func.func @joined(%a: tensor<1x2xf32>, %b: tensor<1x3xf32>) -> tensor<1x5xf32> {
  %c0 = arith.constant 0 : index
  %c2 = arith.constant 2 : index
  %e = tensor.empty() : tensor<1x5xf32>
  %y = linalg.generic {indexing_maps = [#map], iterator_types = ["parallel", "parallel"]} outs(%e : tensor<1x5xf32>) {
  ^bb0(%out: f32):
    %i = linalg.index 1 : index
    %isFirst = arith.cmpi ult, %i, %c2 : index
    %v = scf.if %isFirst -> (f32) {
      %f = tensor.extract %a[%c0, %i] : tensor<1x2xf32>
      scf.yield %f : f32
    } else {
      %j = arith.subi %i, %c2 : index
      %s = tensor.extract %b[%c0, %j] : tensor<1x3xf32>
      scf.yield %s : f32
    }
    linalg.yield %v : f32
  } -> tensor<1x5xf32>
  return %y : tensor<1x5xf32>
}

// -----

// A choice that reads the second tensor from another place joins nothing.
// CHECK-LABEL: func.func @not_joined(
// CHECK-NOT:     tensor.concat
#map = affine_map<(d0) -> (d0)>
func.func @not_joined(%a: tensor<2xf32>, %b: tensor<5xf32>) -> tensor<5xf32> {
  %c2 = arith.constant 2 : index
  %e = tensor.empty() : tensor<5xf32>
  %y = linalg.generic {indexing_maps = [#map], iterator_types = ["parallel"]} outs(%e : tensor<5xf32>) {
  ^bb0(%out: f32):
    %i = linalg.index 0 : index
    %isFirst = arith.cmpi ult, %i, %c2 : index
    %v = scf.if %isFirst -> (f32) {
      %f = tensor.extract %a[%i] : tensor<2xf32>
      scf.yield %f : f32
    } else {
      %s = tensor.extract %b[%i] : tensor<5xf32>
      scf.yield %s : f32
    }
    linalg.yield %v : f32
  } -> tensor<5xf32>
  return %y : tensor<5xf32>
}

// -----

// The size that is not known is the same before and behind, as the others are.
// CHECK-LABEL: func.func @reshapes(
// CHECK-SAME:    %[[X:[a-z0-9]+]]: tensor<1x?x8xf32>, %[[N:[a-z0-9]+]]: index
// CHECK:         %[[E:.*]] = tensor.expand_shape %[[X]] {{\[\[}}0], [1], [2, 3]] output_shape [1, %[[N]], 2, 4]
// CHECK:         %[[C:.*]] = tensor.collapse_shape %[[X]] {{\[\[}}0, 1], [2]]
// CHECK:         %[[R:.*]] = tensor.reshape
// CHECK:         return %[[E]], %[[C]], %[[R]]
func.func @reshapes(%x: tensor<1x?x8xf32>, %n: index, %s2: tensor<2xindex>, %s3: tensor<3xindex>)
    -> (tensor<1x?x2x4xf32>, tensor<?x8xf32>, tensor<?x?x8xf32>) {
  %c1 = arith.constant 1 : index
  %c2 = arith.constant 2 : index
  %c4 = arith.constant 4 : index
  %s4 = tensor.from_elements %c1, %n, %c2, %c4 : tensor<4xindex>
  %a = tensor.reshape %x(%s4) : (tensor<1x?x8xf32>, tensor<4xindex>) -> tensor<1x?x2x4xf32>
  %b = tensor.reshape %x(%s2) : (tensor<1x?x8xf32>, tensor<2xindex>) -> tensor<?x8xf32>
  %c = tensor.reshape %x(%s3) : (tensor<1x?x8xf32>, tensor<3xindex>) -> tensor<?x?x8xf32>
  return %a, %b, %c : tensor<1x?x2x4xf32>, tensor<?x8xf32>, tensor<?x?x8xf32>
}
