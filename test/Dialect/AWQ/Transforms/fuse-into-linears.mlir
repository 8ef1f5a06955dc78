// RUN: awq-opt %s -awq-fuse-into-linears -split-input-file | FileCheck %s
// RUN: awq-opt %s -pass-pipeline='builtin.module(func.func(awq-fuse-into-linears),awq-pack-weights{layout=mma_n32k128})' -split-input-file | FileCheck %s --check-prefix=PACK

#scheme = #awq.scheme<bits = 4, group = 0, zero = symmetric, scale = f16>

// All of it in two linears: a norm that both of the first's halves read, their
// gate, and the sum of the second with what the norm read.
// CHECK-LABEL: func @feed_forward
// CHECK-SAME: %[[X:.*]]: tensor<?x32xf32>, %[[G:.*]]: tensor<32xf32>
// CHECK-NOT: decoder.
// CHECK: %[[H:.*]] = awq.fused_linear %[[X]], %{{.*}}, %{{.*}} norm %[[G]]
// CHECK-SAME: awq.name = "mlp.{gate,up}", gate = #awq.gate<silu>, norm_epsilon = 1.000000e-05 : f64, norm_offset = 1.000000e+00 : f64
// CHECK-SAME: -> tensor<?x16xf32>
// CHECK-NEXT: %[[Y:.*]] = awq.fused_linear %[[H]], %{{.*}}, %{{.*}} residual %[[X]]
// CHECK-SAME: awq.name = "mlp.down"
// CHECK-NEXT: return %[[Y]]
func.func @feed_forward(%x: tensor<?x32xf32>, %g: tensor<32xf32>) -> tensor<?x32xf32> {
  %q = arith.constant dense<1> : tensor<32x32xi8>
  %s = arith.constant dense<0.5> : tensor<32x1xf16>
  %p = arith.constant dense<2> : tensor<32x16xi8>
  %n = decoder.rms_norm %x, %g {epsilon = 1.0e-05 : f64, offset = 1.0 : f64} : tensor<?x32xf32>, tensor<32xf32>
  %y = awq.quantized_linear %n, %q, %s {awq.name = "mlp.{gate,up}", scheme = #scheme}
    : (tensor<?x32xf32>, tensor<32x32xi8>, tensor<32x1xf16>) -> tensor<?x32xf32>
  %zero = arith.constant 0 : index
  %t = tensor.dim %y, %zero : tensor<?x32xf32>
  %a = tensor.extract_slice %y[0, 0] [%t, 16] [1, 1] : tensor<?x32xf32> to tensor<?x16xf32>
  %b = tensor.extract_slice %y[0, 16] [%t, 16] [1, 1] : tensor<?x32xf32> to tensor<?x16xf32>
  %h = decoder.glu %a, %b {kind = #decoder.activation_kind<silu>} : tensor<?x16xf32>
  %d = awq.quantized_linear %h, %p, %s {awq.name = "mlp.down", scheme = #scheme}
    : (tensor<?x16xf32>, tensor<32x16xi8>, tensor<32x1xf16>) -> tensor<?x32xf32>
  %r = arith.addf %x, %d : tensor<?x32xf32>
  return %r : tensor<?x32xf32>
}

// -----

#scheme = #awq.scheme<bits = 4, group = 0, zero = symmetric, scale = f16>

// Queries and keys turn, values do not.
// CHECK-LABEL: func @attention
// CHECK-SAME: %[[X:.*]]: tensor<?x32xf32>, %[[C:.*]]: tensor<?x8xf32>, %[[S:.*]]: tensor<?x8xf32>
// CHECK: %[[Y:.*]] = awq.fused_linear %[[X]], %{{.*}}, %{{.*}} rotary %[[C]], %[[S]]
// CHECK-SAME: turn = #awq.rotary<heads = 3, head_size = 16>
// CHECK-NOT: decoder.rotary
// CHECK: %[[Q:.*]] = tensor.extract_slice %[[Y]][0, 0]
// CHECK: %[[QH:.*]] = tensor.expand_shape %[[Q]]
// CHECK: %[[K:.*]] = tensor.extract_slice %[[Y]][0, 32]
// CHECK: %[[KH:.*]] = tensor.expand_shape %[[K]]
// CHECK: %[[V:.*]] = tensor.extract_slice %[[Y]][0, 48]
// CHECK: return %[[QH]], %[[KH]], %[[V]]
func.func @attention(%x: tensor<?x32xf32>, %c: tensor<?x8xf32>, %s: tensor<?x8xf32>, %t: index)
    -> (tensor<?x2x16xf32>, tensor<?x1x16xf32>, tensor<?x16xf32>) {
  %q = arith.constant dense<1> : tensor<64x32xi8>
  %u = arith.constant dense<0.5> : tensor<64x1xf16>
  %y = awq.quantized_linear %x, %q, %u {scheme = #scheme}
    : (tensor<?x32xf32>, tensor<64x32xi8>, tensor<64x1xf16>) -> tensor<?x64xf32>
  %zero = arith.constant 0 : index
  %tokens = tensor.dim %y, %zero : tensor<?x64xf32>
  %0 = tensor.extract_slice %y[0, 0] [%tokens, 32] [1, 1] : tensor<?x64xf32> to tensor<?x32xf32>
  %1 = tensor.expand_shape %0 [[0], [1, 2]] output_shape [%t, 2, 16] : tensor<?x32xf32> into tensor<?x2x16xf32>
  %2 = tensor.extract_slice %y[0, 32] [%tokens, 16] [1, 1] : tensor<?x64xf32> to tensor<?x16xf32>
  %3 = tensor.expand_shape %2 [[0], [1, 2]] output_shape [%t, 1, 16] : tensor<?x16xf32> into tensor<?x1x16xf32>
  %4 = tensor.extract_slice %y[0, 48] [%tokens, 16] [1, 1] : tensor<?x64xf32> to tensor<?x16xf32>
  %5 = decoder.rotary %1, %c, %s : tensor<?x2x16xf32>, tensor<?x8xf32>
  %6 = decoder.rotary %3, %c, %s : tensor<?x1x16xf32>, tensor<?x8xf32>
  return %5, %6, %4 : tensor<?x2x16xf32>, tensor<?x1x16xf32>, tensor<?x16xf32>
}

// -----

#scheme = #awq.scheme<bits = 4, group = 0, zero = symmetric, scale = f16>

// One linear, not joined with others, whose heads all turn; part of a head.
// CHECK-LABEL: func @alone
// CHECK: awq.fused_linear {{.*}} rotary %{{.*}}, %{{.*}} {{.*}}turn = #awq.rotary<heads = 2, head_size = 32>
// CHECK-NOT: decoder.rotary
func.func @alone(%x: tensor<?x32xf32>, %c: tensor<?x8xf32>, %s: tensor<?x8xf32>, %t: index) -> tensor<?x2x32xf32> {
  %q = arith.constant dense<1> : tensor<64x32xi8>
  %u = arith.constant dense<0.5> : tensor<64x1xf16>
  %y = awq.quantized_linear %x, %q, %u {scheme = #scheme}
    : (tensor<?x32xf32>, tensor<64x32xi8>, tensor<64x1xf16>) -> tensor<?x64xf32>
  %1 = tensor.expand_shape %y [[0], [1, 2]] output_shape [%t, 2, 32] : tensor<?x64xf32> into tensor<?x2x32xf32>
  %5 = decoder.rotary %1, %c, %s : tensor<?x2x32xf32>, tensor<?x8xf32>
  return %5 : tensor<?x2x32xf32>
}

// -----

#scheme = #awq.scheme<bits = 4, group = 0, zero = symmetric, scale = f16>

// Not fused: a norm that another op reads, a function without a kernel, halves
// in the wrong order, a sum of a result that is read twice.
// CHECK-LABEL: func @stays
// CHECK-NOT: awq.fused_linear
// CHECK: return
func.func @stays(%x: tensor<?x32xf32>, %g: tensor<32xf32>)
    -> (tensor<?x16xf32>, tensor<?x16xf32>, tensor<?x32xf32>, tensor<?x32xf32>, tensor<?x32xf32>) {
  %q = arith.constant dense<1> : tensor<32x32xi8>
  %s = arith.constant dense<0.5> : tensor<32x1xf16>
  %n = decoder.rms_norm %x, %g {epsilon = 1.0e-05 : f64} : tensor<?x32xf32>, tensor<32xf32>
  %y = awq.quantized_linear %n, %q, %s {scheme = #scheme}
    : (tensor<?x32xf32>, tensor<32x32xi8>, tensor<32x1xf16>) -> tensor<?x32xf32>
  %zero = arith.constant 0 : index
  %t = tensor.dim %x, %zero : tensor<?x32xf32>
  %a = tensor.extract_slice %y[0, 0] [%t, 16] [1, 1] : tensor<?x32xf32> to tensor<?x16xf32>
  %b = tensor.extract_slice %y[0, 16] [%t, 16] [1, 1] : tensor<?x32xf32> to tensor<?x16xf32>
  %h = decoder.glu %a, %b {kind = #decoder.activation_kind<mish>} : tensor<?x16xf32>
  %z = awq.quantized_linear %n, %q, %s {scheme = #scheme}
    : (tensor<?x32xf32>, tensor<32x32xi8>, tensor<32x1xf16>) -> tensor<?x32xf32>
  %c = tensor.extract_slice %z[0, 0] [%t, 16] [1, 1] : tensor<?x32xf32> to tensor<?x16xf32>
  %d = tensor.extract_slice %z[0, 16] [%t, 16] [1, 1] : tensor<?x32xf32> to tensor<?x16xf32>
  %i = decoder.glu %d, %c {kind = #decoder.activation_kind<silu>} : tensor<?x16xf32>
  %v = awq.quantized_linear %n, %q, %s {scheme = #scheme}
    : (tensor<?x32xf32>, tensor<32x32xi8>, tensor<32x1xf16>) -> tensor<?x32xf32>
  %r = arith.addf %x, %v : tensor<?x32xf32>
  return %h, %i, %r, %v, %n : tensor<?x16xf32>, tensor<?x16xf32>, tensor<?x32xf32>, tensor<?x32xf32>, tensor<?x32xf32>
}

// -----

#scheme = #awq.scheme<bits = 4, group = 0, zero = symmetric, scale = f16>

// Nor rotations of rows that somebody else reads, all of them or one slice.
// CHECK-LABEL: func @read_twice
// CHECK-NOT: awq.fused_linear
// CHECK: decoder.rotary
// CHECK: decoder.rotary
func.func @read_twice(%x: tensor<?x32xf32>, %c: tensor<?x8xf32>, %t: index)
    -> (tensor<?x32xf32>, tensor<?x1x16xf32>, tensor<?x8xf32>, tensor<?x1x16xf32>) {
  %q = arith.constant dense<1> : tensor<32x32xi8>
  %u = arith.constant dense<0.5> : tensor<32x1xf16>
  %y = awq.quantized_linear %x, %q, %u {scheme = #scheme}
    : (tensor<?x32xf32>, tensor<32x32xi8>, tensor<32x1xf16>) -> tensor<?x32xf32>
  %zero = arith.constant 0 : index
  %n = tensor.dim %y, %zero : tensor<?x32xf32>
  %0 = tensor.extract_slice %y[0, 0] [%n, 16] [1, 1] : tensor<?x32xf32> to tensor<?x16xf32>
  %1 = tensor.expand_shape %0 [[0], [1, 2]] output_shape [%t, 1, 16] : tensor<?x16xf32> into tensor<?x1x16xf32>
  %2 = decoder.rotary %1, %c, %c : tensor<?x1x16xf32>, tensor<?x8xf32>
  %z = awq.quantized_linear %x, %q, %u {scheme = #scheme}
    : (tensor<?x32xf32>, tensor<32x32xi8>, tensor<32x1xf16>) -> tensor<?x32xf32>
  %m = tensor.dim %z, %zero : tensor<?x32xf32>
  %3 = tensor.extract_slice %z[0, 0] [%m, 16] [1, 1] : tensor<?x32xf32> to tensor<?x16xf32>
  %4 = tensor.expand_shape %3 [[0], [1, 2]] output_shape [%t, 1, 16] : tensor<?x16xf32> into tensor<?x1x16xf32>
  %5 = decoder.rotary %4, %c, %c : tensor<?x1x16xf32>, tensor<?x8xf32>
  %6 = tensor.extract_slice %z[0, 8] [%m, 8] [1, 1] : tensor<?x32xf32> to tensor<?x8xf32>
  return %y, %2, %6, %5 : tensor<?x32xf32>, tensor<?x1x16xf32>, tensor<?x8xf32>, tensor<?x1x16xf32>
}

// -----

#scheme = #awq.scheme<bits = 4, group = 0, zero = symmetric, scale = f16>

// Rows of records are in pairs: of 32 rows the first 8, then those from 16 on.
// The first word has rows 0 (codes 1) and 16 (codes 2) in turn.
// CHECK-LABEL: func @order
// PACK-LABEL: func @order
// PACK: arith.constant dense<"0x21212121
// PACK: awq.fused_linear {{.*}} : (tensor<?x128xf32>, tensor<528xi32, #awq.layout<mma_n32k128>>) -> tensor<?x16xf32>
func.func @order(%x: tensor<?x128xf32>) -> tensor<?x16xf32> {
  %p = arith.constant dense<1> : tensor<16x128xi8>
  %q = arith.constant dense<2> : tensor<16x128xi8>
  %u = arith.constant dense<0.5> : tensor<32x1xf16>
  %codes = tensor.concat dim(0) %p, %q : (tensor<16x128xi8>, tensor<16x128xi8>) -> tensor<32x128xi8>
  %y = awq.quantized_linear %x, %codes, %u {scheme = #scheme}
    : (tensor<?x128xf32>, tensor<32x128xi8>, tensor<32x1xf16>) -> tensor<?x32xf32>
  %zero = arith.constant 0 : index
  %t = tensor.dim %x, %zero : tensor<?x128xf32>
  %a = tensor.extract_slice %y[0, 0] [%t, 16] [1, 1] : tensor<?x32xf32> to tensor<?x16xf32>
  %b = tensor.extract_slice %y[0, 16] [%t, 16] [1, 1] : tensor<?x32xf32> to tensor<?x16xf32>
  %h = decoder.glu %a, %b {kind = #decoder.activation_kind<relu>} : tensor<?x16xf32>
  return %h : tensor<?x16xf32>
}
