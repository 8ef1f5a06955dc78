// RUN: awq-opt %s --awq-raise-decoder --split-input-file --verify-diagnostics | FileCheck %s

// What is not understood stays, and a remark says why.

// CHECK-LABEL: func.func @main
// expected-remark @below {{keeps 'main' from being raised: has no result of logits, [batch, tokens, words]}}
func.func @main(%ids: tensor<?x?xi64>) -> tensor<?x?xi64> {
  return %ids : tensor<?x?xi64>
}

// -----

// CHECK-LABEL: func.func @main
// expected-remark @below {{keeps 'main' from being raised: has no argument of token ids}}
func.func @main(%x: tensor<?x?x8xf32>) -> tensor<?x?x8xf32> {
  return %x : tensor<?x?x8xf32>
}

// -----

#map = affine_map<(d0, d1, d2) -> (d0, d1, d2)>
#ids = affine_map<(d0, d1, d2) -> (d0, d1)>
// CHECK-LABEL: func.func @main
func.func @main(%ids: tensor<1x?xi64>) -> tensor<1x?x8xf32> {
  %c1 = arith.constant 1 : index
  %table = arith.constant dense<0.5> : tensor<8x8xf32>
  %tokens = tensor.dim %ids, %c1 : tensor<1x?xi64>
  %empty = tensor.empty(%tokens) : tensor<1x?x8xf32>
  %hidden = linalg.generic {indexing_maps = [#ids, #map], iterator_types = ["parallel", "parallel", "parallel"]}
      ins(%ids : tensor<1x?xi64>) outs(%empty : tensor<1x?x8xf32>) {
  ^bb0(%id: i64, %out: f32):
    %row = arith.index_cast %id : i64 to index
    %channel = linalg.index 2 : index
    %element = tensor.extract %table[%row, %channel] : tensor<8x8xf32>
    linalg.yield %element : f32
  } -> tensor<1x?x8xf32>
  %logits = linalg.generic {indexing_maps = [#map, #map], iterator_types = ["parallel", "parallel", "parallel"]}
      ins(%hidden : tensor<1x?x8xf32>) outs(%empty : tensor<1x?x8xf32>) {
  ^bb0(%in: f32, %out: f32):
    // expected-remark @below {{keeps 'main' from being raised: is no norm, activation, sum or product of hidden states}}
    %floor = math.floor %in : f32
    linalg.yield %floor : f32
  } -> tensor<1x?x8xf32>
  return %logits : tensor<1x?x8xf32>
}

// -----

#map = affine_map<(d0, d1, d2) -> (d0, d1, d2)>
#ids = affine_map<(d0, d1, d2) -> (d0, d1)>
// Nothing says that these are experts.
// CHECK-LABEL: func.func @main
func.func @main(%ids: tensor<1x?xi64>) -> tensor<1x?x8xf32> {
  %c1 = arith.constant 1 : index
  %zero = arith.constant 0.0 : f32
  %table = arith.constant dense<0.5> : tensor<8x16xf32>
  %tokens = tensor.dim %ids, %c1 : tensor<1x?xi64>
  %wide = tensor.empty(%tokens) : tensor<1x?x16xf32>
  %hidden = linalg.generic {indexing_maps = [#ids, #map], iterator_types = ["parallel", "parallel", "parallel"]}
      ins(%ids : tensor<1x?xi64>) outs(%wide : tensor<1x?x16xf32>) {
  ^bb0(%id: i64, %out: f32):
    %row = arith.index_cast %id : i64 to index
    %channel = linalg.index 2 : index
    %element = tensor.extract %table[%row, %channel] : tensor<8x16xf32>
    linalg.yield %element : f32
  } -> tensor<1x?x16xf32>
  %slots = tensor.expand_shape %hidden [[0], [1], [2, 3]] output_shape [1, %tokens, 2, 8]
    : tensor<1x?x16xf32> into tensor<1x?x2x8xf32>
  %empty = tensor.empty(%tokens) : tensor<1x?x8xf32>
  %start = linalg.fill ins(%zero : f32) outs(%empty : tensor<1x?x8xf32>) -> tensor<1x?x8xf32>
  // expected-remark @below {{keeps 'main' from being raised: is no weighted sum of experts}}
  %sum = linalg.reduce { arith.addf } ins(%slots : tensor<1x?x2x8xf32>) outs(%start : tensor<1x?x8xf32>)
    dimensions = [2]
  return %sum : tensor<1x?x8xf32>
}

// -----

// CHECK-LABEL: func.func @main
// expected-remark @below {{keeps 'main' from being raised: there is a function 'forward' already}}
func.func @main(%x: tensor<4xf32>) -> tensor<4xf32> {
  return %x : tensor<4xf32>
}
func.func @forward(%x: tensor<4xf32>) -> tensor<4xf32> {
  return %x : tensor<4xf32>
}
