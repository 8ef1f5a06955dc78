// RUN: awq-opt %s -convert-decoder-to-linalg | FileCheck %s

// CHECK-LABEL: func @embedding
// CHECK: linalg.generic
// CHECK: %[[ROW:.*]] = arith.index_cast %{{.*}} : i32 to index
// CHECK: %[[COLUMN:.*]] = linalg.index 1
// CHECK: tensor.extract %{{.*}}[%[[ROW]], %[[COLUMN]]]
func.func @embedding(%ids: tensor<?xi32>, %table: tensor<256x64xf32>) -> tensor<?x64xf32> {
  %y = decoder.embedding %ids, %table : (tensor<?xi32>, tensor<256x64xf32>) -> tensor<?x64xf32>
  return %y : tensor<?x64xf32>
}

// A sum of squares that may be reordered, a factor per row, a product.
// CHECK-LABEL: func @rms_norm
// CHECK: linalg.generic
// CHECK-SAME: iterator_types = ["parallel", "reduction"]
// CHECK: arith.addf %{{.*}} fastmath<reassoc,contract>
// CHECK: linalg.generic
// CHECK-SAME: iterator_types = ["parallel"]
// CHECK: math.sqrt
// CHECK: linalg.generic
// CHECK-SAME: iterator_types = ["parallel", "parallel"]
// CHECK: arith.mulf
func.func @rms_norm(%x: tensor<?x64xf32>, %w: tensor<64xf32>) -> tensor<?x64xf32> {
  %y = decoder.rms_norm %x, %w {epsilon = 1.0e-05 : f64} : tensor<?x64xf32>, tensor<64xf32>
  return %y : tensor<?x64xf32>
}

// CHECK-LABEL: func @layer_norm
// CHECK: iterator_types = ["parallel", "reduction"]
// CHECK: iterator_types = ["parallel", "reduction"]
// CHECK: arith.subf
// CHECK: math.sqrt
func.func @layer_norm(%x: tensor<3x64xf32>, %w: tensor<64xf32>, %b: tensor<64xf32>) -> tensor<3x64xf32> {
  %y = decoder.layer_norm %x, %w bias %b {epsilon = 1.0e-05 : f64}
    : (tensor<3x64xf32>, tensor<64xf32>, tensor<64xf32>) -> tensor<3x64xf32>
  return %y : tensor<3x64xf32>
}
