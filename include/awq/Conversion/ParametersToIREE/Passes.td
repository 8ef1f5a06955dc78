//===- Passes.td - modules for IREE ------------------------*- tablegen -*-===//
//
// Part of the awq-mlir project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef AWQ_CONVERSION_PARAMETERSTOIREE_PASSES_TD
#define AWQ_CONVERSION_PARAMETERSTOIREE_PASSES_TD

include "mlir/Pass/PassBase.td"

def ConvertParametersToIREEPass : Pass<"convert-parameters-to-iree", "::mlir::ModuleOp"> {
  let summary = "Makes of a module in linalg one that iree-compile takes";
  let description = [{
    A parameter in a file, an extern `ml_program.global`, becomes IREE's parameter
    of the same name in the scope `scope`: iree-run-module finds it in the file that
    `--parameters=SCOPE=FILE` names. Its bytes stay as they are. Attributes that
    only this project knows, and layouts as encodings of types, go: nothing of the
    dialects `awq` and `decoder` may be left but them. `tensor.splat`, which IREE
    takes with static sizes only, becomes `linalg.fill`.

    IREE's attribute is unknown here. The context must allow such attributes
    (`awq-opt --allow-unregistered-dialect`).

    Example:

    ```mlir
    module attributes {awq.parameter_files = ["model.safetensors"]} {
      ml_program.global private @w(#ml_program.extern<tensor<64x4xi32, #awq.layout<autoawq_gemm>>>)
        : tensor<64x4xi32, #awq.layout<autoawq_gemm>>
    }
    // becomes
    module {
      ml_program.global private @w(#flow.parameter.named<"model"::"w"> : tensor<64x4xi32>) : tensor<64x4xi32>
    }
    ```
  }];
  let options = [
    Option<"scope", "scope", "std::string", "\"model\"",
           "The scope of the parameters">];
  let dependentDialects = ["::mlir::linalg::LinalgDialect", "::mlir::ml_program::MLProgramDialect",
                           "::mlir::tensor::TensorDialect"];
}

#endif // AWQ_CONVERSION_PARAMETERSTOIREE_PASSES_TD
