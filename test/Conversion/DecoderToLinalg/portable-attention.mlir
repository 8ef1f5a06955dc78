// RUN: awq-opt %s -convert-decoder-to-linalg=portable | FileCheck %s

// Linalg on tensors alone.
// CHECK-NOT: {{(scf|vector|memref|bufferization)\.}}

// Loops of scores: head of the cache, one of the query's heads that read it,
// token, row, channel.
// CHECK-DAG: #[[Q:.*]] = affine_map<(d0, d1, d2, d3, d4) -> (d2, d0, d1, d4)>
// CHECK-DAG: #[[K:.*]] = affine_map<(d0, d1, d2, d3, d4) -> (d3, d0, d4)>
// CHECK-DAG: #[[S:.*]] = affine_map<(d0, d1, d2, d3, d4) -> (d0, d1, d2, d3)>
// CHECK-DAG: #[[FULL:.*]] = affine_map<(d0, d1, d2, d3) -> (d0, d1, d2, d3)>
// CHECK-DAG: #[[TASK:.*]] = affine_map<(d0, d1, d2, d3) -> (d0, d1, d2)>
// CHECK-DAG: #[[P:.*]] = affine_map<(d0, d1, d2, d3, d4) -> (d1, d2, d0, d4)>
// CHECK-DAG: #[[V:.*]] = affine_map<(d0, d1, d2, d3, d4) -> (d4, d1, d3)>
// CHECK-DAG: #[[TOTAL:.*]] = affine_map<(d0, d1, d2, d3) -> (d1, d2, d0)>

// New rows go into the caches. Only rows that hold something by now are read;
// what a token does not see has the weight exp(-inf).
// CHECK-LABEL: func @causal
// CHECK-SAME: %[[QUERY:.*]]: tensor<?x4x16xf32>, %[[KEY:.*]]: tensor<?x2x16xf32>, %[[VALUE:.*]]: tensor<?x2x8xf32>, %[[KC:.*]]: tensor<?x2x16xf16>, %[[VC:.*]]: tensor<?x2x8xf32>, %[[POS:.*]]: index
// CHECK: %[[NARROW:.*]] = linalg.generic {{.*}} ins(%[[KEY]]
// CHECK: arith.truncf
// CHECK: %[[KEYS:.*]] = tensor.insert_slice %[[NARROW]] into %[[KC]][%[[POS]], 0, 0]
// CHECK: %[[VALUES:.*]] = tensor.insert_slice %[[VALUE]] into %[[VC]][%[[POS]], 0, 0]
// CHECK: %[[T:.*]] = tensor.dim %[[QUERY]], %c0
// CHECK: %[[ROWS:.*]] = arith.addi %[[POS]], %[[T]]
// CHECK: %[[SEENV:.*]] = tensor.extract_slice %[[VALUES]][0, 0, 0] [%[[ROWS]], 2, 8]
// CHECK: %[[SEENK:.*]] = tensor.extract_slice %[[KEYS]][0, 0, 0]
// CHECK: %[[HEADS:.*]] = tensor.expand_shape %[[QUERY]] {{.*}} into tensor<?x2x2x16xf32>
// CHECK: %[[DOTS:.*]] = linalg.generic {indexing_maps = [#[[Q]], #[[K]], #[[S]]], {{.*}} ins(%[[HEADS]], %[[SEENK]] :
// CHECK: arith.extf %{{.*}} : f16 to f32
// CHECK: %[[SCORES:.*]] = linalg.generic {{.*}} ins(%[[DOTS]]
// CHECK: %[[SCORE:.*]] = arith.mulf %{{.*}}, %cst
// CHECK: %[[J:.*]] = linalg.index 3
// CHECK: %[[I:.*]] = linalg.index 2
// CHECK: %[[OWN:.*]] = arith.addi %[[POS]], %[[I]]
// CHECK: %[[SEEN:.*]] = arith.cmpi sle, %[[J]], %[[OWN]]
// CHECK: arith.select %[[SEEN]], %[[SCORE]], %cst
// CHECK: %[[MAX:.*]] = linalg.generic {indexing_maps = [#[[FULL]], #[[TASK]]], {{.*}} ins(%[[SCORES]]
// CHECK: arith.maximumf
// CHECK: %[[WEIGHTS:.*]] = linalg.generic {indexing_maps = [#[[FULL]], #[[TASK]], #[[FULL]]], {{.*}} ins(%[[SCORES]], %[[MAX]]
// CHECK: math.exp
// CHECK: %[[SUM:.*]] = linalg.generic {indexing_maps = [#[[FULL]], #[[TASK]]], {{.*}} ins(%[[WEIGHTS]]
// CHECK: arith.addf
// CHECK: %[[OUT:.*]] = linalg.generic {indexing_maps = [#[[P]], #[[V]], #[[S]]], {{.*}} ins(%[[WEIGHTS]], %[[SEENV]] :
// CHECK: %[[MEAN:.*]] = linalg.generic {indexing_maps = [#[[FULL]], #[[TOTAL]], #[[FULL]]], {{.*}} ins(%[[OUT]], %[[SUM]]
// CHECK: arith.divf
// CHECK: %[[JOINED:.*]] = tensor.collapse_shape %[[MEAN]] {{.*}} into tensor<?x4x8xf32>
// CHECK: return %[[JOINED]], %[[KEYS]], %[[VALUES]]
func.func @causal(%q: tensor<?x4x16xf32>, %k: tensor<?x2x16xf32>, %v: tensor<?x2x8xf32>,
    %kc: tensor<?x2x16xf16>, %vc: tensor<?x2x8xf32>, %p: index)
    -> (tensor<?x4x8xf32>, tensor<?x2x16xf16>, tensor<?x2x8xf32>) {
  %o, %k1, %v1 = decoder.attention %q, %k, %v, %kc, %vc, %p {scale = 0.25 : f64}
    : (tensor<?x4x16xf32>, tensor<?x2x16xf32>, tensor<?x2x8xf32>, tensor<?x2x16xf16>, tensor<?x2x8xf32>)
    -> (tensor<?x4x8xf32>, tensor<?x2x16xf16>, tensor<?x2x8xf32>)
  return %o, %k1, %v1 : tensor<?x4x8xf32>, tensor<?x2x16xf16>, tensor<?x2x8xf32>
}

