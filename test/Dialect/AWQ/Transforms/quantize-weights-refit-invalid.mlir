// RUN: awq-opt %s -awq-quantize-weights='bits=4 group=0 refit' -verify-diagnostics

func.func @unobserved(%x: tensor<?x4xf32>) -> tensor<?x1xf32> {
  %w = arith.constant dense<[[1.5, 0.13, 0.35, 0.46]]> : tensor<1x4xf32>
  // expected-error @below {{its input is not observed; run awq-insert-observers and calibrate before searching}}
  %y = awq.linear %x, %w : (tensor<?x4xf32>, tensor<1x4xf32>) -> tensor<?x1xf32>
  return %y : tensor<?x1xf32>
}
