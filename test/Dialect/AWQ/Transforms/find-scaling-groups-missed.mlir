// RUN: awq-opt %s -split-input-file -awq-find-scaling-groups=remarks -verify-diagnostics

// What existing tools scale wrongly or not at all: every reader counts.

// The gate of a GLU goes through SiLU, which does not commute with scaling.
func.func @gate(%x: tensor<?x4xf32>, %up: tensor<?x4xf32>) -> tensor<?x4xf32> {
  %w = arith.constant dense<0.5> : tensor<4x4xf32>
  // expected-remark @below {{no scaling group: 'awq.linear' blocks, its input is an argument of the function}}
  // expected-note @below {{blocked here}}
  %g = awq.linear %x, %w : (tensor<?x4xf32>, tensor<4x4xf32>) -> tensor<?x4xf32>
  // expected-note @below {{blocked here}}
  %f = decoder.activation %g {kind = #decoder.activation_kind<gelu>} : tensor<?x4xf32>
  // expected-remark @below {{no scaling group: 'decoder.activation' blocks, activation gelu does not commute with scaling}}
  %y = awq.linear %f, %w : (tensor<?x4xf32>, tensor<4x4xf32>) -> tensor<?x4xf32>
  return %y : tensor<?x4xf32>
}

// -----

// ReLU commutes with positive factors.
func.func @relu(%x: tensor<?x4xf32>) -> tensor<?x4xf32> {
  %w = arith.constant dense<0.5> : tensor<4x4xf32>
  // expected-remark @below {{scaling group: relu.linear0 -> relu.linear1}}
  // expected-remark @below {{no scaling group: 'awq.linear' blocks}}
  // expected-note @below {{blocked here}}
  %a = awq.linear %x, %w : (tensor<?x4xf32>, tensor<4x4xf32>) -> tensor<?x4xf32>
  %f = decoder.activation %a {kind = #decoder.activation_kind<relu>} : tensor<?x4xf32>
  %y = awq.linear %f, %w : (tensor<?x4xf32>, tensor<4x4xf32>) -> tensor<?x4xf32>
  return %y : tensor<?x4xf32>
}

// -----

// So does PReLU, whose slope is a parameter and not a channel; xIELU does not.
func.func @learned(%x: tensor<?x4xf32>) -> (tensor<?x4xf32>, tensor<?x4xf32>) {
  %w = arith.constant dense<0.5> : tensor<4x4xf32>
  %p = arith.constant dense<0.25> : tensor<1xf32>
  // expected-remark @below {{scaling group: learned.linear0 -> learned.linear1}}
  // expected-remark @below {{no scaling group: 'awq.linear' blocks}}
  // expected-note @below {{blocked here}}
  %a = awq.linear %x, %w : (tensor<?x4xf32>, tensor<4x4xf32>) -> tensor<?x4xf32>
  %f = decoder.activation %a parameters(%p) {kind = #decoder.activation_kind<prelu>} : tensor<?x4xf32>, tensor<1xf32>
  %y = awq.linear %f, %w : (tensor<?x4xf32>, tensor<4x4xf32>) -> tensor<?x4xf32>
  // expected-note @below {{blocked here}}
  %g = decoder.activation %x parameters(%p, %p, %p, %p) {kind = #decoder.activation_kind<xielu>}
    : tensor<?x4xf32>, tensor<1xf32>, tensor<1xf32>, tensor<1xf32>, tensor<1xf32>
  // expected-remark @below {{no scaling group: 'decoder.activation' blocks, activation xielu does not commute with scaling}}
  %z = awq.linear %g, %w : (tensor<?x4xf32>, tensor<4x4xf32>) -> tensor<?x4xf32>
  return %y, %z : tensor<?x4xf32>, tensor<?x4xf32>
}

// -----

// A reader that does not compensate: a router that is plain arithmetic, or a
// value that leaves the function.
func.func @escapes(%x: tensor<?x4xf32>) -> (tensor<?x4xf32>, tensor<?x4xf32>) {
  %g = arith.constant dense<1.0> : tensor<4xf32>
  %w = arith.constant dense<0.5> : tensor<4x4xf32>
  // expected-remark @below {{no scaling group: 'func.return' blocks, the value leaves the function}}
  %n = decoder.rms_norm %x, %g {epsilon = 1.0e-05 : f64} : tensor<?x4xf32>, tensor<4xf32>
  %y = awq.linear %n, %w : (tensor<?x4xf32>, tensor<4x4xf32>) -> tensor<?x4xf32>
  // expected-note @below {{blocked here}}
  return %y, %n : tensor<?x4xf32>, tensor<?x4xf32>
}

// -----

func.func @unknown(%x: tensor<?x4xf32>) -> (tensor<?x4xf32>, tensor<?x4xf32>) {
  %g = arith.constant dense<1.0> : tensor<4xf32>
  %w = arith.constant dense<0.5> : tensor<4x4xf32>
  // expected-remark @below {{no scaling group: 'math.exp' blocks, nothing is known about how it treats channels}}
  %n = decoder.rms_norm %x, %g {epsilon = 1.0e-05 : f64} : tensor<?x4xf32>, tensor<4xf32>
  %y = awq.linear %n, %w : (tensor<?x4xf32>, tensor<4x4xf32>) -> tensor<?x4xf32>
  // expected-note @below {{blocked here}}
  %e = math.exp %n : tensor<?x4xf32>
  return %y, %e : tensor<?x4xf32>, tensor<?x4xf32>
}

// -----

// A residual that reads the norm's result, as with sandwich norms.
func.func @residual(%x: tensor<?x4xf32>) -> tensor<?x4xf32> {
  %g = arith.constant dense<1.0> : tensor<4xf32>
  %w = arith.constant dense<0.5> : tensor<4x4xf32>
  // expected-remark @below {{no scaling group: 'arith.addf' blocks, the other term of the addition is not scaled}}
  %n = decoder.rms_norm %x, %g {epsilon = 1.0e-05 : f64} : tensor<?x4xf32>, tensor<4xf32>
  %y = awq.linear %n, %w : (tensor<?x4xf32>, tensor<4x4xf32>) -> tensor<?x4xf32>
  // expected-note @below {{blocked here}}
  %z = arith.addf %n, %y : tensor<?x4xf32>
  return %z : tensor<?x4xf32>
}

// -----

// Both factors of a product come from the producer: s would apply twice.
func.func @product(%x: tensor<?x4xf32>) -> tensor<?x4xf32> {
  %g = arith.constant dense<1.0> : tensor<4xf32>
  %w = arith.constant dense<0.5> : tensor<4x4xf32>
  // expected-remark @below {{no scaling group: 'arith.mulf' blocks, it would be scaled through two operands}}
  %n = decoder.rms_norm %x, %g {epsilon = 1.0e-05 : f64} : tensor<?x4xf32>, tensor<4xf32>
  %r = decoder.activation %n {kind = #decoder.activation_kind<relu>} : tensor<?x4xf32>
  // expected-note @below {{blocked here}}
  %p = arith.mulf %n, %r : tensor<?x4xf32>
  %y = awq.linear %p, %w : (tensor<?x4xf32>, tensor<4x4xf32>) -> tensor<?x4xf32>
  return %y : tensor<?x4xf32>
}

// -----

func.func @weight_argument(%x: tensor<?x4xf32>, %w: tensor<4x4xf32>) -> tensor<?x4xf32> {
  %g = arith.constant dense<1.0> : tensor<4xf32>
  // expected-note @below {{blocked here}}
  %n = decoder.rms_norm %x, %g {epsilon = 1.0e-05 : f64} : tensor<?x4xf32>, tensor<4xf32>
  // expected-remark @below {{no scaling group: 'decoder.rms_norm' blocks, normalisation depends on all channels}}
  %y = awq.linear %n, %w : (tensor<?x4xf32>, tensor<4x4xf32>) -> tensor<?x4xf32>
  return %y : tensor<?x4xf32>
}

// -----

func.func @norm_argument(%x: tensor<?x4xf32>, %g: tensor<4xf32>) -> tensor<?x4xf32> {
  %w = arith.constant dense<0.5> : tensor<4x4xf32>
  // expected-remark @below {{no scaling group: 'decoder.rms_norm' blocks, its constants are not parameters}}
  // expected-note @below {{blocked here}}
  %n = decoder.rms_norm %x, %g {epsilon = 1.0e-05 : f64} : tensor<?x4xf32>, tensor<4xf32>
  %y = awq.linear %n, %w : (tensor<?x4xf32>, tensor<4x4xf32>) -> tensor<?x4xf32>
  return %y : tensor<?x4xf32>
}