// CHECK-LABEL: func @window_and_cap
// CHECK: %[[RATIO:.*]] = arith.divf %{{.*}}, %[[CAP:.*]] : f32
// CHECK: %[[TANH:.*]] = math.tanh %[[RATIO]]
// CHECK: %[[SCORE:.*]] = arith.mulf %[[CAP]], %[[TANH]]
// CHECK: %[[J:.*]] = linalg.index 3
// CHECK: %[[SEEN:.*]] = arith.cmpi sle, %[[J]], %[[OWN:.*]] : index
// CHECK: %[[END:.*]] = arith.addi %[[J]], %c5
// CHECK: %[[NEAR:.*]] = arith.cmpi sgt, %[[END]], %[[OWN]]
// CHECK: %[[BOTH:.*]] = arith.andi %[[SEEN]], %[[NEAR]]
// CHECK: arith.select %[[BOTH]], %[[SCORE]]
func.func @window_and_cap(%q: tensor<1x1x8xf32>, %k: tensor<1x1x8xf32>,
    %kc: tensor<9x1x8xf32>, %vc: tensor<9x1x8xf32>, %p: index) -> tensor<1x1x8xf32> {
  %o, %k1, %v1 = decoder.attention %q, %k, %k, %kc, %vc, %p
    {scale = 1.0 : f64, window = 5 : i64, softcap = 30.0 : f64}
    : (tensor<1x1x8xf32>, tensor<1x1x8xf32>, tensor<1x1x8xf32>, tensor<9x1x8xf32>, tensor<9x1x8xf32>)
    -> (tensor<1x1x8xf32>, tensor<9x1x8xf32>, tensor<9x1x8xf32>)
  return %o : tensor<1x1x8xf32>
}

// The scores of a head get its slope times how far each row lies back.
// CHECK-LABEL: func @alibi(
// CHECK-SAME: %[[SLOPES:[a-z0-9]+]]: tensor<2xf32>
// CHECK: %[[SPLIT:.*]] = tensor.expand_shape %[[SLOPES]] {{.*}} into tensor<1x2xf32>
// CHECK: linalg.generic {{.*}} ins(%{{.*}}, %[[SPLIT]] :
// CHECK-NEXT: ^bb0(%{{.*}}: f32, %[[SLOPE:.*]]: f32, %{{.*}}: f32):
// CHECK: %[[BACK:.*]] = arith.subi
// CHECK: arith.index_cast %[[BACK]]
// CHECK: %[[DISTANCE:.*]] = arith.sitofp
// CHECK: arith.mulf %[[SLOPE]], %[[DISTANCE]]
func.func @alibi(%q: tensor<?x2x16xf32>, %k: tensor<?x1x16xf32>, %kc: tensor<?x1x16xf32>, %p: index,
                 %m: tensor<2xf32>) -> tensor<?x2x16xf32> {
  %o, %k1, %v1 = decoder.attention %q, %k, %k, %kc, %kc, %p slopes %m {scale = 1.0 : f64}
    : (tensor<?x2x16xf32>, tensor<?x1x16xf32>, tensor<?x1x16xf32>, tensor<?x1x16xf32>,
       tensor<?x1x16xf32>, tensor<2xf32>) -> (tensor<?x2x16xf32>, tensor<?x1x16xf32>, tensor<?x1x16xf32>)
  return %o : tensor<?x2x16xf32>
}
