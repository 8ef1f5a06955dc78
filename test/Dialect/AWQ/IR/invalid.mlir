// RUN: awq-opt %s --split-input-file --verify-diagnostics

// expected-error @+1 {{bits must be 2 to 8, not 9}}
#scheme = #awq.scheme<bits = 9, group = 64, zero = asymmetric, scale = f16>

// -----

// expected-error @+1 {{group must be 0 (the whole row) or 16 to 1024, not 8}}
#scheme = #awq.scheme<bits = 4, group = 8, zero = asymmetric, scale = f16>

// -----

// expected-error @+1 {{scale must be f16, bf16 or f32, not 'f64'}}
#scheme = #awq.scheme<bits = 4, group = 64, zero = asymmetric, scale = f64>

// -----

func.func @linear_k(%x: tensor<?x64xf32>, %w: tensor<32x63xf32>) {
  // expected-error @+1 {{the input's last dimension must be the weight's 63 input channels}}
  %y = awq.linear %x, %w : (tensor<?x64xf32>, tensor<32x63xf32>) -> tensor<?x32xf32>
  return
}

// -----

func.func @linear_weight(%x: tensor<?x64xf32>, %w: tensor<?x64xf32>) {
  // expected-error @+1 {{weight must be a static [N, K] matrix}}
  %y = awq.linear %x, %w : (tensor<?x64xf32>, tensor<?x64xf32>) -> tensor<?x32xf32>
  return
}

// -----

func.func @linear_result(%x: tensor<?x64xf32>, %w: tensor<32x64xf32>) {
  // expected-error @+1 {{result must have the shape of the input with 32 as its last dimension}}
  %y = awq.linear %x, %w : (tensor<?x64xf32>, tensor<32x64xf32>) -> tensor<?x31xf32>
  return
}

// -----

func.func @linear_bias(%x: tensor<?x64xf32>, %w: tensor<32x64xf32>, %b: tensor<31xf32>) {
  // expected-error @+1 {{bias must be a vector of 32 elements}}
  %y = awq.linear %x, %w bias %b
    : (tensor<?x64xf32>, tensor<32x64xf32>, tensor<31xf32>) -> tensor<?x32xf32>
  return
}

// -----

#scheme = #awq.scheme<bits = 4, group = 64, zero = asymmetric, scale = f16>

