// RUN: awq-opt %s -convert-decoder-to-linalg=portable | FileCheck %s

// Softmax over all experts. Each choice is a reduction that finds the best
// expert behind the last one; the first is behind (inf, -1).
// CHECK-LABEL: func @softmax(
// CHECK: %[[SCORES:.*]] = linalg.generic
// CHECK: arith.divf
// CHECK: %[[TABLE:.*]] = tensor.expand_shape %{{.*}} into tensor<?x1x8xf32>
// CHECK: %[[INF:.*]] = arith.constant 0x7F800000 : f32
// CHECK: %[[LAST:.*]] = linalg.fill ins(%[[INF]]
// CHECK: %[[NUMBER:.*]] = linalg.fill ins(%c-1_i32
// CHECK: %[[BEST:.*]]:2 = linalg.generic {{.*}} iterator_types = ["parallel", "reduction", "reduction"]} ins(%[[TABLE]], %[[LAST]], %[[NUMBER]] :
// CHECK-NEXT: ^bb0(%[[VALUE:.*]]: f32, %[[LASTVALUE:.*]]: f32, %[[LASTNUMBER:.*]]: i32, %[[BESTVALUE:.*]]: f32, %[[BESTNUMBER:.*]]: i32):
// CHECK: %[[OWN:.*]] = arith.index_cast
// CHECK: arith.cmpf olt, %[[VALUE]], %[[LASTVALUE]]
// CHECK: arith.cmpf oeq, %[[VALUE]], %[[LASTVALUE]]
// CHECK: arith.cmpi sgt, %[[OWN]], %[[LASTNUMBER]]
// CHECK: %[[NONE:.*]] = arith.cmpi slt, %[[BESTNUMBER]], %c0_i32
// CHECK: arith.cmpf olt, %[[BESTVALUE]], %[[VALUE]]
// CHECK: arith.cmpi sgt, %[[BESTNUMBER]], %[[OWN]]
// CHECK: arith.ori %[[NONE]]
// CHECK: arith.select %[[WINS:.*]], %[[VALUE]], %[[BESTVALUE]]
// CHECK: arith.select %[[WINS]], %[[OWN]], %[[BESTNUMBER]]
// CHECK: %[[ONE:.*]] = linalg.generic {{.*}} ins(%[[BEST]]#1
// CHECK: arith.maxsi %{{.*}}, %c0_i32
// CHECK: tensor.insert_slice %[[ONE]] into %{{.*}}[0, 0]
// CHECK: %[[SECOND:.*]]:2 = linalg.generic {{.*}} ins(%[[TABLE]], %[[BEST]]#0, %[[ONE]] :
// CHECK: %[[NUMBERS:.*]] = tensor.insert_slice %{{.*}} into %{{.*}}[0, 1]
// CHECK: %[[CHOSEN:.*]] = linalg.generic {{.*}} ins(%[[NUMBERS]]
// CHECK: tensor.extract %{{.*}} : tensor<?x8xf32>
// CHECK: %[[SUMS:.*]] = linalg.generic {{.*}} ins(%[[CHOSEN]]
// CHECK: %[[WEIGHTS:.*]] = linalg.generic {{.*}} ins(%[[CHOSEN]], %[[SUMS]]
// CHECK: arith.divf
// CHECK: return %[[WEIGHTS]], %[[NUMBERS]]
func.func @softmax(%l: tensor<?x8xf32>) -> (tensor<?x2xf32>, tensor<?x2xi32>) {
  %w, %i = decoder.router %l {normalize, scoring = #decoder.router_scoring<softmax>, top_k = 2 : i64}
    : tensor<?x8xf32> -> tensor<?x2xf32>, tensor<?x2xi32>
  return %w, %i : tensor<?x2xf32>, tensor<?x2xi32>
}

// The last group that is kept is found in the same way; experts of groups that
// come behind it are no candidates. Weights are those without the bias.
// CHECK-LABEL: func @groups
// CHECK-SAME: %[[L:.*]]: tensor<3x16xf32>, %[[B:.*]]: tensor<16xf32>
// CHECK: %[[SIGMOID:.*]] = linalg.generic {{.*}} ins(%[[L]]
// CHECK: %[[BIASED:.*]] = linalg.generic {{.*}} ins(%[[SIGMOID]], %[[B]]
// CHECK: linalg.generic {{.*}} iterator_types = ["parallel", "parallel", "reduction"]}
// CHECK: arith.minimumf
// CHECK: %[[GROUPS:.*]] = linalg.generic
// CHECK: %[[WHOLE:.*]] = tensor.expand_shape %[[GROUPS]] {{.*}} into tensor<3x1x4xf32>
// CHECK: %[[FIRST:.*]]:2 = linalg.generic {{.*}} ins(%[[WHOLE]]
// CHECK: %[[WORST:.*]]:2 = linalg.generic {{.*}} ins(%[[WHOLE]], %[[FIRST]]#0
// CHECK: %[[WORSTNUMBER:.*]] = linalg.generic {{.*}} ins(%[[WORST]]#1
// CHECK: %[[TABLE:.*]] = tensor.expand_shape %[[BIASED]] {{.*}} into tensor<3x4x4xf32>
// CHECK: linalg.generic {{.*}} ins(%[[TABLE]], %{{.*}}, %{{.*}}, %[[GROUPS]], %[[WORST]]#0, %[[WORSTNUMBER]] :
// CHECK-NEXT: ^bb0(%{{.*}}: f32, %{{.*}}: f32, %{{.*}}: i32, %[[GROUP:.*]]: f32, %[[WORSTVALUE:.*]]: f32, %[[LAST:.*]]: i32,
// CHECK: arith.cmpf olt, %[[WORSTVALUE]], %[[GROUP]]
// CHECK: arith.cmpi sge, %[[LAST]], %{{.*}} : i32
// CHECK: tensor.extract %[[SIGMOID]]
// CHECK: arith.mulf %{{.*}}, %cst
func.func @groups(%l: tensor<3x16xf32>, %b: tensor<16xf32>) -> (tensor<3x1xf32>, tensor<3x1xi32>) {
  %w, %i = decoder.router %l bias %b
    {group_score = #decoder.group_score<sum_of_top_two>, groups = 4 : i64, kept_groups = 2 : i64, scale = 2.5 : f64,
     scoring = #decoder.router_scoring<sigmoid>, top_k = 1 : i64}
    : tensor<3x16xf32>, tensor<16xf32> -> tensor<3x1xf32>, tensor<3x1xi32>
  return %w, %i : tensor<3x1xf32>, tensor<3x1xi32>
}

// A softmax of the chosen ones subtracts the largest.
// CHECK-LABEL: func @softmax_of_chosen
// CHECK: arith.maximumf
// CHECK: math.exp
// CHECK: arith.addf
// CHECK-NOT: arith.addf
// CHECK: arith.divf
// CHECK-NOT: {{(decoder|scf)\.}}
func.func @softmax_of_chosen(%l: tensor<?x8xf16>) -> (tensor<?x2xf32>, tensor<?x2xi32>) {
  %w, %i = decoder.router %l {scoring = #decoder.router_scoring<softmax_of_chosen>, top_k = 2 : i64}
    : tensor<?x8xf16> -> tensor<?x2xf32>, tensor<?x2xi32>
  return %w, %i : tensor<?x2xf32>, tensor<?x2xi32>
}
