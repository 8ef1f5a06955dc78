module {
  module {
    func.func private @f(tensor<36x72x16xi32, #awq.layout<cpu_n16>>)
  }
  module {
    module attributes {example.attribute = #awq.rotary<heads = 12, head_size = 64>} {
    }
  }
  module {
    module attributes {example.attribute = #awq.scheme<bits = 4, group = 64, zero = asymmetric, scale = f16>} {
    }
  }
  module {
    func.func @f(%arg0: tensor<32x128xf32>, %arg1: tensor<32x2xf32>, %arg2: tensor<32x2xf32>) -> tensor<32x128xf32> {
      %0 = awq.clip_groups %arg0, %arg1, %arg2 : tensor<32x128xf32>, tensor<32x2xf32>
      return %0 : tensor<32x128xf32>
    }
  }
  module {
    func.func @f(%arg0: tensor<32x128xi8>, %arg1: tensor<32x2xf16>, %arg2: tensor<32x2xi8>) -> tensor<32x128xf32> {
      %0 = awq.dequantize %arg0, %arg1, %arg2 {scheme = #awq.scheme<bits = 4, group = 64, zero = asymmetric, scale = f16>} : tensor<32x128xi8>, tensor<32x2xf16>, tensor<32x2xi8> -> tensor<32x128xf32>
      return %0 : tensor<32x128xf32>
    }
  }
  module {
    func.func @f(%arg0: tensor<?x128xf32>, %arg1: tensor<32x128xi8>, %arg2: tensor<32x2xf16>, %arg3: tensor<128xf32>, %arg4: tensor<?x16xf32>) -> tensor<?x16xf32> {
      %0 = awq.fused_linear %arg0, %arg1, %arg2 norm %arg3 residual %arg4 {gate = #awq.gate<silu>, norm_epsilon = 1.000000e-05 : f64, scheme = #awq.scheme<bits = 4, group = 64, zero = symmetric, scale = f16>} : (tensor<?x128xf32>, tensor<32x128xi8>, tensor<32x2xf16>, tensor<128xf32>, tensor<?x16xf32>) -> tensor<?x16xf32>
      return %0 : tensor<?x16xf32>
    }
  }
  module {
    func.func @f(%arg0: tensor<?x64xf32>, %arg1: tensor<32x64xf32>, %arg2: tensor<32xf32>) -> (tensor<?x32xf32>, tensor<?x32xf32>) {
      %0 = awq.linear %arg0, %arg1 : (tensor<?x64xf32>, tensor<32x64xf32>) -> tensor<?x32xf32>
      %1 = awq.linear %arg0, %arg1 bias %arg2 : (tensor<?x64xf32>, tensor<32x64xf32>, tensor<32xf32>) -> tensor<?x32xf32>
      return %0, %1 : tensor<?x32xf32>, tensor<?x32xf32>
    }
  }
  module {
    func.func @f(%arg0: tensor<?x64xf32>) -> tensor<?x64xf32> {
      %0 = awq.observe %arg0 "layers.0.mlp.down_proj.input" : tensor<?x64xf32>
      return %0 : tensor<?x64xf32>
    }
  }
  module {
    func.func @f(%arg0: tensor<32x128xf32>) -> (tensor<32x128xi8>, tensor<32x2xf16>, tensor<32x2xi8>) {
      %codes, %scales, %zeros = awq.quantize %arg0 {scheme = #awq.scheme<bits = 4, group = 64, zero = asymmetric, scale = f16>} : tensor<32x128xf32> -> tensor<32x128xi8>, tensor<32x2xf16>, tensor<32x2xi8>
      return %codes, %scales, %zeros : tensor<32x128xi8>, tensor<32x2xf16>, tensor<32x2xi8>
    }
  }
  module {
    func.func @f(%arg0: tensor<?x128xf32>, %arg1: tensor<32x128xi8>, %arg2: tensor<32x2xf16>, %arg3: tensor<32x2xi8>) -> tensor<?x32xf32> {
      %0 = awq.quantized_linear %arg0, %arg1, %arg2 zeros %arg3 {scheme = #awq.scheme<bits = 4, group = 64, zero = asymmetric, scale = f16>} : (tensor<?x128xf32>, tensor<32x128xi8>, tensor<32x2xf16>, tensor<32x2xi8>) -> tensor<?x32xf32>
      return %0 : tensor<?x32xf32>
    }
  }
  module {
    func.func @f(%arg0: tensor<32x128xi8>) -> tensor<2x16x16xi32, #awq.layout<cpu_n16>> {
      %0 = awq.repack %arg0 : tensor<32x128xi8> -> tensor<2x16x16xi32, #awq.layout<cpu_n16>>
      return %0 : tensor<2x16x16xi32, #awq.layout<cpu_n16>>
    }
  }
  module {
    func.func @f(%arg0: tensor<32x64xf32>, %arg1: tensor<64xf32>, %arg2: tensor<64xf32>) -> (tensor<32x64xf32>, tensor<64xf32>) {
      %0 = awq.scale_channels %arg0, %arg1 {axis = 1 : i64} : tensor<32x64xf32>, tensor<64xf32>
      %1 = awq.scale_channels %arg2, %arg1 {axis = 0 : i64, inverse} : tensor<64xf32>, tensor<64xf32>
      return %0, %1 : tensor<32x64xf32>, tensor<64xf32>
    }
  }
  module {
    func.func @f(%arg0: tensor<128x4xi32, #awq.layout<autoawq_gemm>>, %arg1: tensor<2x32xf16>, %arg2: tensor<2x4xi32>) -> (tensor<32x128xi8>, tensor<32x2xf16>, tensor<32x2xi8>) {
      %codes, %scales, %zeros = awq.unpack %arg0, %arg1 zeros %arg2 {scheme = #awq.scheme<bits = 4, group = 64, zero = asymmetric, scale = f16>} : (tensor<128x4xi32, #awq.layout<autoawq_gemm>>, tensor<2x32xf16>, tensor<2x4xi32>) -> (tensor<32x128xi8>, tensor<32x2xf16>, tensor<32x2xi8>)
      return %codes, %scales, %zeros : tensor<32x128xi8>, tensor<32x2xf16>, tensor<32x2xi8>
    }
  }
  module {
    func.func @linear(%arg0: tensor<?x64xf32>, %arg1: tensor<32x64xf32>, %arg2: tensor<32xf32>) -> (tensor<?x32xf32>, tensor<?x32xf32>) {
      %0 = awq.linear %arg0, %arg1 : (tensor<?x64xf32>, tensor<32x64xf32>) -> tensor<?x32xf32>
      %1 = awq.linear %arg0, %arg1 bias %arg2 : (tensor<?x64xf32>, tensor<32x64xf32>, tensor<32xf32>) -> tensor<?x32xf32>
      return %0, %1 : tensor<?x32xf32>, tensor<?x32xf32>
    }
    func.func @quantized_linear(%arg0: tensor<?x128xf32>, %arg1: tensor<32x128xi8>, %arg2: tensor<32x2xf16>, %arg3: tensor<32x2xi8>) -> tensor<?x32xf32> {
      %0 = awq.quantized_linear %arg0, %arg1, %arg2 zeros %arg3 {scheme = #awq.scheme<bits = 4, group = 64, zero = asymmetric, scale = f16>} : (tensor<?x128xf32>, tensor<32x128xi8>, tensor<32x2xf16>, tensor<32x2xi8>) -> tensor<?x32xf32>
      return %0 : tensor<?x32xf32>
    }
    func.func @linear_of_records(%arg0: tensor<?x128xf32>, %arg1: tensor<552xi32, #awq.layout<mma_n32k128>>, %arg2: tensor<20xf32>) -> (tensor<?x20xf32>, tensor<?x20xf32>) {
      %0 = awq.quantized_linear %arg0, %arg1 {scheme = #awq.scheme<bits = 4, group = 64, zero = asymmetric, scale = f16>} : (tensor<?x128xf32>, tensor<552xi32, #awq.layout<mma_n32k128>>) -> tensor<?x20xf32>
      %1 = awq.quantized_linear %arg0, %arg1 bias %arg2 {scheme = #awq.scheme<bits = 4, group = 64, zero = asymmetric, scale = f16>} : (tensor<?x128xf32>, tensor<552xi32, #awq.layout<mma_n32k128>>, tensor<20xf32>) -> tensor<?x20xf32>
      return %0, %1 : tensor<?x20xf32>, tensor<?x20xf32>
    }
    func.func @packed_linear(%arg0: tensor<?x128xf32>, %arg1: tensor<2x16x16xi32, #awq.layout<cpu_n16>>, %arg2: tensor<2x2x16xf32>, %arg3: tensor<2x2x16xf32>, %arg4: tensor<20xf32>) -> tensor<?x20xf32> {
      %0 = awq.quantized_linear %arg0, %arg1, %arg2 zeros %arg3 bias %arg4 {scheme = #awq.scheme<bits = 4, group = 64, zero = asymmetric, scale = f16>} : (tensor<?x128xf32>, tensor<2x16x16xi32, #awq.layout<cpu_n16>>, tensor<2x2x16xf32>, tensor<2x2x16xf32>, tensor<20xf32>) -> tensor<?x20xf32>
      return %0 : tensor<?x20xf32>
    }
    func.func @autoawq_linear(%arg0: tensor<?x128xf32>, %arg1: tensor<128x4xi32, #awq.layout<autoawq_gemm>>, %arg2: tensor<2x32xf16>, %arg3: tensor<2x4xi32>) -> tensor<?x32xf32> {
      %0 = awq.quantized_linear %arg0, %arg1, %arg2 zeros %arg3 {scheme = #awq.scheme<bits = 4, group = 64, zero = asymmetric, scale = f16>} : (tensor<?x128xf32>, tensor<128x4xi32, #awq.layout<autoawq_gemm>>, tensor<2x32xf16>, tensor<2x4xi32>) -> tensor<?x32xf32>
      return %0 : tensor<?x32xf32>
    }
    func.func @rounding(%arg0: tensor<32x128xf32>) -> (tensor<32x128xf32>, tensor<2x16x16xi32, #awq.layout<cpu_n16>>) {
      %codes, %scales, %zeros = awq.quantize %arg0 {scheme = #awq.scheme<bits = 4, group = 64, zero = asymmetric, scale = f16>} : tensor<32x128xf32> -> tensor<32x128xi8>, tensor<32x2xf16>, tensor<32x2xi8>
      %0 = awq.dequantize %codes, %scales, %zeros {scheme = #awq.scheme<bits = 4, group = 64, zero = asymmetric, scale = f16>} : tensor<32x128xi8>, tensor<32x2xf16>, tensor<32x2xi8> -> tensor<32x128xf32>
      %1 = awq.repack %codes : tensor<32x128xi8> -> tensor<2x16x16xi32, #awq.layout<cpu_n16>>
      return %0, %1 : tensor<32x128xf32>, tensor<2x16x16xi32, #awq.layout<cpu_n16>>
    }
    func.func @whole_row(%arg0: tensor<8x24xf32>) -> tensor<8x24xi8> {
      %codes, %scales, %zeros = awq.quantize %arg0 {scheme = #awq.scheme<bits = 8, group = 0, zero = symmetric, scale = bf16>} : tensor<8x24xf32> -> tensor<8x24xi8>, tensor<8x1xbf16>, tensor<8x1xi8>
      return %codes : tensor<8x24xi8>
    }
    func.func @parameters(%arg0: tensor<?x64xf32>, %arg1: tensor<32x64xf32>, %arg2: tensor<64xf32>, %arg3: tensor<64xf32>, %arg4: tensor<32x2xf32>, %arg5: tensor<32x2xf32>) -> (tensor<32x64xf32>, tensor<64xf32>, tensor<?x64xf32>) {
      %0 = awq.scale_channels %arg1, %arg3 {axis = 1 : i64} : tensor<32x64xf32>, tensor<64xf32>
      %1 = awq.scale_channels %arg2, %arg3 {axis = 0 : i64, inverse, offset = 1.000000e+00 : f64} : tensor<64xf32>, tensor<64xf32>
      %2 = awq.clip_groups %0, %arg4, %arg5 : tensor<32x64xf32>, tensor<32x2xf32>
      %3 = awq.observe %arg0 "layers.0.mlp.down_proj.input" : tensor<?x64xf32>
      return %2, %1, %3 : tensor<32x64xf32>, tensor<64xf32>, tensor<?x64xf32>
    }
    func.func @unpack(%arg0: tensor<128x4xi32, #awq.layout<autoawq_gemm>>, %arg1: tensor<2x32xf16>, %arg2: tensor<2x4xi32>) -> (tensor<32x128xi8>, tensor<32x2xf16>, tensor<32x2xi8>) {
      %codes, %scales, %zeros = awq.unpack %arg0, %arg1 zeros %arg2 {scheme = #awq.scheme<bits = 4, group = 64, zero = asymmetric, scale = f16>} : (tensor<128x4xi32, #awq.layout<autoawq_gemm>>, tensor<2x32xf16>, tensor<2x4xi32>) -> (tensor<32x128xi8>, tensor<32x2xf16>, tensor<32x2xi8>)
      return %codes, %scales, %zeros : tensor<32x128xi8>, tensor<32x2xf16>, tensor<32x2xi8>
    }
    func.func @fused(%arg0: tensor<?x128xf32>, %arg1: tensor<32x128xi8>, %arg2: tensor<32x2xf16>, %arg3: tensor<32x2xi8>, %arg4: tensor<128xf32>, %arg5: tensor<?x8xf32>, %arg6: tensor<?x8xf32>) -> tensor<?x32xf32> {
      %0 = awq.fused_linear %arg0, %arg1, %arg2 zeros %arg3 norm %arg4 rotary %arg5, %arg6 {norm_epsilon = 1.000000e-05 : f64, norm_offset = 1.000000e+00 : f64, scheme = #awq.scheme<bits = 4, group = 64, zero = asymmetric, scale = f16>, turn = #awq.rotary<heads = 2, head_size = 16>} : (tensor<?x128xf32>, tensor<32x128xi8>, tensor<32x2xf16>, tensor<32x2xi8>, tensor<128xf32>, tensor<?x8xf32>, tensor<?x8xf32>) -> tensor<?x32xf32>
      return %0 : tensor<?x32xf32>
    }
    func.func @statistics(%arg0: tensor<?x2xf32>) -> tensor<?x2xf32> {
      %0 = awq.observe %arg0 "site" {statistics = {fit = {gram = dense<[[2.000000e+00, 5.000000e-01], [5.000000e-01, 2.000000e+00]]> : tensor<2x2xf32>, mean_abs = dense_resource<mean> : tensor<2xf32>, tokens = 2 : i64}}} : tensor<?x2xf32>
      return %0 : tensor<?x2xf32>
    }
  }
  module {
    module attributes {example.value = #awq.gate<gelu_quick>} {
    }
  }
  module {
    module attributes {example.value = #awq.gate<gelu_tanh>} {
    }
  }
  module {
    module attributes {example.value = #awq.gate<relu>} {
    }
  }
  module {
    module attributes {example.value = #awq.gate<sigmoid>} {
    }
  }
  module {
    module attributes {example.value = #awq.gate<silu>} {
    }
  }
  module {
    module attributes {example.value = #awq.layout<autoawq_gemm>} {
    }
  }
  module {
    module attributes {example.value = #awq.layout<cpu_n16>} {
    }
  }
  module {
    module attributes {example.value = #awq.layout<cpu_n16b8>} {
    }
  }
  module {
    module attributes {example.value = #awq.layout<mma_n32k128>} {
    }
  }
}

{-#
  dialect_resources: {
    builtin: {
      mean: "0x040000000000803F0000003F"
    }
  }
#-}

