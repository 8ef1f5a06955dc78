//===- Broken.td - descriptions with wrong examples --------*- tablegen -*-===//
//
// Part of the awq-mlir project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

include "mlir/IR/OpBase.td"
include "mlir/Pass/PassBase.td"

def Broken_Dialect : Dialect {
  let name = "awq";
  let cppNamespace = "::broken";
}

def A_NoExample : Op<Broken_Dialect, "no_example"> {
  let description = "There is none.";
}

def B_BadSyntax : Op<Broken_Dialect, "linear"> {
  let description = [{
    ```mlir
    %y = awq.linear %x %w : (tensor<?x64xf32>, tensor<32x64xf32>) -> tensor<?x32xf32>
    ```
  }];
}

def C_NotVerified : Op<Broken_Dialect, "linear"> {
  let description = [{
    ```mlir
    %y = awq.linear %x, %w : (tensor<?x64xf32>, tensor<32x63xf32>) -> tensor<?x32xf32>
    ```
  }];
}

def D_AnotherOp : Op<Broken_Dialect, "quantize"> {
  let description = [{
    ```mlir
    %y = awq.linear %x, %w : (tensor<?x64xf32>, tensor<32x64xf32>) -> tensor<?x32xf32>
    ```
  }];
}

def E_Good : Op<Broken_Dialect, "linear"> {
  let description = [{
    ```mlir
    %y = awq.linear %x, %w : (tensor<?x64xf32>, tensor<32x64xf32>) -> tensor<?x32xf32>
    ```
  }];
}

class Remove : Pass<"awq-remove-observers"> {
  let summary = "Replaces each awq.observe by its operand";
}

def F_NoResult : Remove {
  let description = [{
    ```mlir
    %o = awq.observe %x "site" : tensor<?x4xf32>
    ```
  }];
}

def G_AnotherResult : Remove {
  let description = [{
    ```mlir
    %o = awq.observe %x "site" : tensor<?x4xf32>
    %y = math.exp %o : tensor<?x4xf32>
    // becomes
    %y = math.tanh %x : tensor<?x4xf32>
    ```
  }];
}

def H_AnotherExcerpt : Remove {
  let description = [{
    Each name stands for one value:

    ```mlir
    %o = awq.observe %x "site" : tensor<?x4xf32>
    %y = math.exp %o : tensor<?x4xf32>
    %z = math.tanh %y : tensor<?x4xf32>
    // becomes
    %y = math.exp ...
    %z = math.tanh %z : ...
    ```
  }];
}

def I_DoesNotFail : Remove {
  let description = [{
    ```mlir
    // error: no such error
    %o = awq.observe %x "site" : tensor<?x4xf32>
    ```
  }];
}

def J_Good : Remove {
  let description = [{
    ```mlir
    %o = awq.observe %x "site" : tensor<?x4xf32>
    %y = math.exp %o : tensor<?x4xf32>
    // becomes
    %y = math.exp %x : tensor<?x4xf32>
    ```

    ```mlir
    %o = awq.observe %x "site" : tensor<?x4xf32>
    %y = math.exp %o : tensor<?x4xf32>
    %z = math.tanh %y : tensor<?x4xf32>
    // becomes
    %y = math.exp ...
    %z = math.tanh %y : ...
    ```
  }];
}
