// RUN: awq-opt %s -awq-fuse-linears | FileCheck %s

#scheme = #awq.scheme<bits = 4, group = 16, zero = symmetric, scale = f16>

// Without rows there is nothing to join. (Such weights cannot be packed.)
// CHECK-LABEL: func @no_rows
// CHECK-NOT: tensor.concat
// CHECK-COUNT-2: awq.quantized_linear
func.func @no_rows(%x: tensor<2x16xf32>) -> (tensor<2x0xf32>, tensor<2x0xf32>) {
  %q = arith.constant dense<> : tensor<0x16xi8>
  %s = arith.constant dense<> : tensor<0x1xf16>
  %0 = awq.quantized_linear %x, %q, %s {scheme = #scheme}
    : (tensor<2x16xf32>, tensor<0x16xi8>, tensor<0x1xf16>) -> tensor<2x0xf32>
  %1 = awq.quantized_linear %x, %q, %s {scheme = #scheme}
    : (tensor<2x16xf32>, tensor<0x16xi8>, tensor<0x1xf16>) -> tensor<2x0xf32>
  return %0, %1 : tensor<2x0xf32>, tensor<2x0xf32>
}
