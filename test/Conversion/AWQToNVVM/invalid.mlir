// RUN: awq-opt %s --convert-awq-to-nvvm --split-input-file --verify-diagnostics

func.func @bits(%x: tensor<?x64xf32>, %q: tensor<32x64xi8>, %s: tensor<32x1xf16>) -> tensor<?x32xf32> {
  // expected-error @+1 {{has no kernel for codes of 8 bits; quantize to 4 bits or fewer}}
  %y = awq.quantized_linear %x, %q, %s
    {scheme = #awq.scheme<bits = 8, group = 64, zero = symmetric, scale = f16>}
    : (tensor<?x64xf32>, tensor<32x64xi8>, tensor<32x1xf16>) -> tensor<?x32xf32>
  return %y : tensor<?x32xf32>
}

// -----

func.func @channels(%x: tensor<?x96xf32>, %q: tensor<32x96xi8>, %s: tensor<32x3xf16>) -> tensor<?x32xf32> {
  // expected-error @+1 {{has no kernel for 96 input channels; they must be a multiple of 64}}
  %y = awq.quantized_linear %x, %q, %s
    {scheme = #awq.scheme<bits = 4, group = 32, zero = symmetric, scale = f16>}
    : (tensor<?x96xf32>, tensor<32x96xi8>, tensor<32x3xf16>) -> tensor<?x32xf32>
  return %y : tensor<?x32xf32>
}

// -----

func.func @group(%x: tensor<?x320xf32>, %q: tensor<32x320xi8>, %s: tensor<32x16xf16>) -> tensor<?x32xf32> {
  // expected-error @+1 {{has no kernel for groups of 20; they must be a multiple of 16}}
  %y = awq.quantized_linear %x, %q, %s
    {scheme = #awq.scheme<bits = 4, group = 20, zero = symmetric, scale = f16>}
    : (tensor<?x320xf32>, tensor<32x320xi8>, tensor<32x16xf16>) -> tensor<?x32xf32>
  return %y : tensor<?x32xf32>
}
