// RUN: awq-opt %s --allow-unregistered-dialect -awq-iree-pipeline=scope=weights | FileCheck %s
// RUN: not awq-opt %s -awq-iree-pipeline 2>&1 | FileCheck %s --check-prefix=UNKNOWN

// UNKNOWN: AWQ1550: the parameters of IREE are attributes of a dialect that is unknown here

// CHECK: module {
// CHECK: ml_program.global private @q(#flow.parameter.named<"weights"::"q"> : tensor<64x4xi32>) : tensor<64x4xi32>
// CHECK: ml_program.global private @s(#flow.parameter.named<"weights"::"s"> : tensor<4x32xf16>) : tensor<4x32xf16>
// CHECK: func.func @forward(%{{.*}}: tensor<?x64xf32>, %{{.*}}: tensor<?x2x16xf32>, %{{.*}}: index) -> (tensor<?x2x16xf32>, tensor<?x2x16xf32>) {
// CHECK: %[[Q:.*]] = ml_program.global_load_const @q : tensor<64x4xi32>
// CHECK: %[[WORDS:.*]] = tensor.expand_shape %[[Q]] {{.*}} into tensor<4x16x4xi32>
// CHECK: linalg.generic {{.*}} ins(%{{.*}}, %[[WORDS]],
// CHECK: math.exp
// CHECK: return
// CHECK-NOT: {{(awq|decoder|scf|vector|memref|bufferization)\.}}
module attributes {awq.parameter_files = ["model.safetensors"]} {
  ml_program.global private @q(#ml_program.extern<tensor<64x4xi32, #awq.layout<autoawq_gemm>>>)
    : tensor<64x4xi32, #awq.layout<autoawq_gemm>>
  ml_program.global private @s(#ml_program.extern<tensor<4x32xf16>>) : tensor<4x32xf16>
  func.func @forward(%x: tensor<?x64xf32> {awq.name = "hidden"}, %cache: tensor<?x2x16xf32>, %p: index)
      -> (tensor<?x2x16xf32>, tensor<?x2x16xf32>) {
    %c0 = arith.constant 0 : index
    %q = ml_program.global_load_const @q : tensor<64x4xi32, #awq.layout<autoawq_gemm>>
    %s = ml_program.global_load_const @s : tensor<4x32xf16>
    %y = awq.quantized_linear %x, %q, %s {scheme = #awq.scheme<bits = 4, group = 16, zero = symmetric, scale = f16>}
      : (tensor<?x64xf32>, tensor<64x4xi32, #awq.layout<autoawq_gemm>>, tensor<4x32xf16>) -> tensor<?x32xf32>
    %t = tensor.dim %x, %c0 : tensor<?x64xf32>
    %k = tensor.expand_shape %y [[0], [1, 2]] output_shape [%t, 2, 16] : tensor<?x32xf32> into tensor<?x2x16xf32>
    %o, %k1, %v1 = decoder.attention %k, %k, %k, %cache, %cache, %p {scale = 0.25 : f64}
      : (tensor<?x2x16xf32>, tensor<?x2x16xf32>, tensor<?x2x16xf32>, tensor<?x2x16xf32>, tensor<?x2x16xf32>)
      -> (tensor<?x2x16xf32>, tensor<?x2x16xf32>, tensor<?x2x16xf32>)
    return %o, %k1 : tensor<?x2x16xf32>, tensor<?x2x16xf32>
  }
}
