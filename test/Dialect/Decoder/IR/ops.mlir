// RUN: awq-opt %s | awq-opt | FileCheck %s
// RUN: awq-opt %s --emit-bytecode | awq-opt | FileCheck %s

// CHECK-LABEL: func.func @embedding
func.func @embedding(%ids: tensor<?xi32>, %table: tensor<256x64xf32>) -> tensor<?x64xf32> {
  // CHECK: decoder.embedding %{{.*}}, %{{.*}} {scale = 8.000000e+00 : f64} : (tensor<?xi32>, tensor<256x64xf32>) -> tensor<?x64xf32>
  %x = decoder.embedding %ids, %table {scale = 8.0 : f64}
    : (tensor<?xi32>, tensor<256x64xf32>) -> tensor<?x64xf32>
  return %x : tensor<?x64xf32>
}

// CHECK-LABEL: func.func @norms
func.func @norms(%x: tensor<?x64xf32>, %q: tensor<?x4x16xf32>, %w: tensor<64xf32>,
                 %h: tensor<16xf32>) -> (tensor<?x64xf32>, tensor<?x64xf32>, tensor<?x4x16xf32>) {
  // CHECK: decoder.rms_norm %{{.*}}, %{{.*}} {epsilon = 1.000000e-05 : f64, offset = 1.000000e+00 : f64} : tensor<?x64xf32>, tensor<64xf32>
  %a = decoder.rms_norm %x, %w {epsilon = 1.0e-05 : f64, offset = 1.0 : f64}
    : tensor<?x64xf32>, tensor<64xf32>
  // CHECK: decoder.layer_norm %{{.*}}, %{{.*}} bias %{{.*}} {epsilon = 1.000000e-05 : f64} : (tensor<?x64xf32>, tensor<64xf32>, tensor<64xf32>) -> tensor<?x64xf32>
  %b = decoder.layer_norm %x, %w bias %w {epsilon = 1.0e-05 : f64}
    : (tensor<?x64xf32>, tensor<64xf32>, tensor<64xf32>) -> tensor<?x64xf32>
  // CHECK: decoder.rms_norm %{{.*}}, %{{.*}} {epsilon = 1.000000e-05 : f64} : tensor<?x4x16xf32>, tensor<16xf32>
  %c = decoder.rms_norm %q, %h {epsilon = 1.0e-05 : f64} : tensor<?x4x16xf32>, tensor<16xf32>
  return %a, %b, %c : tensor<?x64xf32>, tensor<?x64xf32>, tensor<?x4x16xf32>
}

// CHECK-LABEL: func.func @attention
func.func @attention(%q: tensor<?x4x16xf32>, %k: tensor<?x2x16xf32>, %v: tensor<?x2x8xf32>,
                     %kc: tensor<?x2x16xf32>, %vc: tensor<?x2x8xf32>, %f: tensor<8xf32>,
                     %position: index, %count: index)
    -> (tensor<?x4x8xf32>, tensor<?x2x16xf32>, tensor<?x2x8xf32>) {
  // CHECK: decoder.rotary_table %{{.*}}, %{{.*}}, %{{.*}} : tensor<8xf32> -> tensor<?x8xf32>
  %cos, %sin = decoder.rotary_table %f, %position, %count : tensor<8xf32> -> tensor<?x8xf32>
  // CHECK: decoder.rotary %{{.*}}, %{{.*}}, %{{.*}} {interleaved} : tensor<?x4x16xf32>, tensor<?x8xf32>
  %r = decoder.rotary %q, %cos, %sin {interleaved} : tensor<?x4x16xf32>, tensor<?x8xf32>
  // CHECK: decoder.attention {{.*}} {scale = 2.500000e-01 : f64, softcap = 5.000000e+01 : f64, window = 8 : i64} : (tensor<?x4x16xf32>, tensor<?x2x16xf32>, tensor<?x2x8xf32>, tensor<?x2x16xf32>, tensor<?x2x8xf32>) -> (tensor<?x4x8xf32>, tensor<?x2x16xf32>, tensor<?x2x8xf32>)
  %out, %k1, %v1 = decoder.attention %r, %k, %v, %kc, %vc, %position
    {scale = 0.25 : f64, window = 8 : i64, softcap = 50.0 : f64}
    : (tensor<?x4x16xf32>, tensor<?x2x16xf32>, tensor<?x2x8xf32>, tensor<?x2x16xf32>,
       tensor<?x2x8xf32>) -> (tensor<?x4x8xf32>, tensor<?x2x16xf32>, tensor<?x2x8xf32>)
  return %out, %k1, %v1 : tensor<?x4x8xf32>, tensor<?x2x16xf32>, tensor<?x2x8xf32>
}

