// RUN: awq-opt %s --split-input-file --verify-diagnostics

func.func @embedding(%ids: tensor<?xi32>, %table: tensor<256x64xf32>) {
  // expected-error @+1 {{takes ids [T] and a table [V, H] to [T, H]}}
  %x = decoder.embedding %ids, %table : (tensor<?xi32>, tensor<256x64xf32>) -> tensor<?x63xf32>
  return
}

// -----

func.func @rms_norm(%x: tensor<?x64xf32>, %w: tensor<63xf32>) {
  // expected-error @+1 {{weight must be a vector as long as the last dimension of}}
  %y = decoder.rms_norm %x, %w {epsilon = 1.0e-05 : f64} : tensor<?x64xf32>, tensor<63xf32>
  return
}

// -----

func.func @layer_norm(%x: tensor<?x64xf32>, %w: tensor<64xf32>, %b: tensor<63xf32>) {
  // expected-error @+1 {{bias must be a vector as long as the last dimension of}}
  %y = decoder.layer_norm %x, %w bias %b {epsilon = 1.0e-05 : f64}
    : (tensor<?x64xf32>, tensor<64xf32>, tensor<63xf32>) -> tensor<?x64xf32>
  return
}

// -----

func.func @rotary_table(%f: tensor<8xf32>, %p: index) {
  // expected-error @+1 {{takes frequencies [R/2] to tables [count, R/2]}}
  %c, %s = decoder.rotary_table %f, %p, %p : tensor<8xf32> -> tensor<?x9xf32>
  return
}

// -----

func.func @rotary(%x: tensor<?x4x16xf32>, %c: tensor<?x9xf32>) {
  // expected-error @+1 {{takes an input [T, heads, D] and tables [T, R/2] with R <= D}}
  %y = decoder.rotary %x, %c, %c : tensor<?x4x16xf32>, tensor<?x9xf32>
  return
}

// -----

func.func @rank(%q: tensor<?x?x16xf32>, %k: tensor<?x2x16xf32>, %p: index) {
  // expected-error @+1 {{takes tensors [tokens, heads, size] with static heads and size}}
  %o, %a, %b = decoder.attention %q, %k, %k, %k, %k, %p {scale = 1.0 : f64}
    : (tensor<?x?x16xf32>, tensor<?x2x16xf32>, tensor<?x2x16xf32>, tensor<?x2x16xf32>,
       tensor<?x2x16xf32>) -> (tensor<?x4x16xf32>, tensor<?x2x16xf32>, tensor<?x2x16xf32>)
  return
}

// -----

func.func @no_head(%q: tensor<?x0x16xf32>, %k: tensor<?x2x16xf32>, %p: index) {
  // expected-error @+1 {{static heads and size, neither of them 0, found 'tensor<?x0x16xf32>'}}
  %o, %a, %b = decoder.attention %q, %k, %k, %k, %k, %p {scale = 1.0 : f64}
    : (tensor<?x0x16xf32>, tensor<?x2x16xf32>, tensor<?x2x16xf32>, tensor<?x2x16xf32>,
       tensor<?x2x16xf32>) -> (tensor<?x0x16xf32>, tensor<?x2x16xf32>, tensor<?x2x16xf32>)
  return
}

// -----

func.func @no_channel(%q: tensor<?x4x0xf32>, %k: tensor<?x2x0xf32>, %p: index) {
  // expected-error @+1 {{static heads and size, neither of them 0, found 'tensor<?x4x0xf32>'}}
  %o, %a, %b = decoder.attention %q, %k, %k, %k, %k, %p {scale = 1.0 : f64}
    : (tensor<?x4x0xf32>, tensor<?x2x0xf32>, tensor<?x2x0xf32>, tensor<?x2x0xf32>,
       tensor<?x2x0xf32>) -> (tensor<?x4x0xf32>, tensor<?x2x0xf32>, tensor<?x2x0xf32>)
  return
}

// -----

func.func @tokens(%q: tensor<3x4x16xf32>, %k: tensor<2x2x16xf32>, %c: tensor<?x2x16xf32>, %p: index) {
  // expected-error @+1 {{query, key and value must have as many tokens}}
  %o, %a, %b = decoder.attention %q, %k, %k, %c, %c, %p {scale = 1.0 : f64}
    : (tensor<3x4x16xf32>, tensor<2x2x16xf32>, tensor<2x2x16xf32>, tensor<?x2x16xf32>,
       tensor<?x2x16xf32>) -> (tensor<3x4x16xf32>, tensor<?x2x16xf32>, tensor<?x2x16xf32>)
  return
}

// -----

