// The example of docs/Embedding.md, and a whole quantization, on a layer as
// torch-mlir writes it: two linears that read one value, and one behind them.
// RUN: sh %root/examples/plugin/raise.sh %build %s | FileCheck %s --check-prefix=GROUPS
// RUN: %mlir_opt %awq_plugin %s --pass-pipeline='builtin.module(awq-raise-linalg,awq-quantize-pipeline{bits=4 group=4 search-scales=false search-clips=false refit=false refine=false})' | FileCheck %s --check-prefix=CODES

// GROUPS-LABEL: func.func @layer(
// GROUPS-SAME:    %[[X:[a-z0-9]+]]: tensor<1x3x4xf32>) -> tensor<1x3x4xf32>
// GROUPS:         %[[R:.*]] = tensor.collapse_shape %[[X]]
// GROUPS:         %[[G:.*]] = awq.linear %[[R]], %{{.*}} {awq.name = "layer.linear0"}
// GROUPS:         %[[U:.*]] = awq.linear %[[R]], %{{.*}} {awq.name = "layer.linear1", awq.produces = "layer.linear1"}
// GROUPS:         %[[M:.*]] = decoder.glu %[[G]], %[[U]]
// GROUPS:         awq.linear %[[M]], %{{.*}} {awq.group = "layer.linear1", awq.name = "layer.linear2"}
// GROUPS-NOT:     linalg

// CODES-LABEL: func.func @layer(
// CODES-COUNT-3: awq.quantized_linear
// CODES-NOT:     awq.linear
#map = affine_map<(d0, d1, d2) -> (d0, d1, d2)>
func.func @layer(%x: tensor<1x3x4xf32>) -> tensor<1x3x4xf32> {
  %zero = arith.constant 0.0 : f32
  %one = arith.constant 1.0 : f32
  %g = arith.constant dense<[[1.0, 2.0, 3.0, 4.0], [5.0, 6.0, 7.0, 8.0], [1.0, 0.0, 2.0, 0.0], [0.0, 3.0, 1.0, 1.0]]> : tensor<4x4xf32>
  %u = arith.constant dense<[[1.0, 0.0, 3.0, 4.0], [5.0, 0.0, 7.0, 8.0], [1.0, 0.0, 2.0, 0.0], [0.0, 3.0, 1.0, 1.0]]> : tensor<4x4xf32>
  %d = arith.constant dense<[[1.0, 2.0, 3.0, 4.0], [5.0, 6.0, 7.0, 8.0], [1.0, 1.0, 2.0, 0.0], [0.0, 3.0, 1.0, 2.0]]> : tensor<4x4xf32>
  %e0 = tensor.empty() : tensor<4x4xf32>
  %e1 = tensor.empty() : tensor<3x4xf32>
  %e2 = tensor.empty() : tensor<1x3x4xf32>
  %z = linalg.fill ins(%zero : f32) outs(%e1 : tensor<3x4xf32>) -> tensor<3x4xf32>
  %rows = tensor.collapse_shape %x [[0, 1], [2]] : tensor<1x3x4xf32> into tensor<3x4xf32>
  %gt = linalg.transpose ins(%g : tensor<4x4xf32>) outs(%e0 : tensor<4x4xf32>) permutation = [1, 0]
  %gp = linalg.matmul ins(%rows, %gt : tensor<3x4xf32>, tensor<4x4xf32>) outs(%z : tensor<3x4xf32>) -> tensor<3x4xf32>
  %gate = tensor.expand_shape %gp [[0, 1], [2]] output_shape [1, 3, 4] : tensor<3x4xf32> into tensor<1x3x4xf32>
  %ut = linalg.transpose ins(%u : tensor<4x4xf32>) outs(%e0 : tensor<4x4xf32>) permutation = [1, 0]
  %up0 = linalg.matmul ins(%rows, %ut : tensor<3x4xf32>, tensor<4x4xf32>) outs(%z : tensor<3x4xf32>) -> tensor<3x4xf32>
  %up = tensor.expand_shape %up0 [[0, 1], [2]] output_shape [1, 3, 4] : tensor<3x4xf32> into tensor<1x3x4xf32>
  %s = linalg.generic {indexing_maps = [#map, #map], iterator_types = ["parallel", "parallel", "parallel"]}
      ins(%gate : tensor<1x3x4xf32>) outs(%e2 : tensor<1x3x4xf32>) {
  ^bb0(%in: f32, %out: f32):
    %n = arith.negf %in : f32
    %p = math.exp %n : f32
    %a = arith.addf %p, %one : f32
    %y = arith.divf %in, %a : f32
    linalg.yield %y : f32
  } -> tensor<1x3x4xf32>
  %m = linalg.generic {indexing_maps = [#map, #map, #map], iterator_types = ["parallel", "parallel", "parallel"]}
      ins(%s, %up : tensor<1x3x4xf32>, tensor<1x3x4xf32>) outs(%e2 : tensor<1x3x4xf32>) {
  ^bb0(%l: f32, %r: f32, %out: f32):
    %y = arith.mulf %l, %r : f32
    linalg.yield %y : f32
  } -> tensor<1x3x4xf32>
  %mr = tensor.collapse_shape %m [[0, 1], [2]] : tensor<1x3x4xf32> into tensor<3x4xf32>
  %dt = linalg.transpose ins(%d : tensor<4x4xf32>) outs(%e0 : tensor<4x4xf32>) permutation = [1, 0]
  %dp = linalg.matmul ins(%mr, %dt : tensor<3x4xf32>, tensor<4x4xf32>) outs(%z : tensor<3x4xf32>) -> tensor<3x4xf32>
  %y = tensor.expand_shape %dp [[0, 1], [2]] output_shape [1, 3, 4] : tensor<3x4xf32> into tensor<1x3x4xf32>
  return %y : tensor<1x3x4xf32>
}
