// RUN: awq-opt %s -convert-decoder-to-linalg | FileCheck %s

// CHECK-LABEL: func @relu
// CHECK: linalg.generic
// CHECK-SAME: iterator_types = ["parallel", "parallel"]
// CHECK: ^bb0(%[[X:.*]]: f32, %{{.*}}: f32)
// CHECK: %[[ZERO:.*]] = arith.constant 0.0
// CHECK: %[[Y:.*]] = arith.maximumf %[[X]], %[[ZERO]] : f32
// CHECK: linalg.yield %[[Y]]
func.func @relu(%x: tensor<?x64xf32>) -> tensor<?x64xf32> {
  %y = decoder.activation %x {kind = #decoder.activation_kind<relu>} : tensor<?x64xf32>
  return %y : tensor<?x64xf32>
}

// CHECK-LABEL: func @silu_glu
// CHECK: linalg.generic
// CHECK: ^bb0(%[[GATE:.*]]: f32, %[[UP:.*]]: f32, %{{.*}}: f32)
// CHECK: %[[NEG:.*]] = arith.negf %[[GATE]]
// CHECK: %[[EXP:.*]] = math.exp %[[NEG]]
// CHECK: %[[SUM:.*]] = arith.addf %{{.*}}, %[[EXP]]
// CHECK: %[[SIGMOID:.*]] = arith.divf %{{.*}}, %[[SUM]]
// CHECK: %[[SILU:.*]] = arith.mulf %[[GATE]], %[[SIGMOID]]
// CHECK: arith.mulf %[[SILU]], %[[UP]]
func.func @silu_glu(%gate: tensor<3x8xf32>, %up: tensor<3x8xf32>) -> tensor<3x8xf32> {
  %y = decoder.glu %gate, %up {kind = #decoder.activation_kind<silu>} : tensor<3x8xf32>
  return %y : tensor<3x8xf32>
}

// Half precision is computed in f32.
// CHECK-LABEL: func @half
// CHECK: arith.extf %{{.*}} : f16 to f32
// CHECK: math.tanh %{{.*}} : f32
// CHECK: arith.truncf %{{.*}} : f32 to f16
func.func @half(%x: tensor<2x4xf16>) -> tensor<2x4xf16> {
  %y = decoder.activation %x {kind = #decoder.activation_kind<tanh>} : tensor<2x4xf16>
  return %y : tensor<2x4xf16>
}

// Learned parameters are read once, outside of the loop.
// CHECK-LABEL: func @prelu(
// CHECK-SAME: %{{.*}}: tensor<?x8xf32>, %[[W:.*]]: tensor<1xbf16>
// CHECK: %[[E:.*]] = tensor.extract %[[W]]
// CHECK: %[[S:.*]] = arith.extf %[[E]] : bf16 to f32
// CHECK: linalg.generic
// CHECK: %[[NEGATIVE:.*]] = arith.minimumf
// CHECK: arith.mulf %[[NEGATIVE]], %[[S]] : f32
func.func @prelu(%x: tensor<?x8xf32>, %w: tensor<1xbf16>) -> tensor<?x8xf32> {
  %y = decoder.activation %x parameters(%w) {kind = #decoder.activation_kind<prelu>}
    : tensor<?x8xf32>, tensor<1xbf16>
  return %y : tensor<?x8xf32>
}

// CHECK-LABEL: func @xielu(
// CHECK: %[[P:.*]] = tensor.extract %{{.*}} : tensor<1xf32>
// CHECK: %[[N:.*]] = tensor.extract %{{.*}} : tensor<1xf32>
// CHECK: %[[B:.*]] = tensor.extract %{{.*}}[] : tensor<f32>
// CHECK: %[[E:.*]] = tensor.extract %{{.*}}[] : tensor<f32>
// CHECK: math.log1p
// CHECK: math.log1p
// CHECK: %[[NF:.*]] = arith.addf %[[B]], %{{.*}} : f32
// CHECK: linalg.generic
// CHECK: arith.mulf %[[B]], %{{.*}} : f32
// CHECK: %[[LOW:.*]] = arith.minimumf %{{.*}}, %[[E]] : f32
// CHECK: math.expm1 %[[LOW]] : f32
// CHECK: arith.mulf %{{.*}}, %[[NF]] : f32
// CHECK: arith.select
func.func @xielu(%x: tensor<?x8xf32>, %p: tensor<1xf32>, %n: tensor<1xf32>, %b: tensor<f32>, %e: tensor<f32>)
    -> tensor<?x8xf32> {
  %y = decoder.glu %x, %x parameters(%p, %n, %b, %e) {kind = #decoder.activation_kind<xielu>}
    : tensor<?x8xf32>, tensor<1xf32>, tensor<1xf32>, tensor<f32>, tensor<f32>
  return %y : tensor<?x8xf32>
}
