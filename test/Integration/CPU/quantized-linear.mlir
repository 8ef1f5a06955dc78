// The scalar lowering and the kernel give the same exact numbers. y counts the
// wrong elements, so both print 0; a last run with a wrong expectation proves
// that it can count.
//
// DEFINE: %{before} = one-shot-bufferize{bufferize-function-boundaries function-boundary-type-conversion=identity-layout-map},convert-linalg-to-loops,lower-affine
// DEFINE: %{after} = convert-vector-to-scf,expand-strided-metadata,lower-affine,convert-scf-to-cf,convert-vector-to-llvm,convert-arith-to-llvm,convert-index-to-llvm,finalize-memref-to-llvm,convert-func-to-llvm,convert-cf-to-llvm,convert-ub-to-llvm,reconcile-unrealized-casts
// RUN: awq-opt %s --pass-pipeline="builtin.module(convert-awq-to-linalg,%{before},%{after})" | mlir-runner -e wrong -entry-point-result=i32 | FileCheck %s
// RUN: awq-opt %s --pass-pipeline="builtin.module(convert-awq-to-cpu,convert-awq-to-linalg,%{before},%{after})" | mlir-runner -e wrong -entry-point-result=i32 | FileCheck %s
// RUN: sed -e 's/56.0/56.5/' %s | awq-opt --pass-pipeline="builtin.module(convert-awq-to-cpu,convert-awq-to-linalg,%{before},%{after})" | mlir-runner -e wrong -entry-point-result=i32 | FileCheck %s --check-prefix=COUNT

// CHECK: {{^}}0{{$}}
// COUNT: {{^}}18{{$}}

// 16 codes 0..7, 0..7 (0x76543210), s = 1/2, z = 3 and x = 1..16:
// y = sum_k (k mod 8 - 3) (k + 1) / 2 = 76, plus a bias of -20.
func.func private @layer(%x: tensor<1x16xf32>) -> tensor<1x18xf32> {
  %word = arith.constant 1985229328 : i32
  %empty = tensor.empty() : tensor<2x2x16xi32, #awq.layout<cpu_n16>>
  %codes = linalg.fill ins(%word : i32) outs(%empty : tensor<2x2x16xi32, #awq.layout<cpu_n16>>)
    -> tensor<2x2x16xi32, #awq.layout<cpu_n16>>
  %s = arith.constant dense<0.5> : tensor<2x1x16xf32>
  %z = arith.constant dense<3.0> : tensor<2x1x16xf32>
  %b = arith.constant dense<-20.0> : tensor<18xf32>
  %y = awq.quantized_linear %x, %codes, %s zeros %z bias %b
    {scheme = #awq.scheme<bits = 4, group = 16, zero = asymmetric, scale = f32>}
    : (tensor<1x16xf32>, tensor<2x2x16xi32, #awq.layout<cpu_n16>>, tensor<2x1x16xf32>, tensor<2x1x16xf32>, tensor<18xf32>)
    -> tensor<1x18xf32>
  return %y : tensor<1x18xf32>
}

func.func @wrong() -> i32 {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %c18 = arith.constant 18 : index
  %none = arith.constant 0 : i32
  %expected = arith.constant 56.0 : f32
  %x = arith.constant dense<[[1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0, 9.0, 10.0, 11.0, 12.0, 13.0, 14.0, 15.0, 16.0]]> : tensor<1x16xf32>
  %y = call @layer(%x) : (tensor<1x16xf32>) -> tensor<1x18xf32>
  %count = scf.for %i = %c0 to %c18 step %c1 iter_args(%n = %none) -> i32 {
    %v = tensor.extract %y[%c0, %i] : tensor<1x18xf32>
    %differs = arith.cmpf une, %v, %expected : f32
    %one = arith.extui %differs : i1 to i32
    %next = arith.addi %n, %one : i32
    scf.yield %next : i32
  }
  return %count : i32
}