// CHECK-LABEL: func.func @feed_forward
func.func @feed_forward(%x: tensor<?x64xf32>, %y: tensor<?x64xf32>)
    -> (tensor<?x64xf32>, tensor<?x64xf32>) {
  // CHECK: decoder.activation %{{.*}} {kind = #decoder.activation_kind<gelu_tanh>} : tensor<?x64xf32>
  %a = decoder.activation %x {kind = #decoder.activation_kind<gelu_tanh>} : tensor<?x64xf32>
  // CHECK: decoder.glu %{{.*}}, %{{.*}} {kind = #decoder.activation_kind<silu>} : tensor<?x64xf32>
  %b = decoder.glu %x, %y {kind = #decoder.activation_kind<silu>} : tensor<?x64xf32>
  return %a, %b : tensor<?x64xf32>, tensor<?x64xf32>
}

// CHECK-LABEL: func.func @alibi
func.func @alibi(%q: tensor<?x4x16xf32>, %k: tensor<?x2x16xf32>, %kc: tensor<?x2x16xf32>,
                 %position: index, %m: tensor<4xf32>) -> tensor<?x4x16xf32> {
  // CHECK: decoder.attention {{.*}} slopes %{{.*}} {scale = 2.500000e-01 : f64} : (tensor<?x4x16xf32>, tensor<?x2x16xf32>, tensor<?x2x16xf32>, tensor<?x2x16xf32>, tensor<?x2x16xf32>, tensor<4xf32>) -> (tensor<?x4x16xf32>, tensor<?x2x16xf32>, tensor<?x2x16xf32>)
  %out, %k1, %v1 = decoder.attention %q, %k, %k, %kc, %kc, %position slopes %m {scale = 0.25 : f64}
    : (tensor<?x4x16xf32>, tensor<?x2x16xf32>, tensor<?x2x16xf32>, tensor<?x2x16xf32>,
       tensor<?x2x16xf32>, tensor<4xf32>)
    -> (tensor<?x4x16xf32>, tensor<?x2x16xf32>, tensor<?x2x16xf32>)
  return %out : tensor<?x4x16xf32>
}

// CHECK-LABEL: func.func @learned
func.func @learned(%x: tensor<?x64xf32>, %w: tensor<1xbf16>, %s: tensor<f32>)
    -> (tensor<?x64xf32>, tensor<?x64xf32>) {
  // CHECK: decoder.activation %{{.*}} parameters(%{{.*}}) {kind = #decoder.activation_kind<prelu>} : tensor<?x64xf32>, tensor<1xbf16>
  %a = decoder.activation %x parameters(%w) {kind = #decoder.activation_kind<prelu>}
    : tensor<?x64xf32>, tensor<1xbf16>
  // CHECK: decoder.glu %{{.*}}, %{{.*}} parameters(%{{.*}}, %{{.*}}, %{{.*}}, %{{.*}}) {kind = #decoder.activation_kind<xielu>} : tensor<?x64xf32>, tensor<1xbf16>, tensor<1xbf16>, tensor<f32>, tensor<f32>
  %b = decoder.glu %x, %x parameters(%w, %w, %s, %s) {kind = #decoder.activation_kind<xielu>}
    : tensor<?x64xf32>, tensor<1xbf16>, tensor<1xbf16>, tensor<f32>, tensor<f32>
  return %a, %b : tensor<?x64xf32>, tensor<?x64xf32>
}

// CHECK-LABEL: func.func @scaled_table
func.func @scaled_table(%f: tensor<8xf32>, %position: index, %count: index) -> tensor<?x8xf32> {
  // CHECK: decoder.rotary_table %{{.*}}, %{{.*}}, %{{.*}} {scaling = 1.250000e+00 : f64} : tensor<8xf32> -> tensor<?x8xf32>
  %cos, %sin = decoder.rotary_table %f, %position, %count {scaling = 1.25 : f64} : tensor<8xf32> -> tensor<?x8xf32>
  return %cos : tensor<?x8xf32>
}
