// RUN: awq-opt %s -convert-decoder-to-linalg | FileCheck %s

// New rows go into the caches; a task per token and pair of heads reads the rows
// up to its own, 16 at a time, each once; heads 2t and 2t + 1 read head t of the
// cache.
// CHECK-LABEL: func @causal
// CHECK-SAME: %[[Q:.*]]: tensor<?x4x16xf32>, %[[K:.*]]: tensor<?x2x16xf32>, %[[V:.*]]: tensor<?x2x16xf32>, %[[KC:.*]]: tensor<?x2x16xf32>, %[[VC:.*]]: tensor<?x2x16xf32>, %[[P:.*]]: index
// CHECK-DAG: %[[KEYS:.*]] = tensor.insert_slice %[[K]] into %[[KC]][%[[P]], 0, 0]
// CHECK-DAG: %[[VALUES:.*]] = tensor.insert_slice %[[V]] into %[[VC]][%[[P]], 0, 0]
// CHECK: scf.forall (%[[TASK:.*]], %[[TOKEN:.*]]) in (2, %{{.*}}) shared_outs
// CHECK: %[[HEAD:.*]] = arith.muli %[[TASK]], %c2
// CHECK: tensor.extract_slice %{{.*}}[%[[TOKEN]], %[[HEAD]], 0] [1, 2, 16] [1, 1, 1]
// CHECK: %[[CACHEHEAD:.*]] = arith.divui %[[HEAD]], %c2
// CHECK: %[[LAST:.*]] = arith.addi %[[P]], %[[TOKEN]]
// CHECK: %[[END:.*]] = arith.addi %[[LAST]], %c1
// CHECK: scf.for %[[J:.*]] = %c0{{.*}} to %[[END]] step %c16
// CHECK: %[[ROW:.*]] = arith.minsi %{{.*}}, %[[LAST]]
// CHECK: %[[NEXT:.*]] = arith.addi %[[J]], %c16
// CHECK: %[[NEXTROW:.*]] = arith.minsi %{{.*}}, %[[LAST]]
// CHECK: %[[KEYBUFFER:.*]] = bufferization.to_buffer %[[KEYS]] read_only
// CHECK: memref.prefetch %[[KEYBUFFER]][%[[NEXTROW]], %[[CACHEHEAD]], %{{.*}}], read
// CHECK: %[[KEY:.*]] = vector.transfer_read %[[KEYS]][%[[ROW]], %[[CACHEHEAD]], %{{.*}}]
// CHECK: arith.mulf %{{.*}}, %[[KEY]]
// CHECK: arith.mulf %{{.*}}, %[[KEY]]
// The scores of 16 rows, by a tree of 15 pairs for each head.
// CHECK: vector.shuffle %{{.*}} [0, 16, 1, 17, 4, 20, 5, 21, 8, 24, 9, 25, 12, 28, 13, 29]
// CHECK: vector.shuffle %{{.*}} [0, 1, 2, 3, 8, 9, 10, 11, 16, 17, 18, 19, 24, 25, 26, 27]
// CHECK: %[[SEEN:.*]] = arith.subi %[[END]], %[[J]]
// CHECK: vector.create_mask %[[SEEN]]
// CHECK: math.exp
// CHECK: %[[VALUEBUFFER:.*]] = bufferization.to_buffer %[[VALUES]] read_only
// CHECK: memref.prefetch %[[VALUEBUFFER]][%[[NEXTROW]], %[[CACHEHEAD]], %{{.*}}], read
// CHECK: vector.transfer_read %[[VALUES]][%[[ROW]]
// CHECK: tensor.parallel_insert_slice
// CHECK: return %{{.*}}, %[[KEYS]], %[[VALUES]]
func.func @causal(%q: tensor<?x4x16xf32>, %k: tensor<?x2x16xf32>, %v: tensor<?x2x16xf32>,
    %kc: tensor<?x2x16xf32>, %vc: tensor<?x2x16xf32>, %p: index)
    -> (tensor<?x4x16xf32>, tensor<?x2x16xf32>, tensor<?x2x16xf32>) {
  %o, %k1, %v1 = decoder.attention %q, %k, %v, %kc, %vc, %p {scale = 0.25 : f64}
    : (tensor<?x4x16xf32>, tensor<?x2x16xf32>, tensor<?x2x16xf32>, tensor<?x2x16xf32>, tensor<?x2x16xf32>)
    -> (tensor<?x4x16xf32>, tensor<?x2x16xf32>, tensor<?x2x16xf32>)
  return %o, %k1, %v1 : tensor<?x4x16xf32>, tensor<?x2x16xf32>, tensor<?x2x16xf32>
}

