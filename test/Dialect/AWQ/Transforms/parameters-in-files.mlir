// RUN: rm -rf %t && mkdir -p %t && python3 %S/Inputs/make_parameters.py %t/w.safetensors
// RUN: sed 's|FOLDER|%t|' %s > %t/f.mlir
// RUN: awq-opt %t/f.mlir -awq-quantize-weights='group=16 side-file=%t/q.safetensors' | FileCheck %s
// RUN: awq-opt %t/f.mlir -awq-quantize-weights='group=16 side-file=%t/q.safetensors' -awq-pack-weights=side-file=%t/p.safetensors | FileCheck %s --check-prefix=PACKED
// RUN: awq-opt %t/f.mlir -awq-materialize-parameters=side-file=%t/m.safetensors | FileCheck %s --check-prefix=NUMBERS
// RUN: not awq-opt %t/f.mlir -awq-quantize-weights=group=16 2>&1 | FileCheck %s --check-prefix=REFUSED
// RUN: not awq-opt %t/f.mlir -awq-quantize-weights='group=16 side-file=%t/none/q.safetensors' 2>&1 | FileCheck %s --check-prefix=FOLDER
// RUN: not awq-opt %t/f.mlir -awq-quantize-weights='group=16 side-file=%t/w.safetensors' 2>&1 | FileCheck %s --check-prefix=TAKEN
// RUN: sed 's|2x16xf32|2x16xf16|g' %t/f.mlir > %t/type.mlir
// RUN: not awq-opt %t/type.mlir -awq-quantize-weights='group=16 side-file=%t/q.safetensors' 2>&1 | FileCheck %s --check-prefix=TYPE

// New parameters of weights in files go to a file of their own, which the
// module lists after the model's; no number gets into the IR.
// CHECK: awq.parameter_files = ["{{.*}}w.safetensors", "{{.*}}q.safetensors"]
// CHECK-DAG: ml_program.global private @w.codes(#{{.*}}) : tensor<2x16xi8>
// CHECK-DAG: ml_program.global private @w.scales(#{{.*}}) : tensor<2x1xf16>
// CHECK-DAG: ml_program.global private @w.zeros(#{{.*}}) : tensor<2x1xi8>
// CHECK: %[[Q:.*]] = ml_program.global_load_const @w.codes
// CHECK: awq.quantized_linear %{{.*}}, %[[Q]]
// CHECK-NOT: dense<

// What one pass wrote, the next one reads.
// PACKED: awq.parameter_files = [{{.*}}q.safetensors", "{{.*}}p.safetensors"]
// PACKED: ml_program.global_load_const @w.codes.cpu_n16 : tensor<1x2x16xi32, #awq.layout<cpu_n16>>

// NUMBERS: ml_program.global private @g.materialized(#{{.*}}) : tensor<16xf32>
// NUMBERS-NOT: awq.scale_channels

// REFUSED: the weights lie in files, so the new parameter 'w.codes' needs one too; give the option side-file=PATH
// TAKEN: the side file '{{.*}}w.safetensors' is already a parameter file of this module; name a new one
// FOLDER: AWQ1040: cannot write beside the side file: No such file or directory ({{.*}}none/q.safetensors); check the folder and its free space
// TYPE: AWQ1522: parameter 'w' is declared as tensor<2x16xf16>, but the file holds F32 [2, 16] ({{.*}}w.safetensors); import the model again
module attributes {awq.parameter_files = ["FOLDER/w.safetensors"]} {
  ml_program.global private @w(#ml_program.extern<tensor<2x16xf32>>) : tensor<2x16xf32>
  ml_program.global private @g(#ml_program.extern<tensor<16xf32>>) : tensor<16xf32>
  func.func @f(%x: tensor<?x16xf32>) -> tensor<?x2xf32> {
    %g = ml_program.global_load_const @g : tensor<16xf32>
    %v = awq.scale_channels %g, %g {axis = 0 : i64} : tensor<16xf32>, tensor<16xf32>
    %n = decoder.rms_norm %x, %v {epsilon = 1.0e-05 : f64} : tensor<?x16xf32>, tensor<16xf32>
    %w = ml_program.global_load_const @w : tensor<2x16xf32>
    %y = awq.linear %n, %w : (tensor<?x16xf32>, tensor<2x16xf32>) -> tensor<?x2xf32>
    return %y : tensor<?x2xf32>
  }
}
