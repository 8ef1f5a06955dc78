// RUN: awq-opt %s -awq-quantize-weights='bits=4 group=0 refit' | FileCheck %s
// RUN: awq-opt %s -awq-quantize-weights='bits=4 group=0' | FileCheck %s --check-prefix=PLAIN

// The range [0, 1.5] has scale 0.1, and 0.35 becomes 4 codes. Only its channel
// is active, so that 4 s = 0.35 would be best; damping holds the scale a little.
// CHECK-LABEL: func @fitted
// CHECK-DAG: arith.constant dense<{{\[\[}}15, 1, 4, 5]]> : tensor<1x4xi8>
// CHECK-DAG: arith.constant dense<8.764640e-02> : tensor<1x1xf16>
// PLAIN-LABEL: func @fitted
// PLAIN-DAG: arith.constant dense<{{\[\[}}15, 1, 4, 5]]> : tensor<1x4xi8>
// PLAIN-DAG: arith.constant dense<9.997550e-02> : tensor<1x1xf16>
func.func @fitted(%x: tensor<?x4xf32>) -> tensor<?x1xf32> {
  %o = awq.observe %x "fitted.input" {statistics = {fit = {tokens = 64 : i64,
    mean_abs = dense<[0.0, 0.0, 1.0, 0.0]> : tensor<4xf32>, max_abs = dense<[0.0, 0.0, 1.0, 0.0]> : tensor<4xf32>,
    mean_square = dense<[0.0, 0.0, 1.0, 0.0]> : tensor<4xf32>,
    gram = dense<[[0.0, 0.0, 0.0, 0.0], [0.0, 0.0, 0.0, 0.0], [0.0, 0.0, 64.0, 0.0], [0.0, 0.0, 0.0, 0.0]]> : tensor<4x4xf32>}}} : tensor<?x4xf32>
  %w = arith.constant dense<[[1.5, 0.13, 0.35, 0.46]]> : tensor<1x4xf32>
  %y = awq.linear %o, %w : (tensor<?x4xf32>, tensor<1x4xf32>) -> tensor<?x1xf32>
  return %y : tensor<?x1xf32>
}

// The guard part has the channel of the largest weight, which is exact as it is.
// CHECK-LABEL: func @guarded
// CHECK: arith.constant dense<9.997550e-02> : tensor<1x1xf16>
func.func @guarded(%x: tensor<?x4xf32>) -> tensor<?x1xf32> {
  %o = awq.observe %x "guarded.input" {statistics = {fit = {tokens = 64 : i64,
    mean_abs = dense<[0.0, 0.0, 1.0, 0.0]> : tensor<4xf32>, max_abs = dense<[0.0, 0.0, 1.0, 0.0]> : tensor<4xf32>,
    mean_square = dense<[0.0, 0.0, 1.0, 0.0]> : tensor<4xf32>,
    gram = dense<[[0.0, 0.0, 0.0, 0.0], [0.0, 0.0, 0.0, 0.0], [0.0, 0.0, 64.0, 0.0], [0.0, 0.0, 0.0, 0.0]]> : tensor<4x4xf32>},
    guard = {tokens = 16 : i64,
    mean_abs = dense<[1.0, 0.0, 0.0, 0.0]> : tensor<4xf32>, max_abs = dense<[1.0, 0.0, 0.0, 0.0]> : tensor<4xf32>,
    mean_square = dense<[1.0, 0.0, 0.0, 0.0]> : tensor<4xf32>,
    gram = dense<[[16.0, 0.0, 0.0, 0.0], [0.0, 0.0, 0.0, 0.0], [0.0, 0.0, 0.0, 0.0], [0.0, 0.0, 0.0, 0.0]]> : tensor<4x4xf32>}}} : tensor<?x4xf32>
  %w = arith.constant dense<[[1.5, 0.13, 0.35, 0.46]]> : tensor<1x4xf32>
  %y = awq.linear %o, %w : (tensor<?x4xf32>, tensor<1x4xf32>) -> tensor<?x1xf32>
  return %y : tensor<?x1xf32>
}

// What is fitted is the weight before it was clipped: 1.0 became 0.5, 15 codes.
// CHECK-LABEL: func @clipped
// CHECK-DAG: arith.constant dense<{{\[\[}}15, 3, 9, 15]]> : tensor<1x4xi8>
// CHECK-DAG: arith.constant dense<6.634520e-02> : tensor<1x1xf16>
func.func @clipped(%x: tensor<?x4xf32>) -> tensor<?x1xf32> {
  %o = awq.observe %x "clipped.input" {statistics = {fit = {tokens = 64 : i64,
    mean_abs = dense<[1.0, 0.0, 0.0, 0.0]> : tensor<4xf32>, max_abs = dense<[1.0, 0.0, 0.0, 0.0]> : tensor<4xf32>,
    mean_square = dense<[1.0, 0.0, 0.0, 0.0]> : tensor<4xf32>,
    gram = dense<[[64.0, 0.0, 0.0, 0.0], [0.0, 0.0, 0.0, 0.0], [0.0, 0.0, 0.0, 0.0], [0.0, 0.0, 0.0, 0.0]]> : tensor<4x4xf32>}}} : tensor<?x4xf32>
  %w = arith.constant dense<[[1.0, 0.1, 0.3, 0.5]]> : tensor<1x4xf32>
  %lo = arith.constant dense<0.1> : tensor<1x1xf32>
  %hi = arith.constant dense<0.5> : tensor<1x1xf32>
  %c = awq.clip_groups %w, %lo, %hi : tensor<1x4xf32>, tensor<1x1xf32>
  %y = awq.linear %o, %c : (tensor<?x4xf32>, tensor<1x4xf32>) -> tensor<?x1xf32>
  return %y : tensor<?x1xf32>
}