// One token's rows are divided into parts, each of whole steps; their sums are
// brought to one maximum.
// CHECK-LABEL: func @window_and_cap
// CHECK: scf.forall (%{{.*}}, %[[PART:.*]]) in (1, 8) shared_outs(%{{.*}} = %{{.*}}) -> (tensor<8x1x10xf32>)
// CHECK: %[[END:.*]] = arith.addi %{{.*}}, %c1
// CHECK: %[[BACK:.*]] = arith.subi %[[END]], %c5
// CHECK: %[[FIRST:.*]] = arith.maxsi %{{.*}}, %[[BACK]]
// CHECK: %[[COUNT:.*]] = arith.subi %[[END]], %[[FIRST]]
// CHECK: %[[STEPS:.*]] = arith.ceildivui %[[COUNT]], %c128
// CHECK: %[[SIZE:.*]] = arith.muli %[[STEPS]], %c16
// CHECK: %[[SKIP:.*]] = arith.muli %[[PART]], %[[SIZE]]
// CHECK: %[[PARTFIRST:.*]] = arith.addi %[[FIRST]], %[[SKIP]]
// CHECK: %[[LIMIT:.*]] = arith.addi %[[PARTFIRST]], %[[SIZE]]
// CHECK: %[[PARTEND:.*]] = arith.minsi %[[END]], %[[LIMIT]]
// CHECK: scf.for %{{.*}} = %[[PARTFIRST]] to %[[PARTEND]] step %c16
// CHECK: math.tanh %{{.*}} : vector<16xf32>
// CHECK: tensor.parallel_insert_slice
// CHECK: scf.forall (%{{.*}}, %{{.*}}) in (1, 1) shared_outs(%{{.*}} = %{{.*}}) -> (tensor<1x1x8xf32>)
// CHECK-COUNT-7: arith.maximumf
// CHECK-COUNT-8: math.exp
// CHECK: arith.divf
// CHECK: vector.transfer_write
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
// CHECK-SAME: %[[P:[a-z0-9]+]]: index, %[[M:[a-z0-9]+]]: tensor<2xf32>
// CHECK: scf.forall (%[[TASK:.*]], %[[T:.*]]) in (1,
// CHECK: %[[PAIR:.*]] = arith.muli %[[TASK]], %c2
// CHECK: %[[LAST:.*]] = arith.addi %[[P]], %[[T]]
// CHECK: %[[H:.*]] = arith.addi %[[PAIR]], %c0
// CHECK: %[[SLOPE:.*]] = tensor.extract %[[M]][%[[H]]]
// CHECK: %[[SLOPES:.*]] = vector.broadcast %[[SLOPE]] : f32 to vector<16xf32>
// CHECK: scf.for %[[START:[a-z0-9]+]] =
// CHECK: %[[BACK:.*]] = arith.subi %[[START]], %[[LAST]]
// CHECK: %[[FIRST:.*]] = arith.sitofp
// CHECK: dense<[0.000000e+00, 1.000000e+00, 2.000000e+00
// CHECK: arith.mulf %[[SLOPES]], %{{.*}} fastmath<contract> : vector<16xf32>
func.func @alibi(%q: tensor<?x2x16xf32>, %k: tensor<?x1x16xf32>, %kc: tensor<?x1x16xf32>, %p: index,
                 %m: tensor<2xf32>) -> tensor<?x2x16xf32> {
  %o, %k1, %v1 = decoder.attention %q, %k, %k, %kc, %kc, %p slopes %m {scale = 1.0 : f64}
    : (tensor<?x2x16xf32>, tensor<?x1x16xf32>, tensor<?x1x16xf32>, tensor<?x1x16xf32>,
       tensor<?x1x16xf32>, tensor<2xf32>) -> (tensor<?x2x16xf32>, tensor<?x1x16xf32>, tensor<?x1x16xf32>)
  return %o : tensor<?x2x16xf32>
}
