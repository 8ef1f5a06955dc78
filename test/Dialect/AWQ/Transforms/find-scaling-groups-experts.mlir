// RUN: awq-opt %s -split-input-file -awq-find-scaling-groups='skip=router remarks' -verify-diagnostics

// A norm feeds the router and both linears of every expert: all of them absorb.
// Within an expert, up feeds down.
func.func @mixture(%x: tensor<?x4xf32>) -> tensor<?x4xf32> {
  %g = arith.constant dense<1.0> : tensor<4xf32>
  %w = arith.constant dense<0.5> : tensor<4x4xf32>
  %r = arith.constant dense<0.5> : tensor<2x4xf32>
  // expected-remark @below {{scaling group: norm -> router, 0.gate, 0.up, 1.gate, 1.up}}
  %n = decoder.rms_norm %x, %g {awq.name = "norm", epsilon = 1.0e-05 : f64} : tensor<?x4xf32>, tensor<4xf32>
  %l = awq.linear %n, %r {awq.name = "router"} : (tensor<?x4xf32>, tensor<2x4xf32>) -> tensor<?x2xf32>
  %p, %i = decoder.router %l {scoring = #decoder.router_scoring<softmax>, top_k = 1 : i64}
    : tensor<?x2xf32> -> tensor<?x1xf32>, tensor<?x1xi32>
  %y = decoder.experts %n, %p, %i : (tensor<?x4xf32>, tensor<?x1xf32>, tensor<?x1xi32>) -> tensor<?x4xf32> {
  ^bb0(%t: tensor<?x4xf32>):
    %a = awq.linear %t, %w {awq.name = "0.gate"} : (tensor<?x4xf32>, tensor<4x4xf32>) -> tensor<?x4xf32>
    // expected-remark @below {{scaling group: 0.up -> 0.down}}
    %b = awq.linear %t, %w {awq.name = "0.up"} : (tensor<?x4xf32>, tensor<4x4xf32>) -> tensor<?x4xf32>
    %c = decoder.glu %a, %b {kind = #decoder.activation_kind<silu>} : tensor<?x4xf32>
    %d = awq.linear %c, %w {awq.name = "0.down"} : (tensor<?x4xf32>, tensor<4x4xf32>) -> tensor<?x4xf32>
    decoder.yield %d : tensor<?x4xf32>
  }, {
  ^bb0(%t: tensor<?x4xf32>):
    %a = awq.linear %t, %w {awq.name = "1.gate"} : (tensor<?x4xf32>, tensor<4x4xf32>) -> tensor<?x4xf32>
    // expected-remark @below {{scaling group: 1.up -> 1.down}}
    %b = awq.linear %t, %w {awq.name = "1.up"} : (tensor<?x4xf32>, tensor<4x4xf32>) -> tensor<?x4xf32>
    %c = decoder.glu %a, %b {kind = #decoder.activation_kind<silu>} : tensor<?x4xf32>
    %d = awq.linear %c, %w {awq.name = "1.down"} : (tensor<?x4xf32>, tensor<4x4xf32>) -> tensor<?x4xf32>
    decoder.yield %d : tensor<?x4xf32>
  }
  return %y : tensor<?x4xf32>
}

// -----

// An expert that does not compensate blocks the group of all: here one passes
// its tokens on.
func.func @passes(%x: tensor<?x4xf32>, %p: tensor<?x1xf32>, %i: tensor<?x1xi32>) -> tensor<?x4xf32> {
  %g = arith.constant dense<1.0> : tensor<4xf32>
  %w = arith.constant dense<0.5> : tensor<4x4xf32>
  // expected-remark @below {{no scaling group: 'decoder.yield' blocks, the results of the other experts are not scaled}}
  %n = decoder.rms_norm %x, %g {awq.name = "norm", epsilon = 1.0e-05 : f64} : tensor<?x4xf32>, tensor<4xf32>
  %y = decoder.experts %n, %p, %i : (tensor<?x4xf32>, tensor<?x1xf32>, tensor<?x1xi32>) -> tensor<?x4xf32> {
  ^bb0(%t: tensor<?x4xf32>):
    %a = awq.linear %t, %w {awq.name = "0"} : (tensor<?x4xf32>, tensor<4x4xf32>) -> tensor<?x4xf32>
    decoder.yield %a : tensor<?x4xf32>
  }, {
  ^bb0(%t: tensor<?x4xf32>):
    // expected-note @below {{blocked here}}
    decoder.yield %t : tensor<?x4xf32>
  }
  return %y : tensor<?x4xf32>
}

// -----

// Logits are not scaled: the softmax chooses by them.
func.func @logits(%x: tensor<?x2xf32>) -> tensor<?x1xf32> {
  %g = arith.constant dense<1.0> : tensor<2xf32>
  %w = arith.constant dense<0.5> : tensor<2x2xf32>
  // expected-remark @below {{no scaling group: 'decoder.router' blocks, the choice of experts depends on the logits}}
  %l = decoder.rms_norm %x, %g {awq.name = "norm", epsilon = 1.0e-05 : f64} : tensor<?x2xf32>, tensor<2xf32>
  %y = awq.linear %l, %w {awq.name = "other"} : (tensor<?x2xf32>, tensor<2x2xf32>) -> tensor<?x2xf32>
  // expected-note @below {{blocked here}}
  %p, %i = decoder.router %l {scoring = #decoder.router_scoring<softmax>, top_k = 1 : i64}
    : tensor<?x2xf32> -> tensor<?x1xf32>, tensor<?x1xi32>
  return %p : tensor<?x1xf32>
}

// -----

// The tokens of an expert come from an argument of the function.
func.func @argument(%x: tensor<?x2xf32>, %p: tensor<?x1xf32>, %i: tensor<?x1xi32>) -> tensor<?x2xf32> {
  %w = arith.constant dense<0.5> : tensor<2x2xf32>
  %y = decoder.experts %x, %p, %i : (tensor<?x2xf32>, tensor<?x1xf32>, tensor<?x1xi32>) -> tensor<?x2xf32> {
  ^bb0(%t: tensor<?x2xf32>):
    // expected-remark @below {{no scaling group: 'awq.linear' blocks, its input is an argument of the function}}
    // expected-note @below {{blocked here}}
    %a = awq.linear %t, %w {awq.name = "inner"} : (tensor<?x2xf32>, tensor<2x2xf32>) -> tensor<?x2xf32>
    decoder.yield %a : tensor<?x2xf32>
  }
  return %y : tensor<?x2xf32>
}

// -----

// Routing weights multiply whole tokens, and have no channels to scale.
func.func @weights(%x: tensor<?x2xf32>, %i: tensor<?x2xi32>) -> tensor<?x2xf32> {
  %g = arith.constant dense<1.0> : tensor<2xf32>
  %w = arith.constant dense<0.5> : tensor<2x2xf32>
  // expected-remark @below {{no scaling group: 'decoder.experts' blocks, routing weights multiply whole tokens}}
  %n = decoder.rms_norm %x, %g {awq.name = "norm", epsilon = 1.0e-05 : f64} : tensor<?x2xf32>, tensor<2xf32>
  // expected-note @below {{blocked here}}
  %y = decoder.experts %n, %n, %i : (tensor<?x2xf32>, tensor<?x2xf32>, tensor<?x2xi32>) -> tensor<?x2xf32> {
  ^bb0(%t: tensor<?x2xf32>):
    %a = awq.linear %t, %w {awq.name = "inner"} : (tensor<?x2xf32>, tensor<2x2xf32>) -> tensor<?x2xf32>
    decoder.yield %a : tensor<?x2xf32>
  }
  return %y : tensor<?x2xf32>
}
