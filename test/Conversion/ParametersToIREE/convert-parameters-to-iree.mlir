// RUN: awq-opt %s --allow-unregistered-dialect -convert-parameters-to-iree | FileCheck %s
// RUN: awq-opt %s --allow-unregistered-dialect -convert-parameters-to-iree=scope=a\"b | FileCheck %s --check-prefix=SCOPE

// CHECK: module {
// SCOPE: #flow.parameter.named<"a\22b"::"w">
module attributes {awq.parameter_files = ["model.safetensors"]} {
  // CHECK: ml_program.global private @w(#flow.parameter.named<"model"::"w"> : tensor<64x4xi32>) : tensor<64x4xi32>
  ml_program.global private @w(#ml_program.extern<tensor<64x4xi32, #awq.layout<autoawq_gemm>>>)
    : tensor<64x4xi32, #awq.layout<autoawq_gemm>>
  // Names of tensors are any text.
  // CHECK: ml_program.global private @"a \22b\22"(#flow.parameter.named<"model"::"a \22b\22"> : tensor<4xf16>) : tensor<4xf16>
  ml_program.global private @"a \22b\22"(#ml_program.extern<tensor<4xf16>>) : tensor<4xf16>
  // What is no parameter in a file stays.
  // CHECK: ml_program.global private @c(dense<1.000000e+00> : tensor<4xf16>) : tensor<4xf16>
  ml_program.global private @c(dense<1.0> : tensor<4xf16>) : tensor<4xf16>

  // CHECK: func.func @f(%[[N:.*]]: index {other.name = "n"}) -> (tensor<64x4xi32> {other.name = "w"}, tensor<?x3xf32>) attributes {other.kind = "entry"} {
  func.func @f(%n: index {awq.name = "n", other.name = "n"})
      -> (tensor<64x4xi32, #awq.layout<autoawq_gemm>> {awq.name = "w", other.name = "w"}, tensor<?x3xf32> {awq.name = "x"})
      attributes {awq.entry = "forward", decoder.entry, other.kind = "entry"} {
    // CHECK: %[[W:.*]] = ml_program.global_load_const @w : tensor<64x4xi32>
    %w = ml_program.global_load_const @w : tensor<64x4xi32, #awq.layout<autoawq_gemm>>
    // CHECK: %[[ONE:.*]] = arith.constant {other.name = "one"} 1.000000e+00 : f32
    %one = arith.constant {awq.name = "one", other.name = "one"} 1.0 : f32
    // CHECK: %[[EMPTY:.*]] = tensor.empty(%[[N]]) : tensor<?x3xf32>
    // CHECK: %[[X:.*]] = linalg.fill ins(%[[ONE]] : f32) outs(%[[EMPTY]]
    %x = tensor.splat %one[%n] : tensor<?x3xf32>
    // CHECK: return %[[W]], %[[X]]
    return %w, %x : tensor<64x4xi32, #awq.layout<autoawq_gemm>>, tensor<?x3xf32>
  }
}
