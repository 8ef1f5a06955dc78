// RUN: awq-opt %s -awq-fuse-linears -split-input-file -verify-diagnostics | FileCheck %s
// RUN: awq-opt %s -pass-pipeline='builtin.module(func.func(awq-fuse-linears),awq-pack-weights{layout=autoawq_gemm})' -split-input-file | FileCheck %s --check-prefix=PACK

#scheme = #awq.scheme<bits = 4, group = 16, zero = asymmetric, scale = f16>

// CHECK-LABEL: func @joined
// CHECK: %[[Q:.*]] = tensor.concat dim(0) %{{.*}}, %{{.*}} : (tensor<16x16xi8>, tensor<8x16xi8>) -> tensor<24x16xi8>
// CHECK: %[[S:.*]] = tensor.concat dim(0) {{.*}} -> tensor<24x1xf16>
// CHECK: %[[Z:.*]] = tensor.concat dim(0) {{.*}} -> tensor<24x1xi8>
// CHECK: %[[B:.*]] = tensor.concat dim(0) {{.*}} -> tensor<24xf32>
// CHECK: %[[Y:.*]] = awq.quantized_linear %{{.*}}, %[[Q]], %[[S]] zeros %[[Z]] bias %[[B]]
// CHECK-SAME: awq.name = "attn.{q,k}"
// CHECK: %[[T:.*]] = tensor.dim %[[Y]], %c0
// CHECK: %[[A:.*]] = tensor.extract_slice %[[Y]][0, 0] [%[[T]], 16] [1, 1] : tensor<?x24xf32> to tensor<?x16xf32>
// CHECK: %[[D:.*]] = tensor.extract_slice %[[Y]][0, 16] [%[[T]], 8] [1, 1] : tensor<?x24xf32> to tensor<?x8xf32>
// CHECK: return %[[A]], %[[D]]

