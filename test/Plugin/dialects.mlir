// LLVM's own mlir-opt knows nothing of awq-mlir, until it has loaded the plug-in.
// RUN: not %mlir_opt %s 2>&1 | FileCheck %s --check-prefix=STOCK
// RUN: %mlir_opt %awq_plugin --show-dialects | FileCheck %s --check-prefix=DIALECTS
// STOCK: Dialect `decoder' not found
// DIALECTS: awq
// DIALECTS: decoder

// Text and bytecode go round, and between it and awq-opt.
// RUN: %mlir_opt %awq_plugin %s | %mlir_opt %awq_plugin | FileCheck %s
// RUN: %mlir_opt %awq_plugin %s --emit-bytecode | %mlir_opt %awq_plugin | FileCheck %s
// RUN: %mlir_opt %awq_plugin %s --emit-bytecode | awq-opt | FileCheck %s
// RUN: awq-opt %s --emit-bytecode | %mlir_opt %awq_plugin | FileCheck %s

// Verifiers run.
// RUN: sed 's/16x16xi8/16x17xi8/' %s | not %mlir_opt %awq_plugin 2>&1 | FileCheck %s --check-prefix=INVALID
// INVALID: error: 'awq.quantized_linear' op

// CHECK-LABEL: func @f
// CHECK: decoder.rms_norm %{{.*}} {epsilon = 1.000000e-05 : f64}
// CHECK: awq.quantized_linear %{{.*}} {scheme = #awq.scheme<bits = 4, group = 0, zero = symmetric, scale = f16>}
func.func @f(%x: tensor<?x16xf32>, %g: tensor<16xf32>, %q: tensor<16x16xi8>, %s: tensor<16x1xf16>) -> tensor<?x16xf32> {
  %n = decoder.rms_norm %x, %g {epsilon = 1.0e-05 : f64} : tensor<?x16xf32>, tensor<16xf32>
  %y = awq.quantized_linear %n, %q, %s {scheme = #awq.scheme<bits = 4, group = 0, zero = symmetric, scale = f16>} : (tensor<?x16xf32>, tensor<16x16xi8>, tensor<16x1xf16>) -> tensor<?x16xf32>
  return %y : tensor<?x16xf32>
}
