// RUN: awq-opt %s -split-input-file -awq-search-scales='bits=4 group=16' -verify-diagnostics

func.func @unobserved(%x: tensor<?x16xf32>) -> tensor<?x2xf32> {
  %g = arith.constant dense<1.0> : tensor<16xf32>
  %w = arith.constant dense<1.0> : tensor<2x16xf32>
  %n = decoder.rms_norm %x, %g {epsilon = 1.0e-05 : f64} : tensor<?x16xf32>, tensor<16xf32>
  // expected-error @below {{its input is not observed; run awq-insert-observers and calibrate before searching}}
  %y = awq.linear %n, %w : (tensor<?x16xf32>, tensor<2x16xf32>) -> tensor<?x2xf32>
  return %y : tensor<?x2xf32>
}

// -----

func.func @no_statistics(%x: tensor<?x16xf32>) -> tensor<?x2xf32> {
  %g = arith.constant dense<1.0> : tensor<16xf32>
  %w = arith.constant dense<1.0> : tensor<2x16xf32>
  %n = decoder.rms_norm %x, %g {epsilon = 1.0e-05 : f64} : tensor<?x16xf32>, tensor<16xf32>
  // expected-error @below {{there are no statistics of site 'site'; calibrate the model and give statistics=FILE}}
  %o = awq.observe %n "site" : tensor<?x16xf32>
  %y = awq.linear %o, %w : (tensor<?x16xf32>, tensor<2x16xf32>) -> tensor<?x2xf32>
  return %y : tensor<?x2xf32>
}

// -----

func.func @no_gram(%x: tensor<?x16xf32>) -> tensor<?x2xf32> {
  %g = arith.constant dense<1.0> : tensor<16xf32>
  %w = arith.constant dense<1.0> : tensor<2x16xf32>
  %n = decoder.rms_norm %x, %g {epsilon = 1.0e-05 : f64} : tensor<?x16xf32>, tensor<16xf32>
  // expected-error @below {{statistics of site 'site' have no mean_abs or no Gram matrix in the fit part}}
  %o = awq.observe %n "site" {statistics = {fit = {tokens = 4 : i64, mean_abs = dense<1.0> : tensor<16xf32>}}} : tensor<?x16xf32>
  %y = awq.linear %o, %w : (tensor<?x16xf32>, tensor<2x16xf32>) -> tensor<?x2xf32>
  return %y : tensor<?x2xf32>
}
