//===- Passes.td - entry points of compiled models ---------*- tablegen -*-===//
//
// Part of the awq-mlir project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef AWQ_CONVERSION_ENTRYPOINTSTOLLVM_PASSES_TD
#define AWQ_CONVERSION_ENTRYPOINTSTOLLVM_PASSES_TD

include "mlir/Pass/PassBase.td"

def EmitEntryPointsPass : Pass<"awq-emit-entry-points", "::mlir::ModuleOp"> {
  let summary = "Gives each public function an entry point of one C type";
  let description = [{
    For each public function @NAME with a body adds

    ```
    void awq_entry_NAME(void **args)
    ```

    in the LLVM dialect, which calls @NAME: args[i] points to the memref
    descriptor of argument i, or to its value if it is a scalar (an index is 64
    bits wide). A function with results gets a further element for each, whose
    descriptor it writes; the buffer belongs to the caller, to be freed as
    malloc's are. All other functions with a body become internal, so that these
    are the symbols of the compiled model.

    Needs buffers (memrefs, not tensors); leaves
    casts for `reconcile-unrealized-casts` after the conversion of functions.

    Example:

    ```mlir
    func.func @f(%x: memref<4xf32>, %i: index) {
      return
    }
    // becomes
    llvm.func @awq_entry_f(%args: !llvm.ptr) ...
      %p = llvm.load ... : !llvm.ptr -> !llvm.ptr
      %d = llvm.load %p : !llvm.ptr -> !llvm.struct<(ptr, ptr, i64, array<1 x i64>, array<1 x i64>)>
      %x = builtin.unrealized_conversion_cast %d : ... to memref<4xf32>
      func.call @f(%x, ...) : (memref<4xf32>, index) -> ()
      llvm.return
    ```
  }];
  let dependentDialects = ["::mlir::LLVM::LLVMDialect"];
}

#endif // AWQ_CONVERSION_ENTRYPOINTSTOLLVM_PASSES_TD
