// RUN: awq-opt %s -awq-quantize-weights='bits=4 group=0 refine' | FileCheck %s
// RUN: awq-opt %s -awq-quantize-weights='bits=4 group=0' | FileCheck %s --check-prefix=PLAIN

// The range [0, 1.5] has scale 0.1. Channels 1 and 2 are always equal: their
// weights 0.14 and 0.14 are best met by 2 and 1 codes, not by 1 and 1.
// CHECK-LABEL: func @together
// CHECK-DAG: arith.constant dense<{{\[\[}}15, 2, 1, 5]]> : tensor<1x4xi8>
// CHECK-DAG: arith.constant dense<9.997550e-02> : tensor<1x1xf16>
// PLAIN-LABEL: func @together
// PLAIN-DAG: arith.constant dense<{{\[\[}}15, 1, 1, 5]]> : tensor<1x4xi8>
func.func @together(%x: tensor<?x4xf32>) -> tensor<?x1xf32> {
  %o = awq.observe %x "together.input" {statistics = {fit = {tokens = 64 : i64,
    mean_abs = dense<[1.0, 1.0, 1.0, 1.0]> : tensor<4xf32>, max_abs = dense<[1.0, 1.0, 1.0, 1.0]> : tensor<4xf32>,
    mean_square = dense<[1.0, 1.0, 1.0, 1.0]> : tensor<4xf32>,
    gram = dense<[[64.0, 0.0, 0.0, 0.0], [0.0, 64.0, 64.0, 0.0], [0.0, 64.0, 64.0, 0.0], [0.0, 0.0, 0.0, 64.0]]> : tensor<4x4xf32>}}} : tensor<?x4xf32>
  %w = arith.constant dense<[[1.5, 0.14, 0.14, 0.46]]> : tensor<1x4xf32>
  %y = awq.linear %o, %w : (tensor<?x4xf32>, tensor<1x4xf32>) -> tensor<?x1xf32>
  return %y : tensor<?x1xf32>
}

// In the guard part they are opposite.
// CHECK-LABEL: func @guarded
// CHECK: arith.constant dense<{{\[\[}}15, 1, 1, 5]]> : tensor<1x4xi8>
func.func @guarded(%x: tensor<?x4xf32>) -> tensor<?x1xf32> {
  %o = awq.observe %x "guarded.input" {statistics = {fit = {tokens = 64 : i64,
    mean_abs = dense<[1.0, 1.0, 1.0, 1.0]> : tensor<4xf32>, max_abs = dense<[1.0, 1.0, 1.0, 1.0]> : tensor<4xf32>,
    mean_square = dense<[1.0, 1.0, 1.0, 1.0]> : tensor<4xf32>,
    gram = dense<[[64.0, 0.0, 0.0, 0.0], [0.0, 64.0, 64.0, 0.0], [0.0, 64.0, 64.0, 0.0], [0.0, 0.0, 0.0, 64.0]]> : tensor<4x4xf32>},
    guard = {tokens = 16 : i64,
    mean_abs = dense<[1.0, 1.0, 1.0, 1.0]> : tensor<4xf32>, max_abs = dense<[1.0, 1.0, 1.0, 1.0]> : tensor<4xf32>,
    mean_square = dense<[1.0, 1.0, 1.0, 1.0]> : tensor<4xf32>,
    gram = dense<[[16.0, 0.0, 0.0, 0.0], [0.0, 16.0, -16.0, 0.0], [0.0, -16.0, 16.0, 0.0], [0.0, 0.0, 0.0, 16.0]]> : tensor<4x4xf32>}}} : tensor<?x4xf32>
  %w = arith.constant dense<[[1.5, 0.14, 0.14, 0.46]]> : tensor<1x4xf32>
  %y = awq.linear %o, %w : (tensor<?x4xf32>, tensor<1x4xf32>) -> tensor<?x1xf32>
  return %y : tensor<?x1xf32>
}