// Rows 0 to 15 hold 1, rows 16 to 23 hold 2; so do the words, eight rows each.
// PACK-LABEL: func @joined
// PACK-DAG: dense<{{\[\[286331153, 286331153, 572662306\]}}
// PACK-DAG: dense<{{\[\[5.000000e-01, 5.000000e-01, .*, 2.500000e-01\]\]}}> : tensor<1x24xf16>
// PACK-DAG: dense<{{\[\[-2004318072, -2004318072, 1717986918\]\]}}> : tensor<1x3xi32>
// PACK: awq.quantized_linear
// PACK-SAME: tensor<?x24xf32>
// PACK-NOT: tensor.concat dim(0) {{.*}}xi8>
func.func @joined(%x: tensor<?x16xf32>) -> (tensor<?x16xf32>, tensor<?x8xf32>) {
  %q = arith.constant dense<1> : tensor<16x16xi8>
  %s = arith.constant dense<0.5> : tensor<16x1xf16>
  %z = arith.constant dense<8> : tensor<16x1xi8>
  %b = arith.constant dense<1.0> : tensor<16xf32>
  %0 = awq.quantized_linear %x, %q, %s zeros %z bias %b {awq.name = "attn.q", scheme = #scheme}
    : (tensor<?x16xf32>, tensor<16x16xi8>, tensor<16x1xf16>, tensor<16x1xi8>, tensor<16xf32>) -> tensor<?x16xf32>
  %p = arith.constant dense<2> : tensor<8x16xi8>
  %t = arith.constant dense<0.25> : tensor<8x1xf16>
  %u = arith.constant dense<6> : tensor<8x1xi8>
  %c = arith.constant dense<2.0> : tensor<8xf32>
  %1 = awq.quantized_linear %x, %p, %t zeros %u bias %c {awq.name = "attn.k", scheme = #scheme}
    : (tensor<?x16xf32>, tensor<8x16xi8>, tensor<8x1xf16>, tensor<8x1xi8>, tensor<8xf32>) -> tensor<?x8xf32>
  return %0, %1 : tensor<?x16xf32>, tensor<?x8xf32>
}

// -----

#scheme = #awq.scheme<bits = 4, group = 16, zero = symmetric, scale = f16>

// A checkpoint's layout is undone first.
// CHECK-LABEL: func @unpacked
// CHECK: %[[Q:.*]], %[[S:.*]], %{{.*}} = awq.unpack
// CHECK: %[[P:.*]], %[[T:.*]], %{{.*}} = awq.unpack
// CHECK: tensor.concat dim(0) %[[Q]], %[[P]] : (tensor<8x16xi8>, tensor<8x16xi8>) -> tensor<16x16xi8>
// CHECK: tensor.concat dim(0) %[[S]], %[[T]]
// CHECK: awq.quantized_linear
// CHECK-SAME: awq.name = "{a.x,b.y}"

// PACK-LABEL: func @unpacked
// PACK-DAG: dense<{{\[\[286331153, 572662306\]}}
// PACK: awq.quantized_linear
func.func @unpacked(%x: tensor<2x16xf32>) -> (tensor<2x8xf32>, tensor<2x8xf32>) {
  %q = arith.constant dense<286331153> : tensor<16x1xi32, #awq.layout<autoawq_gemm>>
  %p = arith.constant dense<572662306> : tensor<16x1xi32, #awq.layout<autoawq_gemm>>
  %s = arith.constant dense<0.5> : tensor<1x8xf16>
  %0 = awq.quantized_linear %x, %q, %s {awq.name = "a.x", scheme = #scheme}
    : (tensor<2x16xf32>, tensor<16x1xi32, #awq.layout<autoawq_gemm>>, tensor<1x8xf16>) -> tensor<2x8xf32>
  %1 = awq.quantized_linear %x, %p, %s {awq.name = "b.y", scheme = #scheme}
    : (tensor<2x16xf32>, tensor<16x1xi32, #awq.layout<autoawq_gemm>>, tensor<1x8xf16>) -> tensor<2x8xf32>
  return %0, %1 : tensor<2x8xf32>, tensor<2x8xf32>
}

// -----

#scheme = #awq.scheme<bits = 4, group = 16, zero = symmetric, scale = f16>
#other = #awq.scheme<bits = 3, group = 16, zero = symmetric, scale = f16>

// Another scheme, another input, a bias, a kernel's layout: all stay alone.
// CHECK-LABEL: func @apart
// CHECK-NOT: tensor.concat
// CHECK-COUNT-5: awq.quantized_linear

// PACK-LABEL: func @apart
// PACK-COUNT-5: awq.quantized_linear
func.func @apart(%x: tensor<2x16xf32>, %y: tensor<2x16xf32>)
    -> (tensor<2x8xf32>, tensor<2x8xf32>, tensor<2x8xf32>, tensor<2x8xf32>, tensor<2x8xf32>) {
  %q = arith.constant dense<1> : tensor<8x16xi8>
  %s = arith.constant dense<0.5> : tensor<8x1xf16>
  %b = arith.constant dense<1.0> : tensor<8xf32>
  %w = arith.constant dense<1> : tensor<1x2x16xi32, #awq.layout<cpu_n16>>
  %t = arith.constant dense<0.5> : tensor<1x1x16xf32>
  %0 = awq.quantized_linear %x, %q, %s {scheme = #scheme}
    : (tensor<2x16xf32>, tensor<8x16xi8>, tensor<8x1xf16>) -> tensor<2x8xf32>
  %1 = awq.quantized_linear %x, %q, %s {scheme = #other}
    : (tensor<2x16xf32>, tensor<8x16xi8>, tensor<8x1xf16>) -> tensor<2x8xf32>
  %2 = awq.quantized_linear %y, %q, %s {scheme = #scheme}
    : (tensor<2x16xf32>, tensor<8x16xi8>, tensor<8x1xf16>) -> tensor<2x8xf32>
  %3 = awq.quantized_linear %x, %q, %s bias %b {scheme = #scheme}
    : (tensor<2x16xf32>, tensor<8x16xi8>, tensor<8x1xf16>, tensor<8xf32>) -> tensor<2x8xf32>
  %4 = awq.quantized_linear %x, %w, %t {scheme = #scheme}
    : (tensor<2x16xf32>, tensor<1x2x16xi32, #awq.layout<cpu_n16>>, tensor<1x1x16xf32>) -> tensor<2x8xf32>
  return %0, %1, %2, %3, %4
    : tensor<2x8xf32>, tensor<2x8xf32>, tensor<2x8xf32>, tensor<2x8xf32>, tensor<2x8xf32>
}
