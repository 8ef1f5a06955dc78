// RUN: awq-opt %s -awq-find-scaling-groups=report -o %t 2>&1 | FileCheck %s
// RUN: awq-opt %s -awq-find-scaling-groups -remarks-filter-missed=awq-find-scaling-groups -remark-format=emitRemark \
// RUN:   -o %t 2>&1 | FileCheck %s --check-prefix=MISSED
// RUN: awq-opt %s -split-input-file -awq-find-scaling-groups=remarks -verify-diagnostics -o %t

// Of a linear that holds gate and up only the rows of up can be scaled; of one
// that holds query, key and value for each of two heads, the rows of value.

// CHECK: scaling group: gate_up -> down (4 of 8 channels)
// CHECK: scaling group: qkv -> out (4 of 12 channels)
// CHECK: scaling group: norm -> fused
// CHECK: 3 scaling groups

// What stands in the way of the other linears is a remark of the optimizer.
// MISSED: ScalingGroup{{.*}}down: no scaling group: 'func.return' blocks, the value leaves the function

func.func @gate_up(%x: tensor<?x4xf32>) -> tensor<?x4xf32> attributes {awq.layer = 0 : i64} {
  %c0 = arith.constant 0 : index
  %t = tensor.dim %x, %c0 : tensor<?x4xf32>
  %w = arith.constant dense<0.5> : tensor<8x4xf32>
  %d = arith.constant dense<0.5> : tensor<4x4xf32>
  // expected-remark @below {{no scaling group: 'awq.linear' blocks, its input is an argument of the function}}
  // expected-note @below {{blocked here}}
  // expected-remark @below {{scaling group: gate_up -> down (4 of 8 channels)}}
  %both = awq.linear %x, %w {awq.name = "gate_up"} : (tensor<?x4xf32>, tensor<8x4xf32>) -> tensor<?x8xf32>
  %gate = tensor.extract_slice %both[0, 0] [%t, 4] [1, 1] : tensor<?x8xf32> to tensor<?x4xf32>
  %up = tensor.extract_slice %both[0, 4] [%t, 4] [1, 1] : tensor<?x8xf32> to tensor<?x4xf32>
  %m = decoder.glu %gate, %up {kind = #decoder.activation_kind<silu>} : tensor<?x4xf32>
  %y = awq.linear %m, %d {awq.name = "down"} : (tensor<?x4xf32>, tensor<4x4xf32>) -> tensor<?x4xf32>
  return %y : tensor<?x4xf32>
}

// -----

func.func @heads(%x: tensor<?x4xf32>, %k0: tensor<?x2x2xf32>, %v0: tensor<?x2x2xf32>, %position: index)
    -> tensor<?x4xf32> attributes {awq.layer = 1 : i64} {
  %c0 = arith.constant 0 : index
  %t = tensor.dim %x, %c0 : tensor<?x4xf32>
  %w = arith.constant dense<0.5> : tensor<12x4xf32>
  %d = arith.constant dense<0.5> : tensor<4x4xf32>
  // expected-remark @below {{no scaling group: 'awq.linear' blocks, its input is an argument of the function}}
  // expected-note @below {{blocked here}}
  // expected-remark @below {{scaling group: qkv -> out (4 of 12 channels)}}
  %all = awq.linear %x, %w {awq.name = "qkv"} : (tensor<?x4xf32>, tensor<12x4xf32>) -> tensor<?x12xf32>
  %heads = tensor.expand_shape %all [[0], [1, 2, 3]] output_shape [%t, 2, 3, 2] : tensor<?x12xf32> into tensor<?x2x3x2xf32>
  %q4 = tensor.extract_slice %heads[0, 0, 0, 0] [%t, 2, 1, 2] [1, 1, 1, 1] : tensor<?x2x3x2xf32> to tensor<?x2x1x2xf32>
  %k4 = tensor.extract_slice %heads[0, 0, 1, 0] [%t, 2, 1, 2] [1, 1, 1, 1] : tensor<?x2x3x2xf32> to tensor<?x2x1x2xf32>
  %v4 = tensor.extract_slice %heads[0, 0, 2, 0] [%t, 2, 1, 2] [1, 1, 1, 1] : tensor<?x2x3x2xf32> to tensor<?x2x1x2xf32>
  %q = tensor.collapse_shape %q4 [[0], [1, 2], [3]] : tensor<?x2x1x2xf32> into tensor<?x2x2xf32>
  %k = tensor.collapse_shape %k4 [[0], [1, 2], [3]] : tensor<?x2x1x2xf32> into tensor<?x2x2xf32>
  %v = tensor.collapse_shape %v4 [[0], [1, 2], [3]] : tensor<?x2x1x2xf32> into tensor<?x2x2xf32>
  %a3, %k1, %v1 = decoder.attention %q, %k, %v, %k0, %v0, %position {scale = 0.5 : f64}
    : (tensor<?x2x2xf32>, tensor<?x2x2xf32>, tensor<?x2x2xf32>, tensor<?x2x2xf32>, tensor<?x2x2xf32>)
    -> (tensor<?x2x2xf32>, tensor<?x2x2xf32>, tensor<?x2x2xf32>)
  %a = tensor.collapse_shape %a3 [[0], [1, 2]] : tensor<?x2x2xf32> into tensor<?x4xf32>
  %y = awq.linear %a, %d {awq.name = "out"} : (tensor<?x4xf32>, tensor<4x4xf32>) -> tensor<?x4xf32>
  return %y : tensor<?x4xf32>
}

// -----

// A slice that a reader absorbs and an addition does not: nothing is scaled.
func.func @overlap(%x: tensor<?x4xf32>) -> tensor<?x4xf32> attributes {awq.layer = 2 : i64} {
  %c0 = arith.constant 0 : index
  %t = tensor.dim %x, %c0 : tensor<?x4xf32>
  %w = arith.constant dense<0.5> : tensor<8x4xf32>
  %d = arith.constant dense<0.5> : tensor<4x4xf32>
  // expected-remark @below {{no scaling group: 'awq.linear' blocks, its input is an argument of the function}}
  // expected-note @below {{blocked here}}
  // expected-remark @below {{no scaling group: 'arith.addf' blocks, the other term of the addition is not scaled}}
  %both = awq.linear %x, %w {awq.name = "both"} : (tensor<?x4xf32>, tensor<8x4xf32>) -> tensor<?x8xf32>
  %one = tensor.extract_slice %both[0, 4] [%t, 4] [1, 1] : tensor<?x8xf32> to tensor<?x4xf32>
  %y = awq.linear %one, %d {awq.name = "down"} : (tensor<?x4xf32>, tensor<4x4xf32>) -> tensor<?x4xf32>
  // expected-note @below {{blocked here}}
  %z = arith.addf %one, %y : tensor<?x4xf32>
  return %z : tensor<?x4xf32>
}

// -----

// A slice needs the number of tokens, which scaling does not change.
func.func @sized(%x: tensor<?x4xf32>) -> tensor<?x4xf32> attributes {awq.layer = 2 : i64} {
  %c0 = arith.constant 0 : index
  %n = arith.constant dense<1.0> : tensor<4xf32>
  %w = arith.constant dense<0.5> : tensor<8x4xf32>
  // expected-remark @below {{scaling group: norm -> fused}}
  %h = decoder.rms_norm %x, %n {awq.name = "norm", epsilon = 1.0e-5 : f64} : tensor<?x4xf32>, tensor<4xf32>
  %t = tensor.dim %h, %c0 : tensor<?x4xf32>
  %y = awq.linear %h, %w {awq.name = "fused"} : (tensor<?x4xf32>, tensor<8x4xf32>) -> tensor<?x8xf32>
  %up = tensor.extract_slice %y[0, 4] [%t, 4] [1, 1] : tensor<?x8xf32> to tensor<?x4xf32>
  return %up : tensor<?x4xf32>
}
