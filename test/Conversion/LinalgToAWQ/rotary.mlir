// RUN: awq-opt %s --awq-raise-linalg -split-input-file | FileCheck %s

// x cos + (-x2, x1) sin, for heads behind a transpose; the tables are the same
// in both halves of the channels, so one half is read.
// CHECK-LABEL: func.func @halves(
// CHECK-SAME:    %[[X:[a-z0-9]+]]: tensor<1x3x2x4xf32>, %[[A:[a-z0-9]+]]: tensor<1x3x2xf32>
// CHECK:         %[[R:.*]] = tensor.collapse_shape %[[X]] {{\[\[}}0, 1], [2], [3]]
// CHECK:         %[[COS:.*]] = tensor.extract_slice %{{.*}} : tensor<1x3x4xf32> to tensor<3x2xf32>
// CHECK:         %[[SIN:.*]] = tensor.extract_slice %{{.*}} : tensor<1x3x4xf32> to tensor<3x2xf32>
// CHECK:         %[[Y:.*]] = decoder.rotary %[[R]], %[[COS]], %[[SIN]] : tensor<3x2x4xf32>, tensor<3x2xf32>
// CHECK:         linalg.transpose ins(%[[Y]] : tensor<3x2x4xf32>) {{.*}} permutation = [1, 0, 2]
// CHECK-NOT:     tensor.concat {{.*}}3
#table = affine_map<(d0, d1, d2, d3) -> (d0, d2, d3)>
#id = affine_map<(d0, d1, d2, d3) -> (d0, d1, d2, d3)>
#id3 = affine_map<(d0, d1, d2) -> (d0, d1, d2)>
func.func @halves(%heads: tensor<1x3x2x4xf32>, %angles: tensor<1x3x2xf32>) -> tensor<1x2x3x4xf32> {
  %e = tensor.empty() : tensor<1x2x3x4xf32>
  %x = linalg.transpose ins(%heads : tensor<1x3x2x4xf32>) outs(%e : tensor<1x2x3x4xf32>) permutation = [0, 2, 1, 3]
  %both = tensor.concat dim(2) %angles, %angles : (tensor<1x3x2xf32>, tensor<1x3x2xf32>) -> tensor<1x3x4xf32>
  %e1 = tensor.empty() : tensor<1x3x4xf32>
  %cos = linalg.generic {indexing_maps = [#id3, #id3], iterator_types = ["parallel", "parallel", "parallel"]}
      ins(%both : tensor<1x3x4xf32>) outs(%e1 : tensor<1x3x4xf32>) {
  ^bb0(%in: f32, %out: f32):
    %y = math.cos %in : f32
    linalg.yield %y : f32
  } -> tensor<1x3x4xf32>
  %sin = linalg.generic {indexing_maps = [#id3, #id3], iterator_types = ["parallel", "parallel", "parallel"]}
      ins(%both : tensor<1x3x4xf32>) outs(%e1 : tensor<1x3x4xf32>) {
  ^bb0(%in: f32, %out: f32):
    %y = math.sin %in : f32
    linalg.yield %y : f32
  } -> tensor<1x3x4xf32>
  %low = tensor.extract_slice %x[0, 0, 0, 0] [1, 2, 3, 2] [1, 1, 1, 1] : tensor<1x2x3x4xf32> to tensor<1x2x3x2xf32>
  %high = tensor.extract_slice %x[0, 0, 0, 2] [1, 2, 3, 2] [1, 1, 1, 1] : tensor<1x2x3x4xf32> to tensor<1x2x3x2xf32>
  %e2 = tensor.empty() : tensor<1x2x3x2xf32>
  %negated = linalg.generic {indexing_maps = [#id, #id], iterator_types = ["parallel", "parallel", "parallel", "parallel"]}
      ins(%high : tensor<1x2x3x2xf32>) outs(%e2 : tensor<1x2x3x2xf32>) {
  ^bb0(%in: f32, %out: f32):
    %y = arith.negf %in : f32
    linalg.yield %y : f32
  } -> tensor<1x2x3x2xf32>
  %turned = tensor.concat dim(3) %negated, %low : (tensor<1x2x3x2xf32>, tensor<1x2x3x2xf32>) -> tensor<1x2x3x4xf32>
  %y = linalg.generic {indexing_maps = [#id, #table, #id, #table, #id], iterator_types = ["parallel", "parallel", "parallel", "parallel"]}
      ins(%x, %cos, %turned, %sin : tensor<1x2x3x4xf32>, tensor<1x3x4xf32>, tensor<1x2x3x4xf32>, tensor<1x3x4xf32>) outs(%e : tensor<1x2x3x4xf32>) {
  ^bb0(%a: f32, %c: f32, %b: f32, %s: f32, %out: f32):
    %ac = arith.mulf %a, %c : f32
    %bs = arith.mulf %b, %s : f32
    %sum = arith.addf %ac, %bs : f32
    linalg.yield %sum : f32
  } -> tensor<1x2x3x4xf32>
  return %y : tensor<1x2x3x4xf32>
}

// -----

// Tables that may differ between the halves are no tables of angles.
// CHECK-LABEL: func.func @any_table(
// CHECK-NOT:     decoder.rotary
#table = affine_map<(d0, d1, d2, d3) -> (d2, d3)>
#id = affine_map<(d0, d1, d2, d3) -> (d0, d1, d2, d3)>
func.func @any_table(%x: tensor<1x2x3x4xf32>, %cos: tensor<3x4xf32>, %sin: tensor<3x4xf32>) -> tensor<1x2x3x4xf32> {
  %e = tensor.empty() : tensor<1x2x3x4xf32>
  %low = tensor.extract_slice %x[0, 0, 0, 0] [1, 2, 3, 2] [1, 1, 1, 1] : tensor<1x2x3x4xf32> to tensor<1x2x3x2xf32>
  %high = tensor.extract_slice %x[0, 0, 0, 2] [1, 2, 3, 2] [1, 1, 1, 1] : tensor<1x2x3x4xf32> to tensor<1x2x3x2xf32>
  %e2 = tensor.empty() : tensor<1x2x3x2xf32>
  %negated = linalg.generic {indexing_maps = [#id, #id], iterator_types = ["parallel", "parallel", "parallel", "parallel"]}
      ins(%high : tensor<1x2x3x2xf32>) outs(%e2 : tensor<1x2x3x2xf32>) {
  ^bb0(%in: f32, %out: f32):
    %y = arith.negf %in : f32
    linalg.yield %y : f32
  } -> tensor<1x2x3x2xf32>
  %turned = tensor.concat dim(3) %negated, %low : (tensor<1x2x3x2xf32>, tensor<1x2x3x2xf32>) -> tensor<1x2x3x4xf32>
  %y = linalg.generic {indexing_maps = [#id, #table, #id, #table, #id], iterator_types = ["parallel", "parallel", "parallel", "parallel"]}
      ins(%x, %cos, %turned, %sin : tensor<1x2x3x4xf32>, tensor<3x4xf32>, tensor<1x2x3x4xf32>, tensor<3x4xf32>) outs(%e : tensor<1x2x3x4xf32>) {
  ^bb0(%a: f32, %c: f32, %b: f32, %s: f32, %out: f32):
    %ac = arith.mulf %a, %c : f32
    %bs = arith.mulf %b, %s : f32
    %sum = arith.addf %ac, %bs : f32
    linalg.yield %sum : f32
  } -> tensor<1x2x3x4xf32>
  return %y : tensor<1x2x3x4xf32>
}
