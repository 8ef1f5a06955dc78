// RUN: awq-opt %s | awq-opt | FileCheck %s
// RUN: awq-opt %s --mlir-print-op-generic | awq-opt | FileCheck %s
// RUN: awq-opt %s --emit-bytecode | awq-opt | FileCheck %s

#scheme = #awq.scheme<bits = 4, group = 64, zero = asymmetric, scale = f16>
#symmetric = #awq.scheme<bits = 8, group = 0, zero = symmetric, scale = bf16>

// CHECK-LABEL: func.func @linear
func.func @linear(%x: tensor<?x64xf32>, %w: tensor<32x64xf32>, %b: tensor<32xf32>)
    -> (tensor<?x32xf32>, tensor<?x32xf32>) {
  // CHECK: awq.linear %{{.*}}, %{{.*}} : (tensor<?x64xf32>, tensor<32x64xf32>) -> tensor<?x32xf32>
  %y = awq.linear %x, %w : (tensor<?x64xf32>, tensor<32x64xf32>) -> tensor<?x32xf32>
  // CHECK: awq.linear %{{.*}}, %{{.*}} bias %{{.*}} : (tensor<?x64xf32>, tensor<32x64xf32>, tensor<32xf32>) -> tensor<?x32xf32>
  %z = awq.linear %x, %w bias %b
    : (tensor<?x64xf32>, tensor<32x64xf32>, tensor<32xf32>) -> tensor<?x32xf32>
  return %y, %z : tensor<?x32xf32>, tensor<?x32xf32>
}

