// RUN: awq-opt %s -awq-pack-weights | FileCheck %s
// RUN: not awq-opt %s -awq-pack-weights=layout=cpu_n16 2>&1 | FileCheck %s --check-prefix=BITS

// Codes of more than 4 bits take bytes.
// CHECK-LABEL: func @bytes
// CHECK-DAG: arith.constant dense<1684300900> : tensor<1x4x16xi32, #awq.layout<cpu_n16b8>>
// CHECK: awq.quantized_linear {{.*}} -> tensor<?x16xf32>

// BITS: AWQ1210
func.func @bytes(%x: tensor<?x16xf32>) -> tensor<?x16xf32> {
  %q = arith.constant dense<100> : tensor<16x16xi8>
  %s = arith.constant dense<0.5> : tensor<16x1xf16>
  %y = awq.quantized_linear %x, %q, %s
    {scheme = #awq.scheme<bits = 8, group = 16, zero = symmetric, scale = f16>}
    : (tensor<?x16xf32>, tensor<16x16xi8>, tensor<16x1xf16>) -> tensor<?x16xf32>
  return %y : tensor<?x16xf32>
}
