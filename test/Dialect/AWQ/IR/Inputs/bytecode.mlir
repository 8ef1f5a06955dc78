module {
  func.func @layer(%x: tensor<?x16xf32>, %g: tensor<16xf32>, %w: tensor<16x16xf32>, %s: tensor<16xf32>, %q: tensor<1x2x16xi32, #awq.layout<cpu_n16>>, %qs: tensor<1x1x16xf32>, %qz: tensor<1x1x16xf32>) -> tensor<?x16xf32> {
    %0 = decoder.rms_norm %x, %g {epsilon = 1.000000e-05 : f64, offset = 1.000000e+00 : f64} : tensor<?x16xf32>, tensor<16xf32>
    %1 = awq.scale_channels %w, %s {axis = 1 : i64} : tensor<16x16xf32>, tensor<16xf32>
    %2 = awq.linear %0, %1 : (tensor<?x16xf32>, tensor<16x16xf32>) -> tensor<?x16xf32>
    %3 = awq.quantized_linear %0, %q, %qs zeros %qz {scheme = #awq.scheme<bits = 4, group = 16, zero = asymmetric, scale = f32>} : (tensor<?x16xf32>, tensor<1x2x16xi32, #awq.layout<cpu_n16>>, tensor<1x1x16xf32>, tensor<1x1x16xf32>) -> tensor<?x16xf32>
    %4 = decoder.glu %2, %3 {kind = #decoder.activation_kind<silu>} : tensor<?x16xf32>
    return %4 : tensor<?x16xf32>
  }
  func.func @attend(%q: tensor<?x4x16xf32>, %k: tensor<?x2x16xf32>, %v: tensor<?x2x8xf32>, %kc: tensor<?x2x16xf32>, %vc: tensor<?x2x8xf32>, %p: index) -> tensor<?x4x8xf32> {
    %out, %k1, %v1 = decoder.attention %q, %k, %v, %kc, %vc, %p {scale = 2.500000e-01 : f64, softcap = 5.000000e+01 : f64, window = 8 : i64} : (tensor<?x4x16xf32>, tensor<?x2x16xf32>, tensor<?x2x8xf32>, tensor<?x2x16xf32>, tensor<?x2x8xf32>) -> (tensor<?x4x8xf32>, tensor<?x2x16xf32>, tensor<?x2x8xf32>)
    return %out : tensor<?x4x8xf32>
  }
}