func.func @codes_type(%x: tensor<?x64xf32>, %q: tensor<32x64xi32>, %s: tensor<32x1xf16>,
                      %z: tensor<32x1xi8>) {
  // expected-error @+1 {{codes without a layout must be i8}}
  %y = awq.quantized_linear %x, %q, %s zeros %z {scheme = #scheme}
    : (tensor<?x64xf32>, tensor<32x64xi32>, tensor<32x1xf16>, tensor<32x1xi8>)
    -> tensor<?x32xf32>
  return
}

// -----

#scheme = #awq.scheme<bits = 4, group = 64, zero = asymmetric, scale = f16>

func.func @codes_shape(%x: tensor<?x64xf32>, %q: tensor<32x65xi8>, %s: tensor<32x1xf16>,
                       %z: tensor<32x1xi8>) {
  // expected-error @+1 {{codes must be 32x64}}
  %y = awq.quantized_linear %x, %q, %s zeros %z {scheme = #scheme}
    : (tensor<?x64xf32>, tensor<32x65xi8>, tensor<32x1xf16>, tensor<32x1xi8>)
    -> tensor<?x32xf32>
  return
}

// -----

#scheme = #awq.scheme<bits = 4, group = 64, zero = asymmetric, scale = f16>

func.func @group_divides(%x: tensor<?x96xf32>, %q: tensor<32x96xi8>, %s: tensor<32x1xf16>,
                         %z: tensor<32x1xi8>) {
  // expected-error @+1 {{group 64 must divide the 96 input channels}}
  %y = awq.quantized_linear %x, %q, %s zeros %z {scheme = #scheme}
    : (tensor<?x96xf32>, tensor<32x96xi8>, tensor<32x1xf16>, tensor<32x1xi8>)
    -> tensor<?x32xf32>
  return
}

// -----

#scheme = #awq.scheme<bits = 4, group = 64, zero = asymmetric, scale = f16>

func.func @scales_shape(%x: tensor<?x128xf32>, %q: tensor<32x128xi8>, %s: tensor<32x1xf16>,
                        %z: tensor<32x2xi8>) {
  // expected-error @+1 {{scales must be 32x2}}
  %y = awq.quantized_linear %x, %q, %s zeros %z {scheme = #scheme}
    : (tensor<?x128xf32>, tensor<32x128xi8>, tensor<32x1xf16>, tensor<32x2xi8>)
    -> tensor<?x32xf32>
  return
}

// -----

#scheme = #awq.scheme<bits = 4, group = 64, zero = asymmetric, scale = f16>

func.func @zeros_shape(%x: tensor<?x128xf32>, %q: tensor<32x128xi8>, %s: tensor<32x2xf16>,
                       %z: tensor<32x1xi8>) {
  // expected-error @+1 {{zeros must be 32x2 of i8}}
  %y = awq.quantized_linear %x, %q, %s zeros %z {scheme = #scheme}
    : (tensor<?x128xf32>, tensor<32x128xi8>, tensor<32x2xf16>, tensor<32x1xi8>)
    -> tensor<?x32xf32>
  return
}

// -----

#scheme = #awq.scheme<bits = 4, group = 64, zero = asymmetric, scale = f16>

func.func @zeros_missing(%x: tensor<?x128xf32>, %q: tensor<32x128xi8>, %s: tensor<32x2xf16>) {
  // expected-error @+1 {{an asymmetric scheme needs zeros}}
  %y = awq.quantized_linear %x, %q, %s {scheme = #scheme}
    : (tensor<?x128xf32>, tensor<32x128xi8>, tensor<32x2xf16>) -> tensor<?x32xf32>
  return
}

// -----

#scheme = #awq.scheme<bits = 4, group = 64, zero = symmetric, scale = f16>

func.func @zeros_superfluous(%x: tensor<?x128xf32>, %q: tensor<32x128xi8>,
                             %s: tensor<32x2xf16>, %z: tensor<32x2xi8>) {
  // expected-error @+1 {{a symmetric scheme has no zeros}}
  %y = awq.quantized_linear %x, %q, %s zeros %z {scheme = #scheme}
    : (tensor<?x128xf32>, tensor<32x128xi8>, tensor<32x2xf16>, tensor<32x2xi8>)
    -> tensor<?x32xf32>
  return
}

// -----

#scheme = #awq.scheme<bits = 4, group = 64, zero = asymmetric, scale = f16>

func.func @packed_type(%x: tensor<?x128xf32>, %q: tensor<2x16x16xi8, #awq.layout<cpu_n16>>,
                       %s: tensor<2x2x16xf32>, %z: tensor<2x2x16xf32>) {
  // expected-error @+1 {{packed codes must be i32 words}}
  %y = awq.quantized_linear %x, %q, %s zeros %z {scheme = #scheme}
    : (tensor<?x128xf32>, tensor<2x16x16xi8, #awq.layout<cpu_n16>>, tensor<2x2x16xf32>,
       tensor<2x2x16xf32>) -> tensor<?x32xf32>
  return
}

// -----

#scheme = #awq.scheme<bits = 4, group = 64, zero = asymmetric, scale = f16>

func.func @packed_codes(%x: tensor<?x128xf32>, %q: tensor<2x15x16xi32, #awq.layout<cpu_n16>>,
                        %s: tensor<2x2x16xf32>, %z: tensor<2x2x16xf32>) {
  // expected-error @+1 {{codes of 32x128 in layout #awq.layout<cpu_n16> must have the shape [2, 16, 16]}}
  %y = awq.quantized_linear %x, %q, %s zeros %z {scheme = #scheme}
    : (tensor<?x128xf32>, tensor<2x15x16xi32, #awq.layout<cpu_n16>>, tensor<2x2x16xf32>,
       tensor<2x2x16xf32>) -> tensor<?x32xf32>
  return
}

// -----

#scheme = #awq.scheme<bits = 4, group = 64, zero = asymmetric, scale = f16>

func.func @packed_scales(%x: tensor<?x128xf32>, %q: tensor<2x16x16xi32, #awq.layout<cpu_n16>>,
                         %s: tensor<2x1x16xf32>, %z: tensor<2x2x16xf32>) {
  // expected-error @+1 {{scales in layout #awq.layout<cpu_n16> must have the shape [2, 2, 16]}}
  %y = awq.quantized_linear %x, %q, %s zeros %z {scheme = #scheme}
    : (tensor<?x128xf32>, tensor<2x16x16xi32, #awq.layout<cpu_n16>>, tensor<2x1x16xf32>,
       tensor<2x2x16xf32>) -> tensor<?x32xf32>
  return
}

// -----

#scheme = #awq.scheme<bits = 4, group = 64, zero = asymmetric, scale = f16>

func.func @packed_zeros(%x: tensor<?x128xf32>, %q: tensor<128x4xi32, #awq.layout<autoawq_gemm>>,
                        %s: tensor<2x32xf16>, %z: tensor<2x32xi32>) {
  // expected-error @+1 {{zeros in layout #awq.layout<autoawq_gemm> must have the shape [2, 4]}}
  %y = awq.quantized_linear %x, %q, %s zeros %z {scheme = #scheme}
    : (tensor<?x128xf32>, tensor<128x4xi32, #awq.layout<autoawq_gemm>>, tensor<2x32xf16>,
       tensor<2x32xi32>) -> tensor<?x32xf32>
  return
}

// -----

#scheme = #awq.scheme<bits = 4, group = 64, zero = asymmetric, scale = f16>

func.func @quantize_scale_type(%w: tensor<32x128xf32>) {
  // expected-error @+1 {{scales must be of the scheme's type 'f16', found 'f32'}}
  %q, %s, %z = awq.quantize %w {scheme = #scheme}
    : tensor<32x128xf32> -> tensor<32x128xi8>, tensor<32x2xf32>, tensor<32x2xi8>
  return
}

// -----

#scheme = #awq.scheme<bits = 4, group = 64, zero = asymmetric, scale = f16>

func.func @dequantize_result(%q: tensor<32x128xi8>, %s: tensor<32x2xf16>, %z: tensor<32x2xi8>) {
  // expected-error @+1 {{result must be 32x128}}
  %w = awq.dequantize %q, %s, %z {scheme = #scheme}
    : tensor<32x128xi8>, tensor<32x2xf16>, tensor<32x2xi8> -> tensor<32x64xf32>
  return
}

// -----

func.func @repack_layout(%q: tensor<32x128xi8>) {
  // expected-error @+1 {{the result needs a layout}}
  %p = awq.repack %q : tensor<32x128xi8> -> tensor<2x16x16xi32>
  return
}

// -----

func.func @repack_shape(%q: tensor<32x128xi8>) {
  // expected-error @+1 {{words in layout #awq.layout<autoawq_gemm> must have the shape [128, 4]}}
  %p = awq.repack %q : tensor<32x128xi8> -> tensor<128x5xi32, #awq.layout<autoawq_gemm>>
  return
}

// -----

#scheme = #awq.scheme<bits = 4, group = 64, zero = asymmetric, scale = f16>

func.func @zeros_type(%x: tensor<?x128xf32>, %q: tensor<32x128xi8>, %s: tensor<32x2xf16>,
                      %z: tensor<32x2xf32>) {
  // expected-error @+1 {{zeros must be 32x2 of i8, found 'tensor<32x2xf32>'}}
  %y = awq.quantized_linear %x, %q, %s zeros %z {scheme = #scheme}
    : (tensor<?x128xf32>, tensor<32x128xi8>, tensor<32x2xf16>, tensor<32x2xf32>)
    -> tensor<?x32xf32>
  return
}

// -----

#scheme = #awq.scheme<bits = 4, group = 64, zero = asymmetric, scale = f16>

func.func @packed_zeros_type(%x: tensor<?x128xf32>, %q: tensor<2x16x16xi32, #awq.layout<cpu_n16>>,
                             %s: tensor<2x2x16xf32>, %z: tensor<2x2x16xi32>) {
  // expected-error @+1 {{zeros in layout #awq.layout<cpu_n16> must be of 'f32', found 'i32'}}
  %y = awq.quantized_linear %x, %q, %s zeros %z {scheme = #scheme}
    : (tensor<?x128xf32>, tensor<2x16x16xi32, #awq.layout<cpu_n16>>, tensor<2x2x16xf32>,
       tensor<2x2x16xi32>) -> tensor<?x32xf32>
  return
}

// -----

func.func @repack_rows(%q: tensor<12x128xi8>) {
  // expected-error @+1 {{layout #awq.layout<autoawq_gemm> needs a multiple of 8 output channels, found 12}}
  %p = awq.repack %q : tensor<12x128xi8> -> tensor<128x1xi32, #awq.layout<autoawq_gemm>>
  return
}

// -----

func.func @repack_records(%q: tensor<16x128xi8>) {
  // expected-error @+1 {{layout #awq.layout<mma_n32k128> holds scales and zeros too; pack the linear instead, by awq-pack-weights}}
  %p = awq.repack %q : tensor<16x128xi8> -> tensor<532xi32, #awq.layout<mma_n32k128>>
  return
}

// -----

#scheme = #awq.scheme<bits = 4, group = 64, zero = asymmetric, scale = f16>
func.func @records_and_scales(%x: tensor<?x128xf32>, %q: tensor<552xi32, #awq.layout<mma_n32k128>>,
                              %s: tensor<32x2xf16>) {
  // expected-error @+1 {{codes in layout #awq.layout<mma_n32k128> hold their scales and zeros; remove the operands}}
  %y = awq.quantized_linear %x, %q, %s {scheme = #scheme}
    : (tensor<?x128xf32>, tensor<552xi32, #awq.layout<mma_n32k128>>, tensor<32x2xf16>) -> tensor<?x32xf32>
  return
}

// -----

// 32 x 128 codes, 32 scales and 32 zero points for each of two groups: 2208
// bytes are 552 words.
#scheme = #awq.scheme<bits = 4, group = 64, zero = asymmetric, scale = f16>
func.func @records_shape(%x: tensor<?x128xf32>, %q: tensor<532xi32, #awq.layout<mma_n32k128>>) {
  // expected-error @+1 {{codes of 32x128 in layout #awq.layout<mma_n32k128> must have the shape [552], found 'tensor<532xi32, #awq.layout<mma_n32k128>>'}}
  %y = awq.quantized_linear %x, %q {scheme = #scheme}
    : (tensor<?x128xf32>, tensor<532xi32, #awq.layout<mma_n32k128>>) -> tensor<?x32xf32>
  return
}

// -----

#scheme = #awq.scheme<bits = 4, group = 96, zero = symmetric, scale = f16>
func.func @records_group(%x: tensor<?x192xf32>, %q: tensor<532xi32, #awq.layout<mma_n32k128>>) {
  // expected-error @+1 {{layout #awq.layout<mma_n32k128> needs groups of 32, 64, a multiple of 128 or the whole row, found 96}}
  %y = awq.quantized_linear %x, %q {scheme = #scheme}
    : (tensor<?x192xf32>, tensor<532xi32, #awq.layout<mma_n32k128>>) -> tensor<?x32xf32>
  return
}

// -----

func.func @no_scales(%x: tensor<?x128xf32>, %q: tensor<32x128xi8>) {
  // expected-error @+1 {{needs scales}}
  %y = awq.quantized_linear %x, %q
    {scheme = #awq.scheme<bits = 4, group = 64, zero = symmetric, scale = f16>}
    : (tensor<?x128xf32>, tensor<32x128xi8>) -> tensor<?x32xf32>
  return
}

// -----

func.func @scale_axis(%w: tensor<32x64xf32>, %s: tensor<64xf32>) {
  // expected-error @+1 {{axis 2 is not a dimension of}}
  %y = awq.scale_channels %w, %s {axis = 2 : i64} : tensor<32x64xf32>, tensor<64xf32>
  return
}

// -----

func.func @scale_length(%w: tensor<32x64xf32>, %s: tensor<64xf32>) {
  // expected-error @+1 {{scale must be a vector as long as dimension 0}}
  %y = awq.scale_channels %w, %s {axis = 0 : i64} : tensor<32x64xf32>, tensor<64xf32>
  return
}

// -----

func.func @scale_offset(%w: tensor<64xf32>, %s: tensor<64xf32>) {
  // expected-error @+1 {{an offset is only allowed with inverse}}
  %y = awq.scale_channels %w, %s {axis = 0 : i64, offset = 1.0 : f64}
    : tensor<64xf32>, tensor<64xf32>
  return
}

// -----

func.func @clip_bounds(%w: tensor<32x64xf32>, %lo: tensor<32x3xf32>) {
  // expected-error @+1 {{bounds must be [N, G] with G dividing K}}
  %y = awq.clip_groups %w, %lo, %lo : tensor<32x64xf32>, tensor<32x3xf32>
  return
}

// -----

func.func @observe_site(%x: tensor<?x64xf32>) {
  // expected-error @+1 {{needs a site name}}
  %y = awq.observe %x "" : tensor<?x64xf32>
  return
}

// -----

func.func @observe_part(%x: tensor<?x2xf32>) {
  // expected-error @+1 {{statistics hold the dictionaries fit and guard, found train}}
  %y = awq.observe %x "a" {statistics = {train = {tokens = 1 : i64}}} : tensor<?x2xf32>
  return
}

// -----

func.func @observe_tokens(%x: tensor<?x2xf32>) {
  // expected-error @+1 {{statistics of fit need tokens}}
  %y = awq.observe %x "a" {statistics = {fit = {}}} : tensor<?x2xf32>
  return
}

// -----

func.func @observe_gram(%x: tensor<?x2xf32>) {
  // expected-error @+1 {{fit.gram must be dense f32 of KxK for K = 2}}
  %y = awq.observe %x "a" {statistics = {fit = {tokens = 1 : i64, gram = dense<0.0> : tensor<2xf32>}}}
    : tensor<?x2xf32>
  return
}

// -----

func.func @unpack_plain(%q: tensor<16x1xi32>, %s: tensor<1x8xf16>) {
  // expected-error @+1 {{needs packed codes with a layout, found}}
  %c, %t, %z = awq.unpack %q, %s {scheme = #awq.scheme<bits = 4, group = 16, zero = symmetric, scale = f16>}
    : (tensor<16x1xi32>, tensor<1x8xf16>) -> (tensor<8x16xi8>, tensor<8x1xf16>, tensor<8x1xi8>)
  return
}

// -----

func.func @unpack_records(%q: tensor<592xi32, #awq.layout<mma_n32k128>>, %s: tensor<1x8xf16>) {
  // expected-error @+1 {{needs a layout with scales of their own, found}}
  %c, %t, %z = awq.unpack %q, %s {scheme = #awq.scheme<bits = 4, group = 32, zero = symmetric, scale = f16>}
    : (tensor<592xi32, #awq.layout<mma_n32k128>>, tensor<1x8xf16>) -> (tensor<8x32xi8>, tensor<8x1xf16>, tensor<8x1xi8>)
  return
}

// -----

func.func @unpack_codes(%q: tensor<16x1xi32, #awq.layout<autoawq_gemm>>, %s: tensor<1x8xf16>) {
  // expected-error @+1 {{codes must be a static [N, K] matrix, found}}
  %c, %t, %z = awq.unpack %q, %s {scheme = #awq.scheme<bits = 4, group = 16, zero = symmetric, scale = f16>}
    : (tensor<16x1xi32, #awq.layout<autoawq_gemm>>, tensor<1x8xf16>) -> (tensor<?x16xi8>, tensor<8x1xf16>, tensor<8x1xi8>)
  return
}

// -----

func.func @unpack_group(%q: tensor<16x1xi32, #awq.layout<autoawq_gemm>>, %s: tensor<1x8xf16>) {
  // expected-error @+1 {{group 32 must divide the 16 input channels}}
  %c, %t, %z = awq.unpack %q, %s {scheme = #awq.scheme<bits = 4, group = 32, zero = symmetric, scale = f16>}
    : (tensor<16x1xi32, #awq.layout<autoawq_gemm>>, tensor<1x8xf16>) -> (tensor<8x16xi8>, tensor<8x1xf16>, tensor<8x1xi8>)
  return
}

// -----

func.func @unpack_scales(%q: tensor<16x1xi32, #awq.layout<autoawq_gemm>>, %s: tensor<1x8xf16>) {
  // expected-error @+1 {{scales must be 8x1, found}}
  %c, %t, %z = awq.unpack %q, %s {scheme = #awq.scheme<bits = 4, group = 16, zero = symmetric, scale = f16>}
    : (tensor<16x1xi32, #awq.layout<autoawq_gemm>>, tensor<1x8xf16>) -> (tensor<8x16xi8>, tensor<8x2xf16>, tensor<8x1xi8>)
  return
}

// -----

func.func @unpack_zeros(%q: tensor<16x1xi32, #awq.layout<autoawq_gemm>>, %s: tensor<1x8xf16>) {
  // expected-error @+1 {{an asymmetric scheme needs zeros}}
  %c, %t, %z = awq.unpack %q, %s {scheme = #awq.scheme<bits = 4, group = 16, zero = asymmetric, scale = f16>}
    : (tensor<16x1xi32, #awq.layout<autoawq_gemm>>, tensor<1x8xf16>) -> (tensor<8x16xi8>, tensor<8x1xf16>, tensor<8x1xi8>)
  return
}

// -----

func.func @unpack_words(%q: tensor<16x2xi32, #awq.layout<autoawq_gemm>>, %s: tensor<1x8xf16>) {
  // expected-error @+1 {{codes of 8x16 in layout #awq.layout<autoawq_gemm> must have the shape [16, 1]}}
  %c, %t, %z = awq.unpack %q, %s {scheme = #awq.scheme<bits = 4, group = 16, zero = symmetric, scale = f16>}
    : (tensor<16x2xi32, #awq.layout<autoawq_gemm>>, tensor<1x8xf16>) -> (tensor<8x16xi8>, tensor<8x1xf16>, tensor<8x1xi8>)
  return
}
