// RUN: awq-opt %s -awq-pack-weights | FileCheck %s
// RUN: awq-opt %s -awq-pack-weights=layout=autoawq_gemm | FileCheck %s --check-prefix=GEMM
// RUN: awq-opt %s -pass-pipeline='builtin.module(awq-pack-weights{layout=autoawq_gemm},awq-pack-weights{layout=cpu_n16})' | FileCheck %s
// RUN: awq-opt %s -awq-pack-weights=layout=mma_n32k128 | FileCheck %s --check-prefix=RECORDS
// RUN: awq-opt %s -pass-pipeline='builtin.module(awq-pack-weights{layout=mma_n32k128},awq-pack-weights{layout=cpu_n16})' | FileCheck %s
// RUN: not awq-opt %s -awq-pack-weights=layout=nowhere 2>&1 | FileCheck %s --check-prefix=UNKNOWN

// UNKNOWN: there is no layout 'nowhere'; choose cpu, autoawq_gemm, cpu_n16, cpu_n16b8, mma_n32k128

// 8 rows are padded to 16: words of codes 3 (0x33333333), then zeros.
// CHECK-LABEL: func @f
// CHECK-DAG: %[[Q:.*]] = arith.constant dense<{{.*}}858993459, 858993459, 858993459, 858993459, 858993459, 858993459, 858993459, 858993459, 0, 0, 0, 0, 0, 0, 0, 0{{.*}}> : tensor<1x2x16xi32, #awq.layout<cpu_n16>>
// CHECK-DAG: %[[S:.*]] = arith.constant dense<{{.*}}5.000000e-01, 0.000000e+00{{.*}}> : tensor<1x1x16xf32>
// CHECK-DAG: %[[Z:.*]] = arith.constant dense<{{.*}}8.000000e+00, 0.000000e+00{{.*}}> : tensor<1x1x16xf32>
// CHECK: awq.quantized_linear %arg0, %[[Q]], %[[S]] zeros %[[Z]]

// One record of 32 rows and 128 channels: 512 words of codes, then the 80 bytes
// of the rows' scales and zero points.
// RECORDS: %[[R:.*]] = arith.constant dense<{{.*}}> : tensor<532xi32, #awq.layout<mma_n32k128>>
// RECORDS: awq.quantized_linear %arg0, %[[R]] {scheme
// RECORDS-SAME: (tensor<?x16xf32>, tensor<532xi32, #awq.layout<mma_n32k128>>) -> tensor<?x8xf32>

// GEMM-DAG: %[[Q:.*]] = arith.constant dense<858993459> : tensor<16x1xi32, #awq.layout<autoawq_gemm>>
// GEMM-DAG: %[[S:.*]] = arith.constant dense<5.000000e-01> : tensor<1x8xf16>
// GEMM-DAG: %[[Z:.*]] = arith.constant dense<-2004318072> : tensor<1x1xi32>
// GEMM: awq.quantized_linear %arg0, %[[Q]], %[[S]] zeros %[[Z]]
func.func @f(%x: tensor<?x16xf32>) -> tensor<?x8xf32> {
  %q = arith.constant dense<3> : tensor<8x16xi8>
  %s = arith.constant dense<0.5> : tensor<8x1xf16>
  %z = arith.constant dense<8> : tensor<8x1xi8>
  %y = awq.quantized_linear %x, %q, %s zeros %z
    {scheme = #awq.scheme<bits = 4, group = 16, zero = asymmetric, scale = f16>}
    : (tensor<?x16xf32>, tensor<8x16xi8>, tensor<8x1xf16>, tensor<8x1xi8>) -> tensor<?x8xf32>
  return %y : tensor<?x8xf32>
}

// A function of another dialect.
// CHECK-LABEL: ml_program.func @program
// CHECK: awq.quantized_linear {{.*}}#awq.layout<cpu_n16>
ml_program.func @program(%x: tensor<?x16xf32>) -> tensor<?x8xf32> {
  %q = arith.constant dense<3> : tensor<8x16xi8>
  %s = arith.constant dense<0.5> : tensor<8x1xf16>
  %y = awq.quantized_linear %x, %q, %s
    {scheme = #awq.scheme<bits = 4, group = 16, zero = symmetric, scale = f16>}
    : (tensor<?x16xf32>, tensor<8x16xi8>, tensor<8x1xf16>) -> tensor<?x8xf32>
  ml_program.return %y : tensor<?x8xf32>
}
