// RUN: awq-opt %s --awq-raise-linalg -split-input-file -mlir-print-debuginfo | FileCheck %s

// A weight under a transpose, a batch collapsed to rows, a bias behind an
// expansion, as torch-mlir writes a Linear.
// CHECK-LABEL: func.func @transposed_weight(
// CHECK-SAME:    %[[X:[a-z0-9]+]]: tensor<2x3x4xf32>
// CHECK-DAG:     %[[W:.*]] = arith.constant dense_resource<w> : tensor<2x4xf32>
// CHECK-DAG:     %[[B:.*]] = arith.constant dense<[1.000000e+00, 2.000000e+00]>
// CHECK:         %[[R:.*]] = tensor.collapse_shape %[[X]] {{\[\[}}0, 1], [2]]
// CHECK-NEXT:    %[[Y:.*]] = awq.linear %[[R]], %[[W]] bias %[[B]] {awq.name = "transposed_weight.linear0"}
// CHECK-NEXT:    %[[E:.*]] = tensor.expand_shape %[[Y]] {{\[\[}}0, 1], [2]]
// CHECK-NEXT:    return %[[E]]
#map = affine_map<(d0, d1, d2) -> (d0, d1, d2)>
#last = affine_map<(d0, d1, d2) -> (d2)>
func.func @transposed_weight(%x: tensor<2x3x4xf32>) -> tensor<2x3x2xf32> {
  %zero = arith.constant 0.0 : f32
  %w = arith.constant dense_resource<w> : tensor<2x4xf32>
  %b = arith.constant dense<[1.0, 2.0]> : tensor<2xf32>
  %rows = tensor.collapse_shape %x [[0, 1], [2]] : tensor<2x3x4xf32> into tensor<6x4xf32>
  %e0 = tensor.empty() : tensor<4x2xf32>
  %t = linalg.transpose ins(%w : tensor<2x4xf32>) outs(%e0 : tensor<4x2xf32>) permutation = [1, 0]
  %e1 = tensor.empty() : tensor<6x2xf32>
  %z = linalg.fill ins(%zero : f32) outs(%e1 : tensor<6x2xf32>) -> tensor<6x2xf32>
  %p = linalg.matmul ins(%rows, %t : tensor<6x4xf32>, tensor<4x2xf32>) outs(%z : tensor<6x2xf32>) -> tensor<6x2xf32>
  %y = tensor.expand_shape %p [[0, 1], [2]] output_shape [2, 3, 2] : tensor<6x2xf32> into tensor<2x3x2xf32>
  %e2 = tensor.empty() : tensor<2x3x2xf32>
  %s = linalg.generic {indexing_maps = [#map, #last, #map], iterator_types = ["parallel", "parallel", "parallel"]}
      ins(%y, %b : tensor<2x3x2xf32>, tensor<2xf32>) outs(%e2 : tensor<2x3x2xf32>) {
  ^bb0(%l: f32, %r: f32, %out: f32):
    %a = arith.addf %l, %r : f32
    linalg.yield %a : f32
  } -> tensor<2x3x2xf32>
  return %s : tensor<2x3x2xf32>
}
{-# dialect_resources: {builtin: {w: "0x040000000000803F0000004000004040000080400000A0400000C0400000E04000000041"}} #-}

// -----

// [K, N] is turned by an op that stands for the weight; no data move.
// CHECK-LABEL: func.func @weight_as_stored_by_jax(
// CHECK-SAME:    %[[X:[a-z0-9]+]]: tensor<?x4xf32>
// CHECK:         %[[W:.*]] = arith.constant dense<{{.*}}> : tensor<4x2xf32>
// CHECK:         %[[T:.*]] = linalg.transpose ins(%[[W]] : tensor<4x2xf32>) outs(%{{.*}} : tensor<2x4xf32>) permutation = [1, 0]
// CHECK:         awq.linear %[[X]], %[[T]] {awq.name = "weight_as_stored_by_jax.linear0"}
func.func @weight_as_stored_by_jax(%x: tensor<?x4xf32>) -> tensor<?x2xf32> {
  %c0 = arith.constant 0 : index
  %zero = arith.constant 0.0 : f32
  %w = arith.constant dense<[[1.0, 2.0], [3.0, 4.0], [5.0, 6.0], [7.0, 8.0]]> : tensor<4x2xf32>
  %t = tensor.dim %x, %c0 : tensor<?x4xf32>
  %e = tensor.empty(%t) : tensor<?x2xf32>
  %z = linalg.fill ins(%zero : f32) outs(%e : tensor<?x2xf32>) -> tensor<?x2xf32>
  %p = linalg.matmul ins(%x, %w : tensor<?x4xf32>, tensor<4x2xf32>) outs(%z : tensor<?x2xf32>) -> tensor<?x2xf32>
  return %p : tensor<?x2xf32>
}

// -----

// A weight that is repeated along the batch; the sizes that are not known come
// from what was to be written.
// CHECK-LABEL: func.func @batch_matmul(
// CHECK-SAME:    %[[X:[a-z0-9]+]]: tensor<?x3x4xf32>
// CHECK:         %[[W:.*]] = arith.constant dense<{{.*}}> : tensor<2x4xf32>
// CHECK:         %[[R:.*]] = tensor.collapse_shape %[[X]]
// CHECK:         %[[Y:.*]] = awq.linear %[[R]], %[[W]] {{.*}} : (tensor<?x4xf32>, tensor<2x4xf32>) -> tensor<?x2xf32>
// CHECK:         tensor.expand_shape %[[Y]] {{\[\[}}0, 1], [2]] output_shape [%{{.*}}, 3, 2]
// CHECK-NOT:     linalg
#from = affine_map<(d0, d1, d2) -> (d1, d2)>
#to = affine_map<(d0, d1, d2) -> (d0, d1, d2)>
func.func @batch_matmul(%x: tensor<?x3x4xf32>) -> tensor<?x3x2xf32> {
  %c0 = arith.constant 0 : index
  %zero = arith.constant 0.0 : f32
  %w = arith.constant dense<[[1.0, 2.0, 3.0, 4.0], [5.0, 6.0, 7.0, 8.0]]> : tensor<2x4xf32>
  %b = tensor.dim %x, %c0 : tensor<?x3x4xf32>
  %e0 = tensor.empty() : tensor<4x2xf32>
  %t = linalg.transpose ins(%w : tensor<2x4xf32>) outs(%e0 : tensor<4x2xf32>) permutation = [1, 0]
  %e1 = tensor.empty(%b) : tensor<?x4x2xf32>
  %r = linalg.generic {indexing_maps = [#from, #to], iterator_types = ["parallel", "parallel", "parallel"]}
      ins(%t : tensor<4x2xf32>) outs(%e1 : tensor<?x4x2xf32>) {
  ^bb0(%in: f32, %out: f32):
    linalg.yield %in : f32
  } -> tensor<?x4x2xf32>
  %e2 = tensor.empty(%b) : tensor<?x3x2xf32>
  %z = linalg.fill ins(%zero : f32) outs(%e2 : tensor<?x3x2xf32>) -> tensor<?x3x2xf32>
  %p = linalg.batch_matmul ins(%x, %r : tensor<?x3x4xf32>, tensor<?x4x2xf32>) outs(%z : tensor<?x3x2xf32>) -> tensor<?x3x2xf32>
  return %p : tensor<?x3x2xf32>
}

// -----

// A contraction in the order of the loops, as StableHLO's dot_general with the
// weight in front.
// CHECK-LABEL: func.func @contraction(
// CHECK-SAME:    %[[X:[a-z0-9]+]]: tensor<2x3x4xf32>
// CHECK:         %[[R:.*]] = tensor.collapse_shape %[[X]]
// CHECK:         awq.linear %[[R]], %{{.*}} : (tensor<6x4xf32>, tensor<2x4xf32>) -> tensor<6x2xf32>
#w = affine_map<(d0, d1, d2, d3) -> (d2, d3)>
#x = affine_map<(d0, d1, d2, d3) -> (d0, d1, d3)>
#y = affine_map<(d0, d1, d2, d3) -> (d0, d1, d2)>
func.func @contraction(%x: tensor<2x3x4xf32>) -> tensor<2x3x2xf32> {
  %zero = arith.constant 0.0 : f32
  %w = arith.constant dense<[[1.0, 2.0, 3.0, 4.0], [5.0, 6.0, 7.0, 8.0]]> : tensor<2x4xf32>
  %e = tensor.empty() : tensor<2x3x2xf32>
  %z = linalg.fill ins(%zero : f32) outs(%e : tensor<2x3x2xf32>) -> tensor<2x3x2xf32>
  %p = linalg.generic {indexing_maps = [#w, #x, #y], iterator_types = ["parallel", "parallel", "parallel", "reduction"]}
      ins(%w, %x : tensor<2x4xf32>, tensor<2x3x4xf32>) outs(%z : tensor<2x3x2xf32>) {
  ^bb0(%l: f32, %r: f32, %out: f32):
    %m = arith.mulf %l, %r : f32
    %a = arith.addf %out, %m : f32
    linalg.yield %a : f32
  } -> tensor<2x3x2xf32>
  return %p : tensor<2x3x2xf32>
}

// -----

// Half precision is added up in f32, with the bias, and rounded once. The
// activations were extended for that.
// CHECK-LABEL: func.func @half(
// CHECK-SAME:    %[[X:[a-z0-9]+]]: tensor<3x4xf16>
// CHECK:         %[[Y:.*]] = awq.linear %[[X]], %{{.*}} bias %{{.*}} : (tensor<3x4xf16>, tensor<2x4xf16>, tensor<2xf16>) -> tensor<3x2xf16>
// CHECK-NEXT:    return %[[Y]]
#id = affine_map<(d0, d1) -> (d0, d1)>
#n = affine_map<(d0, d1) -> (d1)>
func.func @half(%x: tensor<3x4xf16>) -> tensor<3x2xf16> {
  %zero = arith.constant 0.0 : f32
  %w = arith.constant dense<[[1.0, 2.0, 3.0, 4.0], [5.0, 6.0, 7.0, 8.0]]> : tensor<2x4xf16>
  %b = arith.constant dense<[1.0, 2.0]> : tensor<2xf16>
  %e0 = tensor.empty() : tensor<4x2xf16>
  %t = linalg.transpose ins(%w : tensor<2x4xf16>) outs(%e0 : tensor<4x2xf16>) permutation = [1, 0]
  %e1 = tensor.empty() : tensor<3x4xf32>
  %wide = linalg.generic {indexing_maps = [#id, #id], iterator_types = ["parallel", "parallel"]}
      ins(%x : tensor<3x4xf16>) outs(%e1 : tensor<3x4xf32>) {
  ^bb0(%in: f16, %out: f32):
    %0 = arith.extf %in : f16 to f32
    linalg.yield %0 : f32
  } -> tensor<3x4xf32>
  %e2 = tensor.empty() : tensor<4x2xf32>
  %tw = linalg.generic {indexing_maps = [#id, #id], iterator_types = ["parallel", "parallel"]}
      ins(%t : tensor<4x2xf16>) outs(%e2 : tensor<4x2xf32>) {
  ^bb0(%in: f16, %out: f32):
    %0 = arith.extf %in : f16 to f32
    linalg.yield %0 : f32
  } -> tensor<4x2xf32>
  %e3 = tensor.empty() : tensor<3x2xf32>
  %z = linalg.fill ins(%zero : f32) outs(%e3 : tensor<3x2xf32>) -> tensor<3x2xf32>
  %p = linalg.matmul ins(%wide, %tw : tensor<3x4xf32>, tensor<4x2xf32>) outs(%z : tensor<3x2xf32>) -> tensor<3x2xf32>
  %e4 = tensor.empty() : tensor<3x2xf16>
  %s = linalg.generic {indexing_maps = [#id, #n, #id], iterator_types = ["parallel", "parallel"]}
      ins(%p, %b : tensor<3x2xf32>, tensor<2xf16>) outs(%e4 : tensor<3x2xf16>) {
  ^bb0(%l: f32, %r: f16, %out: f16):
    %0 = arith.extf %r : f16 to f32
    %a = arith.addf %l, %0 : f32
    %h = arith.truncf %a : f32 to f16
    linalg.yield %h : f16
  } -> tensor<3x2xf16>
  return %s : tensor<3x2xf16>
}

// -----

// A name of one's own, one in a location, that of a global, and one by the
// place; the same name twice gets a number. Functions may be of any dialect.
// CHECK-LABEL: ml_program.func @names(
// CHECK-DAG:     awq.linear %{{.*}} {awq.name = "given"}
// CHECK-DAG:     awq.linear %{{.*}} {awq.name = "block.up"}
// CHECK-DAG:     awq.linear %{{.*}} {awq.name = "block.up.1"}
// CHECK-DAG:     awq.linear %{{.*}} {awq.name = "layers.0.q_proj"}
// CHECK-DAG:     awq.linear %{{.*}} {awq.name = "names.linear4"}
ml_program.global private @layers.0.q_proj.weight(#ml_program.extern : tensor<2x2xf32>) : tensor<2x2xf32>
ml_program.func @names(%x: tensor<1x2xf32>) -> (tensor<1x2xf32>, tensor<1x2xf32>, tensor<1x2xf32>, tensor<1x2xf32>, tensor<1x2xf32>) {
  %zero = arith.constant 0.0 : f32
  %w = arith.constant dense<[[1.0, 2.0], [3.0, 4.0]]> : tensor<2x2xf32>
  %v = arith.constant dense<[[3.0, 2.0], [3.0, 4.0]]> : tensor<2x2xf32>
  %u = arith.constant dense<[[2.0, 2.0], [3.0, 4.0]]> : tensor<2x2xf32>
  %q = ml_program.global_load_const @layers.0.q_proj.weight : tensor<2x2xf32>
  %e = tensor.empty() : tensor<1x2xf32>
  %z = linalg.fill ins(%zero : f32) outs(%e : tensor<1x2xf32>) -> tensor<1x2xf32>
  %e1 = tensor.empty() : tensor<2x2xf32>
  %t = linalg.transpose ins(%q : tensor<2x2xf32>) outs(%e1 : tensor<2x2xf32>) permutation = [1, 0]
  %0 = linalg.matmul {awq.name = "given"} ins(%x, %w : tensor<1x2xf32>, tensor<2x2xf32>) outs(%z : tensor<1x2xf32>) -> tensor<1x2xf32>
  %1 = linalg.matmul ins(%x, %v : tensor<1x2xf32>, tensor<2x2xf32>) outs(%z : tensor<1x2xf32>) -> tensor<1x2xf32> loc("block.up")
  %2 = linalg.matmul ins(%x, %u : tensor<1x2xf32>, tensor<2x2xf32>) outs(%z : tensor<1x2xf32>) -> tensor<1x2xf32> loc("block.up")
  %3 = linalg.matmul ins(%x, %t : tensor<1x2xf32>, tensor<2x2xf32>) outs(%z : tensor<1x2xf32>) -> tensor<1x2xf32>
  %4 = linalg.matmul ins(%0, %w : tensor<1x2xf32>, tensor<2x2xf32>) outs(%z : tensor<1x2xf32>) -> tensor<1x2xf32>
  ml_program.return %0, %1, %2, %3, %4 : tensor<1x2xf32>, tensor<1x2xf32>, tensor<1x2xf32>, tensor<1x2xf32>, tensor<1x2xf32>
}

// -----

// A product that something else reads, too, is not computed twice: the addition
// stays.
// CHECK-LABEL: func.func @product_read_twice(
// CHECK:         %[[P:.*]] = awq.linear %{{.*}}, %{{[^ ]*}} {
// CHECK-NOT:     awq.linear
// CHECK:         linalg.generic
// CHECK:         return %[[P]]
#id2 = affine_map<(d0, d1) -> (d0, d1)>
#n2 = affine_map<(d0, d1) -> (d1)>
func.func @product_read_twice(%x: tensor<1x2xf32>) -> (tensor<1x2xf32>, tensor<1x2xf32>) {
  %zero = arith.constant 0.0 : f32
  %w = arith.constant dense<[[1.0, 2.0], [3.0, 4.0]]> : tensor<2x2xf32>
  %b = arith.constant dense<[1.0, 2.0]> : tensor<2xf32>
  %e = tensor.empty() : tensor<1x2xf32>
  %z = linalg.fill ins(%zero : f32) outs(%e : tensor<1x2xf32>) -> tensor<1x2xf32>
  %p = linalg.matmul ins(%x, %w : tensor<1x2xf32>, tensor<2x2xf32>) outs(%z : tensor<1x2xf32>) -> tensor<1x2xf32>
  %s = linalg.generic {indexing_maps = [#id2, #n2, #id2], iterator_types = ["parallel", "parallel"]}
      ins(%p, %b : tensor<1x2xf32>, tensor<2xf32>) outs(%e : tensor<1x2xf32>) {
  ^bb0(%l: f32, %r: f32, %out: f32):
    %a = arith.addf %l, %r : f32
    linalg.yield %a : f32
  } -> tensor<1x2xf32>
  return %p, %s : tensor<1x2xf32>, tensor<1x2xf32>
}
