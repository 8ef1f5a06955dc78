// The whole way: the compiler's layers, its weights, its statistics.
// RUN: toy-opt %s --toy-pipeline='group=16' -verify-diagnostics | FileCheck %s

// Codes, scales and zero points are the compiler's, too: no number is in the IR
// and no file was written.
// CHECK-NOT: awq.parameter_files
// CHECK-DAG: ml_program.global private @up.codes(#{{.*}}) : tensor<32x16xi8>
// CHECK-DAG: ml_program.global private @down.scales(#{{.*}}) : tensor<16x2xf16>

// The norm makes up for the first channel, which is quantized more finely.
// CHECK-LABEL: func.func @mlp
// CHECK-NOT: toy.dense
// CHECK: %[[G:.*]] = awq.scale_channels %{{.*}}, %{{.*}} {axis = 0 : i64, inverse} : tensor<16xf32>, tensor<16xf32>
// CHECK: decoder.rms_norm %{{.*}}, %[[G]]
// CHECK: %[[C:.*]] = ml_program.global_load_const @up.codes
// CHECK: awq.quantized_linear %{{.*}}, %[[C]], {{.*}}awq.name = "up"
// CHECK: awq.quantized_linear {{.*}}awq.name = "down"
// CHECK-NOT: dense<{{\[}}
func.func @mlp(%x: tensor<?x16xf32>) -> tensor<?x16xf32> {
  %g = arith.constant dense<1.0> : tensor<16xf32>
  %n = decoder.rms_norm %x, %g {epsilon = 1.0e-05 : f64} : tensor<?x16xf32>, tensor<16xf32>
  // expected-remark @below {{layer "up" has 4 bits in groups of 16, codes 0 to 15}}
  %u = toy.dense %n "up" : tensor<?x16xf32> -> tensor<?x32xf32>
  %r = decoder.activation %u {kind = #decoder.activation_kind<relu>} : tensor<?x32xf32>
  // expected-remark @below {{layer "down" has 4 bits in groups of 16, codes 0 to 15}}
  %d = toy.dense %r "down" : tensor<?x32xf32> -> tensor<?x16xf32>
  return %d : tensor<?x16xf32>
}
