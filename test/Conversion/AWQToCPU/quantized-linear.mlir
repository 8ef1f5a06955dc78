// RUN: awq-opt %s -convert-awq-to-cpu | FileCheck %s

// Codes are masked in place; only the last one of a word is shifted.
// CHECK-LABEL: func @nibbles
// CHECK: %[[Q:.*]] = bufferization.to_buffer %{{.*}} read_only {{.*}}: tensor<2x16x16xi32, #awq.layout<cpu_n16>>
// CHECK: arith.constant dense<[1.000000e+00, 6.250000e-02, 3.906250e-03
// CHECK: scf.parallel
// CHECK: %[[WORDS:.*]] = vector.load %[[Q]][%{{.*}}, %{{.*}}, %{{.*}}] : {{.*}}, vector<16xi32>
// CHECK: memref.prefetch %[[Q]][%{{.*}}, %{{.*}}, %{{.*}}], read, locality<2>, data
// CHECK-COUNT-7: arith.andi %[[WORDS]], %{{.*}} : vector<16xi32>
// CHECK: arith.shrui %[[WORDS]], %{{.*}} : vector<16xi32>
// CHECK: arith.sitofp %{{.*}} : vector<16xi32> to vector<16xf32>
// CHECK: scf.if
// CHECK: vector.extract_strided_slice %{{.*}} {offsets = [0], sizes = [4], strides = [1]}
func.func @nibbles(%x: tensor<1x128xf32>, %q: tensor<2x16x16xi32, #awq.layout<cpu_n16>>,
    %s: tensor<2x2x16xf32>, %z: tensor<2x2x16xf32>) -> tensor<1x20xf32> {
  %y = awq.quantized_linear %x, %q, %s zeros %z
    {scheme = #awq.scheme<bits = 4, group = 64, zero = asymmetric, scale = f16>}
    : (tensor<1x128xf32>, tensor<2x16x16xi32, #awq.layout<cpu_n16>>, tensor<2x2x16xf32>, tensor<2x2x16xf32>)
    -> tensor<1x20xf32>
  return %y : tensor<1x20xf32>
}

// More tokens share the codes in fours; a zero point of 128 is implied.
// CHECK-LABEL: func @bytes
// CHECK: scf.for %{{.*}} = %{{.*}} to %{{.*}} step %c4
// CHECK: dense<1.280000e+02> : vector<16xf32>
func.func @bytes(%x: tensor<?x128xf32>, %q: tensor<2x32x16xi32, #awq.layout<cpu_n16b8>>,
    %s: tensor<2x2x16xf32>, %b: tensor<32xf32>) -> tensor<?x32xf32> {
  %y = awq.quantized_linear %x, %q, %s bias %b
    {scheme = #awq.scheme<bits = 8, group = 64, zero = symmetric, scale = f16>}
    : (tensor<?x128xf32>, tensor<2x32x16xi32, #awq.layout<cpu_n16b8>>, tensor<2x2x16xf32>, tensor<32xf32>)
    -> tensor<?x32xf32>
  return %y : tensor<?x32xf32>
}
