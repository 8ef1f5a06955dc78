// RUN: awq-opt %s -awq-find-scaling-groups | FileCheck %s
// RUN: awq-opt %s -awq-find-scaling-groups=report -o %t 2>&1 | FileCheck %s --check-prefix=REPORT
// RUN: awq-opt %s -awq-find-scaling-groups='skip=v_proj,down_proj report' -o %t 2>&1 | FileCheck %s --check-prefix=SKIP

// The four groups of a Llama layer. v -> o is tied by grouped-query attention;
// the head's norm is reported and not counted, for its linear stays float.

// REPORT: scaling group: input_layernorm -> q_proj, k_proj, v_proj
// REPORT: scaling group: v_proj -> o_proj (8 channels tied to 4)
// REPORT: scaling group: post_attention_layernorm -> gate_proj, up_proj
// REPORT: scaling group: up_proj -> down_proj
// REPORT: not counted, no reader is to be quantized: norm -> lm_head
// REPORT: 4 scaling groups

// SKIP: not counted, no reader is to be quantized: up_proj -> down_proj
// SKIP: 3 scaling groups

// CHECK-LABEL: func private @layer
// CHECK: decoder.rms_norm {{.*}}awq.produces = "input_layernorm"
// CHECK: awq.linear {{.*}}awq.group = "input_layernorm", awq.name = "q_proj"
// CHECK: awq.linear {{.*}}awq.group = "input_layernorm", awq.name = "k_proj"
// CHECK: awq.linear {{.*}}awq.group = "input_layernorm", awq.name = "v_proj", awq.produces = "v_proj"
// CHECK: awq.linear {{.*}}awq.group = "v_proj", awq.name = "o_proj"
// CHECK: decoder.rms_norm {{.*}}awq.produces = "post_attention_layernorm"
// CHECK: awq.linear {{.*}}awq.group = "post_attention_layernorm", awq.name = "gate_proj"}
// CHECK: awq.linear {{.*}}awq.group = "post_attention_layernorm", awq.name = "up_proj", awq.produces = "up_proj"
// CHECK: awq.linear {{.*}}awq.group = "up_proj", awq.name = "down_proj"
func.func private @layer(%x: tensor<?x8xf32>, %cos: tensor<?x2xf32>, %sin: tensor<?x2xf32>,
    %kc: tensor<?x1x4xf32>, %vc: tensor<?x1x4xf32>, %position: index)
    -> (tensor<?x8xf32>, tensor<?x1x4xf32>, tensor<?x1x4xf32>) attributes {awq.layer = 0 : i64} {
  %c0 = arith.constant 0 : index
  %t = tensor.dim %x, %c0 : tensor<?x8xf32>
  %g = arith.constant dense<1.0> : tensor<8xf32>
  %w88 = arith.constant dense<0.5> : tensor<8x8xf32>
  %w48 = arith.constant dense<0.5> : tensor<4x8xf32>
  %n = decoder.rms_norm %x, %g {awq.name = "input_layernorm", epsilon = 1.0e-05 : f64} : tensor<?x8xf32>, tensor<8xf32>
  %q = awq.linear %n, %w88 {awq.name = "q_proj"} : (tensor<?x8xf32>, tensor<8x8xf32>) -> tensor<?x8xf32>
  %k = awq.linear %n, %w48 {awq.name = "k_proj"} : (tensor<?x8xf32>, tensor<4x8xf32>) -> tensor<?x4xf32>
  %v = awq.linear %n, %w48 {awq.name = "v_proj"} : (tensor<?x8xf32>, tensor<4x8xf32>) -> tensor<?x4xf32>
  %q3 = tensor.expand_shape %q [[0], [1, 2]] output_shape [%t, 2, 4] : tensor<?x8xf32> into tensor<?x2x4xf32>
  %k3 = tensor.expand_shape %k [[0], [1, 2]] output_shape [%t, 1, 4] : tensor<?x4xf32> into tensor<?x1x4xf32>
  %v3 = tensor.expand_shape %v [[0], [1, 2]] output_shape [%t, 1, 4] : tensor<?x4xf32> into tensor<?x1x4xf32>
  %qr = decoder.rotary %q3, %cos, %sin : tensor<?x2x4xf32>, tensor<?x2xf32>
  %kr = decoder.rotary %k3, %cos, %sin : tensor<?x1x4xf32>, tensor<?x2xf32>
  %a3, %k1, %v1 = decoder.attention %qr, %kr, %v3, %kc, %vc, %position {scale = 0.5 : f64}
    : (tensor<?x2x4xf32>, tensor<?x1x4xf32>, tensor<?x1x4xf32>, tensor<?x1x4xf32>, tensor<?x1x4xf32>)
    -> (tensor<?x2x4xf32>, tensor<?x1x4xf32>, tensor<?x1x4xf32>)
  %a = tensor.collapse_shape %a3 [[0], [1, 2]] : tensor<?x2x4xf32> into tensor<?x8xf32>
  %o = awq.linear %a, %w88 {awq.name = "o_proj"} : (tensor<?x8xf32>, tensor<8x8xf32>) -> tensor<?x8xf32>
  %h = arith.addf %x, %o : tensor<?x8xf32>
  %m = decoder.rms_norm %h, %g {awq.name = "post_attention_layernorm", epsilon = 1.0e-05 : f64} : tensor<?x8xf32>, tensor<8xf32>
  %gate = awq.linear %m, %w88 {awq.name = "gate_proj"} : (tensor<?x8xf32>, tensor<8x8xf32>) -> tensor<?x8xf32>
  %up = awq.linear %m, %w88 {awq.name = "up_proj"} : (tensor<?x8xf32>, tensor<8x8xf32>) -> tensor<?x8xf32>
  %f = decoder.glu %gate, %up {kind = #decoder.activation_kind<silu>} : tensor<?x8xf32>
  %down = awq.linear %f, %w88 {awq.name = "down_proj"} : (tensor<?x8xf32>, tensor<8x8xf32>) -> tensor<?x8xf32>
  %y = arith.addf %h, %down : tensor<?x8xf32>
  return %y, %k1, %v1 : tensor<?x8xf32>, tensor<?x1x4xf32>, tensor<?x1x4xf32>
}

// CHECK-LABEL: func @head
// CHECK-NOT: awq.produces
// CHECK-NOT: awq.group
func.func @head(%x: tensor<?x8xf32>) -> tensor<?x16xf32> {
  %g = arith.constant dense<1.0> : tensor<8xf32>
  %w = arith.constant dense<0.5> : tensor<16x8xf32>
  %n = decoder.rms_norm %x, %g {awq.name = "norm", epsilon = 1.0e-05 : f64} : tensor<?x8xf32>, tensor<8xf32>
  %y = awq.linear %n, %w {awq.name = "lm_head"} : (tensor<?x8xf32>, tensor<16x8xf32>) -> tensor<?x16xf32>
  return %y : tensor<?x16xf32>
}
