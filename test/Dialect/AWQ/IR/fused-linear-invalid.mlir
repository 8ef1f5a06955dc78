// RUN: awq-opt %s -split-input-file -verify-diagnostics

#scheme = #awq.scheme<bits = 4, group = 0, zero = symmetric, scale = f16>

func.func @codes(%x: tensor<?x32xf32>, %q: tensor<16x16xi8>, %s: tensor<16x1xf16>) {
  // expected-error @+1 {{codes must be 16x32}}
  %y = awq.fused_linear %x, %q, %s {scheme = #scheme}
    : (tensor<?x32xf32>, tensor<16x16xi8>, tensor<16x1xf16>) -> tensor<?x16xf32>
  return
}

// -----

#scheme = #awq.scheme<bits = 4, group = 0, zero = symmetric, scale = f16>

func.func @rank(%x: tensor<2x?x32xf32>, %q: tensor<16x32xi8>, %s: tensor<16x1xf16>) {
  // expected-error @+1 {{input and result must be [T, K] and [T, N]}}
  %y = awq.fused_linear %x, %q, %s {scheme = #scheme}
    : (tensor<2x?x32xf32>, tensor<16x32xi8>, tensor<16x1xf16>) -> tensor<2x?x16xf32>
  return
}

// -----

#scheme = #awq.scheme<bits = 4, group = 0, zero = symmetric, scale = f16>

func.func @bias(%x: tensor<?x32xf32>, %q: tensor<32x32xi8>, %s: tensor<32x1xf16>, %b: tensor<16xf32>) {
  // expected-error @+1 {{bias must be a vector of 32 elements}}
  %y = awq.fused_linear %x, %q, %s bias %b {scheme = #scheme, gate = #awq.gate<silu>}
    : (tensor<?x32xf32>, tensor<32x32xi8>, tensor<32x1xf16>, tensor<16xf32>) -> tensor<?x16xf32>
  return
}

// -----

#scheme = #awq.scheme<bits = 4, group = 0, zero = symmetric, scale = f16>

func.func @epsilon(%x: tensor<?x32xf32>, %q: tensor<16x32xi8>, %s: tensor<16x1xf16>, %g: tensor<32xf32>) {
  // expected-error @+1 {{needs both or neither of 'norm' and 'norm_epsilon'}}
  %y = awq.fused_linear %x, %q, %s norm %g {scheme = #scheme}
    : (tensor<?x32xf32>, tensor<16x32xi8>, tensor<16x1xf16>, tensor<32xf32>) -> tensor<?x16xf32>
  return
}

// -----

#scheme = #awq.scheme<bits = 4, group = 0, zero = symmetric, scale = f16>

func.func @norm(%x: tensor<?x32xf32>, %q: tensor<16x32xi8>, %s: tensor<16x1xf16>, %g: tensor<16xf32>) {
  // expected-error @+1 {{norm must be a vector of 32 elements}}
  %y = awq.fused_linear %x, %q, %s norm %g {norm_epsilon = 1.0e-5, scheme = #scheme}
    : (tensor<?x32xf32>, tensor<16x32xi8>, tensor<16x1xf16>, tensor<16xf32>) -> tensor<?x16xf32>
  return
}

// -----

#scheme = #awq.scheme<bits = 4, group = 0, zero = symmetric, scale = f16>

func.func @turn(%x: tensor<?x32xf32>, %q: tensor<16x32xi8>, %s: tensor<16x1xf16>) {
  // expected-error @+1 {{needs both or neither of 'rotary' and 'turn'}}
  %y = awq.fused_linear %x, %q, %s {turn = #awq.rotary<heads = 1, head_size = 16>, scheme = #scheme}
    : (tensor<?x32xf32>, tensor<16x32xi8>, tensor<16x1xf16>) -> tensor<?x16xf32>
  return
}

// -----

#scheme = #awq.scheme<bits = 4, group = 0, zero = symmetric, scale = f16>

func.func @tables(%x: tensor<?x32xf32>, %q: tensor<16x32xi8>, %s: tensor<16x1xf16>, %c: tensor<4x8xf32>) {
  // expected-error @+1 {{cosines and sines must be [T, R/2]}}
  %y = awq.fused_linear %x, %q, %s rotary %c, %c {turn = #awq.rotary<heads = 1, head_size = 16>, scheme = #scheme}
    : (tensor<?x32xf32>, tensor<16x32xi8>, tensor<16x1xf16>, tensor<4x8xf32>, tensor<4x8xf32>) -> tensor<?x16xf32>
  return
}

// -----

#scheme = #awq.scheme<bits = 4, group = 0, zero = symmetric, scale = f16>

func.func @half(%x: tensor<?x32xf32>, %q: tensor<16x32xi8>, %s: tensor<16x1xf16>, %c: tensor<?x4xf32>) {
  // expected-error @+1 {{cannot turn 8 channels of heads of 16; it must be a multiple of 16 and no more than a head}}
  %y = awq.fused_linear %x, %q, %s rotary %c, %c {turn = #awq.rotary<heads = 1, head_size = 16>, scheme = #scheme}
    : (tensor<?x32xf32>, tensor<16x32xi8>, tensor<16x1xf16>, tensor<?x4xf32>, tensor<?x4xf32>) -> tensor<?x16xf32>
  return
}

// -----

#scheme = #awq.scheme<bits = 4, group = 0, zero = symmetric, scale = f16>

func.func @rows(%x: tensor<?x32xf32>, %q: tensor<16x32xi8>, %s: tensor<16x1xf16>, %c: tensor<?x8xf32>) {
  // expected-error @+1 {{turns 32 rows, but has 16}}
  %y = awq.fused_linear %x, %q, %s rotary %c, %c {turn = #awq.rotary<heads = 2, head_size = 16>, scheme = #scheme}
    : (tensor<?x32xf32>, tensor<16x32xi8>, tensor<16x1xf16>, tensor<?x8xf32>, tensor<?x8xf32>) -> tensor<?x16xf32>
  return
}

// -----

#scheme = #awq.scheme<bits = 4, group = 0, zero = symmetric, scale = f16>

func.func @both(%x: tensor<?x32xf32>, %q: tensor<32x32xi8>, %s: tensor<32x1xf16>, %c: tensor<?x8xf32>) {
  // expected-error @+1 {{cannot both turn and gate rows}}
  %y = awq.fused_linear %x, %q, %s rotary %c, %c {turn = #awq.rotary<heads = 1, head_size = 16>, gate = #awq.gate<silu>, scheme = #scheme}
    : (tensor<?x32xf32>, tensor<32x32xi8>, tensor<32x1xf16>, tensor<?x8xf32>, tensor<?x8xf32>) -> tensor<?x16xf32>
  return
}

// -----

#scheme = #awq.scheme<bits = 4, group = 0, zero = symmetric, scale = f16>

func.func @gate(%x: tensor<?x32xf32>, %q: tensor<24x32xi8>, %s: tensor<24x1xf16>) {
  // expected-error @+1 {{needs a multiple of 16 rows for a gate, found 24}}
  %y = awq.fused_linear %x, %q, %s {gate = #awq.gate<silu>, scheme = #scheme}
    : (tensor<?x32xf32>, tensor<24x32xi8>, tensor<24x1xf16>) -> tensor<?x12xf32>
  return
}

// -----

#scheme = #awq.scheme<bits = 4, group = 0, zero = symmetric, scale = f16>

func.func @residual(%x: tensor<?x32xf32>, %q: tensor<16x32xi8>, %s: tensor<16x1xf16>, %r: tensor<?x32xf32>) {
  // expected-error @+1 {{residual must have the shape of the result}}
  %y = awq.fused_linear %x, %q, %s residual %r {scheme = #scheme}
    : (tensor<?x32xf32>, tensor<16x32xi8>, tensor<16x1xf16>, tensor<?x32xf32>) -> tensor<?x16xf32>
  return
}

// -----

// expected-error @+1 {{heads must be positive, found 0}}
#heads = #awq.rotary<heads = 0, head_size = 16>

// -----

// expected-error @+1 {{head_size must be a positive multiple of 16, found 24}}
#size = #awq.rotary<heads = 1, head_size = 24>
