// RUN: awq-opt %s -split-input-file -awq-emit-entry-points -verify-diagnostics | FileCheck %s

// CHECK-LABEL: func.func @f(
// CHECK-SAME:    attributes {llvm.linkage = #llvm.linkage<internal>}
// CHECK-LABEL: llvm.func @awq_entry_f(
// CHECK-SAME:    %[[ARGS:.*]]: !llvm.ptr)
// CHECK:         %[[S0:.*]] = llvm.getelementptr %[[ARGS]][0]
// CHECK:         %[[P0:.*]] = llvm.load %[[S0]]
// CHECK:         %[[D0:.*]] = llvm.load %[[P0]] : !llvm.ptr -> !llvm.struct<(ptr, ptr, i64, array<2 x i64>, array<2 x i64>)>
// CHECK:         %[[X:.*]] = builtin.unrealized_conversion_cast %[[D0]] : {{.*}} to memref<?x4xf32>
// CHECK:         %[[S1:.*]] = llvm.getelementptr %[[ARGS]][1]
// CHECK:         %[[P1:.*]] = llvm.load %[[S1]]
// CHECK:         %[[V1:.*]] = llvm.load %[[P1]] : !llvm.ptr -> i64
// CHECK:         %[[I:.*]] = builtin.unrealized_conversion_cast %[[V1]] : i64 to index
// CHECK:         func.call @f(%[[X]], %[[I]])
func.func @f(%x: memref<?x4xf32>, %i: index) {
  return
}

// CHECK-LABEL: llvm.func @awq_entry_grow(
// CHECK-SAME:    %[[ARGS:.*]]: !llvm.ptr)
// CHECK:         %[[R:.*]] = func.call @grow(%{{.*}}) : (index) -> memref<?xf32>
// CHECK:         %[[SLOT:.*]] = llvm.getelementptr %[[ARGS]][1]
// CHECK:         %[[ADDRESS:.*]] = llvm.load %[[SLOT]] : !llvm.ptr -> !llvm.ptr
// CHECK:         %[[D:.*]] = builtin.unrealized_conversion_cast %[[R]]
// CHECK:         llvm.store %[[D]], %[[ADDRESS]]
func.func @grow(%n: index) -> memref<?xf32> {
  %m = memref.alloc(%n) : memref<?xf32>
  return %m : memref<?xf32>
}

// CHECK-LABEL: func.func private @helper()
// CHECK-SAME:    attributes {llvm.linkage = #llvm.linkage<internal>}
// CHECK-NOT:   @awq_entry_helper
func.func private @helper() {
  return
}

// CHECK: func.func private @external(){{$}}
func.func private @external()

// -----

// expected-error @below {{result #0 of type 'tensor<4xf32>' cannot be handed out by an entry point}}
func.func @g() -> tensor<4xf32> {
  %c = arith.constant dense<1.0> : tensor<4xf32>
  return %c : tensor<4xf32>
}

// -----

// expected-error @below {{argument #0 of type 'tensor<4xf32>' cannot be passed to an entry point}}
func.func @h(%x: tensor<4xf32>) {
  return
}
