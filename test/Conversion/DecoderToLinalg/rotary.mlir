// RUN: awq-opt %s -convert-decoder-to-linalg | FileCheck %s

// CHECK-LABEL: func @table
// CHECK: math.cos
// CHECK: math.sin
func.func @table(%f: tensor<8xf32>, %p: index, %n: index) -> (tensor<?x8xf32>, tensor<?x8xf32>) {
  %c, %s = decoder.rotary_table %f, %p, %n : tensor<8xf32> -> tensor<?x8xf32>
  return %c, %s : tensor<?x8xf32>, tensor<?x8xf32>
}

// Channels i and i + 4 turn together; channels from 8 on pass.
// CHECK-LABEL: func @partial
// CHECK-SAME: %[[X:.*]]: tensor<?x2x10xf32>
// CHECK: tensor.extract_slice %[[X]][0, 0, 0] [%{{.*}}, 2, 4] [1, 1, 1]
// CHECK: tensor.extract_slice %[[X]][0, 0, 4] [%{{.*}}, 2, 4] [1, 1, 1]
// CHECK: arith.subf
// CHECK: arith.addf
// CHECK: %[[REST:.*]] = tensor.extract_slice %[[X]][0, 0, 8] [%{{.*}}, 2, 2] [1, 1, 1]
// CHECK: tensor.insert_slice %[[REST]] into %{{.*}}[0, 0, 8]
func.func @partial(%x: tensor<?x2x10xf32>, %c: tensor<?x4xf32>, %s: tensor<?x4xf32>) -> tensor<?x2x10xf32> {
  %y = decoder.rotary %x, %c, %s : tensor<?x2x10xf32>, tensor<?x4xf32>
  return %y : tensor<?x2x10xf32>
}

// CHECK-LABEL: func @interleaved
// CHECK: tensor.extract_slice %{{.*}}[0, 0, 0] [3, 1, 4] [1, 1, 2]
// CHECK: tensor.extract_slice %{{.*}}[0, 0, 1] [3, 1, 4] [1, 1, 2]
func.func @interleaved(%x: tensor<3x1x8xf32>, %c: tensor<3x4xf32>, %s: tensor<3x4xf32>) -> tensor<3x1x8xf32> {
  %y = decoder.rotary %x, %c, %s {interleaved} : tensor<3x1x8xf32>, tensor<3x4xf32>
  return %y : tensor<3x1x8xf32>
}
