// RUN: awq-opt %s --awq-raise-linalg='remarks unpadded' -split-input-file -verify-diagnostics | FileCheck %s

// Matrices [B * H, T, D] of one sequence, scores under a causal mask. The caches
// hold the tokens alone.
// CHECK-LABEL: func.func @causal(
// CHECK-SAME:    %[[Q:[a-z0-9]+]]: tensor<1x2x3x4xf32>, %[[K:[a-z0-9]+]]: tensor<1x2x3x4xf32>, %[[V:[a-z0-9]+]]: tensor<1x2x3x4xf32>
// CHECK:         %[[C:.*]] = arith.constant 0 : index
// CHECK:         %[[TQ:.*]] = linalg.transpose ins(%[[Q]] {{.*}} permutation = [0, 2, 1, 3]
// CHECK:         %[[RQ:.*]] = tensor.collapse_shape %[[TQ]] {{\[\[}}0, 1], [2], [3]]
// CHECK:         %[[TK:.*]] = linalg.transpose ins(%[[K]]
// CHECK:         %[[RK:.*]] = tensor.collapse_shape %[[TK]]
// CHECK:         %[[TV:.*]] = linalg.transpose ins(%[[V]]
// CHECK:         %[[RV:.*]] = tensor.collapse_shape %[[TV]]
// CHECK:         %[[E0:.*]] = tensor.empty() : tensor<3x2x4xf32>
// CHECK:         %[[E1:.*]] = tensor.empty() : tensor<3x2x4xf32>
// CHECK:         %[[O:.*]], %{{.*}}, %{{.*}} = decoder.attention %[[RQ]], %[[RK]], %[[RV]], %[[E0]], %[[E1]], %[[C]] {scale = 5.000000e-01 : f64}
// CHECK:         linalg.transpose ins(%[[O]] : tensor<3x2x4xf32>) {{.*}} permutation = [1, 0, 2]
// CHECK-NOT:     linalg.batch_matmul
#map = affine_map<(d0, d1, d2, d3) -> (d0, d1, d2, d3)>
#kept = affine_map<(d0, d1, d2, d3) -> (d0, d1, d2, 0)>
func.func @causal(%q: tensor<1x2x3x4xf32>, %k: tensor<1x2x3x4xf32>, %v: tensor<1x2x3x4xf32>) -> tensor<1x2x3x4xf32> {
  %zero = arith.constant 0.0 : f32
  %least = arith.constant 0xFF800000 : f32
  %half = arith.constant 0.5 : f32
  %ek = tensor.empty() : tensor<1x2x4x3xf32>
  %kt = linalg.transpose ins(%k : tensor<1x2x3x4xf32>) outs(%ek : tensor<1x2x4x3xf32>) permutation = [0, 1, 3, 2]
  %q3 = tensor.collapse_shape %q [[0, 1], [2], [3]] : tensor<1x2x3x4xf32> into tensor<2x3x4xf32>
  %k3 = tensor.collapse_shape %kt [[0, 1], [2], [3]] : tensor<1x2x4x3xf32> into tensor<2x4x3xf32>
  %v3 = tensor.collapse_shape %v [[0, 1], [2], [3]] : tensor<1x2x3x4xf32> into tensor<2x3x4xf32>
  %e3 = tensor.empty() : tensor<2x3x3xf32>
  %z3 = linalg.fill ins(%zero : f32) outs(%e3 : tensor<2x3x3xf32>) -> tensor<2x3x3xf32>
  %d3 = linalg.batch_matmul ins(%q3, %k3 : tensor<2x3x4xf32>, tensor<2x4x3xf32>) outs(%z3 : tensor<2x3x3xf32>) -> tensor<2x3x3xf32>
  %d = tensor.expand_shape %d3 [[0, 1], [2], [3]] output_shape [1, 2, 3, 3] : tensor<2x3x3xf32> into tensor<1x2x3x3xf32>
  %e4 = tensor.empty() : tensor<1x2x3x3xf32>
  %s = linalg.generic {indexing_maps = [#map, #map], iterator_types = ["parallel", "parallel", "parallel", "parallel"]}
      ins(%d : tensor<1x2x3x3xf32>) outs(%e4 : tensor<1x2x3x3xf32>) {
  ^bb0(%in: f32, %out: f32):
    %scaled = arith.mulf %in, %half : f32
    %i = linalg.index 2 : index
    %j = linalg.index 3 : index
    %sees = arith.cmpi sge, %i, %j : index
    %y = arith.select %sees, %scaled, %least : f32
    linalg.yield %y : f32
  } -> tensor<1x2x3x3xf32>
  %e1 = tensor.empty() : tensor<1x2x3x1xf32>
  %m0 = linalg.fill ins(%least : f32) outs(%e1 : tensor<1x2x3x1xf32>) -> tensor<1x2x3x1xf32>
  %s0 = linalg.fill ins(%zero : f32) outs(%e1 : tensor<1x2x3x1xf32>) -> tensor<1x2x3x1xf32>
  %most = linalg.generic {indexing_maps = [#map, #kept], iterator_types = ["parallel", "parallel", "parallel", "reduction"]}
      ins(%s : tensor<1x2x3x3xf32>) outs(%m0 : tensor<1x2x3x1xf32>) {
  ^bb0(%in: f32, %out: f32):
    %y = arith.maximumf %in, %out : f32
    linalg.yield %y : f32
  } -> tensor<1x2x3x1xf32>
  %p = linalg.generic {indexing_maps = [#map, #kept, #map], iterator_types = ["parallel", "parallel", "parallel", "parallel"]}
      ins(%s, %most : tensor<1x2x3x3xf32>, tensor<1x2x3x1xf32>) outs(%e4 : tensor<1x2x3x3xf32>) {
  ^bb0(%in: f32, %m1: f32, %out: f32):
    %x = arith.subf %in, %m1 : f32
    %y = math.exp %x : f32
    linalg.yield %y : f32
  } -> tensor<1x2x3x3xf32>
  %sum = linalg.generic {indexing_maps = [#map, #kept], iterator_types = ["parallel", "parallel", "parallel", "reduction"]}
      ins(%p : tensor<1x2x3x3xf32>) outs(%s0 : tensor<1x2x3x1xf32>) {
  ^bb0(%in: f32, %out: f32):
    %y = arith.addf %in, %out : f32
    linalg.yield %y : f32
  } -> tensor<1x2x3x1xf32>
  %w = linalg.generic {indexing_maps = [#map, #kept, #map], iterator_types = ["parallel", "parallel", "parallel", "parallel"]}
      ins(%p, %sum : tensor<1x2x3x3xf32>, tensor<1x2x3x1xf32>) outs(%e4 : tensor<1x2x3x3xf32>) {
  ^bb0(%in: f32, %t: f32, %out: f32):
    %y = arith.divf %in, %t : f32
    linalg.yield %y : f32
  } -> tensor<1x2x3x3xf32>
  %w3 = tensor.collapse_shape %w [[0, 1], [2], [3]] : tensor<1x2x3x3xf32> into tensor<2x3x3xf32>
  %eo = tensor.empty() : tensor<2x3x4xf32>
  %zo = linalg.fill ins(%zero : f32) outs(%eo : tensor<2x3x4xf32>) -> tensor<2x3x4xf32>
  %o3 = linalg.batch_matmul ins(%w3, %v3 : tensor<2x3x3xf32>, tensor<2x3x4xf32>) outs(%zo : tensor<2x3x4xf32>) -> tensor<2x3x4xf32>
  %o = tensor.expand_shape %o3 [[0, 1], [2], [3]] output_shape [1, 2, 3, 4] : tensor<2x3x4xf32> into tensor<1x2x3x4xf32>
  return %o : tensor<1x2x3x4xf32>
}

// -----

// CHECK-LABEL: func.func @sees_all(
// CHECK-NOT:     decoder.attention
#map = affine_map<(d0, d1, d2, d3) -> (d0, d1, d2, d3)>
#kept = affine_map<(d0, d1, d2, d3) -> (d0, d1, d2, 0)>
func.func @sees_all(%q: tensor<1x2x3x4xf32>, %k: tensor<1x2x3x4xf32>, %v: tensor<1x2x3x4xf32>) -> tensor<1x2x3x4xf32> {
  %zero = arith.constant 0.0 : f32
  %least = arith.constant 0xFF800000 : f32
  %half = arith.constant 0.5 : f32
  %ek = tensor.empty() : tensor<1x2x4x3xf32>
  %kt = linalg.transpose ins(%k : tensor<1x2x3x4xf32>) outs(%ek : tensor<1x2x4x3xf32>) permutation = [0, 1, 3, 2]
  %q3 = tensor.collapse_shape %q [[0, 1], [2], [3]] : tensor<1x2x3x4xf32> into tensor<2x3x4xf32>
  %k3 = tensor.collapse_shape %kt [[0, 1], [2], [3]] : tensor<1x2x4x3xf32> into tensor<2x4x3xf32>
  %v3 = tensor.collapse_shape %v [[0, 1], [2], [3]] : tensor<1x2x3x4xf32> into tensor<2x3x4xf32>
  %e3 = tensor.empty() : tensor<2x3x3xf32>
  %z3 = linalg.fill ins(%zero : f32) outs(%e3 : tensor<2x3x3xf32>) -> tensor<2x3x3xf32>
  %d3 = linalg.batch_matmul ins(%q3, %k3 : tensor<2x3x4xf32>, tensor<2x4x3xf32>) outs(%z3 : tensor<2x3x3xf32>) -> tensor<2x3x3xf32>
  %d = tensor.expand_shape %d3 [[0, 1], [2], [3]] output_shape [1, 2, 3, 3] : tensor<2x3x3xf32> into tensor<1x2x3x3xf32>
  %e4 = tensor.empty() : tensor<1x2x3x3xf32>
  %s = linalg.generic {indexing_maps = [#map, #map], iterator_types = ["parallel", "parallel", "parallel", "parallel"]}
      ins(%d : tensor<1x2x3x3xf32>) outs(%e4 : tensor<1x2x3x3xf32>) {
  ^bb0(%in: f32, %out: f32):
    %scaled = arith.mulf %in, %half : f32
    linalg.yield %scaled : f32
  } -> tensor<1x2x3x3xf32>
  %e1 = tensor.empty() : tensor<1x2x3x1xf32>
  %m0 = linalg.fill ins(%least : f32) outs(%e1 : tensor<1x2x3x1xf32>) -> tensor<1x2x3x1xf32>
  %s0 = linalg.fill ins(%zero : f32) outs(%e1 : tensor<1x2x3x1xf32>) -> tensor<1x2x3x1xf32>
  %most = linalg.generic {indexing_maps = [#map, #kept], iterator_types = ["parallel", "parallel", "parallel", "reduction"]}
      ins(%s : tensor<1x2x3x3xf32>) outs(%m0 : tensor<1x2x3x1xf32>) {
  ^bb0(%in: f32, %out: f32):
    %y = arith.maximumf %in, %out : f32
    linalg.yield %y : f32
  } -> tensor<1x2x3x1xf32>
  %p = linalg.generic {indexing_maps = [#map, #kept, #map], iterator_types = ["parallel", "parallel", "parallel", "parallel"]}
      ins(%s, %most : tensor<1x2x3x3xf32>, tensor<1x2x3x1xf32>) outs(%e4 : tensor<1x2x3x3xf32>) {
  ^bb0(%in: f32, %m1: f32, %out: f32):
    %x = arith.subf %in, %m1 : f32
    %y = math.exp %x : f32
    linalg.yield %y : f32
  } -> tensor<1x2x3x3xf32>
  %sum = linalg.generic {indexing_maps = [#map, #kept], iterator_types = ["parallel", "parallel", "parallel", "reduction"]}
      ins(%p : tensor<1x2x3x3xf32>) outs(%s0 : tensor<1x2x3x1xf32>) {
  ^bb0(%in: f32, %out: f32):
    %y = arith.addf %in, %out : f32
    linalg.yield %y : f32
  } -> tensor<1x2x3x1xf32>
  %w = linalg.generic {indexing_maps = [#map, #kept, #map], iterator_types = ["parallel", "parallel", "parallel", "parallel"]}
      ins(%p, %sum : tensor<1x2x3x3xf32>, tensor<1x2x3x1xf32>) outs(%e4 : tensor<1x2x3x3xf32>) {
  ^bb0(%in: f32, %t: f32, %out: f32):
    %y = arith.divf %in, %t : f32
    linalg.yield %y : f32
  } -> tensor<1x2x3x3xf32>
  %w3 = tensor.collapse_shape %w [[0, 1], [2], [3]] : tensor<1x2x3x3xf32> into tensor<2x3x3xf32>
  %eo = tensor.empty() : tensor<2x3x4xf32>
  %zo = linalg.fill ins(%zero : f32) outs(%eo : tensor<2x3x4xf32>) -> tensor<2x3x4xf32>
  // expected-remark @below {{stays as it is: sees tokens that come later}}
  %o3 = linalg.batch_matmul ins(%w3, %v3 : tensor<2x3x3xf32>, tensor<2x3x4xf32>) outs(%zo : tensor<2x3x4xf32>) -> tensor<2x3x4xf32>
  %o = tensor.expand_shape %o3 [[0, 1], [2], [3]] output_shape [1, 2, 3, 4] : tensor<2x3x4xf32> into tensor<1x2x3x4xf32>
  return %o : tensor<1x2x3x4xf32>
}

// -----

// CHECK-LABEL: func.func @sees_later(
// CHECK-NOT:     decoder.attention
#map = affine_map<(d0, d1, d2, d3) -> (d0, d1, d2, d3)>
#kept = affine_map<(d0, d1, d2, d3) -> (d0, d1, d2, 0)>
func.func @sees_later(%q: tensor<1x2x3x4xf32>, %k: tensor<1x2x3x4xf32>, %v: tensor<1x2x3x4xf32>) -> tensor<1x2x3x4xf32> {
  %zero = arith.constant 0.0 : f32
  %least = arith.constant 0xFF800000 : f32
  %half = arith.constant 0.5 : f32
  %ek = tensor.empty() : tensor<1x2x4x3xf32>
  %kt = linalg.transpose ins(%k : tensor<1x2x3x4xf32>) outs(%ek : tensor<1x2x4x3xf32>) permutation = [0, 1, 3, 2]
  %q3 = tensor.collapse_shape %q [[0, 1], [2], [3]] : tensor<1x2x3x4xf32> into tensor<2x3x4xf32>
  %k3 = tensor.collapse_shape %kt [[0, 1], [2], [3]] : tensor<1x2x4x3xf32> into tensor<2x4x3xf32>
  %v3 = tensor.collapse_shape %v [[0, 1], [2], [3]] : tensor<1x2x3x4xf32> into tensor<2x3x4xf32>
  %e3 = tensor.empty() : tensor<2x3x3xf32>
  %z3 = linalg.fill ins(%zero : f32) outs(%e3 : tensor<2x3x3xf32>) -> tensor<2x3x3xf32>
  %d3 = linalg.batch_matmul ins(%q3, %k3 : tensor<2x3x4xf32>, tensor<2x4x3xf32>) outs(%z3 : tensor<2x3x3xf32>) -> tensor<2x3x3xf32>
  %d = tensor.expand_shape %d3 [[0, 1], [2], [3]] output_shape [1, 2, 3, 3] : tensor<2x3x3xf32> into tensor<1x2x3x3xf32>
  %e4 = tensor.empty() : tensor<1x2x3x3xf32>
  %s = linalg.generic {indexing_maps = [#map, #map], iterator_types = ["parallel", "parallel", "parallel", "parallel"]}
      ins(%d : tensor<1x2x3x3xf32>) outs(%e4 : tensor<1x2x3x3xf32>) {
  ^bb0(%in: f32, %out: f32):
    %scaled = arith.mulf %in, %half : f32
    %i = linalg.index 2 : index
    %j = linalg.index 3 : index
    %sees = arith.cmpi sle, %i, %j : index
    %y = arith.select %sees, %scaled, %least : f32
    linalg.yield %y : f32
  } -> tensor<1x2x3x3xf32>
  %e1 = tensor.empty() : tensor<1x2x3x1xf32>
  %m0 = linalg.fill ins(%least : f32) outs(%e1 : tensor<1x2x3x1xf32>) -> tensor<1x2x3x1xf32>
  %s0 = linalg.fill ins(%zero : f32) outs(%e1 : tensor<1x2x3x1xf32>) -> tensor<1x2x3x1xf32>
  %most = linalg.generic {indexing_maps = [#map, #kept], iterator_types = ["parallel", "parallel", "parallel", "reduction"]}
      ins(%s : tensor<1x2x3x3xf32>) outs(%m0 : tensor<1x2x3x1xf32>) {
  ^bb0(%in: f32, %out: f32):
    %y = arith.maximumf %in, %out : f32
    linalg.yield %y : f32
  } -> tensor<1x2x3x1xf32>
  %p = linalg.generic {indexing_maps = [#map, #kept, #map], iterator_types = ["parallel", "parallel", "parallel", "parallel"]}
      ins(%s, %most : tensor<1x2x3x3xf32>, tensor<1x2x3x1xf32>) outs(%e4 : tensor<1x2x3x3xf32>) {
  ^bb0(%in: f32, %m1: f32, %out: f32):
    %x = arith.subf %in, %m1 : f32
    %y = math.exp %x : f32
    linalg.yield %y : f32
  } -> tensor<1x2x3x3xf32>
  %sum = linalg.generic {indexing_maps = [#map, #kept], iterator_types = ["parallel", "parallel", "parallel", "reduction"]}
      ins(%p : tensor<1x2x3x3xf32>) outs(%s0 : tensor<1x2x3x1xf32>) {
  ^bb0(%in: f32, %out: f32):
    %y = arith.addf %in, %out : f32
    linalg.yield %y : f32
  } -> tensor<1x2x3x1xf32>
  %w = linalg.generic {indexing_maps = [#map, #kept, #map], iterator_types = ["parallel", "parallel", "parallel", "parallel"]}
      ins(%p, %sum : tensor<1x2x3x3xf32>, tensor<1x2x3x1xf32>) outs(%e4 : tensor<1x2x3x3xf32>) {
  ^bb0(%in: f32, %t: f32, %out: f32):
    %y = arith.divf %in, %t : f32
    linalg.yield %y : f32
  } -> tensor<1x2x3x3xf32>
  %w3 = tensor.collapse_shape %w [[0, 1], [2], [3]] : tensor<1x2x3x3xf32> into tensor<2x3x3xf32>
  %eo = tensor.empty() : tensor<2x3x4xf32>
  %zo = linalg.fill ins(%zero : f32) outs(%eo : tensor<2x3x4xf32>) -> tensor<2x3x4xf32>
  // expected-remark @below {{stays as it is: sees tokens that come later}}
  %o3 = linalg.batch_matmul ins(%w3, %v3 : tensor<2x3x3xf32>, tensor<2x3x4xf32>) outs(%zo : tensor<2x3x4xf32>) -> tensor<2x3x4xf32>
  %o = tensor.expand_shape %o3 [[0, 1], [2], [3]] output_shape [1, 2, 3, 4] : tensor<2x3x4xf32> into tensor<1x2x3x4xf32>
  return %o : tensor<1x2x3x4xf32>
}

// -----

// CHECK-LABEL: func.func @other_keys(
// CHECK-NOT:     decoder.attention
#map = affine_map<(d0, d1, d2, d3) -> (d0, d1, d2, d3)>
#kept = affine_map<(d0, d1, d2, d3) -> (d0, d1, d2, 0)>
func.func @other_keys(%q: tensor<1x2x3x4xf32>, %k: tensor<1x2x5x4xf32>, %v: tensor<1x2x5x4xf32>) -> tensor<1x2x3x4xf32> {
  %zero = arith.constant 0.0 : f32
  %least = arith.constant 0xFF800000 : f32
  %half = arith.constant 0.5 : f32
  %ek = tensor.empty() : tensor<1x2x4x5xf32>
  %kt = linalg.transpose ins(%k : tensor<1x2x5x4xf32>) outs(%ek : tensor<1x2x4x5xf32>) permutation = [0, 1, 3, 2]
  %q3 = tensor.collapse_shape %q [[0, 1], [2], [3]] : tensor<1x2x3x4xf32> into tensor<2x3x4xf32>
  %k3 = tensor.collapse_shape %kt [[0, 1], [2], [3]] : tensor<1x2x4x5xf32> into tensor<2x4x5xf32>
  %v3 = tensor.collapse_shape %v [[0, 1], [2], [3]] : tensor<1x2x5x4xf32> into tensor<2x5x4xf32>
  %e3 = tensor.empty() : tensor<2x3x5xf32>
  %z3 = linalg.fill ins(%zero : f32) outs(%e3 : tensor<2x3x5xf32>) -> tensor<2x3x5xf32>
  %d3 = linalg.batch_matmul ins(%q3, %k3 : tensor<2x3x4xf32>, tensor<2x4x5xf32>) outs(%z3 : tensor<2x3x5xf32>) -> tensor<2x3x5xf32>
  %d = tensor.expand_shape %d3 [[0, 1], [2], [3]] output_shape [1, 2, 3, 5] : tensor<2x3x5xf32> into tensor<1x2x3x5xf32>
  %e4 = tensor.empty() : tensor<1x2x3x5xf32>
  %s = linalg.generic {indexing_maps = [#map, #map], iterator_types = ["parallel", "parallel", "parallel", "parallel"]}
      ins(%d : tensor<1x2x3x5xf32>) outs(%e4 : tensor<1x2x3x5xf32>) {
  ^bb0(%in: f32, %out: f32):
    %scaled = arith.mulf %in, %half : f32
    %i = linalg.index 2 : index
    %j = linalg.index 3 : index
    %sees = arith.cmpi sge, %i, %j : index
    %y = arith.select %sees, %scaled, %least : f32
    linalg.yield %y : f32
  } -> tensor<1x2x3x5xf32>
  %e1 = tensor.empty() : tensor<1x2x3x1xf32>
  %m0 = linalg.fill ins(%least : f32) outs(%e1 : tensor<1x2x3x1xf32>) -> tensor<1x2x3x1xf32>
  %s0 = linalg.fill ins(%zero : f32) outs(%e1 : tensor<1x2x3x1xf32>) -> tensor<1x2x3x1xf32>
  %most = linalg.generic {indexing_maps = [#map, #kept], iterator_types = ["parallel", "parallel", "parallel", "reduction"]}
      ins(%s : tensor<1x2x3x5xf32>) outs(%m0 : tensor<1x2x3x1xf32>) {
  ^bb0(%in: f32, %out: f32):
    %y = arith.maximumf %in, %out : f32
    linalg.yield %y : f32
  } -> tensor<1x2x3x1xf32>
  %p = linalg.generic {indexing_maps = [#map, #kept, #map], iterator_types = ["parallel", "parallel", "parallel", "parallel"]}
      ins(%s, %most : tensor<1x2x3x5xf32>, tensor<1x2x3x1xf32>) outs(%e4 : tensor<1x2x3x5xf32>) {
  ^bb0(%in: f32, %m1: f32, %out: f32):
    %x = arith.subf %in, %m1 : f32
    %y = math.exp %x : f32
    linalg.yield %y : f32
  } -> tensor<1x2x3x5xf32>
  %sum = linalg.generic {indexing_maps = [#map, #kept], iterator_types = ["parallel", "parallel", "parallel", "reduction"]}
      ins(%p : tensor<1x2x3x5xf32>) outs(%s0 : tensor<1x2x3x1xf32>) {
  ^bb0(%in: f32, %out: f32):
    %y = arith.addf %in, %out : f32
    linalg.yield %y : f32
  } -> tensor<1x2x3x1xf32>
  %w = linalg.generic {indexing_maps = [#map, #kept, #map], iterator_types = ["parallel", "parallel", "parallel", "parallel"]}
      ins(%p, %sum : tensor<1x2x3x5xf32>, tensor<1x2x3x1xf32>) outs(%e4 : tensor<1x2x3x5xf32>) {
  ^bb0(%in: f32, %t: f32, %out: f32):
    %y = arith.divf %in, %t : f32
    linalg.yield %y : f32
  } -> tensor<1x2x3x5xf32>
  %w3 = tensor.collapse_shape %w [[0, 1], [2], [3]] : tensor<1x2x3x5xf32> into tensor<2x3x5xf32>
  %eo = tensor.empty() : tensor<2x3x4xf32>
  %zo = linalg.fill ins(%zero : f32) outs(%eo : tensor<2x3x4xf32>) -> tensor<2x3x4xf32>
  // expected-remark @below {{stays as it is: has other keys than those of its own tokens}}
  %o3 = linalg.batch_matmul ins(%w3, %v3 : tensor<2x3x5xf32>, tensor<2x5x4xf32>) outs(%zo : tensor<2x3x4xf32>) -> tensor<2x3x4xf32>
  %o = tensor.expand_shape %o3 [[0, 1], [2], [3]] output_shape [1, 2, 3, 4] : tensor<2x3x4xf32> into tensor<1x2x3x4xf32>
  return %o : tensor<1x2x3x4xf32>
}

// -----

// CHECK-LABEL: func.func @batch(
// CHECK-NOT:     decoder.attention
#map = affine_map<(d0, d1, d2, d3) -> (d0, d1, d2, d3)>
#kept = affine_map<(d0, d1, d2, d3) -> (d0, d1, d2, 0)>
func.func @batch(%q: tensor<2x2x3x4xf32>, %k: tensor<2x2x3x4xf32>, %v: tensor<2x2x3x4xf32>) -> tensor<2x2x3x4xf32> {
  %zero = arith.constant 0.0 : f32
  %least = arith.constant 0xFF800000 : f32
  %half = arith.constant 0.5 : f32
  %ek = tensor.empty() : tensor<2x2x4x3xf32>
  %kt = linalg.transpose ins(%k : tensor<2x2x3x4xf32>) outs(%ek : tensor<2x2x4x3xf32>) permutation = [0, 1, 3, 2]
  %q3 = tensor.collapse_shape %q [[0, 1], [2], [3]] : tensor<2x2x3x4xf32> into tensor<4x3x4xf32>
  %k3 = tensor.collapse_shape %kt [[0, 1], [2], [3]] : tensor<2x2x4x3xf32> into tensor<4x4x3xf32>
  %v3 = tensor.collapse_shape %v [[0, 1], [2], [3]] : tensor<2x2x3x4xf32> into tensor<4x3x4xf32>
  %e3 = tensor.empty() : tensor<4x3x3xf32>
  %z3 = linalg.fill ins(%zero : f32) outs(%e3 : tensor<4x3x3xf32>) -> tensor<4x3x3xf32>
  %d3 = linalg.batch_matmul ins(%q3, %k3 : tensor<4x3x4xf32>, tensor<4x4x3xf32>) outs(%z3 : tensor<4x3x3xf32>) -> tensor<4x3x3xf32>
  %d = tensor.expand_shape %d3 [[0, 1], [2], [3]] output_shape [2, 2, 3, 3] : tensor<4x3x3xf32> into tensor<2x2x3x3xf32>
  %e4 = tensor.empty() : tensor<2x2x3x3xf32>
  %s = linalg.generic {indexing_maps = [#map, #map], iterator_types = ["parallel", "parallel", "parallel", "parallel"]}
      ins(%d : tensor<2x2x3x3xf32>) outs(%e4 : tensor<2x2x3x3xf32>) {
  ^bb0(%in: f32, %out: f32):
    %scaled = arith.mulf %in, %half : f32
    %i = linalg.index 2 : index
    %j = linalg.index 3 : index
    %sees = arith.cmpi sge, %i, %j : index
    %y = arith.select %sees, %scaled, %least : f32
    linalg.yield %y : f32
  } -> tensor<2x2x3x3xf32>
  %e1 = tensor.empty() : tensor<2x2x3x1xf32>
  %m0 = linalg.fill ins(%least : f32) outs(%e1 : tensor<2x2x3x1xf32>) -> tensor<2x2x3x1xf32>
  %s0 = linalg.fill ins(%zero : f32) outs(%e1 : tensor<2x2x3x1xf32>) -> tensor<2x2x3x1xf32>
  %most = linalg.generic {indexing_maps = [#map, #kept], iterator_types = ["parallel", "parallel", "parallel", "reduction"]}
      ins(%s : tensor<2x2x3x3xf32>) outs(%m0 : tensor<2x2x3x1xf32>) {
  ^bb0(%in: f32, %out: f32):
    %y = arith.maximumf %in, %out : f32
    linalg.yield %y : f32
  } -> tensor<2x2x3x1xf32>
  %p = linalg.generic {indexing_maps = [#map, #kept, #map], iterator_types = ["parallel", "parallel", "parallel", "parallel"]}
      ins(%s, %most : tensor<2x2x3x3xf32>, tensor<2x2x3x1xf32>) outs(%e4 : tensor<2x2x3x3xf32>) {
  ^bb0(%in: f32, %m1: f32, %out: f32):
    %x = arith.subf %in, %m1 : f32
    %y = math.exp %x : f32
    linalg.yield %y : f32
  } -> tensor<2x2x3x3xf32>
  %sum = linalg.generic {indexing_maps = [#map, #kept], iterator_types = ["parallel", "parallel", "parallel", "reduction"]}
      ins(%p : tensor<2x2x3x3xf32>) outs(%s0 : tensor<2x2x3x1xf32>) {
  ^bb0(%in: f32, %out: f32):
    %y = arith.addf %in, %out : f32
    linalg.yield %y : f32
  } -> tensor<2x2x3x1xf32>
  %w = linalg.generic {indexing_maps = [#map, #kept, #map], iterator_types = ["parallel", "parallel", "parallel", "parallel"]}
      ins(%p, %sum : tensor<2x2x3x3xf32>, tensor<2x2x3x1xf32>) outs(%e4 : tensor<2x2x3x3xf32>) {
  ^bb0(%in: f32, %t: f32, %out: f32):
    %y = arith.divf %in, %t : f32
    linalg.yield %y : f32
  } -> tensor<2x2x3x3xf32>
  %w3 = tensor.collapse_shape %w [[0, 1], [2], [3]] : tensor<2x2x3x3xf32> into tensor<4x3x3xf32>
  %eo = tensor.empty() : tensor<4x3x4xf32>
  %zo = linalg.fill ins(%zero : f32) outs(%eo : tensor<4x3x4xf32>) -> tensor<4x3x4xf32>
  // expected-remark @below {{stays as it is: is of more than one sequence}}
  %o3 = linalg.batch_matmul ins(%w3, %v3 : tensor<4x3x3xf32>, tensor<4x3x4xf32>) outs(%zo : tensor<4x3x4xf32>) -> tensor<4x3x4xf32>
  %o = tensor.expand_shape %o3 [[0, 1], [2], [3]] output_shape [2, 2, 3, 4] : tensor<4x3x4xf32> into tensor<2x2x3x4xf32>
  return %o : tensor<2x2x3x4xf32>
}
