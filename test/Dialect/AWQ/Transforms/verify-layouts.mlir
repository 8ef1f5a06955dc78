// RUN: awq-opt %s -split-input-file -awq-verify-layouts -verify-diagnostics

func.func @carried(%w: tensor<1x2x16xi32, #awq.layout<cpu_n16>>) -> tensor<1x2x16xi32, #awq.layout<cpu_n16>> {
  %c = call @carried(%w) : (tensor<1x2x16xi32, #awq.layout<cpu_n16>>) -> tensor<1x2x16xi32, #awq.layout<cpu_n16>>
  return %c : tensor<1x2x16xi32, #awq.layout<cpu_n16>>
}

// -----

func.func @cast(%w: tensor<1x2x16xi32, #awq.layout<cpu_n16>>) -> tensor<?x2x16xi32> {
  // expected-error @below {{'tensor.cast' op touches a tensor in layout #awq.layout<cpu_n16>; only awq ops know how its words are packed, unpack it first (awq.repack, awq-pack-weights)}}
  %c = tensor.cast %w : tensor<1x2x16xi32, #awq.layout<cpu_n16>> to tensor<?x2x16xi32>
  return %c : tensor<?x2x16xi32>
}
