// RUN: awq-opt %s --awq-raise-linalg -split-input-file | FileCheck %s

// x * sigmoid(x), in one body.
// CHECK-LABEL: func.func @silu(
// CHECK-SAME:    %[[X:[a-z0-9]+]]: tensor<2x3x4xf32>
// CHECK:         %[[R:.*]] = tensor.collapse_shape %[[X]]
// CHECK-NEXT:    decoder.activation %[[R]] {kind = #decoder.activation_kind<silu>} : tensor<6x4xf32>
// CHECK-NOT:     linalg
#map = affine_map<(d0, d1, d2) -> (d0, d1, d2)>
func.func @silu(%x: tensor<2x3x4xf32>) -> tensor<2x3x4xf32> {
  %one = arith.constant 1.0 : f32
  %e = tensor.empty() : tensor<2x3x4xf32>
  %0 = linalg.generic {indexing_maps = [#map, #map], iterator_types = ["parallel", "parallel", "parallel"]}
      ins(%x : tensor<2x3x4xf32>) outs(%e : tensor<2x3x4xf32>) {
  ^bb0(%in: f32, %out: f32):
    %n = arith.negf %in : f32
    %p = math.exp %n : f32
    %s = arith.addf %p, %one : f32
    %y = arith.divf %in, %s : f32
    linalg.yield %y : f32
  } -> tensor<2x3x4xf32>
  return %0 : tensor<2x3x4xf32>
}

// -----

// Gate and up, in two bodies with a number and a broadcast between them.
// CHECK-LABEL: func.func @gated(
// CHECK-SAME:    %[[G:[a-z0-9]+]]: tensor<?x4xf32>, %[[U:[a-z0-9]+]]: tensor<?x4xf32>
// CHECK:         decoder.glu %[[G]], %[[U]] {kind = #decoder.activation_kind<silu>} : tensor<?x4xf32>
// CHECK-NOT:     linalg
#map = affine_map<(d0, d1) -> (d0, d1)>
func.func @gated(%g: tensor<?x4xf32>, %u: tensor<?x4xf32>) -> tensor<?x4xf32> {
  %c0 = arith.constant 0 : index
  %one = arith.constant 1.0 : f32
  %t = tensor.dim %g, %c0 : tensor<?x4xf32>
  %e = tensor.empty(%t) : tensor<?x4xf32>
  %0 = linalg.generic {indexing_maps = [#map, #map], iterator_types = ["parallel", "parallel"]}
      ins(%g : tensor<?x4xf32>) outs(%e : tensor<?x4xf32>) {
  ^bb0(%in: f32, %out: f32):
    %n = arith.negf %in : f32
    %p = math.exp %n : f32
    %s = arith.addf %p, %one : f32
    %y = arith.divf %one, %s : f32
    linalg.yield %y : f32
  } -> tensor<?x4xf32>
  %1 = linalg.generic {indexing_maps = [#map, #map, #map], iterator_types = ["parallel", "parallel"]}
      ins(%0, %g : tensor<?x4xf32>, tensor<?x4xf32>) outs(%e : tensor<?x4xf32>) {
  ^bb0(%a: f32, %b: f32, %out: f32):
    %y = arith.mulf %a, %b : f32
    linalg.yield %y : f32
  } -> tensor<?x4xf32>
  %2 = linalg.generic {indexing_maps = [#map, #map, #map], iterator_types = ["parallel", "parallel"]}
      ins(%u, %1 : tensor<?x4xf32>, tensor<?x4xf32>) outs(%e : tensor<?x4xf32>) {
  ^bb0(%a: f32, %b: f32, %out: f32):
    %y = arith.mulf %a, %b : f32
    linalg.yield %y : f32
  } -> tensor<?x4xf32>
  return %2 : tensor<?x4xf32>
}

// -----

// x > 0 ? x : 0
// CHECK-LABEL: func.func @relu(
// CHECK-SAME:    %[[X:[a-z0-9]+]]: tensor<3x4xf32>
// CHECK:         decoder.activation %[[X]] {kind = #decoder.activation_kind<relu>}
#map = affine_map<(d0, d1) -> (d0, d1)>
func.func @relu(%x: tensor<3x4xf32>) -> tensor<3x4xf32> {
  %zero = arith.constant 0.0 : f32
  %e = tensor.empty() : tensor<3x4xf32>
  %0 = linalg.generic {indexing_maps = [#map, #map], iterator_types = ["parallel", "parallel"]}
      ins(%x : tensor<3x4xf32>) outs(%e : tensor<3x4xf32>) {
  ^bb0(%in: f32, %out: f32):
    %c = arith.cmpf ugt, %in, %zero : f32
    %y = arith.select %c, %in, %zero : f32
    linalg.yield %y : f32
  } -> tensor<3x4xf32>
  return %0 : tensor<3x4xf32>
}

// -----

// An activation whose input is broadcast is none of the tensor; the numbers of
// a mask have no channels.
// CHECK-LABEL: func.func @others(
// CHECK-NOT:     decoder.
#map = affine_map<(d0, d1) -> (d0, d1)>
#row = affine_map<(d0, d1) -> (d1)>
func.func @others(%x: tensor<4xf32>, %m: tensor<2x?xf32>) -> (tensor<2x4xf32>, tensor<2x?xf32>) {
  %c1 = arith.constant 1 : index
  %zero = arith.constant 0.0 : f32
  %e = tensor.empty() : tensor<2x4xf32>
  %0 = linalg.generic {indexing_maps = [#row, #map], iterator_types = ["parallel", "parallel"]}
      ins(%x : tensor<4xf32>) outs(%e : tensor<2x4xf32>) {
  ^bb0(%in: f32, %out: f32):
    %y = arith.maximumf %in, %zero : f32
    linalg.yield %y : f32
  } -> tensor<2x4xf32>
  %t = tensor.dim %m, %c1 : tensor<2x?xf32>
  %e1 = tensor.empty(%t) : tensor<2x?xf32>
  %1 = linalg.generic {indexing_maps = [#map, #map], iterator_types = ["parallel", "parallel"]}
      ins(%m : tensor<2x?xf32>) outs(%e1 : tensor<2x?xf32>) {
  ^bb0(%in: f32, %out: f32):
    %y = math.tanh %in : f32
    linalg.yield %y : f32
  } -> tensor<2x?xf32>
  return %0, %1 : tensor<2x4xf32>, tensor<2x?xf32>
}

// -----

// x < 0 ? x : 0 is no activation that has a name.
// CHECK-LABEL: func.func @negative_part(
// CHECK-NOT:     decoder.
#map = affine_map<(d0, d1) -> (d0, d1)>
func.func @negative_part(%x: tensor<3x4xf32>) -> tensor<3x4xf32> {
  %zero = arith.constant 0.0 : f32
  %e = tensor.empty() : tensor<3x4xf32>
  %0 = linalg.generic {indexing_maps = [#map, #map], iterator_types = ["parallel", "parallel"]}
      ins(%x : tensor<3x4xf32>) outs(%e : tensor<3x4xf32>) {
  ^bb0(%in: f32, %out: f32):
    %c = arith.cmpf olt, %in, %zero : f32
    %y = arith.select %c, %in, %zero : f32
    linalg.yield %y : f32
  } -> tensor<3x4xf32>
  return %0 : tensor<3x4xf32>
}
