// RUN: awq-opt %s | awq-opt | FileCheck %s
// RUN: awq-opt %s --emit-bytecode | awq-opt | FileCheck %s

// CHECK-LABEL: func.func @routers
func.func @routers(%l: tensor<?x16xf32>, %h: tensor<?x8xbf16>, %b: tensor<16xf32>)
    -> (tensor<?x2xf32>, tensor<?x2xi32>, tensor<?x4xf32>, tensor<?x4xi32>) {
  // CHECK: decoder.router %{{.*}} {scoring = #decoder.router_scoring<softmax_of_chosen>, top_k = 2 : i64} : tensor<?x8xbf16> -> tensor<?x2xf32>, tensor<?x2xi32>
  %w, %i = decoder.router %h {scoring = #decoder.router_scoring<softmax_of_chosen>, top_k = 2 : i64}
    : tensor<?x8xbf16> -> tensor<?x2xf32>, tensor<?x2xi32>
  // CHECK: decoder.router %{{.*}} bias %{{.*}} {group_score = #decoder.group_score<sum_of_top_two>, groups = 4 : i64, kept_groups = 2 : i64, normalize, scale = 2.500000e+00 : f64, scoring = #decoder.router_scoring<sigmoid>, top_k = 4 : i64} : tensor<?x16xf32>, tensor<16xf32> -> tensor<?x4xf32>, tensor<?x4xi32>
  %v, %j = decoder.router %l bias %b
    {top_k = 4 : i64, scoring = #decoder.router_scoring<sigmoid>, normalize, scale = 2.5 : f64,
     groups = 4 : i64, kept_groups = 2 : i64, group_score = #decoder.group_score<sum_of_top_two>}
    : tensor<?x16xf32>, tensor<16xf32> -> tensor<?x4xf32>, tensor<?x4xi32>
  return %w, %i, %v, %j : tensor<?x2xf32>, tensor<?x2xi32>, tensor<?x4xf32>, tensor<?x4xi32>
}

// CHECK-LABEL: func.func @experts
func.func @experts(%x: tensor<?x8xf16>, %w: tensor<?x2xf32>, %i: tensor<?x2xi32>, %m: tensor<8x8xf16>)
    -> tensor<?x8xf16> {
  // CHECK: decoder.experts %{{.*}}, %{{.*}}, %{{.*}} : (tensor<?x8xf16>, tensor<?x2xf32>, tensor<?x2xi32>) -> tensor<?x8xf16> {
  // CHECK-NEXT: ^bb0(%[[T:.*]]: tensor<?x8xf16>):
  // CHECK-NEXT: %[[Y:.*]] = awq.linear %[[T]]
  // CHECK-NEXT: decoder.yield %[[Y]] : tensor<?x8xf16>
  // CHECK-NEXT: }, {
  // CHECK-NEXT: ^bb0(%[[U:.*]]: tensor<?x8xf16>):
  // CHECK-NEXT: decoder.yield %[[U]] : tensor<?x8xf16>
  %y = decoder.experts %x, %w, %i
    : (tensor<?x8xf16>, tensor<?x2xf32>, tensor<?x2xi32>) -> tensor<?x8xf16> {
  ^bb0(%t: tensor<?x8xf16>):
    %a = awq.linear %t, %m : (tensor<?x8xf16>, tensor<8x8xf16>) -> tensor<?x8xf16>
    decoder.yield %a : tensor<?x8xf16>
  }, {
  ^bb0(%t: tensor<?x8xf16>):
    decoder.yield %t : tensor<?x8xf16>
  }
  return %y : tensor<?x8xf16>
}
