// RUN: awq-opt %s --allow-unregistered-dialect -convert-parameters-to-iree -split-input-file -verify-diagnostics
// RUN: not awq-opt %s -convert-parameters-to-iree -split-input-file 2>&1 | FileCheck %s

// CHECK-COUNT-2: AWQ1550: the parameters of IREE are attributes of a dialect that is unknown here, which this context does not allow; awq-opt --allow-unregistered-dialect
func.func @left(%x: tensor<2x8xf32>, %s: tensor<8xf32>) -> tensor<2x8xf32> {
  // expected-error@below {{AWQ1551: 'awq.scale_channels' has not been lowered to linalg, and IREE does not know it; awq-iree-pipeline lowers models whose parameters are in files or constants; awq-materialize-parameters computes others}}
  %y = awq.scale_channels %x, %s {axis = 1 : i64} : tensor<2x8xf32>, tensor<8xf32>
  return %y : tensor<2x8xf32>
}

// -----

func.func @decoder(%x: tensor<2x8xf32>) -> tensor<2x8xf32> {
  // expected-error@below {{AWQ1551: 'decoder.activation' has not been lowered}}
  %y = decoder.activation %x {kind = #decoder.activation_kind<tanh>} : tensor<2x8xf32>
  return %y : tensor<2x8xf32>
}
