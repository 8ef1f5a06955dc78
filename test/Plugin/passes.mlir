// The plug-in's passes stand beside LLVM's in pipelines. (mlir-opt makes flags of passes
// before it loads plug-ins: a plug-in's are named in --pass-pipeline.)
// RUN: %mlir_opt %awq_plugin --list-passes | FileCheck %s --check-prefix=LIST
// LIST-DAG: --awq-find-scaling-groups
// LIST-DAG: --awq-quantize-weights
// LIST-DAG: --convert-awq-to-cpu
// LIST-DAG: --convert-decoder-to-linalg

// RUN: %mlir_opt %awq_plugin --help | FileCheck %s --check-prefix=HELP
// HELP-DAG: --awq-cpu-pipeline
// HELP-DAG: --awq-nvvm-pipeline
// HELP-DAG: --awq-quantize-pipeline

// RUN: %mlir_opt %awq_plugin %s --pass-pipeline='builtin.module(awq-find-scaling-groups,func.func(cse))' | FileCheck %s

// Upstream ops answer this project's interface: the group is found behind the
// cast.
// CHECK-LABEL: func @f
// CHECK: decoder.rms_norm {{.*}}awq.produces = "f.rms_norm0"
// CHECK: awq.linear {{.*}}awq.group = "f.rms_norm0"
func.func @f(%x: tensor<8x4xf32>) -> tensor<?x2xf32> {
  %w = arith.constant dense<0.5> : tensor<2x4xf32>
  %g = arith.constant dense<1.0> : tensor<4xf32>
  %n = decoder.rms_norm %x, %g {epsilon = 1.0e-05 : f64} : tensor<8x4xf32>, tensor<4xf32>
  %c = tensor.cast %n : tensor<8x4xf32> to tensor<?x4xf32>
  %y = awq.linear %c, %w : (tensor<?x4xf32>, tensor<2x4xf32>) -> tensor<?x2xf32>
  return %y : tensor<?x2xf32>
}
