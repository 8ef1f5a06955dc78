// RUN: awq-opt %s -convert-awq-to-cpu -cse -one-shot-bufferize=bufferize-function-boundaries | FileCheck %s

// The second linear reads %h after %b was written: %b must not get the buffer
// of %h, though both begin as the same tensor.empty.
// CHECK-LABEL: func @parallel
// CHECK: %[[B:.*]] = memref.alloc
// CHECK-NEXT: %[[H:.*]] = memref.alloc
// CHECK: linalg.generic {{.*}} outs(%[[H]] :
// CHECK: math.exp
// CHECK: linalg.generic {{.*}} outs(%[[B]] :
// CHECK: math.sin
// CHECK: scf.parallel
// CHECK: vector.load %[[H]]
func.func @parallel(%x: tensor<1x64xf32>, %v: tensor<64x64xf32>, %w: tensor<64x64xf32>)
    -> (tensor<1x64xf32>, tensor<1x64xf32>, tensor<1x64xf32>) {
  %e = tensor.empty() : tensor<1x64xf32>
  %h = linalg.generic {indexing_maps = [affine_map<(i, j) -> (i, j)>, affine_map<(i, j) -> (i, j)>], iterator_types = ["parallel", "parallel"]}
      ins(%x : tensor<1x64xf32>) outs(%e : tensor<1x64xf32>) {
  ^bb0(%in: f32, %out: f32):
    %y = math.exp %in : f32
    linalg.yield %y : f32
  } -> tensor<1x64xf32>
  %a = awq.linear %h, %v : (tensor<1x64xf32>, tensor<64x64xf32>) -> tensor<1x64xf32>
  %b = linalg.generic {indexing_maps = [affine_map<(i, j) -> (i, j)>, affine_map<(i, j) -> (i, j)>], iterator_types = ["parallel", "parallel"]}
      ins(%x : tensor<1x64xf32>) outs(%e : tensor<1x64xf32>) {
  ^bb0(%in: f32, %out: f32):
    %y = math.sin %in : f32
    linalg.yield %y : f32
  } -> tensor<1x64xf32>
  %c = awq.linear %h, %w : (tensor<1x64xf32>, tensor<64x64xf32>) -> tensor<1x64xf32>
  return %a, %b, %c : tensor<1x64xf32>, tensor<1x64xf32>, tensor<1x64xf32>
}
