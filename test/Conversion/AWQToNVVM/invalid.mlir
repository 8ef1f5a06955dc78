// RUN: awq-opt %s --convert-awq-to-nvvm --split-input-file --verify-diagnostics

func.func @bits(%x: tensor<?x64xf32>, %q: tensor<32x64xi8>, %s: tensor<32x1xf16>) -> tensor<?x32xf32> {
  // expected-error @+1 {{has no kernel for codes of 8 bits; quantize to 4 bits or fewer}}
  %y = awq.quantized_linear %x, %q, %s
    {scheme = #awq.scheme<bits = 8, group = 64, zero = symmetric, scale = f16>}
    : (tensor<?x64xf32>, tensor<32x64xi8>, tensor<32x1xf16>) -> tensor<?x32xf32>
  return %y : tensor<?x32xf32>
}

// -----

func.func @group(%x: tensor<?x320xf32>, %q: tensor<32x320xi8>, %s: tensor<32x16xf16>) -> tensor<?x32xf32> {
  // expected-error @+1 {{has no kernel for groups of 20; quantize with groups of 32, 64 or 128 or of whole rows}}
  %y = awq.quantized_linear %x, %q, %s
    {scheme = #awq.scheme<bits = 4, group = 20, zero = symmetric, scale = f16>}
    : (tensor<?x320xf32>, tensor<32x320xi8>, tensor<32x16xf16>) -> tensor<?x32xf32>
  return %y : tensor<?x32xf32>
}
