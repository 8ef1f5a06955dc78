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
