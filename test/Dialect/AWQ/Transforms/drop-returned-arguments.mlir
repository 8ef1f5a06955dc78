// RUN: awq-opt %s -awq-drop-returned-arguments | FileCheck %s

// CHECK-LABEL: func.func @f(
// CHECK-SAME:    %{{.*}}: memref<?x8xf32>, %{{.*}}: memref<?xf32, strided<[1], offset: ?>>) -> memref<4xf32> {
// CHECK:         %[[A:.*]] = memref.alloc
// CHECK:         return %[[A]] : memref<4xf32>
func.func @f(%d: memref<?x8xf32>, %c: memref<?xf32, strided<[1], offset: ?>>)
    -> (memref<?x8xf32>, memref<4xf32>, memref<4xf32, strided<[1], offset: ?>>) {
  %a = memref.alloc() : memref<4xf32>
  %b = memref.cast %c : memref<?xf32, strided<[1], offset: ?>> to memref<4xf32, strided<[1], offset: ?>>
  return %d, %a, %b : memref<?x8xf32>, memref<4xf32>, memref<4xf32, strided<[1], offset: ?>>
}

// Functions that are called keep their type.

// CHECK-LABEL: func.func @called(
// CHECK-SAME:    -> memref<8xf32>
func.func @called(%d: memref<8xf32>) -> memref<8xf32> {
  return %d : memref<8xf32>
}
func.func private @caller(%d: memref<8xf32>) {
  %0 = call @called(%d) : (memref<8xf32>) -> memref<8xf32>
  return
}
