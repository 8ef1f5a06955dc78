// RUN: awq-opt %s -split-input-file -awq-search-clips='bits=4 group=16' -verify-diagnostics

func.func @unobserved(%x: tensor<?x16xf32>) -> tensor<?x2xf32> {
  %w = arith.constant dense<1.0> : tensor<2x16xf32>
  // expected-error @below {{its input is not observed; run awq-insert-observers and calibrate before searching}}
  %y = awq.linear %x, %w : (tensor<?x16xf32>, tensor<2x16xf32>) -> tensor<?x2xf32>
  return %y : tensor<?x2xf32>
}
