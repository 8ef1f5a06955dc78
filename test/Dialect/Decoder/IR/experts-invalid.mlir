// RUN: awq-opt %s --split-input-file --verify-diagnostics

func.func @logits(%l: tensor<?x?xf32>) {
  // expected-error @+1 {{takes logits [T, E] with static E}}
  %w, %i = decoder.router %l {scoring = #decoder.router_scoring<softmax>, top_k = 2 : i64}
    : tensor<?x?xf32> -> tensor<?x2xf32>, tensor<?x2xi32>
  return
}

// -----

func.func @bias(%l: tensor<?x8xf32>, %b: tensor<7xf32>) {
  // expected-error @+1 {{bias must be [8], found 'tensor<7xf32>'}}
  %w, %i = decoder.router %l bias %b {scoring = #decoder.router_scoring<softmax>, top_k = 2 : i64}
    : tensor<?x8xf32>, tensor<7xf32> -> tensor<?x2xf32>, tensor<?x2xi32>
  return
}

// -----

func.func @results(%l: tensor<?x8xf32>) {
  // expected-error @+1 {{weights and indices must be [T, top_k], found 'tensor<?x3xi32>'}}
  %w, %i = decoder.router %l {scoring = #decoder.router_scoring<softmax>, top_k = 2 : i64}
    : tensor<?x8xf32> -> tensor<?x2xf32>, tensor<?x3xi32>
  return
}

// -----

func.func @no_choice(%l: tensor<?x8xf32>) {
  // expected-error @+1 {{top_k must be 1 to 8, not 0}}
  %w, %i = decoder.router %l {scoring = #decoder.router_scoring<softmax>, top_k = 0 : i64}
    : tensor<?x8xf32> -> tensor<?x0xf32>, tensor<?x0xi32>
  return
}

// -----

func.func @too_many(%l: tensor<?x2xf32>) {
  // expected-error @+1 {{top_k must be 1 to 2, not 3}}
  %w, %i = decoder.router %l {scoring = #decoder.router_scoring<softmax>, top_k = 3 : i64}
    : tensor<?x2xf32> -> tensor<?x3xf32>, tensor<?x3xi32>
  return
}

// -----

func.func @groups(%l: tensor<?x8xf32>) {
  // expected-error @+1 {{the 3 groups must divide the 8 experts}}
  %w, %i = decoder.router %l {groups = 3 : i64, scoring = #decoder.router_scoring<softmax>, top_k = 2 : i64}
    : tensor<?x8xf32> -> tensor<?x2xf32>, tensor<?x2xi32>
  return
}

// -----

func.func @no_groups(%l: tensor<?x8xf32>) {
  // expected-error @+1 {{the 0 groups must divide the 8 experts}}
  %w, %i = decoder.router %l {groups = 0 : i64, scoring = #decoder.router_scoring<softmax>, top_k = 2 : i64}
    : tensor<?x8xf32> -> tensor<?x2xf32>, tensor<?x2xi32>
  return
}

// -----

func.func @kept_groups(%l: tensor<?x8xf32>) {
  // expected-error @+1 {{kept_groups must be 1 to 4 and hold top_k experts, found 5 groups of 2}}
  %w, %i = decoder.router %l {groups = 4 : i64, kept_groups = 5 : i64, scoring = #decoder.router_scoring<softmax>, top_k = 2 : i64}
    : tensor<?x8xf32> -> tensor<?x2xf32>, tensor<?x2xi32>
  return
}

// -----

func.func @too_few_kept(%l: tensor<?x8xf32>) {
  // expected-error @+1 {{kept_groups must be 1 to 8 and hold top_k experts, found 1 groups of 1}}
  %w, %i = decoder.router %l {groups = 8 : i64, kept_groups = 1 : i64, scoring = #decoder.router_scoring<softmax>, top_k = 2 : i64}
    : tensor<?x8xf32> -> tensor<?x2xf32>, tensor<?x2xi32>
  return
}

// -----

func.func @top_two(%l: tensor<?x8xf32>) {
  // expected-error @+1 {{sum_of_top_two needs groups of two experts or more}}
  %w, %i = decoder.router %l {group_score = #decoder.group_score<sum_of_top_two>, groups = 8 : i64, kept_groups = 4 : i64, scoring = #decoder.router_scoring<softmax>, top_k = 2 : i64}
    : tensor<?x8xf32> -> tensor<?x2xf32>, tensor<?x2xi32>
  return
}

// -----

func.func @hidden(%x: tensor<?x?xf32>, %w: tensor<?x2xf32>, %i: tensor<?x2xi32>) {
  // expected-error @+1 {{takes hidden states [T, H] with static H}}
  %y = decoder.experts %x, %w, %i : (tensor<?x?xf32>, tensor<?x2xf32>, tensor<?x2xi32>) -> tensor<?x?xf32> {
  ^bb0(%t: tensor<?x?xf32>):
    decoder.yield %t : tensor<?x?xf32>
  }
  return
}

// -----

func.func @weights(%x: tensor<3x8xf32>, %w: tensor<4x2xf32>, %i: tensor<4x2xi32>) {
  // expected-error @+1 {{takes weights and indices [T, k] with static k for hidden states [T, H]}}
  %y = decoder.experts %x, %w, %i : (tensor<3x8xf32>, tensor<4x2xf32>, tensor<4x2xi32>) -> tensor<3x8xf32> {
  ^bb0(%t: tensor<?x8xf32>):
    decoder.yield %t : tensor<?x8xf32>
  }
  return
}

// -----

func.func @indices(%x: tensor<?x8xf32>, %w: tensor<?x2xf32>, %i: tensor<?x3xi32>) {
  // expected-error @+1 {{takes weights and indices [T, k] with static k for hidden states [T, H]}}
  %y = decoder.experts %x, %w, %i : (tensor<?x8xf32>, tensor<?x2xf32>, tensor<?x3xi32>) -> tensor<?x8xf32> {
  ^bb0(%t: tensor<?x8xf32>):
    decoder.yield %t : tensor<?x8xf32>
  }
  return
}

// -----

func.func @no_expert(%x: tensor<?x8xf32>, %w: tensor<?x2xf32>, %i: tensor<?x2xi32>) {
  // expected-error @+1 {{has no expert}}
  %y = decoder.experts %x, %w, %i : (tensor<?x8xf32>, tensor<?x2xf32>, tensor<?x2xi32>) -> tensor<?x8xf32>
  return
}

// -----

func.func @argument(%x: tensor<?x8xf32>, %w: tensor<?x2xf32>, %i: tensor<?x2xi32>) {
  // expected-error @+1 {{expert 1 must take one argument of type 'tensor<?x8xf32>'}}
  %y = decoder.experts %x, %w, %i : (tensor<?x8xf32>, tensor<?x2xf32>, tensor<?x2xi32>) -> tensor<?x8xf32> {
  ^bb0(%t: tensor<?x8xf32>):
    decoder.yield %t : tensor<?x8xf32>
  }, {
  ^bb0(%t: tensor<4x8xf32>):
    decoder.yield %x : tensor<?x8xf32>
  }
  return
}

// -----

func.func @two_arguments(%x: tensor<?x8xf32>, %w: tensor<?x2xf32>, %i: tensor<?x2xi32>) {
  // expected-error @+1 {{expert 0 must take one argument of type 'tensor<?x8xf32>'}}
  %y = decoder.experts %x, %w, %i : (tensor<?x8xf32>, tensor<?x2xf32>, tensor<?x2xi32>) -> tensor<?x8xf32> {
  ^bb0(%t: tensor<?x8xf32>, %u: tensor<?x8xf32>):
    decoder.yield %t : tensor<?x8xf32>
  }
  return
}

// -----

func.func @yields(%x: tensor<?x8xf32>, %w: tensor<?x2xf32>, %i: tensor<?x2xi32>, %m: tensor<4x8xf32>) {
  // expected-error @+1 {{expert 0 must yield one value of type 'tensor<?x8xf32>'}}
  %y = decoder.experts %x, %w, %i : (tensor<?x8xf32>, tensor<?x2xf32>, tensor<?x2xi32>) -> tensor<?x8xf32> {
  ^bb0(%t: tensor<?x8xf32>):
    %a = awq.linear %t, %m : (tensor<?x8xf32>, tensor<4x8xf32>) -> tensor<?x4xf32>
    decoder.yield %a : tensor<?x4xf32>
  }
  return
}

// -----

func.func @terminator(%x: tensor<?x8xf32>, %w: tensor<?x2xf32>, %i: tensor<?x2xi32>) {
  // expected-error @+1 {{expert 0 must yield one value of type 'tensor<?x8xf32>'}}
  %y = decoder.experts %x, %w, %i : (tensor<?x8xf32>, tensor<?x2xf32>, tensor<?x2xi32>) -> tensor<?x8xf32> {
  ^bb0(%t: tensor<?x8xf32>):
    llvm.unreachable
  }
  return
}

// -----

func.func @result(%x: tensor<?x8xf32>, %w: tensor<?x2xf32>, %i: tensor<?x2xi32>) {
  // expected-error @+1 {{takes hidden states [T, H] to [T, N] with static N, found 'tensor<?x8xf32>' and 'tensor<3x8xf32>'}}
  %y = decoder.experts %x, %w, %i : (tensor<?x8xf32>, tensor<?x2xf32>, tensor<?x2xi32>) -> tensor<3x8xf32> {
  ^bb0(%t: tensor<?x8xf32>):
    decoder.yield %t : tensor<?x8xf32>
  }
  return
}

// -----

func.func @outside(%x: tensor<?x8xf32>) {
  // expected-error @+1 {{'decoder.yield' op expects parent op 'decoder.experts'}}
  decoder.yield %x : tensor<?x8xf32>
}
