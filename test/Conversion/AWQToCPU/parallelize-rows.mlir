// RUN: awq-opt %s --awq-parallelize-rows --canonicalize --split-input-file | FileCheck %s

// A prompt's rows are shared in blocks of eight.
// CHECK-LABEL: func.func @prompt
// CHECK-DAG: %[[EIGHT:.*]] = arith.constant 8 : index
// CHECK: scf.parallel (%{{.*}}) = (%{{.*}}) to (%{{.*}}) step (%[[EIGHT]])
// CHECK-COUNT-3: memref.subview {{.*}} memref<?x64xf32> to memref<?x64xf32, strided<[64, 1], offset: ?>>
// CHECK: linalg.add
func.func @prompt(%a: memref<?x64xf32>, %b: memref<?x64xf32>, %c: memref<?x64xf32>) {
  linalg.add ins(%a, %b : memref<?x64xf32>, memref<?x64xf32>) outs(%c : memref<?x64xf32>)
  return
}

// -----

// A reduction stays within its row.
// CHECK-LABEL: func.func @row_sums
// CHECK: scf.parallel
// CHECK: linalg.reduce
func.func @row_sums(%a: memref<?x64xf32>, %sums: memref<?xf32>) {
  linalg.reduce ins(%a : memref<?x64xf32>) outs(%sums : memref<?xf32>) dimensions = [1]
    (%in: f32, %out: f32) {
      %sum = arith.addf %in, %out : f32
      linalg.yield %sum : f32
    }
  return
}

// -----

// One token is not worth sharing.
// CHECK-LABEL: func.func @step
// CHECK-NOT: scf.parallel
func.func @step(%a: memref<1x64xf32>, %b: memref<1x64xf32>, %c: memref<1x64xf32>) {
  linalg.add ins(%a, %b : memref<1x64xf32>, memref<1x64xf32>) outs(%c : memref<1x64xf32>)
  return
}

// -----

// What is in a parallel loop has its threads.
// CHECK-LABEL: func.func @nested
// CHECK: scf.parallel
// CHECK-NOT: scf.parallel
// CHECK: linalg.add
// CHECK-NOT: scf.parallel
func.func @nested(%a: memref<?x64xf32>, %c: memref<?x64xf32>, %n: index) {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  scf.parallel (%i) = (%c0) to (%n) step (%c1) {
    linalg.add ins(%a, %a : memref<?x64xf32>, memref<?x64xf32>) outs(%c : memref<?x64xf32>)
  }
  return
}