// CHECK-LABEL: func.func @quantized_linear
func.func @quantized_linear(%x: tensor<?x128xf32>, %q: tensor<32x128xi8>,
                            %s: tensor<32x2xf16>, %z: tensor<32x2xi8>)
    -> tensor<?x32xf32> {
  // CHECK: awq.quantized_linear %{{.*}}, %{{.*}}, %{{.*}} zeros %{{.*}} {scheme = #awq.scheme<bits = 4, group = 64, zero = asymmetric, scale = f16>}
  %y = awq.quantized_linear %x, %q, %s zeros %z {scheme = #scheme}
    : (tensor<?x128xf32>, tensor<32x128xi8>, tensor<32x2xf16>, tensor<32x2xi8>)
    -> tensor<?x32xf32>
  return %y : tensor<?x32xf32>
}

// CHECK-LABEL: func.func @linear_of_records
func.func @linear_of_records(%x: tensor<?x128xf32>, %r: tensor<552xi32, #awq.layout<mma_n32k128>>, %b: tensor<20xf32>)
    -> (tensor<?x20xf32>, tensor<?x20xf32>) {
  // CHECK: awq.quantized_linear %{{.*}}, %{{.*}} {scheme = {{.*}}} : (tensor<?x128xf32>, tensor<552xi32, #awq.layout<mma_n32k128>>) -> tensor<?x20xf32>
  %y = awq.quantized_linear %x, %r {scheme = #scheme}
    : (tensor<?x128xf32>, tensor<552xi32, #awq.layout<mma_n32k128>>) -> tensor<?x20xf32>
  // CHECK: awq.quantized_linear %{{.*}}, %{{.*}} bias %{{.*}} {scheme
  %z = awq.quantized_linear %x, %r bias %b {scheme = #scheme}
    : (tensor<?x128xf32>, tensor<552xi32, #awq.layout<mma_n32k128>>, tensor<20xf32>) -> tensor<?x20xf32>
  return %y, %z : tensor<?x20xf32>, tensor<?x20xf32>
}

// CHECK-LABEL: func.func @packed_linear
func.func @packed_linear(%x: tensor<?x128xf32>, %q: tensor<2x16x16xi32, #awq.layout<cpu_n16>>,
                         %s: tensor<2x2x16xf32>, %z: tensor<2x2x16xf32>, %b: tensor<20xf32>)
    -> tensor<?x20xf32> {
  // CHECK: awq.quantized_linear %{{.*}}, %{{.*}}, %{{.*}} zeros %{{.*}} bias %{{.*}} {{.*}}tensor<2x16x16xi32, #awq.layout<cpu_n16>>
  %y = awq.quantized_linear %x, %q, %s zeros %z bias %b {scheme = #scheme}
    : (tensor<?x128xf32>, tensor<2x16x16xi32, #awq.layout<cpu_n16>>, tensor<2x2x16xf32>,
       tensor<2x2x16xf32>, tensor<20xf32>) -> tensor<?x20xf32>
  return %y : tensor<?x20xf32>
}

// CHECK-LABEL: func.func @autoawq_linear
func.func @autoawq_linear(%x: tensor<?x128xf32>, %q: tensor<128x4xi32, #awq.layout<autoawq_gemm>>,
                          %s: tensor<2x32xf16>, %z: tensor<2x4xi32>) -> tensor<?x32xf32> {
  // CHECK: awq.quantized_linear {{.*}}#awq.layout<autoawq_gemm>
  %y = awq.quantized_linear %x, %q, %s zeros %z {scheme = #scheme}
    : (tensor<?x128xf32>, tensor<128x4xi32, #awq.layout<autoawq_gemm>>, tensor<2x32xf16>,
       tensor<2x4xi32>) -> tensor<?x32xf32>
  return %y : tensor<?x32xf32>
}

// CHECK-LABEL: func.func @rounding
func.func @rounding(%w: tensor<32x128xf32>)
    -> (tensor<32x128xf32>, tensor<2x16x16xi32, #awq.layout<cpu_n16>>) {
  // CHECK: awq.quantize %{{.*}} {scheme = {{.*}}} : tensor<32x128xf32> -> tensor<32x128xi8>, tensor<32x2xf16>, tensor<32x2xi8>
  %q, %s, %z = awq.quantize %w {scheme = #scheme}
    : tensor<32x128xf32> -> tensor<32x128xi8>, tensor<32x2xf16>, tensor<32x2xi8>
  // CHECK: awq.dequantize %{{.*}}, %{{.*}}, %{{.*}} {scheme = {{.*}}} : tensor<32x128xi8>, tensor<32x2xf16>, tensor<32x2xi8> -> tensor<32x128xf32>
  %d = awq.dequantize %q, %s, %z {scheme = #scheme}
    : tensor<32x128xi8>, tensor<32x2xf16>, tensor<32x2xi8> -> tensor<32x128xf32>
  // CHECK: awq.repack %{{.*}} : tensor<32x128xi8> -> tensor<2x16x16xi32, #awq.layout<cpu_n16>>
  %p = awq.repack %q : tensor<32x128xi8> -> tensor<2x16x16xi32, #awq.layout<cpu_n16>>
  return %d, %p : tensor<32x128xf32>, tensor<2x16x16xi32, #awq.layout<cpu_n16>>
}

// CHECK-LABEL: func.func @whole_row
func.func @whole_row(%w: tensor<8x24xf32>) -> tensor<8x24xi8> {
  // CHECK: #awq.scheme<bits = 8, group = 0, zero = symmetric, scale = bf16>
  %q, %s, %z = awq.quantize %w {scheme = #symmetric}
    : tensor<8x24xf32> -> tensor<8x24xi8>, tensor<8x1xbf16>, tensor<8x1xi8>
  return %q : tensor<8x24xi8>
}

// CHECK-LABEL: func.func @parameters
func.func @parameters(%x: tensor<?x64xf32>, %w: tensor<32x64xf32>, %g: tensor<64xf32>,
                      %s: tensor<64xf32>, %lo: tensor<32x2xf32>, %hi: tensor<32x2xf32>)
    -> (tensor<32x64xf32>, tensor<64xf32>, tensor<?x64xf32>) {
  // CHECK: awq.scale_channels %{{.*}}, %{{.*}} {axis = 1 : i64} : tensor<32x64xf32>, tensor<64xf32>
  %a = awq.scale_channels %w, %s {axis = 1 : i64} : tensor<32x64xf32>, tensor<64xf32>
  // CHECK: awq.scale_channels %{{.*}}, %{{.*}} {axis = 0 : i64, inverse, offset = 1.000000e+00 : f64} : tensor<64xf32>, tensor<64xf32>
  %b = awq.scale_channels %g, %s {axis = 0 : i64, inverse, offset = 1.0 : f64}
    : tensor<64xf32>, tensor<64xf32>
  // CHECK: awq.clip_groups %{{.*}}, %{{.*}}, %{{.*}} : tensor<32x64xf32>, tensor<32x2xf32>
  %c = awq.clip_groups %a, %lo, %hi : tensor<32x64xf32>, tensor<32x2xf32>
  // CHECK: awq.observe %{{.*}} "layers.0.mlp.down_proj.input" : tensor<?x64xf32>
  %y = awq.observe %x "layers.0.mlp.down_proj.input" : tensor<?x64xf32>
  return %c, %b, %y : tensor<32x64xf32>, tensor<64xf32>, tensor<?x64xf32>
}

// CHECK-LABEL: func.func @unpack
func.func @unpack(%q: tensor<128x4xi32, #awq.layout<autoawq_gemm>>, %s: tensor<2x32xf16>,
                  %z: tensor<2x4xi32>) -> (tensor<32x128xi8>, tensor<32x2xf16>, tensor<32x2xi8>) {
  // CHECK: awq.unpack %{{.*}}, %{{.*}} zeros %{{.*}} {scheme = {{.*}}} : (tensor<128x4xi32, #awq.layout<autoawq_gemm>>, tensor<2x32xf16>, tensor<2x4xi32>) -> (tensor<32x128xi8>, tensor<32x2xf16>, tensor<32x2xi8>)
  %c, %t, %u = awq.unpack %q, %s zeros %z {scheme = #scheme}
    : (tensor<128x4xi32, #awq.layout<autoawq_gemm>>, tensor<2x32xf16>, tensor<2x4xi32>)
    -> (tensor<32x128xi8>, tensor<32x2xf16>, tensor<32x2xi8>)
  return %c, %t, %u : tensor<32x128xi8>, tensor<32x2xf16>, tensor<32x2xi8>
}

// CHECK-LABEL: func.func @fused
func.func @fused(%x: tensor<?x128xf32>, %q: tensor<32x128xi8>, %s: tensor<32x2xf16>, %z: tensor<32x2xi8>,
                 %g: tensor<128xf32>, %cos: tensor<?x8xf32>, %sin: tensor<?x8xf32>) -> tensor<?x32xf32> {
  // CHECK: awq.fused_linear %{{.*}}, %{{.*}}, %{{.*}} zeros %{{.*}} norm %{{.*}} rotary %{{.*}}, %{{.*}} {norm_epsilon = 1.000000e-05 : f64, norm_offset = 1.000000e+00 : f64, scheme = {{.*}}, turn = #awq.rotary<heads = 2, head_size = 16>}
  %y = awq.fused_linear %x, %q, %s zeros %z norm %g rotary %cos, %sin
    {norm_epsilon = 1.0e-05 : f64, norm_offset = 1.0 : f64, scheme = #scheme,
     turn = #awq.rotary<heads = 2, head_size = 16>}
    : (tensor<?x128xf32>, tensor<32x128xi8>, tensor<32x2xf16>, tensor<32x2xi8>, tensor<128xf32>,
       tensor<?x8xf32>, tensor<?x8xf32>) -> tensor<?x32xf32>
  return %y : tensor<?x32xf32>
}

// Statistics are dense elements or resources.
// CHECK-LABEL: func.func @statistics
func.func @statistics(%x: tensor<?x2xf32>) -> tensor<?x2xf32> {
  // CHECK: awq.observe %{{.*}} "site" {statistics = {fit = {gram = dense<{{.*}}> : tensor<2x2xf32>, mean_abs = dense_resource<mean> : tensor<2xf32>, tokens = 2 : i64}}} : tensor<?x2xf32>
  %y = awq.observe %x "site" {statistics = {fit = {gram = dense<[[2.0, 0.5], [0.5, 2.0]]> : tensor<2x2xf32>,
    mean_abs = dense_resource<mean> : tensor<2xf32>, tokens = 2 : i64}}} : tensor<?x2xf32>
  return %y : tensor<?x2xf32>
}

{-# dialect_resources: { builtin: { mean: "0x040000000000803F0000003F" } } #-}
