// RUN: awq-opt %s --awq-raise-linalg -split-input-file | FileCheck %s

// w * x * rsqrt(mean(x * x) + epsilon)
// CHECK-LABEL: func.func @rms(
// CHECK-SAME:    %[[X:[a-z0-9]+]]: tensor<2x3x4xf32>
// CHECK:         %[[W:.*]] = arith.constant dense<[1.000000e+00, 2.000000e+00, 3.000000e+00, 4.000000e+00]>
// CHECK:         %[[R:.*]] = tensor.collapse_shape %[[X]]
// CHECK:         %[[N:.*]] = decoder.rms_norm %[[R]], %[[W]] {epsilon = 9.9999999747524271E-7 : f64} : tensor<6x4xf32>, tensor<4xf32>
// CHECK:         tensor.expand_shape %[[N]] {{.*}} output_shape [2, 3, 4]
// CHECK-NOT:     linalg
#map = affine_map<(d0, d1, d2) -> (d0, d1, d2)>
#kept = affine_map<(d0, d1, d2) -> (d0, d1, 0)>
#last = affine_map<(d0, d1, d2) -> (d2)>
func.func @rms(%x: tensor<2x3x4xf32>) -> tensor<2x3x4xf32> {
  %zero = arith.constant 0.0 : f32
  %four = arith.constant 4.0 : f32
  %epsilon = arith.constant 1.0e-6 : f32
  %w = arith.constant dense<[1.0, 2.0, 3.0, 4.0]> : tensor<4xf32>
  %e = tensor.empty() : tensor<2x3x4xf32>
  %0 = linalg.generic {indexing_maps = [#map, #map], iterator_types = ["parallel", "parallel", "parallel"]}
      ins(%x : tensor<2x3x4xf32>) outs(%e : tensor<2x3x4xf32>) {
  ^bb0(%in: f32, %out: f32):
    %y = arith.mulf %in, %in : f32
    linalg.yield %y : f32
  } -> tensor<2x3x4xf32>
  %e1 = tensor.empty() : tensor<2x3x1xf32>
  %z = linalg.fill ins(%zero : f32) outs(%e1 : tensor<2x3x1xf32>) -> tensor<2x3x1xf32>
  %1 = linalg.generic {indexing_maps = [#map, #kept], iterator_types = ["parallel", "parallel", "reduction"]}
      ins(%0 : tensor<2x3x4xf32>) outs(%z : tensor<2x3x1xf32>) {
  ^bb0(%in: f32, %out: f32):
    %y = arith.addf %in, %out : f32
    linalg.yield %y : f32
  } -> tensor<2x3x1xf32>
  %2 = linalg.generic {indexing_maps = [#map, #map], iterator_types = ["parallel", "parallel", "parallel"]}
      ins(%1 : tensor<2x3x1xf32>) outs(%e1 : tensor<2x3x1xf32>) {
  ^bb0(%in: f32, %out: f32):
    %m = arith.divf %in, %four : f32
    %v = arith.addf %m, %epsilon : f32
    %y = math.rsqrt %v : f32
    linalg.yield %y : f32
  } -> tensor<2x3x1xf32>
  %3 = linalg.generic {indexing_maps = [#map, #kept, #last, #map], iterator_types = ["parallel", "parallel", "parallel"]}
      ins(%x, %2, %w : tensor<2x3x4xf32>, tensor<2x3x1xf32>, tensor<4xf32>) outs(%e : tensor<2x3x4xf32>) {
  ^bb0(%a: f32, %b: f32, %c: f32, %out: f32):
    %n = arith.mulf %a, %b : f32
    %y = arith.mulf %n, %c : f32
    linalg.yield %y : f32
  } -> tensor<2x3x4xf32>
  return %3 : tensor<2x3x4xf32>
}

// -----

// Without a weight, in half precision: the norm is of the wider type, and its
// result is rounded.
// CHECK-LABEL: func.func @no_weight(
// CHECK-SAME:    %[[X:[a-z0-9]+]]: tensor<?x4xf32>
// CHECK:         %[[W:.*]] = arith.constant dense<1.000000e+00> : tensor<4xf32>
// CHECK:         %[[N:.*]] = decoder.rms_norm %[[X]], %[[W]] {{.*}} : tensor<?x4xf32>, tensor<4xf32>
// CHECK-NEXT:    %[[Y:.*]] = arith.truncf %[[N]] : tensor<?x4xf32> to tensor<?x4xf16>
// CHECK-NEXT:    return %[[Y]]
#map = affine_map<(d0, d1) -> (d0, d1)>
#row = affine_map<(d0, d1) -> (d0)>
func.func @no_weight(%x: tensor<?x4xf32>) -> tensor<?x4xf16> {
  %c0 = arith.constant 0 : index
  %zero = arith.constant 0.0 : f32
  %four = arith.constant 4.0 : f32
  %epsilon = arith.constant 1.0e-6 : f32
  %t = tensor.dim %x, %c0 : tensor<?x4xf32>
  %e = tensor.empty(%t) : tensor<?x4xf32>
  %0 = linalg.generic {indexing_maps = [#map, #map], iterator_types = ["parallel", "parallel"]}
      ins(%x : tensor<?x4xf32>) outs(%e : tensor<?x4xf32>) {
  ^bb0(%in: f32, %out: f32):
    %y = arith.mulf %in, %in : f32
    linalg.yield %y : f32
  } -> tensor<?x4xf32>
  %e1 = tensor.empty(%t) : tensor<?xf32>
  %z = linalg.fill ins(%zero : f32) outs(%e1 : tensor<?xf32>) -> tensor<?xf32>
  %1 = linalg.reduce ins(%0 : tensor<?x4xf32>) outs(%z : tensor<?xf32>) dimensions = [1]
    (%in: f32, %acc: f32) {
      %y = arith.addf %in, %acc : f32
      linalg.yield %y : f32
    }
  %e2 = tensor.empty(%t) : tensor<?x4xf16>
  %3 = linalg.generic {indexing_maps = [#map, #row, #map], iterator_types = ["parallel", "parallel"]}
      ins(%x, %1 : tensor<?x4xf32>, tensor<?xf32>) outs(%e2 : tensor<?x4xf16>) {
  ^bb0(%a: f32, %b: f32, %out: f16):
    %m = arith.divf %b, %four : f32
    %v = arith.addf %m, %epsilon : f32
    %s = math.rsqrt %v : f32
    %n = arith.mulf %a, %s : f32
    %y = arith.truncf %n : f32 to f16
    linalg.yield %y : f16
  } -> tensor<?x4xf16>
  return %3 : tensor<?x4xf16>
}

// -----

// (x - mean) * rsqrt(mean of squares + epsilon) * w + b, means in reductions.
// CHECK-LABEL: func.func @layer(
// CHECK-SAME:    %[[X:[a-z0-9]+]]: tensor<3x4xf32>
// CHECK-DAG:     %[[W:.*]] = arith.constant dense<[1.000000e+00, 2.000000e+00, 3.000000e+00, 4.000000e+00]>
// CHECK-DAG:     %[[B:.*]] = arith.constant dense<[5.000000e+00, 6.000000e+00, 7.000000e+00, 8.000000e+00]>
// CHECK:         decoder.layer_norm %[[X]], %[[W]] bias %[[B]] {epsilon = 9.9999997473787516E-6 : f64}
// CHECK-NOT:     linalg
#map = affine_map<(d0, d1) -> (d0, d1)>
#row = affine_map<(d0, d1) -> (d0)>
#last = affine_map<(d0, d1) -> (d1)>
func.func @layer(%x: tensor<3x4xf32>) -> tensor<3x4xf32> {
  %zero = arith.constant 0.0 : f32
  %part = arith.constant 0.25 : f32
  %epsilon = arith.constant 1.0e-5 : f32
  %w = arith.constant dense<[1.0, 2.0, 3.0, 4.0]> : tensor<4xf32>
  %b = arith.constant dense<[5.0, 6.0, 7.0, 8.0]> : tensor<4xf32>
  %e = tensor.empty() : tensor<3x4xf32>
  %e1 = tensor.empty() : tensor<3xf32>
  %z = linalg.fill ins(%zero : f32) outs(%e1 : tensor<3xf32>) -> tensor<3xf32>
  %sum = linalg.reduce ins(%x : tensor<3x4xf32>) outs(%z : tensor<3xf32>) dimensions = [1]
    (%in: f32, %acc: f32) {
      %y = arith.addf %in, %acc : f32
      linalg.yield %y : f32
    }
  %centered = linalg.generic {indexing_maps = [#map, #row, #map], iterator_types = ["parallel", "parallel"]}
      ins(%x, %sum : tensor<3x4xf32>, tensor<3xf32>) outs(%e : tensor<3x4xf32>) {
  ^bb0(%a: f32, %s: f32, %out: f32):
    %m = arith.mulf %s, %part : f32
    %y = arith.subf %a, %m : f32
    linalg.yield %y : f32
  } -> tensor<3x4xf32>
  %square = linalg.generic {indexing_maps = [#map, #map], iterator_types = ["parallel", "parallel"]}
      ins(%centered : tensor<3x4xf32>) outs(%e : tensor<3x4xf32>) {
  ^bb0(%in: f32, %out: f32):
    %y = arith.mulf %in, %in : f32
    linalg.yield %y : f32
  } -> tensor<3x4xf32>
  %variance = linalg.reduce ins(%square : tensor<3x4xf32>) outs(%z : tensor<3xf32>) dimensions = [1]
    (%in: f32, %acc: f32) {
      %y = arith.addf %in, %acc : f32
      linalg.yield %y : f32
    }
  %n = linalg.generic {indexing_maps = [#map, #row, #last, #last, #map], iterator_types = ["parallel", "parallel"]}
      ins(%centered, %variance, %w, %b : tensor<3x4xf32>, tensor<3xf32>, tensor<4xf32>, tensor<4xf32>) outs(%e : tensor<3x4xf32>) {
  ^bb0(%c: f32, %v: f32, %f: f32, %o: f32, %out: f32):
    %m = arith.mulf %v, %part : f32
    %p = arith.addf %m, %epsilon : f32
    %s = math.rsqrt %p : f32
    %q = arith.mulf %c, %s : f32
    %r = arith.mulf %q, %f : f32
    %y = arith.addf %r, %o : f32
    linalg.yield %y : f32
  } -> tensor<3x4xf32>
  return %n : tensor<3x4xf32>
}
