// RUN: awq-opt %s --awq-raise-linalg=remarks -verify-diagnostics | FileCheck %s --check-prefix=PADDED
// RUN: awq-opt %s --awq-raise-linalg=unpadded | FileCheck %s

// A mask that a function takes may hide tokens, unless it is said to hide none.
// PADDED-LABEL: func.func @masked(
// PADDED-NOT:     decoder.attention
// CHECK-LABEL: func.func @masked(
// CHECK:         decoder.attention
#map = affine_map<(d0, d1, d2, d3) -> (d0, d1, d2, d3)>
#kept = affine_map<(d0, d1, d2, d3) -> (d0, d1, d2, 0)>
#mask = affine_map<(d0, d1, d2, d3) -> (d0, d3)>
#two = affine_map<(d0, d1) -> (d0, d1)>
func.func @masked(%q: tensor<1x2x3x4xf32>, %k: tensor<1x2x3x4xf32>, %v: tensor<1x2x3x4xf32>, %m: tensor<1x3xi64>) -> tensor<1x2x3x4xf32> {
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
  %none = arith.constant 0 : i64
  %em = tensor.empty() : tensor<1x3xi1>
  %seen = linalg.generic {indexing_maps = [#two, #two], iterator_types = ["parallel", "parallel"]}
      ins(%m : tensor<1x3xi64>) outs(%em : tensor<1x3xi1>) {
  ^bb0(%in: i64, %out: i1):
    %y = arith.cmpi ne, %in, %none : i64
    linalg.yield %y : i1
  } -> tensor<1x3xi1>
  %s = linalg.generic {indexing_maps = [#map, #mask, #map], iterator_types = ["parallel", "parallel", "parallel", "parallel"]}
      ins(%d, %seen : tensor<1x2x3x3xf32>, tensor<1x3xi1>) outs(%e4 : tensor<1x2x3x3xf32>) {
  ^bb0(%in: f32, %given: i1, %out: f32):
    %scaled = arith.mulf %in, %half : f32
    %i = linalg.index 2 : index
    %j = linalg.index 3 : index
    %before = arith.cmpi sge, %i, %j : index
    %sees = arith.andi %before, %given : i1
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
  // expected-remark @below {{stays as it is: has a mask that is neither causal nor a window}}
  %o3 = linalg.batch_matmul ins(%w3, %v3 : tensor<2x3x3xf32>, tensor<2x3x4xf32>) outs(%zo : tensor<2x3x4xf32>) -> tensor<2x3x4xf32>
  %o = tensor.expand_shape %o3 [[0, 1], [2], [3]] output_shape [1, 2, 3, 4] : tensor<2x3x4xf32> into tensor<1x2x3x4xf32>
  return %o : tensor<1x2x3x4xf32>
}
