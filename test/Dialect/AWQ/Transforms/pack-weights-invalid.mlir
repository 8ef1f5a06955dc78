// RUN: awq-opt %s --awq-pack-weights --split-input-file --verify-diagnostics

#scheme = #awq.scheme<bits = 4, group = 0, zero = symmetric, scale = f16>

func.func @wide_code(%x: tensor<?x16xf32>) -> tensor<?x1xf32> {
  %q = arith.constant dense<[[0, 16, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]]> : tensor<1x16xi8>
  %s = arith.constant dense<1.0> : tensor<1x1xf16>
  // expected-error @+1 {{has the code 16 in row 0, channel 1, beyond 4 bits}}
  %y = awq.quantized_linear %x, %q, %s {scheme = #scheme}
    : (tensor<?x16xf32>, tensor<1x16xi8>, tensor<1x1xf16>) -> tensor<?x1xf32>
  return %y : tensor<?x1xf32>
}

// -----

#scheme = #awq.scheme<bits = 4, group = 0, zero = asymmetric, scale = f16>

func.func @wide_zero(%x: tensor<?x16xf32>) -> tensor<?x1xf32> {
  %q = arith.constant dense<1> : tensor<1x16xi8>
  %s = arith.constant dense<1.0> : tensor<1x1xf16>
  %z = arith.constant dense<17> : tensor<1x1xi8>
  // expected-error @+1 {{has a zero point beyond 4 bits}}
  %y = awq.quantized_linear %x, %q, %s zeros %z {scheme = #scheme}
    : (tensor<?x16xf32>, tensor<1x16xi8>, tensor<1x1xf16>, tensor<1x1xi8>) -> tensor<?x1xf32>
  return %y : tensor<?x1xf32>
}

// -----

#scheme = #awq.scheme<bits = 4, group = 0, zero = symmetric, scale = f16>

func.func @short_resource(%x: tensor<?x16xf32>) -> tensor<?x1xf32> {
  // expected-error @+1 {{this constant has 4 bytes, its type needs 16}}
  %q = arith.constant dense_resource<codes> : tensor<1x16xi8>
  %s = arith.constant dense<1.0> : tensor<1x1xf16>
  %y = awq.quantized_linear %x, %q, %s {scheme = #scheme}
    : (tensor<?x16xf32>, tensor<1x16xi8>, tensor<1x1xf16>) -> tensor<?x1xf32>
  return %y : tensor<?x1xf32>
}

{-#
  dialect_resources: {
    builtin: {
      codes: "0x0100000001020304"
    }
  }
#-}
