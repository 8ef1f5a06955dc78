// RUN: awq-opt %s -awq-inline-alloca-scopes | FileCheck %s

func.func private @leaf(memref<4xf32>) -> ()

// CHECK-LABEL: func @call
// CHECK-NOT: alloca_scope
// CHECK: call @leaf
func.func @call(%m: memref<4xf32>) {
  memref.alloca_scope {
    func.call @leaf(%m) : (memref<4xf32>) -> ()
  }
  return
}

// CHECK-LABEL: func @alloca
// CHECK: memref.alloca_scope
func.func @alloca() {
  memref.alloca_scope {
    %m = memref.alloca() : memref<4xf32>
    func.call @leaf(%m) : (memref<4xf32>) -> ()
  }
  return
}