func.func @size(%q: tensor<?x4x8xf32>, %k: tensor<?x2x16xf32>, %p: index) {
  // expected-error @+1 {{query and key must agree in size, key and value in heads}}
  %o, %a, %b = decoder.attention %q, %k, %k, %k, %k, %p {scale = 1.0 : f64}
    : (tensor<?x4x8xf32>, tensor<?x2x16xf32>, tensor<?x2x16xf32>, tensor<?x2x16xf32>,
       tensor<?x2x16xf32>) -> (tensor<?x4x16xf32>, tensor<?x2x16xf32>, tensor<?x2x16xf32>)
  return
}

// -----

func.func @heads(%q: tensor<?x5x16xf32>, %k: tensor<?x2x16xf32>, %p: index) {
  // expected-error @+1 {{the 2 key heads must divide the 5 query heads}}
  %o, %a, %b = decoder.attention %q, %k, %k, %k, %k, %p {scale = 1.0 : f64}
    : (tensor<?x5x16xf32>, tensor<?x2x16xf32>, tensor<?x2x16xf32>, tensor<?x2x16xf32>,
       tensor<?x2x16xf32>) -> (tensor<?x5x16xf32>, tensor<?x2x16xf32>, tensor<?x2x16xf32>)
  return
}

// -----

func.func @caches(%q: tensor<?x4x16xf32>, %k: tensor<?x2x16xf32>, %c: tensor<?x4x16xf32>, %p: index) {
  // expected-error @+1 {{caches must be [S, heads, size] of key and value}}
  %o, %a, %b = decoder.attention %q, %k, %k, %c, %c, %p {scale = 1.0 : f64}
    : (tensor<?x4x16xf32>, tensor<?x2x16xf32>, tensor<?x2x16xf32>, tensor<?x4x16xf32>,
       tensor<?x4x16xf32>) -> (tensor<?x4x16xf32>, tensor<?x4x16xf32>, tensor<?x4x16xf32>)
  return
}

// -----

func.func @out(%q: tensor<?x4x16xf32>, %k: tensor<?x2x16xf32>, %p: index) {
  // expected-error @+1 {{out must be [T, query heads, value size]}}
  %o, %a, %b = decoder.attention %q, %k, %k, %k, %k, %p {scale = 1.0 : f64}
    : (tensor<?x4x16xf32>, tensor<?x2x16xf32>, tensor<?x2x16xf32>, tensor<?x2x16xf32>,
       tensor<?x2x16xf32>) -> (tensor<?x4x8xf32>, tensor<?x2x16xf32>, tensor<?x2x16xf32>)
  return
}

// -----

func.func @window(%q: tensor<?x4x16xf32>, %k: tensor<?x2x16xf32>, %p: index) {
  // expected-error @+1 {{window and softcap must not be negative}}
  %o, %a, %b = decoder.attention %q, %k, %k, %k, %k, %p {scale = 1.0 : f64, window = -1 : i64}
    : (tensor<?x4x16xf32>, tensor<?x2x16xf32>, tensor<?x2x16xf32>, tensor<?x2x16xf32>,
       tensor<?x2x16xf32>) -> (tensor<?x4x16xf32>, tensor<?x2x16xf32>, tensor<?x2x16xf32>)
  return
}

// -----

func.func @slopes(%q: tensor<?x4x16xf32>, %k: tensor<?x2x16xf32>, %p: index, %m: tensor<2xf32>) {
  // expected-error @+1 {{slopes must be [query heads], found 'tensor<2xf32>'}}
  %o, %a, %b = decoder.attention %q, %k, %k, %k, %k, %p slopes %m {scale = 1.0 : f64}
    : (tensor<?x4x16xf32>, tensor<?x2x16xf32>, tensor<?x2x16xf32>, tensor<?x2x16xf32>,
       tensor<?x2x16xf32>, tensor<2xf32>)
    -> (tensor<?x4x16xf32>, tensor<?x2x16xf32>, tensor<?x2x16xf32>)
  return
}

// -----

func.func @no_parameter(%x: tensor<?x8xf32>) {
  // expected-error @+1 {{activation prelu has 1 parameters, found 0}}
  %y = decoder.activation %x {kind = #decoder.activation_kind<prelu>} : tensor<?x8xf32>
  return
}

// -----

func.func @too_many_parameters(%x: tensor<?x8xf32>, %w: tensor<1xf32>) {
  // expected-error @+1 {{activation silu has 0 parameters, found 1}}
  %y = decoder.glu %x, %x parameters(%w) {kind = #decoder.activation_kind<silu>}
    : tensor<?x8xf32>, tensor<1xf32>
  return
}

// -----

func.func @parameter(%x: tensor<?x8xf32>, %w: tensor<8xf32>) {
  // expected-error @+1 {{a parameter must have one element, found 'tensor<8xf32>'}}
  %y = decoder.activation %x parameters(%w) {kind = #decoder.activation_kind<prelu>}
    : tensor<?x8xf32>, tensor<8xf32>
  return
}
